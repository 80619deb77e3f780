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
@click.option("--sample", default=1000, metavar="N", help="How many items to read (1000).")
@click.option(
    "--check",
    is_flag=True,
    help="Read the whole table with the models, and print what they cannot read.",
)
@json_option
@connection_options
def inspect(table: str, sample: int, check: bool, as_json: bool, access: Access) -> bool:
    """Print models for a table.

    They read the items of a sample, which come from all over the table. Fields, documents, indexes, and classes
    of several kinds of items are what was seen; comments say how often, and what is a guess. What the items cost
    is printed on standard error. With --json, it prints {"table", "items", "whole", "units", "source",
    "attributes", "misfits"}: of each attribute how often it was "seen", with which "types", and the same of the
    "members" of maps and the "elements" of lists. "misfits" has, with --check, by field how often it could not be
    read, else null.
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
            sys.stderr.write(
                f"{misfit.path}: {format_count(number, 'value')} cannot be read, the first in {misfit.row!r}: {misfit.error}\n"
            )
        sys.stderr.write(f"{format_count(report.items, 'item')} checked\n")
    return bool(report and report.misfits)
