"""One write of one item, ready to be sent: alone, or in a transaction with others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ...connections import Connection
from ...exceptions import ConditionFailed
from ...expressions import Condition
from ...operations import transactions
from ...operations.base import Operation
from ...operations.items import DeleteItem, Key, PutItem, StoredItem, UpdateItem
from ...operations.transactions import Put, Update, Write
from ..attribute_values.diff import GuardedUpdate

if TYPE_CHECKING:
    from ..constraints import Claim
    from ..options import Options


def do_nothing() -> None:
    """Do nothing."""


def discard(_: object) -> None:
    """Give nothing, whatever is given."""


class PendingWrite(Struct, kw_only=True, eq=False):
    """A write, and what its instance makes of it."""

    verb: str
    """What was called: ``save``, ``create``, ``update``, ``delete``, ``check``."""
    meta: Options
    link: Connection
    write: Write
    key: Key
    explain: Callable[[ConditionFailed], Exception | None]
    """What a failed condition means; None where an earlier attempt did what was to be done."""
    settle: Callable[[], None] = do_nothing
    """Called once it is carried out."""
    instance: Any = None
    """The instance that it is of, if it is of one."""
    after: StoredItem | None = None
    """What the item will be, where that is known."""
    released: Sequence[Claim] = ()
    """The unique values that the item no longer has."""
    claimed: Sequence[Claim] = ()
    """The unique values that the item is to have."""
    caller_condition: Condition | None = None
    """What of its condition the caller has asked for, if anything."""
    locked: bool = False
    """Whether its condition is that nobody else has written the item."""
    considered_attributes: frozenset[str] | None = None
    """The attributes that a save of what was loaded looked at; None for all of them."""
    guarded: bool = False
    """Whether its condition does not hold a second time, so that it may be sent again."""

    @property
    def is_alone(self) -> bool:
        """Whether it takes no other item's write."""
        return not self.released and not self.claimed

    def make_operation(self) -> Operation[Any]:
        """Return the request that carries it out alone."""
        write = self.write
        if isinstance(write, Put):
            return PutItem(write.table, write.item, write.condition)
        if isinstance(write, Update):
            kind = GuardedUpdate if self.guarded else UpdateItem
            return kind(write.table, write.key, write.actions, write.condition)
        if isinstance(write, transactions.Delete):
            return DeleteItem(write.table, write.key, write.condition)
        return UpdateItem(write.table, write.key, (), write.condition)

    def __str__(self) -> str:
        said = ", ".join(map(repr, self.get_key_values()))
        return f"{self.verb} of {self.meta.name}({said})"

    def get_key_values(self) -> list[Any]:
        """Return the values of the key, as Python has them."""
        return [field.decode(self.key[field.attribute]) for field in self.meta.keys]
