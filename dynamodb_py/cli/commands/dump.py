"""``dump`` and ``load``: write whole tables to files of DynamoDB JSON, and load such files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ...dumps import (
    DumpReport,
    LoadReport,
    dump_table,
    is_empty,
    load_table,
    name_checkpoint,
)
from ...metering import format_count
from ..access import Access
from ..options import connection_options, json_option, yes_option
from ..output import confirm, print_json, show_progress
from ..printing import print_line
from ..tables import named_table

_table = click.argument("table", metavar="TABLE|MODULE:MODEL")
_rate = click.option(
    "--rate", type=float, metavar="UNITS", help="The most capacity units per second."
)


@click.command()
@_table
@click.argument("output", metavar="FILE")
@click.option("--gzip", "compress", is_flag=True, help="Compress by gzip; FILE.gz always is.")
@click.option(
    "--segments", default=1, metavar="N", help="The parts of the table to read in parallel (1)."
)
@_rate
@click.option(
    "--consistent", is_flag=True, help="Make strongly consistent reads, at twice the price."
)
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@json_option
@connection_options
def dump(
    table: str,
    output: str,
    compress: bool,
    segments: int,
    rate: float | None,
    consistent: bool,
    overwrite: bool,
    as_json: bool,
    access: Access,
) -> None:
    """Write all items of a table into FILE.

    Each item is a line of DynamoDB JSON; the FILE - is standard output.

    The lines are those of DynamoDB's exports to S3: {"Item": {"id": {"S": "a"}}}. Until FILE is complete, it has the
    name FILE.part, and a checkpoint beside it. If the command is interrupted or killed, run it again: it continues,
    and no item is torn, missing or duplicate. With --json, it prints {"items": N, "continued": N}: the number of items
    in FILE, and how many of them an earlier run wrote.
    """
    with named_table(table, access) as (name, using), show_progress(f"dump {name}") as progress:
        report = dump_table(
            name,
            sys.stdout.buffer if output == "-" else output,
            using=using,
            segments=segments,
            rate=rate,
            consistent=consistent,
            compress=compress or None,
            overwrite=overwrite,
            progress=progress,
        )
    if output == "-":
        return
    _print_report(report, f"of {name} written into {output}", as_json)


@click.command()
@_table
@click.argument("source", metavar="FILE")
@click.option("--workers", default=4, metavar="N", help="The most requests at once (4).")
@_rate
@click.option(
    "--checkpoint",
    metavar="PATH",
    help="The file that records the progress; by default beside FILE.",
)
@yes_option
@json_option
@connection_options
def load(
    table: str,
    source: str,
    workers: int,
    rate: float | None,
    checkpoint: str | None,
    yes: bool,
    as_json: bool,
    access: Access,
) -> bool:
    """Put the items of FILE into a table.

    The table must exist; the FILE - is standard input.

    FILE is a file of dump, plain or gzip, or the folder of an export of DynamoDB to S3 in DynamoDB JSON, with its
    manifest-files.json. The items replace items with the same keys, so if the table has items, the command asks for
    confirmation, or needs --yes. If it is interrupted or killed, run it again: it continues. It ends at a broken line,
    and prints the name of the file and the number of the line. Afterwards, unique repair creates the sentinels of
    unique values. With --json, it prints {"items": N, "continued": N}: the number of lines whose items are in the
    table, and how many of them an earlier run wrote.
    """
    with named_table(table, access) as (name, using):
        beside = Path(checkpoint or name_checkpoint(source, "load"))
        question = f"{name} has items: replace those with the same keys?"
        continues = source != "-" and beside.exists()
        if not continues and not is_empty(name, using=using) and not confirm(question, yes=yes):
            return True
        with show_progress(f"load {name}") as progress:
            report = load_table(
                name,
                sys.stdin.buffer if source == "-" else source,
                using=using,
                workers=workers,
                rate=rate,
                checkpoint=checkpoint,
                progress=progress,
            )
    _print_report(report, f"put into {name}", as_json)
    return False


def _print_report(report: DumpReport | LoadReport, done: str, as_json: bool) -> None:
    if as_json:
        print_json(report)
    else:
        earlier = f", {report.continued} of them before" if report.continued else ""
        print_line(f"{format_count(report.items, 'item')} {done}{earlier}")
