"""The testing kit: an empty embedded database for a test, its clock, faults and contents; assertions on requests.

``import dynamodb_py`` does not load it. The fixtures for pytest are in the module ``pytest_dynamodb_py``.
"""

from .cases import DynamoDBTestCase
from .clock import Clock
from .engines import EmbeddedEngine, Snapshot
from .faults import Faults
from .n_plus_one import forbid_n_plus_one
from .requests import (
    Requests,
    assert_capacity,
    assert_no_scans,
    assert_requests,
    capture_requests,
)

__all__ = [
    "Clock",
    "DynamoDBTestCase",
    "EmbeddedEngine",
    "Faults",
    "Requests",
    "Snapshot",
    "assert_capacity",
    "assert_no_scans",
    "assert_requests",
    "capture_requests",
    "forbid_n_plus_one",
]
