"""A connection to a new embedded database, and models in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dynamodb_py import Connection, Table, connect, connections
from dynamodb_py.observing import OBSERVERS

from .models import Author, Book


@pytest.fixture(autouse=True)
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """A new database, the only connection there is; nobody observes it after the test."""
    monkeypatch.setattr(connections, "_connections", {})
    connection = connect("memory://")
    for model in (Author, Book):
        Table(model).create()
    Author.batch_write([{"name": f"author {n}"} for n in range(6)], overwrite=True)
    books = [{"isbn": str(n), "author": f"author {n}", "year": n} for n in range(6)]
    Book.batch_write(books, overwrite=True)
    yield connection
    OBSERVERS.clear()
