"""LostWrite: a write of an item whose response never arrived: DynamoDB may have executed it or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from ...codec import from_json
from ...expressions import Action
from ...operations.base import Wire, WireItem
from ...operations.items import StoredItem
from .diff import is_applied
from .values import apply_actions, has_changed


class LostWrite(Struct, frozen=True):
    """The changes of an update, or the item of a put; neither for a delete."""

    actions: Sequence[Action] = ()
    item: StoredItem | None = None

    def apply(self, before: Mapping[str, Wire]) -> WireItem:
        """Return the item *before* after this write."""
        if self.item is not None:
            after: WireItem = from_json(self.item)
            return after
        return apply_actions(before, self.actions) if self.actions else {}

    def is_executed(self, before: Mapping[str, Wire], now: WireItem) -> bool:
        """Tell whether the stored item *now* is the result of this write on the item *before*."""
        after = self.apply(before)
        if self.actions:
            return bool(now) and is_applied(self.actions, after, now)
        return not has_changed({**after, **now}, after, now)
