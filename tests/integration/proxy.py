"""A proxy before a real engine that does to requests what networks and servers do at their worst.

It is the faulty server of the transports' tests, but where nothing else is said it hands the
request to the engine. A fault may strike before the engine has seen the request or after.
"""

from __future__ import annotations

import http.client
import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from ..transports.faulty import (
    Fault,
    FaultyServer,
    Visit,
    _read,
    error,
    page,
    respond,
    response,
    stall,
)


class Proxy(FaultyServer):
    def __init__(self, upstream: str, client: Any) -> None:
        super().__init__()
        self._upstream = urlsplit(upstream).netloc
        self._client = client

    @property
    def calls(self) -> list[str]:
        """The calls that arrived, in order."""
        return [request.headers["x-amz-target"].rpartition(".")[2] for request in self.received]

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
                    fault = self._script.pop(0) if self._script else self.passed
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


def close(visit: Visit) -> bool:
    return False


INTERNAL = error("InternalServerError", "500 Internal Server Error")
THROTTLE = error("ProvisionedThroughputExceededException")
GATEWAY = page("502 Bad Gateway")

__all__ = ["GATEWAY", "INTERNAL", "THROTTLE", "Fault", "Proxy", "close", "error", "stall"]
