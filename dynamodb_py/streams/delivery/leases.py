"""Leases: which worker reads which shard, and how far it is, as items of a DynamoDB table.

A lease has a number, which every change of hands raises, and every write of its worker is on condition that
it is still the same. So a worker that was given up for dead writes nothing when it comes back.
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
"""The name of the table of leases by default."""

_RUNNER, _NUMBER = Attr(Path(("runner",))), Attr(Path(("number",)))


class Lease(Struct):
    """The item of one shard, or of a table: then it only has ``start``."""

    shard: str
    """The ARN of the stream, a slash, and the id of the shard."""
    number: int = 0
    """The fencing number: how often the lease has changed hands."""
    owner: str = ""
    """The worker that has it; empty: none."""
    renewed: float = 0.0
    """When its owner last renewed it, in seconds since 1970 by the owner's clock; of a table, the first run."""
    checkpoint: str = ""
    """The sequence number of the last record that was delivered; empty: none."""
    finished: bool = False
    """Whether all records of the shard were delivered."""
    wanted_by: str = ""
    """The worker that wants it, because it has fewer."""
    start: float = 0.0
    """Records of the table from before are passed over, in seconds since 1970."""


class LeaseTable(Struct, frozen=True):
    """The leases of one runner."""

    table: str
    """The name of the table in DynamoDB."""
    runner: str

    @property
    def schema(self) -> TableSchema:
        """The table, whose hash key is the name of the runner."""
        return TableSchema(self.table, KeyAttribute("runner", "S"), KeyAttribute("shard", "S"))

    def key(self, shard: str) -> Key:
        """Return the key of a lease."""
        return {"runner": {"S": self.runner}, "shard": {"S": shard}}


def read_leases(leases: LeaseTable) -> Flow[dict[str, Lease]]:
    """Return all leases of a runner by shard."""
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
    """Note from when on the changes of *table* are delivered, unless that was noted before; return it."""
    noted = Lease(table, renewed=time.time(), start=start)
    changes = {"start": start, "renewed": noted.renewed}
    try:
        yield from _send(leases, table, changes, _RUNNER.not_exists())
    except ConditionFailed as error:
        wires: dict[str, Any] = error.current or {}
        return Lease(table, renewed=decode(wires["renewed"]), start=decode(wires["start"]))
    return noted


def take_lease(leases: LeaseTable, found: Lease, worker: str) -> Flow[Lease | None]:
    """Take a lease for *worker*, if it is as *found*; None: another one was faster."""
    taken = Lease(found.shard, found.number + 1, worker, time.time(), found.checkpoint)
    condition = _NUMBER.eq(found.number) if found.number else _RUNNER.not_exists()
    changes = {"number": taken.number, "owner": worker, "renewed": taken.renewed, "wanted_by": None}
    return taken if (yield from _update(leases, taken, changes, condition, worker)) else None


def write_lease(leases: LeaseTable, lease: Lease, **changes: Any) -> Flow[bool]:
    """Renew *lease*, with *changes* of its attributes; False: it has changed hands, and nothing was written.

    :param changes: None removes an attribute.
    """
    return (
        yield from _update(leases, lease, {"renewed": time.time(), **changes}, _has_number(lease))
    )


def want_lease(leases: LeaseTable, lease: Lease, worker: str) -> Flow[None]:
    """Ask the owner of *lease* to give it up for *worker*, if it has not changed hands."""
    yield from _update(leases, lease, {"wanted_by": worker}, _has_number(lease))


def delete_lease(leases: LeaseTable, lease: Lease) -> Flow[None]:
    """Delete *lease*, if it has not changed hands."""
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

    :param worker: the one that takes it: an earlier attempt, whose answer was lost, may have done that.
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
    """Return a name for a holder of leases that no other has, with the machine and the process."""
    return f"{socket.gethostname()}, process {os.getpid()}, {uuid4().hex[:8]}"


class Sightings:
    """When leases were last seen to change, by the local clock: those of other machines may be wrong."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._seen: dict[str, tuple[tuple[int, float], float]] = {}

    def find_expired(self, leases: Iterable[Lease], now: float) -> set[str]:
        """Return the shards whose lease has not changed for as long as it lasts; *now* is monotonic."""
        last, self._seen = self._seen, {}
        for lease in leases:
            state = lease.number, lease.renewed
            before = last.get(lease.shard)
            self._seen[lease.shard] = before if before and before[0] == state else (state, now)
        return {shard for shard, (_, since) in self._seen.items() if now - since > self.seconds}


class LeasePlan(Struct, frozen=True):
    """What a worker does about the leases."""

    take: list[Lease]
    want: Lease | None = None
    """One of a worker that has at least two more."""
    give: list[Lease] = []
    """Own ones that another worker wants, which has fewer."""


def plan_leases(
    blockers: Mapping[str, Collection[str]],
    leases: Mapping[str, Lease],
    expired: Collection[str],
    worker: str,
) -> LeasePlan:
    """Return what *worker* does so that each worker has its share of the shards that can be read.

    :param blockers: the shards, each with those whose records come before its own.
    :param expired: those whose owner is given up for dead.
    """
    known = {shard: leases.get(shard) or Lease(shard) for shard in blockers}
    is_open = {shard for shard, lease in known.items() if not lease.finished}
    readable = [known[shard] for shard in is_open if is_open.isdisjoint(blockers[shard])]
    owned = [each for each in readable if each.owner and each.shard not in expired]
    free = [each for each in readable if not each.owner or each.shard in expired]
    counts = Counter(each.owner for each in owned)
    counts.setdefault(worker, 0)
    share = -(-len(readable) // len(counts))
    # Each worker has an order of its own, so that they seldom want the same one.
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
