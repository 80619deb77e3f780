"""Waiting for calls of other libraries, until a deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from typing import Any, TypeVar

from ..exceptions import DeadlineExceeded
from ..retries import Deadline, count_seconds_left, make_exceeded

T = TypeVar("T")


def call_in_time(
    function: Callable[[], T],
    deadline: Deadline | None,
    what: str,
    discard: Callable[[T], object] | None = None,
) -> T:
    """Return the result of *function*; raise DeadlineExceeded if it does not return before *deadline*.

    It runs in a thread with a copy of the context, as a call of another library cannot be interrupted. A
    call that takes longer goes on there to its end.

    :param what: the name of the work, for the message.
    :param discard: a function that is called with a result that comes too late.
    """
    if deadline is None:
        return function()
    outcome: list[tuple[T | None, BaseException | None]] = []
    done, lock = threading.Event(), threading.Lock()
    gives_up = False

    def work() -> None:
        result, failure = None, None
        try:
            result = function()
        except BaseException as error:
            failure = error
        with lock:
            outcome.append((result, failure))
            late = gives_up
        done.set()
        if late and failure is None and discard is not None:
            discard(result)  # type: ignore[arg-type]

    seconds = count_seconds_left(deadline)
    context = copy_context()
    thread = threading.Thread(target=context.run, args=(work,), name="dynamodb_py", daemon=True)
    try:
        thread.start()
        done.wait(seconds)
    finally:
        with lock:
            gives_up = True
            ended = bool(outcome)
    if not ended:
        raise make_exceeded(deadline, f"{what} takes longer")
    [(result, failure)] = outcome
    if failure is not None:
        raise failure
    return result  # type: ignore[return-value]


async def await_in_time(
    coroutine: Coroutine[Any, Any, T],
    deadline: Deadline | None,
    what: str,
    discard: Callable[[T], object] | None = None,
) -> T:
    """Return the result of *coroutine*; cancel it and raise DeadlineExceeded at *deadline*.

    :param what: the name of the work, for the message.
    :param discard: a function that is called with a result that comes too late, or after this task was
        cancelled.
    """
    if deadline is None:
        return await coroutine
    from asyncio import Task, ensure_future, wait  # imported with the first await

    def settle(late: Task[T]) -> None:
        # asyncio logs an exception that nothing retrieves.
        if not late.cancelled() and late.exception() is None and discard is not None:
            discard(late.result())

    try:
        seconds = count_seconds_left(deadline)
    except DeadlineExceeded:
        coroutine.close()
        raise
    task = ensure_future(coroutine)
    try:
        # Not wait_for(): before Python 3.12, it can swallow a cancellation.
        await wait((task,), timeout=seconds)
        if not task.done():
            raise make_exceeded(deadline, f"{what} takes longer")
        return task.result()
    except BaseException as error:
        with suppress(RuntimeError):  # the loop is closed
            task.add_done_callback(settle)
            task.cancel()
        if not isinstance(error, GeneratorExit):
            await wait((task,))
        raise
