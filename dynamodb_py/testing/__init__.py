"""For tests of users: what their code sends, and assertions on it."""

from .n_plus_one import forbid_n_plus_one
from .requests import (
    Requests,
    assert_capacity,
    assert_no_scans,
    assert_requests,
    capture_requests,
)

__all__ = [
    "Requests",
    "assert_capacity",
    "assert_no_scans",
    "assert_requests",
    "capture_requests",
    "forbid_n_plus_one",
]
