"""Prefetches relations level by level: many referenced items by as few requests as possible."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, cast

from ....batching import run_together
from ....connections import Connection, ambient_alias
from ....exceptions import UnreadableValue
from ....flows import Flow
from ...bulk.bound_model import make_awaiting, make_blocking
from ...fields.model_key import alias_of
from ...foreign_keys.field import ForeignKey
from ...foreign_keys.unloaded import is_stub
from ...instance import Instance
from ...persistence.stored import replace_stored
from .paths import tree_of
from .reading import read_wanted
from .wants import Branch, Dangling, Objects, Prefetchable, Selection, Tree, Want, want_stub

WORKERS = 8
"""The largest number of Queries at a time; reverse relations take one for each instance."""
_SHOWN = 5


def prefetch_tree(objects: Sequence[Any], tree: Tree, link: Connection) -> Flow[list[Dangling]]:
    """Read the relations *tree* into *objects*; return the references to missing items.

    Each level takes one BatchGetItem for each hundred items, of all its relations together, and reads
    duplicates once. A reverse relation takes one Query for each instance.
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
        yield from read_wanted(wants, dangling, link)
        for outcome in (yield from run_together(queries, WORKERS)):
            if isinstance(outcome, Exception):
                raise outcome
        yield from read_wanted(between, dangling, link)
        level = [
            (targets, branch.below)
            for held, branch in later
            if branch.below and (targets := _find_targets(held, branch))
        ]
    _report(dangling, link)
    return dangling


def _enter_documents(level: list[tuple[Objects, Tree]]) -> Iterator[tuple[Objects, Tree]]:
    """Yield *level* with the documents in place of the instances whose fields hold them."""
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
    """Return the value of a field; None if it is unreadable, as other values are still prefetched."""
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
    """Yield the wants of the items that *objects* refer to; cached items only if a query set is given.

    :param known: the wants by the values of their keys; an owner is added to a want that is known.
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
    """Cache *target* in its owners; if a query set leaves it out, the reference stays unread."""
    if attribute is None:
        if target is None and is_given:
            return
        attribute, target = name, (want.values, target)
    for owner in want.owners:
        owner.__dict__[attribute] = target


def _fill_stub(want: Want, target: Any) -> None:
    if target is not None:
        want.known.__class__ = target.__class__  # only the item shows its class, not the key
        replace_stored(want.known, target._stored)


def _find_targets(objects: Objects, branch: Branch) -> Objects:
    """Return the items that *branch* leads to from *objects* and that were read, each once."""
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
    import logging  # imported only for a warning

    describe = str if link.log_keys else Dangling.describe
    texts = ", ".join(map(describe, dangling[:_SHOWN]))
    logging.getLogger("dynamodb_py.relations").warning(
        "%d references to items that do not exist: %s", len(dangling), texts
    )


def prefetch_objects(
    objects: Iterable[Instance], /, *paths: str | Selection
) -> Flow[list[Dangling]]:
    """Read the items that *objects* refer to, a hundred to a request, and keep them in *objects*.

    It reads each item once, and none that was read before. A reverse or many-to-many relation takes one
    Query for each instance; up to eight are sent at a time.

    >>> from dynamodb_py import CharField, ForeignKey, Model, Table, prefetch
    >>> class Author(Model):
    ...     id = CharField(hash_key=True)
    ...     name = CharField()
    >>> class Book(Model):
    ...     isbn = CharField(hash_key=True)
    ...     author = ForeignKey(Author)
    >>> tables = [Table(model).create() for model in (Author, Book)]
    >>> ann = Author.objects.create(id="ann", name="Ann")
    >>> books = [Book(isbn="1", author="ann"), Book(isbn="2", author="bob")]
    >>> missing = prefetch(books, "author")
    >>> books[0].author.name
    'Ann'
    >>> print(missing[0])
    Book.author: Author 'bob'

    :param objects: instances, of any models that have these relations.
    :param paths: names of relations, ``"author"``, ``"lines__product"``, and ``Prefetch(...)``.
    :return: the references to missing items, as :class:`~dynamodb_py.Dangling`; a warning in the log names
        them too.
    :raises QueryError: a path names no relation; nothing was sent.
    :raises BatchIncomplete: DynamoDB left keys unread in every attempt; ``unprocessed`` has stubs of
        their items.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
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
