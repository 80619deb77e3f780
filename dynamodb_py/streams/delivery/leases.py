"""Leases: items of a DynamoDB table that say which worker reads a shard, and how far it has come.

A lease has a number that grows with each new owner. A worker writes a lease on condition that the number is
still the same. So a worker that the others took for dead writes nothing when it comes back.
"""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import uuid4
from zlib import crc32

from msgspec import Struct, convert

from ...codec import decode, decode_item, encode
from ...exceptions import ConditionFailed
from ...expressions import Action, Attr, Condition, Path
from ...flows import Flow
from ...operations.items import DeleteItem, Key, UpdateItem
from ...operations.queries import Expressions, Query, Scan
from ...schema import KeyAttribute, TableSchema

LEASE_TABLE = "dynamodb_py_leases"
"""The default name of the table of leases."""

_RUNNER, _NUMBER = Attr(Path(("runner",))), Attr(Path(("number",)))


class Lease(Struct):
    """The lease of one shard; or the item of a table, which has only ``start`` and ``renewed``."""

    shard: str
    """The ARN of the stream, a slash, and the id of the shard."""
    number: int = 0
    """The fencing number: how often the lease got a new owner."""
    owner: str = ""
    """The worker that has it; empty: none."""
    renewed: float = 0.0
    """The time of the last renewal, in seconds since 1970 by the owner's clock; for a table, of the first run."""
    checkpoint: str = ""
    """The sequence number of the last record that was delivered; empty: none."""
    finished: bool = False
    """Whether all records of the shard were delivered."""
    wanted_by: str = ""
    """The worker that wants it, because it has fewer leases."""
    start: float = 0.0
    """For a table, the time in seconds since 1970 before which records are skipped."""


class LeaseTable(Struct, frozen=True):
    """The leases of one runner."""

    table: str
    """The name of the table in DynamoDB."""
    runner: str

    @property
    def schema(self) -> TableSchema:
        """The schema of the table; its hash key is the name of the runner."""
        return TableSchema(self.table, KeyAttribute("runner", "S"), KeyAttribute("shard", "S"))

    def key(self, shard: str) -> Key:
        """Return the key of a lease."""
        return {"runner": {"S": self.runner}, "shard": {"S": shard}}


def read_leases(leases: LeaseTable) -> Flow[dict[str, Lease]]:
    """Return all leases of a runner, by shard."""
    keys = Expressions.of(keys=_RUNNER.eq(leases.runner))
    query: Query | Scan | None = Query(leases.table, keys, consistent=True)
    found: dict[str, Lease] = {}
    while query is not None:
        page = yield from query
        for item in page.items:
            lease = convert(decode_item(item), Lease)  # later versions may have more attributes
            found[lease.shard] = lease
        query = page.rest
    return found


def note_start(leases: LeaseTable, table: str, start: float) -> Flow[Lease]:
    """Store the time from which on changes of *table* are delivered, unless it is stored; return the item."""
    noted = Lease(table, renewed=time.time(), start=start)
    changes = {"start": start, "renewed": noted.renewed}
    try:
        yield from _send(leases, table, changes, _RUNNER.not_exists())
    except ConditionFailed as error:
        wires: dict[str, Any] = error.current or {}
        return Lease(table, renewed=decode(wires["renewed"]), start=decode(wires["start"]))
    return noted


def take_lease(leases: LeaseTable, found: Lease, worker: str) -> Flow[Lease | None]:
    """Take a lease for *worker*, if it has not changed since *found*; return None if it has."""
    taken = Lease(found.shard, found.number + 1, worker, time.time(), found.checkpoint)
    condition = _NUMBER.eq(found.number) if found.number else _RUNNER.not_exists()
    changes = {"number": taken.number, "owner": worker, "renewed": taken.renewed, "wanted_by": None}
    return taken if (yield from _update(leases, taken, changes, condition, worker)) else None


def write_lease(leases: LeaseTable, lease: Lease, **changes: Any) -> Flow[bool]:
    """Renew *lease*, and write *changes*; return False, and write nothing, if it has a new owner.

    :param changes: the new values of attributes; None removes one.
    """
    return (
        yield from _update(leases, lease, {"renewed": time.time(), **changes}, _has_number(lease))
    )


def want_lease(leases: LeaseTable, lease: Lease, worker: str) -> Flow[None]:
    """Ask the owner of *lease* to give it up for *worker*, unless it has a new owner."""
    yield from _update(leases, lease, {"wanted_by": worker}, _has_number(lease))


