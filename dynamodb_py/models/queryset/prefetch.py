"""Prefetching: the items that a page of others refers to, by as few requests as there can be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast

from msgspec import Struct

from ...batching import identify_key, run_together
from ...connections import Connection
from ...exceptions import ConfigurationError, QueryError
from ...flows import Flow, arun, run
from ...operations.base import Wire
from ...reading.keys import make_key_reader
from ..attribute_values.fetch import read_items
from ..bulk.bound_model import connection_of
from ..foreign_keys.field import ForeignKey
from ..foreign_keys.unloaded import is_stub
from ..instance import Instance, table_of
from ..persistence.stored import key_of, replace_stored
from ..visibility import filter_item

Tree: TypeAlias = "dict[str, Tree]"
Objects: TypeAlias = "list[Any]"

WORKERS = 8
"""How many queries for what leads back are under way at once: it takes one for each instance."""

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
        return f"{type(self.owner).__name__}.{self.name}: {self.model.__name__} {self.key!r}"


class Want(Struct, eq=False):
    """An item to read, and a callback that takes it, or None where it does not exist."""

    owner: Any
    name: str
    stub: Any
    take: Callable[[Any], None]


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
    """Return what *paths*, as ``lines__product``, ask for of instances of *model*, level by level.

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
            kind = _led_to(kind, name, path)
            at = at.setdefault(name, {})
    return tree


def _led_to(kind: Any, name: str, path: str) -> Any:
    """Return the class of what *name* leads to from instances of *kind*; None where that is open."""
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


def prefetching(objects: Sequence[Any], tree: Tree, link: Connection) -> Flow[list[Dangling]]:
    """Read what *tree* asks for of *objects*, into them; return the references to what is not there.

    Each level takes one BatchGetItem for each hundred items that it leads to, whatever relations
    they come by; duplicates are read once. What leads back takes one Query for each instance.
    """
    dangling: list[Dangling] = []
    level: list[tuple[Objects, Tree]] = [(list(objects), tree)]
    while level:
        wants: list[Want] = []
        queries: list[Flow[None]] = []
        between: list[Want] = []
        later: list[tuple[Callable[[], Objects], Tree]] = []
        for held, below in _within(level):
            for name, sub in below.items():
                wants += _wants(held, name)
                queries += _queries(held, name, between)
                later.append((_after(held, name), sub))
        yield from _answer(wants, dangling, link)
        for outcome in (yield from run_together(queries, WORKERS)):
            if isinstance(outcome, Exception):
                raise outcome
        yield from _answer(between, dangling, link)
        level = [(found, sub) for reach, sub in later if sub and (found := reach())]
    _report(dangling)
    return dangling


def _within(level: list[tuple[Objects, Tree]]) -> Iterator[tuple[Objects, Tree]]:
    """Yield *level* with the documents of instances in the place of the fields that hold them."""
    for objects, tree in level:
        here: Tree = {}
        for name, sub in tree.items():
            documents = _documents(objects, name)
            if documents is None:
                here[name] = sub
            elif sub:
                yield from _within([(documents, sub)])
        if here:
            yield objects, here


def _documents(objects: Objects, name: str) -> Objects | None:
    """Return the documents that the field *name* holds; None where it is none that holds any."""
    found: Objects = []
    for each in objects:
        if name not in each._fieldset.by_name:
            return None
        for value in _elements(getattr(each, name)):
            if isinstance(value, Instance):
                return None
            if hasattr(value, "_fieldset"):
                found.append(value)
    return found


def _elements(value: Any) -> Iterator[Any]:
    """Yield the values inside lists, sets and maps."""
    if isinstance(value, Mapping):
        for each in cast("Mapping[Any, Any]", value).values():
            yield from _elements(each)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for each in cast("Iterable[Any]", value):
            yield from _elements(each)
    elif value is not None:
        yield value


# -- by key ----------------------------------------------------------------------------------------
def _wants(objects: Objects, name: str) -> Iterator[Want]:
    for each in objects:
        reference = each._fieldset.references.get(name)
        if reference is not None:
            key = reference.read_key(each)
            if key is None:
                continue
            target = reference.get_target(each, key)
            if target is None or is_stub(target):
                yield Want(
                    each, name, reference.make_stub(each, key), _keeper(reference, each, key)
                )
        elif name in each._fieldset.by_name:
            for stub in _elements(getattr(each, name)):
                if isinstance(stub, Instance) and is_stub(stub):
                    yield Want(each, name, stub, _becoming(stub))


def _keeper(
    reference: ForeignKey[Any, Any], owner: Any, key: tuple[Any, ...]
) -> Callable[[Any], None]:
    def keep(target: Any) -> None:
        owner.__dict__[reference.name] = (key, target)

    return keep


