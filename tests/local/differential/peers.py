"""The embedded database and real engines side by side: one request to all, and their answers compared."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from dynamodb_py.credentials.keys import Keys
from dynamodb_py.credentials.signing import Signer
from dynamodb_py.local.database.engine import Engine

from ...engines import ACCESS_KEY, REGION, SECRET_KEY

Call = Callable[[str, bytes], tuple[int, bytes]]

MOST_PAGES = 100
ENDLESS = "pages without end"
_SETS = frozenset({"SS", "NS", "BS"})


class Outcome(NamedTuple):
    """The code of an error or "", and the answer; of an error, what is neither type nor message."""

    code: str
    answer: Any
    message: str = ""

    def __str__(self) -> str:
        return f"{self.code or 'ok'} {json.dumps(self.answer)} {self.message}"

    def is_same(self, other: Outcome) -> bool:
        """Return whether the outcomes are the same but for the message, which nobody should read."""
        return (self.code, self.answer) == (other.code, other.answer)


class Difference(NamedTuple):
    """A way in which an engine answers otherwise, and the page that says why ours is right.

    *holds* is given the operation, the request, our outcome and the other. If it is *lasting*, what is
    stored differs from then on, and later requests of a story show it.
    """

    engine: str
    reason: str
    page: str
    holds: Callable[[str, Any, Outcome, Outcome], bool]
    lasting: bool = False


class HttpCaller:
    """A connection to an engine of another process."""

    def __init__(self, port: int) -> None:
        self._signer = Signer(region=REGION, host=f"127.0.0.1:{port}")
        self._socket = socket.create_connection(("127.0.0.1", port), 30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def __call__(self, operation: str, payload: bytes) -> tuple[int, bytes]:
        self._socket.sendall(self._signer.request(operation, payload, Keys(ACCESS_KEY, SECRET_KEY)))
        line = self._file.readline()
        assert line, f"the engine closed the connection at {operation} {payload!r}"
        headers: dict[bytes, bytes] = {}
        while header := self._file.readline().strip():
            name, _, value = header.partition(b":")
            headers[name.lower()] = value.strip()
        return int(line.split()[1]), self._file.read(int(headers[b"content-length"]))

    def close(self) -> None:
        self._file.close()
        self._socket.close()


class Bench:
    """The embedded database and *others*, whose answers must be the same or a listed difference."""

    def __init__(self, others: Mapping[str, Call], differences: Sequence[Difference]) -> None:
        self.engine = Engine()
        self.others, self._differences = others, differences

    def send(self, operation: str, **request: Any) -> Outcome:
        """Send a request to our engine alone."""
        return _send_once(self.engine.call, operation, request)

    def send_to_all(self, operation: str, **request: Any) -> None:
        """Prepare all engines, none of which may fail."""
        payload = json.dumps(request).encode()
        for call in (self.engine.call, *self.others.values()):
            status, body = call(operation, payload)
            assert status == 200, body

    def send_where_possible(self, operation: str, **request: Any) -> None:
        """Send a request to all engines, whatever they answer."""
        payload = json.dumps(request).encode()
        for call in (self.engine.call, *self.others.values()):
            call(operation, payload)

    def story(self, *names: str) -> Story:
        """Return what compares requests of which each depends on those before.

        *names* are those of the engines that take part, by default all.
        """
        chosen = {name: call for name, call in self.others.items() if name in names or not names}
        return Story(self, chosen)

    def explain(
        self, engine: str, sent: Sequence[tuple[str, Any]], ours: Outcome, theirs: Outcome
    ) -> bool:
        """Return whether a difference is listed; *sent* are the requests up to the one that shows it."""
        return any(
            each.holds(operation, request, ours, theirs)
            for each in self._differences
            if each.engine == engine
            for operation, request in (sent if each.lasting else sent[-1:])
        )


class Story:
    """A sequence of requests: an engine that answers one otherwise is left out from then on."""

    def __init__(self, bench: Bench, others: dict[str, Call]) -> None:
        self._bench, self._others = bench, others
        self._sent: list[tuple[str, Any]] = []
        self.reduce: Callable[[Any], Any] = lambda answer: answer
        """Gives what is compared of a successful answer."""

    def leave(self, name: str) -> None:
        """Leave an engine out from now on."""
        self._others.pop(name, None)

    def compare(self, operation: str, **request: Any) -> Outcome:
        """Send a request to all; return our outcome, or fail for a difference that is not listed."""
        return self._compare(operation, request, _send_once)

    def compare_whole(self, operation: str, **request: Any) -> Outcome:
        """Read all pages of each engine, of all segments; compare what they hold together.

        The order of hash keys in a scan is each engine's own, and so is where its pages end.
        """
        return self._compare(operation, request, _read_whole)

    def _compare(
        self, operation: str, request: Any, read: Callable[[Call, str, Any], Outcome]
    ) -> Outcome:
        ours = self._reduced(read(self._bench.engine.call, operation, request))
        self._sent.append((operation, request))
        for name, call in list(self._others.items()):
            theirs = self._reduced(read(call, operation, request))
            if theirs.is_same(ours):
                continue
            del self._others[name]
            if not self._bench.explain(name, self._sent, ours, theirs):
                raise AssertionError(
                    f"{operation} {json.dumps(request)}\n     ours: {ours}\n{name:>9}: {theirs}"
                )
        return ours

    def _reduced(self, outcome: Outcome) -> Outcome:
        return outcome if outcome.code else outcome._replace(answer=self.reduce(outcome.answer))


def _send_once(call: Call, operation: str, request: Any) -> Outcome:
    status, body = call(operation, json.dumps(request).encode())
    found = json.loads(body)
    code = message = ""
    if status != 200:
        code = str(found.pop("__type", status)).rpartition("#")[2]
        message = str(found.pop("message", "") or found.pop("Message", ""))
        for reason in found.get("CancellationReasons") or ():
            reason.pop("Message", None)
    return Outcome(code, normalize(found), message)


def _read_whole(call: Call, operation: str, request: Any) -> Outcome:
    total = request.get("TotalSegments")
    segments = [{"Segment": number} for number in range(total)] if total else [{}]
    items: list[Any] = []
    counts = [0, 0]
    for segment in segments:
        for outcome in _read_pages(call, operation, {**request, **segment}):
            if outcome.code:
                return outcome
            page = outcome.answer
            items += page.get("Items", ())
            counts = [counts[0] + page["Count"], counts[1] + page["ScannedCount"]]
    return Outcome("", {"Items": sorted(items, key=show_sorted), "Counts": counts})


def _read_pages(call: Call, operation: str, request: Any) -> Iterator[Outcome]:
    for _ in range(MOST_PAGES):
        yield (outcome := _send_once(call, operation, request))
        page = outcome.answer
        if outcome.code or not page.get("LastEvaluatedKey"):
            return
        assert page["ScannedCount"] <= request.get("Limit", math.inf), (operation, request, page)
        request = {**request, "ExclusiveStartKey": page["LastEvaluatedKey"]}
    yield Outcome(ENDLESS, {})


def show_sorted(item: Any) -> str:
    """Return an item as text, by which items are sorted."""
    return json.dumps(item, sort_keys=True)


def normalize(value: Any) -> Any:
    """Return an answer without what may differ: the order in sets, absent or null members.

    >>> normalize({"a": None, "b": {"SS": ["y", "x"]}})
    {'b': {'SS': ['x', 'y']}}
    """
    if isinstance(value, list):
        return [normalize(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: sorted(each) if name in _SETS and isinstance(each, list) else normalize(each)
        for name, each in value.items()
        if each is not None
    }
