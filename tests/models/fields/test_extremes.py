"""What was written can be read: each value is read back as it was written, or refused before anything is sent."""

from __future__ import annotations

import datetime as dt
import inspect
import string
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dynamodb_py
from dynamodb_py import (
    CharField,
    CompositeField,
    DateTimeField,
    DictField,
    Document,
    EmbeddedField,
    F,
    Field,
    FloatField,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    ListField,
    LocalIndex,
    MapField,
    Model,
    OneToOneField,
    SetField,
    TimestampField,
    ULIDField,
    ValidationError,
    VersionField,
)
from dynamodb_py.codec import from_json, to_json, to_sort_key
from dynamodb_py.exceptions import ModelDefinitionError
from dynamodb_py.models.fields.version import next_version
from dynamodb_py.models.persistence.stored import encode_item, key_of, stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write
from dynamodb_py.models.persistence.update_actions import build_update
from dynamodb_py.models.records.encoding import encode_fields

from ...expressions.spelling import check_request
from ...test_codec import FREE as FREE_VALUES
from . import extremes
from .extremes import EAST, ELSEWHERE, EPOCH, FIRST, LAST, MOMENTS, ROWS, UTC, WEST

INSIDE = [name for name, row in ROWS.items() if row.inside]
FREELY = ("list", "dict", "map", "compressed")
KEYS = [name for name, row in ROWS.items() if row.key]
SORTED = [name for name, row in ROWS.items() if row.sorts]
COMPARED = [name for name, row in ROWS.items() if row.compares]


def model_with(field: Any, **more: Any) -> Any:
    return type("Test", (Model,), {"k": CharField(hash_key=True), "f": field, **more})


MODELS = {name: model_with(row.make()) for name, row in ROWS.items()}


def list_classes() -> set[type[Any]]:
    """Return all classes of fields that the package gives to users."""
    named = [getattr(dynamodb_py, name) for name in dynamodb_py.__all__]
    return {
        each
        for each in named
        if isinstance(each, type) and issubclass(each, Field) and each is not Field
    }


def list_options(kind: type[Any]) -> set[str]:
    """Return the keywords that a class of fields has besides those of all fields."""
    own = set(inspect.signature(Field.__init__).parameters)
    names: set[str] = set()
    for each in kind.__mro__[: kind.__mro__.index(Field)]:
        init = vars(each).get("__init__")
        if init is not None:
            names |= inspect.signature(init).parameters.keys()
    return names - own - {"self", "options", "o"}


def test_every_type_of_field_is_in_the_table():
    made = {type(row.make()) for row in ROWS.values()}
    assert list_classes() - made == ELSEWHERE.keys()
    for name in ELSEWHERE.values():
        assert callable(globals()[name])


def test_every_option_of_a_type_is_in_the_table():
    source = inspect.getsource(extremes)
    given_by_position = {"of", "enum", "schema", "document"}
    in_keys = {"template", "store_parts"}  # see CompositeField
    for kind in list_classes() - ELSEWHERE.keys():
        for option in list_options(kind) - given_by_position - in_keys:
            used = f"{option}=" in source
            assert used, f"no row has {kind.__name__}({option}=...)"


def check_kept(model: Any, value: Any) -> None:
    """Check that an item with *value* is read, unchanged, and saved as it was."""
    new = model(k="a", f=value)
    check_request("PutItem", {"TableName": "test", "Item": encode_fields(new, adding=True)})
    item = encode_item(new)
    loaded = model.from_db(item)
    assert loaded.f == value
    assert changes_to_write(loaded, stored_wires(loaded), validate=True) == {}
    assert encode_item(loaded) == item
    again = model.from_db(item)
    again.f = loaded.f
    assert changes_to_write(again, stored_wires(again), validate=True) == {}
    assert encode_item(model.from_dict(loaded.to_dict())) == item
    assert repr(loaded)


@pytest.mark.parametrize("name", ROWS)
def test_an_extreme_is_read_as_it_was_written(name):
    for value in ROWS[name].kept:
        check_kept(MODELS[name], value)


