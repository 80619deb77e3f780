"""``forbid_n_plus_one()``: reads that a loop sends one by one fail a test."""

from __future__ import annotations

from types import TracebackType

from ..observing import Observer
from ..observing.n_plus_one import THRESHOLD, Detector, Finding


class forbid_n_plus_one:  # noqa: N801 - it reads as a statement
    """Assert that no loop in a block reads one by one what one request could read.

    Reads count together where they have the same operation, table, index and conditions, another key
    each, and come from the same line of one activation of a function: of its own loop, or of a loop that
    calls it. Pages of a query, and the requests of one verb, count once. Writes do not count.

    :param threshold: how many are too many, from 2.
    :raises AssertionError: at the end of the block, with the lines, unless the block itself raised.
    :raises ConfigurationError: *threshold* is no number from 2.

    >>> with forbid_n_plus_one():
    ...     pass
    """

    def __init__(self, threshold: int = THRESHOLD) -> None:
        self._threshold = threshold
        Detector(lambda _: None, threshold)  # checks it before the block
        self._blocks: list[tuple[dict[tuple[object, ...], Finding], Observer]] = []

    def __enter__(self) -> None:
        found: dict[tuple[object, ...], Finding] = {}

        def keep(finding: Finding) -> None:
            caller, request = finding.caller, finding.request
            line = caller.filename, caller.line, request.title
            if line not in found or found[line].count < finding.count:
                found[line] = finding

        self._blocks.append((found, Detector(keep, self._threshold).observer().begin()))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        __tracebackhide__ = True
        found, observer = self._blocks.pop()
        observer.end()
        if kind is None and found:
            raise AssertionError("\n".join(map(str, found.values())))
