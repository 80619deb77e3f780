"""A proxy before a real engine that does to requests what networks and servers do at their worst.

It is the faulty server of the transports' tests, but where nothing else is said it hands the
request to the engine. Any number of connections are served side by side, so threads and tasks may
use it at once. What strikes is said in two ways:

* ``proxy.script(fault, fault, ...)``: the next requests, one after the other; ``proxy.passed``
  stands for one that is left alone.
* ``proxy.strike(fault, ..., calls=["PutItem"], rate=0.1)``, or ``every=3``: from now on a share of
  the calls that are named, or every third of them. The script goes first.

The faults, each before the engine has seen the request unless it is said otherwise:

=================================  =================================================================
``close``, ``reset``               the connection ends, in peace (FIN) or not (RST), without an answer
``stall``                          no answer comes, until the client gives up
``INTERNAL``, ``GATEWAY``          500 in DynamoDB's words, 502 as a load balancer says it
``THROTTLE``                       ProvisionedThroughputExceededException
``error("XException")``            any error of DynamoDB's
``proxy.taken(fault)``             the engine carries the request out, and *fault* strikes instead of
                                   its answer: ``proxy.taken(close)`` is the connection dropped after
                                   the request was taken
``proxy.half``                     carried out, and half of the answer comes before the connection ends
``proxy.wrong_checksum``           carried out, and the answer comes with another checksum
``proxy.partly(n)``                the first n of a batch are carried out, and the rest handed back
=================================  =================================================================
"""

from __future__ import annotations

import http.client
import json
import random
import socket
import struct
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..faulty import (
    Fault,
    FaultyServer,
    Request,
    Visit,
    _read,
    error,
    page,
    respond,
    response,
    stall,
)

ATTEMPTS = 3
"""How often the connection of the fixture ``faulty`` tries."""


class _Rule(NamedTuple):
    """What strikes, until something else is said."""

    faults: tuple[Fault, ...]
    calls: Collection[str]
    rate: float
    every: int


class Proxy(FaultyServer):
    def __init__(self, upstream: str, client: Any) -> None:
        super().__init__()
        self._upstream = urlsplit(upstream).netloc
        self._client = client
        self._rule = _Rule((), (), 0, 0)
        self._chance = random.Random()
        self._seen = count(1)
        self.struck: Counter[str] = Counter()
        """How many requests ``strike()`` has struck, by call."""

    def strike(
        self,
        *faults: Fault,
        calls: Collection[str] = (),
        rate: float = 1.0,
        every: int = 0,
        seed: int = 7,
    ) -> None:
        """Have one of *faults*, by chance, strike each request that no script is for.

        Of the *calls* that are named, all by default, it is a share, *rate*, or every *every*-th.
        Without faults, nothing strikes any more.
        """
        with self._lock:
            self._rule = _Rule(faults, calls, rate, every)
            self._chance, self._seen = random.Random(seed), count(1)

    def _next(self, request: Request) -> Fault:
        """Return what is to become of *request*; the caller has the lock."""
        if self._script:
            return self._script.pop(0)
        faults, calls, rate, every = self._rule
        call = _call(request)
        if not faults or (calls and call not in calls):
            return self.passed
        strikes = next(self._seen) % every == 0 if every else self._chance.random() < rate
        if not strikes:
            return self.passed
        self.struck[call] += 1
        return self._chance.choice(faults)

    @property
    def calls(self) -> list[str]:
        """The calls that arrived, in order."""
        return [_call(request) for request in self.received]

    def ask(self, visit: Visit) -> tuple[int, bytes]:
        """Hand a request to the engine as it is, signature and all; return its answer."""
        upstream = http.client.HTTPConnection(self._upstream, timeout=30)
        try:
            upstream.putrequest("POST", "/", skip_host=True, skip_accept_encoding=True)
            for name, value in visit.request.headers.items():
                upstream.putheader(name, value)
            upstream.endheaders(visit.request.body)
            answer = upstream.getresponse()
            return answer.status, answer.read()
        finally:
            upstream.close()

    def passed(self, visit: Visit) -> bool:
        """Answer as the engine does."""
        status, body = self.ask(visit)
        return respond(visit, body, f"{status} {http.client.responses[status]}")

    def taken(self, fault: Fault) -> Fault:
        """Let the engine carry the request out, and strike then."""

        def late(visit: Visit) -> bool:
            self.ask(visit)
            return fault(visit)

        return late

    def half(self, visit: Visit) -> bool:
        """Send half of the engine's answer, and close."""
        _, body = self.ask(visit)
        whole = response(body)
        visit.socket.sendall(whole[: len(whole) - len(body) // 2 - 1])
        return False

    def wrong_checksum(self, visit: Visit) -> bool:
        """Answer as the engine does, with a bit turned over on the way."""
        status, body = self.ask(visit)
        return respond(visit, body, f"{status} OK", crc=1)

    def partly(self, done: int) -> Fault:
        """Carry out only the first *done* of a batch, and hand the rest back, keys turned round."""

        def fault(visit: Visit) -> bool:
            asked = visit.request.payload["RequestItems"]
            reading = visit.request.headers["x-amz-target"].endswith("BatchGetItem")
            now: dict[str, Any] = {}
            left: dict[str, Any] = {}
            count = 0
            for table, entries in asked.items():
                for entry in entries["Keys"] if reading else entries:
                    part = now if count < done else left
                    part.setdefault(table, []).append(entry)
                    count += 1
            answer = self._read(now, left) if reading else self._write(now, left)
            return respond(visit, json.dumps(answer).encode())

        return fault

    def _read(self, now: dict[str, Any], left: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if now:
            asked = {table: {"Keys": keys} for table, keys in now.items()}
            found = self._client.batch_get_item(RequestItems=asked)["Responses"]
        turned = {table: {"Keys": list(map(_turned, keys))} for table, keys in left.items()}
        return {"Responses": found, "UnprocessedKeys": turned}

    def _write(self, now: dict[str, Any], left: dict[str, Any]) -> dict[str, Any]:
        if now:
            self._client.batch_write_item(RequestItems=now)
        turned = {
            table: [
                {
                    kind: {part: _turned(each) for part, each in request.items()}
                    for kind, request in entry.items()
                }
                for entry in reversed(entries)
            ]
            for table, entries in left.items()
        }
        return {"UnprocessedItems": turned}

    def _serve(self, opened: Any) -> None:
        try:
            while (request := _read(opened)) is not None:
                with self._lock:
                    self.received.append(request)
                    fault = self._next(request)
                if not fault(Visit(opened, request, self._stopping)):
                    break
        except OSError:
            pass  # the client left
        finally:
            with suppress(OSError):
                opened.close()
            with self._lock:
                self._sockets.discard(opened)


def _turned(attributes: dict[str, Any]) -> dict[str, Any]:
    return dict(reversed(attributes.items()))


def _call(request: Request) -> str:
    return request.headers["x-amz-target"].rpartition(".")[2]


def close(visit: Visit) -> bool:
    return False


def reset(visit: Visit) -> bool:
    """Have the system send an RST when the connection is closed."""
    visit.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


INTERNAL = error("InternalServerError", "500 Internal Server Error")
THROTTLE = error("ProvisionedThroughputExceededException")
GATEWAY = page("502 Bad Gateway")

__all__ = [
    "ATTEMPTS",
    "GATEWAY",
    "INTERNAL",
    "THROTTLE",
    "Fault",
    "Proxy",
    "close",
    "error",
    "reset",
    "stall",
]
