"""Models and documents as types of pydantic: every type of field, there and back, described, refused with paths."""

from __future__ import annotations

import datetime as dt
import enum
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from dynamodb_py import (
    BinaryField,
    BooleanField,
    CharField,
    CompositeField,
    CompressedField,
    CounterField,
    DateField,
    DateTimeField,
    DecimalField,
    DictField,
    Document,
    EmbeddedField,
    EnumField,
    Field,
    FloatField,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    ListField,
    MapField,
    MaxLengthValidator,
    Model,
    OneOfValidator,
    RegexValidator,
    SetField,
    Table,
    TextField,
    TimeDeltaField,
    TimeField,
    TimestampField,
    ULIDField,
    URLValidator,
    UUIDField,
    VersionField,
    validate_email,
)
from dynamodb_py import (
    ValidationError as OurError,
)
from dynamodb_py.contrib.pydantic import pydantic_model

UTC = dt.timezone.utc


class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


class Size(enum.Enum):
    SMALL = 1
    LARGE = 2


class Address(Document):
    """Where somebody lives."""

    city = CharField(required=True, max_length=10)
    since = DateField()


class Author(Model):
    name = CharField(hash_key=True)


class Edition(Model):
    isbn = CharField(hash_key=True)
    number = IntegerField(range_key=True)


class Point(Field[tuple]):
    kind = "S"

    def to_db(self, value):
        return f"{value[0]},{value[1]}"

    def to_python(self, stored):
        return tuple(map(int, stored.split(",")))


def text(**more):
    return {"type": "string", **more}


NULL = {"type": "null"}
DECIMAL = {"anyOf": [{"type": "number"}, text(format="decimal")]}
ADDRESS = {"$ref": "#/$defs/Address"}
BASE64 = text(contentEncoding="base64")

