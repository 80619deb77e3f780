"""Connections by alias, and the options of the current thread or task.

Nothing here opens a network connection: the first request does.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from msgspec import Struct
from msgspec.structs import replace

from .credentials.addresses import Address, parse_address
from .credentials.settings import Secret, SecretBytes, Settings, Url
from .exceptions import ConfigurationError
from .retries import Deadline, Retries, drop_deadline, push_deadline

if TYPE_CHECKING:
    from . import transports
    from .credentials import arguments
    from .flows import AsyncTransport, Link, Transport
    from .observing import n_plus_one, requests
    from .transports import streams as streams_links
else:
    from .lazy import arguments, n_plus_one, requests, streams_links, transports

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
        log_keys: bool = False,
        deadline: float | None = None,
        sync_in_loop: str = "allow",
        consistent: bool = False,
        atomic: bool = False,
        slow: float | None = None,
        warn_n_plus_one: bool = False,
    ) -> None:
        self.alias = alias
        """The name of the connection."""
        if _redirected_to is not None:
            settings = replace(settings, address=_redirected_to)
        self.settings = settings
        self.retries = Retries() if retries is None else retries
        self.transport, self.async_transport = transports.open_transports(settings)
        self._senders: tuple[Transport, AsyncTransport] | None = None
        self._prefix, self._format = table_prefix, table_name_format
        self.renames = bool(table_prefix or table_name_format)
        """Whether table names differ from those in the models."""
        self.cursor_key = None if cursor_key is None else SecretBytes(cursor_key)
        """The key that signs cursors; None: they are not signed."""
        self.log_keys = log_keys
        """Whether log lines may show keys of items."""
        self.deadline = deadline
        """The seconds that a request has with all its attempts; None: no limit."""
        self.sync_in_loop = sync_in_loop
        """Whether verbs may block an event loop: "allow" or "raise"."""
        self.consistent = consistent
        """Whether reads are consistent by default, if DynamoDB can read consistently there."""
        self.atomic = atomic
        """Whether writes of instances are atomic by default."""
        if slow is not None:
            requests.observe_slow(self, slow)
        if warn_n_plus_one:
            n_plus_one.warn_of_n_plus_one(self)

    def copy_to(self, address: Address) -> Connection:
        """Return a connection like this one, but to the embedded database at *address*."""
        copied = object.__new__(type(self))
        vars(copied).update(vars(self))
        copied.settings = replace(self.settings, address=address)
        copied.transport, copied.async_transport = transports.open_transports(copied.settings)
        copied._senders = None
        return copied

    @property
    def streams(self) -> Link:
        """The link for calls on streams, whose endpoint is found at the first use.

        It sends all other calls to the endpoint of tables. An embedded database serves both.
        """
        if self.settings.address is not None:
            return self
        if self._senders is None:
            self._senders = streams_links.open_senders(self, self.settings)
        return streams_links.StreamsLink(self, *self._senders)

    def table_name(self, name: str) -> str:
        """Return the name in DynamoDB of the table that a model calls *name*.

        >>> connect("staging", table_name_format=lambda name: f"{name}-v2").table_name("scores")
        'scores-v2'
        """
        name = self._prefix + name if self._prefix else name
        return name if self._format is None else self._format(name)

    def close(self) -> None:
        """Close the network connections of all threads; later requests open new ones.

        The twin ``aclose()`` closes those of the running event loop.

        >>> connection = connect("memory://")
        >>> connection.close()
        """
        self.transport.close()
        if self._senders is not None:
            self._senders[0].close()

    async def aclose(self) -> None:
        """Close the network connections of the running event loop; later requests open new ones."""
        await self.async_transport.close()
        if self._senders is not None:
            await self._senders[1].close()

    def __repr__(self) -> str:
        url = self.settings.endpoint_url
        where = repr(url)[1:-1] if url else self.settings.region_name or "boto3's defaults"
        where = where if self.settings.address is None else self.settings.address.text
        return f"<Connection {self.alias!r} to {where}>"


_connections: dict[str, Connection | None] = {}
"""The connections by alias; None for "default" after ``connect(default=False)``."""

_atomic_aliases: set[str] = set()
"""The aliases of the connections with ``atomic=True``: mostly empty, so that writes check it quickly."""

_redirected_to: Address | None = None
"""The embedded database that every new connection uses, whatever it was defined with."""


class Registry(NamedTuple):
    """The connections of the process; the testing kit replaces them for a while."""

    connections: dict[str, Connection | None]
    atomic_aliases: set[str]
    redirected_to: Address | None


def get_registry() -> Registry:
    """Return the connections of the process."""
    return Registry(_connections, _atomic_aliases, _redirected_to)


def set_registry(registry: Registry) -> None:
    """Replace the connections of the process by those of *registry*, in all threads."""
    global _connections, _atomic_aliases, _redirected_to
    _connections, _atomic_aliases, _redirected_to = registry


def connect(
    address: str | None = None,
    /,
    *,
    alias: str | None = None,
    region_name: str | None = None,
    endpoint_url: str | None = None,
    streams_endpoint_url: str | None = None,
    profile_name: str | None = None,
    aws_access_key_id: str | None = None,
    aws_secret_access_key: str | None = None,
    aws_session_token: str | None = None,
    session: Any = None,
    client: Any = None,
    through_instrumented_botocore: bool | None = None,
    table_prefix: str = "",
    table_name_format: Callable[[str], str] | None = None,
    connect_timeout: float = 5.0,
    read_timeout: float = 30.0,
    retries: int | Retries | None = None,
    pool_size: int = 64,
    verify: bool | str = True,
    cursor_key: bytes | str | None = None,
    log_keys: bool = False,
    deadline: float | None = None,
    sync_in_loop: Literal["allow", "raise"] = "allow",
    consistent: bool = False,
    atomic: bool = False,
    slow: float | None = None,
    warn_n_plus_one: bool = False,
    default: bool = True,
) -> Connection:
    """Define a connection to DynamoDB, or to an embedded database.

    Nothing is sent. Another call with the same alias replaces the connection. A program that never
    calls it has a default connection with boto3's defaults.

    >>> frankfurt = connect(region_name="eu-central-1", deadline=5)
    >>> replica = connect("replica", region_name="us-west-2", table_prefix="dev-")
    >>> frankfurt.alias, replica.alias, replica.table_name("scores")
    ('default', 'replica', 'dev-scores')

    :param address: an embedded database: ``"sqlite:///app.db"`` is a file, ``"sqlite:////var/app.db"``
        one by its absolute path, ``"memory://"`` is new and ``"memory://name"`` shared in the process.
        ``?synchronous=NORMAL`` makes writes to a file faster: the last ones before a power cut may be
        lost. A text without ``://`` is the *alias*.
    :param alias: the name of the connection, ``"default"`` by default.
    :param region_name: the AWS region; by default ``AWS_DEFAULT_REGION``, else the profile's, else
        ``AWS_REGION``.
    :param endpoint_url: the URL of another server with DynamoDB's API; by default
        ``AWS_ENDPOINT_URL_DYNAMODB`` or ``AWS_ENDPOINT_URL``, else the region's endpoint of AWS.
    :param streams_endpoint_url: the URL for reading the streams of tables; by default
        ``AWS_ENDPOINT_URL_DYNAMODB_STREAMS``, else *endpoint_url*. AWS has an endpoint of its own for
        streams, which replaces an *endpoint_url* of AWS.
    :param profile_name: a profile of the shared configuration files.
    :param aws_access_key_id: credentials, with ``aws_secret_access_key`` and ``aws_session_token``; by
        default they are found as boto3 finds them.
    :param session: a boto3 session; its credentials, region and event hooks are used.
    :param client: a boto3 client or resource for DynamoDB; all requests go through it.
    :param through_instrumented_botocore: whether requests go through botocore while a tool such as
        OpenTelemetry or X-Ray instruments it. True: they do, so that the tool sees them; a get then takes
        25 times as long. False: they do not. None, the default: they do not, and one line at level
        WARNING says so, unless :mod:`dynamodb_py.contrib.opentelemetry` is on.
    :param table_prefix: a prefix of every table name, ``"dev-"``.
    :param table_name_format: a callable that turns a model's table name into the real one.
    :param connect_timeout: seconds to wait for a connection.
    :param read_timeout: seconds for sending a request and receiving its whole response.
    :param retries: how many attempts a request has in all (default 4, as in boto3's standard mode, or
        ``AWS_MAX_ATTEMPTS``), or a :class:`~dynamodb_py.retries.Retries`.
    :param pool_size: how many network connections are kept open.
    :param verify: False, or the path of a file or directory of certificate authorities, as for boto3.
    :param cursor_key: a secret that signs the cursors of pages, so that clients cannot forge them; by
        default they are not signed.
    :param log_keys: True: log lines about references show the keys of items; by default no log line has
        keys or values.
    :param deadline: seconds that each request has in all, with its attempts, the pauses between them,
        and the search for credentials; by default there is no such limit.
    :param sync_in_loop: ``"raise"``: a sync verb that is called in a running event loop raises QueryError
        before it sends anything. ``"allow"``, the default: it blocks the event loop.
    :param consistent: True: reads are strongly consistent by default, at twice the price. Reads of global
        indexes, and PartiQL, stay eventually consistent. ``options()`` and calls override it.
    :param atomic: True: writes of an instance fail by default if any attribute of its item has changed
        since it was loaded. ``Meta.atomic``, ``options()`` and calls override it.
    :param slow: seconds: a request that takes as long or longer, with all its attempts and the pauses
        between them, writes a line at level WARNING to the logger ``dynamodb_py``. None: no such lines.
    :param warn_n_plus_one: True: a loop that reads items one by one, where one request could read them
        all, causes one :class:`~dynamodb_py.NPlusOneWarning` for its line. For development: each request
        inspects the call stack.
    :param default: False: this process has no default connection, so that each model, query set, block
        or instance must name one. An *alias* in the same call is defined all the same.
    :return: the connection; with ``default=False`` and no alias it is not registered under any.
    :raises ConfigurationError: an argument is invalid.
    """
    arguments.check_texts(
        address=address,
        alias=alias,
        table_prefix=table_prefix,
        region_name=region_name,
        endpoint_url=endpoint_url,
        streams_endpoint_url=streams_endpoint_url,
        profile_name=profile_name,
        aws_access_key_id=aws_access_key_id,
        aws_secret_access_key=aws_secret_access_key,
        aws_session_token=aws_session_token,
    )
    alias, embedded = _tell_apart(address, alias)
    if embedded is not None:
        arguments.refuse_server_options(
            embedded,
            region_name=region_name,
            endpoint_url=endpoint_url,
            streams_endpoint_url=streams_endpoint_url,
            profile_name=profile_name,
            aws_access_key_id=aws_access_key_id,
            aws_secret_access_key=aws_secret_access_key,
            aws_session_token=aws_session_token,
            session=session,
            client=client,
        )
    # Hidden at once: the locals of this function are in the traceback of an error below.
    endpoint_url = endpoint_url and Url(endpoint_url)
    streams_endpoint_url = streams_endpoint_url and Url(streams_endpoint_url)
    aws_secret_access_key = aws_secret_access_key and Secret(aws_secret_access_key)
    aws_session_token = aws_session_token and Secret(aws_session_token)
    cursor_key = arguments.as_cursor_key(cursor_key)
    settings = Settings(
        region_name=region_name,
        endpoint_url=endpoint_url,
        streams_endpoint_url=streams_endpoint_url,
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
        through_instrumented_botocore=through_instrumented_botocore,
        address=embedded,
    )
    arguments.check_settings(settings)
    arguments.check_behaviour(
        deadline=deadline,
        slow=slow,
        sync_in_loop=sync_in_loop,
        table_name_format=table_name_format,
        consistent=consistent,
        atomic=atomic,
        warn_n_plus_one=warn_n_plus_one,
    )
    arguments.check_default(default)
    connection = Connection(
        settings,
        alias=alias,
        retries=arguments.as_retries(retries),
        table_prefix=table_prefix,
        table_name_format=table_name_format,
        cursor_key=cursor_key,
        log_keys=log_keys,
        deadline=deadline,
        sync_in_loop=sync_in_loop,
        consistent=consistent,
        atomic=atomic,
        slow=slow,
        warn_n_plus_one=warn_n_plus_one,
    )
    _register(connection, default=default)
    return connection


def _register(connection: Connection, *, default: bool) -> None:
    """Register *connection* under its alias; without *default*, the process has no default one."""
    _connections[connection.alias] = connection
    if connection.atomic:
        _atomic_aliases.add(connection.alias)
    else:
        _atomic_aliases.discard(connection.alias)
    if not default:
        _connections[DEFAULT] = None


def _tell_apart(address: str | None, alias: str | None) -> tuple[str, Address | None]:
    """Return the alias, and the address of an embedded database, if the first argument is one."""
    # As an alias, the name of a file would lead to AWS: parse_address() refuses it.
    files = (".db", ".sqlite", ".sqlite3", ":memory:")
    if address is not None and ("://" in address or address.endswith(files)):
        return DEFAULT if alias is None else alias, parse_address(address)
    if address is not None and alias is not None:
        raise ConfigurationError(
            f"connect(): two aliases, {address!r} and {alias!r}: give one; the address of an embedded "
            "database has a ://, as in sqlite:///app.db"
        )
    alias = alias if address is None else address
    return DEFAULT if alias is None else alias, None


def get_connection(alias: str | None = None) -> Connection:
    """Return the connection *alias*.

    :param alias: by default the one that ``options(using=...)`` sets here, else ``"default"``. A default
        connection that was not defined is created with boto3's defaults.
    :raises ConfigurationError: *alias* was not defined by :func:`connect`, or it is the default one
        after ``connect(default=False)``.

    >>> replica = connect("replica", region_name="us-west-2")
    >>> get_connection("replica") is replica
    True
    """
    name = (current_options().using or DEFAULT) if alias is None else alias
    connection = _connections.get(name)
    if connection is not None:
        return connection
    known = ", ".join(repr(each) for each, found in _connections.items() if found) or "none yet"
    if name == DEFAULT:
        if name not in _connections:
            return connect()
        raise ConfigurationError(
            "there is no default connection, as connect(default=False) was called: choose one by "
            "objects.using(alias), save(using=alias), options(using=alias) or Meta.using (there are: "
            f"{known})"
        )
    raise ConfigurationError(
        f"no connection is called {name!r} (there are: {known}): define it by connect({name!r}, ...)"
    )


class Options(Struct, frozen=True):
    """Options of the requests in a block."""

    consistent: bool | None = None
    """None: the default of the connection, as for *atomic*."""
    using: str | None = None
    atomic: bool | None = None


class _Block(Struct, eq=False):
    """One entered block of :class:`options`."""

    changes: dict[str, Any]
    is_over: bool = False
    """Whether it ended in another context, so that its own context still has it."""
    deadline: Deadline | None = None


class _Stack(Struct, frozen=True):
    """The blocks around the running code, innermost last, and their options together."""

    blocks: tuple[_Block, ...] = ()
    options: Options = Options()


_EMPTY = _Stack()
_STACK: ContextVar[_Stack] = ContextVar("dynamodb_py.options", default=_EMPTY)
"""Each thread and task has its own."""


def current_options() -> Options:
    """Return the active options."""
    stack = _STACK.get()
    if stack is _EMPTY:  # nearly always
        return stack.options
    for block in stack.blocks:
        if block.is_over:
            return _stack_up(stack.blocks).options
    return stack.options


def _stack_up(blocks: tuple[_Block, ...]) -> _Stack:
    """Return the stack of those *blocks* that are not over."""
    options, blocks = Options(), tuple([block for block in blocks if not block.is_over])
    for block in blocks:
        options = replace(options, **block.changes)
    return _Stack(blocks, options)


class AmbientAlias(str):
    """The alias that ``options()`` sets, or the default; a model's own ``Meta.using`` overrides it."""

    __slots__ = ()


