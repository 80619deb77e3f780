"""Flows, driven both ways: steps in order, retries without sleeping, and nothing left running."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import time
from typing import Any, ClassVar

import pytest

from dynamodb_py import flows
from dynamodb_py.exceptions import (
    ConnectionFailed,
    QueryError,
    ReadTimeout,
    RequestError,
    ResponseCorrupted,
    Throttled,
    make_service_error,
)
from dynamodb_py.flows import Flow, arun, awaiting, blocking, flow_of, name_verbs, run
from dynamodb_py.operations.base import Call, Operation, Pause, Together
from dynamodb_py.operations.items import GetItem
from dynamodb_py.retries import Retries

from .scripted import Link, Script


class Echo(Operation[str], frozen=True):
    """Answers what the script says, as text."""

    api: ClassVar[str] = "GetItem"

    said: str = ""

    def payload(self) -> dict[str, Any]:
        return {"said": self.said}

    def parse(self, outcome: bytes, /) -> str:
        return outcome.decode()


@pytest.fixture(params=["run", "arun"])
def drive(request):
    """Drive a flow to its value, waiting or awaiting."""
    if request.param == "run":
        return run
    return lambda flow, link: asyncio.run(arun(flow, link))


@pytest.fixture
def pauses(monkeypatch):
    """Where the drivers would sleep, the seconds are noted; threads of earlier tests sleep as ever."""
    noted: list[float] = []
    others, sleep = {*threading.enumerate()} - {threading.current_thread()}, time.sleep

    def note(seconds: float) -> None:
        (sleep if threading.current_thread() in others else noted.append)(seconds)

    async def asleep(seconds: float) -> None:
        noted.append(seconds)

    monkeypatch.setattr(time, "sleep", note)
    monkeypatch.setattr(asyncio, "sleep", asleep)
    return noted


def several() -> Flow[list[str]]:
    first = yield from Echo("a")
    yield from Pause(0.25)
    second = yield from Echo("b")
    return [first, second]


def test_a_flow_is_driven_step_by_step_to_its_value(drive, pauses):
    script = Script([b"1", b"2"])
    assert drive(several(), Link(script)) == ["1", "2"]
    assert [each.said for each in script.sent] == ["a", "b"]
    assert pauses == [0.25]


def test_a_flow_can_catch_what_a_step_raised_and_go_on(drive):
    def patient() -> Flow[str]:
        try:
            yield from Echo("a")
        except RequestError as error:
            return f"caught {error.code}"  # type: ignore[attr-defined]
        return "nothing"

    script = Script([make_service_error("ValidationException", "no")])
    assert drive(patient(), Link(script)) == "caught ValidationException"


def test_a_flow_without_a_step_has_its_value(drive):
    def nothing() -> Flow[int]:
        return 7
        yield  # type: ignore[unreachable]

    assert drive(nothing(), Link(Script())) == 7


def test_an_answer_that_cannot_be_read_is_told(drive):
    flow = iter(GetItem("test", {"k": {"S": "a"}}))
    with pytest.raises(ResponseCorrupted, match="the response does not have DynamoDB's form"):
        drive(flow, Link(Script([b'{"Item": '] * 2)))


# -- retries -------------------------------------------------------------------------------------

SLOW = ("ProvisionedThroughputExceededException", "slow")


def slow():
    return make_service_error(*SLOW)


@pytest.mark.parametrize(
    "error",
    [
        slow(),
        ConnectionFailed("reset"),
        ReadTimeout("late"),
        ResponseCorrupted("wrong checksum"),
        make_service_error("InternalServerError", "", status=500),
        make_service_error("UnheardOf", "", status=503),
    ],
)
@pytest.mark.parametrize("failures", [1, 2, 3])
def test_a_passing_trouble_is_overcome(drive, pauses, error, failures):
    script = Script([error] * failures + [b"at last"])
    assert drive(iter(Echo()), Link(script)) == "at last"
    assert len(script.sent) == failures + 1
    assert pauses == [0.0] * failures


def test_after_the_last_attempt_the_latest_error_is_raised_with_the_count(drive, pauses):
    errors = [
        slow(),
        ConnectionFailed("reset"),
        slow(),
        make_service_error("ThrottlingException", "x"),
    ]
    script = Script(errors)
    with pytest.raises(Throttled) as caught:
        drive(iter(Echo()), Link(script))
    assert caught.value is errors[-1]
    assert caught.value.attempts == 4
    assert len(pauses) == 3


@pytest.mark.parametrize(
    "error",
    [
        make_service_error("ValidationException", "no"),
        make_service_error("ConditionalCheckFailedException", "no"),
        make_service_error("AccessDeniedException", "no"),
        make_service_error("ResourceNotFoundException", "no"),
        make_service_error("UnheardOf", "no"),
    ],
)
def test_what_trying_again_cannot_mend_is_raised_at_once(drive, pauses, error):
    script = Script([error])
    with pytest.raises(RequestError) as caught:
        drive(iter(Echo()), Link(script))
    assert (caught.value, caught.value.attempts, pauses) == (error, 1, [])


def test_trying_stops_where_an_error_becomes_one_that_it_cannot_mend(drive, pauses):
    script = Script([slow(), make_service_error("ValidationException", "no"), b"never"])
    with pytest.raises(RequestError, match="no") as caught:
        drive(iter(Echo()), Link(script))
    assert caught.value.attempts == 2
    assert script.answers == [b"never"]


@pytest.mark.parametrize("attempts", [1, 2, 7])
def test_as_many_attempts_as_the_link_says(drive, pauses, attempts):
    script = Script([slow() for _ in range(attempts)])
    with pytest.raises(Throttled) as caught:
        drive(iter(Echo()), Link(script, attempts))
    assert caught.value.attempts == attempts
    assert len(script.sent) == attempts


def test_the_pauses_follow_from_each_error(drive, pauses, monkeypatch):
    monkeypatch.setattr("random.random", lambda: 1.0)
    link = Link(Script([slow(), ConnectionFailed(""), slow(), b"ok"]))
    link.retries = Retries()
    monkeypatch.setattr(Retries.pause, "__defaults__", (lambda: 1.0,))
    assert drive(iter(Echo()), link) == "ok"
    assert pauses == [1.0, 0.05, 4.0]


@pytest.mark.parametrize("wrong", [KeyError("bug"), ValueError("bug"), ConnectionResetError("raw")])
def test_what_is_no_error_of_a_request_is_not_tried_again(drive, wrong):
    script = Script([wrong])
    with pytest.raises(type(wrong)):
        drive(iter(Echo()), Link(script))
    assert len(script.sent) == 1


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("where", ["sending", "trying again", "pausing", "side by side"])
def test_whoever_interrupts_is_heard_and_the_flow_is_closed(stop, where, monkeypatch):
    closed = []

    def flow() -> Flow[None]:
        try:
            if where == "side by side":
                yield from Together([Echo()])
            elif where == "pausing":
                yield from Pause(1)
            else:
                yield from Echo()
        except Exception:
            closed.append("swallowed")
        finally:
            closed.append("closed")

    def interrupt(_):
        raise stop

    monkeypatch.setattr(time, "sleep", interrupt)
    script = Script([stop()] if where != "trying again" else [slow(), stop()])
    if where == "trying again":
        monkeypatch.setattr(time, "sleep", lambda _: None)
    with pytest.raises(stop) as caught:
        run(flow(), Link(script))
    assert closed == ["closed"]  # though the traceback still holds its frames
    assert caught.value is not None


# -- side by side --------------------------------------------------------------------------------


def together(workers: int, *operations: Operation[Any]) -> Flow[list[Any]]:
    return (yield from Together(operations, workers))


@pytest.mark.parametrize("workers", [1, 3, 50])
def test_what_each_one_gave_comes_in_the_order_of_the_operations(drive, workers):
    script = Script([lambda operation: operation.said.encode() + b"!"] * 9)
    found = drive(together(workers, *[Echo(str(n)) for n in range(9)]), Link(script))
    assert found == [f"{n}!" for n in range(9)]


@pytest.mark.parametrize("workers", [1, 4])
def test_one_that_fails_stops_no_other(drive, workers):
    def answer(operation):
        return (
            make_service_error("ValidationException", operation.said)
            if operation.said in "13"
            else b"ok"
        )

    script = Script([answer] * 5)
    found = drive(together(workers, *[Echo(str(n)) for n in range(5)]), Link(script))
    assert [each if isinstance(each, str) else each.message for each in found] == [
        "ok",
        "1",
        "ok",
        "3",
        "ok",
    ]
    assert [each.attempts for each in found if isinstance(each, RequestError)] == [1, 1]


@pytest.mark.parametrize("workers", [1, 2])
def test_each_is_tried_again_by_itself(drive, workers, pauses):
    tries: dict[str, int] = {}

    def answer(operation):
        tries[operation.said] = tries.get(operation.said, 0) + 1
        return b"ok" if operation.said == "0" or tries[operation.said] == 4 else slow()

    script = Script([answer] * 20)
    assert drive(together(workers, Echo("0"), Echo("1"), Echo("2")), Link(script)) == ["ok"] * 3
    assert tries == {"0": 1, "1": 4, "2": 4}
    assert len(pauses) == 6


def test_none_side_by_side_is_none(drive):
    assert drive(together(3), Link(Script())) == []


@pytest.mark.parametrize("workers", [0, -3])
def test_fewer_than_one_worker_is_refused(workers):
    with pytest.raises(QueryError, match=f"workers={workers}: give a number from 1"):
        Together([Echo()], workers)


class Gate:
    """A transport of which it can be seen how many requests are under way."""

    def __init__(self, expected: int) -> None:
        self.barrier = threading.Barrier(expected, timeout=10)
        self.lock = threading.Lock()
        self.now = self.most = self.cancelled = 0

    def send(self, operation: Operation[Any], /) -> bytes:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.barrier.wait()
        with self.lock:
            self.now -= 1
        return b"ok"

    def close(self) -> None: ...


def test_threads_carry_as_many_at_once_as_there_are_workers_and_no_more():
    link = Link(Script())
    gate = Gate(expected=3)
    link.transport = gate
    assert run(together(3, *[Echo() for _ in range(9)]), link) == ["ok"] * 9
    assert gate.most == 3


@pytest.mark.parametrize("where", ["this thread", "another thread"])
def test_an_interrupt_side_by_side_is_raised_after_what_is_under_way_and_nothing_else_is_sent(
    where,
):
    here, before, sent = threading.get_ident(), threading.active_count(), []

    def send(operation):
        sent.append(operation)
        if len(sent) <= 2:
            gate.wait()
        if (threading.get_ident() == here) == (where == "this thread"):
            raise KeyboardInterrupt
        time.sleep(0.05)
        return b"ok"

    gate = threading.Barrier(2, timeout=10)
    link = Link(Script())
    link.transport = Gate(2)
    link.transport.send = send
    with pytest.raises(KeyboardInterrupt):
        run(together(2, *[Echo() for _ in range(9)]), link)
    assert len(sent) <= 3
    assert threading.active_count() == before


class AsyncGate:
    """The same for tasks; nothing is answered before *open* is set."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.now = self.most = self.cancelled = 0

    async def send(self, operation: Operation[Any], /) -> bytes:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            if operation.said == "fails":
                raise make_service_error("ValidationException", "no")
            if operation.said == "breaks":
                raise KeyboardInterrupt
            await self.open.wait()
            return b"ok"
        except asyncio.CancelledError:
            self.cancelled += 1
            await asyncio.sleep(0)  # closing takes a moment
            raise
        finally:
            self.now -= 1

    async def close(self) -> None: ...


