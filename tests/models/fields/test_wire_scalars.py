"""What each plain value is on the wire and back, and what is refused, as the documentation's table says."""

from __future__ import annotations

import enum
import uuid
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest

from dynamodb_py import (
    BinaryField,
    BooleanField,
    CharField,
    CounterField,
    DecimalField,
    EnumField,
    Field,
    FloatField,
    IntegerField,
    Model,
    TextField,
    UnreadableValue,
    UUIDField,
    ValidationError,
)
from dynamodb_py.models.persistence.stored import encode_item

from ..wire import ids, model_of, read_by, stored_by

NINES = int("9" * 38)
ONE = uuid.UUID(int=1)


class Colour(enum.Enum):
    RED = "r"
    CRIMSON = "r"  # noqa: PIE796 - an alias
    GREEN = "g"


class Size(enum.Enum):
    SMALL = 1
    LARGE = "l"


class Rank(enum.IntEnum):
    LOW = 0
    HIGH = 1


class Flags(enum.Flag):
    READ = 1
    WRITE = 2


class Name(str, enum.Enum):
    ANN = "ann"


class MyInt(int):
    def __repr__(self):
        return "mine"


class MyFloat(float):
    def __repr__(self):
        return "mine"


class MyText(str):
    __slots__ = ()

    def __str__(self):
        return "mine"


BOTH_WAYS = [
    (CharField(), "text", {"S": "text"}),
    (CharField(), "", {"S": ""}),
    (CharField(), "\x00\u2028\U0001f600", {"S": "\x00\u2028\U0001f600"}),
    (TextField(), "long", {"S": "long"}),
    (IntegerField(), 0, {"N": "0"}),
    (IntegerField(), -7, {"N": "-7"}),
    (IntegerField(), 2**64, {"N": "18446744073709551616"}),
    (IntegerField(), NINES, {"N": "9" * 38}),
    (IntegerField(), -NINES, {"N": "-" + "9" * 38}),
    (IntegerField(), 10**38, {"N": "1E+38"}),
    (IntegerField(), 10**125, {"N": "1E+125"}),
    (CounterField(), 3, {"N": "3"}),
    (FloatField(), 99.99, {"N": "99.99"}),
    (FloatField(), 0.1, {"N": "0.1"}),
    (FloatField(), 0.1 + 0.2, {"N": "0.30000000000000004"}),
    (FloatField(), 2.0, {"N": "2"}),
    (FloatField(), -1.5, {"N": "-1.5"}),
    (FloatField(), 0.0, {"N": "0"}),
    (FloatField(), 1e16, {"N": "10000000000000000"}),
    (FloatField(), 1e-7, {"N": "0.0000001"}),
    (FloatField(), 1.5e100, {"N": "1.5E+100"}),
    (FloatField(), 1e-130, {"N": "1E-130"}),
    (DecimalField(), Decimal("12.50"), {"N": "12.5"}),
    (DecimalField(), Decimal("1E+2"), {"N": "100"}),
    (DecimalField(), Decimal("0.1"), {"N": "0.1"}),
    (DecimalField(), Decimal("-" + "9" * 38), {"N": "-" + "9" * 38}),
    (DecimalField(), Decimal("1." + "2" * 37), {"N": "1." + "2" * 37}),
    (DecimalField(), Decimal("1.2E-130"), {"N": "1.2E-130"}),
    (DecimalField(), Decimal("9.9E+125"), {"N": "9.9E+125"}),
    (BooleanField(), True, {"BOOL": True}),
    (BooleanField(), False, {"BOOL": False}),
    (BinaryField(), b"\x00\xff", {"B": b"\x00\xff"}),
    (BinaryField(), b"", {"B": b""}),
    (UUIDField(), ONE, {"S": "00000000-0000-0000-0000-000000000001"}),
    (EnumField(Colour), Colour.RED, {"S": "r"}),
    (EnumField(Size), Size.LARGE, {"S": "LARGE"}),
    (EnumField(Rank), Rank.LOW, {"S": "LOW"}),
    (EnumField(Flags), Flags.WRITE, {"S": "WRITE"}),
    (EnumField(Name), Name.ANN, {"S": "ann"}),
]


@pytest.mark.parametrize(("field", "value", "wire"), BOTH_WAYS, ids=ids(BOTH_WAYS))
def test_a_value_is_on_the_wire_as_the_table_says_and_reads_back_the_same(field, value, wire):
    assert stored_by(field, value) == wire
    found = read_by(field, wire)
    assert found == value
    assert type(found) is type(value)
    assert field.encode(value) == wire


