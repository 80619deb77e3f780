"""Reading: carries plans out, to the end or page by page, from any place on.

A :class:`Reader` is to a :class:`~dynamodb_py.planning.plan.Plan` what a flow is to an operation: it
does no I/O. A :class:`Position` says where it stands, as plain data; ``encode`` makes a text of it
that can be given to strangers. ``pages`` and :class:`Walk` drive a reader to its end.
"""

from .cursors import decode, encode, query_digest
from .iteration import Walk, apages, pages
from .positions import Mark, Position, reversed_plan
from .reader import Reader

__all__ = [
    "Mark",
    "Position",
    "Reader",
    "Walk",
    "apages",
    "decode",
    "encode",
    "pages",
    "query_digest",
    "reversed_plan",
]