def gated() -> tuple[Any, AsyncGate]:
    link = Link(Script())
    link.async_transport = gate = AsyncGate()
    return link, gate


def test_tasks_carry_as_many_at_once_as_there_are_workers_and_no_more():
    async def main():
        link, gate = gated()
        task = asyncio.create_task(arun(together(4, *[Echo() for _ in range(9)]), link))  # noqa: RUF006 - it is awaited below
        for _ in range(20):
            await asyncio.sleep(0)
        assert not task.done()
        assert (gate.now, gate.most) == (4, 4)
        gate.open.set()
        assert await task == ["ok"] * 9
        assert gate.most == 4

    asyncio.run(main())


def test_cancelling_leaves_no_request_under_way():
    async def main():
        link, gate = gated()
        closed = []

        def flow() -> Flow[None]:
            try:
                yield from Together([Echo() for _ in range(9)], 4)
            finally:
                closed.append(True)

        task = asyncio.create_task(arun(flow(), link))
        for _ in range(20):
            await asyncio.sleep(0)
        assert gate.now == 4
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (gate.now, gate.cancelled, closed) == (0, 4, [True])
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_a_time_limit_of_asyncio_ends_a_flow():
    async def main():
        link, gate = gated()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(arun(together(2, Echo(), Echo()), link), 0.01)
        assert (gate.now, gate.cancelled) == (0, 2)

    asyncio.run(main())


