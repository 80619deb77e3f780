"""Connections that answer from a script."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from dynamodb_py import connections, flows
from dynamodb_py.pacing.buckets import Pacer
from dynamodb_py.reading.reader import Reader

from ..scripted import Script, scripted_connection


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """What answers the default connection, and at the end must have been asked for all it had."""
    script = Script()
    known = {"default": scripted_connection(script)}
    monkeypatch.setattr(connections, "_connections", known)
    yield script
    assert not script.answers, f"these were never asked for: {script.answers}"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses of the drivers, in seconds: nobody sleeps, and for rates no other time goes by."""
    noted: list[float] = []

    async def asleep(seconds: float) -> None:
        noted.append(seconds)

    def clock() -> float:
        return sum(noted)

    monkeypatch.setattr(flows.time, "sleep", noted.append)
    monkeypatch.setattr(asyncio, "sleep", asleep)
    monkeypatch.setattr(Pacer.__init__, "__defaults__", (clock,))
    monkeypatch.setitem(Reader.__init__.__kwdefaults__, "clock", clock)
    return noted
