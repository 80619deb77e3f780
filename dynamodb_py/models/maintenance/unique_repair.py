"""Finds sentinels that do not match the items, and repairs them while others write.

Both tables are read whole, one after the other. Differences are read again, and repaired by transactions
that succeed only if nothing has changed since.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias, cast

from msgspec import Struct

from ...batching import batch_get, identify_key
from ...codec import as_sent, from_json, to_json
from ...connections import Connection
from ...exceptions import TableNotFound, TransactionCanceled
from ...expressions import Compare, Condition, Exists, NotExists, Path, Value
from ...flows import Flow
from ...operations.base import Pause, Together, WireItem
from ...operations.items import Key, StoredItem
from ...operations.queries import Page, Query, Scan
from ...operations.read_expressions import Expressions
from ...operations.transactions import Check, Delete, TransactWriteItems, Write
from ...reading.keys import make_identity_reader
from ...retries import PASSING_CALLS, backoff
from ..attribute_values.display import decode_or_free
from ..constraints import (
    OWNER,
    VALUE,
    Claim,
    Constraint,
    decode_primary_key,
    find_claims,
    make_sentinel_key,
    normalize_key,
    require_absent,
)
from ..options.options import Options
from ..shared_tables.layout import SharedTableLayout
from .unique_report import Finding, FindingCallback, Kind, UniqueReport

# The number of values to check at once: two requests for all, and one for each repair.
_CHUNK = 100


# The number of checks of a value that other writers keep changing.
_MAX_ROUNDS = 8


# The reasons of transactions that concurrent writes cancelled: the value is checked again.
_CONCURRENT = PASSING_CALLS | {"ConditionalCheckFailed"}

_Owner: TypeAlias = bytes
"""The normalized key of an item as JSON."""


class _StoredSentinel(Struct, frozen=True):
    """A sentinel as it was read; *raw* is None if there is none."""

    raw: WireItem | None = None
    owner: _Owner | None = None
    """The sentinel's owner; None if the stored owner is not a key of the model."""

    def require_unchanged(self) -> Condition:
        """Return the condition that the sentinel has not changed."""
        if self.raw is None:
            return require_absent()
        owner = self.raw.get(OWNER)
        path = Path((OWNER,))
        if owner is None:
            return Exists(Path((VALUE,))) & NotExists(path)
        return Compare(path, "=", Value(as_sent(owner)))


class _Case(Struct, frozen=True):
    """One value with its sentinel and the items that have it."""

    text: str
    constraint: Constraint
    seen: _StoredSentinel
    holders: dict[_Owner, Claim]
    items: Mapping[_Owner, WireItem | None]

    @property
    def kind(self) -> Kind | None:
        if len(self.holders) > 1:
            return "duplicate"
        if not self.holders:
            return None if self.seen.raw is None else "stale"
        return None if self.seen.owner in self.holders else "missing"

    @property
    def is_mended(self) -> bool:
        """Whether the sentinel is right."""
        if not self.holders:
            return self.seen.raw is None
        return self.seen.owner in self.holders