def test_a_failure_beside_others_leaves_them_running_to_their_end():
    async def main():
        link, gate = gated()
        asyncio.get_running_loop().call_soon(gate.open.set)
        found = await arun(together(3, Echo("fails"), Echo(), Echo()), link)
        assert [type(each).__name__ for each in found] == ["InvalidRequest", "str", "str"]
        assert gate.cancelled == 0

    asyncio.run(main())


def test_cancelling_while_pausing_between_attempts_is_heard():
    async def main():
        link = Link(Script([slow(), b"never"]))
        link.retries = Retries(base=1000, cap=1000)
        task = asyncio.create_task(arun(iter(Echo()), link))
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert link.async_transport.script.answers == [b"never"]

    asyncio.run(main())


# -- functions of the user's ---------------------------------------------------------------------


def calling(*calls: Call) -> Flow[list[Any]]:
    found = []
    for call in calls:
        found.append((yield from call))
    return found


async def later(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


class Promise:
    """Something to be awaited that is no coroutine."""

    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return "kept"


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda: 7, 7),
        (lambda: None, None),
        (lambda: later("late"), "late"),
        (Promise, "kept"),
        (None, None),
    ],
    ids=["plain", "nothing", "a coroutine", "awaitable", "no function"],
)
@pytest.mark.parametrize("awaits", ["", "it"])
def test_what_a_function_gives_comes_back_awaited_if_it_can_be(drive, function, expected, awaits):
    assert drive(calling(Call(function, awaits)), Link(Script())) == [expected]


