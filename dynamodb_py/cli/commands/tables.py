"""``tables``: create, compare, change and delete the tables of models."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import click

from ...connections import get_connection
from ...flows import run
from ...metering import format_count
from ...operations.tables import DropIndex, ListTables, TableDescription
from ...schema import TableSchema
from ...tables.many import Tables
from ...tables.plans import spell_billing
from ...tables.steps import TablePlan, TableStep
from ...tables.table import Table
from ...waiting import TIMEOUT, find_table
from ..access import Access, connected
from ..naming import list_models
from ..options import connection_options, json_option, models_argument, yes_option
from ..output import confirm, print_json, print_table, show_progress
from ..printing import print_line

_timeout_option = click.option(
    "--timeout",
    type=float,
    default=TIMEOUT,
    metavar="SECONDS",
    help=f"The most seconds to wait until it is done ({TIMEOUT:g}).",
)
_drop_option = click.option(
    "--drop-indexes", is_flag=True, help="Remove the global indexes that no model declares."
)


@contextmanager
def _open(models: tuple[str, ...], access: Access) -> Generator[list[Tables]]:
    """Yield the tables of *models*, grouped by connection, to a block that uses the connections."""
    found = list_models(models)
    with connected(access, found):
        by_alias = groupby(sorted(found, key=_alias), _alias)
        yield [Tables(list(each)) for _, each in by_alias]


def _alias(model: Any) -> str:
    return model._meta.using or ""


@click.group()
def tables() -> None:
    """Create, compare, change and delete the tables of models.

    Name MODELS as shop.models:User, or as shop.models for all models that the module defines.
    """


@tables.command()
@models_argument
@connection_options
@click.option("--if-not-exists", is_flag=True, help="Accept tables that exist with the same keys.")
@click.option("--no-wait", is_flag=True, help="Do not wait until the tables are active.")
@_timeout_option
@json_option
def create(
    models: tuple[str, ...],
    access: Access,
    if_not_exists: bool,
    no_wait: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Create the tables of MODELS.

    They have their indexes, TTL and options; the tables of unique values are created too. The JSON is an object with
    DynamoDB's description of each table, by its name.
    """
    made: dict[str, TableDescription] = {}
    with _open(models, access) as groups, show_progress("tables") as report:
        for each in groups:
            made |= each.create(
                if_not_exists=if_not_exists, wait=not no_wait, timeout=timeout, progress=report
            )
    _print_done("exists", made, as_json)


@tables.command()
@models_argument
@connection_options
@_drop_option
@json_option
def plan(models: tuple[str, ...], access: Access, drop_indexes: bool, as_json: bool) -> bool:
    """Print the steps that update would make.

    They change the live tables to the declarations of MODELS; plan itself changes nothing. The exit status is 1 if
    there are any steps. The JSON is an object with "notes", sentences on indexes that stay, and "steps". A step is an
    object with "table", "part", "what", "why", "undo", "needs_backfill", and "request", which has "operation" and
    "parameters", or is null if update cannot make the step.
    """
    with _open(models, access) as groups:
        steps = sum((each.plan(drop_indexes=drop_indexes) for each in groups), TablePlan())
    if as_json:
        print_json({"steps": [_as_json(step) for step in steps], "notes": steps.notes})
    else:
        print_line(str(steps))
    return bool(steps)


def _as_json(step: TableStep) -> dict[str, Any]:
    operation = step.operation
    sent = operation and {"operation": operation.api, "parameters": operation.payload()}
    names = ("table", "part", "what", "why", "undo", "needs_backfill")
    return {**{name: getattr(step, name) for name in names}, "request": sent}


@tables.command()
@models_argument
@connection_options
@_drop_option
@_timeout_option
@yes_option
@json_option
def update(
    models: tuple[str, ...],
    access: Access,
    drop_indexes: bool,
    timeout: float,
    yes: bool,
    as_json: bool,
) -> bool:
    """Change the tables to what MODELS declare.

    It makes the steps that plan prints, and asks for confirmation before it removes indexes. Filling an index of a
    large table takes hours; if the timeout is over before, run the command again. The JSON is an object with DynamoDB's
    description of each table, by its name.
    """
    done: dict[str, TableDescription] = {}
    with _open(models, access) as groups:
        if drop_indexes:
            steps = [step for each in groups for step in each.plan(drop_indexes=True)]
            dropped = [
                f"{step.table}: {step.what}"
                for step in steps
                if isinstance(step.operation, DropIndex)
            ]
            if dropped and not confirm(f"{'; '.join(dropped)}?", yes=yes):
                return True
        with show_progress("tables") as report:
            for each in groups:
                done |= each.update(drop_indexes=drop_indexes, timeout=timeout, progress=report)
    _print_done("is as declared", done, as_json)
    return False


