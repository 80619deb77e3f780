"""``denormalize``: updates the copies that references keep."""

from __future__ import annotations

from ...metering import format_count
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
    parser.add_argument("--quiet", action="store_true", help="Print only the totals.")
    add_json(parser)


def _run(
    model: str, access: Access, *, workers: int, dry_run: bool, quiet: bool, as_json: bool
) -> bool:
    """Refresh the copies; return whether some are still out of date."""
    check_workers(workers)
    found = find_model(model)
    if not any(reference.copies for reference in found._fieldset.references.values()):
        raise UsageError(f"{model} has no copies: none of its references has denormalize=")
    each = None if quiet or as_json else print_line
    with connected(access, [found]):
        report = refresh_copies(found, workers=workers, dry_run=dry_run, on_change=each)
    if as_json:
        print_json(report)
    else:
        _print_totals(report, dry_run=dry_run)
    return bool(report.moved or (dry_run and report.changed))


def _print_totals(report: CopiesReport, *, dry_run: bool) -> None:
    verb = "to change" if dry_run else "changed"
    print_line(f"{format_count(report.items, 'item')} read, {report.changed} {verb}")
    if report.dangling:
        print_line(
            f"{format_count(report.dangling, 'reference')} to a missing item: the copies stay"
        )
    if report.moved:
        print_line(
            f"{format_count(report.moved, 'item')} that others kept changing: run this again"
        )


denormalize = PlainCommand(
    "Update the copies that references keep. This reads the whole table.",
    _add_arguments,
    _run,
)