# A field, its JSON Schema, a value, and the form of that in JSON.
FIELDS = {
    "text": (CharField(max_length=9), text(maxLength=9), "Grüße", "Grüße"),
    "long text": (TextField(), text(), "", ""),
    "whole number": (
        IntegerField(min_value=-3),
        {"type": "integer", "minimum": -3},
        10**30,
        10**30,
    ),
    "counter": (CounterField(), {"type": "integer"}, 7, 7),
    "float": (FloatField(max_value=9.5), {"type": "number", "maximum": 9.5}, 0.1, 0.1),
    "decimal": (DecimalField(), DECIMAL, Decimal("0.10000000000000000000000000001"), None),
    "places": (DecimalField(places=2), DECIMAL, Decimal("12.50"), "12.50"),
    "truth": (BooleanField(), {"type": "boolean"}, False, False),
    "bytes": (BinaryField(max_length=9), BASE64, b"\xff\xfe", "//4="),
    "moment": (
        DateTimeField(),
        text(format="date-time"),
        dt.datetime(2026, 11, 1, 12, 0, 0, 7, UTC),
        "2026-11-01T12:00:00.000007+00:00",
    ),
    "TTL": (
        TimestampField(ttl=True),
        text(format="date-time"),
        dt.datetime(2026, 11, 1, tzinfo=UTC),
        "2026-11-01T00:00:00.000000+00:00",
    ),
    "day": (DateField(), text(format="date"), dt.date(2026, 11, 1), "2026-11-01"),
    "day in a format": (DateField(format="%d/%m/%Y"), text(), dt.date(2026, 11, 1), "01/11/2026"),
    "time": (TimeField(), text(format="time"), dt.time(12, 30), "12:30:00.000000"),
    "span": (TimeDeltaField(), text(format="duration"), dt.timedelta(hours=2), "PT2H"),
    "span as number": (
        TimeDeltaField(storage="seconds"),
        text(format="duration"),
        dt.timedelta(hours=2),
        "PT2H",
    ),
    "UUID": (UUIDField(), text(format="uuid"), UUID(int=1), str(UUID(int=1))),
    "ULID": (
        ULIDField(default=None),
        text(pattern="^[0-7][0-9A-HJKMNP-TV-Z]{25}$"),
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    ),
    "enum": (EnumField(Colour), text(enum=["r", "b"]), Colour.BLUE, "b"),
    "enum by name": (EnumField(Size), text(enum=["SMALL", "LARGE"]), Size.LARGE, "LARGE"),
    "choices": (CharField(choices=[("a", "A"), ("b", "B")]), text(enum=["a", "b"]), "a", "a"),
    "set": (
        SetField(int),
        {"type": "array", "items": {"type": "integer"}, "uniqueItems": True},
        {3, 20},
        [3, 20],
    ),
    "list": (
        ListField(DecimalField(), max_length=3),
        {"type": "array", "items": DECIMAL, "maxItems": 3},
        [Decimal("1.5"), Decimal(2)],
        ["1.5", "2"],
    ),
    "list with null": (
        ListField(DateField(null=True)),
        {"type": "array", "items": {"anyOf": [text(format="date"), NULL]}},
        [dt.date(2026, 1, 1), None],
        ["2026-01-01", None],
    ),
    "free list": (
        ListField(),
        {"type": "array"},
        [1, "a", b"hi", {"x"}, Decimal("0.10000000000000000000001"), None],
        [
            1,
            "a",
            {"$bytes": "aGk="},
            {"$set": ["x"]},
            {"$number": "0.10000000000000000000001"},
            None,
        ],
    ),
    "dict": (
        DictField(BinaryField()),
        {"type": "object", "additionalProperties": BASE64},
        {"a": b"hi"},
        {"a": "aGk="},
    ),
    "free dict": (DictField(), {"type": "object"}, {"a": {"b": [1.5]}}, {"a": {"b": [1.5]}}),
    "map": (
        MapField({"qty": IntegerField(min_value=1)}),
        {"type": "object", "properties": {"qty": {"type": "integer", "minimum": 1}}},
        {"qty": 2, "note": "x"},
        {"qty": 2, "note": "x"},
    ),
    "document": (
        EmbeddedField(Address),
        ADDRESS,
        Address(city="Bath", since=dt.date(2026, 1, 1)),
        {"city": "Bath", "since": "2026-01-01"},
    ),
    "documents": (
        ListField(Address),
        {"type": "array", "items": ADDRESS},
        [Address(city="Bath")],
        [{"city": "Bath", "since": None}],
    ),
    "compressed": (CompressedField(), {}, {"a": [1]}, {"a": [1]}),
    "compressed text": (CompressedField(CharField()), text(), "abc", "abc"),
    "references": (
        ListField(Author),
        {"type": "array", "items": text(minLength=1)},
        [Author("ann")],
        ["ann"],
    ),
    "references by two keys": (
        ListField(ForeignKey(Edition)),
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"isbn": text(minLength=1), "number": {"type": "integer"}},
                "required": ["isbn", "number"],
                "additionalProperties": False,
            },
        },
        [Edition("1", 2)],
        [{"isbn": "1", "number": 2}],
    ),
    "type of users": (Point(), text(), (3, 4), "3,4"),
    "e-mail": (CharField(validators=validate_email), text(format="email"), "a@b.org", "a@b.org"),
    "URL": (
        CharField(validators=URLValidator()),
        text(format="uri"),
        "http://a.org",
        "http://a.org",
    ),
    "pattern": (
        CharField(validators=RegexValidator(r"\A[a-z]+\Z")),
        text(pattern="^[a-z]+$"),
        "a",
        "a",
    ),
    "pattern of Python": (CharField(validators=RegexValidator(r"(?P<a>a)")), text(), "a", "a"),
    "one of": (
        IntegerField(validators=OneOfValidator([1, 2])),
        {"type": "integer", "enum": [1, 2]},
        1,
        1,
    ),
    "length by validator": (
        CharField(validators=MaxLengthValidator(3)),
        text(maxLength=3),
        "a",
        "a",
    ),
}


@pytest.fixture(params=FIELDS, name="case")
def make_case(request):
    """A model with one field, the field's schema, a value and its form in JSON."""
    field, schema, value, form = FIELDS[request.param]

    class Case(Model):
        id = CharField(hash_key=True)
        it = field

    return Case, schema, value, str(value) if form is None else form


