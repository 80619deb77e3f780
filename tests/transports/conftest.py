"""The fixture ``caller``: every test that uses it runs with both transports of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .callers import AsyncCaller, Caller, settings


@pytest.fixture(params=[Caller, AsyncCaller], ids=["sync", "asyncio"])
def caller(request: pytest.FixtureRequest) -> Iterator[Callable[..., Caller]]:
    """Make callers for an endpoint, closed when the test is over."""
    made: list[Caller] = []

    def make(endpoint_url: str | None = None, **given: Any) -> Caller:
        made.append(request.param(settings(endpoint_url, **given)))
        return made[-1]

    yield make
    for one in made:
        one.end()
