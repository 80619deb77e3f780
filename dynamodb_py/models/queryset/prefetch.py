"""Prefetching: the items that a page of others refers to, by as few requests as there can be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias, cast

from msgspec import Struct

from ...batching import run_together
from ...connections import Connection
from ...exceptions import ConfigurationError, QueryError, UnreadableValue
from ...flows import Flow
from ..bulk.bound_model import make_awaiting, make_blocking, read_instances
from ..foreign_keys.field import ForeignKey
from ..foreign_keys.unloaded import is_stub
from ..instance import Instance
from ..persistence.stored import replace_stored

Tree: TypeAlias = "dict[str, Tree]"
Objects: TypeAlias = "list[Any]"

WORKERS = 8
"""The largest number of queries at a time, for relations that lead back: one for each instance."""

_SHOWN = 5


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
    """An item to read, and a callback that takes it, or None where it does not exist."""

    owner: Any
    name: str
    stub: Any
    take: Callable[[Any], None]
    keep: Callable[[Objects], Flow[Objects]] | None = None
    """Returns those of the items of the model that the relation shows; None: it shows all."""


class Prefetchable:
    """An attribute of a model that leads to other items by queries."""

    name: str

    @property
    def leads_to(self) -> type[Any]:
        """The model of those items."""
        raise NotImplementedError

    def prefetch(self, owner: Any, wants: list[Want]) -> Flow[None]:
        """Read the items of *owner*, and keep them in it; those to read by key are added to *wants*."""
        raise NotImplementedError

    def reached(self, owner: Any) -> Iterable[Any]:
        """Return the items of *owner* that were read."""
        raise NotImplementedError


def tree_of(model: type[Any], paths: Iterable[str]) -> Tree:
    """Return the relations in *paths*, as ``lines__product``, of *model*, level by level.

    :raises QueryError: one names no relation.
    """
    tree: Tree = {}
    for path in paths:
        if not isinstance(path, str):
            raise QueryError(
                f"prefetch_related({path!r}): it takes names of relations, author__publisher for one "
                "of what another leads to"
            )
        at, kind = tree, model
        for name in path.split("__"):
            kind = _find_target_class(kind, name, path)
            at = at.setdefault(name, {})
    return tree


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
        later: list[tuple[Objects, str, Tree]] = []
        for held, below in _enter_documents(level):
            for name, sub in below.items():
                wants += _find_wants(held, name)
                for each in held:
                    descriptor = getattr(each.__class__, name, None)
                    if isinstance(descriptor, Prefetchable):
                        queries.append(descriptor.prefetch(each, between))
                later.append((held, name, sub))
        yield from _read_wanted(wants, dangling, link)
        for outcome in (yield from run_together(queries, WORKERS)):
            if isinstance(outcome, Exception):
                raise outcome
        yield from _read_wanted(between, dangling, link)
        level = [
            (found, sub)
            for held, name, sub in later
            if sub and (found := _find_targets(held, name))
        ]
    _report(dangling, link)
    return dangling


def _enter_documents(level: list[tuple[Objects, Tree]]) -> Iterator[tuple[Objects, Tree]]:
    """Yield *level* with the documents of instances in the place of the fields that hold them."""
    for objects, tree in level:
        here: Tree = {}
        for name, sub in tree.items():
            documents = _find_documents(objects, name)
            if documents is None:
                here[name] = sub
            elif sub:
                yield from _enter_documents([(documents, sub)])
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


def _find_wants(objects: Objects, name: str) -> Iterator[Want]:
    for each in objects:
        reference = each._fieldset.references.get(name)
        if reference is not None:
            key = reference.read_key(each)
            if key is None:
                continue
            target = reference.get_target(each, key)
            if target is None or is_stub(target):
                stub = reference.make_stub(each, key) if target is None else target
                yield Want(each, name, stub, partial(_keep_target, reference, each, key))
        elif name in each._fieldset.by_name:
            for stub in _iterate_elements(_get_readable(each, name)):
                if isinstance(stub, Instance) and is_stub(stub):
                    yield Want(each, name, stub, partial(_fill_stub, stub))


def _keep_target(
    reference: ForeignKey[Any, Any], owner: Any, key: tuple[Any, ...], target: Any
) -> None:
    owner.__dict__[reference.name] = (key, target)


def _fill_stub(stub: Any, target: Any) -> None:
    if target is not None:
        stub.__class__ = target.__class__  # which the key does not show
        replace_stored(stub, target._stored)


def _read_wanted(wants: list[Want], dangling: list[Dangling], link: Connection) -> Flow[None]:
    """Read the items of *wants*, each once, and hand them out."""
    if not wants:
        return
    for want in wants:
        if want.stub._link is not link:
            raise ConfigurationError(
                f"{type(want.owner).__name__}.{want.name}: {type(want.stub).__name__} is on the "
                f"connection {want.stub._link.alias!r}, and what is read here on {link.alias!r}: "
                "prefetch over one connection at a time"
            )
    items = yield from read_instances([want.stub for want in wants])
    loaded: dict[tuple[int, type[Any]], Any] = {}  # an item with two wants is one object
    found: list[tuple[Want, Any]] = []
    for want, item in zip(wants, items, strict=True):
        stub, model = want.stub, want.stub.__class__
        if item is None:
            dangling.append(Dangling(want.owner, want.name, model, stub.primary_key))
            want.take(None)
            continue
        place = id(item), model
        if place not in loaded:
            target = loaded[place] = model._load(item)
            if "_using" in stub.__dict__:
                target.__dict__["_using"] = stub._using
        found.append((want, loaded[place]))
    hidden = yield from _find_hidden(found)
    for want, target in found:
        want.take(None if want.keep is not None and id(target) in hidden else target)


def _find_hidden(found: list[tuple[Want, Any]]) -> Flow[set[int]]:
    """Return the ids of the items that their relations do not show."""
    kinds: dict[type[Any], tuple[Callable[[Objects], Flow[Objects]], dict[int, Any]]] = {}
    for want, target in found:
        if want.keep is not None:
            kinds.setdefault(want.stub.__class__, (want.keep, {}))[1][id(target)] = target
    hidden: set[int] = set()
    for keep, targets in kinds.values():
        kept = yield from keep(list(targets.values()))
        hidden |= targets.keys() - set(map(id, kept))
    return hidden


def _find_targets(objects: Objects, name: str) -> Objects:
    """Return the items that *name* leads to from *objects*, as far as they were read, each once."""
    targets = (each for owner in objects for each in _targets_of(owner, name))
    return list(
        {id(each): each for each in targets if each is not None and not is_stub(each)}.values()
    )


def _targets_of(owner: Any, name: str) -> Iterable[Any]:
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


def prefetch_objects(objects: Iterable[Instance], /, *paths: str) -> Flow[list[Dangling]]:
    """Read what *objects* refer to, into them: duplicates once, a hundred items to a request.

    What was read already is not read again. A relation that leads back, or over a model between the
    two, takes one Query for each instance, some of them side by side.

    :param paths: names of relations, ``"author"``, ``"lines__product"``.
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
