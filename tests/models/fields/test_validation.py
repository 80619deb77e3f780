"""Values that a field's options refuse: every wrong field is told, and nothing is sent."""

from __future__ import annotations

import pickle
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest

from dynamodb_py import (
    BinaryField,
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    DictField,
    Document,
    DynamoDBError,
    EmbeddedField,
    FloatField,
    IntegerField,
    ItemTooLarge,
    ListField,
    MapField,
    Model,
    ModelDefinitionError,
    SetField,
    TimeDeltaField,
    TimeField,
    TimestampField,
    ValidationError,
)
from dynamodb_py.models.persistence.stored import encode_item, stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write

from ..wire import ids, model_of

UTC = timezone.utc


def even(value):
    if value % 2:
        raise ValueError(f"{value} is odd")


def is_positive(value):
    return value > 0


def twice_wrong(value):
    raise ValidationError({"a": ["first"], "b": ["second", "third"]})


ROWS = [
    (CharField(required=True), None, "it is required: give it a value"),
    (CharField(required=True, null=True), None, "it is required: give it a value"),
    (CharField(min_length=2), "a", "its length 1 is less than min_length 2"),
    (CharField(max_length=2), "abc", "its length 3 is greater than max_length 2"),
    (BinaryField(max_length=2), b"abc", "its length 3 is greater than max_length 2"),
    (ListField(max_length=2), [1, 2, 3], "its length 3 is greater than max_length 2"),
    (ListField(min_length=1), [], "its length 0 is less than min_length 1"),
    (DictField(max_length=1), {"a": 1, "b": 2}, "its length 2 is greater than max_length 1"),
    (SetField(int, max_length=1), {1, 2}, "its length 2 is greater than max_length 1"),
    (IntegerField(min_value=1), 0, "0 is less than min_value 1"),
    (IntegerField(max_value=0), 1, "1 is greater than max_value 0"),
    (FloatField(max_value=0.5), 0.75, "0.75 is greater than max_value 0.5"),
    (DecimalField(min_value=0), Decimal("-0.1"), "Decimal('-0.1') is less than min_value 0"),
    (DateField(min_value=date(2026, 1, 1)), date(2025, 12, 31), "datetime.date(2025, 12, 31) is less than min_value datetime.date(2026, 1, 1)"),
    (TimeField(max_value=time(17)), time(18), "datetime.time(18, 0) is greater than max_value datetime.time(17, 0)"),
    (TimeField(max_value=time(17)), time(9, tzinfo=UTC), "cannot be compared with its bounds: can't compare offset-naive and offset-aware times"),
    (TimeDeltaField(min_value=timedelta(0)), timedelta(-1), "is less than min_value datetime.timedelta(0)"),
    (DateTimeField(max_value=datetime(2026, 1, 1)), datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC), "is greater than max_value datetime.datetime(2026, 1, 1, 0, 0)"),
    (TimestampField(min_value=datetime(2026, 1, 1, tzinfo=UTC)), datetime(2025, 1, 1), "is less than min_value"),
    (CharField(choices=["a", "b"]), "c", "'c' is not one of 'a', 'b'"),
    (CharField(choices=[("a", "Apple"), ("b", "Banana")]), "Apple", "'Apple' is not one of 'a', 'b'"),
    (IntegerField(choices=(n for n in (1, 2))), 3, "3 is not one of 1, 2"),
    (IntegerField(validators=even), 3, "3 is odd"),
    (IntegerField(validators=is_positive), -1, "-1 is refused by is_positive"),
    (IntegerField(validators=twice_wrong), 1, ["first", "second", "third"]),
    (IntegerField(validators=[is_positive, even], min_value=0), -1, ["-1 is less than min_value 0", "-1 is refused by is_positive", "-1 is odd"]),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "message"), ROWS, ids=ids(ROWS))
