"""Transports: what carries an operation to DynamoDB and brings the body of its response back.

The wire of our own (:mod:`.http`) is what is used, unless botocore is asked for (a session or a
client was handed over) or somebody has hooked into it (:mod:`.hooks`).
"""

from __future__ import annotations

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
    """Return the two doors to DynamoDB, one that waits and one that is awaited.

    Nothing is read, imported or connected before the first request. Both share what is found out
    then. Where region or credentials are missing, that request raises
    :class:`~dynamodb_py.exceptions.ConfigurationError`.
    """
    router, lazy = Router(settings), LazyTarget(settings)
    return RoutingTransport(router, lazy), AsyncRoutingTransport(router, lazy)
