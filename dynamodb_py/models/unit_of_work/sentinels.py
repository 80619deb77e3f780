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
    """A unique value in the transaction: the claims that release and claim it, and their calls."""

    table: str
    calls: list[PendingWrite]
    released: Claim | None = None
    claimed: Claim | None = None

    @property
    def write(self) -> Write:
        """The write of the sentinel."""
        claimed, released = self.claimed, self.released
        name = self.calls[-1].meta.name
        if claimed is None:
            assert released is not None
            return released.release(self.table)
        if released is None or released.owner == claimed.owner:
            return claimed.put(self.table, name)
        return claimed.handover(self.table, name, released.owner)


def is_release(each: Member | Sentinel) -> bool:
    """Tell whether *each* only releases a unique value."""
    return isinstance(each, Sentinel) and each.claimed is None


def make_sentinels(calls: Iterable[PendingWrite]) -> dict[Place, Sentinel]:
    """Return the sentinels of the unique values that *calls* release and claim."""
    found: dict[Place, Sentinel] = {}

    def add(call: PendingWrite, claim: Claim) -> Sentinel:
        table = call.link.table_name(call.meta.unique_table)
        sentinel = found.setdefault((table, claim.value), Sentinel(table, []))
        sentinel.calls.append(call)
        return sentinel

    for call in calls:
        for claim in call.released:
            add(call, claim).released = claim
    for call in calls:
        for claim in call.claimed:
            sentinel = add(call, claim)
            if sentinel.claimed is not None and sentinel.claimed.owner != claim.owner:
                raise QueryError(
                    f"{call}: {', '.join(claim.fields)} is unique, and another item of this "
                    "transaction gets the same value: change one of them"
                )
            sentinel.claimed = claim
    return found
