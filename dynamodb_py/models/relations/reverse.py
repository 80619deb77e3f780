"""Reverse relations: ``author.books``, the items that refer to an instance."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from ...batching import identify_key
from ...connections import Connection, connection_for
from ...exceptions import FieldNotLoaded, QueryError, ValidationError
from ...expressions import Condition
from ...flows import Flow, awaiting, blocking, flow_of, has_running_loop, name_verbs, run
from ..fields.model_key import alias_of
from ..fields.refusals import with_article
from ..foreign_keys.unloaded import log_fetch
from ..instance import key_values_of, list_many, options_of
from ..managers.create import (
    Members,
    create_one,
    get_or_create_one,
    update_or_create_among,
)
from ..managers.forwarding import Forwarding
from ..managers.manager import all_items
from ..managers.queryset import QuerySet
from ..persistence.delete import delete_instance
from ..persistence.save import save_instance
from ..persistence.stored import key_of
from ..queryset.execution import read_all
from ..queryset.prefetch.wants import Branch, Prefetchable, Want
from ..records.rows import show_rows
from ..unit_of_work.together import write_together
from .index_choice import find_index
from .prefetch_lookup import bind_connection

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..foreign_keys.field import ForeignKey
    from ..instance import Instance

M = TypeVar("M", bound="Instance")


def query_related(
    reference: ForeignKey[Any, Any],
    owner: Any,
    *,
    beside: ForeignKey[Any, Any] | None = None,
    whole: bool = True,
    hidden: bool = False,
    within: Any = None,
) -> Any:
    """Return the query set of the items that refer to *owner* by *reference*.

    :param beside: another reference; items without it may be missing.
    :param whole: read whole items, even if the index has only a part of them.
    :param hidden: also read the items that the model's ``objects`` hides.
    :param within: the query set to filter, instead of the one of ``objects``.
    """
    if within is None:
        manager = get_manager(reference.model, owner)
        every = all_items(manager) if hidden else manager.get_queryset()
    else:
        every = _bind_queryset(within, reference, owner)
    rows = every.filter(require_reference(reference, owner))
    if rows._question.index is not None:
        return rows
    name, is_whole, beside = find_index(reference, beside)
    if name is None or (reference.index is None and is_whole and beside is None):
        return rows  # the planner may choose a better index for further conditions
    rows = rows.index(name)
    return rows if is_whole or not whole else rows.full()


def _bind_queryset(queryset: Any, reference: ForeignKey[Any, Any], owner: Any) -> Any:
    """Return *queryset* on the connection of *owner*, with the reference among its fields."""
    fetched = queryset._read_options.fetched
    if fetched is not None:
        queryset = queryset.only(*fetched, *[part.name for part in reference.parts])
    return bind_connection(queryset, owner)


def get_manager(model: Any, owner: Any) -> Any:
    """Return the manager ``objects`` of *model* with the connection of *owner*."""
    alias = alias_of(owner)
    return model.objects if alias is None else model.objects.using(alias)


def require_reference(reference: ForeignKey[Any, Any], owner: Any) -> Condition:
    """Return the condition that an item refers to *owner* by *reference*.

    An *owner* that was never loaded may be an instance of a base class of the target.
    """
    if isinstance(owner, reference.target):
        return reference.eq(owner)
    return reference.eq(tuple([getattr(owner, name) for name in reference.names]))


def deletes_items(model: type[Any]) -> bool:
    """Tell whether ``delete()`` of *model* removes the item, instead of marking it as deleted."""
    return flow_of(model, "delete") is delete_instance


def is_soft_deleted(row: Any) -> bool:
    """Tell whether an item is marked as deleted, and so hidden."""
    return not deletes_items(row.__class__) and bool(getattr(row, "is_deleted", False))


@name_verbs
class RelatedSet(Forwarding[M], Generic[M]):
    """The items that refer to one instance: a query set, with verbs that change the references.

    ``author.books.all()``, ``filter()``, ``count()`` and other reads send one Query to the index that
    begins with the reference; so does a loop over ``author.books``. Type checkers need an annotation
    of the attribute in the target's class, ``books: RelatedSet[Book]``.

    Changes of up to 100 items are one transaction; more are several, one after the other. Reads of an
    index are eventually consistent: recent writes may be missing for a moment.

    The examples use these models::

        class Author(Model):
            name = CharField(hash_key=True)


        class Book(Model):
            title = CharField(hash_key=True)
            author = ForeignKey(Author, related_name="books")
            by_author = GlobalIndex(hash_key="author")
    """

    def __init__(
        self, reference: ForeignKey[Any, Any], owner: Any, kept: list[Any] | None = None
    ) -> None:
        self._reference, self._owner, self._kept = reference, owner, kept

    @property
    def model(self) -> type[M]:
        """The model of the referring items."""
        return cast("type[M]", self._reference.model)

    @property
    def _link(self) -> Connection:
        return connection_for(alias_of(self._owner), options_of(self.model).using)

    def get_queryset(self) -> QuerySet[M]:
        """Return the query set of the referring items, without those that were prefetched.

        >>> Author.objects.get("ann").books.get_queryset().count()
        2
        """
        return cast("QuerySet[M]", query_related(self._reference, self._owner))

    def all(self) -> QuerySet[M]:
        """Return the query set of all referring items; prefetched items are not read again.

        >>> ann = Author.objects.get("ann")
        >>> [book.title for book in ann.books.all()]
        ['Ashes', 'Bread']
        """
        rows = self.get_queryset()
        if self._kept is not None:
            rows._result_cache = list(self._kept)
        return rows

    def __iter__(self) -> Iterator[M]:
        return iter(self.all())

    def __aiter__(self) -> AsyncIterator[M]:
        return self.all().__aiter__()

    def __repr__(self) -> str:
        rows = "" if self._kept is None else f": {show_rows(self._kept)}"
        return f"<{self._reference.related_name} of {self._owner!r}{rows}>"

    def _check_instances(self, objects: Iterable[Any]) -> list[M]:
        found: list[M] = []
        for each in objects:
            if not isinstance(each, self.model):
                raise ValidationError(
                    f"{each!r} is not {with_article(self.model)}: give instances of {self.model.__name__}"
                )
            if not any(each is other for other in found):
                found.append(each)
        return found

    def _make_writes(self, objects: Iterable[M]) -> list[Callable[[], Flow[object]]]:
        """Make *objects* refer to this instance, and return the saves."""
        found: list[Callable[[], Flow[object]]] = []
        for each in objects:
            self._reference.assign(each, self._owner)
            found.append(partial(save_instance, each))
        return found

    def _make_clearings(self, objects: Iterable[M]) -> list[Callable[[], Flow[object]]]:
        """Clear the references of *objects*, and return the saves, on condition that they still refer here."""
        still = self._reference.eq(self._owner)  # another writer may have changed the reference
        found: list[Callable[[], Flow[object]]] = []
        for each in objects:
            self._reference.assign(each, None)
            found.append(partial(save_instance, each, condition=still if each.persisted else None))
        return found

    def _add(self, *objects: M) -> Flow[None]:
        """Make *objects* refer to this instance, and save them.

        >>> ann, clouds = Author.objects.get("ann"), Book.objects.get("Clouds")
        >>> ann.books.add(clouds)
        >>> ann.books.count()
        3

        :raises ValidationError: an object is not of the model, or cannot be stored; nothing was sent.
        """
        writes = self._make_writes(self._check_instances(objects))
        self._kept = None
        yield from write_together(writes)

    add = blocking(_add)
    aadd = awaiting(_add)

    def _create(self, /, **values: Any) -> Flow[M]:
        """Insert an item that refers to this instance, and return it, like ``objects.create()``.

        >>> ann = Author.objects.get("ann")
        >>> ann.books.create(title="Dunes")
        Book(title='Dunes', author_id='ann')

        :param values: the values of the other fields; or ``overwrite`` and ``condition``, the options of
            ``objects.create()``.
        :raises AlreadyExists: without ``overwrite=True``, an item has this key; ``current`` is that item.
        :raises ConditionFailed: the stored item does not match the condition. Nothing was written.
        :raises ValidationError: values cannot be stored; nothing was sent.
        :raises TypeError: *values* have the reference itself; nothing was sent.
        """
        name = self._reference.name
        if name in values:
            related = self._reference.related_name
            raise TypeError(f"{name}: {related} sets it: leave it out")
        manager = get_manager(self.model, self._owner)
        self._kept = None
        created: M = yield from create_one(manager, **values, **{name: self._owner})
        return created

    create = blocking(_create)
    acreate = awaiting(_create)

    def _get_or_create(
        self, /, defaults: Mapping[str, Any] | None = None, **key: Any
    ) -> Flow[tuple[M, bool]]:
        """Return the item with this key and False, or a new one that refers to this instance and True.

        It works like ``objects.get_or_create()``. If the reference is part of the key, give the rest.

        >>> ann = Author.objects.get("ann")
        >>> ann.books.get_or_create(title="Dunes")
        (Book(title='Dunes', author_id='ann'), True)

        :param defaults: the values of the other fields of a new item; callables are called.
        :param key: the fields of the key, or ``pk``; without the reference.
        :raises TypeError: *key* or *defaults* have the reference; nothing was sent.
        :raises ValidationError: values of a new item cannot be stored.
        :raises AlreadyExists: the item with this key refers to another instance; ``current`` is the item.
        """
        given, new = self._split_key(key, defaults)
        self._kept = None
        manager = get_manager(self.model, self._owner)
        found, created = yield from get_or_create_one(manager, {**(defaults or {}), **new}, **given)
        if not created and not self._is_referrer(found):
            raise self._make_taken_error(found)
        return found, created

    get_or_create = blocking(_get_or_create)
    aget_or_create = awaiting(_get_or_create)

    def _update_or_create(
        self,
        /,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **key: Any,
    ) -> Flow[tuple[M, bool]]:
        """Update the item with this key, or create one that refers to this instance.

        Returns the item, and whether it was created. It works like ``objects.update_or_create()``. If the
        reference is part of the key, give the rest. An item that refers to another instance is unchanged.

        >>> ann = Author.objects.get("ann")
        >>> ann.books.update_or_create(title="Ashes")
        (Book(title='Ashes', author_id='ann'), False)

        :param defaults: new values by field: plain values, or expressions such as ``F("wins") + 1``; None
            removes the attribute. Callables are called.
        :param create_defaults: the values of a new item, in place of *defaults*; required if these have an
            expression.
        :param key: the fields of the key, or ``pk``; without the reference.
        :raises TypeError: *key* or one of the defaults have the reference; nothing was sent.
        :raises ValidationError: values of the update or of a new item cannot be stored.
        :raises QueryError: the values of a new item have an expression; nothing was sent.
        :raises AlreadyExists: the item with this key refers to another instance; ``current`` is the item.
        """
        if not defaults and not create_defaults:
            return (yield from self._get_or_create(**key))
        given, new = self._split_key(key, defaults, create_defaults)
        self._kept = None
        manager = get_manager(self.model, self._owner)
        members = Members(new, self._reference.eq(self._owner), self._is_referrer) if new else None
        try:
            return (
                yield from update_or_create_among(
                    manager, members, defaults, create_defaults, given
                )
            )
        except self.model.AlreadyExists as error:
            current = cast("M | None", error.current)
            if error.fields or current is None or self._is_referrer(current):
                raise
            raise self._make_taken_error(current) from None

    update_or_create = blocking(_update_or_create)
    aupdate_or_create = awaiting(_update_or_create)

    def _split_key(
        self, key: dict[str, Any], *defaults: Mapping[str, Any] | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the key to look up, completed by the reference if needed, and the values of a new item."""
        name = self._reference.name
        own = {name, *(part.name for part in self._reference.parts)}
        for given in (key, *defaults):
            if given and (twice := own & given.keys()):
                related = self._reference.related_name
                raise TypeError(f"{min(twice)}: {related} sets it: leave it out")
        whole = {**key, name: self._owner}
        if options_of(self.model).is_key(whole):
            return whole, {}
        return key, {name: self._owner}

    def _make_taken_error(self, current: M) -> Exception:
        error = self.model.AlreadyExists(
            f"{current!r} has this key, and refers to another {self._reference.target.__name__}: give another "
            f"key, or {self._reference.related_name}.add() it"
        )
        error.current = current
        return error

    def _remove(self, *objects: M) -> Flow[None]:
        """Clear the references of *objects* to this instance, and save them.

        >>> ann, ashes = Author.objects.get("ann"), Book.objects.get("Ashes")
        >>> ann.books.remove(ashes)
        >>> ashes.author is None
        True

        :raises QueryError: the reference must have a value.
        :raises DoesNotExist: an object does not refer to this instance; nothing was sent.
        :raises ConditionFailed: another writer changed the reference of an object; with several objects
            the error is TransactionCanceled.
        """
        found = self._check_instances(objects)
        self._check_nullable("remove")
        for each in found:
            if not self._is_referrer(each):
                message = f"{each!r} does not refer to {self._owner!r}"
                raise self.model.DoesNotExist(message, missing=[each])
        self._kept = None
        yield from write_together(self._make_clearings(found))

    remove = blocking(_remove)
    aremove = awaiting(_remove)

    def _clear(self) -> Flow[None]:
        """Read all referring items, clear their references, and save them.

        >>> ann = Author.objects.get("ann")
        >>> ann.books.clear()
        >>> ann.books.exists()
        False

        :raises QueryError: the reference must have a value.
        """
        self._check_nullable("clear")
        rows = yield from read_all(self.get_queryset())
        self._kept = None
        yield from write_together(self._make_clearings(list(rows)))

    clear = blocking(_clear)
    aclear = awaiting(_clear)

    def _set(self, objects: Iterable[M]) -> Flow[None]:
        """Make exactly *objects* refer to this instance: the references of all other items are cleared.

        >>> ann = Author.objects.get("ann")
        >>> ann.books.set([Book.objects.get("Bread"), Book.objects.get("Clouds")])
        >>> [book.title for book in ann.books]
        ['Bread', 'Clouds']

        :raises QueryError: there are other items, and the reference must have a value.
        """
        wanted = self._check_instances(list_many(objects, "set()"))
        rows = yield from read_all(self.get_queryset())
        there = set(map(_identify, rows))
        keep = set(map(_identify, wanted))
        gone = [each for each in rows if _identify(each) not in keep]
        if gone:
            self._check_nullable("set")
        new = [
            each
            for each in wanted
            if _identify(each) not in there or not each.persisted or not self._is_referrer(each)
        ]
        self._kept = None
        yield from write_together([*self._make_clearings(gone), *self._make_writes(new)])

    set = blocking(_set)
    aset = awaiting(_set)

    def _is_referrer(self, row: M) -> bool:
        """Tell whether *row* refers to this instance, by comparing stored keys."""
        wires = self._reference.wires_in(row)
        own = self._reference.wires_of(self._owner)
        return wires is not None and identify_key(wires) == identify_key(own)

    def _check_nullable(self, verb: str) -> None:
        if not is_nullable(self._reference):
            raise QueryError(
                f"{self._reference.related_name}.{verb}(): {self._reference.label} must have a value: "
                "delete the items, or add() them to another instance"
            )


