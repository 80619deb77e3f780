"""Transports send operations to DynamoDB, over ``http`` or through botocore.

Requests go through botocore if a session or a client is given, or if moto or instrumentation hooks
into botocore (:mod:`.hooks`).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..credentials.settings import Settings
from ..credentials.targets import LazyTarget
from ..flows import AsyncTransport, Transport
from .boto import AsyncBotoTransport, BotoTransport
from .routing import AsyncRoutingTransport, Router, RoutingTransport

__all__ = [
    "AsyncBotoTransport",
    "AsyncTransport",
    "BotoTransport",
    "Settings",
    "Transport",
    "open_transports",
]


def open_transports(settings: Settings) -> tuple[Transport, AsyncTransport]:
    """Return a blocking and an asyncio transport.

    Nothing is read, imported or connected before the first request, unless the settings have the address
    of an embedded database: its file is opened at once. Both share the target. Without
    region or credentials, that request raises
    :class:`~dynamodb_py.exceptions.ConfigurationError`.
    """
    if settings.address is not None:
        # Only a program with an embedded database loads the engine, and SQLite with it.
        room: Any = import_module("dynamodb_py.local.transport")
        path, name, durability = settings.address[1:]
        opened: tuple[Transport, AsyncTransport] = room.open_transports(path, name, durability)
        return opened
    router, lazy = Router(settings), LazyTarget(settings)
    return RoutingTransport(router, lazy), AsyncRoutingTransport(router, lazy)
