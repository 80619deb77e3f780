"""No more capacity units per second than a rate, of reads and of writes each: buckets, and flows that wait."""

from __future__ import annotations

from .buckets import Bucket, Clock, Pacer, Units, check_rate, limit_batch, make_pacer
from .flows import estimate_units, pace

__all__ = [
    "Bucket",
    "Clock",
    "Pacer",
    "Units",
    "check_rate",
    "estimate_units",
    "limit_batch",
    "make_pacer",
    "pace",
]
