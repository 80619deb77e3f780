"""Addresses of embedded databases: ``sqlite:///app.db`` and ``memory://``."""

from __future__ import annotations

import os
from typing import Literal, NamedTuple, cast

from ..exceptions import ConfigurationError

_FORMS = (
    "sqlite:///relative.db, sqlite:////absolute.db, memory:// for a new one, or memory://name for one "
    "that the process shares"
)
_OPTIONS = {"synchronous": ("FULL", "NORMAL")}


class Address(NamedTuple):
    """The address of an embedded database, in its parts."""

    text: str
    path: str | None
    """The absolute path of its file, or None for one in memory."""
    name: str = ""
    """The name of a shared database in memory; empty for a new one."""
    durability: Literal["FULL", "NORMAL"] = "FULL"

    def __repr__(self) -> str:
        return self.text


def parse_address(text: str) -> Address:
    """Return the address in *text*; raise ConfigurationError.

    >>> parse_address("sqlite:////var/app.db?synchronous=NORMAL").path
    '/var/app.db'
    """
    from urllib.parse import unquote  # loaded only by programs with such an address

    scheme, _, rest = text.partition("://")
    rest, _, query = rest.partition("?")
    if scheme == "sqlite":
        if rest[:1] != "/":
            raise _refuse_path(text)
        return _parse_file(text, unquote(rest[1:]), query)
    if scheme == "memory":
        if query or "/" in rest:
            raise ConfigurationError(f"{text!r}: memory:// takes a name and nothing else")
        return Address(text, None, unquote(rest))
    raise ConfigurationError(
        f"{text!r} is not the address of an embedded database: give {_FORMS}; a server is endpoint_url="
    )


def _refuse_path(text: str) -> ConfigurationError:
    return ConfigurationError(f"{text!r} names no file: give {_FORMS}")


def _parse_file(text: str, path: str, query: str) -> Address:
    if not path or path == ":memory:" or "\0" in path:
        raise _refuse_path(text)
    durability = "FULL"
    if query:
        option, _, durability = query.partition("=")
        if durability not in _OPTIONS.get(option, ()):
            raise ConfigurationError(
                f"{text!r}: the options are synchronous=FULL, which is the default, and "
                "synchronous=NORMAL"
            )
    found = cast("Literal['FULL', 'NORMAL']", durability)
    return Address(text, os.path.abspath(path), "", found)