def test_what_the_options_of_a_field_refuse_is_told_before_sending(field, value, message):
    Test = model_of(field)
    with pytest.raises(ValidationError) as caught:
        encode_item(Test(k="a", x=value))
    assert list(caught.value.errors) == ["x"]
    found = caught.value.errors["x"]
    if isinstance(message, list):
        assert found == message
    else:
        assert len(found) == 1
        assert message in found[0]

    loaded = Test.from_db({"k": {"S": "a"}, "x": {"S": "other"}})
    loaded.x = value
    with pytest.raises(ValidationError) as caught:
        changes_to_write(loaded, stored_wires(loaded), validate=True)
    assert caught.value.errors == {"x": found}


@pytest.mark.parametrize(("field", "value", "message"), ROWS, ids=ids(ROWS))
def test_validate_false_skips_the_options_and_nothing_else(field, value, message):
    assert encode_item(model_of(field)(k="a", x=value), validate=False)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (CharField(max_length=2, min_length=2), "ab"),
        (CharField(max_length=0), ""),
        (IntegerField(min_value=1, max_value=1), 1),
        (CharField(max_length=2, choices=["a"], validators=str.islower), None),
        (DateTimeField(min_value=datetime(2026, 1, 1)), datetime(2026, 1, 1)),
        (CharField(choices=[("a", "Apple")]), "a"),
        (ListField(max_length=2), (1, 2)),
        (IntegerField(validators=lambda _: None), 1),
        (IntegerField(validators=lambda _: 0), 1),  # False alone refuses
    ],
)
def test_what_lies_on_the_bounds_is_taken(field, value):
    assert encode_item(model_of(field)(k="a", x=value))


class Address(Document):
    city = CharField(required=True, max_length=5)
    floor = IntegerField(min_value=0)


class Test(Model):
    __test__ = False  # pytest must not take it for one of its own

    k = CharField(hash_key=True)
    r = IntegerField(range_key=True)
    name = CharField(required=True, name="n")
    score = IntegerField(max_value=10)
    home = EmbeddedField(Address)
    homes = ListField(Address)
    free = DictField()


@pytest.mark.parametrize("choices", ["abc", b"abc", ""], ids=repr)
@pytest.mark.parametrize("kind", [CharField, IntegerField, BinaryField])
def test_a_text_is_not_several_choices(kind, choices):
    with pytest.raises(ModelDefinitionError, match=r"choices=.*: give a list of them"):
        kind(choices=choices)


@pytest.mark.parametrize("exclude", ["k", "name", ""])
def test_a_text_is_not_several_fields_to_exclude(exclude):
    with pytest.raises(TypeError, match=r"exclude=.*: give a list of names"):
        Test(k="a", r=1).full_clean(exclude)


def test_every_wrong_field_is_told_not_only_the_first():
    wrong = Test(
        k="",
        score=11,
        home=Address(floor=-1),
        homes=[Address(city="Lyon"), Address(city="too long"), "Lyon"],
        free={"a": [1, object]},
    )
    with pytest.raises(ValidationError) as caught:
        encode_item(wrong)
    assert list(caught.value.errors) == [
        "k",
        "r",
        "name",
        "score",
        "home.city",
        "home.floor",
        "homes[1].city",
        "homes[2]",
        "free.a[1]",
    ]
    assert caught.value.model == "Test"
    assert str(caught.value).startswith(
        "Test: k: it is empty, which DynamoDB allows everywhere but"
    )
    assert str(caught.value).count(" | ") == 8


def test_a_validation_error_is_a_value_error_and_survives_pickling():
    with pytest.raises(ValueError, match="it is required") as caught:
        encode_item(Test())
    error = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(error, DynamoDBError)
    assert (type(error), error.errors, error.model, str(error)) == (
        ValidationError,
        caught.value.errors,
        "Test",
        str(caught.value),
    )


def test_a_loaded_instance_is_not_judged_by_what_did_not_change():
    loaded = Test.from_db({"k": {"S": "a"}, "r": {"N": "1"}, "score": {"N": "99"}})
    assert (loaded.score, loaded.name) == (99, None)  # too high, and missing
    loaded.free = {"a": 1}
    changes = changes_to_write(loaded, stored_wires(loaded), validate=True)
    assert changes == {"free": {"M": {"a": {"N": "1"}}}}


