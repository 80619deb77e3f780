"""Transports send operations to DynamoDB, over ``http`` or through botocore.

Requests go through botocore if a session or a client is given, if moto or a wrapper that may be a mock hooks
into botocore (:mod:`.hooks`), and, if a connection asks for that, if a tool instruments botocore.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..credentials.settings import Settings
from ..credentials.targets import LazyTarget
from ..flows import AsyncTransport, Transport
from .routing import AsyncRoutingTransport, Router, RoutingTransport

if TYPE_CHECKING:
    from .boto import AsyncBotoTransport, BotoTransport
else:
    from ..lazy import EXPORTS
    from ..lazy.loading import export_lazily

    __getattr__, __dir__ = export_lazily(EXPORTS["transports"], globals())

if TYPE_CHECKING:
    from ..local import transport as embedded
else:
    from ..lazy import embedded

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
        return embedded.open_transports(*settings.address[1:])
    router, lazy = Router(settings), LazyTarget(settings)
    return RoutingTransport(router, lazy), AsyncRoutingTransport(router, lazy)
