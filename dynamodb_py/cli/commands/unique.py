"""``unique``: checks and repairs the sentinels of unique values."""

from __future__ import annotations

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
    parser.add_argument("--quiet", action="store_true", help="Print only duplicates and the sums.")
    add_json(parser)


def _add_repair_arguments(parser: Parser) -> None:
    _add_arguments(parser)
    parser.add_argument("--dry-run", action="store_true", help="Do the same as check.")


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
        raise UsageError(f"nothing is unique in {model}")

    def print_finding(finding: Finding) -> None:
        if not as_json and (not quiet or finding.kind == "duplicate"):
            print_line(str(finding))

    call = check_unique if dry_run else repair_unique
    with connected(access, [found]):
        report = call(found, workers=workers, on_finding=print_finding)
    if as_json:
        print_json(report)
    else:
        _print_sums(report, mend=not dry_run)
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


unique = PlainGroup(
    "Check or repair the sentinels that keep values unique.",
    {
        "check": PlainCommand(
            "Print what repair would change. The table and its sentinels are read.",
            _add_arguments,
            _check,
        ),
        "repair": PlainCommand(
            "Make missing sentinels, and delete those without a value.",
            _add_repair_arguments,
            _check,
        ),
    },
)
