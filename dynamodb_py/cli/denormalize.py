"""``python -m dynamodb_py denormalize``: brings the copies that references keep up to date."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ..models.maintenance.denormalized import refresh_copies
from .common import Misused, add_model, model_of


def add_to(commands: Any) -> None:
    """Add the command to the parser's *commands*."""
    said = "bring the copies that references keep (denormalize=) up to date"
    parser = commands.add_parser(
        "denormalize",
        help=said,
        description=f"{said[0].upper()}{said[1:]}: the whole table is read. Exit status: 0 where all is "
        "up to date now, 1 where something is left or, with --dry-run, to be done, 2 for a wrong "
        "command line, 3 where it could not be done.",
    )
    add_model(parser)
    parser.add_argument(
        "--workers",
        type=int,
        default=8,
        metavar="N",
        help="how many requests may be under way at once (8)",
    )
    parser.add_argument("--dry-run", action="store_true", help="tell what is to change, no more")
    parser.add_argument("--quiet", action="store_true", help="tell the sum only")
    parser.set_defaults(carry_out=carry_out)


def carry_out(chosen: argparse.Namespace) -> bool:
    """Refresh the copies; return whether anything is left to do."""
    if chosen.workers < 1:
        raise Misused(f"--workers {chosen.workers}: at least one request is under way")
    model = model_of(chosen)
    if not any(reference.copies for reference in model._fieldset.references.values()):
        raise Misused(f"{chosen.model} keeps no copies: no reference has denormalize=")
    told = None if chosen.quiet else _say
    report = refresh_copies(model, workers=chosen.workers, dry_run=chosen.dry_run, told=told)
    verb = "to change" if chosen.dry_run else "changed"
    _say(f"{report.items} items read, {report.changed} {verb}")
    if report.dangling:
        _say(f"{report.dangling} references to items that do not exist: their copies stay")
    if report.moved:
        _say(f"{report.moved} items that others kept changing: run this again")
    return bool(report.moved or (chosen.dry_run and report.changed))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
