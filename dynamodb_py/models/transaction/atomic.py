"""``transaction.atomic()``: a block whose writes are sent together, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from ...codec import to_json
from ...dispatching import is_async, name_of
from ...exceptions import ConditionFailed, QueryError
from ...expressions import Condition
from ...flows import Flow, arun, run
from ...operations.base import Call
from ...operations.items import Key
from ...operations.transactions import Check, TransactWriteItems, Write, check_token
from ...retries import is_in_doubt
from ..instance import Instance, options_of
from ..signals.events import check_commit_receivers, send_transaction_committed
from ..unit_of_work.collector import COLLECTOR, Collector
from ..unit_of_work.commit import Transaction, make_token
from ..unit_of_work.pending import PendingWrite
from .snapshot import ItemReference, make_read

if TYPE_CHECKING:
    from typing_extensions import Self


State: TypeAlias = Literal["new", "open", "rolled back", "committed", "not committed", "unknown"]


class atomic:  # noqa: N801 - it reads as a statement
    """Send all saves, creates, updates and deletes of the block together, or none of them.

    Writes of any models and tables inside ``with`` or ``async with`` are collected, and sent as one
    TransactWriteItems at the end of the block. If the block raises, nothing is sent. Reads inside the
    block are sent at once, and do not see the collected writes. A transaction costs twice as much as
    its writes alone.

    ::

        with transaction.atomic():
            account.update(balance=F("balance") - 10, condition=Account.balance >= 10)
            Transfer.create(id="t1", amount=10)
            transaction.check((Limit, 1), Limit.open == True)

    Instances count as saved after the commit. A field whose value DynamoDB computed is not loaded then:
    ``refresh_from_db()`` reads it. Two writes of one item are merged if possible, and refused otherwise.

    :param token: the idempotency token, 1 to 36 characters; by default a new one. DynamoDB executes
        the same writes with the same token once within ten minutes.
    :raises QueryError: on entering: the block is inside another such block. On a write: it does not fit
        (more than 100 items, over 4 MB, a second write of an item that cannot be merged). Nothing was sent.
    :raises TransactionCanceled: a condition did not hold, or conflicts with other writes did not end
        (they get twice as many attempts as ``connect(retries=)`` has): ``reasons`` has one reason for each
        call, in order.
    :raises ConnectionFailed: no attempt got a response: the transaction may have been executed.
    :raises TransactionConflict: an earlier attempt was still running (``in_doubt``).

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """

    def __init__(self, *, token: str | None = None) -> None:
        if token is not None:
            check_token(token)
        self.token = make_token() if token is None else token
        """The idempotency token of all attempts."""
        self._transaction = Transaction()
        self._later: list[Callable[[], Flow[None]]] = []
        self._callbacks: list[Callable[[], Any]] = []
        self._rollbacks: list[Callable[[], Any]] = []
        self._lock = RLock()
        self._state: State = "new"
        self._outer: Collector | None = None

    # -- collecting ----------------------------------------------------------------------------

    def add(self, pending: PendingWrite, /) -> None:
        """Add a write; raise QueryError if it does not fit."""
        with self._lock:
            if self._state != "open":  # format the write only for the error
                self._check_open(str(pending))
            self._transaction.add(pending)

    def call_after(self, flow: Callable[[], Flow[None]], /) -> None:
        """Run *flow* after the commit."""
        with self._lock:
            self._check_open("a signal after a write")
            self._later.append(flow)

    def has_write_of(self, instance: object, /) -> bool:
        """Tell whether a write of *instance* was added."""
        with self._lock:
            calls = self._transaction.calls
            return any(call.instance is instance and call.verb != "check" for call in calls)

    def find_write(self, table: str, key: Key, /) -> tuple[Write, object] | None:
        """Return the write of an item that was added, and the instance that it writes last."""
        with self._lock:
            return self._transaction.find_write(table, key)

    def check(self, of: ItemReference, condition: Condition) -> None:
        """Commit only if *condition* holds for an item of this class; the item does not change.

        >>> from dynamodb_py import transaction
        >>> with transaction.atomic() as block:
        ...     block.check((Score, ("bob", 1)), Score.points >= 70)
        ...     score = Score.create(player="cat", game=1)
        >>> block.state
        'committed'

        :param of: an instance, or a model and a key, ``(Limit, 1)``.
        :raises QueryError: the condition is empty, or the block has ended.
        """
        read = make_read(of)
        meta = options_of(read.model)
        bound = meta.condition(condition)
        if bound is None or bound.is_empty:
            raise QueryError(f"check() of {meta.name} has no condition: give one")
        if (free := meta.free) is not None:  # the item must not be of another class
            bound = free & bound
        instance = of
        if not isinstance(of, Instance):
            meta.check_own_key(dict(read.key))
            instance = read.make_instance()
        check = Check(read.table, dict(read.key), bound)

        def explain(error: ConditionFailed) -> Exception:
            if error.current is not None:
                error.current = read.load(to_json(error.current))
            return error

        self.add(
            PendingWrite(
                verb="check",
                meta=meta,
                link=read.link,
                write=check,
                key=read.key,
                explain=explain,
                instance=instance,
            )
        )

    def on_commit(self, function: Callable[[], Any]) -> None:
        """Call *function* after the commit, in the order of calls; its result is awaited if possible.

        >>> from dynamodb_py import transaction
        >>> with transaction.atomic() as block:
        ...     block.on_commit(lambda: print("saved"))
        ...     score = Score.create(player="cat", game=1)
        saved

        :param function: takes no arguments.
        """
        if not callable(function):
            raise TypeError(f"on_commit() takes a callable, not {function!r}")
        with self._lock:
            self._check_open("on_commit()")
            self._callbacks.append(function)

    def on_rollback(self, function: Callable[[], Any]) -> None:
        """Call *function* after the block ended without a commit; its result is awaited if possible.

        It is not called if it is unknown whether the transaction was executed.

        >>> from dynamodb_py import transaction
        >>> try:
        ...     with transaction.atomic() as block:
        ...         block.on_rollback(lambda: print("nothing was saved"))
        ...         score = Score.create(player="cat", game=1)
        ...         raise ValueError("stop")
        ... except ValueError:
        ...     pass
        nothing was saved

        :param function: takes no arguments.
        """
        if not callable(function):
            raise TypeError(f"on_rollback() takes a callable, not {function!r}")
        with self._lock:
            self._check_open("on_rollback()")
            self._rollbacks.append(function)

    def operation(self) -> TransactWriteItems | None:
        """Return the request as it would be sent now; None without writes.

        >>> from dynamodb_py import transaction
        >>> with transaction.atomic() as block:
        ...     score = Score.create(player="cat", game=1)
        ...     len(block.operation().writes)
        1
        """
        with self._lock:
            return self._transaction.make_operation(self.token) if self._transaction.calls else None

    @property
    def state(self) -> State:
        """The state of the transaction.

        ``new``; ``open`` within its block; ``rolled back`` if the block raised; ``committed``, also without
        any writes; ``not committed``; or ``unknown``: no response came, an earlier attempt still runs, or
        the task was cancelled meanwhile. In that case you can safely repeat the same writes with the same
        ``token`` within ten minutes.
        """
        return self._state

    def __len__(self) -> int:
        """Return the number of collected calls."""
        return len(self._transaction.calls)

    def __bool__(self) -> bool:
        """Return True, even without calls."""
        return True

    def __repr__(self) -> str:
        return f"<transaction {self.token}: {len(self)} calls, {self._state}>"

    # -- the block -----------------------------------------------------------------------------

    def _check_open(self, what: str) -> None:
        if self._state != "open":
            raise QueryError(
                f"{what}: the transaction is {self._state}, and takes writes inside its block only; a "
                "task that is started in the block and outlives it needs a block of its own, or "
                "another context, contextvars.Context()"
            )

    def _begin(self) -> Self:
        outer = COLLECTOR.get()
        if isinstance(outer, atomic) and outer._state == "open":
            raise QueryError(
                "transaction.atomic() inside another: DynamoDB has no nested transactions; use "
                "one block, or end the first"
            )
        if self._state != "new":
            raise QueryError(
                f"the transaction is {self._state}: make a new one, transaction.atomic()"
            )
        self._state, self._outer = "open", outer
        COLLECTOR.set(self)
        return self

    def _end(self, kind: type[BaseException] | None) -> bool:
        """Close the block; return whether to commit."""
        here = COLLECTOR.get() is self
        if here:
            COLLECTOR.set(self._outer)
        with self._lock:
            self._state = "not committed" if kind is None and here else "rolled back"
        if kind is None and not here:
            raise QueryError(
                "the block of transaction.atomic() ends in another thread or task than it began in: its "
                "writes were not collected, but sent at once; keep the block in one function"
            )
        return kind is None

    def _commit(self) -> Flow[None]:
        calls = self._transaction.calls
        yield from _check_async(self._callbacks, "on_commit()")
        yield from _check_async(self._rollbacks, "on_rollback()")
        if calls:
            yield from check_commit_receivers(self)
            self._state = "unknown"  # until a response comes
            try:
                yield from self._transaction.commit(self.token, calls[0].link.retries)
            except Exception as error:
                if not is_in_doubt(error):
                    self._state = "not committed"
                raise
        self._state = "committed"
        for flow in self._later:
            yield from flow()
        if calls:
            # By identity: instances with one key are equal.
            written = {id(call.instance): call.instance for call in calls if call.verb != "check"}
            yield from send_transaction_committed(self, filter(None, written.values()))
        for function in self._callbacks:
            yield from Call(function)

    def _roll_back(self) -> Flow[None]:
        for function in self._rollbacks:
            yield from Call(function)

    @property
    def _is_rolled_back(self) -> bool:
        """Whether the transaction was rolled back, and callbacks wait for this."""
        return bool(self._rollbacks) and self._state in ("rolled back", "not committed")

    def __enter__(self) -> Self:
        return self._begin()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._end(kind):
                run(self._commit(), self._link)
        finally:
            if self._is_rolled_back:
                run(self._roll_back(), cast("Any", None))  # it sends nothing

    async def __aenter__(self) -> Self:
        return self._begin()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._end(kind):
                await arun(self._commit(), self._link)
        finally:
            if self._is_rolled_back:
                await arun(self._roll_back(), cast("Any", None))

    @property
    def _link(self) -> Any:
        """The connection of the calls; None without calls."""
        calls = self._transaction.calls
        return calls[0].link if calls else None


def get_current() -> atomic | None:
    """Return the transaction of the current block; None outside of a block."""
    collector = COLLECTOR.get()
    return collector if isinstance(collector, atomic) else None


def check(of: ItemReference, condition: Condition) -> None:
    """Commit the transaction of this block only if *condition* holds for an item.

    >>> from dynamodb_py import transaction
    >>> with transaction.atomic():
    ...     transaction.check((Score, ("bob", 1)), Score.points > 100)
    ...     score = Score.create(player="cat", game=1)
    Traceback (most recent call last):
    dynamodb_py.exceptions.TransactionCanceled: ...
    >>> Score.get("cat", 1) is None
    True

    :param of: an instance, or a model and a key, ``(Limit, 1)``; the item does not change.
    :raises QueryError: called outside of ``transaction.atomic()``, or without a condition.
    """
    transaction = get_current()
    if transaction is None:
        raise QueryError(
            "transaction.check() works inside transaction.atomic() only: call it in the block"
        )
    transaction.check(of, condition)


def on_commit(function: Callable[[], Any]) -> None:
    """Call *function* after the commit of this block's transaction; outside of a block, call it at once.

    >>> from dynamodb_py import transaction
    >>> with transaction.atomic():
    ...     transaction.on_commit(lambda: print("saved"))
    ...     score = Score.create(player="cat", game=1)
    saved

    :param function: takes no arguments. Its result is awaited if possible.
    """
    transaction = get_current()
    if transaction is not None:
        transaction.on_commit(function)
        return
    run(_call(function), cast("Any", None))  # it sends nothing


def on_rollback(function: Callable[[], Any]) -> None:
    """Call *function* after this block's transaction ended without a commit; never outside of a block.

    This happens if the block raised, a condition did not hold, or DynamoDB rejected the request. If no
    response came, the writes may have been executed: neither this function nor that of ``on_commit`` is
    called.

    >>> from dynamodb_py import TransactionCanceled, transaction
    >>> try:
    ...     with transaction.atomic():
    ...         transaction.on_rollback(lambda: print("nothing was saved"))
    ...         transaction.check((Score, ("bob", 1)), Score.points > 100)
    ... except TransactionCanceled:
    ...     print("canceled")
    nothing was saved
    canceled

    :param function: takes no arguments. Its result is awaited if possible.
    """
    transaction = get_current()
    if transaction is not None:
        transaction.on_rollback(function)
    elif not callable(function):
        raise TypeError(f"on_rollback() takes a callable, not {function!r}")


def _check_async(functions: list[Callable[[], Any]], verb: str) -> Flow[None]:
    """Refuse async *functions* that cannot be awaited, before anything is sent."""
    for function in functions:
        if is_async(function):
            yield Call(None, f"{name_of(function)}, given to {verb},")


def _call(function: Callable[[], Any]) -> Flow[None]:
    yield from Call(function)