def test_every_field_is_described(case):
    model, schema, _, _ = case
    adapter = TypeAdapter(model)
    found = adapter.json_schema()["properties"]["it"]
    found.pop("default", None)  # of a counter
    assert found == {"anyOf": [schema, NULL]}
    for made in (pydantic_model(model), pydantic_model(model, partial=True)):
        found = made.model_json_schema()["properties"]["it"]
        assert found["anyOf"] == [schema, NULL]


def test_every_field_goes_there_and_back(case):
    model, _, value, form = case
    adapter = TypeAdapter(model)
    instance = model(id="a", it=value)
    sent = adapter.dump_json(instance)
    assert json.loads(sent) == {"id": "a", "it": form}
    assert json.loads(sent) == instance.to_dict(mode="json")
    for read in (adapter.validate_json(sent), adapter.validate_python(json.loads(sent))):
        assert type(read) is model
        assert read.it == value
        assert not read.persisted


def test_values_of_the_fields_own_types_are_taken_as_well(case):
    model, _, value, form = case
    assert TypeAdapter(model).validate_python({"id": "a", "it": value}).it == value
    made = pydantic_model(model)(id="a", it=value)
    assert made.it == value
    assert json.loads(made.model_dump_json()) == {"id": "a", "it": form}
    assert made.model_dump(exclude_unset=True) == {"id": "a", "it": value}
    assert model(**made.model_dump()).it == value
    assert pydantic_model(model)(id="a", it=form).it == value


def test_what_pydantic_reads_can_be_stored(case, engine):
    model, _, value, form = case
    Table(model).create()
    read = TypeAdapter(model).validate_python({"id": "a", "it": form})
    read.save(force_insert=True)
    loaded = model.get("a")
    assert loaded.it == value
    assert json.loads(TypeAdapter(model).dump_json(loaded))["it"] == form


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20
    )
)
def test_decimals_are_exact(number):
    class Price(Document):
        amount = DecimalField()

    adapter = TypeAdapter(Price)
    assert adapter.validate_json(adapter.dump_json(Price(amount=number))).amount == number


class Order(Model):
    """What somebody has bought."""

    class Meta:
        table_name = "orders"

    pk = CharField(hash_key=True, template="CUSTOMER#{customer}")
    number = IntegerField(range_key=True)
    customer = CharField()
    label = CompositeField("customer", "number")
    total = DecimalField(required=True, places=2, min_value=Decimal(0))
    status = CharField(default="open", choices=["open", "sent"])
    note = CharField()
    ship_to = EmbeddedField(Address)
    others = ListField(Address)
    made = DateTimeField(auto_now_add=True)
    changed = DateTimeField(auto_now=True)
    version = VersionField()


def test_a_model_is_described_with_what_is_needed_and_what_sets_itself():
    schema = TypeAdapter(Order).json_schema()
    assert schema["required"] == ["number", "customer", "total"]
    assert schema["additionalProperties"] is False
    assert (schema["title"], schema["description"]) == ("Order", "What somebody has bought.")
    assert schema["properties"]["status"]["default"] == "open"
    read_only = {name for name, each in schema["properties"].items() if each.get("readOnly")}
    assert read_only == {"pk", "label", "made", "changed", "version"}
    assert schema["$defs"]["Address"]["required"] == ["city"]


def test_decimals_are_described_as_they_are_sent_and_as_they_are_taken():
    taken, sent = (
        TypeAdapter(Order).json_schema(mode=mode) for mode in ("validation", "serialization")
    )
    number = {"type": "number", "minimum": 0}
    assert taken["properties"]["total"] == {"anyOf": [number, text(format="decimal")]}
    assert sent["properties"]["total"] == text(format="decimal")


