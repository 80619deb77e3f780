"""``transaction.atomic()``: what is written inside the block is written together, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from ...exceptions import (
    ConditionFailed,
    QueryError,
    RequestError,
    ServiceError,
    TransactionCanceled,
)
from ...expressions import Condition
from ...flows import Flow, arun, run
from ...operations.base import Call
from ...operations.transactions import Check, TransactWriteItems, check_token
from ...retries import is_retryable
from ..instance import Instance, options_of
from ..signals.dispatcher import is_async, name_of
from ..signals.events import check_commit_receivers, send_transaction_committed
from ..unit_of_work.collector import COLLECTOR, Collector
from ..unit_of_work.commit import Transaction, make_token
from ..unit_of_work.pending import PendingWrite
from .snapshot import ItemReference, make_read

if TYPE_CHECKING:
    from typing_extensions import Self


State: TypeAlias = Literal["new", "open", "rolled back", "committed", "not committed", "unknown"]


class atomic:  # noqa: N801 - it reads as a statement
    """Write what is saved, created, updated and deleted inside the block together, or not at all.

    Inside ``with`` or ``async with``, these writes are collected, of any models and tables; on leaving
    the block they are sent as one TransactWriteItems. When the block raises, nothing is sent. Reads
    inside the block are sent at once, and do not see what was collected. It costs twice what the
    writes by themselves would.

    ::

        with transaction.atomic():
            account.update(balance=F("balance") - 10, condition=Account.balance >= 10)
            Transfer.create(id="t1", amount=10)
            transaction.check((Limit, 1), Limit.open == True)

    Instances count as saved after the commit, not before. Of one that was changed by an expression
    whose result DynamoDB does not tell, the field is then not loaded: ``refresh_from_db()`` reads it.
    Two writes of one item are made one where that is possible, and refused otherwise.

    :param token: the idempotency token, 1 to 36 characters; by default another one each time. With the
        same token, DynamoDB carries the same writes out once within ten minutes.
    :raises QueryError: on entering, inside another such block; on a write that does not fit (more
        than 100 items, over 4 MB, a second one of an item); nothing was sent.
    :raises TransactionCanceled: a condition did not hold, or others kept writing to the items (it was
        tried twice as often as ``connect(retries=)`` says): ``reasons`` has one for each call, in order.
    :raises ConnectionFailed: no answer came, though it was tried again: it may have been carried out.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """

    def __init__(self, *, token: str | None = None) -> None:
        if token is not None:
            check_token(token)
        self.token = make_token() if token is None else token
        """The idempotency token, which all attempts have in common."""
        self._transaction = Transaction()
        self._later: list[Callable[[], Flow[None]]] = []
        self._callbacks: list[Callable[[], Any]] = []
        self._lock = RLock()
        self._state: State = "new"
        self._outer: Collector | None = None

    # -- collecting ----------------------------------------------------------------------------

    def add(self, pending: PendingWrite, /) -> None:
        """Take one write; raises QueryError for one that does not fit."""
        with self._lock:
            self._check_open(str(pending))
            self._transaction.add(pending)

    def call_after(self, flow: Callable[[], Flow[None]], /) -> None:
        """Have *flow* run after the commit."""
        with self._lock:
            self._check_open("what comes after a save")
            self._later.append(flow)

    def has_write_of(self, instance: object, /) -> bool:
        """Tell whether it has taken a write of *instance*."""
        with self._lock:
            calls = self._transaction.calls
            return any(call.instance is instance and call.verb != "check" for call in calls)

    def check(self, of: ItemReference, condition: Condition) -> None:
        """Have the transaction go through only where *condition* holds of an item.

        Where a discriminator tells classes apart, it does not hold of an item of another class.

        :param of: an instance, or a model and a key, ``(Limit, 1)``; the item is left as it is.
        """
        asked = make_read(of)
        meta = options_of(asked.model)
        bound = meta.condition(condition)
        if bound is None or bound.is_empty:
            raise QueryError(f"check() of {meta.name} has no condition: say what must hold")
        if (free := meta.free) is not None:  # what is there of another class does not count
            bound = free & bound
        check = Check(asked.table, meta.check_own_key(dict(asked.key)), bound)
        instance = of if isinstance(of, Instance) else asked.named()

        def explain(error: ConditionFailed) -> Exception:
            if error.current is not None:
                error.current = asked.load_wires(error.current)
            return error

        self.add(
            PendingWrite(
                verb="check",
                meta=meta,
                link=asked.link,
                write=check,
                key=asked.key,
                explain=explain,
                instance=instance,
            )
        )

    def on_commit(self, function: Callable[[], Any]) -> None:
        """Call *function* after the commit, in the order given; not at all where there is none.

        What it returns is awaited, where that can be.
        """
        if not callable(function):
            raise TypeError(f"on_commit() takes a callable, not {function!r}")
        with self._lock:
            self._check_open("on_commit()")
            self._callbacks.append(function)

    def operation(self) -> TransactWriteItems | None:
        """Return the request as it would be sent now; None where there is nothing to send."""
        with self._lock:
            return self._transaction.make_operation(self.token) if self._transaction.calls else None

    @property
    def state(self) -> State:
        """What became of it.

        ``new``, ``open`` within its block, ``rolled back`` where the block raised, ``committed``, ``not
        committed``, or ``unknown``: no answer came, or the task was cancelled meanwhile. The same writes
        with the same ``token`` are then safe for ten minutes. One without calls is ``committed``.
        """
        return self._state

    def __len__(self) -> int:
        """Return how many calls were collected."""
        return len(self._transaction.calls)

    def __bool__(self) -> bool:
        """Be true, whether or not anything was collected."""
        return True

    def __repr__(self) -> str:
        return f"<transaction {self.token}: {len(self)} calls, {self._state}>"

    # -- the block -----------------------------------------------------------------------------

    def _check_open(self, what: str) -> None:
        if self._state != "open":
            raise QueryError(
                f"{what}: the transaction is {self._state}, and takes writes inside its block only; a "
                "task that was started there and outlives it begins a block of its own, or is "
                "started in another context, contextvars.Context()"
            )

    def _begin(self) -> Self:
        outer = COLLECTOR.get()
        if isinstance(outer, atomic) and outer._state == "open":
            raise QueryError(
                "transaction.atomic() inside another: DynamoDB has no nested transactions; put all "
                "into one block, or end the first"
            )
        if self._state != "new":
            raise QueryError(
                f"the transaction is {self._state}: make another, transaction.atomic()"
            )
        self._state, self._outer = "open", outer
        COLLECTOR.set(self)
        return self

    def _end(self, kind: type[BaseException] | None) -> bool:
        """Close the block; tell whether it is to be committed."""
        here = COLLECTOR.get() is self
        if here:
            COLLECTOR.set(self._outer)
        with self._lock:
            self._state = "not committed" if kind is None and here else "rolled back"
        if kind is None and not here:
            raise QueryError(
                "the block of transaction.atomic() is left in another thread or task than it was "
                "entered in, so that what was written inside was not collected: nothing was sent now, "
                "and that is written; keep the block in one function"
            )
        return kind is None

    def _commit(self) -> Flow[None]:
        calls = self._transaction.calls
        yield from self._look_ahead()
        if calls:
            yield from check_commit_receivers(self)
            self._state = "unknown"  # until an answer comes, or if none does
            try:
                yield from self._transaction.commit(self.token, calls[0].link.retries)
            except Exception as error:
                if not _is_in_doubt(error):
                    self._state = "not committed"
                raise
        self._state = "committed"
        for flow in self._later:
            yield from flow()
        if calls:
            # By identity: those of one key are equal.
            mine = {id(call.instance): call.instance for call in calls if call.verb != "check"}
            yield from send_transaction_committed(
                self, [each for each in mine.values() if each is not None]
            )
        for function in self._callbacks:
            yield from Call(function)

    def _look_ahead(self) -> Flow[None]:
        """Refuse callbacks that cannot be awaited before anything is sent."""
        for function in self._callbacks:
            if is_async(function):
                yield Call(None, f"{name_of(function)}, which on_commit() was given,")

    def __enter__(self) -> Self:
        return self._begin()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._end(kind):
            run(self._commit(), self._link)

    async def __aenter__(self) -> Self:
        return self._begin()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._end(kind):
            await arun(self._commit(), self._link)

    @property
    def _link(self) -> Any:
        """The connection; of a transaction without calls nothing is asked of it."""
        calls = self._transaction.calls
        return calls[0].link if calls else None


def _is_in_doubt(error: Exception) -> bool:
    """Tell whether the transaction may have been carried out though *error* was all that came."""
    if not isinstance(error, RequestError) or isinstance(error, TransactionCanceled):
        return False
    if error.in_doubt:
        return True
    refused = isinstance(error, ServiceError) and error.status < 500
    return not refused and not is_retryable(error, repeatable=False)


def get_current() -> atomic | None:
    """Return the transaction whose block this is, if it is one's."""
    collector = COLLECTOR.get()
    return collector if isinstance(collector, atomic) else None


def check(of: ItemReference, condition: Condition) -> None:
    """Have the transaction of this block go through only where *condition* holds of an item.

    :param of: an instance, or a model and a key, ``(Limit, 1)``; the item is left as it is.
    :raises QueryError: outside of ``transaction.atomic()``, or without a condition.
    """
    transaction = get_current()
    if transaction is None:
        raise QueryError("transaction.check() is for the block of transaction.atomic()")
    transaction.check(of, condition)


def on_commit(function: Callable[[], Any]) -> None:
    """Call *function* once the transaction of this block is committed; at once outside of a block.

    :param function: takes nothing. What it returns is awaited, where that can be.
    """
    transaction = get_current()
    if transaction is not None:
        transaction.on_commit(function)
        return
    run(_call(function), cast("Any", None))  # nothing is sent on the way


def _call(function: Callable[[], Any]) -> Flow[None]:
    yield from Call(function)