@pytest.mark.parametrize("name", ROWS)
def test_what_cannot_be_read_back_is_refused(name):
    for value in ROWS[name].refused:
        with pytest.raises(ValidationError) as caught:
            encode_item(MODELS[name](k="a", f=value))
        places = [place for place in caught.value.errors if place.startswith("f")]
        assert places == list(caught.value.errors)
        assert len(str(caught.value)) < 3000
        with pytest.raises(ValidationError):
            build_update(MODELS[name]._meta, (), {"f": value})


@pytest.mark.parametrize("name", INSIDE)
def test_containers_of_extremes_are_read_as_they_were_written(name):
    row = ROWS[name]
    kept = [each for each in row.kept if each is not None and each != set()]
    if name in FREELY:  # these are as deep as an item may be already
        kept = kept[:1]
    document = type("Inner", (Document,), {"d": row.make()})
    check_kept(model_with(ListField(row.make())), kept)
    check_kept(model_with(DictField(row.make())), {f"k{at}": v for at, v in enumerate(kept)})
    check_kept(model_with(ListField(document)), [document(d=each) for each in kept])
    for value in kept:
        check_kept(model_with(MapField({"m": row.make()})), {"m": value})
        check_kept(model_with(EmbeddedField(document)), document(d=value))
    if row.hashable:
        check_kept(model_with(SetField(row.make())), set(kept))
    for value in row.refused:
        for field, given_value in (
            (ListField(row.make()), [value]),
            (DictField(row.make()), {"a": value}),
            (MapField({"m": row.make()}), {"m": value}),
            (EmbeddedField(document), document(d=value)),
        ):
            with pytest.raises(ValidationError):
                encode_item(model_with(field)(k="a", f=given_value))


@pytest.mark.parametrize("name", COMPARED)
def test_conditions_compare_with_what_is_stored(name):
    model = MODELS[name]
    for value in ROWS[name].kept:
        stored = from_json(encode_item(model(k="a", f=value))).get("f")
        if value is None or stored is None:
            continue
        loaded = model.from_db({"k": {"S": "a"}, "f": stored})
        for operand in (value, loaded.f):
            query = model.objects.filter(k="a", f=operand)
            for condition in (model.f == operand, query._question.condition.conjuncts[-1]):
                assert from_json(to_json(condition.right.wire)) == stored
        with suppress(ValidationError):  # beside F, lists and sets are free ones
            condition = (F("f") == loaded.f).bind(model._meta.resolve)
            assert from_json(to_json(condition.right.wire)) == stored


@pytest.mark.parametrize("name", KEYS)
def test_keys_of_extremes_are_found_as_they_are_stored(name):
    row = ROWS[name]
    hashed = type("Hashed", (Model,), {"f": row.make(hash_key=True)})
    ranged = type(
        "Ranged", (Model,), {"k": CharField(hash_key=True), "f": row.make(range_key=True)}
    )
    indexed = type(
        "Indexed",
        (Model,),
        {
            "k": CharField(hash_key=True),
            "r": CharField(range_key=True),
            "f": row.make(),
            "by_f": GlobalIndex(hash_key="f"),
            "near": LocalIndex(range_key="f"),
        },
    )
    for value in row.kept:
        instances = [hashed(f=value), ranged(k="a", f=value), indexed(k="a", r="b", f=value)]
        if (not value and isinstance(value, (str, bytes))) or value is extremes.Text.EMPTY:
            for each in instances:
                with pytest.raises(ValidationError, match="it is empty"):
                    encode_item(each)
            continue
        for each in instances:
            loaded = type(each).from_db(encode_item(each))
            assert loaded == each
            assert key_of(loaded) == key_of(each)
            assert loaded.f == value
        key = instances[0].primary_key
        assert from_json(to_json(hashed._meta.key((key,), {}))) == from_json(
            to_json(key_of(instances[0]))
        )
        assert hashed.objects.filter(f=value).operation().key == key_of(instances[0])
        assert ranged.objects.filter(k="a", f=value).operation().key == key_of(instances[1])
        assert indexed.objects.index("by_f").filter(f=value).operation().index == "by_f"
    for value in row.refused:
        for make in (lambda v=value: hashed(f=v), lambda v=value: indexed(k="a", r="b", f=v)):
            with pytest.raises(ValidationError):
                encode_item(make())
        with pytest.raises(ValidationError):
            hashed._meta.key((value,), {})


