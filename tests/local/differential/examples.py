"""Tests with random examples: few in the default run, many where they are chosen by ``-m slow``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

from .peers import Bench

SHORT, LONG = 40, 3000


def examples(short: int = SHORT, **strategies: SearchStrategy[Any]) -> Callable[[Any], Any]:
    """Give the decorated function a bench, and examples of all *strategies*."""

    def decorate(check: Callable[..., None]) -> Any:
        @pytest.mark.parametrize("count", [short, pytest.param(LONG, marks=pytest.mark.slow)])
        def test(bench: Bench, count: int) -> None:
            @settings(
                max_examples=count,
                deadline=None,
                database=None,
                derandomize=count == short,  # the default run finds what it found before
                suppress_health_check=list(HealthCheck),
            )
            @given(**strategies)
            def run(**drawn: Any) -> None:
                check(bench, **drawn)

            run()

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return decorate
