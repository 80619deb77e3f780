"""``unique``: checks and repairs the sentinels of unique values."""

from __future__ import annotations

from ...metering import format_count
from ...models.maintenance.unique import check_unique, repair_unique
from ...models.maintenance.unique_report import Finding, UniqueReport
from ..access import Access, Parser, connected
from ..naming import find_model
from ..output import print_json
from ..plain import PlainCommand, PlainGroup, add_json, add_model, check_workers
from ..printing import print_line
from ..statuses import UsageError


def _add_arguments(parser: Parser) -> None:
    add_model(parser, workers=1)
    parser.add_argument("--quiet", action="store_true", help="Print only duplicates and totals.")
    add_json(parser)


def _add_repair_arguments(parser: Parser) -> None:
    _add_arguments(parser)
    parser.add_argument("--dry-run", action="store_true", help="Change nothing, as check does.")


def _check(
    model: str,
    access: Access,
    *,
    workers: int,
    quiet: bool,
    as_json: bool,
    dry_run: bool = True,
) -> bool:
    """Check or repair; return whether anything is left."""
    check_workers(workers)
    found = find_model(model)
    if not found._meta.constraints:
        raise UsageError(
            f"{model} has no unique values: declare unique=True or a UniqueConstraint first"
        )

    def print_finding(finding: Finding) -> None:
        if not as_json and (not quiet or finding.kind == "duplicate"):
            print_line(str(finding))

    call = check_unique if dry_run else repair_unique
    with connected(access, [found]):
        report = call(found, workers=workers, on_finding=print_finding)
    if as_json:
        print_json(report)
    else:
        _print_totals(report, mend=not dry_run)
    return not report.is_right


def _print_totals(report: UniqueReport, *, mend: bool) -> None:
    print_line(
        f"{format_count(report.items, 'item')} and {format_count(report.sentinels, 'sentinel')} read"
    )
    made, deleted = (
        (f", {report.made} created", f", {report.deleted} deleted") if mend else ("", "")
    )
    print_line(f"{format_count(report.missing, 'value')} without a sentinel{made}")
    print_line(f"{format_count(report.stale, 'stale sentinel')}{deleted}")
    print_line(f"{format_count(len(report.duplicates), 'value')} that several items have")
    if report.others:
        print_line(f"{format_count(report.others, 'sentinel')} of other constraints, left alone")
    if report.unsettled:
        print_line(
            f"{format_count(report.unsettled, 'value')} that others kept changing: run this again"
        )


unique = PlainGroup(
    "Check or repair the sentinels that keep values unique.",
    {
        "check": PlainCommand(
            "Print the changes that repair would make. This reads the table and its sentinels.",
            _add_arguments,
            _check,
        ),
        "repair": PlainCommand(
            "Create missing sentinels, and delete sentinels without a value.",
            _add_repair_arguments,
            _check,
        ),
    },
)
