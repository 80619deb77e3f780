"""Transports send operations to DynamoDB, over ``http`` or through botocore.

Requests go through botocore if the connection has a session or a client, if moto mocks botocore, or if
something that may be a mock wraps botocore's calls (:mod:`.hooks`). If the connection has the option
``through_instrumented_botocore``, they do so too while a tool instruments botocore.
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
    """Return a blocking and an asyncio transport, which share the target.

    The file of an embedded database is opened at once. Otherwise nothing is read, imported or connected
    before the first request, which raises :class:`~dynamodb_py.exceptions.ConfigurationError` if there is
    no region or there are no credentials.
    """
    if settings.address is not None:
        return embedded.open_transports(*settings.address[1:])
    router, lazy = Router(settings), LazyTarget(settings)
    return RoutingTransport(router, lazy), AsyncRoutingTransport(router, lazy)