def _identify(row: Instance) -> Hashable:
    """Return the stored key, equal for all instances of one item; for an instance without a key, its id."""
    return id(row) if None in key_values_of(row) else identify_key(key_of(row))


def is_nullable(reference: ForeignKey[Any, Any]) -> bool:
    """Tell whether items may be without this reference."""
    return not any(part.required or part.is_key for part in reference.parts)


class _Back(Prefetchable):
    """A base of descriptors for the items that refer to an instance."""

    def __init__(self, reference: ForeignKey[Any, Any], name: str) -> None:
        self.reference, self.name = reference, name

    @property
    def leads_to(self) -> type[Any]:
        return cast("type[Any]", self.reference.model)

    def _read(self, owner: Any, rows: Any) -> Flow[list[Any]]:
        found = yield from read_all(rows)
        for each in found:
            self.reference.keep(each, owner)
        return found

    def __repr__(self) -> str:
        return f"<{self.name}: {self.reference.label}>"


class Related(_Back):
    """``Author.books``: the descriptor of the set of items that refer to an instance."""

    def prefetch(self, owner: Any, wants: list[Want], branch: Branch) -> Flow[None]:
        del wants
        if branch.selection is None and self.name in owner.__dict__:
            return
        rows = query_related(self.reference, owner, within=branch.queryset)
        found = yield from self._read(owner, rows)
        if branch.to_attr is not None:
            owner.__dict__[branch.to_attr] = found
        else:
            owner.__dict__[self.name] = RelatedSet[Any](self.reference, owner, found)

    def reached(self, owner: Any) -> Iterable[Any]:
        kept: RelatedSet[Any] | None = owner.__dict__.get(self.name)
        return () if kept is None else kept._kept or ()

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> RelatedSet[Any]: ...
    def __get__(self, instance: object | None, owner: type[Any]) -> Self | RelatedSet[Any]:
        if instance is None:
            return self
        kept: RelatedSet[Any] | None = instance.__dict__.get(self.name)
        return RelatedSet(self.reference, instance) if kept is None else kept

    def __set__(self, instance: object, value: object) -> None:
        raise AttributeError(
            f"{type(instance).__name__}.{self.name} are items of {self.reference.owner} and cannot be "
            f"assigned: call {self.name}.set([...]), which writes them"
        )


