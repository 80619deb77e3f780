"""``dump`` and ``load``: whole tables as files of DynamoDB JSON, and back."""

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
from ..access import Access
from ..options import connection_options, json_option, yes_option
from ..output import confirm, print_json, show_progress
from ..printing import print_line
from ..tables import named_table

_table = click.argument("table", metavar="TABLE|MODULE:MODEL")
_rate = click.option(
    "--rate", type=float, metavar="UNITS", help="The most capacity units a second."
)


@click.command()
@_table
@click.argument("output", metavar="FILE")
@click.option("--gzip", "compress", is_flag=True, help="Write gzip; FILE.gz is in any case.")
@click.option(
    "--segments", default=1, metavar="N", help="The parts of the table to read at once (1)."
)
@_rate
@click.option("--consistent", is_flag=True, help="Read consistently, for twice the units.")
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

    The lines are those of DynamoDB's exports to S3: {"Item": {"id": {"S": "a"}}}. FILE grows as FILE.part, beside
    a checkpoint. If the command is interrupted or killed, the same command continues: no item is torn, missing or
    there twice. With --json, it prints {"items": N, "continued": N}: how many items are in FILE, and how many of
    them an earlier run wrote.
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
    _print_report(report, f"items of {name} written into {output}", as_json)


@click.command()
@_table
@click.argument("source", metavar="FILE")
@click.option("--workers", default=4, metavar="N", help="The most requests at once (4).")
@_rate
@click.option(
    "--checkpoint", metavar="PATH", help="Where it is noted how far this is; beside FILE."
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

    The table exists; the FILE - is standard input.

    FILE is one of dump, plain or gzip, or the folder of an export of DynamoDB to S3 in DynamoDB JSON, with its
    manifest-files.json. Items with the same keys are replaced, so the command asks, or wants --yes, if the table has
    items. If it is interrupted or killed, the same command continues. A broken line ends it, with the name of the
    file and the number of the line. Sentinels of unique values are made by unique repair afterwards. With --json, it
    prints {"items": N, "continued": N}: how many lines were put, and how many of them by an earlier run.
    """
    with named_table(table, access) as (name, using):
        beside = Path(checkpoint or name_checkpoint(source, "load"))
        question = f"{name} has items: replace those that have the same keys?"
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
    _print_report(report, f"items put into {name}", as_json)
    return False


def _print_report(report: DumpReport | LoadReport, what: str, as_json: bool) -> None:
    if as_json:
        print_json(report)
    else:
        earlier = f", {report.continued} of them before" if report.continued else ""
        print_line(f"{report.items} {what}{earlier}")
