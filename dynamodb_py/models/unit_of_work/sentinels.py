"""The sentinel items of unique values in a transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct

from ...exceptions import QueryError
from ...operations.transactions import Write
from .pending import PendingWrite
from .transaction_items import Member, Place

if TYPE_CHECKING:
    from ..constraints import Claim


class Sentinel(Struct, eq=False):
    """One unique value in the transaction: who gives it up, who takes it, and the calls of both."""

    table: str
    calls: list[PendingWrite]
    released: Claim | None = None
    claimed: Claim | None = None

    @property
    def write(self) -> Write:
        """What is done with the sentinel."""
        claimed, released = self.claimed, self.released
        name = self.calls[-1].meta.name
        if claimed is None:
            assert released is not None
            return released.release(self.table)
        if released is None or released.owner == claimed.owner:
            return claimed.put(self.table, name)
        return claimed.handover(self.table, name, released.owner)


def is_release(each: Member | Sentinel) -> bool:
    """Tell whether this releases a unique value and nothing else."""
    return isinstance(each, Sentinel) and each.claimed is None


def make_sentinels(calls: Iterable[PendingWrite]) -> dict[Place, Sentinel]:
    """Return what becomes of the unique values that *calls* give up and take."""
    found: dict[Place, Sentinel] = {}
    for call in calls:
        table = call.link.table_name(call.meta.unique_table)
        for claim in call.released:
            sentinel = found.setdefault((table, claim.value), Sentinel(table, []))
            sentinel.released = claim
            sentinel.calls.append(call)
    for call in calls:
        table = call.link.table_name(call.meta.unique_table)
        for claim in call.claimed:
            sentinel = found.setdefault((table, claim.value), Sentinel(table, []))
            if sentinel.claimed is not None and sentinel.claimed.owner != claim.owner:
                raise QueryError(
                    f"{call}: {', '.join(claim.fields)} is unique, and another item of this "
                    "transaction is to have the same value"
                )
            sentinel.claimed = claim
            sentinel.calls.append(call)
    return found