def test_an_unknown_keyword_is_a_type_error_that_names_the_fields():
    with pytest.raises(TypeError) as caught:
        Test(k="a", scoer=1, nmae="b")
    assert str(caught.value) == (
        "Test has no field scoer, nmae: its fields are k, r, name, score, home, homes, free"
    )
    with pytest.raises(TypeError, match="Address has no field town: its fields are city, floor"):
        Address(town="Lyon")
    with pytest.raises(TypeError, match="Test has no field n: its fields are"):
        Test(n="by the attribute's name")
    with pytest.raises(TypeError, match="Test has no field x: its fields are"):
        Test.from_dict({"x": 1})


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        (("a", 1, 2), {}, "Test takes k and r by position, not 3 values"),
        (("a",), {"k": "b"}, "Test got two values for k"),
    ],
)
def test_positions_are_for_the_key_alone(args, kwargs, message):
    with pytest.raises(TypeError, match=message):
        Test(*args, **kwargs)
    assert (Test("a", 1).k, Test("a", r=1).r) == ("a", 1)


def test_the_bounds_of_a_default_that_is_made_are_checked_on_saving():
    with pytest.raises(ValidationError, match="x: -1 is less than min_value 0"):
        encode_item(model_of(IntegerField(default=lambda: -1, min_value=0))(k="a"))


# -- too large -----------------------------------------------------------------------------------


def test_an_item_over_400_kb_is_refused_with_its_largest_fields():
    Big = model_of(CharField(), y=BinaryField(), z=ListField())
    with pytest.raises(ItemTooLarge) as caught:
        encode_item(Big(k="a", x="é" * 130_000, y=b"x" * 200_000, z=[1]))
    assert str(caught.value) == (
        "Test: the item has 460011 bytes, and DynamoDB takes 409600; its largest fields: x (260001 bytes), y (200001 bytes), z (7 bytes)"
    )
    assert isinstance(caught.value, ValidationError)


@pytest.mark.parametrize(
    ("value", "fits"),
    [(409_600 - 3, True), (409_600 - 2, False)],
)
def test_the_last_byte_counts(value, fits):
    # "k" and "a" are two bytes, "x" one.
    Big = model_of(BinaryField())
    if fits:
        assert encode_item(Big(k="a", x=b"x" * value))
    else:
        with pytest.raises(ItemTooLarge):
            encode_item(Big(k="a", x=b"x" * value))


def test_escapes_and_base64_do_not_count():
    assert encode_item(model_of(CharField())(k="a", x="\x00" * 400_000))
    assert encode_item(model_of(BinaryField())(k="a", x=b"\xff" * 400_000))


def test_text_that_is_none_is_told_by_the_fields_name():
    wrong = Test(k="a", r=1, name="\ud800", free={"\udfff": 1}, homes=[Address(city="\ud800")])
    with pytest.raises(ValidationError) as caught:
        encode_item(wrong)
    message = ["it is not valid Unicode: surrogates not allowed"]
    assert caught.value.errors == {"name": message, "homes": message, "free": message}


def test_validate_false_skips_the_options_of_what_lies_inside_too_and_no_type():
    inside = {
        "home": Address(floor=-1),
        "homes": [Address(city="too long")],
        "free": {},
    }
    wrong = Test(k="a", r=1, name="n", **inside)
    with pytest.raises(ValidationError) as caught:
        encode_item(wrong)
    assert list(caught.value.errors) == ["home.city", "home.floor", "homes[0].city"]
    item = encode_item(wrong, validate=False)
    loaded = Test.from_db(item)
    loaded.home.floor = -2
    with pytest.raises(ValidationError):
        changes_to_write(loaded, stored_wires(loaded), validate=True)
    assert "home" in changes_to_write(loaded, stored_wires(loaded), validate=False)
    with pytest.raises(ValidationError):  # it was for that once
        encode_item(wrong)

    lists = model_of(
        ListField(IntegerField(max_value=1)), m=MapField({"a": CharField(required=True)})
    )
    assert encode_item(lists(k="a", x=[5], m={}), validate=False)
    with pytest.raises(ValidationError, match=r"x\[0\]: 'a' is a str, not an int"):
        encode_item(lists(k="a", x=["a"], m={}), validate=False)
