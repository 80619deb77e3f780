"""N+1: reads that a loop sends one by one, where one request could have read them all.

Reads are similar if they have the same operation, table, index, conditions and projection. A loop is found
if several similar reads come from the same line in the same activation of a user's function, each
with another key, and each by another call in that line. The call is one of a verb of this package, or of a
function that calls the verb. Pages of one query, and the requests of one verb, count once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from threading import Lock
from typing import Any

from msgspec import Struct

from ..exceptions import ConfigurationError, NPlusOneWarning
from ..operations.base import Payload
from . import Observer
from .callers import Activation, Caller
from .requests import SentRequest, split_payload

THRESHOLD = 3
"""The number of similar reads from which on a loop is reported."""

_MOST = 10_000
"""The maximum that is counted for a line: its keys must not fill the memory."""

_READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan"})

_INSTEAD = {
    "GetItem": "batch_get() or in_bulk() with all keys, load() for several models, prefetch_related() for "
    "references",
    "BatchGetItem": "one batch_get() with all keys: it takes any number",
    "Query": "one filter(...__in=[...]), prefetch_related() for what refers to the items of a page",
    "Scan": "one filter(...__in=[...]).scan()",
}


class Finding(Struct):
    """A loop: similar reads of one line."""

    caller: Caller
    """The line that is repeated."""
    sender: Caller
    """The innermost line of user code, which may be in a function that the repeated line calls."""
    request: SentRequest
    """The latest read."""
    count: int
    """The number of reads so far."""

    def __str__(self) -> str:
        request, caller = self.request, self.caller
        lines = [
            f"N+1: {self.count} times {request.title}, each time with another key, from {caller.show()}"
        ]
        if self.sender is not caller:
            lines.append(f"  sent by {self.sender.show()}")
        return "\n".join([*lines, f"  use instead: {_INSTEAD[request.operation]}"])


class _Tally(Struct, eq=False):
    """The similar reads of one line in one activation."""

    keys: set[int]
    """The hashes of their keys."""
    calls: list[Activation]
    """The latest calls that the line made; more reads of the same call do not count."""


class Detector:
    """Counts similar reads, and calls *found* for each one from the *threshold* on."""

    def __init__(self, found: Callable[[Finding], None], threshold: int = THRESHOLD) -> None:
        check_threshold(threshold)
        self._found, self._threshold = found, threshold
        self._lock = Lock()

    def observer(self, link: object = None) -> Observer:
        """Return an observer of the requests over *link*; None for all connections."""
        return Observer(self.note, link=link, finds_caller=True)

    def note(self, request: SentRequest) -> None:
        """Count a request."""
        if request.operation not in _READS or request.error is not None:
            return
        payload = request.payload
        if _count_keys(payload) > 1:  # a loop over chunks of keys does not read items one by one
            return
        shape, key = split_payload(payload)
        with self._lock:
            finding = self._count(request, (self, request.operation, shape), key)
        if finding is not None:
            self._found(finding)

    def _count(self, request: SentRequest, similar: tuple[Any, ...], key: bytes) -> Finding | None:
        """Count *request* for each of its lines; return the finding of the innermost line with a loop."""
        site, finding = request.call_site, None
        called = site.verb
        for caller in site.callers:
            call, called = called, caller.activation
            tally = caller.activation.notes.setdefault((*similar, caller.line), _Tally(set(), []))
            if len(tally.keys) == _MOST or hash(key) in tally.keys or call in tally.calls:
                continue
            tally.keys.add(hash(key))
            if call is not None:
                tally.calls = [*tally.calls[-9:], call]
            if finding is None and len(tally.keys) >= self._threshold:
                finding = Finding(caller, site.callers[0], request, len(tally.keys))
        return finding


def _count_keys(payload: Payload) -> int:
    """Return the number of keys that a batch reads; 0 for other requests."""
    tables: dict[str, dict[str, Any]] = payload.get("RequestItems", {})
    return sum(len(table["Keys"]) for table in tables.values())


def check_threshold(threshold: object) -> None:
    """Raise ConfigurationError unless *threshold* is an int from 2."""
    if type(threshold) is not int or threshold < 2:
        raise ConfigurationError(
            f"threshold={threshold!r}: give the number of similar requests that are too many, from 2"
        )


def warn_of_n_plus_one(link: object) -> Observer:
    """Issue an NPlusOneWarning for each line with a loop of reads over *link*, once."""
    lines: set[tuple[str, int]] = set()

    def warn(finding: Finding) -> None:
        caller = finding.caller
        if (caller.filename, caller.line) in lines:
            return
        lines.add((caller.filename, caller.line))
        warnings.warn_explicit(
            str(finding), NPlusOneWarning, caller.filename, caller.line, module=caller.module
        )

    return Detector(warn).observer(link).begin()
