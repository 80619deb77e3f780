"""``inspect``: writes the models of a table that exists."""

from __future__ import annotations

import sys

import click
import msgspec

from ...introspection import CheckReport, check_table, inspect_table
from ...metering import format_count
from ..access import Access
from ..options import connection_options, json_option
from ..output import print_json, show_progress
from ..printing import print_line
from ..tables import named_table


@click.command()
@click.argument("table", metavar="TABLE")
@click.option("--sample", default=1000, metavar="N", help="The number of items to read (1000).")
@click.option(
    "--check",
    is_flag=True,
    help="Read the whole table with the models, and print the values that they cannot read.",
)
@json_option
@connection_options
def inspect(table: str, sample: int, check: bool, as_json: bool, access: Access) -> bool:
    """Print models for a table.

    The command reads a sample of items from all parts of the table. It writes the fields, documents, indexes and
    classes that fit these items; comments have the number of items with each attribute, and mark guesses. It prints the
    cost of the sample on standard error. With --json, it prints {"table", "items", "whole", "units", "source",
    "attributes", "misfits"}. For each attribute, "seen" is the number of its values, "types" the number of each type,
    "members" the same for the keys of maps, and "elements" for the elements of lists. With --check, "misfits" is the
    number of values that could not be read, by field; else it is null.
    """
    with named_table(table, access) as (name, using):
        found = inspect_table(name, using=using, sample=sample)
        report: CheckReport | None = None
        if check:
            with show_progress(f"check {name}") as progress:
                report = check_table(found.root, name, using=using, progress=progress)
    if as_json:
        print_json(
            {
                "table": name,
                "items": len(found.sample.items),
                "whole": found.sample.is_whole,
                "units": found.sample.units,
                "source": found.source,
                "attributes": msgspec.to_builtins(found.attributes),
                "misfits": report and {path: n for path, (n, _) in report.misfits.items()},
            }
        )
        return bool(report and report.misfits)
    print_line(found.source.rstrip("\n"))
    read, cost = len(found.sample.items), format_count(found.sample.units, "read unit")
    sys.stderr.write(f"{format_count(read, 'item')} read, {cost}\n")
    if report is not None:
        for number, misfit in report.misfits.values():
            count = format_count(number, "value")
            sys.stderr.write(
                f"{misfit.path}: {count} cannot be read, the first in {misfit.row!r}: {misfit.error}\n"
            )
        sys.stderr.write(f"{format_count(report.items, 'item')} checked\n")
    return bool(report and report.misfits)
