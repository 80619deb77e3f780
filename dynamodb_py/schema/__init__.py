"""Tables as values: keys, indexes, projections, billing. No I/O.

:func:`declare_table` returns the :class:`TableSchema` of a model, :meth:`TableSchema.parse` that of a live
table, so the two can be compared. A schema has the names and types on the wire. A :class:`GlobalIndex` or
:class:`LocalIndex` has the names of fields.
"""

from __future__ import annotations

from .declaring import GlobalIndex, HasOptions, Index, LocalIndex, Lookup, declare_table
from .values import (
    ON_DEMAND,
    PROVISIONED,
    IndexSchema,
    KeyAttribute,
    Projection,
    TableSchema,
    Throughput,
    find_name_problem,
)

__all__ = [
    "ON_DEMAND",
    "PROVISIONED",
    "GlobalIndex",
    "HasOptions",
    "Index",
    "IndexSchema",
    "KeyAttribute",
    "LocalIndex",
    "Lookup",
    "Projection",
    "TableSchema",
    "Throughput",
    "declare_table",
    "find_name_problem",
]
