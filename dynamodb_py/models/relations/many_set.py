"""The set of a many-to-many relation, stored as items of a model between the two models."""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Callable,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from ...batching import identify_key
from ...codec import to_json
from ...connections import Connection, connection_for
from ...exceptions import ConditionFailed, TransactionCanceled
from ...flows import Flow, arun, awaiting, blocking, flow_of, name_verbs, run
from ..bulk.bound_model import read_instances
from ..fields.ids import UUIDField
from ..fields.model_key import alias_of, make_stub
from ..foreign_keys.expansion import find_key_fields
from ..foreign_keys.field import ForeignKey
from ..instance import list_many, options_of
from ..managers.create import get_or_create_one, update_or_create_one
from ..persistence.save import save_instance
from ..queryset.execution import read_all
from ..queryset.reads import count_rows, has_rows, keep_shown, leaves_out
from ..records.rows import show_rows
from ..unit_of_work.collector import COLLECTOR
from ..unit_of_work.together import write_together
from .cascade import is_written
from .index_choice import find_index
from .reverse import deletes_items, get_manager, query_related

if TYPE_CHECKING:
    from ..instance import Instance
    from ..managers.queryset import QuerySet


T = TypeVar("T", bound="Instance")
Reference = ForeignKey[Any, Any]


@name_verbs
class ManySet(Generic[T]):
    """The items that are related to an instance, by items of a model between the two.

    A loop over the set sends one Query of the model between, and a BatchGetItem for each hundred items;
    they come in the order of that Query. Up to 100 writes are one transaction; more are several, one
    after the other.

    The examples use these models::

        class Tag(Model):
            name = CharField(hash_key=True)


        class Book(Model):
            title = CharField(hash_key=True)
            tags = ManyToManyField(Tag, through="BookTag", related_name="books")


        class BookTag(Model):
            book = ForeignKey(Book, hash_key=True)
            tag = ForeignKey(Tag, range_key=True)
            by_tag = GlobalIndex(hash_key="tag", range_key="book")
    """

    def __init__(self, owner: Any, near: Reference, far: Reference) -> None:
        self._owner, self._near, self._far = owner, near, far
        self._kept: list[Any] | None = None

    @property
    def through(self) -> type[Any]:
        """The model between the two models."""
        return cast("type[Any]", self._near.model)

    @property
    def _alias(self) -> str | None:
        return alias_of(self._owner)

    @property
    def _link(self) -> Connection:
        return connection_for(self._alias, options_of(self.through).using)

    def rows(self) -> QuerySet[Any]:
        """Return the query set of the items between the instance and its related items."""
        return cast("QuerySet[Any]", query_related(self._near, self._owner, beside=self._far))

    def all(self) -> ManySet[T]:
        """Return the same set; items that were read are not read again.

        >>> book = Book.objects.get("Ashes")
        >>> list(book.tags.all())
        [Tag(name='crime')]
        """
        same: ManySet[T] = ManySet(self._owner, self._near, self._far)
        same._kept = self._kept
        return same

    def _fetch(self) -> Flow[list[T]]:
        """Return all related items as a list.

        A missing item is left out, with a warning in the log. An item that its model's ``objects`` hides
        is left out too.

        >>> [book.title for book in Tag.objects.get("crime").books.fetch()]
        ['Ashes', 'Bread', 'Clouds']
        """
        if self._kept is None:
            self._kept = yield from self._read_targets()
        return list(self._kept)

    def _read_targets(self) -> Flow[list[T]]:
        rows = yield from read_all(self.rows())
        targets = yield from _read_items(self.stubs(rows))
        return (yield from self.keep_shown(targets))

    fetch = blocking(_fetch)
    afetch = awaiting(_fetch)

    def stubs(self, rows: Iterable[Any]) -> list[Any]:
        """Return instances with keys alone of the items that *rows* refer to, without repetition."""
        found = [wires for row in rows if (wires := self._far.wires_in(row)) is not None]
        return list(map(self._make_stub, {identify_key(each): each for each in found}.values()))

    def _make_stub(self, key: dict[str, Any]) -> Any:
        return make_stub(self._far.target, key, self._alias)

    def keep_shown(self, targets: list[Any]) -> Flow[list[Any]]:
        """Return *targets* without the items that the ``objects`` of their model hides."""
        return (yield from keep_shown(self._query_targets(), targets))

    def _query_targets(self) -> Any:
        return get_manager(self._far.target, self._owner).get_queryset()

    def _by_key(self, targets: Iterable[T | Any]) -> dict[Hashable, Any]:
        """Return a dict of *targets*, which are instances or keys, by their stored key."""
        return {identify_key(self._far.wires_of(each)): each for each in targets}

    def _far_key(self, row: Any) -> Hashable:
        """Return the stored key of the item that *row* refers to, as in :meth:`_by_key`, or None."""
        wires = self._far.wires_in(row)
        return None if wires is None else identify_key(wires)

    def _group(self, rows: Iterable[Any]) -> dict[Hashable, list[Any]]:
        """Return *rows*, grouped by the key of the item that they refer to."""
        found: dict[Hashable, list[Any]] = {}
        for row in rows:
            if (key := self._far_key(row)) is not None:
                found.setdefault(key, []).append(row)
        return found

    def __iter__(self) -> Iterator[T]:
        return iter(run(self._fetch(), self._link))

    async def __aiter__(self) -> AsyncIterator[T]:
        for each in await arun(self._fetch(), self._link):
            yield each

    def _count(self) -> Flow[int]:
        """Return the number of related items; these are read only if their ``objects`` hides some.

        >>> Tag.objects.get("crime").books.count()
        3
        """
        if leaves_out(self._query_targets()):
            return len((yield from self._read_targets()))
        if self._is_keyed():
            return (yield from count_rows(self.rows()))
        return len(self._group((yield from read_all(self.rows()))))

    count = blocking(_count)
    acount = awaiting(_count)

    def _exists(self) -> Flow[bool]:
        """Return whether there is a related item.

        >>> Tag.objects.get("love").books.exists()
        False
        """
        if self._is_keyed() and not leaves_out(self._query_targets()):
            return (yield from has_rows(self.rows()))
        return (yield from self._count()) > 0

    exists = blocking(_exists)
    aexists = awaiting(_exists)

    def _contains(self, target: T | Any) -> Flow[bool]:
        """Return whether *target*, an instance or its key, is in the set.

        >>> Book.objects.get("Ashes").tags.contains("crime")
        True
        """
        wires = self._far.wires_of(target)
        if self._is_keyed() or find_index(self._near, self._far).is_whole:
            found = yield from has_rows(self.rows().filter(self._far.eq(target)))
        else:
            found = identify_key(wires) in self._group((yield from read_all(self.rows())))
        if not found or not leaves_out(self._query_targets()):
            return found
        targets = yield from _read_items([self._make_stub(wires)])
        return bool((yield from self.keep_shown(targets)))

    contains = blocking(_contains)
    acontains = awaiting(_contains)

    def __repr__(self) -> str:
        rows = "" if self._kept is None else f": {show_rows(self._kept)}"
        return f"<{self._far.target.__name__}s of {self._owner!r} by {self.through.__name__}{rows}>"

    def _query_through(self) -> Any:
        return get_manager(self.through, self._owner).get_queryset()

    def _make_row(self, target: Any, /, **values: Any) -> Any:
        """Return a new item between the instance and *target*, an instance or its key.

        If the model between has a UUID as its key, the UUID is computed from the two references: another
        writer who adds the same pair writes the same item.
        """
        own = self._find_own_key()
        if own is not None:
            values.setdefault(own.name, self._make_pair_id(target))
        row = self.through(**values, **{self._near.name: self._owner, self._far.name: target})
        if self._alias is not None:
            row.__dict__["_using"] = self._alias
        return row

    def _list_key_names(self) -> set[str]:
        return {field.name for field in find_key_fields(self.through._fieldset.by_name)}

    def _list_reference_names(self) -> set[str]:
        return {part.name for part in (*self._near.parts, *self._far.parts)}

    def _is_keyed(self) -> bool:
        """Tell whether the two references are the whole key of the model between."""
        return self._list_key_names() == self._list_reference_names()

    def _find_own_key(self) -> Any:
        """Return the one field of the key that belongs to no reference, if its default is a new UUID."""
        others = self._list_key_names() - self._list_reference_names()
        fields: list[Any] = [self.through._fieldset.by_name[name] for name in others]
        if len(fields) == 1 and issubclass(fields[0].__class__, UUIDField):
            return fields[0] if callable(fields[0].default) else None
        return None

    def _make_pair_id(self, target: Any) -> Any:
        # Imported only if the model between has a UUID as its key.
        from uuid import NAMESPACE_OID, uuid5

        near = self._near.wires_of(self._owner)
        ends = {self._near.name: near, self._far.name: self._far.wires_of(target)}
        return uuid5(NAMESPACE_OID, to_json(dict(sorted(ends.items()))).decode())

    def _read_pairs(self, targets: dict[Hashable, Any]) -> Flow[list[Any]]:
        """Return the items between the instance and *targets* that ``objects`` does not hide."""
        found: list[Any] = []
        made: list[Any] = []
        if not self._is_keyed():
            found += yield from read_all(self.rows())
        if self._is_keyed() or self._find_own_key() is not None:
            made = list(map(self._make_row, targets.values()))
            known = yield from _read_items(made, whole=True)
            found += yield from keep_shown(self._query_through(), known)
        rows = {row.primary_key: row for row in found}
        for row in [*found, *made]:
            written = is_written(row)
            if written is not None:  # as the current transaction leaves it
                rows.pop(row.primary_key, None)
                rows.update({row.primary_key: row} if written else {})
        return [row for row in rows.values() if self._far_key(row) in targets]

    def _make_insert(self, row: Any) -> Callable[[], Flow[object]]:
        """Return the insert of an item between; it may replace a softly deleted one."""
        scope = self._query_through()._scope
        if scope is None:
            return partial(save_instance, row, force_insert=True)
        free = options_of(self.through).absent | ~scope.condition(self.through)
        return partial(save_instance, row, overwrite=True, condition=free)

    def _add(self, *targets: T | Any, through: dict[str, Any] | None = None) -> Flow[None]:
        """Add *targets*, instances or their keys; the items between are read first.

        Items that are in the set already stay unchanged.

        >>> book = Book.objects.get("Ashes")
        >>> book.tags.add("love")
        >>> [tag.name for tag in book.tags]
        ['crime', 'love']

        :param through: values of the other fields of the new items between.
        :raises AlreadyExists: an item between exists, and the ``objects`` of its model hides it; with
            several targets the error is TransactionCanceled.
        """
        by_key = self._by_key(targets)
        there = self._group((yield from self._read_pairs(by_key)))
        new = {key: each for key, each in by_key.items() if key not in there}
        yield from self._write_new(new, through or {}, ())

    def _write_new(
        self,
        new: dict[Hashable, Any],
        values: dict[str, Any],
        before: Sequence[Callable[[], Flow[object]]],
    ) -> Flow[None]:
        """Execute the writes *before*, and insert the items between the instance and *new*."""
        self._kept = None
        while True:
            rows = [self._make_row(each, **values) for each in new.values()]
            try:
                yield from write_together([*before, *map(self._make_insert, rows)])
            except (ConditionFailed, TransactionCanceled):
                if COLLECTOR.get() is not None:
                    raise
                there = self._group((yield from self._read_pairs(new)))
                if not there:
                    raise
                new = {key: each for key, each in new.items() if key not in there}
            else:
                return  # pairs that were dropped from *new* were added by another writer

    add = blocking(_add)
    aadd = awaiting(_add)

    def _create(self, /, **values: Any) -> Flow[T]:
        """Insert an item of the other model and the item between, in one transaction; return the first.

        >>> book = Book.objects.get("Ashes")
        >>> book.tags.create(name="war")
        Tag(name='war')

        :param values: the values of the other model's fields.
        :raises AlreadyExists: an item of the other model has this key.
        """
        target = self._far.target(**values)
        if self._alias is not None:
            target.__dict__["_using"] = self._alias
        self._kept = None
        row = self._make_row(target)
        insert = partial(save_instance, target, force_insert=True)
        yield from write_together([insert, self._make_insert(row)])
        return cast("T", target)

    create = blocking(_create)
    acreate = awaiting(_create)

    def _get_or_create(
        self, /, defaults: Mapping[str, Any] | None = None, **key: Any
    ) -> Flow[tuple[T, bool]]:
        """Return the item of the other model with this key and False, or a new one and True.

        It calls ``objects.get_or_create()`` of that model, and adds the item to the set.

        >>> Book.objects.get("Ashes").tags.get_or_create(name="love")
        (Tag(name='love'), False)

        :param defaults: the values of the other fields of a new item; callables are called.
        :param key: the fields of the key, or ``pk``.
        :raises ValidationError: values of a new item cannot be stored.
        :raises AlreadyExists: another item has a unique value of the new one: ``fields`` has its name.
        """
        manager = get_manager(self._far.target, self._owner)
        target, created = yield from get_or_create_one(manager, defaults, **key)
        yield from self._add(target)
        return target, created

    get_or_create = blocking(_get_or_create)
    aget_or_create = awaiting(_get_or_create)

    def _update_or_create(
        self,
        /,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **key: Any,
    ) -> Flow[tuple[T, bool]]:
        """Update the item of the other model with this key, or create it; return it and whether it is new.

        It calls ``objects.update_or_create()`` of that model, and adds the item to the set.

        >>> tag = Tag.objects.get("love")
        >>> tag.books.update_or_create(title="Bread", defaults={"author": "bob"})
        (Book(title='Bread', author_id='bob'), False)

        :param defaults: new values by field: plain values, or expressions such as ``F("wins") + 1``; None
            removes the attribute. Callables are called.
        :param create_defaults: the values of a new item, in place of *defaults*; required if these have an
            expression.
        :param key: the fields of the key, or ``pk``.
        :raises ValidationError: values of the update or of a new item cannot be stored.
        :raises QueryError: the values of a new item have an expression; nothing was sent.
        :raises AlreadyExists: another item has a unique value of this one: ``fields`` has its name.
        """
        manager = get_manager(self._far.target, self._owner)
        target, created = yield from update_or_create_one(manager, defaults, create_defaults, **key)
        yield from self._add(target)
        return target, created

    update_or_create = blocking(_update_or_create)
    aupdate_or_create = awaiting(_update_or_create)

    def _remove(self, *targets: T | Any) -> Flow[None]:
        """Remove *targets*, instances or their keys, from the set; only the items between are deleted.

        >>> book = Book.objects.get("Ashes")
        >>> book.tags.remove("crime")
        >>> list(book.tags)
        []
        """
        by_key = self._by_key(targets)
        if self._is_keyed() and deletes_items(self.through):
            rows = list(map(self._make_row, by_key.values()))
        else:
            rows = yield from self._read_pairs(by_key)
        self._kept = None
        yield from write_together([_make_delete(row) for row in rows])

    remove = blocking(_remove)
    aremove = awaiting(_remove)

    def _clear(self) -> Flow[None]:
        """Empty the set: the items between are read and deleted.

        >>> tag = Tag.objects.get("crime")
        >>> tag.books.clear()
        >>> tag.books.count()
        0
        """
        rows = yield from read_all(self.rows())
        self._kept = None
        yield from write_together([_make_delete(row) for row in rows])

    clear = blocking(_clear)
    aclear = awaiting(_clear)

    def _set(self, targets: Iterable[T | Any]) -> Flow[None]:
        """Replace the set by *targets*; the items between are read, and inserted or deleted as needed.

        >>> book = Book.objects.get("Ashes")
        >>> book.tags.set(["love"])
        >>> list(book.tags)
        [Tag(name='love')]

        :param targets: instances of the other model, or their keys.
        """
        wanted = self._by_key(list_many(targets, "set()"))
        rows = yield from read_all(self.rows())
        there = set(map(self._far_key, rows))
        gone = [_make_delete(row) for row in rows if self._far_key(row) not in wanted]
        new = {key: each for key, each in wanted.items() if key not in there}
        yield from self._write_new(new, {}, gone)

    set = blocking(_set)
    aset = awaiting(_set)


def _make_delete(instance: Any) -> Callable[[], Flow[object]]:
    return partial(flow_of(instance.__class__, "delete"), instance)


def _read_items(stubs: list[Any], *, whole: bool = False) -> Flow[list[Any]]:
    """Read the items of *stubs*; missing items are left out, with a warning in the log.

    :param whole: *stubs* are new instances: read consistently, and do not warn.
    """
    if not stubs:
        return []
    items = yield from read_instances(stubs, consistent=True if whole else None)
    found: list[Any] = []
    missing: list[str] = []
    for stub, item in zip(stubs, items, strict=True):
        if item is None:
            key = f" {stub.primary_key!r}" if stub._link.log_keys else ""
            missing.append(type(stub).__name__ + key)
            continue
        target: Any = stub._load(item)
        if "_using" in stub.__dict__:
            target.__dict__["_using"] = stub._using
        found.append(target)
    if missing and not whole:
        import logging  # loaded only for the warning

        logging.getLogger("dynamodb_py.relations").warning(
            "%d references to items that do not exist: %s", len(missing), ", ".join(missing[:5])
        )
    return found
