"""Transactions, as users call them: ``transaction.get([...])``."""

from __future__ import annotations

from .snapshots import aget, get

__all__ = ["aget", "get"]
