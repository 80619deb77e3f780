"""Prefetching: the items that a page of others refers to, by as few requests as there can be."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, TypeAlias, cast

from msgspec import Struct

from ...batching import identify_key, run_together
from ...connections import AMBIENT_DEFAULT, Connection, ambient_alias, connection_for
from ...exceptions import (
    BatchIncomplete,
    ConfigurationError,
    QueryError,
    RequestError,
    UnreadableValue,
)
from ...flows import Flow
from ...operations.items import Key, StoredItem
from ...reading.keys import make_identity_reader
from ..attribute_values.fetch import read_items
from ..bulk.bound_model import make_awaiting, make_blocking
from ..fields.model_key import alias_of, make_stub
from ..foreign_keys.field import ForeignKey
from ..foreign_keys.unloaded import is_stub
from ..instance import Instance, options_of
from ..persistence.stored import key_of, replace_stored
from ..visibility import filter_item

Tree: TypeAlias = "dict[str, Branch]"
"""The relations to read, by the attributes that have their items."""
Objects: TypeAlias = "list[Any]"

WORKERS = 8
"""The largest number of queries at a time, for relations that lead back: one for each instance."""

_SHOWN = 5


class Selection:
    """A relation by its path, with the query set that reads it and the attribute for its items."""

    path: str
    queryset: Any
    """None: as the relation itself reads them."""
    to_attr: str | None
    """None: the relation itself has them."""

    def check(self, target: Any, *, by_key: bool) -> None:
        """Raise QueryError if the query set cannot read items of *target*.

        :param by_key: those are read by their keys.
        """
        raise NotImplementedError

    def read_by_key(self, stubs: Objects) -> Flow[tuple[Mapping[Hashable, Any], Objects]]:
        """Return the items of *stubs* that exist, by key, and those of them that the query set has."""
        raise NotImplementedError


class Branch(Struct, eq=False):
    """A relation to read, and those of its items."""

    name: str
    below: Tree
    selection: Selection | None = None

    @property
    def queryset(self) -> Any:
        """The query set that reads it, if one was given."""
        return None if self.selection is None else self.selection.queryset

    @property
    def to_attr(self) -> str | None:
        """The attribute for its items, if it is not the relation itself."""
        return None if self.selection is None else self.selection.to_attr


class Dangling(Struct, frozen=True):
    """A reference to an item that is not there, as a prefetch found it."""

    owner: Any
    """The instance, or the document, that refers to it."""
    name: str
    """The reference, or the field that holds it."""
    model: type[Any]
    """The model of the item."""
    key: Any
    """The item's ``primary_key``."""

    def __str__(self) -> str:
        return f"{self.describe()} {self.key!r}"

    def describe(self) -> str:
        """Return the reference and the model, without the key."""
        return f"{type(self.owner).__name__}.{self.name}: {self.model.__name__}"


class Want(Struct, eq=False):
    """An item to read, and a callback that takes this and the item, or None where it does not exist."""

    owners: Objects
    """The instances, or the documents, that refer to it."""
    name: str
    model: type[Any]
    key: Key
    alias: str | None
    """The connection that it belongs to; None: as any instance that was loaded."""
    take: Callable[[Want, Any], None]
    values: tuple[Any, ...] = ()
    """The values of the reference in its owners."""
    known: Any = None
    """The instance that knows only the key, where there is one."""
    keep: Callable[[Objects], Flow[Objects]] | None = None
    """Returns those of the items of the model that the relation shows; None: it shows all."""
    selection: Selection | None = None
    """Reads the item, where a query set was given for that."""

    @property
    def stub(self) -> Any:
        """An instance that knows only the key."""
        if self.known is None:
            self.known = make_stub(self.model, self.key, self.alias)
        return self.known

    @property
    def link(self) -> Connection:
        """The connection that the item is read over."""
        alias = AMBIENT_DEFAULT if self.alias is None else self.alias
        return connection_for(alias, options_of(self.model).using)


