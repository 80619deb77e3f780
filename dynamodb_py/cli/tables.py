"""Tables that a command line names: by their names in DynamoDB, or by their models."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from ..tables.table import Table
from .access import Access, connected
from .naming import find_model


@contextmanager
def named_table(text: str, access: Access) -> Generator[tuple[str, str | None]]:
    """Give a block the name in DynamoDB of the table *text*, and the alias of its connection.

    :param text: the name of a table, as it is in DynamoDB, or ``module:Model``.
    """
    if ":" not in text:
        with connected(access):
            yield text, None
        return
    model = find_model(text)
    with connected(access, [model]):
        table = Table(model)
        yield table.name, table.using
