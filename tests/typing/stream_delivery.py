"""What the type checkers know of receivers of changes, the runner, and events."""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from typing_extensions import assert_type

from dynamodb_py import (
    CharField,
    FailedRecord,
    Model,
    StreamRunner,
    StreamTrimmed,
    record_from_event,
    signals,
    stream_handler,
)
from dynamodb_py.signals import Signal, item_changed, receiver
from dynamodb_py.testing import EmbeddedEngine


class Order(Model):
    number = CharField(hash_key=True)


class Customer(Model):
    number = CharField(hash_key=True)


@receiver(item_changed, sender=Order)
async def look(sender: type[Order], record: Any, **kwargs: Any) -> None: ...


async def keep(failed: FailedRecord) -> None:
    assert_type(failed.error, Exception)
    assert_type(failed.event, dict[str, Any])
    if failed.record is not None:
        assert_type(failed.record.sequence_number, str)


def note(error: StreamTrimmed) -> None:
    assert_type(error.after, str | None)


async def running(event: dict[str, Any], engine: EmbeddedEngine) -> None:
    assert_type(item_changed, Signal)
    runner = StreamRunner(
        [Order, Customer],
        name="a",
        start=datetime.now(timezone.utc),
        on_failure=keep,
        on_trimmed=note,
    )
    assert_type(runner.run(), None)
    await runner.arun()
    runner.stop()
    assert_type(stream_handler(Order), Callable[[Any, Any], dict[str, Any]])
    assert_type(stream_handler(signals)(event, None), dict[str, Any])
    assert_type(record_from_event(event).at, datetime)
    assert_type(record_from_event(b"", Order, using="other").by_ttl, bool)
    assert_type(engine.deliver_changes(Order), int)
    assert_type(await engine.adeliver_changes([Order]), int)

    StreamRunner(Order)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    StreamRunner(int, name="a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    StreamRunner(Order, name="a", start="now")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    StreamRunner(Order, name="a", on_trimmed=keep)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream_handler("Order")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    record_from_event(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
