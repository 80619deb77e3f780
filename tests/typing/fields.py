"""What the type checkers know of options of fields, of classes that stand for fields, and of JSON."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from typing_extensions import assert_type

from dynamodb_py import (
    CharField,
    CompositeField,
    Condition,
    DecimalField,
    DictField,
    Document,
    EmbeddedField,
    Field,
    IntegerField,
    ListField,
    MapField,
    Model,
    SetField,
    register_field,
)


class Point:
    x = 1


class PointField(Field[Point]):
    kind = "S"


def find_score(nick: str, total: Decimal) -> int:
    return len(nick) + int(total)


def make_slug(nick: str) -> str | None:
    return f"/{nick}" if nick else None


class Line(Document):
    text = CharField(lower=True, required=True)


class Shape(Model):
    name = CharField(strip=True, lower=True, hash_key=True)
    nick = CharField(strip=True)
    none = CharField(lower=True, null=True)
    total = DecimalField(places=2)
    sure = DecimalField(places=2, required=True)
    none_total = DecimalField(places=2, null=True)
    corners = ListField(Point)
    seen = SetField(Point)
    names = DictField(Point, required=True)
    parts = MapField({"a": Point, "b": IntegerField()})
    line = EmbeddedField(Line)
    state = CharField(choices=[("o", "Open")], default="o")
    get_state_display: Callable[[], str | None]

    score = CompositeField("nick", "total", of=int, merge=find_score)
    rank = CompositeField("nick", of=Decimal, range_key=True, merge=Decimal)
    slug = CompositeField("nick", merge=make_slug)


def reading(shape: Shape) -> None:
    assert_type(shape.name, str)
    assert_type(shape.nick, "str | None")
    assert_type(shape.none, "str | None")
    assert_type(shape.total, "Decimal | None")
    assert_type(shape.sure, Decimal)
    assert_type(shape.none_total, "Decimal | None")
    assert_type(shape.corners, "list[Point] | None")
    assert_type(shape.seen, set[Point])
    assert_type(shape.names, dict[str, Point])
    assert_type(shape.parts, "dict[str, Any] | None")
    assert_type(shape.score, "int | None")
    assert_type(shape.rank, Decimal)
    assert_type(shape.slug, "str | None")
    assert_type(shape.get_state_display(), "str | None")


def comparing() -> None:
    assert_type(Shape.score.gt(3), Condition)
    assert_type(Shape.rank.eq(Decimal(1)), Condition)
    assert_type(Shape.slug.eq("/a"), Condition)
    Shape.score.eq("a")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def json(shape: Shape, line: Line) -> None:
    assert_type(shape.to_dict(), dict[str, Any])
    assert_type(shape.to_dict(mode="json"), dict[str, Any])
    assert_type(shape.to_json(), str)
    assert_type(Shape.from_json("{}"), Shape)
    assert_type(Shape.from_json(b"{}", strict=True), Shape)
    assert_type(Shape.from_dict({}, mode="json", strict=True), Shape)
    assert_type(Line.from_json(line.to_json()), Line)
    shape.to_dict(mode="yaml")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def declaring() -> None:
    register_field(Point, PointField)
    register_field(str, lambda: CharField(lower=True))
    register_field(Point, CharField)  # type: ignore[arg-type]  # pyright finds nothing
    CharField(lower=1)  # type: ignore[call-overload] # pyright: ignore
    DecimalField(places="2")  # type: ignore[call-overload] # pyright: ignore
    CompositeField("a", merge=1)  # type: ignore[call-overload] # pyright: ignore
    CompositeField("a", merge=str, separator="/")  # type: ignore[call-overload] # pyright: ignore[reportCallIssue]