class Sentinels:
    """Checks the sentinels of a model; repairs them with *mend*."""

    def __init__(
        self,
        meta: Options,
        link: Connection,
        callback: FindingCallback | None,
        *,
        workers: int,
        mend: bool,
    ) -> None:
        self.meta, self.callback, self.workers, self.mend = meta, callback, workers, mend
        self.table = link.table_name(meta.table_name)
        self.sentinels = link.table_name(meta.unique_table)
        self.scopes = {each.scope: each for each in meta.constraints}
        self.keys = tuple(field.attribute for field in meta.keys)
        self.layout = cast("SharedTableLayout | None", meta.layout)
        kind = None if self.layout is None else self.layout.discriminator
        names: list[str] = [
            *self.keys,
            *meta.unique_attributes(),
            *([] if kind is None else [kind]),
        ]
        named = dict.fromkeys(names)
        self.expressions = Expressions.of(projection=[Path((name,)) for name in named])
        self.report = UniqueReport()
        self.open: dict[str, _Owner | None] = {}
        """Sentinels whose items were not read yet, with their owners."""
        self.todo: dict[str, list[_Owner]] = {}
        """The values to check, with the items that seem to have them."""

    def run(self) -> Flow[UniqueReport]:
        try:
            yield from self._read(self.sentinels, None, self._take_sentinel)
        except TableNotFound as error:
            error.args = (f"there is no table for the sentinels of {self.meta.name}",)
            vars(error)["advice"] = "Table(Model).update() creates it"
            raise
        yield from self._read(self.table, self.expressions, self._take_item)
        for text, owner in self.open.items():
            self.todo.setdefault(text, []).extend([] if owner is None else [owner])
        self.open.clear()
        pauses = backoff(0.05, 2.0)
        for _ in range(_MAX_ROUNDS):
            todo, self.todo = self.todo, {}
            texts = iter(todo)
            while chunk := list(islice(texts, _CHUNK)):
                yield from self._check_values({text: todo[text] for text in chunk})
            if not self.todo:
                break
            yield Pause(next(pauses))
        self.report.unsettled = len(self.todo)
        return self.report

    # -- reading everything --------------------------------------------------------------------

    def _read(
        self, table: str, expressions: Expressions | None, take: Callable[[StoredItem], None]
    ) -> Flow[None]:
        count = self.workers
        scans: list[Query | Scan] = [
            Scan(
                table=table,
                expressions=expressions or Expressions(),
                consistent=True,
                segment=(at, count) if count > 1 else None,
            )
            for at in range(count)
        ]
        while scans:
            pages: list[Page | Exception] = yield from Together(scans, count)
            scans = []
            for page in pages:
                if isinstance(page, Exception):
                    raise page
                for item in page.items:
                    take(item)
                if page.rest is not None:
                    scans.append(page.rest)

    def _take_sentinel(self, item: StoredItem) -> None:
        wires: WireItem = from_json(item)
        self.report.sentinels += 1
        text = wires[VALUE]["S"]
        if self._find_constraint(text) is None:
            self.report.others += 1
        else:
            self.open[text] = self._owner_in(wires)

    def _take_item(self, item: StoredItem) -> None:
        if not self._is_of_model(item):
            return
        wires: WireItem = from_json(item)
        self.report.items += 1
        key = self._key_in(wires)
        found = find_claims(self.meta, wires, key)
        owner = _pack(key) if found else b""
        for text in found:
            if self.open.get(text) == owner:
                del self.open[text]
            else:
                self.todo.setdefault(text, []).append(owner)

    def _is_of_model(self, item: StoredItem) -> bool:
        """Tell whether *item* belongs to the model, and not to another model of a shared table."""
        if self.layout is None:
            return True
        found = self.layout.find_model(item)
        return found is not None and self.layout.is_related(found, self.meta)

    def _find_constraint(self, text: str) -> Constraint | None:
        """Return the constraint of a sentinel; None if it belongs to another model."""
        try:
            parts: Any = from_json(text)
            return self.scopes.get(parts[0])
        except (ValueError, LookupError, TypeError):
            return None

    def _key_in(self, wires: Mapping[str, Any]) -> Key:
        return {name: wires[name] for name in self.keys}

    def _owner_in(self, sentinel: WireItem) -> _Owner | None:
        owner: Any = sentinel.get(OWNER, {}).get("M", {})
        if any(field.kind not in owner.get(field.attribute, ()) for field in self.meta.keys):
            return None
        return _pack(self._key_in(owner))

    # -- checking again, and repairing --------------------------------------------------------------

    def _check_values(self, todo: Mapping[str, Sequence[_Owner]]) -> Flow[None]:
        """Check some values; defer those that must be checked again."""
        cases = yield from self._make_cases(todo)
        wrong = [case for case in cases if case.kind is not None]
        if not wrong:
            return
        if not self.mend:
            now = yield from self._read_sentinels([case.text for case in wrong])
            for case in wrong:
                if now[case.text].owner == case.seen.owner:
                    self._report(case, mended=False)
                else:
                    self._defer(case)
            return
        unmended = [case for case in wrong if not case.is_mended]
        outcomes: list[Exception | None] = yield from Together(
            [TransactWriteItems(self._make_writes(case), _make_token()) for case in unmended],
            self.workers,
        )
        failed = {id(case) for case in self._failed(unmended, outcomes)}
        for case in wrong:
            if id(case) in failed:
                self._defer(case)
            else:
                self._report(case, mended=not case.is_mended)

    def _failed(
        self, cases: Iterable[_Case], outcomes: Iterable[Exception | None]
    ) -> Iterator[_Case]:
        for case, outcome in zip(cases, outcomes, strict=True):
            if isinstance(outcome, TransactionCanceled):
                blamed = {each.code for each in outcome.reasons if each.is_to_blame}
                if not blamed <= _CONCURRENT:
                    raise outcome
                yield case
            elif outcome is not None:
                raise outcome

    def _defer(self, case: _Case) -> None:
        self.todo[case.text] = list(case.items)

    def _make_cases(self, todo: Mapping[str, Sequence[_Owner]]) -> Flow[list[_Case]]:
        seen = yield from self._read_sentinels(list(todo))
        owners = {
            text: dict.fromkeys([*known, *_as_list(seen[text].owner)])
            for text, known in todo.items()
        }
        items = yield from self._read_items({owner for each in owners.values() for owner in each})
        cases: list[_Case] = []
        for text, each in owners.items():
            constraint = self._find_constraint(text)
            assert constraint is not None
            holders: dict[_Owner, Claim] = {}
            for owner in each:
                wires = items[owner]
                if wires is None or not self._is_of_model(to_json(wires)):
                    continue
                if constraint.text(wires) == text:
                    holders[owner] = find_claims(self.meta, wires, self._key_in(wires))[text]
            stored = {owner: items[owner] for owner in each}
            cases.append(_Case(text, constraint, seen[text], holders, stored))
        return cases

    def _read_sentinels(self, texts: Sequence[str]) -> Flow[dict[str, _StoredSentinel]]:
        found = yield from batch_get(
            [(self.sentinels, make_sentinel_key(text)) for text in texts],
            {self.sentinels: _identify_sentinel},
            consistent=True,
            workers=self.workers,
        )
        seen: dict[str, _StoredSentinel] = {}
        for text, item in zip(texts, found, strict=True):
            raw: WireItem | None = None if item is None else from_json(item)
            seen[text] = (
                _StoredSentinel() if raw is None else _StoredSentinel(raw, self._owner_in(raw))
            )
        return seen

    def _read_items(self, owners: Iterable[_Owner]) -> Flow[dict[_Owner, WireItem | None]]:
        all_ = list(owners)
        found = yield from batch_get(
            [(self.table, _unpack(owner)) for owner in all_],
            {self.table: make_identity_reader(self.meta.schema.key)},
            consistent=True,
            workers=self.workers,
            expressions={self.table: self.expressions},
        )
        return {
            owner: None if item is None else cast("WireItem", from_json(item))
            for owner, item in zip(all_, found, strict=True)
        }

    def _make_writes(self, case: _Case) -> list[Write]:
        """Return the writes that repair the sentinel, if nothing has changed since it was read."""
        checks: list[Write] = []
        write: Write
        concerned = [] if case.seen.owner is None else [case.seen.owner]
        if case.holders:
            owner, claim = next(iter(case.holders.items()))
            concerned.append(owner)
            write = claim.put_if(self.sentinels, self.meta.name, case.seen.require_unchanged())
        else:
            write = Delete(
                self.sentinels, make_sentinel_key(case.text), case.seen.require_unchanged()
            )
        for owner in concerned:
            unchanged = self._require_unchanged(case.constraint, case.items[owner])
            checks.append(Check(self.table, _unpack(owner), unchanged))
        return [write, *checks]

    def _require_unchanged(self, constraint: Constraint, wires: WireItem | None) -> Condition:
        """Return the condition that an item still has the values that were read, or is still missing."""
        there = Path((self.keys[0],))
        if wires is None:
            return NotExists(there)
        condition: Condition = Exists(there)
        for name in constraint.attributes:
            path = Path((name,))
            if name in self.keys:
                continue
            if name in wires:
                condition &= Compare(path, "=", Value(as_sent(wires[name])))
            else:
                condition &= NotExists(path)
        return condition

    # -- reporting -------------------------------------------------------------------------------

    def _report(self, case: _Case, *, mended: bool) -> None:
        report, seen = self.report, case.seen
        if case.holders and seen.owner not in case.holders:
            report.missing += 1
            report.made += mended
            self._notify(case, "missing", [next(iter(case.holders))])
        if seen.raw is not None and seen.owner not in case.holders:
            report.stale += 1
            report.deleted += mended
            self._notify(case, "stale", [seen.owner])
        if case.kind == "duplicate":
            report.duplicates.append(self._make_finding(case, "duplicate", list(case.holders)))
            if self.callback is not None:
                self.callback(report.duplicates[-1])

    def _notify(self, case: _Case, kind: Kind, owners: list[_Owner | None]) -> None:
        if self.callback is not None:
            self.callback(self._make_finding(case, kind, owners))

    def _make_finding(
        self,
        case: _Case,
        kind: Kind,
        owners: Sequence[_Owner | None],
    ) -> Finding:
        values: dict[str, Any] = {}
        if kind != "stale":
            claim = next(iter(case.holders.values()))
            for field, wire in zip(case.constraint.fields, claim.wires, strict=True):
                values[field.name] = decode_or_free(field, wire)
        keys = [
            None if owner is None else decode_primary_key(self.meta, _unpack(owner))
            for owner in owners
        ]
        return Finding(kind, self.meta.name, case.constraint.name, case.text, values, keys)


def _pack(key: Key) -> _Owner:
    return to_json(normalize_key(key))


def _unpack(owner: _Owner) -> Key:
    key: WireItem = from_json(owner)
    return {name: as_sent(wire) for name, wire in key.items()}


def _as_list(owner: _Owner | None) -> list[_Owner]:
    return [] if owner is None else [owner]


def _identify_sentinel(item: StoredItem) -> Hashable:
    return identify_key({VALUE: from_json(item)[VALUE]})


def _make_token() -> str:
    from uuid import uuid4  # imported only for repairs

    return uuid4().hex
