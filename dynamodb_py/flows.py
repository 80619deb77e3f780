"""Flows: each verb's work with DynamoDB, written once for its sync and its async method.

A flow is a generator. It yields steps, receives their outcomes, and returns a value. It does no
I/O, so one flow serves both ``save`` and ``asave``. Only the drivers, :func:`run` and :func:`arun`, wait.
They retry as well, so a flow sees an error only after the last attempt.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager, nullcontext
from contextvars import copy_context
from types import FunctionType
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    ParamSpec,
    Protocol,
    TypeAlias,
    TypeVar,
    cast,
)

from .exceptions import (
    ConnectionFailed,
    DeadlineExceeded,
    DynamoDBError,
    QueryError,
    ReadTimeout,
    RequestError,
)
from .lazy.loading import LazyFunction
from .metering import METERS, note, note_failure
from .observing import OBSERVERS, TRACERS, Trace
from .operations.base import Call, Operation, Pause, Step, Together
from .retries import (
    Retries,
    count_seconds_left,
    drop_deadline,
    find_deadline,
    is_in_doubt,
    is_past,
    is_retryable,
    is_throttling,
    make_exceeded,
    push_deadline,
)

if TYPE_CHECKING:
    from .observing import log, requests
else:
    from .lazy import log, requests

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", bound="Connected")
F = TypeVar("F", bound=Callable[..., Any])
K = TypeVar("K")

Flow: TypeAlias = Generator[Step, Any, T]

_WORD = re.compile(r"\w+")

_PACKAGE = f"{__package__}."

_NOTHING = nullcontext()


class Transport(Protocol):
    """Sends one operation, once, and returns the body of the response.

    Raises :class:`~dynamodb_py.exceptions.RequestError`, never the exception of a library.
    """

    def send(self, operation: Operation[Any], /) -> bytes:
        """Send *operation* and wait for the body of its response."""
        ...

    def close(self) -> None:
        """Close what is open; the transport can be used again."""
        ...


class AsyncTransport(Protocol):
    """The async form of :class:`Transport`."""

    def send(self, operation: Operation[Any], /) -> Coroutine[Any, Any, bytes]:
        """Send *operation* and await the body of its response."""
        ...

    async def close(self) -> None:
        """Close what is open; the transport can be used again."""
        ...


class Link(Protocol):
    """The transports, the retries and the deadline of a connection, which the drivers use."""

    @property
    def transport(self) -> Transport: ...
    @property
    def async_transport(self) -> AsyncTransport: ...
    @property
    def retries(self) -> Retries: ...
    @property
    def deadline(self) -> float | None: ...
    @property
    def sync_in_loop(self) -> str: ...


class Connected(Protocol):
    """An object whose requests go over its own link."""

    @property
    def _link(self) -> Link: ...


def run(
    flow: Flow[T],
    link: Link,
    verb: Callable[..., Any] | None = None,
    trace: Trace | None = None,
) -> T:
    """Drive *flow* to its value, waiting at each step.

    :param verb: the method that the user called; traces name it, and so does the error if an event loop
        runs.
    :param trace: the trace of the verb that *flow* is a part of; by default *flow* gets its own.
    """
    if link is not None and link.sync_in_loop == "raise":  # pyright: ignore[reportUnnecessaryComparison] - flows that send nothing have no link
        _refuse_in_loop(verb)
    if TRACERS:
        flow = _trace(flow, link, verb and verb.__name__, trace)
    try:
        step = next(flow)
        while True:
            try:
                outcome = _execute(step, link)
            except Exception as error:
                step = flow.throw(error)
            else:
                step = flow.send(outcome)
    except StopIteration as stop:
        value: T = stop.value
        return value
    except DynamoDBError as error:
        if hides_frames(error):
            raise error.with_traceback(None)  # noqa: B904 - it is the same error
        raise
    finally:
        flow.close()  # after KeyboardInterrupt, do not leave the flow to the garbage collector


async def arun(
    flow: Flow[T],
    link: Link,
    verb: Callable[..., Any] | None = None,
    trace: Trace | None = None,
) -> T:
    """Drive *flow* to its value, awaiting each step; the parameters are those of :func:`run`."""
    if TRACERS:
        flow = _trace(flow, link, verb and verb.__name__[1:].strip("_"), trace)  # await_ too
    try:
        step = next(flow)
        while True:
            try:
                outcome = await _aexecute(step, link)
            except Exception as error:
                step = flow.throw(error)
            else:
                step = flow.send(outcome)
    except StopIteration as stop:
        value: T = stop.value
        return value
    except DynamoDBError as error:
        if hides_frames(error):
            raise error.with_traceback(None)  # noqa: B904 - it is the same error
        raise
    finally:
        flow.close()  # after a cancellation, do not leave the flow to the garbage collector


def _trace(flow: Flow[T], link: Link, name: str | None, trace: Trace | None) -> Flow[T]:
    """Return *flow* wrapped in a trace.

    A flow that sends nothing, or one request of another flow, is returned as it is.

    :param name: the name of the verb, the same for both twins; by default the name of the flow.
    """
    if isinstance(link, _Observed) or link is None:  # pyright: ignore[reportUnnecessaryComparison]
        return flow
    if trace is not None:
        return trace.follow(flow)
    for tracer in TRACERS[:1]:  # a loop, as another thread may have removed the tracer
        return tracer(name or cast("Any", flow).__name__.strip("_")).follow(flow, ends=True)
    return flow


@contextmanager
def begin_trace(name: str) -> Generator[Trace | None, None, None]:
    """Trace a verb that drives several flows in turn; yield its trace, None without a tracer."""
    trace = next((tracer(name) for tracer in TRACERS), None)
    failure: BaseException | None = None
    try:
        yield trace
    except BaseException as error:
        # A loop that ends early closes its generator, which is not an error.
        failure = None if isinstance(error, GeneratorExit) else error
        raise
    finally:
        if trace is not None:
            trace.end(failure)


def hides_frames(error: DynamoDBError) -> bool:
    """Tell whether a driver should raise *error* without the frames below it; remove those of its cause.

    It should if DynamoDB responded with an error or the network failed. If code of the user ran in
    between, all frames stay, to show where.
    """
    origin = error.__cause__ or error.__context__
    if not isinstance(error, RequestError) and not isinstance(origin, RequestError):
        return False
    trace = error.__traceback__
    while trace is not None:
        if not trace.tb_frame.f_globals.get("__name__", "").startswith(_PACKAGE):
            return False
        trace = trace.tb_next
    if isinstance(origin, RequestError):
        origin.__traceback__ = None
    return True


def _execute(step: Step, link: Link) -> Any:
    if isinstance(step, Operation):
        if OBSERVERS and not isinstance(link, _Observed):
            return run(_observe(step, link), _Observed(link))
        if link.deadline is not None:
            deadline = push_deadline(link.deadline)
            try:
                return _execute(step, _Untimed(link))
            finally:
                drop_deadline(deadline)
        try:
            body = link.transport.send(step)
        except RequestError as error:
            failure = error
        else:
            if METERS.get():
                note(step, body)
            return body
        note_failure(failure)
        failure = _end_in_time(failure)
        return run(_retry(step, failure, link.retries), _SingleAttempt(link))
    if isinstance(step, Pause):
        _check_pause(step)
        return time.sleep(step.seconds)
    if isinstance(step, Call):
        return _call(step)
    with requests.mark_workers() if OBSERVERS else _NOTHING:
        return _execute_together(step, link)


async def _aexecute(step: Step, link: Link) -> Any:
    if isinstance(step, Operation):
        if OBSERVERS and not isinstance(link, _Observed):
            return await arun(_observe(step, link), _Observed(link))
        if link.deadline is not None:
            deadline = push_deadline(link.deadline)
            try:
                return await _aexecute(step, _Untimed(link))
            finally:
                drop_deadline(deadline)
        try:
            body = await link.async_transport.send(step)
        except RequestError as error:
            failure = error
        else:
            if METERS.get():
                note(step, body)
            return body
        note_failure(failure)
        failure = _end_in_time(failure)
        return await arun(_retry(step, failure, link.retries), _SingleAttempt(link))
    if isinstance(step, Call):
        return await _acall(step)
    import asyncio  # a script that never awaits does not pay for its import

    if isinstance(step, Pause):
        _check_pause(step)
        return await asyncio.sleep(step.seconds)
    gate = asyncio.Semaphore(step.workers)

    async def one(operation: Operation[Any]) -> Any:
        async with gate:
            try:
                return await _aexecute(operation, link)
            except Exception as error:
                return error

    with requests.mark_workers() if OBSERVERS else _NOTHING:
        tasks = [asyncio.ensure_future(one(operation)) for operation in step.operations]
    try:
        if tasks:
            # Wait for all at once: awaited in turn, a cancelled task would let the next one start.
            await asyncio.wait(tasks)
        return [task.result() for task in tasks]
    finally:
        # After a cancellation, no request of this flow is under way.
        under_way = [task for task in tasks if not task.done()]
        for task in under_way:
            task.cancel()
        if under_way:
            await asyncio.gather(*under_way, return_exceptions=True)


def _execute_together(step: Together[Any], link: Link) -> list[Any]:
    """Send the operations from this thread and as many others as there are further workers.

    Each thread takes the next operation when it is done with one, so no operation needs a future.
    """
    operations = step.operations
    outcomes: list[Any] = [None] * len(operations)
    left = [*reversed(range(len(operations)))]
    interrupts: list[BaseException] = []
    threads: list[threading.Thread] = []

    def work() -> None:
        while left:
            try:
                at = left.pop()
            except IndexError:  # another thread took the last one
                return
            try:
                outcomes[at] = _execute(operations[at], link)
            except Exception as error:
                outcomes[at] = error

    def help_out() -> None:
        try:
            work()
        except BaseException as error:
            left.clear()
            interrupts.append(error)

    try:
        while left and len(threads) < min(step.workers, len(operations)) - 1:
            # Each in a copy of the context, so that meters and options apply in the threads too.
            thread = threading.Thread(target=copy_context().run, args=(help_out,))
            thread.start()
            threads.append(thread)
        copy_context().run(work)
    finally:  # after any interrupt, no request stays under way
        left.clear()
        for thread in threads:
            thread.join()
    if interrupts:
        raise interrupts[0]
    return outcomes


async def _acall(step: Call) -> Any:
    """Call a function, and await its result if it is awaitable."""
    result: Any = None if step.function is None else step.function()
    return await cast("Awaitable[Any]", result) if isinstance(result, Awaitable) else result


def _call(step: Call) -> Any:
    """Call a function; await its result in a new event loop if it is awaitable."""
    if step.awaits:
        _check_no_loop(step.awaits)
    result: Any = None if step.function is None else step.function()
    if not isinstance(result, Awaitable):
        return result
    awaitable = cast("Awaitable[Any]", result)
    try:
        _check_no_loop(f"the result of {step.function!r}")
    except QueryError:
        if isinstance(result, Coroutine):
            result.close()  # else Python also warns that it never ran
        raise
    import asyncio  # a script that never awaits does not pay for its import

    async def awaited() -> Any:
        return await awaitable

    return asyncio.run(awaited())


def has_running_loop() -> bool:
    """Tell whether an event loop runs in this thread; blocking calls would stop it."""
    asyncio = sys.modules.get("asyncio")  # a script that never awaits does not pay for its import
    return asyncio is not None and asyncio._get_running_loop() is not None


def _check_no_loop(what: str) -> None:
    if has_running_loop():
        raise QueryError(
            f"{what} has to be awaited, and this call blocks the event loop that runs in its "
            "thread: await the method with an a in front instead, asave() for save()"
        )


def _refuse_in_loop(verb: Callable[..., Any] | None) -> None:
    """Raise QueryError if an event loop runs in this thread."""
    if not has_running_loop():
        return
    if verb is None:
        what, how = (
            "this",
            "await the method with an a in front instead, or use async for or async with",
        )
    else:
        what, how = f"{verb.__name__}()", f"await a{verb.__name__}() instead"
    raise QueryError(
        f"{what} would block the event loop that runs in its thread, which connect(sync_in_loop='raise') "
        f"refuses: {how}"
    )


def _observe(operation: Operation[Any], link: Link) -> Flow[bytes]:
    """Send *operation*, with all attempts, and report its outcome to the observers of *link*."""
    observers = requests.find_observers(link)
    if not observers:
        return (yield operation)  # type: ignore[no-any-return]
    observation = requests.Observation(operation, link.transport, observers)
    try:
        body: bytes = yield operation
    except Exception as error:
        yield from observation.report(error=error)
        raise
    finally:
        observation.close()
    yield from observation.report(body)
    return body


def _retry(operation: Operation[Any], error: RequestError, retries: Retries) -> Flow[bytes]:
    """Send *operation* again after *error*, while *retries* and the error allow it."""
    attempts, in_doubt = 1, False
    while attempts < retries.attempts and is_retryable(error, repeatable=operation.repeatable):
        in_doubt = in_doubt or is_in_doubt(error)
        pause = retries.pause(error, attempts)
        if is_throttling(error):
            log.warn_of_retry(operation, error, attempts, pause)
        try:
            yield Pause(pause)
            attempts += 1
            body: bytes = yield operation
        except DeadlineExceeded as latest:
            latest.__cause__ = latest.__cause__ or error
            error = latest
        except RequestError as latest:
            error = latest
        else:
            return body
    error.attempts, error.in_doubt = attempts, in_doubt or error.in_doubt
    if isinstance(error, DeadlineExceeded):
        error.operation, error.table = operation.api, ", ".join(operation.tables)
    raise error.with_traceback(None)  # the transport's frames would not help the user


def _end_in_time(error: RequestError) -> RequestError:
    """Return DeadlineExceeded if a request failed without a response after its deadline, else *error*."""
    deadline = find_deadline()
    if deadline is None or not isinstance(error, ConnectionFailed) or not is_past(deadline):
        return error
    late = isinstance(error, ReadTimeout)
    why = "no complete response came" if late else f"{type(error).__name__}, {error._describe()}"
    exceeded = make_exceeded(deadline, why)
    exceeded.in_doubt = is_in_doubt(error)
    exceeded.__cause__ = error
    return exceeded


def _check_pause(step: Pause) -> None:
    """Raise DeadlineExceeded if no time would be left after a pause."""
    if (deadline := find_deadline()) is not None:
        left = count_seconds_left(deadline)
        if left <= step.seconds:
            why = f"the next request would be in {step.seconds:.3g} seconds"
            raise make_exceeded(deadline, why)


class _Observed:
    """A link for one request of a flow, which is neither observed nor traced again."""

    def __init__(self, link: Link) -> None:
        self.transport, self.async_transport = link.transport, link.async_transport
        self.retries, self.sync_in_loop = link.retries, "allow"
        self.deadline = link.deadline


class _Untimed(_Observed):
    """A link whose deadline is already set."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self.deadline = None


