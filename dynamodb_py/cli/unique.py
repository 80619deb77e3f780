"""``python -m dynamodb_py unique``: checks and mends the sentinels of what is unique."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ..models.maintenance.unique import check_unique, repair_unique
from ..models.maintenance.unique_report import Finding, UniqueReport
from .common import Misused, add_model, model_of


def add_to(commands: Any) -> None:
    """Add the command to the parser's *commands*."""
    unique = commands.add_parser(
        "unique",
        help="check or mend the sentinels that keep values unique",
        description="Check or mend the sentinels that keep values unique. Exit status: 0 where all "
        "is right or was mended, 1 where something is left, 2 for a wrong command line, 3 where it "
        "could not be done.",
    )
    verbs = unique.add_subparsers(title="commands", metavar="check|repair", required=True)
    for verb, said in (
        ("check", "read the table and its sentinels, tell what does not agree, and change nothing"),
        ("repair", "make the sentinels that are missing, delete those that nothing stands for"),
    ):
        parser = verbs.add_parser(verb, help=said, description=f"{said[0].upper()}{said[1:]}.")
        add_model(parser)
        parser.add_argument(
            "--workers",
            type=int,
            default=1,
            metavar="N",
            help="how many requests may be under way at once (1)",
        )
        parser.add_argument("--quiet", action="store_true", help="tell duplicates and the sum only")
        if verb == "repair":
            parser.add_argument("--dry-run", action="store_true", help="do as check does")
        parser.set_defaults(carry_out=carry_out, mend=verb == "repair", dry_run=False)


def carry_out(chosen: argparse.Namespace) -> bool:
    """Check or mend; return whether anything is left."""
    if chosen.workers < 1:
        raise Misused(f"--workers {chosen.workers}: at least one request is under way")
    model = model_of(chosen)
    if not model._meta.constraints:
        raise Misused(f"nothing is unique in {chosen.model}")

    def tell(finding: Finding) -> None:
        if not chosen.quiet or finding.kind == "duplicate":
            _say(str(finding))

    mend: bool = chosen.mend and not chosen.dry_run
    work = repair_unique if mend else check_unique
    report = work(model, workers=chosen.workers, told=tell)
    _sum_up(report, mend=mend)
    return not report.is_right


def _sum_up(report: UniqueReport, *, mend: bool) -> None:
    _say(f"{report.items} items and {report.sentinels} sentinels read")
    _say(f"{report.missing} values without a sentinel" + (f", {report.made} made" if mend else ""))
    _say(f"{report.stale} stale sentinels" + (f", {report.deleted} deleted" if mend else ""))
    _say(f"{len(report.duplicates)} values that several items have")
    if report.others:
        _say(f"{report.others} sentinels of other constraints, left alone")
    if report.unsettled:
        _say(f"{report.unsettled} values that others kept changing: run this again")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
