"""Connections by alias, and the options of the current thread or task.

Nothing here opens a connection: that happens for the first request.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from .exceptions import ConfigurationError
from .retries import Retries
from .transports import Settings, open_transports

DEFAULT = "default"


class Connection:
    """An endpoint of DynamoDB, with credentials, retries and a format of table names."""

    def __init__(
        self,
        settings: Settings,
        *,
        alias: str = DEFAULT,
        retries: Retries | None = None,
        table_prefix: str = "",
        table_name_format: Callable[[str], str] | None = None,
        cursor_key: bytes | None = None,
    ) -> None:
        self.alias = alias
        self.settings = settings
        self.retries = Retries() if retries is None else retries
        self.transport, self.async_transport = open_transports(settings)
        self._prefix, self._format = table_prefix, table_name_format
        self.renames = bool(table_prefix or table_name_format)
        """Whether table names differ from those in the models."""
        self.cursor_key = cursor_key
        """The key that signs cursors; None: they are not signed."""

    def table_name(self, name: str) -> str:
        """Return the name of the table that a model calls *name*."""
        name = self._prefix + name if self._prefix else name
        return name if self._format is None else self._format(name)

    def close(self) -> None:
        """Close the connections that threads have open; later requests open new ones."""
        self.transport.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop; later requests open new ones."""
        await self.async_transport.close()

    def __repr__(self) -> str:
        where = self.settings.endpoint_url or self.settings.region_name or "boto3's defaults"
        return f"<Connection {self.alias!r} to {where}>"


_connections: dict[str, Connection] = {}


def connect(
    alias: str = DEFAULT,
    *,
    region_name: str | None = None,
    endpoint_url: str | None = None,
    profile_name: str | None = None,
    aws_access_key_id: str | None = None,
    aws_secret_access_key: str | None = None,
    aws_session_token: str | None = None,
    session: Any = None,
    client: Any = None,
    table_prefix: str = "",
    table_name_format: Callable[[str], str] | None = None,
    connect_timeout: float = 5.0,
    read_timeout: float = 30.0,
    retries: int | Retries | None = None,
    pool_size: int = 64,
    verify: bool | str = True,
    cursor_key: bytes | str | None = None,
) -> Connection:
    """Define the connection *alias*; without a definition, boto3's defaults count.

    Nothing is sent. Another call with the same alias replaces the connection.

    :param region_name: as for boto3; else ``AWS_DEFAULT_REGION``, the profile's, or ``AWS_REGION``.
    :param endpoint_url: another server that speaks DynamoDB's API; else ``AWS_ENDPOINT_URL_DYNAMODB``.
    :param profile_name: a profile of the shared configuration files.
    :param aws_access_key_id: with ``aws_secret_access_key`` and ``aws_session_token``: credentials,
        in place of boto3's search for them.
    :param session: a boto3 session; its credentials, region and event hooks are used.
    :param client: a boto3 client or resource for DynamoDB; all requests go through it.
    :param table_prefix: a prefix of every table name, ``"dev-"``.
    :param table_name_format: a callable that turns a model's table name into the real one.
    :param connect_timeout: seconds to wait for a connection.
    :param read_timeout: seconds for sending a request and receiving its whole answer.
    :param retries: how often a request is tried in all (default 4, as in boto3's standard mode, or
        ``AWS_MAX_ATTEMPTS``), or a :class:`~dynamodb_py.retries.Retries`.
    :param pool_size: how many connections are kept open.
    :param verify: False, or a file of certificate authorities, as for boto3.
    :param cursor_key: a secret that signs the cursors of pages, so that clients cannot make any.
    :return: the connection.
    """
    settings = Settings(
        region_name=region_name,
        endpoint_url=endpoint_url,
        profile_name=profile_name,
        aws_access_key_id=aws_access_key_id,
        aws_secret_access_key=aws_secret_access_key,
        aws_session_token=aws_session_token,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        pool_size=pool_size,
        verify=verify,
        session=session,
        client=client,
    )
    connection = Connection(
        settings,
        alias=alias,
        retries=_as_retries(retries),
        table_prefix=table_prefix,
        table_name_format=table_name_format,
        cursor_key=cursor_key.encode() if isinstance(cursor_key, str) else cursor_key,
    )
    _connections[alias] = connection
    return connection


def _as_retries(retries: int | Retries | None) -> Retries:
    if isinstance(retries, Retries):
        return retries
    if retries is None:
        return Retries.from_environment()
    if retries < 1:
        raise ConfigurationError(f"retries={retries}: a request is tried at least once")
    return Retries(attempts=retries)


def get_connection(alias: str | None = None) -> Connection:
    """Return the connection *alias*; the default one is made when it is first needed.

    Raises ConfigurationError for an alias that was never connected.
    """
    name = alias or OPTIONS.get()[-1].using or DEFAULT
    connection = _connections.get(name)
    if connection is not None:
        return connection
    if name == DEFAULT:
        return connect()
    known = ", ".join(map(repr, _connections)) or "none yet"
    raise ConfigurationError(
        f"no connection is called {name!r} (there are: {known}): connect({name!r}, ...)"
    )


class Options(Struct, frozen=True):
    """Options of the requests in a block."""

    consistent: bool = False
    using: str | None = None
    atomic: bool | None = None


_DEFAULTS = Options()
OPTIONS: ContextVar[tuple[Options, ...]] = ContextVar("dynamodb_py.options", default=(_DEFAULTS,))
"""The active options, innermost last; each thread and task has its own."""


def current_options() -> Options:
    """Return the active options."""
    return OPTIONS.get()[-1]


class options:  # noqa: N801 - it reads as a statement
    """Change the options within a block, in this thread or task only.

    :param consistent: read consistently by default.
    :param using: the alias of the connection for models that name none.
    :param atomic: overrides ``Meta.atomic``: whether ``save()``, ``update()`` and ``delete()`` of
        instances fail if any attribute has changed since it was loaded.

    >>> with options(consistent=True):
    ...     current_options().consistent
    True
    >>> current_options().consistent
    False
    """

    def __init__(
        self,
        *,
        consistent: bool | None = None,
        using: str | None = None,
        atomic: bool | None = None,
    ) -> None:
        changes = {"consistent": consistent, "using": using, "atomic": atomic}
        self._changes = {name: value for name, value in changes.items() if value is not None}

    def __enter__(self) -> Options:
        outer = OPTIONS.get()
        changed: Options = replace(outer[-1], **self._changes)
        OPTIONS.set((*outer, changed))
        return changed

    def __exit__(self, *_: object) -> None:
        OPTIONS.set(OPTIONS.get()[:-1])


def is_consistent(option: bool | None) -> bool:
    """Tell whether to read consistently: *option*, else that of ``options()``."""
    return current_options().consistent if option is None else option