class _SingleAttempt(_Untimed):
    """A link without retries, for the flow that retries."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self.retries = _ONCE


_ONCE = Retries(attempts=1)


def blocking(
    flow: Callable[Concatenate[S, P], Flow[T]], choose: Callable[[str], Link] | None = None
) -> Callable[Concatenate[S, P], T]:
    """Return the sync method of a verb: it drives *flow* and waits for its value.

    Decorate the class with :func:`name_verbs`. A subclass that replaces a verb must replace both twins.

    :param flow: a function that takes the object and the arguments of the method. If its room is
        loaded lazily, the method is made at its first use.
    :param choose: returns the link for the argument ``using``, if the verb has one.
    """
    if isinstance(flow, LazyFunction):
        return LazyFunction(lambda: blocking(flow.load(), choose))

    def method(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        using: Any = None if choose is None else kwargs.get("using")
        link = self._link if using is None else cast("Any", choose)(using)
        try:
            started = flow(self, *args, **kwargs)
        except TypeError as error:
            raise _name_after(method, flow, error) from None
        return run(started, link, method)

    return as_verb(method, flow, flow.__name__)


def awaiting(
    flow: Callable[Concatenate[S, P], Flow[T]], choose: Callable[[str], Link] | None = None
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Return the async method of a verb; the parameters are those of :func:`blocking`."""
    if isinstance(flow, LazyFunction):
        return LazyFunction(lambda: awaiting(flow.load(), choose))

    async def method(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        using: Any = None if choose is None else kwargs.get("using")
        link = self._link if using is None else cast("Any", choose)(using)
        try:
            started = flow(self, *args, **kwargs)
        except TypeError as error:
            raise _name_after(method, flow, error) from None
        return await arun(started, link, method)

    return as_verb(method, flow, "a" + flow.__name__)


def _name_after(method: Any, flow: Any, error: TypeError) -> TypeError:
    """Return *error*; if it is about the arguments of *flow*, its message names *method* instead."""
    text = str(error).replace(f"{flow.__qualname__}()", f"{method.__qualname__}()", 1)
    return TypeError(text) if text != str(error) else error


def as_verb(method: F, flow: Callable[..., Any], name: str, first: str = "self") -> F:
    """Give *method* the name, docstring and signature of *flow*, with the value of the flow as its result."""
    method.__name__ = method.__qualname__ = name
    method.__module__, method.__doc__ = flow.__module__, flow.__doc__
    method.flow = flow  # type: ignore[attr-defined]
    if "shown" not in vars(flow):  # once for both twins
        flow.shown = _copy_for_help(flow, first)  # type: ignore[attr-defined]
    method.__wrapped__ = flow.shown  # type: ignore[attr-defined]
    return method


def _copy_for_help(flow: Any, first: str) -> FunctionType:
    """Return a copy of *flow* for inspect and help(), annotated with the type of the flow's value."""
    code, annotations = flow.__code__, dict(flow.__annotations__)
    owner = str(annotations.pop(code.co_varnames[0], ""))
    returns = str(annotations.get("return", "Any")).removeprefix("Flow[").removesuffix("]")
    if owner in returns:  # the type variable of the object
        returns = _WORD.sub(lambda word: "Self" if word[0] == owner else word[0], returns)
    annotations["return"] = returns
    code = code.replace(co_varnames=(first, *code.co_varnames[1:]))
    shown = FunctionType(code, {}, flow.__name__, flow.__defaults__, flow.__closure__)
    shown.__kwdefaults__, shown.__annotations__ = flow.__kwdefaults__, annotations
    return shown


def name_verbs(kind: type[K]) -> type[K]:
    """Name the verbs in the body of a class after their attributes: a class decorator."""
    for name, method in vars(kind).items():
        names = name, f"{kind.__qualname__}.{name}", kind.__module__
        if isinstance(method, LazyFunction):
            method.names = names
        elif hasattr(method, "flow"):
            method.__name__, method.__qualname__, method.__module__ = names
    return kind


def flow_of(kind: type[Any], verb: str) -> Callable[..., Flow[Any]]:
    """Return the flow of the method *verb*, from the class itself or its nearest base with a flow for it."""
    verbs = (vars(base).get(verb) for base in kind.__mro__)
    loaded = (each.load() if isinstance(each, LazyFunction) else each for each in verbs)
    flows = (getattr(each, "flow", None) for each in loaded)
    found: Callable[..., Flow[Any]] = next(flow for flow in flows if flow is not None)
    return found
