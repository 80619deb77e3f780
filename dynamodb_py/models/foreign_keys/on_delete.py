"""The actions of ``on_delete=``."""

from __future__ import annotations

from enum import Enum


class OnDelete(Enum):
    """The action on items that refer to a deleted one."""

    DO_NOTHING = "do nothing"
    """They keep the key of an item that is gone."""
    PROTECT = "protect"
    """The item is not deleted as long as there are any."""
    NULLIFY = "nullify"
    """They refer to nothing from then on."""
    CASCADE = "cascade"
    """They are deleted too."""


DO_NOTHING = OnDelete.DO_NOTHING
PROTECT = OnDelete.PROTECT
NULLIFY = OnDelete.NULLIFY
CASCADE = OnDelete.CASCADE
