"""Every test begins without any connection but those that it defines."""

from __future__ import annotations

import pytest

from dynamodb_py import connections


@pytest.fixture(autouse=True)
def none_known(monkeypatch):
    monkeypatch.setattr(connections, "_connections", {})
