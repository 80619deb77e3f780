"""``python -m dynamodb_py local``: serves the embedded database over HTTP."""

from __future__ import annotations

import argparse
import signal
import threading
from types import FrameType
from typing import Any

from ..local.database.engine import Engine
from ..local.server import Server
from .common import UsageError, print_line

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def add_to(commands: Any) -> None:
    """Add the command to the parser's *commands*."""
    parser = commands.add_parser(
        "local",
        help="serve the embedded database to boto3, other languages and tools",
        description="Serve the embedded database over HTTP until interrupted. Clients take the printed "
        "URL as their endpoint, and any credentials.",
    )
    parser.add_argument("--port", type=int, default=8000, metavar="N", help="0 takes a free one")
    parser.add_argument(
        "--path", metavar="FILE", help="the file of the database; without, it is in memory"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="NAME", help="the address to listen at (127.0.0.1)"
    )
    parser.add_argument(
        "--synchronous",
        choices=["FULL", "NORMAL"],
        default="FULL",
        help="NORMAL is faster; a power failure may undo the last writes",
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> bool:
    """Serve until the process is interrupted or terminated."""
    if not 0 <= chosen.port <= 65535:
        raise UsageError(f"--port {chosen.port}: it must be from 0 to 65535")
    if chosen.path == "":
        raise UsageError("--path: give the name of a file; without it the database is in memory")
    engine = Engine(chosen.path, durability=chosen.synchronous)
    try:
        server = Server(engine, chosen.host, chosen.port)
    except OSError as error:
        engine.close()
        raise UsageError(f"cannot listen at {chosen.host}, port {chosen.port}: {error}") from None
    ending = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ending.set()

    before = [signal.signal(each, end) for each in _SIGNALS]
    try:
        with server:
            print_line(f"{server.url} serves {chosen.path or 'a database in memory'}")
            while not ending.wait(1):  # a wait without end is deaf to signals on Windows
                pass
    finally:
        for each, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(each, handler)
        engine.close()
    return False