def want_stub(owner: Any, name: str, stub: Any, take: Callable[[Want, Any], None]) -> Want:
    """Return the want of the item of *stub*, an instance that knows only its key."""
    alias = stub.__dict__.get("_using")
    return Want([owner], name, stub.__class__, key_of(stub), alias, take, known=stub)


class Prefetchable:
    """An attribute of a model that leads to other items by queries."""

    name: str

    @property
    def leads_to(self) -> type[Any]:
        """The model of those items."""
        raise NotImplementedError

    reads_by_key: bool = False
    """Whether the items are read by their keys."""

    def prefetch(self, owner: Any, wants: list[Want], branch: Branch) -> Flow[None]:
        """Read the items of *owner*, and keep them in it; those to read by key are added to *wants*."""
        raise NotImplementedError

    def reached(self, owner: Any) -> Iterable[Any]:
        """Return the items of *owner* that were read."""
        raise NotImplementedError


def tree_of(model: type[Any], paths: Iterable[str | Selection]) -> Tree:
    """Return the relations in *paths*, as ``lines__product``, of *model*, level by level.

    :raises QueryError: one names no relation, or has a query set that cannot read it.
    """
    tree: Tree = {}
    for each in paths:
        if not isinstance(each, (str, Selection)):
            raise QueryError(
                f"prefetch_related({each!r}): it takes names of relations, author__publisher for one "
                "of what another leads to, and Prefetch(...)"
            )
        selection = each if isinstance(each, Selection) else None
        path = each if isinstance(each, str) else each.path
        *before, last = path.split("__")
        at, kind = tree, model
        for name in before:
            branch = at.get(name)
            kind = _find_target_class(kind, name if branch is None else branch.name, path)
            at = at.setdefault(name, Branch(name, {})).below
        if selection is None and last in at:
            continue
        target = _find_target_class(kind, last, path)
        if selection is not None:
            _check_selection(selection, kind, last, target)
        branch = at.setdefault(
            (selection and selection.to_attr) or last, Branch(last, {}, selection)
        )
        if branch.selection is not selection:
            raise QueryError(
                f"prefetch_related({path!r}) is there already, with other items: give one of them a to_attr= of "
                "its own"
            )
    return tree


def _check_selection(selection: Selection, kind: Any, name: str, target: Any) -> None:
    by_key = True
    if kind is not None:
        descriptor = getattr(kind, name, None)
        if isinstance(descriptor, Prefetchable):
            by_key = descriptor.reads_by_key
        elif name not in kind._fieldset.references:
            raise QueryError(
                f"Prefetch({selection.path!r}): {kind.__name__}.{name} is a field that holds references or "
                "documents: name it as a text, without a query set"
            )
    selection.check(target, by_key=by_key)
    if selection.to_attr is not None and kind is not None:
        _check_free(selection, kind)


def _check_free(selection: Selection, kind: Any) -> None:
    """Refuse the name of an attribute that instances of *kind* have."""
    name = selection.to_attr
    if name in kind._fieldset.by_name or any(name in vars(base) for base in kind.__mro__):
        raise QueryError(
            f"Prefetch({selection.path!r}, to_attr={name!r}): {kind.__name__} has an attribute of that "
            "name: give another one"
        )


def _find_target_class(kind: Any, name: str, path: str) -> Any:
    """Return the class that *name* leads to from instances of *kind*; None where any is possible."""
    if kind is None:
        return None
    if not all(reference.is_settled for reference in kind._fieldset.references.values()):
        kind._settle_references()
    if name in kind._fieldset.references:
        return kind._fieldset.references[name].target
    descriptor = getattr(kind, name, None)
    if isinstance(descriptor, Prefetchable):
        return descriptor.leads_to
    if name in kind._fieldset.by_name:
        inner: Any = kind._fieldset.by_name[name]
        while getattr(inner, "inner", None) is not None:
            inner = inner.inner
        if isinstance(inner, ForeignKey):
            return inner.target
        found = getattr(inner, "document", None) or getattr(inner, "model", None)
        if found is not None:
            return found
    relations = [n for n in dir(kind) if isinstance(getattr(kind, n, None), Prefetchable)]
    known = [*kind._fieldset.references, *relations]
    raise QueryError(
        f"prefetch_related({path!r}): {kind.__name__}.{name} leads to no other item: what does is "
        f"{', '.join(known) or 'nothing'}, and fields that hold references or documents"
    )