@tables.command()
@models_argument
@connection_options
@click.option("--if-exists", is_flag=True, help="Accept that a table does not exist.")
@_timeout_option
@yes_option
@json_option
def delete(
    models: tuple[str, ...],
    access: Access,
    if_exists: bool,
    timeout: float,
    yes: bool,
    as_json: bool,
) -> bool:
    """Delete the tables of MODELS with all items.

    The tables of their unique values are deleted too. The JSON is an object with "deleted", the names of the tables.
    """
    with _open(models, access) as groups:
        found = [table for each in groups for table in each]
        gone = [name for table in found for name in (table.name, *table._companions())]
        where = ", ".join({repr(table._link): None for table in found})
        if not confirm(f"Delete {', '.join(gone)} with all items, at {where}?", yes=yes):
            return True
        for each in groups:
            each.delete(missing_ok=if_exists, timeout=timeout)
    if as_json:
        print_json({"deleted": gone})
    else:
        for name in gone:
            print_line(f"{name} is deleted")
    return False


@tables.command()
@models_argument
@connection_options
@json_option
def describe(models: tuple[str, ...], access: Access, as_json: bool) -> None:
    """Print the descriptions of the tables of MODELS.

    These are their state, keys, indexes and billing in DynamoDB, whatever the models declare. The JSON is an object
    with DynamoDB's description of each table, by its name.
    """
    found: dict[str, TableDescription] = {}
    with _open(models, access) as groups:
        for each in groups:
            found |= each.info()
    if as_json:
        print_json(found)
        return
    rows = [(name, *row) for name, each in found.items() for row in _describe(each)]
    print_table(("table", "part", "as it is"), rows)


def _describe(description: TableDescription) -> Iterator[tuple[str, str]]:
    schema = TableSchema.parse(description)
    yield "status", description["TableStatus"]
    yield "key", ", ".join(map(str, schema.key))
    yield "billing", spell_billing(schema)
    counted = f"{description.get('ItemCount', 0):,}, {format_count(description.get('TableSizeBytes', 0), 'byte')}"
    yield "items", f"{counted}, as counted in the last six hours"
    for index in schema.indexes:
        yield f"index {index.name}", str(index)
    if stream := description.get("StreamSpecification", {}).get("StreamViewType"):
        yield "stream", stream
    if ttl := description.get("TimeToLiveDescription"):
        yield (
            "TTL",
            " by ".join(filter(None, (ttl.get("TimeToLiveStatus"), ttl.get("AttributeName")))),
        )


@tables.command()
@click.argument("models", nargs=-1, metavar="[MODELS]...")
@connection_options
@json_option
def ping(models: tuple[str, ...], access: Access, as_json: bool) -> bool:
    """Print how fast DynamoDB responds.

    It requests the state of each table of MODELS, or without MODELS, the name of one table. The exit status is 1 if a
    table is missing. The JSON is a list of objects with "table", "status" and "milliseconds"; "status" is null for a
    missing table.
    """
    rows: list[dict[str, Any]] = []
    with _open(models, access) as groups:
        found: list[Table | None] = [table for each in groups for table in each]
        for table in found or [None]:
            started = time.perf_counter()
            name, status = _ask(table)
            taken = round((time.perf_counter() - started) * 1000, 1)
            rows.append({"table": name, "status": status, "milliseconds": taken})
    if as_json:
        print_json(rows)
    else:
        lines = [(a["table"], a["status"] or "missing", f"{a['milliseconds']} ms") for a in rows]
        print_table(("table", "status", "time"), lines)
    return any(each["status"] is None for each in rows)


def _ask(table: Table | None) -> tuple[str, str | None]:
    """Send a request; return the name of the table, and its status."""
    if table is None:
        run(iter(ListTables(limit=1)), get_connection())
        return "any", "responds"
    found = run(find_table(table.name), table._link)
    return table.name, None if found is None else found["TableStatus"]


def _print_done(done: str, found: dict[str, TableDescription], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    for name, description in found.items():
        print_line(f"{name} {done}: {description['TableStatus']}")
