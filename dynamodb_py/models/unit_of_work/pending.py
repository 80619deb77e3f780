"""PendingWrite: a write of one item that is sent later, alone or in a transaction."""

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
from ..attribute_values.display import decode_or_free
from ..attribute_values.lost_write import LostWrite
from ..records.base import add_lost

if TYPE_CHECKING:
    from ..constraints import Claim
    from ..options.options import Options


def do_nothing() -> None:
    """Do nothing."""


def discard(_: object) -> None:
    """Return None."""


class PendingWrite(Struct, kw_only=True, eq=False):
    """A write, and the functions that apply its result to its instance."""

    verb: str
    """The method that was called: ``save``, ``create``, ``update``, ``delete``, ``check``."""
    meta: Options
    link: Connection
    write: Write
    key: Key
    explain: Callable[[ConditionFailed], Exception | None]
    """Return the error for a failed condition; None if an earlier attempt succeeded."""
    settle: Callable[[], None] = do_nothing
    """Called after the write succeeded."""
    instance: Any = None
    """The instance that is written, if any."""
    after: StoredItem | None = None
    """The item after the write, if it is known."""
    released: Sequence[Claim] = ()
    """The unique values that the item releases."""
    claimed: Sequence[Claim] = ()
    """The unique values that the item claims."""
    caller_condition: Condition | None = None
    """The caller's part of the write's condition."""
    locked: bool = False
    """Whether the condition includes a lock: the item was not written since it was loaded."""
    considered_attributes: frozenset[str] | None = None
    """The attributes that a save of a loaded instance compared; None for all."""
    guarded: bool = False
    """Whether the condition fails after the write: a retry cannot execute it twice."""

    def note_lost(self) -> None:
        """Note in the instance that this write may have been executed, although no response came."""
        write, verb = self.write, self.verb
        if verb == "delete":
            lost = LostWrite()
        elif verb == "save" and isinstance(write, Put):
            lost = LostWrite(item=write.item)
        elif verb == "save" and isinstance(write, Update):
            lost = LostWrite(write.actions)
        else:
            return
        add_lost(self.instance, lost)

    @property
    def is_alone(self) -> bool:
        """Whether the write needs no write of another item."""
        return not self.released and not self.claimed

    def make_operation(self) -> Operation[Any]:
        """Return the request that sends this write alone."""
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
        values = [decode_or_free(field, self.key[field.attribute]) for field in self.meta.keys]
        return f"{self.verb} of {self.meta.name}({', '.join(map(repr, values))})"
