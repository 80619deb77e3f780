"""``python -m dynamodb_py unique``: checks and repairs the sentinels of unique values."""

from __future__ import annotations

import argparse
from typing import Any

from ..models.maintenance.unique import check_unique, repair_unique
from ..models.maintenance.unique_report import Finding, UniqueReport
from .common import UsageError, add_model, model_of, print_line


def add_to(commands: Any) -> None:
    """Add the command to the parser's *commands*."""
    unique = commands.add_parser(
        "unique",
        help="check or repair the sentinels that keep values unique",
        description="Check or repair the sentinels that keep values unique. Exit status: 0 if all is "
        "right or was repaired, 1 if something is left, 2 for a wrong command line, 3 if the command "
        "failed.",
    )
    verbs = unique.add_subparsers(title="commands", metavar="check|repair", required=True)
    for verb, text in (
        ("check", "read the table and its sentinels, print the differences, and change nothing"),
        ("repair", "make the missing sentinels, and delete those without a value"),
    ):
        parser = verbs.add_parser(verb, help=text, description=f"{text.capitalize()}.")
        add_model(parser, workers=1)
        parser.add_argument(
            "--quiet", action="store_true", help="print only duplicates and the sums"
        )
        if verb == "repair":
            parser.add_argument("--dry-run", action="store_true", help="do the same as check")
        parser.set_defaults(run=run, mend=verb == "repair", dry_run=False)


def run(chosen: argparse.Namespace) -> bool:
    """Check or repair; return whether anything is left."""
    model = model_of(chosen)
    if not model._meta.constraints:
        raise UsageError(f"nothing is unique in {chosen.model}")

    def print_finding(finding: Finding) -> None:
        if not chosen.quiet or finding.kind == "duplicate":
            print_line(str(finding))

    mend: bool = chosen.mend and not chosen.dry_run
    call = repair_unique if mend else check_unique
    report = call(model, workers=chosen.workers, told=print_finding)
    _print_sums(report, mend=mend)
    return not report.is_right


def _print_sums(report: UniqueReport, *, mend: bool) -> None:
    print_line(f"{report.items} items and {report.sentinels} sentinels read")
    print_line(
        f"{report.missing} values without a sentinel" + (f", {report.made} made" if mend else "")
    )
    print_line(f"{report.stale} stale sentinels" + (f", {report.deleted} deleted" if mend else ""))
    print_line(f"{len(report.duplicates)} values that several items have")
    if report.others:
        print_line(f"{report.others} sentinels of other constraints, left alone")
    if report.unsettled:
        print_line(f"{report.unsettled} values that others kept changing: run this again")
