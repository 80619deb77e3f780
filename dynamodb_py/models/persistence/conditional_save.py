"""Guarded saves: those with locks, with unique values, and those that a transaction collects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ...codec import from_json, to_json
from ...exceptions import ConditionFailed, InvalidRequest
from ...expressions import Action, Condition
from ...flows import Flow
from ...operations import transactions
from ...operations.base import Wire, WireItem
from ...operations.items import StoredItem
from ..attribute_values.diff import ChangeSet, find_conflicting_paths, is_applied, make_change_set
from ..attribute_values.values import apply_actions, has_changed, require_unchanged
from ..constraints import Claims
from ..fields.version import next_version
from ..unit_of_work.collector import COLLECTOR
from ..unit_of_work.pending import Pending, void
from .locks import Lock, is_atomic
from .stored import Whole

if TYPE_CHECKING:
    from ..options import Options


class GuardedSaves(Whole):
    """How an instance is written where that takes more than a request with what it is to write."""

    __slots__ = ()

    def _is_guarded(self, atomic: bool | None) -> bool:
        """Tell whether a write takes more than a request with what it is to write."""
        meta = self._meta
        return meta.guarded or COLLECTOR.get() is not None or is_atomic(meta, atomic)

    def _put_guarded(
        self, condition: Condition | None, *, insert: bool, validate: bool, atomic: bool | None
    ) -> Flow[None]:
        meta, wires, stored = self._meta, self._whole(validate=validate), self._stored_wires()
        key = self._key_in(wires)
        asked = Condition() if condition is None else condition
        lock = None if insert or self._stored is None else self._lock(stored, atomic)
        if insert:
            asked = meta.absent & asked
        elif lock is not None:
            asked &= lock.condition if is_atomic(meta, atomic) else lock.condition | meta.absent
        reads = not insert and self._stored is None and meta.guarded
        # What is hidden has unique values still, which whoever takes its place gives up.
        replaces = insert and meta.expiry is not None and bool(meta.constraints)

        def make(before: Mapping[str, Wire]) -> Pending:
            item = dict(wires)
            if meta.version is not None:
                known = wires if insert else before or wires
                item[meta.version.attribute] = next_version(meta.version, known)
            claims = Claims(meta, key, before, item)
            held = asked
            if reads:  # what it replaces is as it was read
                names = self._names_that_matter()
                held &= (
                    meta.key_exists & require_unchanged(names, before) if before else meta.absent
                )
            elif replaces:
                held &= claims.condition
            elif before and meta.constraints:
                held &= claims.condition | meta.absent
            put = self._sized(item)
            return Pending(
                verb="create" if insert else "save",
                meta=meta,
                link=self._link,
                write=transactions.Put(self._table, put, held),
                key=key,
                explain=lambda error: explain(error, before, item),
                settle=lambda: void(self._settle(put)),
                instance=self,
                released=claims.released,
                claimed=claims.claimed,
                own=condition,
                locked=lock is not None,
            )

        def explain(
            error: ConditionFailed, before: Mapping[str, Wire], item: WireItem
        ) -> Exception | None:
            if replaces and _is_out_of_the_way(meta, before, error.current):
                if error.current is not None:
                    self._told(error)
                return error
            if not insert and _is_there(error, item):
                return None
            if insert:
                return self._told(error, insert=True, more=condition is not None)
            return self._told_of_lock(error, lock, stored)

        if not meta.guarded or (insert and not replaces):
            yield from self._carry(make({}))
        else:
            known = None if reads or replaces else stored
            yield from self._adapting(make, known, self._names_that_matter())

    def _write_guarded(
        self,
        stored: WireItem,
        wanted: dict[str, Wire | None],
        asked: Condition,
        *,
        own: Condition | None,
        named: frozenset[str] | None,
        atomic: bool | None,
    ) -> Flow[None]:
        meta, key, unknown = self._meta, self._stored_key(stored), self._unknown()
        lock = self._lock(stored, atomic)
        if not make_change_set(stored, wanted, condition=asked, unknown=unknown).actions:
            if own is None and not self._is_collected():
                return
            wanted = {}
        elif meta.version is not None:
            wanted = {**wanted, meta.version.attribute: next_version(meta.version, stored)}
        if lock is not None:
            asked &= lock.condition

        covers = None if named is None else self._fields.attributes(named)

        def make(before: Mapping[str, Wire]) -> Pending:
            claims = Claims(meta, key, before, _with(before, wanted), whole=False)
            held = asked & claims.condition
            todo = make_change_set(stored, wanted, condition=held, unknown=unknown)
            after = apply_actions(stored, todo.actions)
            item, condition = self._sized(after), todo.condition(held)
            write: transactions.Write = transactions.Check(self._table, key, condition)
            if todo.actions:
                write = transactions.Update(self._table, key, todo.actions, condition)
            return Pending(
                verb="save",
                meta=meta,
                link=self._link,
                write=write,
                key=key,
                explain=lambda error: self._told_of_changes(error, lock, stored, todo),
                settle=partial(self._settle_changes, self._stored, item, todo.actions),
                instance=self,
                after=item,
                released=claims.released,
                claimed=claims.claimed,
                own=own,
                locked=lock is not None,
                covers=covers,
                guarded=bool(todo.guards) or lock is not None,
            )

        if names := meta.unique_attributes(wanted):
            known = unknown.isdisjoint(names)
            yield from self._adapting(make, stored if known else None, names)
        else:
            yield from self._carry(make(stored))

    def _told_of_changes(
        self, error: ConditionFailed, lock: Lock | None, stored: WireItem, todo: ChangeSet
    ) -> Exception | None:
        """Return what a failed condition means; None where an earlier attempt was carried out."""
        current: Any = error.current
        if isinstance(current, Mapping):
            now = dict(cast("Mapping[str, Wire]", current))
            after = apply_actions(stored, todo.actions)
            if error.in_doubt and todo.actions and is_applied(todo.actions, after, now):
                return None
            if lock is None:
                return self._refused(error, find_conflicting_paths(todo, stored, now))
        return self._told_of_lock(error, lock, stored)

    def _settle_changes(
        self, before: StoredItem | None, item: StoredItem, actions: Sequence[Action]
    ) -> None:
        """Count what *actions* have written as stored: *item*, but for what came in between."""
        if self._stored is not before:
            item = to_json(apply_actions(self._stored_wires(), actions))
        self._stored = item
        written = {str(action.path.parts[0]) for action in actions}
        self._knows(written)
        version = self._meta.version
        if version is not None and version.attribute in written:
            self._take_version(from_json(item))

    def _refused(self, error: ConditionFailed | InvalidRequest, places: Sequence[str]) -> Exception:
        if not isinstance(error, ConditionFailed):
            return error
        if places:
            error.args = (
                f"{self._meta.name}: {', '.join(places)}: another writer changed it since it was "
                "loaded, and this would undo that: refresh_from_db(), change it again and save()",
            )
        return self._told(error)


def _with(before: Mapping[str, Wire], wanted: Mapping[str, Wire | None]) -> WireItem:
    """Return *before* with the attributes *wanted* in place of its own."""
    after = {**before, **wanted}
    return {name: wire for name, wire in after.items() if wire is not None}


def _is_out_of_the_way(meta: Options, before: Mapping[str, Wire], now: Any) -> bool:
    """Tell whether an item that is, or was, expired may be replaced, though not as it was read."""
    expiry = meta.expiry
    wires = before if now is None else now
    return expiry is not None and bool(wires) and expiry.hides_wires(wires)


def _is_there(error: ConditionFailed, item: Mapping[str, Wire]) -> bool:
    """Tell whether an earlier attempt, whose answer was lost, has put *item*."""
    current: Any = error.current
    if not error.in_doubt or not isinstance(current, Mapping):
        return False
    now = cast("Mapping[str, Wire]", current)
    return not has_changed({**item, **now}, item, now)