AMBIENT_DEFAULT = AmbientAlias(DEFAULT)


def ambient_alias() -> AmbientAlias | None:
    """Return the alias that the surrounding blocks of ``options()`` set; None if they set none."""
    if _STACK.get() is _EMPTY:  # nearly always
        return None
    using = current_options().using
    return None if using is None else AmbientAlias(using)


def connection_for(alias: str | None, own: str | None) -> Connection:
    """Return the connection *alias* of a model whose ``Meta.using`` is *own*."""
    if alias is None or (own is not None and isinstance(alias, AmbientAlias)):
        alias = own
    if alias is None and _STACK.get() is _EMPTY:  # nearly always
        alias = DEFAULT
    return (_connections.get(alias) if alias else None) or get_connection(alias)


def alias_for(alias: str | None, own: str | None) -> str:
    """Return the alias that :func:`connection_for` looks up."""
    if alias is None or (own is not None and isinstance(alias, AmbientAlias)):
        alias = own
    return (current_options().using or DEFAULT) if alias is None else alias


def choose_connection(using: str) -> Connection:
    """Return the connection for the argument *using* of a verb."""
    if not isinstance(using, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"using={using!r}: give the alias of a connection, a text")
    return get_connection(using)


class options:  # noqa: N801 - it reads as a statement
    """Change the options within a block, in this thread or task only.

    The end of a block takes back the options of that block only, even if a generator, another thread or
    the garbage collector ends it. Items that are read in a block, and query sets that are created in it,
    keep its connection.

    :param consistent: True: reads are strongly consistent by default, at twice the price.
    :param using: the alias of the connection for models that name none.
    :param atomic: overrides ``Meta.atomic``: whether ``save()``, ``update()`` and ``delete()`` of
        instances fail if any attribute has changed since it was loaded.
    :param deadline: seconds from the beginning of the block: its requests end by then, with all
        attempts and pauses, or raise DeadlineExceeded. Of nested deadlines the earliest counts.
    :raises ConfigurationError: *deadline* is not a positive number of seconds.

    >>> with options(consistent=True):
    ...     current_options().consistent
    True
    >>> current_options().consistent is None
    True
    """

    def __init__(
        self,
        *,
        consistent: bool | None = None,
        using: str | None = None,
        atomic: bool | None = None,
        deadline: float | None = None,
    ) -> None:
        arguments.check_deadline(deadline)
        self._deadline = deadline
        changes = {"consistent": consistent, "using": using, "atomic": atomic}
        self._changes = {name: value for name, value in changes.items() if value is not None}
        self._entered: list[tuple[_Block, Token[_Stack]]] = []

    def __enter__(self) -> Options:
        block = _Block(self._changes)
        if self._deadline is not None:
            block.deadline = push_deadline(self._deadline)
        stack = _stack_up((*_STACK.get().blocks, block))
        self._entered.append((block, _STACK.set(stack)))
        return stack.options

    def __exit__(self, *_: object) -> None:
        blocks = _STACK.get().blocks
        here = [pair for pair in self._entered if pair[0] in blocks]
        block, token = (here or self._entered)[-1]
        self._entered.remove((block, token))
        try:
            _STACK.reset(token)
        except ValueError:  # it was entered in another context, which still has it
            block.is_over = True
            if block.deadline is not None:
                block.deadline.is_over = True
        if block.deadline is not None:
            drop_deadline(block.deadline)
        _STACK.set(_stack_up(tuple([each for each in blocks if each is not block])))


def is_consistent(option: bool | None, link: Connection) -> bool:
    """Tell whether to read consistently: by *option*, else ``options()``, else the connection *link*."""
    if option is None and _STACK.get() is not _EMPTY:
        option = current_options().consistent
    return link.consistent if option is None else option


class Linked(Protocol):
    """An instance, or a model on a connection."""

    @property
    def _link(self) -> Connection: ...


def is_atomic_by_default(linked: Linked) -> bool:
    """Tell whether the connection of *linked* has ``atomic=True``."""
    return bool(_atomic_aliases) and linked._link.atomic
