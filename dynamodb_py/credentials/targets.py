"""Targets: endpoint, credentials, proxy and TLS; the first request determines them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..exceptions import ConfigurationError
from .endpoints import Endpoint, find_plain_endpoint, resolve_endpoint
from .keys import Credentials, Fixed, Refreshable, find_static_keys
from .proxies import Proxy, find_proxy
from .sessions import NO_CREDENTIALS, make_client, make_session
from .settings import Service, Settings
from .signing import Signer
from .tls import find_authorities, make_context

if TYPE_CHECKING:
    from ssl import SSLContext


class Target(Struct, frozen=True):
    """The destination of requests, and their signer."""

    endpoint: Endpoint
    credentials: Credentials
    signer: Signer
    proxy: Proxy | None
    context: SSLContext | None
    """For TLS; None for plain HTTP."""

    @property
    def address(self) -> tuple[str, int]:
        """The host and port to connect to: those of the proxy, else of the endpoint."""
        near = self.proxy or self.endpoint
        return near.host, near.port


def find_target(settings: Settings) -> Target:
    """Return the target; this may read files, import botocore and use the network.

    Raises :class:`~dynamodb_py.exceptions.ConfigurationError` if settings are missing or invalid.
    """
    endpoint, configured = find_plain_endpoint(settings), None
    if endpoint is not None:
        keys = find_static_keys(settings)
        if keys is None:  # the environment changed meanwhile
            raise ConfigurationError(NO_CREDENTIALS)
        credentials: Credentials = Fixed(keys)
    else:
        endpoint, credentials, configured = _find_with_botocore(settings)
    proxy = find_proxy(endpoint)
    context = None
    if endpoint.scheme == "https":
        context = make_context(find_authorities(settings.verify, configured))
    return Target(
        endpoint, credentials, _make_signer(endpoint, proxy, settings.service), proxy, context
    )


def _find_with_botocore(settings: Settings) -> tuple[Endpoint, Credentials, str | None]:
    from botocore.exceptions import BotoCoreError, ClientError

    session = make_session(settings)
    client = make_client(settings, session)
    try:
        found = session.get_credentials()
        endpoint = resolve_endpoint(client, settings.service.example)
        configured: Any = session.get_config_variable("ca_bundle")
    except (BotoCoreError, ClientError, OSError, ValueError) as error:
        raise ConfigurationError(f"No AWS credentials could be obtained: {error}") from error
    finally:
        client.close()
    if found is None:
        raise ConfigurationError(NO_CREDENTIALS)
    return endpoint, Refreshable(found), configured


def _make_signer(endpoint: Endpoint, proxy: Proxy | None, service: Service) -> Signer:
    line = headers = ""
    # The proxy itself reads a request without TLS.
    if proxy is not None and endpoint.scheme == "http":
        line = endpoint.url
        if proxy.authorization:
            headers = f"Proxy-Authorization: {proxy.authorization}\r\n"
    host, path = endpoint.authority, endpoint.path
    return Signer(
        region=endpoint.region,
        host=host,
        path=path,
        line=line,
        headers=headers,
        target=service.target,
    )


class LazyTarget:
    """The target of *settings*, determined at the first use."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.found: Target | None = None
        self._lock = threading.Lock()

    @property
    def quick(self) -> bool:
        """Whether it is determined without botocore, and so without files and network."""
        return find_plain_endpoint(self.settings) is not None

    def get(self) -> Target:
        """Return the target."""
        with self._lock:
            if self.found is None:
                self.found = find_target(self.settings)
            return self.found

    def after_fork(self) -> None:
        """Replace the lock: a thread that holds it does not exist in the child process."""
        self._lock = threading.Lock()