def delete_lease(leases: LeaseTable, lease: Lease) -> Flow[None]:
    """Delete *lease*, unless it has a new owner."""
    try:
        yield from DeleteItem(leases.table, leases.key(lease.shard), _has_number(lease))
    except ConditionFailed:
        return


def _has_number(lease: Lease) -> Condition:
    return _NUMBER.eq(lease.number)


def _update(
    leases: LeaseTable,
    lease: Lease,
    changes: Mapping[str, Any],
    condition: Condition,
    worker: str = "",
) -> Flow[bool]:
    """Write *changes* of *lease*; tell whether *condition* was true.

    :param worker: the worker that takes the lease, if it does: an earlier attempt with a lost response may have
        taken it already.
    """
    try:
        yield from _send(leases, lease.shard, changes, condition)
    except ConditionFailed as error:
        current: dict[str, Any] = error.current or {}
        number = encode(lease.number)
        return bool(worker) and (current.get("owner"), current.get("number")) == (
            {"S": worker},
            number,
        )
    return True


def _send(
    leases: LeaseTable, shard: str, changes: Mapping[str, Any], condition: Condition
) -> Flow[None]:
    actions: list[Action] = []
    for name, value in changes.items():
        attribute = Attr(Path((name,)))
        actions.append(attribute.remove() if value is None else attribute.set(value))
    yield from UpdateItem(leases.table, leases.key(shard), actions, condition)


def name_holder() -> str:
    """Return a unique name for a holder of leases, with the machine and the process."""
    return f"{socket.gethostname()}, process {os.getpid()}, {uuid4().hex[:8]}"


class Sightings:
    """The times when leases were last seen to change, by the local clock: other clocks may be wrong."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._seen: dict[str, tuple[tuple[int, float], float]] = {}

    def find_expired(self, leases: Iterable[Lease], now: float) -> set[str]:
        """Return the shards whose lease has expired, as it has not changed for its duration.

        :param now: the time by the monotonic clock.
        """
        last, self._seen = self._seen, {}
        for lease in leases:
            state = lease.number, lease.renewed
            before = last.get(lease.shard)
            self._seen[lease.shard] = before if before and before[0] == state else (state, now)
        return {shard for shard, (_, since) in self._seen.items() if now - since > self.seconds}


class LeasePlan(Struct, frozen=True):
    """The changes of leases that a worker is to make."""

    take: list[Lease]
    """The leases to take."""
    want: Lease | None = None
    """The lease to ask for; its owner has at least two leases more."""
    give: list[Lease] = []
    """Own leases to give to other workers, which want them and have fewer."""


def plan_leases(
    blockers: Mapping[str, Collection[str]],
    leases: Mapping[str, Lease],
    expired: Collection[str],
    worker: str,
) -> LeasePlan:
    """Return the plan of *worker*, which gives each worker its share of the shards that can be read.

    :param blockers: for each shard, the shards whose records come before its own.
    :param expired: the shards whose lease has expired.
    """
    known = {shard: leases.get(shard) or Lease(shard) for shard in blockers}
    is_open = {shard for shard, lease in known.items() if not lease.finished}
    readable = [known[shard] for shard in is_open if is_open.isdisjoint(blockers[shard])]
    owned = [each for each in readable if each.owner and each.shard not in expired]
    free = [each for each in readable if not each.owner or each.shard in expired]
    counts = Counter(each.owner for each in owned)
    counts.setdefault(worker, 0)
    share = -(-len(readable) // len(counts))
    # Each worker has its own order, so that two of them seldom take the same lease.
    free.sort(key=lambda each: crc32(f"{worker} {each.shard}".encode()))
    take = free[: max(0, share - counts[worker])]
    asked = any(each.wanted_by == worker for each in owned)
    want = None
    if not free and not asked:
        others = [
            each for each in owned if counts[each.owner] > counts[worker] + 1 and not each.wanted_by
        ]
        want = max(others, key=lambda each: (counts[each.owner], each.shard), default=None)
    give: list[Lease] = []
    for each in owned:
        if each.owner == worker and each.wanted_by and counts[worker] > counts[each.wanted_by] + 1:
            counts.update({worker: -1, each.wanted_by: 1})
            give.append(each)
    return LeasePlan(take, want, give)