TAKEN = [
    (FloatField(), 3, {"N": "3"}),
    (FloatField(), -0.0, {"N": "0"}),
    (FloatField(), 2**53 + 2, {"N": "9007199254740994"}),
    (FloatField(), MyFloat(1.5), {"N": "1.5"}),
    (IntegerField(), MyInt(5), {"N": "5"}),
    (IntegerField(), Rank.HIGH, {"N": "1"}),
    (DecimalField(), 5, {"N": "5"}),
    (DecimalField(), Decimal("-0.00"), {"N": "0"}),
    (DecimalField(), Decimal("1." + "0" * 60), {"N": "1"}),
    (CharField(), MyText("text"), {"S": "text"}),
    (CharField(), Name.ANN, {"S": "ann"}),
    (BinaryField(), bytearray(b"ab"), {"B": b"ab"}),
    (BinaryField(), memoryview(b"ab"), {"B": b"ab"}),
    (EnumField(Colour), Colour.CRIMSON, {"S": "r"}),
]


@pytest.mark.parametrize(("field", "value", "wire"), TAKEN, ids=ids(TAKEN))
def test_a_value_of_a_kindred_type_is_taken(field, value, wire):
    assert stored_by(field, value) == wire


READ = [
    (IntegerField(), {"N": "1.0"}, 1),
    (IntegerField(), {"N": "1E+2"}, 100),
    (IntegerField(), {"N": "-1.20E1"}, -12),
    (FloatField(), {"N": "1E+2"}, 100.0),
    (FloatField(), {"N": "0.12345678901234567890123"}, 0.12345678901234568),
    (DecimalField(), {"N": "1E+2"}, Decimal(100)),
    (UUIDField(), {"S": "00000000000000000000000000000001"}, ONE),
    (
        UUIDField(),
        {"S": "ABCDEF00-0000-0000-0000-000000000001"},
        uuid.UUID("abcdef00" + "0" * 23 + "1"),
    ),
    (BinaryField(), {"B": "AP8="}, b"\x00\xff"),
    *[(field, {"NULL": True}, None) for field in (CharField(), IntegerField(), EnumField(Size))],
]


@pytest.mark.parametrize(("field", "wire", "value"), READ, ids=ids(READ))
def test_what_others_wrote_is_read(field, wire, value):
    found = read_by(field, wire)
    assert found == value
    assert type(found) is type(value)


REFUSED = [
    (CharField(), 5, "5 is an int, not text"),
    (CharField(), b"x", "b'x' is a bytes, not text"),
    (
        IntegerField(),
        True,
        "True is a bool, not an int: convert it with int() or round()",
    ),
    (
        IntegerField(),
        7.5,
        "7.5 is a float, not an int: convert it with int() or round()",
    ),
    (IntegerField(), 7.0, "7.0 is a float, not an int"),
    (IntegerField(), "7", "'7' is a str, not an int"),
    (IntegerField(), Decimal(7), "Decimal('7') is a Decimal, not an int"),
    (
        IntegerField(),
        10**38 + 1,
        "1" + "0" * 37 + "1 has more than the 38 significant digits of a number",
    ),
    (IntegerField(), 10**126, "is out of range: from 1E-130 to 9.99E+125"),
    (CounterField(), True, "True is a bool, not an int"),
    (FloatField(), float("nan"), "NaN is not a number that DynamoDB can hold"),
    (FloatField(), float("inf"), "Infinity is not a number that DynamoDB can hold"),
    (FloatField(), float("-inf"), "-Infinity is not a number that DynamoDB can hold"),
    (FloatField(), 5e-324, "5E-324 is out of range: from 1E-130 to 9.99E+125"),
    (FloatField(), 1.7e308, "1.7E+308 is out of range"),
    (FloatField(), True, "True is a bool, not a float"),
    (FloatField(), "1.5", "'1.5' is a str, not a float"),
    (FloatField(), Decimal("1.5"), "Decimal('1.5') is a Decimal, not a float"),
    (DecimalField(), 1.5, "1.5 is a float, not a Decimal: write Decimal('1.5')"),
    (DecimalField(), True, "True is a bool, not a Decimal"),
    (DecimalField(), "1.5", "'1.5' is a str, not a Decimal"),
    (DecimalField(), Fraction(1, 2), "Fraction(1, 2) is a Fraction, not a Decimal"),
    (
        DecimalField(),
        Decimal("1." + "2" * 38),
        "has more than the 38 significant digits of a number",
    ),
    (DecimalField(), Decimal("NaN"), "NaN is not a number that DynamoDB can hold"),
    (DecimalField(), Decimal("sNaN"), "sNaN is not a number that DynamoDB can hold"),
    (DecimalField(), Decimal("-Infinity"), "-Infinity is not a number that DynamoDB can hold"),
    (DecimalField(), Decimal("1E+126"), "1E+126 is out of range: from 1E-130 to 9.99E+125"),
    (DecimalField(), Decimal("1E-131"), "1E-131 is out of range: from 1E-130 to 9.99E+125"),
    (BooleanField(), 1, "1 is an int, not a bool"),
    (BooleanField(), "true", "'true' is a str, not a bool"),
    (BinaryField(), "text", "'text' is a str, not bytes: encode text first"),
    (BinaryField(), [1], "[1] is a list, not bytes"),
    (UUIDField(), str(ONE), f"'{ONE}' is a str, not a UUID: write uuid.UUID(...)"),
    (EnumField(Colour), "r", "'r' is a str, not a member of Colour"),
    (EnumField(Colour), Size.SMALL, "<Size.SMALL: 1> is a Size, not a member of Colour"),
    (
        EnumField(Flags),
        Flags.READ | Flags.WRITE,
        "is a combination: only single members can be stored",
    ),
    (CharField(), "\ud800", "it is not valid Unicode: surrogates not allowed"),
]


