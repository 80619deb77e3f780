"""``forbid_n_plus_one()``: a loop that reads items one by one fails a test."""

from __future__ import annotations

from types import TracebackType

from ..observing import Observer
from ..observing.n_plus_one import THRESHOLD, Detector, Finding


class forbid_n_plus_one:  # noqa: N801 - it reads as a statement
    """Assert that no loop in a block reads items one by one that one request could read.

    Reads belong to one loop if they have the same operation, table, index and conditions, but different keys, and
    come from the same line during one call of a function. The read may be in that line itself, or in a function that
    the line calls. Pages of a query, and the requests of one verb, count once. Writes do not count.

    :param threshold: the number of reads of a loop that fails, from 2.
    :raises AssertionError: at the end of the block; the message has the lines. An exception of the block itself
        is raised instead.
    :raises ConfigurationError: *threshold* is not an int from 2.

    >>> with forbid_n_plus_one():
    ...     scores = Score.batch_get(("ann", 1), ("ann", 2), ("bob", 1))
    >>> with forbid_n_plus_one():
    ...     scores = [Score.get(player="ann", game=number) for number in range(4)]
    Traceback (most recent call last):
        ...
    AssertionError: N+1: 4 times GetItem scores, each time with another key, from
    ...
    """

    def __init__(self, threshold: int = THRESHOLD) -> None:
        self._threshold = threshold
        Detector(lambda _: None, threshold)  # checks the threshold before the block
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