SHORT = {"customer": "ann", "number": 1, "total": "2.50"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, {(name,): "missing" for name in SHORT}),
        ({**SHORT, "nope": 1}, {("nope",): "extra_forbidden"}),
        ({**SHORT, "total": None}, {("total",): "value_error"}),
        ({**SHORT, "total": "x"}, {("total",): "value_error"}),
        ({**SHORT, "total": -1}, {("total",): "value_error"}),
        ({**SHORT, "total": "1.005"}, {("total",): "value_error"}),
        ({**SHORT, "status": "lost"}, {("status",): "value_error"}),
        ({**SHORT, "number": 1.5}, {("number",): "value_error"}),
        ({**SHORT, "pk": "CUSTOMER#bob"}, {("pk",): "value_error"}),
        ({**SHORT, "ship_to": {}}, {("ship_to", "city"): "missing"}),
        ({**SHORT, "ship_to": "Bath"}, {("ship_to",): "value_error"}),
        ({**SHORT, "ship_to": {"city": "a" * 11}}, {("ship_to", "city"): "value_error"}),
        (
            {**SHORT, "others": [{"city": "x"}, {"cty": "y"}]},
            {("others", 1, "cty"): "extra_forbidden", ("others", 1, "city"): "missing"},
        ),
    ],
)
def test_what_is_wrong_has_a_path_and_a_kind(values, expected):
    for read in (
        TypeAdapter(Order).validate_python,
        lambda v: TypeAdapter(Order).validate_json(json.dumps(v)),
    ):
        with pytest.raises(ValidationError) as caught:
            read(values)
        assert {each["loc"]: each["type"] for each in caught.value.errors()} == expected


def test_paths_go_on_where_a_model_is_inside_a_model_of_pydantic():
    class Batch(BaseModel):
        orders: list[Order]
        address: Address | None = None

    with pytest.raises(ValidationError) as caught:
        Batch(orders=[SHORT, {**SHORT, "others": [{}]}], address=3)
    assert {each["loc"] for each in caught.value.errors()} == {
        ("orders", 1, "others", 0, "city"),
        ("address",),
    }
    batch = Batch(orders=[SHORT], address=Address(city="Bath"))
    assert Batch.model_validate_json(batch.model_dump_json()).orders[0].total == Decimal("2.50")


def test_what_clean_refuses_has_its_path():
    class Stay(Model):
        id = CharField(hash_key=True)
        first = DateField()
        last = DateField()

        def clean_id(self, value):
            if value == "bad":
                raise ValueError("no {such} id")
            return value

        def clean(self):
            if self.first and self.last and self.first > self.last:
                raise OurError({"last": "it is before the first day"})

    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Stay).validate_python(
            {"id": "bad", "first": "2026-01-02", "last": "2026-01-01"}
        )
    found = {each["loc"]: each["msg"] for each in caught.value.errors()}
    assert found == {("id",): "no {such} id", ("last",): "it is before the first day"}


@pytest.mark.parametrize("given_", [None, 3, "{}", [], [("id", "a")]])
def test_what_is_no_dict_is_refused(given_):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Author).validate_python(given_)
    assert caught.value.errors()[0]["type"] == "dict_type"


def test_an_instance_is_what_it_is():
    author = Author("ann")
    assert TypeAdapter(Author).validate_python(author) is author
    assert TypeAdapter(Author).dump_python(author) is author


def test_what_is_sent_can_be_chosen():
    adapter = TypeAdapter(Order)
    order = Order(**{**SHORT, "total": Decimal("2.5")})
    assert adapter.dump_python(order, mode="json", include={"total", "number"}) == {
        "number": 1,
        "total": "2.50",
    }
    order.others = [Address(city="Bath"), Address(city="Rome")]
    inner = {"others": {"__all__": {"since"}}}
    assert adapter.dump_python(order, mode="json", include={"others"}, exclude=inner) == {
        "others": [{"city": "Bath"}, {"city": "Rome"}]
    }
    order.others = None
    found = adapter.dump_python(order, mode="json", exclude={"version"}, exclude_none=True)
    assert found.keys() == {"pk", "number", "customer", "label", "total", "status"}


