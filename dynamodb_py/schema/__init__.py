"""Tables as values: keys, indexes, projections, billing. No I/O.

A :class:`TableSchema` is made of a model by :func:`declare_table`, and of the description of a live
table by :meth:`TableSchema.parse`, so that the two can be compared. Names and types in a schema are
those on the wire; :class:`GlobalIndex` and :class:`LocalIndex` are declared by the
names of fields.
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
