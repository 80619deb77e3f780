"""Several items as one: ``from dynamodb_py import transaction``."""

from __future__ import annotations

from .atomic import atomic, check, on_commit
from .snapshot import aget, get

aatomic = atomic
"""The same, for those who look for it beside ``aget``: ``async with transaction.aatomic()``."""

__all__ = ["aatomic", "aget", "atomic", "check", "get", "on_commit"]
