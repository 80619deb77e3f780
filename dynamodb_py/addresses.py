"""Addresses of embedded databases: ``sqlite:///app.db`` and ``memory://``."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Literal, NamedTuple, cast
from urllib.parse import parse_qsl, unquote

from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from .flows import AsyncTransport, Transport

_FORMS = (
    "sqlite:///relative.db, sqlite:////absolute.db, memory:// for a new one, or memory://name for one "
    "that the process shares"
)
_OPTIONS = {"synchronous": ("FULL", "NORMAL")}


class Address(NamedTuple):
    """Where an embedded database is."""

    text: str
    path: str | None
    """The absolute path of its file, or None for one in memory."""
    name: str = ""
    """The name that a database in memory is shared by; empty for a new one."""
    durability: Literal["FULL", "NORMAL"] = "FULL"

    def __repr__(self) -> str:
        return self.text


def parse_address(text: str) -> Address:
    """Return the address in *text*; raise ConfigurationError.

    >>> parse_address("sqlite:////var/app.db?synchronous=NORMAL").path
    '/var/app.db'
    """
    scheme, _, rest = text.partition("://")
    rest, _, query = rest.partition("?")
    if scheme == "sqlite":
        return _parse_file(text, rest, query)
    if scheme == "memory":
        if query or "/" in rest:
            raise ConfigurationError(f"{text!r}: memory:// takes a name and nothing else")
        return Address(text, None, unquote(rest))
    raise ConfigurationError(
        f"{text!r} is no address of an embedded database: give {_FORMS}; a server is endpoint_url="
    )


def _parse_file(text: str, rest: str, query: str) -> Address:
    path = unquote(rest[1:])
    if rest[:1] != "/" or not path or path == ":memory:":
        raise ConfigurationError(f"{text!r} names no file: give {_FORMS}")
    options = dict(parse_qsl(query, keep_blank_values=True))
    for option, value in options.items():
        known = _OPTIONS.get(option)
        if known is None or value not in known:
            raise ConfigurationError(
                f"{text!r}: the options are synchronous=FULL, which is the default, and "
                "synchronous=NORMAL"
            )
    durability = cast("Literal['FULL', 'NORMAL']", options.get("synchronous", "FULL"))
    return Address(text, os.path.abspath(path), "", durability)


def open_address(address: Address) -> tuple[Transport, AsyncTransport]:
    """Return a blocking and an asyncio transport to an embedded database.

    The engine is loaded here, and the file opened: a program without one pays for neither.
    """
    room = import_module(".local.transport", __package__)
    opened: tuple[Transport, AsyncTransport] = room.open_transports(
        address.path, address.name, address.durability
    )
    return opened
