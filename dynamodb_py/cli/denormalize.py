"""``python -m dynamodb_py denormalize``: updates the copies that references keep."""

from __future__ import annotations

import argparse
from typing import Any

from ..models.maintenance.denormalized import refresh_copies
from .common import UsageError, add_model, model_of, print_line


def add_to(commands: Any) -> None:
    """Add the command to the parser's *commands*."""
    text = "update the copies that references keep (denormalize=)"
    parser = commands.add_parser(
        "denormalize",
        help=text,
        description=f"{text.capitalize()}: the whole table is read. Exit status: 0 if all are up to date "
        "now, 1 if some are left or, with --dry-run, to be updated, 2 for a wrong command line, 3 if the "
        "command failed.",
    )
    add_model(parser, workers=8)
    parser.add_argument(
        "--dry-run", action="store_true", help="print the changes, and write nothing"
    )
    parser.add_argument("--quiet", action="store_true", help="print only the sums")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> bool:
    """Refresh the copies; return whether some are left."""
    model = model_of(chosen)
    if not any(reference.copies for reference in model._fieldset.references.values()):
        raise UsageError(f"{chosen.model} keeps no copies: no reference has denormalize=")
    each = None if chosen.quiet else print_line
    report = refresh_copies(model, workers=chosen.workers, dry_run=chosen.dry_run, told=each)
    verb = "to change" if chosen.dry_run else "changed"
    print_line(f"{report.items} items read, {report.changed} {verb}")
    if report.dangling:
        print_line(f"{report.dangling} references to items that do not exist: their copies stay")
    if report.moved:
        print_line(f"{report.moved} items that others kept changing: run this again")
    return bool(report.moved or (chosen.dry_run and report.changed))
