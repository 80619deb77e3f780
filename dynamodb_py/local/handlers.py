"""Which function carries out which operation: the engine finds them here, and they know the engine."""

from __future__ import annotations

from .engine import HANDLERS
from .operations import items

HANDLERS.update(
    GetItem=items.get_item,
    PutItem=items.put_item,
    UpdateItem=items.update_item,
    DeleteItem=items.delete_item,
)
