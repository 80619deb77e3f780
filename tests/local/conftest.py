"""The fixture ``calls``: an embedded engine in memory, called by hand."""

from __future__ import annotations

import pytest

from .calls import Calls


@pytest.fixture
def calls() -> Calls:
    return Calls()
