"""The runner: any number of processes that call the receivers of ``item_changed`` for changes of tables."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from threading import Thread
from typing import Any, Literal

from ...exceptions import ConfigurationError, StreamTrimmed
from ...flows import arun, run
from .leases import LEASE_TABLE, LeaseTable
from .loaders import Loaders, Models
from .worker import FailedRecord, Worker, WorkerOptions, keep_leases, release, work


class StreamRunner:
    """A runner, which reads the streams of tables and calls the receivers of ``item_changed`` for each change.

    ::

        @receiver(item_changed, sender=Order)
        def index(sender, record, **kwargs): ...


        StreamRunner(Order, name="search").run()

    Any number of processes may run it under the same *name*. Each is a worker that takes its share of the shards by
    leases in a DynamoDB table; when one dies, the others take over. Each change is delivered **at least once**,
    and the changes of one item in order. After a crash, changes since the last checkpoint are delivered again, so
    receivers must be idempotent. A worker calls one receiver at a time. It waits and tries again after failures
    of the network and throttling.

    :param models: a model, a shared table, several of them, or the module or package that defines them.
    :param name: the name of the leases and checkpoints: each name gets all changes.
    :param start: where the first run under *name* starts: ``"trim_horizon"`` is the oldest change that DynamoDB
        still has, of up to 24 hours ago; ``"latest"`` is now, by the clock of this machine; or an aware datetime.
        Later runs continue from the checkpoints.
    :param lease_table: the name of the table of leases, to which the connection adds its prefix. A missing table
        is created, billed on demand. Several runners may share it.
    :param lease_seconds: the duration of a lease: if a worker does not renew its leases for so long, other workers
        take its shards. In this time each lease is renewed three times, for one write unit each, and each worker
        reads all leases three times. Receivers may take longer.
    :param checkpoint_seconds: the seconds between two checkpoints of a shard, of one write unit each; 0: after
        each record.
    :param poll: the pause, in seconds, after a shard had no new records.
    :param attempts: how often each receiver is called for a record in all. Between the calls are pauses of up to 1,
        2, 4, ... 20 seconds, while later records of all shards of this worker wait.
    :param on_failure: a function, which may be async, that is called with a :class:`FailedRecord` after the last
        attempt, and for an item that its model cannot load. Then the next record is delivered. Without it,
        ``run()`` raises DeliveryFailed: no record is dropped.
    :param on_trimmed: a function, which may be async, that is called with the StreamTrimmed if DynamoDB removed
        records, after 24 hours, before they were read. Then the remaining ones are delivered. Without it,
        ``run()`` raises the error.
    :param using: the alias of a connection for streams and leases; by default, the models' ``Meta.using``.
    :raises ConfigurationError: an argument is invalid.
    """

    def __init__(
        self,
        models: Models,
        *,
        name: str,
        start: Literal["trim_horizon", "latest"] | datetime = "trim_horizon",
        lease_table: str = LEASE_TABLE,
        lease_seconds: float = 30.0,
        checkpoint_seconds: float = 5.0,
        poll: float = 1.0,
        attempts: int = 3,
        on_failure: Callable[[FailedRecord], Any] | None = None,
        on_trimmed: Callable[[StreamTrimmed], Any] | None = None,
        using: str | None = None,
    ) -> None:
        if not name:
            raise ConfigurationError(
                "a runner needs a name: its checkpoints are stored under the name"
            )
        for option, value, least in (
            ("lease_seconds", lease_seconds, 1),
            ("checkpoint_seconds", checkpoint_seconds, 0),
            ("poll", poll, 0),
            ("attempts", attempts, 1),
        ):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= least:
                raise ConfigurationError(f"{option}={value!r}: give a number from {least}")
        self.name = name
        self._loaders, self._lease_table = Loaders(models, using), lease_table
        self._options = WorkerOptions(
            lease_seconds=lease_seconds,
            checkpoint_seconds=checkpoint_seconds,
            poll=poll,
            attempts=attempts,
            start=_read_start(start),
            on_failure=on_failure,
            on_trimmed=on_trimmed,
        )
        # Not an Event: its lock would block a signal handler that interrupts stop().
        self._is_stopping = False

    def __repr__(self) -> str:
        return f"<StreamRunner {self.name!r} of {self._loaders.tables!r}>"

    def run(self) -> None:
        """Deliver changes until :meth:`stop` is called; then write the checkpoints and give up the leases.

        The twin ``arun()`` awaits async receivers; to cancel it stops it too.

        :raises DeliveryFailed: a record cannot be delivered, and there is no *on_failure*.
        :raises StreamTrimmed: records were removed before they were read, and there is no *on_trimmed*.
        :raises StreamNotFound: a table has no stream.

        >>> from dynamodb_py import IntegerField, Model, Table
        >>> from dynamodb_py.signals import item_changed, receiver
        >>> class Order(Model):
        ...     class Meta:
        ...         stream = "new_and_old_images"
        ...
        ...     number = IntegerField(hash_key=True)
        >>> description = Table(Order).create()
        >>> runner = StreamRunner(Order, name="search")
        >>> @receiver(item_changed, sender=Order)
        ... def index(record, **kwargs):
        ...     print(record.kind, record.key)
        ...     runner.stop()
        >>> order = Order.create(number=1)
        >>> runner.run()
        insert {'number': 1}
        """
        worker = self._start()
        link = self._loaders.link.streams
        try:
            run(work(worker), link)
        finally:
            worker.ended.set()
            run(release(worker), link)

    async def arun(self) -> None:
        """Do as :meth:`run`, and await async receivers on the running event loop; to cancel it stops it too."""
        worker = self._start()
        link = self._loaders.link.streams
        try:
            await arun(work(worker), link)
        finally:
            worker.ended.set()
            await arun(release(worker), link)

    def stop(self) -> None:
        """Let :meth:`run` return after the current record. Receivers, threads and signal handlers may call it.

        A runner that was stopped does not start again: create another one.

        >>> from dynamodb_py import IntegerField, Model, Table
        >>> class Order(Model):
        ...     class Meta:
        ...         stream = "keys_only"
        ...
        ...     number = IntegerField(hash_key=True)
        >>> description = Table(Order).create()
        >>> runner = StreamRunner(Order, name="search")
        >>> runner.stop()
        >>> runner.run()  # returns at once
        """
        self._is_stopping = True

    def _start(self) -> Worker:
        """Return a new worker, and start the thread that renews its leases."""
        link = self._loaders.link
        leases = LeaseTable(link.table_name(self._lease_table), self.name)
        worker = Worker(self._loaders, leases, self._options, lambda: self._is_stopping)
        Thread(
            target=keep_leases, args=(worker, link), name="dynamodb_py leases", daemon=True
        ).start()
        return worker


def _read_start(start: object) -> float:
    """Return the time in whole seconds since 1970, as records have it."""
    if start == "trim_horizon":
        return 0.0
    if start == "latest":
        return float(int(time.time()))
    if isinstance(start, datetime) and start.tzinfo is not None:
        return float(int(start.timestamp()))
    raise ConfigurationError(
        f'start={start!r}: give "trim_horizon", "latest" or a datetime with a time zone'
    )
