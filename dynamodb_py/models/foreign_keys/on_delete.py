"""The actions of ``on_delete=``."""

from __future__ import annotations

from enum import Enum


class OnDelete(Enum):
    """The action on items that refer to an item which is deleted."""

    DO_NOTHING = "do nothing"
    """The referring items keep the key of the deleted item."""
    PROTECT = "protect"
    """The item is not deleted as long as others refer to it."""
    NULLIFY = "nullify"
    """The references in the referring items become None."""
    CASCADE = "cascade"
    """The referring items are deleted too."""


DO_NOTHING = OnDelete.DO_NOTHING
PROTECT = OnDelete.PROTECT
NULLIFY = OnDelete.NULLIFY
CASCADE = OnDelete.CASCADE
