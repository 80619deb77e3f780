"""Databases for statements."""

from __future__ import annotations

import pytest

from .tables import Statements, make_statements


@pytest.fixture
def database() -> Statements:
    return make_statements()


@pytest.fixture
def filled(database: Statements) -> Statements:
    """A database with five items of a, and one of b."""
    for number in range(1, 6):
        database.run(
            "INSERT INTO tab VALUE {'h': 'a', 'r': ?, 'n': ?, 'l': ?, 'g': 'all', 'x': 'x'}",
            *({"N": str(each)} for each in (number, number * 10, 9 - number)),
        )
    database.run(
        "INSERT INTO tab VALUE {'h': 'b', 'r': 1, 's': 'text', 'ss': <<'a', 'b'>>, 'nul': NULL, "
        "'flag': TRUE, 'list': [1, 'two', [3]], 'map': {'sub': {'n': 1.50}}}"
    )
    return database
