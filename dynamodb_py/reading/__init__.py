"""Reading executes plans, to the end or page by page, from any position.

A :class:`Reader` executes a :class:`~dynamodb_py.planning.plan.Plan` without doing I/O. A
:class:`Position` is where it is, as plain data; ``encode`` makes a cursor of it, a text that clients
may have. ``drive_pages`` and :class:`Walk` drive a reader to its end.
"""

from .cursors import decode, encode, hash_query
from .iteration import Walk, adrive_pages, drive_pages
from .positions import Mark, Position, reversed_plan
from .reader import Reader

__all__ = [
    "Mark",
    "Position",
    "Reader",
    "Walk",
    "adrive_pages",
    "decode",
    "drive_pages",
    "encode",
    "hash_query",
    "reversed_plan",
]
