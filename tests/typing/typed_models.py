"""What the type checkers know of typed models: no line of ``right`` is refused, each of ``wrong`` is.

An ignore that a checker does not need is an error, so that none of the lines of ``wrong`` is missed.
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Any, ClassVar

from typing_extensions import assert_type

from dynamodb_py import (
    BinaryField,
    BooleanField,
    CharField,
    CompositeField,
    CompressedField,
    Condition,
    CounterField,
    DateField,
    DateTimeField,
    DecimalField,
    DictField,
    EmbeddedField,
    EnumField,
    FloatField,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    ListField,
    MapField,
    Model,
    OneToOneField,
    RelatedSet,
    SetField,
    SharedTable,
    TextField,
    TimeDeltaField,
    TimeField,
    Timestamped,
    TimestampField,
    TypedDocument,
    TypedModel,
    ULIDField,
    UUIDField,
    VersionField,
)
from dynamodb_py.models.managers.queryset import QuerySet
from dynamodb_py.models.queryset.write_execution import Done


class Colour(enum.Enum):
    RED = "r"


class Address(TypedDocument):
    city: CharField[str] = CharField(required=True)
    zip: CharField[str | None] = CharField(default=None)


class Person(TypedDocument):
    name: CharField[str] = CharField(required=True)
    home: EmbeddedField[Address, Address] = EmbeddedField(Address, required=True)
    second: EmbeddedField[Address, Address | None] = EmbeddedField(Address, default=None)
    others: ListField[Address, list[Address]] = ListField(Address, default=list)


class Author(TypedModel):
    name: CharField[str] = CharField(hash_key=True)
    born: IntegerField[int | None] = IntegerField(default=None)
    books: ClassVar[RelatedSet[Book]]


class Score(TypedModel):
    player: CharField[str] = CharField(hash_key=True)
    game: IntegerField[int] = IntegerField(range_key=True)
    points: IntegerField[int] = IntegerField(default=0)
    nick: CharField[str | None] = CharField()
    hits: CounterField[int] = CounterField()
    tags: SetField[str, set[str]] = SetField(str)
    version = VersionField()
    by_game = GlobalIndex(hash_key="game", range_key="points")


class Dated(TypedModel):
    id: UUIDField[uuid.UUID] = UUIDField(version=7, hash_key=True, default=None)
    ref: ULIDField[str] = ULIDField()
    made: DateTimeField[dt.datetime] = DateTimeField(auto_now_add=True, init=False)
    changed: DateTimeField[dt.datetime] = DateTimeField(auto_now=True, default=None)
    seen: TimestampField[dt.datetime] = TimestampField(auto_now=True, init=False)
    day: DateField[dt.date] = DateField(auto_now_add=True, init=False)
    ends: TimestampField[dt.datetime | None] = TimestampField(
        ttl=True, after=dt.timedelta(1), default=None
    )


class Kinds(TypedModel):
    key: CharField[str] = CharField(hash_key=True)
    text: TextField[str] = TextField(required=True)
    price: DecimalField[Decimal] = DecimalField(required=True)
    ratio: FloatField[float] = FloatField(required=True)
    on: BooleanField[bool] = BooleanField(required=True)
    raw: BinaryField[bytes] = BinaryField(required=True)
    at: DateTimeField[dt.datetime] = DateTimeField(required=True)
    day: DateField[dt.date] = DateField(required=True)
    clock: TimeField[dt.time] = TimeField(required=True)
    span: TimeDeltaField[dt.timedelta] = TimeDeltaField(required=True)
    colour: EnumField[Colour, Colour] = EnumField(Colour, required=True)
    free: ListField[Any, list[Any]] = ListField(required=True)
    ids: ListField[int, list[int]] = ListField(int, required=True)
    counts: DictField[int, dict[str, int]] = DictField(int, required=True)
    shape: MapField[dict[str, Any]] = MapField({"a": IntegerField()}, required=True)
    packed: CompressedField[str, str] = CompressedField(str, required=True)


class Book(TypedModel):
    isbn: CharField[str] = CharField(hash_key=True)
    author: ForeignKey[Author, Author] = ForeignKey(Author, required=True, related_name="books")
    editor: ForeignKey[Author, Author | None] = ForeignKey(Author, default=None)
    sequel: ForeignKey[Book, Book | None] = ForeignKey("self", default=None)
    by_author = GlobalIndex(hash_key="author")


class Profile(TypedModel):
    author: OneToOneField[Author, Author] = OneToOneField(Author, hash_key=True)


class Base(TypedModel):
    tenant: CharField[str] = CharField(hash_key=True)

    class Meta:
        abstract = True


class Tenant(Base):
    name: CharField[str] = CharField(required=True)


class Event(TypedModel):
    id: CharField[str] = CharField(hash_key=True)
    kind: CharField[str] = CharField(required=True, init=False)

    class Meta:
        discriminator = "kind"


class Login(Timestamped, Event):
    address: CharField[str] = CharField(required=True)


class Plain(Model):
    name = CharField(hash_key=True)


class Entities(SharedTable):
    class Meta:
        table_name = "entities"


class Order(TypedModel):
    customer: CharField[str] = CharField(required=True)
    number: IntegerField[int] = IntegerField(required=True)
    pk: CharField[str] = CharField(template="C#{customer}", hash_key=True, init=False)
    label = CompositeField("customer", "number", range_key=True)


at, day, clock, span = dt.datetime(2026, 1, 1), dt.date(2026, 1, 1), dt.time(1), dt.timedelta(1)
home, ann = Address(city="Lyon"), Author(name="ann")
score = Score(player="ann", game=1, nick=None)


async def right() -> None:
    Address(city="Lyon")
    Address(city="Lyon", zip="69001")
    Address(city="Lyon", zip=None)
    Person(name="ann", home=Address(city="Lyon"))
    Person(name="ann", home=home, others=[home, Address(city="Nice")])
    Author(name="ann")
    Author(name="ann", born=None)
    Author(name="ann", born=1901)
    Score(player="ann", game=1, nick=None)
    Score(game=1, nick="a", player="ann", points=3)
    Score(player="ann", game=1, nick=None, hits=3, tags={"a"})
    Dated()
    Dated(id=uuid.uuid4(), ref="01ARZ3NDEKTSV4RRFFQ69G5FAV", changed=at, ends=at)
    Dated(ends=None)
    Kinds(
        key="a",
        text="b",
        price=Decimal(1),
        ratio=1,
        on=True,
        raw=b"c",
        at=at,
        day=day,
        clock=clock,
        span=span,
        colour=Colour.RED,
        free=[1, "two", None],
        ids=[1, 2],
        counts={"a": 1},
        shape={"a": 1},
        packed="d",
    )
    Book(isbn="b", author=ann)
    Book(isbn="b", author="ann", editor=None)
    Book(isbn="b", author=ann, editor=ann, sequel=Book(isbn="c", author="ann"))
    Profile(author=ann)
    Tenant(tenant="t", name="a")
    Event(id="e")
    Login(id="l", address="::1")
    Plain(name="a")
    Plain(nothing="is checked of a model without annotations")
    Order(customer="ann", number=1)
    assert_type(Dated().made, dt.datetime)
    assert_type(Dated().changed, dt.datetime)
    assert_type(Dated().seen, dt.datetime)
    assert_type(Dated().day, dt.date)
    assert_type(Dated().ends, "dt.datetime | None")
    assert_type(score.player, str)
    assert_type(score.nick, "str | None")
    assert_type(score.tags, set[str])
    assert_type(score.version, int)
    assert_type(Person(name="ann", home=home).home.city, str)
    assert_type(Book(isbn="b", author="ann").author, Author)
    assert_type(ann.books, RelatedSet[Book])
    assert_type(Book(isbn="b", author="ann").sequel, "Book | None")
    assert_type(Login(id="l", address="::1").created_at, dt.datetime)
    assert_type(Order(customer="ann", number=1).pk, str)
    assert_type(Score.player, CharField[str])
    assert_type(Score.points > 3, Condition)
    assert_type(Score.by_game, QuerySet[Score])
    assert_type({score: 1}[score], int)
    assert_type(Score.by_key("ann", 1), Score)
    assert_type(Score.by_key(player="ann", game=1).update(points=3), Score)
    assert_type(Score.objects.insert(score), Score)
    assert_type(await Score.objects.ainsert(score, condition=Score.points == 3), Score)
    assert_type(Score.objects.get(Score.player == "ann", Score.game == 3), Score)
    assert_type(Score.by_game.order_by(Score.points.desc()).only(Score.player), QuerySet[Score])
    assert_type(Score.objects.filter(player="a").update(Score.points.set(3)), Done)
    assert_type(score.update(Score.points.set(Score.points + 1)), Score)
    rows = Score.objects.filter(player="ann")
    assert_type(list(rows.values_list(Score.game)), list[tuple[int]])
    assert_type(list(rows.values_list(Score.game, flat=True)), list[int])
    assert_type(rows.values_list(Score.nick, Score.points).first(), "tuple[str | None, int] | None")
    assert_type(list(Score.objects.values_list(Score.tags, Score.game)), list[tuple[set[str], int]])
    assert_type(Book.objects.values_list(Book.author, Book.isbn).get(isbn="b"), tuple[Any, str])
    triple = Score.by_game.filter(game=1).values_list(Score.game, Score.points, Score.nick)
    assert_type(triple[0], "tuple[int, int, str | None]")
    assert_type(list(rows.values_list("game", Score.points)), list[tuple[Any, ...]])
    score.player, score.nick, score.points = "bob", None, 4


def wrong(rows: QuerySet[Score]) -> None:
    Address()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Address(town="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Address(city="Lyon", town="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Address(city=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Address(city="Lyon", zip=69001)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Address("Lyon")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Person(name="ann")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Person(name="ann", home={"city": "Lyon"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Person(name="ann", home=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Person(name="ann", home=home, others=home)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Person(name="ann", home=home, others=["Nice"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    Author()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Author(name="ann", born="1901")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Author(nmae="ann")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Score(player="ann", game=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Score(plyer="ann", game=1, nick=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Score(player="ann", nick=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Score(player="ann", game="1", nick=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Score(player=1, game=1, nick=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Score(player=None, game=1, nick=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Score(player="ann", game=1.5, nick=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Score(player="ann", game=1, nick=None, points=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Score(player="ann", game=1, nick=None, hits="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Score(player="ann", game=1, nick=None, tags=["a"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Score(player="ann", game=1, nick=None, version=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Score("ann", 1, nick=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Dated(made=at)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Dated(day=day)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Dated(id="a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Dated(changed=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Dated(changed=day)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Dated(ref=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Dated(ends=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Book(isbn="b")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Book(isbn="b", author=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Book(isbn="b", author=score)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Book(isbn="b", author=ann, author_id="ann")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Book(isbn="b", author=ann, sequel=ann)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Profile()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Profile(author=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Tenant(name="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Event()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Event(id="e", kind="Login")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Event(id="e", address="::1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Login(id="l")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Login(id="l", address="::1", created_at=at)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Order(customer="ann")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Order(customer="ann", number=1, pk="C#ann")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Order(customer="ann", number=1, label="ann#1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    score.player = None  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    score.points = "3"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    Score.objects.filter(Score.points > "3")  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnknownArgumentType]
    Score.points.set("3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    score.update(Score.player.set(3))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Score.objects.filter(Score.player == 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Score.player.eq(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Score.objects.insert(ann)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Score.objects.insert(player="ann", game=1, nick=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Score.objects.insert(Score(player="ann"))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Score.objects.insert({"player": "ann"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Score.objects.order_by(Score.points.desc)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Score.objects.order_by(Score.points > 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Score.objects.only(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Score.objects.values_list(3)  # type: ignore[call-overload]  # pyright: ignore
    rows.values_list(Score.game, flat=True)[0].upper()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    rows.values_list(Score.nick, Score.game)[0][2]  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    Score.by_key("ann", 1).pionts  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    Score.pionts  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    score.pionts  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


class Wrong(Base):
    number: CharField[str] = IntegerField(required=True)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    optional: CharField[str] = CharField()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    without: CharField[str] = CharField(default=None)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    sure: CharField[str | None] = CharField(default="a")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    elements: ListField[int, list[int]] = ListField(str, default=list)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    inside: EmbeddedField[Address, Address] = EmbeddedField(Person, required=True)  # type: ignore[call-overload]  # pyright: ignore[reportAssignmentType]
    other: ForeignKey[Author, Author] = ForeignKey(Book, required=True)  # type: ignore[call-overload]  # pyright: ignore[reportAssignmentType]
    made: DateTimeField[dt.datetime | None] = DateTimeField(auto_now=True)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    typo: CharField[str] = CharField(requird=True)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportAssignmentType]