class RelatedOne(_Back):
    """``User.profile``: the one item that refers to an instance, fetched on demand."""

    def prefetch(self, owner: Any, wants: list[Want], branch: Branch) -> Flow[None]:
        del wants
        if branch.selection is None and self.name in owner.__dict__:
            return
        rows = query_related(self.reference, owner, within=branch.queryset).limit(1)
        found = yield from self._read(owner, rows)
        if branch.to_attr is not None:
            owner.__dict__[branch.to_attr] = next(iter(found), None)
        else:
            owner.__dict__[self.name] = found

    def reached(self, owner: Any) -> Iterable[Any]:
        return owner.__dict__.get(self.name) or ()

    def __get__(self, instance: object | None, owner: type[Any]) -> Any:
        if instance is None:
            return self
        kept = instance.__dict__.get(self.name)
        if kept is None:
            model: Any = self.reference.model
            if has_running_loop():
                raise FieldNotLoaded(
                    f"{owner.__name__}.{self.name} was not fetched, and an event loop runs here: "
                    f"await {model.__name__}.objects.aget({self.reference.name}=...), or "
                    f"await aprefetch([...], {self.name!r}) first"
                )
            log_fetch("%s.%s: fetching the %s on demand", owner.__name__, self.name, model.__name__)
            rows = query_related(self.reference, instance)
            kept = run(read_all(rows.limit(1)), rows._link)
        return self.only(instance, kept)

    def only(self, instance: Any, rows: list[Any]) -> Any:
        """Return the only item of *rows*, and cache it; its reference is set to *instance*."""
        model: Any = self.reference.model
        if not rows:
            raise model.DoesNotExist(
                f"no {model.__name__} has {instance!r} as its {self.reference.name}",
                missing=[instance],
            )
        self.reference.keep(rows[0], instance)
        instance.__dict__[self.name] = rows
        return rows[0]

    def __set__(self, instance: object, value: object) -> None:
        raise AttributeError(
            f"{type(instance).__name__}.{self.name} is an item of {self.reference.owner}: assign "
            f"this instance to its {self.reference.name}, and save that"
        )
