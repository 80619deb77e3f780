"""Reading executes plans, to the end or page by page, from any position.

A :class:`Reader` executes a :class:`~dynamodb_py.planning.plan.Plan` without doing I/O. A
:class:`Position` is its state as plain data; ``encode`` turns a position into a cursor, a text that can be
given to clients. ``drive_pages`` and :class:`Walk` drive a reader to its end.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cursors import decode, encode, hash_query
    from .iteration import Walk, adrive_pages, drive_pages
    from .positions import Mark, Position, reversed_plan
    from .reader import Reader
else:
    from ..lazy import EXPORTS
    from ..lazy.loading import export_lazily

    __getattr__, __dir__ = export_lazily(EXPORTS["reading"], globals())

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
