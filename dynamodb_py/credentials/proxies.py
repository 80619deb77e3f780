"""Proxies of the environment: HTTPS_PROXY, HTTP_PROXY, NO_PROXY."""

from __future__ import annotations

import os
import sys

from msgspec import Struct

from ..exceptions import ConfigurationError
from .endpoints import Endpoint


class Proxy(Struct, frozen=True):
    """A proxy; *authorization* is the header's value, or empty."""

    host: str
    port: int
    authorization: str = ""


def find_proxy(endpoint: Endpoint) -> Proxy | None:
    """Return the proxy for requests to *endpoint*, or None.

    Raises :class:`~dynamodb_py.exceptions.ConfigurationError` for an invalid URL or another scheme
    than plain HTTP.
    """
    # On other systems the system settings may name one.
    if sys.platform == "linux" and not any(n.lower().endswith("_proxy") for n in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass  # 15 ms, only with a proxy

    url = getproxies().get(endpoint.scheme)
    if not url or proxy_bypass(endpoint.authority):
        return None
    return parse_proxy(url)


def parse_proxy(url: str) -> Proxy:
    """Return the proxy of *url*, which may be just ``host:port``.

    >>> parse_proxy("http://me:secret@10.0.0.1:3128").authorization
    'Basic bWU6c2VjcmV0'
    """
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url if "://" in url else f"http://{url.removeprefix('//')}")
    try:
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        host, port = None, 0
    if parts.scheme != "http" or not host:
        raise ConfigurationError(
            f"The proxy {url.rpartition('@')[2]!r} cannot be used; write it like "
            "http://host:3128 in HTTPS_PROXY or HTTP_PROXY."
        )
    if not parts.username:
        return Proxy(host, port)
    from base64 import b64encode

    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return Proxy(host, port, f"Basic {b64encode(pair.encode()).decode()}")
