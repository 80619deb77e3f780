"""``local``: serves the embedded database over HTTP."""

from __future__ import annotations

import signal
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any, Literal

from ...local.database.engine import Engine
from ...local.server import Server
from ..access import Parser
from ..plain import PlainCommand
from ..printing import print_line
from ..statuses import UsageError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _add_arguments(parser: Parser) -> None:
    def add(name: str, text: str, **options: Any) -> None:
        parser.add_argument(name, help=text, **options)

    add(
        "--port",
        "The port to listen at (8000); 0 selects a free one.",
        type=int,
        default=8000,
        metavar="N",
    )
    add("--path", "The file of the database; by default it is in memory.", metavar="FILE")
    add("--host", "The address to listen at (127.0.0.1).", default="127.0.0.1", metavar="NAME")
    add(
        "--synchronous",
        "NORMAL is faster; a power failure may undo the last writes.",
        choices=["FULL", "NORMAL"],
        default="FULL",
    )


def _run(port: int, path: str | None, host: str, synchronous: Literal["FULL", "NORMAL"]) -> bool:
    """Serve until the process is interrupted or terminated."""
    if not 0 <= port <= 65535:
        raise UsageError(f"--port {port}: give a number from 0 to 65535")
    if path == "":
        raise UsageError("--path: give the name of a file; without it the database is in memory")
    engine = Engine(path, durability=synchronous)
    try:
        server = Server(engine, host, port)
    except OSError as error:
        engine.close()
        raise UsageError(f"cannot listen at {host}, port {port}: {error}") from None
    endings = SimpleQueue[int]()  # an Event deadlocks if a signal comes while its lock is held

    def end(number: int, frame: FrameType | None) -> None:
        endings.put(number)

    before = [signal.signal(each, end) for each in _SIGNALS]
    try:
        with server:
            print_line(f"{server.url} serves {path or 'a database in memory'}")
            received = None
            while received is None:  # on Windows, a wait without a timeout never notices a signal
                with suppress(Empty):
                    received = endings.get(timeout=1)
    finally:
        for each, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(each, handler)
        engine.close()
    return False


local = PlainCommand(
    "Serve the embedded database over HTTP, until interrupted. Clients use the printed URL as their "
    "endpoint, with any credentials.",
    _add_arguments,
    _run,
)
