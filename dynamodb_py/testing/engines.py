"""An embedded database for the time of a block: every connection leads to it, and none to another database."""

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

    Within the block, every connection of the process leads to the engine, in all threads and tasks, and keeps its
    prefix, retries and other options. New connections lead to the engine too, whatever address, endpoint, session
    or client the code passes to ``connect()``. No request leaves the process. After the block, all connections are
    as before it, and connections that were defined within it are gone. Of nested blocks, the innermost one counts.
    ``async with`` does the same. ``@EmbeddedEngine()`` opens a new engine for each call of a function or coroutine
    function.

    The methods wait only for SQLite, so coroutines may call them.

    :param path: a file for the database. It may exist already, and other processes may use it too. By default the
        database is in memory, and ends with the block.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = None if path is None else os.path.abspath(path)
        self.clock = Clock()
        """The clock for TTL, streams and tokens of transactions."""
        self._opened: _Opened | None = None
        self._name = f"dynamodb_py.testing {next(_numbers)}"
        self._snapshots: dict[str, Snapshot] = {}
        self._delivered: dict[str, int] = {}
        """For the ARN of each stream, the number of the last record that ``deliver_changes()`` has delivered."""

    def __repr__(self) -> str:
        state = "closed" if self._opened is None else "open"
        return f"<EmbeddedEngine {self.path or 'in memory'}, {state}>"

    def __enter__(self) -> EmbeddedEngine:
        if self._opened is not None:
            raise ConfigurationError(
                "this EmbeddedEngine is open already: create one for each block"
            )
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
        """The database itself, for example for :class:`dynamodb_py.local.server.Server`.

        :raises ConfigurationError: outside of the block.
        """
        return self._find_opened().engine

    @property
    def faults(self) -> Faults:
        """The faults that a test can cause: throttling, conflicts, lost responses and more.

        :raises ConfigurationError: outside of the block.
        """
        return self._find_opened().faults

    def serve(self) -> AbstractContextManager[str]:
        """Redirect boto3 to the engine for the time of a ``with`` block; the block's value is an HTTP address.

        All clients and resources of boto3 for DynamoDB and its streams lead to the engine, whatever their endpoint
        is, also those that exist already. Other services are not affected. Child processes find the address in
        their environment, as ``AWS_ENDPOINT_URL_DYNAMODB``, with keys that no service accepts, and a region if none
        was set. Of nested blocks, the innermost one counts.

        :raises ConfigurationError: the engine is not open.

        >>> import boto3
        >>> with EmbeddedEngine() as engine, engine.serve() as url:
        ...     engine.create_tables(Score)
        ...     client = boto3.client("dynamodb")
        ...     client.list_tables()["TableNames"]
        ['scores']
        >>> client.close()
        """
        return serving.serve_engine(self.local)

    def create_tables(self, *models: type[HasOptions], using: str | None = None) -> None:
        """Create the tables of *models*, and the tables of their unique values; tables that exist stay.

        If a model names a connection by ``Meta.using`` that is not defined, define it.

        :param using: the alias of a connection; by default, the models' ``Meta.using``.
        :raises TypeError: a model has no table.
        :raises TableMismatch: a table exists with other keys.

        >>> with EmbeddedEngine() as engine:
        ...     engine.create_tables(Score)
        ...     Score.objects.count()
        0
        """
        for table in [Table(model, using) for model in models]:
            self._define(table.using)
            self._run(table._create(if_not_exists=True))

    def clear(self) -> None:
        """Delete all items of all tables, the records of streams and the tokens of transactions; keep the tables.

        >>> with EmbeddedEngine() as engine:
        ...     engine.create_tables(Score)
        ...     score = Score.create(player="eve", game=1)
        ...     engine.clear()
        ...     Score.objects.count()
        0
        """
        delete_contents(self.local.store)
        self._forget_changes()

    def snapshot(self, name: str | None = None) -> Snapshot:
        """Return a copy of everything: tables, items, streams.

        :param name: a name for :meth:`restore`; it replaces an earlier snapshot of the same name.

        >>> with EmbeddedEngine() as engine:
        ...     engine.create_tables(Score)
        ...     empty = engine.snapshot()
        ...     score = Score.create(player="eve", game=1)
        ...     engine.restore(empty)
        ...     Score.objects.count()
        0
        """
        found = Snapshot(copy_contents(self.local.store))
        if name is not None:
            self._snapshots[name] = found
        return found

    def restore(self, snapshot: Snapshot | str) -> None:
        """Bring back the tables, items and streams of a snapshot; clock and faults stay as they are.

        :param snapshot: a snapshot of any EmbeddedEngine, or the name of a snapshot of this one.
        :raises ConfigurationError: no snapshot has that name.

        >>> with EmbeddedEngine() as engine:
        ...     engine.create_tables(Score)
        ...     snapshot = engine.snapshot("empty")
        ...     score = Score.create(player="eve", game=1)
        ...     engine.restore("empty")
        ...     Score.objects.count()
        0
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
        """Write the items of a file of JSON lines; they replace items with the same keys.

        A line is an item in DynamoDB's JSON, ``{"Item": {"id": {"S": "a"}}}``, as in an export to S3, or the values
        of a model's fields, ``{"model": "Order", "fields": {"id": "a"}}``, in the form that ``from_json()`` reads.
        The tables must exist.

        :param path: the path of the file; a name that ends in ``.gz`` means that it is compressed by gzip.
        :param models: the models to search first for the name in a line. If it is one model, it is also the model
            of lines without a name.
        :param using: the alias of a connection; by default, the models' ``Meta.using``.
        :return: the number of items.
        :raises ValidationError: a line cannot be read or stored; the message names file and line. The lines
            before it are written.

        >>> from tempfile import NamedTemporaryFile
        >>> with NamedTemporaryFile(suffix=".jsonl") as file, EmbeddedEngine() as engine:
        ...     size = file.write(b'{"fields": {"player": "eve", "game": 1, "points": 30}}')
        ...     file.flush()
        ...     engine.create_tables(Score)
        ...     count = engine.load(file.name, Score)
        ...     Score.get(player="eve", game=1).points
        30
        """
        return self._run(load_items(os.fspath(path), models, using, self._define))

    def dump(
        self,
        path: str | os.PathLike[str],
        *models: type[HasOptions],
        using: str | None = None,
    ) -> int:
        """Write all items of the tables of *models* to a file that :meth:`load` reads.

        :param path: the path of the file, which is replaced; if its name ends in ``.gz``, gzip compresses it.
        :param using: the alias of a connection; by default, the models' ``Meta.using``.
        :return: the number of items.
        :raises TableNotFound: the table of a model does not exist here.

        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder, EmbeddedEngine() as engine:
        ...     engine.create_tables(Score)
        ...     score = Score.create(player="eve", game=1)
        ...     engine.dump(f"{folder}/scores.jsonl.gz", Score)
        1
        """
        return dump_items(
            self.local.store, os.fspath(path), [Table(each, using) for each in models]
        )

    def deliver_changes(self, models: Models, *, using: str | None = None) -> int:
        """Call the receivers of ``item_changed`` for the changes since the last call.

        The first call delivers all changes since the table was created, or since :meth:`clear` or :meth:`restore`.
        If receivers change items, the next call delivers these changes. If a receiver raises an exception, so does
        this method, and the next call begins with the same change.

        :param models: a model, a shared table, several of them, or a module: all models of a table that has a stream.
        :param using: the alias of a connection; by default, the models' ``Meta.using``.
        :return: the number of changes.
        :raises StreamNotFound: a table has no stream.
        :raises StreamTrimmed: the clock moved on by over 24 hours before changes were delivered.

        >>> from dynamodb_py import CharField, Model
        >>> from dynamodb_py.signals import item_changed, receiver
        >>> class Order(Model):
        ...     class Meta:
        ...         stream = "new_and_old_images"
        ...
        ...     id = CharField(hash_key=True)
        >>> @receiver(item_changed, sender=Order)
        ... def print_change(record, **kwargs):
        ...     print(record.kind, record.key)
        >>> with EmbeddedEngine() as engine:
        ...     engine.create_tables(Order)
        ...     order = Order.create(id="a")
        ...     engine.deliver_changes(Order)
        insert {'id': 'a'}
        1
        """
        return self._run(self._deliver_changes(models, using))

    async def adeliver_changes(self, models: Models, *, using: str | None = None) -> int:
        """Do as :meth:`deliver_changes` does, and await async receivers on the running event loop."""
        return await arun(self._deliver_changes(models, using), _Link(self.local))

    def _deliver_changes(self, models: Models, using: str | None) -> Flow[int]:
        return deliver_changes(self.local.store, Loaders(models, using), self._delivered)

    def _forget_changes(self) -> None:
        """Forget all earlier changes: stale reads and ``deliver_changes()`` begin with the present contents."""
        self.local.faults.forget_changes()
        self._delivered = find_ends(self.local.store)

    def _find_opened(self) -> _Opened:
        if self._opened is None:
            raise ConfigurationError(
                "this EmbeddedEngine is not open: with EmbeddedEngine() as engine: ..."
            )
        return self._opened

    def _define(self, alias: str | None) -> None:
        """Define the connection *alias* if it is not defined."""
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
        engine.next_sweep = 0.0  # the next request sweeps, by the clock's new time


class Snapshot:
    """A copy of everything in an embedded database."""

    def __init__(self, copy: sqlite3.Connection) -> None:
        self.copy = copy
        finalize(self, copy.close)


class _Opened(NamedTuple):
    """The parts of an open EmbeddedEngine."""

    engine: Engine
    faults: Faults
    redirection: Redirection


class _Link:
    """The connection of an engine's own methods: it may block event loops, and has no deadline."""

    def __init__(self, engine: Engine) -> None:
        self.transport: Transport = LocalTransport(engine)
        self.async_transport: AsyncTransport = AsyncLocalTransport(engine)
        self.retries = Retries()
        self.deadline: float | None = None
        self.sync_in_loop = "allow"
