"""The set of a many-to-many relation: read and written by items of a model between the two."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from ...batching import identify_key
from ...connections import Connection, connection_for
from ...flows import Flow, arun, awaiting, blocking, flow_of, name_verbs, run
from ..bulk.bound_model import read_instances
from ..fields.model_key import alias_of, make_stub
from ..foreign_keys.field import ForeignKey
from ..instance import list_many, options_of
from ..persistence.save import save_instance
from ..queryset.execution import read_all
from ..queryset.reads import count_rows, has_rows
from ..records.rows import show_rows
from ..unit_of_work.together import write_together
from .reverse import is_soft_deleted, query_related

if TYPE_CHECKING:
    from ..instance import Instance
    from ..managers.queryset import QuerySet


T = TypeVar("T", bound="Instance")
Reference = ForeignKey[Any, Any]


@name_verbs
class ManySet(Generic[T]):
    """The items that are related to an instance, by items of a model between the two.

    A loop over it sends one Query of the model between, and a BatchGetItem for each hundred items; they
    come in the order of that Query. Changes of up to 100 writes are one transaction, of more several, one
    after the other.
    """

    def __init__(self, owner: Any, near: Reference, far: Reference) -> None:
        self._owner, self._near, self._far = owner, near, far
        self._kept: list[Any] | None = None

    @property
    def through(self) -> type[Any]:
        """The model between the two."""
        return cast("type[Any]", self._near.model)

    @property
    def _alias(self) -> str | None:
        return alias_of(self._owner)

    @property
    def _link(self) -> Connection:
        return connection_for(self._alias, options_of(self.through).using)

    def rows(self) -> QuerySet[Any]:
        """Return the query set of the items between the two."""
        return cast("QuerySet[Any]", query_related(self._near, self._owner))

    def all(self) -> ManySet[T]:
        """Return the same set; items that were read are not read again."""
        same: ManySet[T] = ManySet(self._owner, self._near, self._far)
        same._kept = self._kept
        return same

    def _fetch(self) -> Flow[list[T]]:
        """Return all of them as a list; missing items are left out, with a warning in the log."""
        if self._kept is None:
            rows = yield from read_all(self.rows())
            self._kept = yield from _read_items(self.stubs(rows))
        return list(self._kept)

    fetch = blocking(_fetch)
    afetch = awaiting(_fetch)

    def stubs(self, rows: Iterable[Any]) -> list[Any]:
        """Return stubs of the items that *rows* refer to, each once."""
        found = [wires for row in rows if (wires := self._far.wires_in(row)) is not None]
        once = {identify_key(wires): wires for wires in found}
        return [make_stub(self._far.target, wires, self._alias) for wires in once.values()]

    def __iter__(self) -> Iterator[T]:
        return iter(run(self._fetch(), self._link))

    async def __aiter__(self) -> AsyncIterator[T]:
        for each in await arun(self._fetch(), self._link):
            yield each

    def _count(self) -> Flow[int]:
        """Return the number of items between the two; the related items are not read."""
        return (yield from count_rows(self.rows()))

    count = blocking(_count)
    acount = awaiting(_count)

    def _exists(self) -> Flow[bool]:
        """Return whether there is any."""
        return (yield from has_rows(self.rows()))

    exists = blocking(_exists)
    aexists = awaiting(_exists)

    def _contains(self, target: T | Any) -> Flow[bool]:
        """Return whether *target*, an instance or its key, is among them."""
        return (yield from has_rows(self.rows().filter(self._far.eq(target))))

    contains = blocking(_contains)
    acontains = awaiting(_contains)

    def __repr__(self) -> str:
        rows = "" if self._kept is None else f": {show_rows(self._kept)}"
        return f"<{self._far.target.__name__}s of {self._owner!r} by {self.through.__name__}{rows}>"

    def _make_row(self, target: Any, **values: Any) -> Any:
        row = self.through(**values, **{self._near.name: self._owner, self._far.name: target})
        if self._alias is not None:
            row.__dict__["_using"] = self._alias
        return row

    def _is_keyed(self) -> bool:
        """Tell whether the two references are the whole key of the model between."""
        parts = {part.name for part in (*self._near.parts, *self._far.parts)}
        return {field.name for field in options_of(self.through).keys} == parts

    def _by_key(self, targets: Iterable[T | Any]) -> dict[Hashable, Any]:
        """Return *targets*, instances or their keys, by the key as it is stored."""
        return {identify_key(self._far.wires_of(each)): each for each in targets}

    def _far_key(self, row: Any) -> Hashable:
        """Return the key, as :meth:`_by_key` has it, of the item that *row* leads to; None for none."""
        wires = self._far.wires_in(row)
        return None if wires is None else identify_key(wires)

    def _read_rows(self, targets: dict[Hashable, Any]) -> Flow[dict[Hashable, Any]]:
        """Return the existing items between this one and *targets*, by key."""
        if self._is_keyed():
            wanted = [self._make_row(each) for each in targets.values()]
            known = yield from _read_items(wanted, whole=True)
            rows = [row for row in known if not is_soft_deleted(row)]  # those raise AlreadyExists
        else:
            rows = yield from read_all(self.rows())
        found = {self._far_key(row): row for row in rows}
        return {key: found[key] for key in targets if key in found}

    def _add(self, *targets: T | Any, through: dict[str, Any] | None = None) -> Flow[None]:
        """Add *targets*, instances or their keys; those already in the set stay unchanged.

        The items between are read first.

        :param through: the values of the other fields of the items between the two.
        :raises AlreadyExists: another writer has added one, or it is deleted softly; for several
            targets it is TransactionCanceled.
        """
        by_key = self._by_key(targets)
        there = yield from self._read_rows(by_key)
        new = [each for key, each in by_key.items() if key not in there]
        rows = [self._make_row(each, **(through or {})) for each in new]
        self._kept = None
        yield from write_together([_make_insert(row) for row in rows])

    add = blocking(_add)
    aadd = awaiting(_add)

    def _create(self, /, **values: Any) -> Flow[T]:
        """Insert an item of the other model and the one between the two, in one transaction."""
        target = self._far.target(**values)
        if self._alias is not None:
            target.__dict__["_using"] = self._alias
        self._kept = None
        yield from write_together([_make_insert(target), _make_insert(self._make_row(target))])
        return cast("T", target)

    create = blocking(_create)
    acreate = awaiting(_create)

    def _remove(self, *targets: T | Any) -> Flow[None]:
        """Remove *targets*, instances or their keys, from the set: only the items between are deleted."""
        by_key = self._by_key(targets)
        if self._is_keyed():
            rows = [self._make_row(each) for each in by_key.values()]
        else:
            rows = list((yield from self._read_rows(by_key)).values())
        self._kept = None
        yield from write_together([_make_delete(row) for row in rows])

    remove = blocking(_remove)
    aremove = awaiting(_remove)

    def _clear(self) -> Flow[None]:
        """Remove all from the set: the items between are read and deleted."""
        rows = yield from read_all(self.rows())
        self._kept = None
        yield from write_together([_make_delete(row) for row in rows])

    clear = blocking(_clear)
    aclear = awaiting(_clear)

    def _set(self, targets: Iterable[T | Any]) -> Flow[None]:
        """Make *targets* the whole set: the items between are read, added and deleted as needed."""
        wanted = self._by_key(list_many(targets, "set()"))
        rows = yield from read_all(self.rows())
        there = set(map(self._far_key, rows))
        gone = [_make_delete(row) for row in rows if self._far_key(row) not in wanted]
        new = [self._make_row(each) for key, each in wanted.items() if key not in there]
        self._kept = None
        yield from write_together([*gone, *map(_make_insert, new)])

    set = blocking(_set)
    aset = awaiting(_set)


def _make_insert(instance: Any) -> Callable[[], Flow[object]]:
    return partial(save_instance, instance, force_insert=True)


def _make_delete(instance: Any) -> Callable[[], Flow[object]]:
    return partial(flow_of(instance.__class__, "delete"), instance)


def _read_items(stubs: list[Any], *, whole: bool = False) -> Flow[list[Any]]:
    """Read the items of *stubs*, without missing ones.

    :param whole: these are instances with keys, which may be missing without a warning.
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
        import logging  # imported only for a warning

        logging.getLogger("dynamodb_py.relations").warning(
            "%d items that others refer to do not exist: %s", len(missing), ", ".join(missing[:5])
        )
    return found