def test_functions_are_called_between_the_other_steps(drive):
    seen: list[Any] = []

    def flow() -> Flow[None]:
        yield from Call(lambda: seen.append("before"))
        seen.append((yield from Echo()))
        yield from Call(lambda: later(seen.append("after")))

    drive(flow(), Link(Script([b"asked"])))
    assert seen == ["before", "asked", "after"]


async def fail_later():
    raise KeyError("bug")


def fail():
    raise KeyError("bug")


@pytest.mark.parametrize("function", [fail, fail_later])
def test_what_a_function_raises_is_raised_in_the_flow(drive, function):
    def flow() -> Flow[str]:
        try:
            yield from Call(function)
        except KeyError:
            return "caught"
        return "nothing"

    assert drive(flow(), Link(Script())) == "caught"
    with pytest.raises(KeyError, match="bug"):
        drive(calling(Call(function)), Link(Script()))


def test_a_function_that_raises_stopiteration_does_not_end_the_flow_in_silence(drive):
    def stop():
        raise StopIteration("done")

    with pytest.raises(RuntimeError, match="StopIteration"):
        drive(calling(Call(stop)), Link(Script()))


def test_what_holds_where_it_is_called_holds_in_what_is_awaited(drive):
    here: contextvars.ContextVar[str] = contextvars.ContextVar("here", default="nowhere")

    async def look():
        return here.get()

    token = here.set("there")
    try:
        assert drive(calling(Call(look)), Link(Script())) == ["there"]
    finally:
        here.reset(token)