@pytest.mark.parametrize("name", SORTED)
def test_extremes_sort_as_their_values_do(name):
    values = sorted(set(ROWS[name].kept))
    model = MODELS[name]
    ranks = [to_sort_key(from_json(to_json(model.f.encode(each)))) for each in values]
    assert ranks == sorted(ranks)
    assert len({str(rank) for rank in ranks}) == len(values)


def whole(value: Any) -> Any:
    """Return *value* as it compares: moments in UTC, tuples as lists."""
    if isinstance(value, dt.datetime):  # where summer time ends, Python finds no zones equal
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, (set, frozenset)):
        return set(map(whole, value))
    if isinstance(value, (list, tuple)):
        return list(map(whole, value))
    return value


ZONES = st.none() | st.sampled_from([UTC, EAST, WEST]) | st.timezones()
ANY = st.one_of(
    st.integers(),
    st.integers(-(10**126), 10**126),
    st.floats(),
    st.decimals(),
    st.text(st.characters(exclude_categories=[])),
    st.text(string.printable),
    st.binary(),
    st.booleans(),
    st.datetimes(timezones=ZONES),
    st.sampled_from([FIRST, LAST]),
    st.dates(),
    st.times(timezones=st.none() | st.just(UTC)),
    st.timedeltas(),
    st.uuids(),
    st.sets(st.integers() | st.floats()),
    st.sets(st.text() | st.binary()),
    st.sets(st.datetimes(timezones=st.just(UTC))),
    st.lists(st.integers() | st.decimals() | st.datetimes(timezones=st.just(WEST))),
    FREE_VALUES,
    st.sampled_from([each for row in ROWS.values() for each in (*row.kept, *row.refused)]),
)


@pytest.mark.parametrize("name", ROWS)
@settings(max_examples=30)
@given(value=ANY)
def test_any_value_is_read_as_it_was_written_or_refused(name, value):
    model = MODELS[name]
    try:
        item = encode_item(model(k="a", f=value))
    except ValidationError:
        return
    loaded = model.from_db(item)
    read = loaded.f
    if value is None or MODELS[name].f.stamps:
        return
    if MODELS[name].f.normalises:
        value = MODELS[name].f.normalise(value)
    if name == "ttl":
        assert abs(read - whole(value)) < dt.timedelta(seconds=1)
    elif name not in FREELY:  # whose numbers are read by their texts: see the tests of the codec
        assert whole(read) == whole(value)
    assert changes_to_write(loaded, stored_wires(loaded), validate=True) == {}
    loaded.f = read
    assert from_json(encode_item(loaded)) == from_json(item)


# -- what has a test of its own ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [n for n in KEYS if n not in ("float", "decimal", "bytes", "seconds")]
)
def test_keys_of_extremes_are_made_and_found(name):
    row = ROWS[name]
    if row.make().kind == "N" and not isinstance(row.make(), IntegerField):
        return  # a moment as a number is a part by a format alone
    model = type(
        "Made",
        (Model,),
        {
            "key": CompositeField("first", "f", hash_key=True),
            "first": CharField(),
            "f": row.make(),
            "other": CharField(template="{f}#{first}"),
            "by_other": GlobalIndex(hash_key="other"),
        },
    )
    for value in row.kept:
        try:
            item = encode_item(model(first="#$", f=value))
        except ValidationError:
            continue
        loaded = model.from_db(item)
        assert (loaded.first, loaded.f) == ("#$", value)
        wires = from_json(item)
        assert model._meta.key((), {"first": "#$", "f": value}) == {"key": wires["key"]}
        assert model.objects.filter(first="#$", f=value).operation().key == {"key": wires["key"]}


