"""Proxies from the environment variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY."""

from __future__ import annotations

import os
import sys

from msgspec import Struct
from msgspec.structs import force_setattr

from ..exceptions import ConfigurationError
from .endpoints import Endpoint
from .settings import Secret, Url


class Proxy(Struct, frozen=True):
    """A proxy; *authorization* is the value of its header, or empty."""

    host: str
    port: int
    authorization: str = ""

    def __post_init__(self) -> None:
        force_setattr(self, "authorization", Secret(self.authorization))


def find_proxy(endpoint: Endpoint) -> Proxy | None:
    """Return the proxy for requests to *endpoint*, or None.

    Raises :class:`~dynamodb_py.exceptions.ConfigurationError` if the URL of the proxy is invalid, or its
    scheme is not ``http``.
    """
    # Elsewhere the settings of the system may name a proxy.
    if sys.platform == "linux" and not any(n.lower().endswith("_proxy") for n in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass  # takes 15 ms

    url = Url(getproxies().get(endpoint.scheme) or "")
    return None if not url or proxy_bypass(endpoint.authority) else parse_proxy(url)


def parse_proxy(url: str) -> Proxy:
    """Return the proxy of *url*, which may be just ``host:port``.

    >>> str(parse_proxy("http://me:secret@10.0.0.1:3128").authorization)
    'Basic bWU6c2VjcmV0'
    """
    url = Url(url)
    proxy = _split_proxy(url)
    if proxy is None:
        raise ConfigurationError(
            f"The proxy {url.rpartition('@')[2]!r} cannot be used; write it like "
            "http://host:3128 in HTTPS_PROXY or HTTP_PROXY."
        )
    return proxy


def _split_proxy(url: str) -> Proxy | None:
    """Return the proxy; None if *url* is invalid: an error raised here would show the password in its frames."""
    from base64 import b64encode
    from urllib.parse import unquote, urlsplit

    try:
        parts = urlsplit(url if "://" in url else f"http://{url.removeprefix('//')}")
        host, port = parts.hostname, parts.port or 80
        if parts.scheme != "http" or not host:
            return None
        if not parts.username:
            return Proxy(host, port)
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return Proxy(host, port, f"Basic {b64encode(pair.encode()).decode()}")
    except ValueError:  # UnicodeEncodeError is one
        return None