@pytest.mark.parametrize(("field", "value", "message"), REFUSED, ids=ids(REFUSED))
def test_a_value_that_cannot_be_stored_is_refused_before_anything_is_sent(field, value, message):
    model = model_of(field)
    with pytest.raises(ValidationError) as caught:
        encode_item(model(k="a", x=value))
    assert list(caught.value.errors) == ["x"]
    assert message in caught.value.errors["x"][0]
    assert str(caught.value).startswith("Test: x: ")
    with pytest.raises(ValidationError) as caught:
        model.x.encode(value)  # and so in conditions
    assert message in str(caught.value)
    assert "Test.x" in str(caught.value)


UNREADABLE = [
    (CharField(), {"N": "5"}, "S was expected"),
    (IntegerField(), {"N": "1.5"}, ""),
    (IntegerField(), {"S": "1"}, "N was expected"),
    (IntegerField(), {"N": "abc"}, ""),
    (BooleanField(), {"N": "1"}, "BOOL was expected"),
    (BooleanField(), {"BOOL": "true!"}, ""),
    (DecimalField(), {"S": "1.5"}, "N was expected"),
    (UUIDField(), {"S": "no uuid"}, "UUID"),
    (EnumField(Colour), {"S": "purple"}, "'purple' is not a member of Colour"),
    (BinaryField(), {"S": "AQI="}, "B was expected"),
]


@pytest.mark.parametrize(("field", "wire", "message"), UNREADABLE, ids=ids(UNREADABLE))
def test_a_stored_value_of_another_type_is_told_and_hides_no_other(field, wire, message):
    instance = model_of(field, y=IntegerField()).from_db(
        {"k": {"S": "a"}, "x": wire, "y": {"N": "3"}}
    )
    with pytest.raises(UnreadableValue, match=r"Test\.x: the stored ") as caught:
        _ = instance.x
    assert f"cannot be read as {type(field).__name__}" in str(caught.value)
    assert message in str(caught.value)
    assert (instance.k, instance.y) == ("a", 3)
    with pytest.raises(UnreadableValue):
        _ = instance.x  # the second time too


@pytest.mark.parametrize("plain", ["plain", 5, ["S"], {}, {"city": "x"}, None], ids=repr)
def test_a_plain_value_is_no_stored_one(plain):
    with pytest.raises(ValidationError, match=r"x: .* is not an attribute value"):
        model_of(CharField()).from_db({"k": {"S": "a"}, "x": plain})


@pytest.mark.parametrize("precision", [1, 6, 28, 60])
def test_numbers_do_not_depend_on_the_precision_that_a_program_has_set(precision):
    with localcontext() as context:
        context.prec = precision
        exact = Decimal("1234567890.1234567890123456789")
        assert stored_by(DecimalField(), exact) == {"N": str(exact)}
        assert read_by(DecimalField(), {"N": str(exact)}) == exact
        assert stored_by(IntegerField(), 10**38) == {"N": "1E+38"}
        assert read_by(IntegerField(), {"N": "12345678901E+2"}) == 1234567890100


@pytest.mark.parametrize(
    "field", [CharField(), IntegerField(), BooleanField(), EnumField(Colour), UUIDField()]
)
def test_none_is_absence_and_null_where_the_field_says_so(field):
    assert stored_by(field, None) is None
    nullable = type(field).__new__(type(field))
    vars(nullable).update(vars(field), null=True)
    assert stored_by(nullable, None) == {"NULL": True}
    assert read_by(nullable, {"NULL": True}) is None


