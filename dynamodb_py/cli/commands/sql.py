"""``sql``: executes one statement of PartiQL."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NoReturn

import click

from ...codec import decode_item
from ...connections import get_connection
from ...flows import run
from ...metering import format_count
from ...models.statements import FEWEST, encode_parameters
from ...operations.items import StoredItem
from ...operations.statements import ExecuteStatement
from ..access import Access, connected
from ..options import connection_options, json_option
from ..output import print_json
from ..statuses import UsageError


@click.command()
@click.argument("statement")
@connection_options
@click.option(
    "--param",
    "-p",
    "parameters",
    multiple=True,
    metavar="VALUE",
    help="The value for the next question mark, as JSON, or else as a text.",
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="The most rows to print.")
@click.option(
    "--consistent", is_flag=True, help="Make strongly consistent reads, at twice the price."
)
@json_option
def sql(
    statement: str,
    access: Access,
    parameters: tuple[str, ...],
    limit: int | None,
    consistent: bool,
    as_json: bool,
) -> None:
    """Execute one PartiQL statement.

    Each row is printed as a line of JSON, with --json or without: numbers are exact, sets are lists, bytes
    are in base64. Without --json, the number of rows follows on standard error. A SELECT without a condition on the
    key reads the whole table.

    A text that looks like JSON needs quotes: --param '"12"'.
    """
    if "table_prefix" in access.options:
        raise UsageError(
            "--table-prefix: sql does not change the names in the statement; write the whole name"
        )
    values = [_parse(text) for text in parameters]
    wires = encode_parameters(statement, values)
    most = None if limit is None else max(limit, FEWEST)
    operation = ExecuteStatement(statement, wires, consistent, most)
    count = 0
    with connected(access):
        for row in _read(operation, limit):
            print_json(decode_item(row))
            count += 1
    if not as_json:
        sys.stderr.write(f"{format_count(count, 'row')}\n")


def _read(operation: ExecuteStatement, limit: int | None) -> Iterator[StoredItem]:
    step: ExecuteStatement | None = operation
    while step is not None:
        rows = run(iter(step), get_connection())
        yield from rows.items[:limit]
        if limit is not None and (limit := limit - len(rows.items)) <= 0:
            return
        step = rows.rest


def _parse(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except ValueError:
        return text


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity are not JSON
