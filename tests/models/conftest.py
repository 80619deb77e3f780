"""Connections that answer from a script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dynamodb_py import connections

from ..scripted import Script, scripted_connection


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """What answers the default connection, and at the end must have been asked for all it had."""
    script = Script()
    known = {"default": scripted_connection(script)}
    monkeypatch.setattr(connections, "_connections", known)
    yield script
    assert not script.answers, f"these were never asked for: {script.answers}"
