"""``from dynamodb_py import transaction``: atomic writes, snapshot reads, statements.

``unit_of_work/`` collects the writes, ``operations.transactions`` has the requests.
"""

from __future__ import annotations

from .atomic import atomic, check, on_commit, on_rollback
from .snapshot import aget, get
from .statements import aexecute, execute

aatomic = atomic
"""Another name of ``atomic``, like the twins of other verbs: ``async with transaction.aatomic()``."""

__all__ = [
    "aatomic",
    "aexecute",
    "aget",
    "atomic",
    "check",
    "execute",
    "get",
    "on_commit",
    "on_rollback",
]
