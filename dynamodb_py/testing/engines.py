"""An embedded database for the time of a block: every connection leads to it, and nothing else is reached."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from inspect import iscoroutinefunction
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast
from weakref import finalize

from ..connections import connect, get_connection
from ..credentials.addresses import Address
from ..exceptions import ConfigurationError
from ..flows import AsyncTransport, Flow, Transport, arun, run
from ..local import Engine
from ..local.contents import copy_contents, delete_contents, put_back
from ..local.database.expiry import sweep
from ..local.transport import AsyncLocalTransport, LocalTransport, forget_engine, share_engine
from ..retries import Retries
from ..schema import HasOptions
from ..streams.delivery.loaders import Loaders, Models
from ..tables.table import Table
from .changes import deliver_changes, find_ends
from .clock import Clock
from .data import dump_items, load_items
from .faults import Faults
from .redirection import Redirection, end_redirection, redirect_connections

if TYPE_CHECKING:
    from . import serving
else:
    from ..lazy import serving

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_numbers = count(1)


class EmbeddedEngine:
    """A DynamoDB in this process that all models use within a ``with`` block.

    ::

        with EmbeddedEngine() as engine:
            engine.create_tables(Order, Customer)
            Order.create(id="a")

    Within the block, every connection of the process leads to it, in all threads and tasks: those
    defined before keep their prefix, retries and other options, and so does one that ``connect()``
    defines meanwhile, whatever address, endpoint, session or client it is given. No request leaves
    the process. At the end, the connections are what they were before; those defined meanwhile are gone.
    Blocks can be nested: the innermost one counts. ``async with`` does the same, and so does
    ``@EmbeddedEngine()`` around each call of a function, ``async def`` too.

    The methods wait for nothing but SQLite: they may be called within coroutines.

    :param path: a file to keep the database in, which other processes may use too; what it has from
        before is there again. By default the database is in memory, and ends with the block.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = None if path is None else os.path.abspath(path)
        self.clock = Clock()
        """The time that TTL, streams and tokens go by."""
        self._opened: _Opened | None = None
        self._name = f"dynamodb_py.testing {next(_numbers)}"
        self._snapshots: dict[str, Snapshot] = {}
        self._delivered: dict[str, int] = {}
        """By stream, the number of the last record that ``deliver_changes()`` has delivered."""

    def __repr__(self) -> str:
        state = "closed" if self._opened is None else "open"
        return f"<EmbeddedEngine {self.path or 'in memory'}, {state}>"

    def __enter__(self) -> EmbeddedEngine:
        if self._opened is not None:
            raise ConfigurationError("this EmbeddedEngine is open already: make one for each block")
        engine = Engine(self.path, durability="NORMAL", clock=self.clock)
        share_engine(self._name, engine)
        text = "memory://" if self.path is None else f"sqlite:///{self.path}"
        redirection = redirect_connections(Address(text, None, self._name))
        self._opened = _Opened(engine, Faults(engine), redirection)
        self.clock.on_change = self._sweep
        return self

    def __exit__(self, *_: object) -> None:
        opened, self._opened = self._find_opened(), None
        end_redirection(opened.redirection)
        forget_engine(self._name)
        opened.engine.close()
        self.clock.on_change = None
        self.clock.reset()
        self._snapshots.clear()
        self._delivered.clear()

    async def __aenter__(self) -> EmbeddedEngine:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self.__exit__()

    def __call__(self, function: F) -> F:
        """Return *function* with a new database around each call."""

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with EmbeddedEngine(self.path):
                return function(*args, **kwargs)

        @wraps(function)
        async def acall(*args: Any, **kwargs: Any) -> Any:
            with EmbeddedEngine(self.path):
                return await function(*args, **kwargs)

        return cast("F", acall if iscoroutinefunction(function) else call)

    @property
    def local(self) -> Engine:
        """The database itself, as :class:`dynamodb_py.local.server.Server` takes it.

        :raises ConfigurationError: outside of the block.
        """
        return self._find_opened().engine

    @property
    def faults(self) -> Faults:
        """What goes wrong, by rules: throttling, conflicts, lost answers and more."""
        return self._find_opened().faults

    def serve(self) -> AbstractContextManager[str]:
        """Lead boto3 here too for the time of a ``with`` block, which gives an address for HTTP.

        ::

            with EmbeddedEngine() as engine, engine.serve() as url:
                boto3.client("dynamodb").list_tables()

        All clients and resources of boto3 are led here, whatever their endpoint is, those that
        were made before included. The environment has the address for processes that the block starts, by
        ``AWS_ENDPOINT_URL_DYNAMODB``, keys that no service knows, and a region if there was none.
        Other services of boto3 are left alone. Blocks can be nested: the innermost one counts.

        :raises ConfigurationError: the engine is not open.
        """
        return serving.serve_engine(self.local)

    def create_tables(self, *models: type[HasOptions], using: str | None = None) -> None:
        """Create the tables of *models*, and those of their unique values; what is there stays.

        A connection that a model names by ``Meta.using`` is defined if it was not.

        :param using: the alias of a connection, in place of those of the models.
        :raises TypeError: a model has no table.
        :raises TableMismatch: a table is there with other keys.
        """
        for table in [Table(model, using) for model in models]:
            self._define(table.using)
            self._run(table._create(if_not_exists=True))

    def clear(self) -> None:
        """Delete all items of all tables, the records of streams and the tokens of transactions."""
        delete_contents(self.local.store)
        self._forget_changes()

    def snapshot(self, name: str | None = None) -> Snapshot:
        """Return a copy of everything: tables, items, streams.

        :param name: for :meth:`restore`; an earlier snapshot of that name is forgotten.
        """
        found = Snapshot(copy_contents(self.local.store))
        if name is not None:
            self._snapshots[name] = found
        return found

    def restore(self, snapshot: Snapshot | str) -> None:
        """Let everything be as it was: tables, items, streams; clock and faults stay as they are.

        :param snapshot: one of any EmbeddedEngine, or the name of one of this.
        :raises ConfigurationError: no snapshot has that name.
        """
        if isinstance(snapshot, str):
            if snapshot not in self._snapshots:
                known = ", ".join(map(repr, self._snapshots)) or "none"
                raise ConfigurationError(f"no snapshot is called {snapshot!r}: there are {known}")
            snapshot = self._snapshots[snapshot]
        put_back(self.local.store, snapshot.copy)
        self._forget_changes()
        self.local.next_sweep = 0.0

    def load(
        self,
        path: str | os.PathLike[str],
        *models: type[HasOptions],
        using: str | None = None,
    ) -> int:
        """Write the items of a file of JSON lines, in place of those with the same keys.

        A line is an item in DynamoDB's JSON, ``{"Item": {"id": {"S": "a"}}}``, as exports to S3 have
        it, or the values of a model's fields, ``{"model": "Order", "fields": {"id": "a"}}``, which are
        read as ``from_json()`` reads them and saved. Their tables must be there.

        :param path: a file; one whose name ends in ``.gz`` is unpacked.
        :param models: where lines that name no model belong, which must be one model then; and where
            the names of models are looked for first.
        :param using: the alias of a connection, in place of those of the models.
        :return: how many items were written.
        :raises ValidationError: a line cannot be read or stored; it names file and line. Those before
            it are written.
        """
        return self._run(load_items(os.fspath(path), models, using, self._define))

    def dump(
        self,
        path: str | os.PathLike[str],
        *models: type[HasOptions],
        using: str | None = None,
    ) -> int:
        """Write all items of the tables of *models* to a file that :meth:`load` reads.

        :param path: the file, which is replaced; one whose name ends in ``.gz`` is packed.
        :param using: the alias of a connection, in place of those of the models.
        :return: how many items there were.
        :raises TableNotFound: a model has no table here.
        """
        return dump_items(
            self.local.store, os.fspath(path), [Table(each, using) for each in models]
        )

    def deliver_changes(self, models: Models, *, using: str | None = None) -> int:
        """Call the receivers of ``item_changed`` for what has changed since the last call.

        ::

            Order.create(id="a")
            engine.deliver_changes(Order)

        The first call delivers all changes since the table was created, or since :meth:`clear` or :meth:`restore`.
        Receivers that change items again make records for the next call. What one raises is raised here, and
        the next call begins with the same record.

        :param models: a model, a shared table, several of them, or a module: all models of a table that has a stream.
        :param using: the alias of a connection, in place of those of the models.
        :return: how many records were delivered.
        :raises StreamNotFound: a table has no stream.
        :raises StreamTrimmed: the clock was moved on by over 24 hours before changes were delivered.
        """
        return self._run(self._deliver_changes(models, using))

    async def adeliver_changes(self, models: Models, *, using: str | None = None) -> int:
        """Like :meth:`deliver_changes`, with async receivers awaited on the running event loop."""
        return await arun(self._deliver_changes(models, using), _Link(self.local))

    def _deliver_changes(self, models: Models, using: str | None) -> Flow[int]:
        return deliver_changes(self.local.store, Loaders(models, using), self._delivered)

    def _forget_changes(self) -> None:
        """Let the contents of now be those that everything later is compared with."""
        self.local.faults.forget_changes()
        self._delivered = find_ends(self.local.store)

    def _find_opened(self) -> _Opened:
        if self._opened is None:
            raise ConfigurationError(
                "this EmbeddedEngine is not open: with EmbeddedEngine() as engine: ..."
            )
        return self._opened

    def _define(self, alias: str | None) -> None:
        """Define the connection *alias* if it was not."""
        try:
            get_connection(alias)
        except ConfigurationError:
            if alias is None:
                raise
            connect(alias=alias)

    def _run(self, flow: Flow[T]) -> T:
        return run(flow, _Link(self.local))

    def _sweep(self) -> None:
        engine = self.local
        while sweep(engine):
            pass
        engine.next_sweep = 0.0  # by the clock's new time


class Snapshot:
    """A copy of everything in an embedded database."""

    def __init__(self, copy: sqlite3.Connection) -> None:
        self.copy = copy
        finalize(self, copy.close)


class _Opened(NamedTuple):
    """What there is while the block lasts."""

    engine: Engine
    faults: Faults
    redirection: Redirection


class _Link:
    """The way of an engine's own methods to it: event loops may wait, and nothing limits the time."""

    def __init__(self, engine: Engine) -> None:
        self.transport: Transport = LocalTransport(engine)
        self.async_transport: AsyncTransport = AsyncLocalTransport(engine)
        self.retries = Retries()
        self.deadline: float | None = None
        self.sync_in_loop = "allow"