def prefetch_tree(objects: Sequence[Any], tree: Tree, link: Connection) -> Flow[list[Dangling]]:
    """Read the relations in *tree* of *objects*, into them; return the references to missing items.

    Each level takes one BatchGetItem for each hundred items that it leads to, whatever relations
    they come by; duplicates are read once. What leads back takes one Query for each instance.
    """
    dangling: list[Dangling] = []
    level: list[tuple[Objects, Tree]] = [(list(objects), tree)]
    while level:
        wants: list[Want] = []
        queries: list[Flow[None]] = []
        between: list[Want] = []
        later: list[tuple[Objects, Branch]] = []
        for held, below in _enter_documents(level):
            kinds = {each.__class__ for each in held}
            for branch in below.values():
                wants += _find_wants(held, branch)
                found = {kind: getattr(kind, branch.name, None) for kind in kinds}
                backward = {k: d for k, d in found.items() if isinstance(d, Prefetchable)}
                for each in held if backward else ():
                    if (descriptor := backward.get(each.__class__)) is not None:
                        queries.append(descriptor.prefetch(each, between, branch))
                later.append((held, branch))
        yield from _read_wanted(wants, dangling, link)
        for outcome in (yield from run_together(queries, WORKERS)):
            if isinstance(outcome, Exception):
                raise outcome
        yield from _read_wanted(between, dangling, link)
        level = [
            (targets, branch.below)
            for held, branch in later
            if branch.below and (targets := _find_targets(held, branch))
        ]
    _report(dangling, link)
    return dangling


def _enter_documents(level: list[tuple[Objects, Tree]]) -> Iterator[tuple[Objects, Tree]]:
    """Yield *level* with the documents of instances in the place of the fields that hold them."""
    for objects, tree in level:
        here: Tree = {}
        for name, branch in tree.items():
            documents = _find_documents(objects, branch.name)
            if documents is None:
                here[name] = branch
            elif branch.below:
                yield from _enter_documents([(documents, branch.below)])
        if here:
            yield objects, here


def _find_documents(objects: Objects, name: str) -> Objects | None:
    """Return the documents that the field *name* holds; None if it holds none."""
    found: Objects = []
    for each in objects:
        if name not in each._fieldset.by_name:
            return None
        for value in _iterate_elements(_get_readable(each, name)):
            if isinstance(value, Instance):
                return None
            if hasattr(value, "_fieldset"):
                found.append(value)
    return found


def _get_readable(owner: Any, name: str) -> Any:
    """Return the value of a field; None if the field cannot read it: others are prefetched all the same."""
    try:
        return getattr(owner, name)
    except UnreadableValue:
        return None


def _iterate_elements(value: Any) -> Iterator[Any]:
    """Yield the values inside lists, sets and maps."""
    if isinstance(value, Mapping):
        for each in cast("Mapping[Any, Any]", value).values():
            yield from _iterate_elements(each)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for each in cast("Iterable[Any]", value):
            yield from _iterate_elements(each)
    elif value is not None:
        yield value


def _find_wants(objects: Objects, branch: Branch) -> Iterator[Want]:
    name = branch.name
    known: dict[Hashable, Want] = {}
    for kind, owners in groupby(objects, type):
        fields = cast("Any", kind)._fieldset
        if (reference := fields.references.get(name)) is not None:
            yield from _want_targets(reference, owners, branch, known)
        elif name in fields.by_name:
            for owner in owners:
                for stub in _iterate_elements(_get_readable(owner, name)):
                    if isinstance(stub, Instance) and is_stub(stub):
                        yield want_stub(owner, name, stub, _fill_stub)


