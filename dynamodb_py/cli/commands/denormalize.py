"""``denormalize``: updates the copies that references keep."""

from __future__ import annotations

from ...models.maintenance.denormalized import CopiesReport, refresh_copies
from ..access import Access, Parser, connected
from ..naming import find_model
from ..output import print_json
from ..plain import PlainCommand, add_json, add_model, check_workers
from ..printing import print_line
from ..statuses import UsageError


def _add_arguments(parser: Parser) -> None:
    add_model(parser, workers=8)
    text = "Print the changes, and write nothing."
    parser.add_argument("--dry-run", action="store_true", help=text)
    parser.add_argument("--quiet", action="store_true", help="Print only the sums.")
    add_json(parser)


def _run(
    model: str, access: Access, *, workers: int, dry_run: bool, quiet: bool, as_json: bool
) -> bool:
    """Refresh the copies; return whether some are left."""
    check_workers(workers)
    found = find_model(model)
    if not any(reference.copies for reference in found._fieldset.references.values()):
        raise UsageError(f"{model} keeps no copies: no reference has denormalize=")
    each = None if quiet or as_json else print_line
    with connected(access, [found]):
        report = refresh_copies(found, workers=workers, dry_run=dry_run, on_change=each)
    if as_json:
        print_json(report)
    else:
        _print_sums(report, dry_run=dry_run)
    return bool(report.moved or (dry_run and report.changed))


def _print_sums(report: CopiesReport, *, dry_run: bool) -> None:
    verb = "to change" if dry_run else "changed"
    print_line(f"{report.items} items read, {report.changed} {verb}")
    if report.dangling:
        print_line(f"{report.dangling} references to items that do not exist: their copies stay")
    if report.moved:
        print_line(f"{report.moved} items that others kept changing: run this again")


denormalize = PlainCommand(
    "Update the copies that references keep. The whole table is read.",
    _add_arguments,
    _run,
)
