"""What the type checkers know of streams."""

from datetime import datetime
from typing import Any, Literal

from typing_extensions import assert_type

from dynamodb_py import (
    CharField,
    IntegerField,
    Model,
    SharedTable,
    Stream,
    StreamRecord,
    StreamTrimmed,
    Table,
    connect,
)


class Order(Model):
    class Meta:
        stream = "new_and_old_images"

    name = CharField(hash_key=True)
    total = IntegerField()


class App(SharedTable):
    pk = CharField(hash_key=True)


def read(position: dict[str, Any]) -> None:
    stream = Table(Order).stream(position)
    assert_type(stream, Stream[Order])
    for record in stream:
        assert_type(record, StreamRecord[Order])
        assert_type(record.kind, Literal["insert", "modify", "remove"])
        assert_type(record.new, Order | None)
        assert_type(record.old, Order | None)
        assert_type(record.key, dict[str, Any])
        assert_type(record.at, datetime)
        assert_type(record.changes(), dict[str, tuple[Any, Any]])
        assert_type(record.by_ttl, bool)
    assert_type(stream.position, dict[str, Any])
    assert_type(Table(Order(name="a")).stream(), Stream[Order])
    assert_type(Table(App).stream("latest"), Stream[Any])
    Table(Order).stream("first")  # type: ignore[arg-type]  # pyright: ignore
    Table(Order).stream(follow="yes")  # type: ignore[arg-type]  # pyright: ignore


def report(error: StreamTrimmed) -> None:
    assert_type(error.after, str | None)


async def aread() -> None:
    async for record in Table(Order).astream("trim_horizon", on_trimmed=report, poll=0.5):
        assert_type(record.new, Order | None)
    connect(streams_endpoint_url="http://127.0.0.1:8000")


def annotated(table: Table, other: Table[Order]) -> None:
    table.create()
    assert_type(other.stream(), Stream[Order])