def test_what_was_not_fetched_is_not_sent(engine):
    Table(Author).create()

    class Wide(Author):
        class Meta:
            table_name = "wide"

        age = IntegerField()
        born = DateField()

    Table(Wide).create()
    Wide.create(name="ann", age=3)
    part = Wide.objects.only("age").get("ann")
    assert json.loads(TypeAdapter(Wide).dump_json(part)) == {"name": "ann", "age": 3}


# -- classes by kind ---------------------------------------------------------------------------


class Shape(Document):
    class Meta:
        discriminator = "kind"

    name = CharField()


class Group(Shape):
    shapes = ListField(Shape)


class Circle(Shape):
    radius = FloatField(required=True)


class Vehicle(Model):
    class Meta:
        discriminator = "kind"

    id = CharField(hash_key=True)


class Truck(Vehicle):
    load = IntegerField()


def test_classes_by_kind_are_described_in_each_other():
    schema = TypeAdapter(Shape).json_schema()
    own, *others = schema["$defs"]["Shape"]["anyOf"]
    assert own["properties"]["kind"] == {"const": "Shape"}
    assert others == [{"$ref": "#/$defs/Group"}, {"$ref": "#/$defs/Circle"}]
    items = schema["$defs"]["Group"]["properties"]["shapes"]["anyOf"][0]["items"]
    assert items == {"$ref": "#/$defs/Shape"}
    own, other = TypeAdapter(Vehicle).json_schema()["anyOf"]
    assert own["properties"]["kind"] == {"const": "Vehicle"}
    assert other == {"$ref": "#/$defs/Truck"}
    assert TypeAdapter(Truck).json_schema()["properties"]["kind"] == {"const": "Truck"}


def test_classes_by_kind_are_read_as_what_they_are():
    values = {"kind": "Group", "shapes": [{"kind": "Circle", "radius": 1.5}, {"kind": "Shape"}]}
    group = TypeAdapter(Shape).validate_python(values)
    assert [type(each) for each in (group, *group.shapes)] == [Group, Circle, Shape]
    assert TypeAdapter(Shape).validate_json(TypeAdapter(Shape).dump_json(group)) == group
    assert type(TypeAdapter(Vehicle).validate_python({"id": "a", "kind": "Truck"})) is Truck
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Shape).validate_python(
            {"kind": "Group", "shapes": [{"kind": "Circle"}, {"kind": "Cube"}]}
        )
    assert {each["loc"] for each in caught.value.errors()} == {
        ("shapes", 0, "radius"),
        ("shapes", 1, "kind"),
    }


def test_an_abstract_model_is_refused():
    class Base(Model):
        class Meta:
            abstract = True

    with pytest.raises(TypeError, match="Base is abstract"):
        TypeAdapter(Base)


# -- models of some fields ---------------------------------------------------------------------


def test_an_input_has_what_clients_may_set():
    made = pydantic_model(Order)
    assert made.__name__ == "OrderInput"
    assert list(made.model_fields) == [
        "number",
        "customer",
        "total",
        "status",
        "note",
        "ship_to",
        "others",
    ]
    assert made.model_json_schema()["required"] == ["number", "customer", "total"]
    found = made(**SHORT)
    assert found.model_dump() == {
        "number": 1,
        "customer": "ann",
        "total": Decimal("2.50"),
        "status": "open",
        "note": None,
        "ship_to": None,
        "others": None,
    }
    assert found.model_fields_set == SHORT.keys()


def test_a_patch_has_what_was_sent_and_no_keys():
    made = pydantic_model(Order, partial=True, exclude=["note"])
    assert made.__name__ == "OrderPatch"
    assert list(made.model_fields) == ["total", "status", "ship_to", "others"]
    assert "required" not in made.model_json_schema()
    assert made().model_dump(exclude_unset=True) == {}
    sent = made.model_validate_json('{"ship_to": null, "total": 3}')
    assert sent.model_dump(exclude_unset=True) == {"ship_to": None, "total": Decimal(3)}
    for wrong in (
        {"total": None},
        {"number": 2},
        {"customer": "bob"},
        {"version": 1},
        {"status": "lost"},
        {"note": "x"},
    ):
        with pytest.raises(ValidationError) as caught:
            made(**wrong)
        assert [each["loc"] for each in caught.value.errors()] == [tuple(wrong)]


