"""The runner: receivers of ``item_changed`` are called for the changes of tables, by any number of processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from threading import Event, Thread
from typing import Any, Literal

from ...exceptions import ConfigurationError, StreamTrimmed
from ...flows import arun, run
from .leases import LEASE_TABLE, LeaseTable
from .loaders import Loaders, Models
from .worker import FailedRecord, Worker, WorkerOptions, keep_leases, release, work


class StreamRunner:
    """Reads the streams of models' tables, and calls the receivers of ``item_changed`` for each change.

    ::

        @receiver(item_changed, sender=Order)
        def index(sender, record, **kwargs): ...


        StreamRunner(Order, name="search").run()

    Any number of processes may run it under the same *name*: each is a worker that takes its share of the shards by
    leases in a DynamoDB table, and when one dies the others take over. Each change is delivered **at least once**,
    and those of one item in order; what was delivered since the last checkpoint is repeated after a crash, so
    receivers must bear that. A worker calls one receiver at a time. Failures of the network and throttling
    are waited out.

    :param models: a model, a shared table, several of them, or the module or package that defines them.
    :param name: the name of the leases and checkpoints: each name gets all changes.
    :param start: where the first run under *name* starts: ``"trim_horizon"`` is the oldest change that DynamoDB
        still has, of up to 24 hours ago; ``"latest"`` is now, by the clock of this machine; or an aware datetime.
        Later runs go on from the checkpoints.
    :param lease_table: the table of the leases, which is created if it is missing, on demand; the connection adds
        its prefix. It may have the leases of many runners.
    :param lease_seconds: after so many seconds without a sign of life, another worker takes the shards of one.
        Each lease is renewed three times in that time, by one write unit, and each worker reads all leases
        three times. Receivers may take longer.
    :param checkpoint_seconds: how long changes may be delivered before that is written, by one write unit for
        each shard; 0: after each record.
    :param poll: the pause, in seconds, after a shard had nothing new.
    :param attempts: how often each receiver is called for a record in all, after pauses of up to 1, 2, 4, ... 20
        seconds, while later records of all shards of this worker wait.
    :param on_failure: called, and awaited, with a :class:`FailedRecord` after the last attempt, and for an item that its
        model cannot load; then the next record is delivered. Without it, ``run()`` raises DeliveryFailed: no
        record is dropped.
    :param on_trimmed: called, and awaited, with the StreamTrimmed if records were older than 24 hours before they were
        read; then those that are left are delivered. Without it, ``run()`` raises it.
    :param using: the alias of a connection, in place of those of the models, for streams and leases.
    :raises ConfigurationError: an argument cannot be used.
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
            raise ConfigurationError("a runner needs a name: its checkpoints are kept under it")
        for option, value, least in (
            ("lease_seconds", lease_seconds, 1),
            ("checkpoint_seconds", checkpoint_seconds, 0),
            ("poll", poll, 0),
            ("attempts", attempts, 1),
        ):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= least:
                raise ConfigurationError(f"{option}={value!r}: give a number, at least {least}")
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
        self._stopping = Event()

    def __repr__(self) -> str:
        return f"<StreamRunner {self.name!r} of {self._loaders.tables!r}>"

    def run(self) -> None:
        """Deliver changes until :meth:`stop` is called; then write checkpoints and give the leases back.

        :raises DeliveryFailed: a record cannot be delivered, and there is no *on_failure*.
        :raises StreamTrimmed: records were removed before they were read, and there is no *on_trimmed*.
        :raises StreamNotFound: a table has no stream.
        """
        worker = self._start()
        link = self._loaders.link.streams
        try:
            run(work(worker), link)
        finally:
            worker.ended.set()
            run(release(worker), link)

    async def arun(self) -> None:
        """Do as :meth:`run`, with async receivers awaited on the running event loop; cancelling it stops it too."""
        worker = self._start()
        link = self._loaders.link.streams
        try:
            await arun(work(worker), link)
        finally:
            worker.ended.set()
            await arun(release(worker), link)

    def stop(self) -> None:
        """Let :meth:`run` return after the record that is being delivered; for threads and signal handlers.

        A runner that was stopped does not start again: make another one.
        """
        self._stopping.set()

    def _start(self) -> Worker:
        """Return a new worker, whose leases a thread renews."""
        link = self._loaders.link
        leases = LeaseTable(link.table_name(self._lease_table), self.name)
        worker = Worker(self._loaders, leases, self._options, self._stopping)
        Thread(
            target=keep_leases, args=(worker, link), name="dynamodb_py leases", daemon=True
        ).start()
        return worker


def _read_start(start: object) -> float:
    """Return the time in seconds since 1970; records have whole seconds."""
    if start == "trim_horizon":
        return 0.0
    if start == "latest":
        return float(int(time.time()))
    if isinstance(start, datetime) and start.tzinfo is not None:
        return float(int(start.timestamp()))
    raise ConfigurationError(
        f'start={start!r}: give "trim_horizon", "latest" or a datetime with a time zone'
    )