@pytest.mark.parametrize("kind", [DateTimeField, TimestampField])
@pytest.mark.parametrize("tz", [None, EAST, WEST, "Europe/Berlin"])
def test_a_part_by_a_format_takes_every_moment(kind, tz):
    model = type(
        "Made",
        (Model,),
        {
            "key": CharField(hash_key=True, template="{at:%Y-%m-%dT%H:%M:%S.%f}"),
            "day": CharField(template="{at:%Y-%m-%d}"),
            "at": kind(tz=tz),
        },
    )
    keys = []
    for moment in sorted(MOMENTS):
        loaded = model.from_db(encode_item(model(at=moment)))
        assert loaded.at == moment
        assert loaded.day == moment.astimezone(UTC).strftime("%Y").zfill(4) + loaded.key[4:10]
        keys.append(loaded.key)
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("kind", [ForeignKey, OneToOneField])
@pytest.mark.parametrize("name", KEYS)
def test_references_to_extreme_keys_are_stored_and_read(kind, name):
    row = ROWS[name]
    single = type("Single", (Model,), {"f": row.make(hash_key=True)})
    double = type(
        "Double", (Model,), {"k": CharField(hash_key=True), "f": row.make(range_key=True)}
    )
    model = type(
        "Referring",
        (Model,),
        {"k": CharField(hash_key=True), "one": kind(single), "two": kind(double)},
    )
    listed = model_with(ListField(ForeignKey(double)))
    for value in row.kept:
        if (not value and isinstance(value, (str, bytes))) or value is extremes.Text.EMPTY:
            continue
        one, two = single(f=value), double(k="a", f=value)
        loaded = model.from_db(encode_item(model(k="a", one=one, two=two)))
        assert (loaded.one_id, loaded.two_f) == (value, value)
        wires = stored_wires(loaded)
        assert wires["one"] == from_json(to_json(key_of(one)["f"]))
        assert changes_to_write(loaded, wires, validate=True) == {}
        assert [each.f for each in listed.from_db(encode_item(listed(k="a", f=[two]))).f] == [value]


def test_the_greatest_version_is_raised():
    field = VersionField()
    for number in (10**38 - 1, 10**37):
        assert next_version(field.bound_to("Test", "version"), {"version": {"N": str(number)}}) == {
            "N": str(number + 1)
        }


# -- the ends of time -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [DateTimeField, TimestampField])
def test_a_moment_that_the_zone_has_no_date_for_is_read_in_utc(kind):
    for tz, moment, zone in [
        (EAST, LAST, UTC),
        (EAST, FIRST, EAST),
        (WEST, FIRST, UTC),
        (WEST, LAST, WEST),
        ("Europe/Berlin", LAST, UTC),
    ]:
        model = model_with(kind(tz=tz))
        read = model.from_db(encode_item(model(k="a", f=moment))).f
        assert (read, read.tzinfo) == (moment, zone)


@pytest.mark.parametrize("after", [dt.timedelta.max, dt.timedelta(days=366 * 9000)])
def test_a_time_to_live_past_the_end_of_the_calendar_is_refused(after):
    with pytest.raises(ModelDefinitionError, match="leads past the year"):
        model_with(TimestampField(ttl=True, after=after))


@pytest.mark.parametrize("value", [2**53 + 1, 10**23, 10**30, -(10**30), 10**400])
def test_an_int_that_no_float_equals_is_no_float(value):
    model = MODELS["float"]
    with pytest.raises(ValidationError, match="no float equals it; use an IntegerField"):
        encode_item(model(k="a", f=value))
    if abs(value) < 10**126:  # a stored float may be compared with it
        [term] = (model.f < value).conjuncts
        assert term.right.wire == IntegerField().encode(value)
        assert model.objects.filter(k="a", f__lt=value).operation()


def test_an_int_is_stored_as_the_float_that_equals_it():
    for value in (0, -1, 2**53, 2**100):
        assert FloatField().encode(value) == FloatField().encode(float(value))


def test_the_least_ulid_of_a_moment_is_one_or_refused():
    for moment in (EPOCH, LAST):
        least = ULIDField.at(moment)
        assert ULIDField.moment(least) <= moment
        assert check_kept(model_with(ULIDField()), least) is None
    with pytest.raises(ValueError, match="begins in 1970"):
        ULIDField.at(FIRST)
