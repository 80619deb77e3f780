"""Tests with random input: some in the default run, many where they are chosen by ``-m slow``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis.strategies import SearchStrategy

LONG = 20_000


def fuzz(
    short: int, *strategies: SearchStrategy[Any], known: Sequence[tuple[Any, ...]] = ()
) -> Callable[[Any], Any]:
    """Have the decorated function called with what *strategies* give, and first with all *known*."""

    def decorate(check: Callable[..., None]) -> Any:
        @pytest.mark.parametrize("count", [short, pytest.param(LONG, marks=pytest.mark.slow)])
        def test(count: int) -> None:
            run = given(*strategies)(check)
            for each in known:
                run = example(*each)(run)
            settings(
                max_examples=count,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            )(run)()

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return decorate