def _becoming(stub: Any) -> Callable[[Any], None]:
    def become(target: Any) -> None:
        if target is not None:
            stub.__class__ = target.__class__  # which the key does not tell
            replace_stored(stub, target._stored)

    return become


def _answer(wants: list[Want], dangling: list[Dangling], link: Connection) -> Flow[None]:
    """Read all that is wanted, each item once, and hand it out."""
    if not wants:
        return
    asked: list[tuple[str, Mapping[str, Wire]]] = []
    for want in wants:
        if want.stub._link is not link:
            raise ConfigurationError(
                f"{type(want.owner).__name__}.{want.name}: {type(want.stub).__name__} is on the "
                f"connection {want.stub._link.alias!r}, and what is read here on {link.alias!r}: "
                "prefetch over one connection at a time"
            )
        asked.append((table_of(want.stub), key_of(want.stub)))
    readers = {table_of(want.stub): make_key_reader(want.stub._meta.schema.key) for want in wants}
    items = yield from read_items(
        [(table, dict(key)) for table, key in asked],
        [want.stub for want in wants],
        readers,
        consistent=None,
        workers=1,
        progress=None,
    )
    loaded: dict[Any, Any] = {}
    for want, (table, key), item in zip(wants, asked, items, strict=True):
        model: Any = want.stub.__class__
        there = filter_item(model._meta, item)
        if there is None:
            dangling.append(Dangling(want.owner, want.name, model, want.stub.primary_key))
            want.take(None)
            continue
        place = (table, model, identify_key(dict(key)))
        if place not in loaded:
            target: Any = model._load(there)
            loaded[place] = target
            if "_using" in want.stub.__dict__:
                target.__dict__["_using"] = want.stub._using
        want.take(loaded[place])


# -- by queries ------------------------------------------------------------------------------------
def _queries(objects: Objects, name: str, wants: list[Want]) -> Iterator[Flow[None]]:
    """Yield what reads the items that lead back to *objects*; those to read by key go to *wants*."""
    for each in objects:
        descriptor = getattr(each.__class__, name, None)
        if isinstance(descriptor, Prefetchable):
            yield descriptor.prefetch(each, wants)


def _after(objects: Objects, name: str) -> Callable[[], Objects]:
    """Return what finds the items that *name* led to, once they were read, each once."""

    def reach() -> Objects:
        found: dict[int, Any] = {}
        for owner in objects:
            for each in _reached(owner, name):
                if each is not None and not is_stub(each):
                    found[id(each)] = each
        return list(found.values())

    return reach


def _reached(owner: Any, name: str) -> Iterable[Any]:
    reference = owner._fieldset.references.get(name)
    if reference is not None:
        key = reference.read_key(owner)
        return () if key is None else (reference.get_target(owner, key),)
    descriptor = getattr(owner.__class__, name, None)
    if isinstance(descriptor, Prefetchable):
        return descriptor.reached(owner)
    return [each for each in _elements(getattr(owner, name)) if isinstance(each, Instance)]


def _report(dangling: Sequence[Dangling]) -> None:
    if not dangling:
        return
    import logging  # only where there is something to say

    texts = ", ".join(map(str, dangling[:_SHOWN]))
    logging.getLogger("dynamodb_py.relations").warning(
        "references to items that do not exist, %d of them: %s", len(dangling), texts
    )


# -- for users -------------------------------------------------------------------------------------
def _flow(objects: Sequence[Any], paths: tuple[str, ...], link: Connection) -> Flow[list[Dangling]]:
    kinds: dict[type[Any], Objects] = {}
    for each in objects:
        kinds.setdefault(each.__class__, []).append(each)
    dangling: list[Dangling] = []
    for kind, same in kinds.items():
        dangling += yield from prefetching(same, tree_of(kind, paths), link)
    return dangling


def prefetch(objects: Iterable[Instance], /, *paths: str) -> list[Dangling]:
    """Read what *objects* refer to, into them: duplicates once, a hundred items to a request.

    What was read already is not read again. A relation that leads back, or over a model between the
    two, takes one Query for each instance, some of them side by side.

    :param paths: names of relations, ``"author"``, ``"lines__product"``.
    :return: the references to items that are not there; they are in the log too, as a warning.
    :raises QueryError: a path names no relation.
    """
    all_ = list(objects)
    link = connection_of(all_)
    return [] if link is None else run(_flow(all_, paths, link), link)


async def aprefetch(objects: Iterable[Instance], /, *paths: str) -> list[Dangling]:
    """Read what *objects* refer to, into them, as :func:`prefetch` does, awaited."""
    all_ = list(objects)
    link = connection_of(all_)
    return [] if link is None else await arun(_flow(all_, paths, link), link)