def test_the_kind_of_a_class_is_no_input():
    assert list(pydantic_model(Truck).model_fields) == ["id", "load"]
    assert type(Truck(**pydantic_model(Truck)(id="a", load=3).model_dump())) is Truck


def test_a_patch_is_what_update_takes(engine):
    Table(Order).create()
    order = Order.create(
        **{**SHORT, "total": Decimal(2), "note": "x", "ship_to": Address(city="Bath")}
    )
    made = pydantic_model(Order, partial=True)
    sent = made.model_validate_json('{"note": null, "ship_to": {"city": "Rome"}, "status": "sent"}')
    order.update(**sent.model_dump(exclude_unset=True))
    order.refresh_from_db()
    assert (order.note, order.ship_to.city, order.status, order.total) == (None, "Rome", "sent", 2)


def test_a_response_is_made_of_an_instance():
    made = pydantic_model(Order, include=["number", "total", "version"], name="OrderOut")
    order = Order(**{**SHORT, "total": Decimal("2.5")})
    assert made.model_validate(order).model_dump_json() == '{"number":1,"total":"2.50","version":0}'
    assert made.__name__ == "OrderOut"


class Sealed(Field[str]):
    """A text that is stored as bytes."""

    kind = "B"

    def to_db(self, value):
        return value[::-1].encode()

    def to_python(self, stored):
        return stored.decode()[::-1]


def test_values_of_an_instance_are_what_they_are():
    class Odd(Model):
        id = CharField(hash_key=True)
        sealed = Sealed()
        free = DictField()

    odd = Odd(id="a", sealed="abcd", free={"a": {"$bytes": "aGk="}})
    made = pydantic_model(Odd).model_validate(odd)
    assert (made.sealed, made.free) == (odd.sealed, odd.free)
    assert json.loads(made.model_dump_json()) == odd.to_dict(mode="json")


def test_a_reference_is_named_by_its_own_name_or_by_that_of_its_key():
    class Book(Model):
        isbn = CharField(hash_key=True)
        author = ForeignKey(Author)

    assert list(pydantic_model(Book, include=["author"]).model_fields) == ["author_id"]
    assert list(pydantic_model(Book, exclude=["author"]).model_fields) == ["isbn"]
    assert Book(**pydantic_model(Book)(isbn="1", author_id="ann").model_dump()).author_id == "ann"


def test_defaults_are_made_for_each():
    class Page(Model):
        id = UUIDField(version=4, hash_key=True)
        tags = ListField(str, default=[])

    first, second = pydantic_model(Page)(), pydantic_model(Page)()
    assert first.id != second.id
    assert first.tags is not second.tags


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"include": ["nope"]}, "Author has no field nope"),
        ({"exclude": ["nope"]}, "Author has no field nope"),
        ({"exclude": "name"}, r"exclude='name': give a list of names"),
    ],
)
def test_names_of_no_field_are_refused(options, message):
    with pytest.raises(TypeError, match=message):
        pydantic_model(Author, **options)


def test_a_model_may_refer_to_one_that_is_defined_later():
    class Early(Model):
        id = CharField(hash_key=True)
        late = ForeignKey("Late")
        by_late = GlobalIndex(hash_key="late")

    adapter = TypeAdapter(Early)

    class Late(Model):
        id = IntegerField(hash_key=True)

    assert adapter.json_schema()["properties"]["late_id"]["anyOf"][0] == {"type": "integer"}
    assert pydantic_model(Early)(id="a", late_id=3).late_id == 3
    assert Late


def test_pydantic_is_loaded_by_its_users_alone():
    script = (
        "import sys; from dynamodb_py import CharField, Model\n"
        "class Note(Model):\n    id = CharField(hash_key=True)\n"
        "Note(id='a').to_json(); help(Note)\n"
        "assert 'pydantic' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