def _want_targets(
    reference: ForeignKey[Any, Any],
    objects: Iterable[Any],
    branch: Branch,
    known: dict[Hashable, Want],
) -> Iterator[Want]:
    """Yield the wants of the items that *objects* refer to; what was read is wanted for a query set alone.

    :param known: the wants by the values of their keys, to which further owners are added.
    """
    name, attribute, is_given = branch.name, branch.to_attr, branch.queryset is not None
    take = partial(_keep_target, name, attribute, is_given)
    for owner in objects:
        key, values = reference.read_key(owner), owner.__dict__
        if attribute is not None:
            values[attribute] = None
        if key is None:
            continue
        alias, kept, place = alias_of(owner), values.get(name), None
        if kept is None and reference.spells_plainly(key):
            place = id(reference), key, alias
            if (want := known.get(place)) is not None:
                want.owners.append(owner)
                continue
        target = kept[1] if kept is not None and kept[0] == key else None
        if target is not None and is_stub(target):
            want = want_stub(owner, name, target, take)
            want.values = key
        elif target is None or is_given:
            alias = ambient_alias() if alias is None else alias
            wires = reference.spell_key(owner, key)
            want = Want([owner], name, reference.target, wires, alias, take, key)
        else:
            if attribute is not None:
                values[attribute] = target
            continue
        want.selection = branch.selection if is_given else None
        if place is not None:
            known[place] = want
        yield want


def _keep_target(name: str, attribute: str | None, is_given: bool, want: Want, target: Any) -> None:
    """Keep *target* in its owners; a reference whose item a query set leaves out stays unread."""
    if attribute is None:
        if target is None and is_given:
            return
        attribute, target = name, (want.values, target)
    for owner in want.owners:
        owner.__dict__[attribute] = target


def _fill_stub(want: Want, target: Any) -> None:
    if target is not None:
        want.known.__class__ = target.__class__  # which the key does not show
        replace_stored(want.known, target._stored)


def _read_wanted(wants: list[Want], dangling: list[Dangling], link: Connection) -> Flow[None]:
    """Read the items of *wants*, each once, and hand them out."""
    if not wants:
        return
    for want in {(each.model, id(each.alias)): each for each in wants}.values():
        if want.link is not link:
            raise ConfigurationError(
                f"{type(want.owners[0]).__name__}.{want.name}: {want.model.__name__} is on the "
                f"connection {want.link.alias!r}, and what is read here on {link.alias!r}: "
                "prefetch over one connection at a time"
            )
    if selected := [each for each in wants if each.selection is not None]:
        yield from _read_selected(selected, dangling)
        wants = [each for each in wants if each.selection is None]
    items = yield from _read_items(wants, link)
    loaded: dict[tuple[int, type[Any]], Any] = {}  # an item with two wants is one object
    found: list[tuple[Want, Any]] = []
    for want, item in zip(wants, items, strict=True):
        model = want.model
        if item is None or (item := filter_item(model._meta, item)) is None:
            _add_dangling(want, dangling)
            want.take(want, None)
            continue
        place = id(item), model
        if (target := loaded.get(place)) is None:
            target = loaded[place] = model._load(item)
            if want.alias is not None:
                target.__dict__["_using"] = want.alias
        if want.keep is None:
            want.take(want, target)
        else:
            found.append((want, target))
    hidden = yield from _find_hidden(found)
    for want, target in found:
        want.take(want, None if id(target) in hidden else target)


def _read_items(wants: list[Want], link: Connection) -> Flow[Sequence[StoredItem | None]]:
    """Read the items of *wants*; None stands for one that is missing."""
    if not wants:
        return ()
    metas = {model: options_of(model) for model in {want.model for want in wants}}
    tables = {model: link.table_name(meta.table_name) for model, meta in metas.items()}
    readers = {tables[model]: make_identity_reader(m.schema.key) for model, m in metas.items()}
    keys = [(tables[want.model], want.key) for want in wants]
    try:
        return (
            yield from read_items(
                keys, wants, readers, link=link, consistent=None, workers=1, progress=None
            )
        )
    except (BatchIncomplete, RequestError) as error:
        error.unprocessed = [want.stub for want in error.unprocessed]
        raise


