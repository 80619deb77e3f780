"""Assertions on the requests of a block: their number, their operations and their cost.

They count the requests of the whole process that end within the block, in all threads and tasks and over all
connections. A request with retries counts as one. They are context managers for a plain ``with``, also around code
that awaits, and can be nested.
"""

from __future__ import annotations

from collections import Counter
from types import TracebackType

from ..exceptions import ConfigurationError
from ..metering import Cost, format_count
from ..observing import Observer
from ..observing.requests import SentRequest
from .descriptions import describe_requests


class Requests(list[SentRequest]):
    """The requests of a block, in the order in which they ended; ``str()`` describes them for people."""

    @property
    def total(self) -> Cost:
        """The cost of all of them together: capacity units, requests that succeeded, items."""
        total = Cost()
        for request in self:
            used = request.used
            total._pay(used.units, used.read_units, used.write_units)
            total.requests += used.requests
            total.items_read += used.items_read
            total.items_returned += used.items_returned
        return total

    @property
    def operations(self) -> list[str]:
        """DynamoDB's names of the operations, such as ``["GetItem", "Query"]``."""
        return [request.operation for request in self]

    def __str__(self) -> str:
        return describe_requests(self, self.total)


class capture_requests:  # noqa: N801 - it reads as a statement
    """Collect the requests of a block.

    >>> with capture_requests() as requests:
    ...     score = Score.get(player="ann", game=1)
    >>> requests.operations, requests.total.units
    (['GetItem'], 0.5)
    """

    def __init__(self) -> None:
        self._blocks: list[tuple[Requests, Observer]] = []

    def __enter__(self) -> Requests:
        requests = Requests()
        observer = Observer(requests.append, asks_units=True, finds_caller=True).begin()
        self._blocks.append((requests, observer))
        return requests

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        __tracebackhide__ = True
        requests, observer = self._blocks.pop()
        observer.end()
        if kind is None:
            problem = self._find_problem(requests)
            if problem:
                raise AssertionError(f"{problem}\n{requests}")

    def _find_problem(self, requests: Requests) -> str:
        """Return the problem of the requests, or "" if there is none."""
        return ""


class assert_requests(capture_requests):  # noqa: N801
    """Assert the number of requests of a block.

    :param count: the exact number of requests.
    :param at_most: the most requests.
    :param operations: the exact number of requests of each operation: ``Query=1``, ``PutItem=0``.
    :raises AssertionError: at the end of the block; the message has all requests. An exception of the block itself
        is raised instead.
    :raises ConfigurationError: no argument is given, or one is not an int from 0.

    >>> with assert_requests(1), assert_requests(at_most=2, Scan=0):
    ...     score = Score.get(player="ann", game=1)
    """

    def __init__(
        self, count: int | None = None, /, *, at_most: int | None = None, **operations: int
    ) -> None:
        super().__init__()
        given = {"count": count, "at_most": at_most, **operations}
        numbers = {name: each for name, each in given.items() if each is not None}
        if not numbers:
            raise ConfigurationError(
                "assert_requests() asserts nothing: give a number, at_most=, or one by operation, Query=1"
            )
        for name, each in numbers.items():
            if type(each) is not int or each < 0:
                raise ConfigurationError(f"assert_requests({name}={each!r}): give an int from 0")
        if others := [name for name in operations if not name[:1].isupper()]:
            raise ConfigurationError(
                f"assert_requests({others[0]}=...): give DynamoDB's name of an operation, as in GetItem=1"
            )
        self._count, self._at_most, self._operations = count, at_most, operations

    def _find_problem(self, requests: Requests) -> str:
        sent = len(requests)
        if self._count is not None and sent != self._count:
            return f"{format_count(sent, 'request')} instead of {self._count}"
        if self._at_most is not None and sent > self._at_most:
            return f"{format_count(sent, 'request')}, and at most {self._at_most} expected"
        counts = Counter(requests.operations)
        wrong = [
            f"{counts[name]} {name} instead of {count}"
            for name, count in self._operations.items()
            if counts[name] != count
        ]
        return ", ".join(wrong)


class assert_no_scans(capture_requests):  # noqa: N801
    """Assert that a block sends no Scan.

    Statements of PartiQL do not count, because a statement does not show whether it scans.

    :raises AssertionError: at the end of the block; the message has all requests. An exception of the block itself
        is raised instead.

    >>> with assert_no_scans():
    ...     scores = list(Score.objects.filter(player="ann"))
    """

    def _find_problem(self, requests: Requests) -> str:
        scans = requests.operations.count("Scan")
        return f"{format_count(scans, 'request')} scanned" if scans else ""


class assert_capacity(capture_requests):  # noqa: N801
    """Assert the most capacity units that a block costs.

    The units are those that DynamoDB reports in its responses; errors report none.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html

    :param read: the most read units.
    :param write: the most write units.
    :raises AssertionError: at the end of the block; the message has all requests. An exception of the block itself
        is raised instead.
    :raises ConfigurationError: no argument is given, or one is not a number from 0.

    >>> with assert_capacity(read=0.5, write=0):
    ...     score = Score.get(player="ann", game=1)
    """

    def __init__(self, *, read: float | None = None, write: float | None = None) -> None:
        super().__init__()
        given = {"read": read, "write": write}
        self._most = {name: each for name, each in given.items() if each is not None}
        if not self._most:
            raise ConfigurationError("assert_capacity() asserts nothing: give read= or write=")
        for name, each in self._most.items():
            if isinstance(each, bool) or not isinstance(each, (int, float)) or not each >= 0:  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigurationError(f"assert_capacity({name}={each!r}): give a number from 0")

    def _find_problem(self, requests: Requests) -> str:
        total = requests.total
        used = {"read": total.read_units, "write": total.write_units}
        wrong = [
            f"{used[name]:g} {name} units, and at most {most:g} expected"
            for name, most in self._most.items()
            if used[name] > most
        ]
        return ", ".join(wrong)
