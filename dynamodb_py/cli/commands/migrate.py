"""``migrate``: numbered files that change live tables and their items."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ... import migrations
from ...migrations.ledger import TABLE
from ...migrations.verbs import LEASE
from ..access import Access, connected
from ..naming import add_current_directory
from ..options import connection_options, json_option
from ..output import print_json, show_progress
from ..printing import print_line

F = TypeVar("F", bound=Callable[..., Any])

_to_option = click.option("--to", metavar="NUMBER", help="The last migration; by default, all.")


def _common_options(function: F) -> F:
    function = click.option(
        "--ledger", default=TABLE, metavar="TABLE", help=f"The table of the ledger ({TABLE})."
    )(function)
    return click.argument("folder")(function)


@click.group()
def migrate() -> None:
    """Change live tables and items by numbered files.

    FOLDER has the files, which may import modules of the current directory.
    """


@migrate.command()
@_common_options
@connection_options
@_to_option
@json_option
def plan(folder: str, ledger: str, access: Access, to: str | None, as_json: bool) -> bool:
    """Print the operations that run would run.

    The exit status is 1 if there are any. The JSON is a list of objects with "migration", "what", "notes", and
    "scanned", the number of items that an interrupted run has read.
    """
    add_current_directory()
    with connected(access):
        found = migrations.plan(folder, to=to, ledger=ledger)
    _print(found, as_json)
    return bool(found)


@migrate.command()
@_common_options
@connection_options
@_to_option
@click.option("--fake", is_flag=True, help="Only mark them as applied.")
@click.option(
    "--wait",
    type=float,
    default=0.0,
    metavar="SECONDS",
    help="The most seconds to wait while another run has the lease (0).",
)
@click.option(
    "--lease",
    type=float,
    default=LEASE,
    metavar="SECONDS",
    help=f"The duration of the lease; after it, another run may continue ({LEASE:g}).",
)
@json_option
def run(
    folder: str,
    ledger: str,
    access: Access,
    to: str | None,
    fake: bool,
    wait: float,
    lease: float,
    as_json: bool,
) -> None:
    """Run the migrations that were not applied yet.

    After an interruption, run it again: it continues. The JSON is a list of the migrations that were run, with the
    names of status.
    """
    add_current_directory()
    with connected(access), show_progress("items") as report:
        done = migrations.run(
            folder, to=to, fake=fake, ledger=ledger, wait=wait, lease=lease, progress=report
        )
    _print(done, as_json)


@migrate.command()
@_common_options
@connection_options
@json_option
def status(folder: str, ledger: str, access: Access, as_json: bool) -> bool:
    """Print which migrations were run, and when.

    The exit status is 1 if a problem prevents every run: a file changed or disappeared after it was applied. The JSON
    is a list of objects with "name", "state" ("pending", "begun" or "applied"), "at", "seconds", "changed", "skipped",
    "fake" and "problem".
    """
    with connected(access):
        found = migrations.status(folder, ledger=ledger)
    _print(found, as_json)
    return any(each.problem for each in found)


@migrate.command()
@click.argument("folder")
@click.argument("name")
@json_option
def new(folder: str, name: str, as_json: bool) -> None:
    """Write the file of the next migration.

    NAME is a name for the change, of letters, digits and _, such as add_by_city. The JSON is an object with "path".
    """
    path = str(migrations.new(folder, name))
    if as_json:
        print_json({"path": path})
    else:
        print_line(path)


def _print(found: migrations.MigrationPlan | migrations.MigrationList, as_json: bool) -> None:
    if as_json:
        print_json(list(found))
    else:
        print_line(str(found))