def _read_selected(wants: list[Want], dangling: list[Dangling]) -> Flow[None]:
    """Read the items of *wants* by the query sets that were given for them, and hand them out."""
    groups: dict[int, list[Want]] = {}
    for want in wants:
        groups.setdefault(id(want.selection), []).append(want)
    for group in groups.values():
        selection = cast("Selection", group[0].selection)
        found, shown = yield from selection.read_by_key([each.stub for each in group])
        ids = set(map(id, shown))
        for want in group:
            target = found.get(identify_key(key_of(want.stub)))
            if target is None:
                _add_dangling(want, dangling)
            want.take(want, target if id(target) in ids else None)


def _add_dangling(want: Want, dangling: list[Dangling]) -> None:
    key = want.stub.primary_key
    dangling += [Dangling(owner, want.name, want.model, key) for owner in want.owners]


def _find_hidden(found: list[tuple[Want, Any]]) -> Flow[set[int]]:
    """Return the ids of the items that their relations do not show."""
    kinds: dict[type[Any], tuple[Callable[[Objects], Flow[Objects]], dict[int, Any]]] = {}
    for want, target in found:
        if want.keep is not None:
            kinds.setdefault(want.model, (want.keep, {}))[1][id(target)] = target
    hidden: set[int] = set()
    for keep, targets in kinds.values():
        kept = yield from keep(list(targets.values()))
        hidden |= targets.keys() - set(map(id, kept))
    return hidden


def _find_targets(objects: Objects, branch: Branch) -> Objects:
    """Return the items that *branch* leads to from *objects*, as far as they were read, each once."""
    targets = (each for owner in objects for each in _targets_of(owner, branch))
    return list(
        {id(each): each for each in targets if each is not None and not is_stub(each)}.values()
    )


def _targets_of(owner: Any, branch: Branch) -> Iterable[Any]:
    name = branch.name
    if branch.to_attr is not None:
        kept = owner.__dict__.get(branch.to_attr)
        return cast("Objects", kept) if isinstance(kept, list) else (kept,)
    reference = owner._fieldset.references.get(name)
    if reference is not None:
        key = reference.read_key(owner)
        return () if key is None else (reference.get_target(owner, key),)
    descriptor = getattr(owner.__class__, name, None)
    if isinstance(descriptor, Prefetchable):
        return descriptor.reached(owner)
    values = _iterate_elements(_get_readable(owner, name))
    return [each for each in values if isinstance(each, Instance)]


def _report(dangling: Sequence[Dangling], link: Connection) -> None:
    if not dangling:
        return
    import logging  # only where there is something to say

    describe = str if link.log_keys else Dangling.describe
    texts = ", ".join(map(describe, dangling[:_SHOWN]))
    logging.getLogger("dynamodb_py.relations").warning(
        "references to items that do not exist, %d of them: %s", len(dangling), texts
    )


def prefetch_objects(
    objects: Iterable[Instance], /, *paths: str | Selection
) -> Flow[list[Dangling]]:
    """Read what *objects* refer to, into them: duplicates once, a hundred items to a request.

    What was read already is not read again. A relation that leads back, or over a model between the
    two, takes one Query for each instance, some of them side by side.

    :param paths: names of relations, ``"author"``, ``"lines__product"``, and ``Prefetch(...)``.
    :return: the references to items that are not there; they are in the log too, as a warning.
    :raises QueryError: a path names no relation.
    """
    kinds: dict[type[Any], Objects] = {}
    for each in objects:
        kinds.setdefault(each.__class__, []).append(each)
    dangling: list[Dangling] = []
    for kind, same in kinds.items():
        dangling += yield from prefetch_tree(same, tree_of(kind, paths), same[0]._link)
    return dangling


prefetch = make_blocking("prefetch", prefetch_objects, list)
aprefetch = make_awaiting("aprefetch", prefetch_objects, list)