def test_blocking_within_a_loop_refuses_what_is_async_before_it_is_called():
    called = []

    async def main():
        refused = r"mail\(\) has to be awaited, and this call blocks .* await the method with an a"
        for function in (lambda: called.append(1), None):
            with pytest.raises(QueryError, match=refused):
                run(calling(Call(function, "mail()")), Link(Script()))

    asyncio.run(main())
    assert called == []


def test_blocking_within_a_loop_refuses_what_turns_out_to_be_async_without_a_warning():
    called = []

    async def mail():
        called.append(1)

    async def main():
        for function in (lambda: mail(), Promise):
            with pytest.raises(QueryError, match=r"the result of <.*> has to be awaited"):
                run(calling(Call(function)), Link(Script()))

    asyncio.run(main())
    assert called == []


def test_blocking_within_a_loop_calls_plain_functions():
    async def main():
        return run(calling(Call(lambda: 7)), Link(Script()))

    assert asyncio.run(main()) == [7]


def test_whoever_interrupts_a_function_is_heard_and_the_flow_is_closed(drive):
    closed = []

    def flow() -> Flow[None]:
        try:
            yield from Call(interrupt)
        except Exception:
            closed.append("swallowed")
        finally:
            closed.append("closed")

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive(flow(), Link(Script()))
    assert closed == ["closed"]


# -- methods of flows ----------------------------------------------------------------------------


def speak(owner: Owner, word: str, *, loud: bool = False) -> Flow[str]:
    """Say *word*."""
    answer = yield from Echo(word)
    return answer.upper() if loud else answer


def speak_louder(owner: Louder, word: str, *, loud: bool = False) -> Flow[str]:
    return speak(owner, word + "!", loud=True)


@name_verbs
class Owner:
    """Something with a flow as a method."""

    def __init__(self, script: Script) -> None:
        self._link = Link(script)

    say = blocking(speak)
    asay = awaiting(speak)


class Louder(Owner):
    say = blocking(speak_louder)
    asay = awaiting(speak_louder)


def test_a_flow_becomes_a_method_and_its_twin():
    assert Owner(Script([b"hello"])).say("x") == "hello"
    assert asyncio.run(Owner(Script([b"hello"])).asay("x", loud=True)) == "HELLO"


def test_a_subclass_may_have_a_flow_of_its_own():
    script = Script([b"hello"])
    assert Louder(script).say("x") == "HELLO"
    assert script.sent[0].said == "x!"
    assert flow_of(Louder, "asay") is speak_louder


@pytest.mark.parametrize("name", ["say", "asay"])
def test_the_methods_of_a_flow_look_like_written_ones(name):
    method = getattr(Owner, name)
    assert (method.__name__, method.__qualname__) == (name, f"Owner.{name}")
    assert method.__doc__ == "Say *word*."
    signature = inspect.signature(method)
    assert list(signature.parameters) == ["self", "word", "loud"]
    assert signature.return_annotation == "str"
    assert inspect.iscoroutinefunction(method) is (name == "asay")


def test_there_are_two_drivers_and_no_other_code_that_waits():
    source = inspect.getsource(flows)
    assert source.count("time.sleep(") == source.count("asyncio.sleep(") == 1