def test_none_for_a_key_is_refused():
    class Test(Model):
        k = CharField(hash_key=True)
        r = IntegerField(range_key=True)

    with pytest.raises(ValidationError) as caught:
        encode_item(Test())
    assert caught.value.errors == {
        "k": ["it is required: give it a value"],
        "r": ["it is required: give it a value"],
    }
    assert str(caught.value) == (
        "Test: k: it is required: give it a value | r: it is required: give it a value"
    )


EMPTY_KEY = "it is empty, which DynamoDB allows everywhere but in a key"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (CharField(range_key=True), "", EMPTY_KEY),
        (BinaryField(range_key=True), b"", EMPTY_KEY),
        (
            CharField(range_key=True),
            "é" * 513,
            "it is longer than the 1024 bytes that a range key may have",
        ),
        (
            BinaryField(range_key=True),
            b"x" * 1025,
            "it is longer than the 1024 bytes that a range key may have",
        ),
        (
            CharField(range_key=True),
            "\ud800" * 300,
            "it is not valid Unicode: surrogates not allowed",
        ),
        (CharField(range_key=True), "\ud800", "it is not valid Unicode: surrogates not allowed"),
    ],
)
def test_what_no_key_can_be_is_refused_wherever_a_key_is_given(field, value, message):
    class Test(Model):
        k = CharField(hash_key=True)
        r = field

    for ask in (
        lambda: encode_item(Test(k="a", r=value)),
        lambda: Test._meta.key(("a", value), {}),
    ):
        with pytest.raises(ValidationError) as caught:
            ask()
        assert caught.value.errors == {"r": [message]}


@pytest.mark.parametrize("value", ["é" * 512, "x" * 1024])
def test_a_key_as_long_as_it_may_be_is_taken(value):
    class Test(Model):
        k = CharField(hash_key=True)
        r = CharField(range_key=True)

    assert Test._meta.key((value * 2, value), {}) == {"k": {"S": value * 2}, "r": {"S": value}}


# -- fields of one's own -----------------------------------------------------------------------


class Point(Field["tuple[int, int]"]):
    kind = "S"

    def to_db(self, value):
        return f"{value[0]},{value[1]}"

    def to_python(self, stored):
        x, y = stored.split(",")
        return int(x), int(y)


class Money(Field[Decimal]):
    kind = "M"

    def to_db(self, value):
        return {"amount": value, "currency": "EUR"}

    def to_python(self, stored):
        return Decimal(stored["amount"])


class Cents(IntegerField):
    """Changes what is stored: the short way of IntegerField must not be taken."""

    def to_db(self, value):
        return super().to_db(value) * 100

    def to_python(self, stored):
        return stored // 100


class Upper(CharField):
    def to_db(self, value):
        return super().to_db(value).upper()


class Doubled(FloatField):
    def to_db(self, value):
        return value * 2

    def to_python(self, stored):
        return stored / 2


@pytest.mark.parametrize(
    ("field", "value", "wire"),
    [
        (Point(), (3, 4), {"S": "3,4"}),
        (Money(), Decimal("1.50"), {"M": {"amount": {"N": "1.5"}, "currency": {"S": "EUR"}}}),
        (Cents(), 5, {"N": "500"}),
        (Upper(), "ABC", {"S": "ABC"}),
        (Doubled(), 1.5, {"N": "3"}),
    ],
)
def test_a_field_of_ones_own_is_stored_as_it_says(field, value, wire):
    assert stored_by(field, value) == wire
    assert read_by(field, wire) == value


@pytest.mark.parametrize(
    ("field", "value"), [(Point(), 5), (Point(), {}), (Point(), (1,)), (Upper(), 7)]
)
def test_what_a_field_of_ones_own_cannot_convert_is_a_validation_error(field, value):
    with pytest.raises(ValidationError, match=r"Test: x: ."):
        stored_by(field, value)


@pytest.mark.parametrize("stored", ["no comma", "a,b", "1,2,3"])
def test_what_a_field_of_ones_own_cannot_read_is_an_unreadable_value(stored):
    with pytest.raises(UnreadableValue, match="cannot be read as Point"):
        read_by(Point(), {"S": stored})


def test_a_field_of_ones_own_that_stores_another_kind_than_it_says_is_told():
    class Wrong(Field[int]):
        kind = "N"

        def to_db(self, value):
            return str(value)

    with pytest.raises(ValidationError, match="5 is not stored as N but as S"):
        stored_by(Wrong(), 5)
