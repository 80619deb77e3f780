"""Finding the table that a command line names, by its name in DynamoDB or by its model."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from ..tables.table import Table
from .access import Access, connected
from .naming import find_model


@contextmanager
def named_table(text: str, access: Access) -> Generator[tuple[str, str | None]]:
    """Yield the table's name in DynamoDB and the alias of its connection, to a block that uses the connection.

    :param text: the name of the table in DynamoDB, or ``module:Model``.
    """
    if ":" not in text:
        with connected(access):
            yield text, None
        return
    model = find_model(text)
    with connected(access, [model]):
        table = Table(model)
        yield table.name, table.using
