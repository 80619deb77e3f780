"""TTL: which field says it, what is stored there, and who counts as expired."""

from __future__ import annotations

import itertools
import pickle
import time
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    BooleanField,
    CharField,
    DateTimeField,
    DecimalField,
    Document,
    F,
    GlobalIndex,
    IntegerField,
    Model,
    ModelDefinitionError,
    QueryError,
    ScanRequired,
    TableMismatch,
    TimestampField,
    ValidationError,
)
from dynamodb_py.codec import from_json, to_json
from dynamodb_py.exceptions import InvalidRequest, TableInUse
from dynamodb_py.models.persistence.stored import encode_item, mark_saved
from dynamodb_py.models.persistence.tracking import changes_to_write
from dynamodb_py.models.queryset.execution import direct_query, plan_query
from dynamodb_py.models.visibility import filter_item
from dynamodb_py.operations.base import Pause
from dynamodb_py.operations.tables import DescribeTimeToLive, UpdateTimeToLive
from dynamodb_py.reading import hash_query
from dynamodb_py.tables.ttl import ensure

UTC = timezone.utc
MONTH = timedelta(days=30)
NOW = 1_795_000_000


@pytest.fixture
def clock(monkeypatch):
    """The present, in seconds since 1970: ``clock(later)`` sets it."""

    def turn(seconds):
        monkeypatch.setattr("dynamodb_py.models.expiry.time", lambda: seconds)

    turn(NOW)
    return turn


class Session(Model):
    class Meta:
        table_name = "sessions"
        hide_expired = True
        indexes = [
            GlobalIndex("by_user", hash_key="user", range_key="place"),
            GlobalIndex("keys", hash_key="user", projection="keys"),
            GlobalIndex("by_expiry", hash_key="user", range_key="expires"),
        ]

    key = CharField(hash_key=True)
    place = IntegerField(range_key=True)
    user = CharField()
    hits = IntegerField()
    expires = TimestampField(name="ttl", ttl=True, after=MONTH)


class Plain(Model):
    key = CharField(hash_key=True)
    expires = TimestampField(ttl=True)


def model_of(meta=None, **fields):
    """Make a model with these fields beside its key, and what its Meta says."""
    body = {"key": CharField(hash_key=True), **fields}
    if meta:
        body["Meta"] = type("Meta", (), meta)
    return type("Test", (Model,), body)


def changes(instance):
    """Return what saving a loaded instance would write."""
    return changes_to_write(instance, from_json(instance._stored), validate=True)


# --- the field ---


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (datetime(2026, 11, 1, tzinfo=UTC), "1793491200"),
        (datetime(2026, 11, 1), "1793491200"),
        (datetime(2026, 11, 1, 0, 0, 0, 1, UTC), "1793491201"),
        (datetime(2026, 11, 1, 0, 0, 0, 999999, UTC), "1793491201"),
        (datetime(2026, 11, 1, 1, tzinfo=timezone(timedelta(hours=1))), "1793491200"),
        (datetime(1969, 12, 31, 23, 59, 59, 500000, UTC), "0"),
    ],
)
def test_the_moment_of_the_ttl_is_stored_in_whole_seconds_rounded_up(value, seconds):
    assert encode_item(Plain(key="a", expires=value)) == to_json(
        {"key": {"S": "a"}, "expires": {"N": seconds}}
    )


@given(st.datetimes(max_value=datetime(9999, 12, 31, 23, 59, 59), timezones=st.just(UTC)))
def test_no_moment_is_stored_as_an_earlier_one_nor_a_second_later(value):
    stored = Plain.expires.decode(Plain.expires.encode(value))
    assert timedelta(0) <= stored - value < timedelta(seconds=1)


def test_the_last_moment_that_there_is_can_be_read_again():
    wire = Plain.expires.encode(datetime.max)
    assert Plain.expires.decode(wire) == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_other_timestamps_keep_their_fractions():
    Test = model_of(at=TimestampField())
    item = encode_item(Test(key="a", at=datetime(2026, 11, 1, 0, 0, 0, 500000)))
    assert Decimal(msgspec.json.decode(item)["at"]["N"]) == Decimal("1793491200.5")


@pytest.mark.parametrize("value", ["2026-11-01", 1793491200, timedelta(1)])
def test_what_is_no_moment_is_refused(value):
    with pytest.raises(ValidationError, match="expires"):
        encode_item(Plain(key="a", expires=value))


def test_an_item_written_first_without_a_value_gets_the_time_from_then_on():
    session = Session(key="a", place=1)
    before = time.time()
    item = msgspec.json.decode(encode_item(session))
    assert 0 <= int(item["ttl"]["N"]) - (before + MONTH.total_seconds()) <= 2
    assert session.expires == datetime.fromtimestamp(int(item["ttl"]["N"]), UTC)


def test_a_value_that_is_there_stays():
    at = datetime(2027, 1, 1, tzinfo=UTC)
    session = Session(key="a", place=1, expires=at)
    encode_item(session)
    assert session.expires == at


def test_later_saves_leave_an_item_without_a_value_alone():
    session = Session.from_db({"key": {"S": "a"}, "place": {"N": "1"}})
    session.hits = 3
    assert changes(session) == {"hits": {"N": "3"}}
    assert session.expires is None


def test_a_value_may_be_taken_away_after_the_first_save():
    session = Session(key="a", place=1)
    mark_saved(session, encode_item(session))
    session.expires = None
    assert changes(session) == {"ttl": None}


def test_a_value_that_others_stored_with_a_fraction_is_no_change():
    item = {"key": {"S": "a"}, "place": {"N": "1"}, "ttl": {"N": "1793491200.5"}}
    session = Session.from_db(item)
    assert session.expires == datetime(2026, 11, 1, 0, 0, 0, 500000, UTC)
    session.hits = 3
    assert changes(session) == {"hits": {"N": "3"}}


def test_after_counts_where_the_value_is_required_too_and_shows_its_zone():
    Test = model_of(x=TimestampField(required=True, after=MONTH, tz="Europe/Paris"))
    new = Test(key="a")
    encode_item(new)
    assert str(new.x.tzinfo) == "Europe/Paris"
    assert new.x.microsecond == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"after": 30}, "after=30: give a timedelta"),
        ({"after": timedelta(0)}, "give a timedelta above 0"),
        ({"after": -MONTH}, "give a timedelta above 0"),
        ({"after": MONTH, "auto_now_add": True}, "after= sets the value"),
        ({"after": MONTH, "auto_now": True}, "after= sets the value"),
        ({"after": MONTH, "default": datetime(2026, 1, 1)}, "drop auto_now"),
        ({"after": MONTH, "hash_key": True}, "the same hash key"),
    ],
)
def test_what_contradicts_itself_is_refused(options, message):
    with pytest.raises(ModelDefinitionError, match=message) as raised:
        type("Test", (Model,), {"x": TimestampField(ttl=True, **options)})
    assert "Test.x" in str(raised.value)


def test_a_document_has_no_ttl():
    with pytest.raises(ModelDefinitionError, match=r"Note\.at: DynamoDB deletes whole items"):
        type("Note", (Document,), {"at": TimestampField(ttl=True)})


# --- the model ---


def test_the_model_knows_its_ttl_and_so_does_its_table():
    assert Session._meta.ttl is Session.expires
    assert Session._meta.schema.ttl == "ttl"
    assert model_of()._meta.ttl is None
    assert model_of()._meta.schema.ttl is None


@pytest.mark.parametrize(
    ("field", "value", "wire"),
    [
        (TimestampField(), datetime(2026, 11, 1, 0, 0, 0, 1), {"N": "1793491201"}),
        (IntegerField(), 1793491200, {"N": "1793491200"}),
    ],
)
def test_meta_names_a_field_that_serves(field, value, wire):
    Test = model_of({"ttl": "x"}, x=field)
    assert Test._meta.ttl is Test.x
    assert Test.x.encode(value) == wire


def test_naming_the_field_that_says_so_itself_is_right():
    assert model_of({"ttl": "x"}, x=TimestampField(ttl=True))._meta.schema.ttl == "x"


@pytest.mark.parametrize(
    ("meta", "fields", "message"),
    [
        (
            {},
            {"x": TimestampField(ttl=True), "y": TimestampField(ttl=True)},
            "2 fields for the TTL, x and y",
        ),
        (
            {"ttl": "y"},
            {"x": TimestampField(ttl=True), "y": IntegerField()},
            "2 fields for the TTL, x and y",
        ),
        ({"ttl": "y"}, {}, "Meta.ttl is 'y': it takes the name of a field, one of key"),
        ({"ttl": 3}, {}, "Meta.ttl is 3: it takes the name"),
        ({"ttl": "y"}, {"y": DateTimeField()}, "names y, a DateTimeField"),
        ({"ttl": "y"}, {"y": DecimalField()}, "names y, a DecimalField"),
        ({"ttl": "y"}, {"y": BooleanField()}, "take a TimestampField"),
        ({"hide_expired": True}, {"y": TimestampField()}, "has no TTL field"),
        ({"hide_expired": 1}, {"y": TimestampField(ttl=True)}, "it takes True or False"),
    ],
)
def test_a_model_whose_ttl_cannot_be_is_refused(meta, fields, message):
    with pytest.raises(ModelDefinitionError) as raised:
        model_of(meta, **fields)
    assert message in str(raised.value)
    assert str(raised.value).startswith("Test")


def test_a_hash_key_that_is_the_ttl_cannot_be_hidden_by():
    with pytest.raises(ModelDefinitionError, match="x is the hash key"):
        type(
            "Test",
            (Model,),
            {
                "x": TimestampField(ttl=True, hash_key=True),
                "Meta": type("Meta", (), {"hide_expired": True}),
            },
        )


def test_subclasses_inherit_it_and_may_say_otherwise():
    class Base(Model):
        class Meta:
            abstract = True
            ttl = "x"
            hide_expired = True

        key = CharField(hash_key=True)
        x = TimestampField()
        y = TimestampField()

    class Same(Base):
        pass

    class Other(Base):
        class Meta:
            ttl = "y"
            hide_expired = False

    assert (Same._meta.schema.ttl, Other._meta.schema.ttl) == ("x", "y")
    assert Same._meta.expiry is not None
    assert Other._meta.expiry is None
    half = datetime(2026, 11, 1, 0, 0, 0, 500000)
    assert Same.x.encode(half) == Other.y.encode(half) == {"N": "1793491201"}
    assert Same.y.encode(half) == Other.x.encode(half) == {"N": "1793491200.5"}


# --- who is hidden ---


@pytest.mark.parametrize(
    ("wire", "hidden"),
    [
        (None, False),
        ({"N": str(NOW + 1)}, False),
        ({"N": str(NOW)}, True),
        ({"N": str(NOW - 1)}, True),
        ({"N": "0"}, True),
        ({"N": f"{NOW}.5"}, False),
        ({"N": "1E2"}, True),
        ({"S": "1"}, False),
        ({"NULL": True}, False),
    ],
)
def test_an_item_is_hidden_from_its_moment_on(clock, wire, hidden):
    wires = {"key": {"S": "a"}, **({} if wire is None else {"ttl": wire})}
    item = to_json(wires)
    assert filter_item(Session._meta, item) == (None if hidden else item)
    assert Session._meta.expiry.hides_wires(wires) is hidden
    assert filter_item(Plain._meta, item) is item
    assert filter_item(Session._meta, None) is None


def test_an_expired_item_counts_as_absent_to_what_inserts(clock):
    assert Session._meta.absent.describe() == f"(attribute_not_exists(key) OR ttl <= {NOW})"
    assert Session._meta.visible.describe() == f"(attribute_exists(key) AND (NOT ttl <= {NOW}))"
    assert Plain._meta.absent.describe() == "attribute_not_exists(key)"
    assert Plain._meta.visible is Plain._meta.present


# --- query sets ---


def payload(queryset):
    return queryset.operation().payload()


def straight(queryset, *, first=False):
    """Return the request of the short way, which must be there."""
    request = direct_query(queryset, 1 if first else None)
    assert request is not None
    return request


def test_a_query_asks_for_what_is_not_expired(clock):
    found = payload(Session.objects.filter(key="a", hits__gt=3))
    assert found["KeyConditionExpression"] == "#0 = :0"
    assert found["FilterExpression"] == "(#1 > :1 AND (NOT #2 <= :2))"
    assert found["ExpressionAttributeValues"][":2"] == {"N": str(NOW)}
    assert found["ExpressionAttributeNames"]["#2"] == "ttl"


def test_a_model_that_does_not_hide_asks_nothing_more():
    assert "FilterExpression" not in payload(Plain.objects.all())
    assert Plain.objects.filter(key="a").explain().kind == "get"


def test_a_whole_key_is_a_query_since_getitem_has_no_filter(clock):
    plan = Session.objects.filter(key="a", place=1).explain()
    assert plan.kind == "query"
    assert f"after reading: (NOT ttl <= {NOW})" in str(plan)


def test_everything_needs_no_scan_to_be_said_and_a_filter_does(clock):
    plan = Session.objects.all().explain()
    assert plan.kind == "scan"
    assert plan.operations[0].payload()["FilterExpression"] == "(NOT #0 <= :0)"
    with pytest.raises(ScanRequired):
        Session.objects.filter(hits=3).explain()
    assert Session.objects.filter(hits=3).scan().explain().kind == "scan"
    assert Session.objects.none().explain().kind == "nothing"
    assert Session.objects.all()[:0].explain().kind == "nothing"


def test_counting_and_existence_are_asked_so_too(clock):
    queryset = Session.objects.filter(key="a")
    plan = plan_query(queryset, msgspec.structs.replace(queryset._question, counting=True))
    [operation] = plan.operations
    assert operation.payload()["Select"] == "COUNT"
    assert operation.payload()["FilterExpression"] == "(NOT #1 <= :1)"


def test_an_index_that_does_not_hold_the_moment_is_not_read(clock):
    assert Session.objects.filter(user="u").index("by_user").explain().index == "by_user"
    for ask in (Session.objects.filter(user="u"), Session.objects.all()):
        with pytest.raises(
            QueryError, match=r"(does not hold expires|expires, which index keys does not hold)"
        ):
            ask.index("keys").only("key").explain()


def test_an_index_by_the_moment_is_read_from_now_on(clock):
    found = payload(Session.objects.filter(user="u").index("by_expiry"))
    assert found["KeyConditionExpression"] == "(#0 = :0 AND #1 > :1)"
    assert found["ExpressionAttributeValues"][":1"] == {"N": str(NOW)}
    assert "FilterExpression" not in found


@pytest.mark.parametrize(
    "ask",
    [
        lambda: Session.objects.filter(key="a"),
        lambda: Session.objects.filter(key="a", place__gt=3),
        lambda: Session.objects.filter(key="a").filter(hits=3),
        lambda: Session.objects.filter(Session.hits > 3, key="a"),
        lambda: Session.objects.filter(F("hits") > 3, key="a"),
        lambda: Session.objects.filter(key="a").order_by("-place"),
        lambda: Session.objects.filter(user="u").index("by_user"),
    ],
    ids=["key", "range", "twice", "operator", "F", "backward", "index"],
)
def test_the_moment_is_that_of_each_request_on_the_short_way_and_on_the_long(clock, ask):
    for seconds in (NOW, NOW + 5):
        clock(seconds)
        for queryset in (ask(), ask()):  # the second one is of a known shape
            values = straight(queryset).payload()["ExpressionAttributeValues"]
            assert {"N": str(seconds)} in values.values()
            assert straight(queryset).payload() == payload(queryset)
        queryset = ask()
        for later in (seconds, seconds + 1):  # one query set that is asked twice
            clock(later)
            assert {"N": str(later)} in payload(queryset)["ExpressionAttributeValues"].values()


def test_the_first_one_is_searched_behind_those_that_are_hidden(clock):
    assert "Limit" not in straight(Session.objects.filter(key="a"), first=True).payload()
    assert "Limit" not in payload(Session.objects.filter(key="a")[:3])


def test_a_cursor_is_good_at_another_moment_and_for_no_other_query(clock):
    plan = Session.objects.filter(key="a", hits=3).explain()
    clock(NOW + 60)
    later = Session.objects.filter(hits=3, key="a").explain()
    assert plan.condition != later.condition
    assert hash_query(plan) == hash_query(later)
    others = [
        Session.objects.filter(key="a").explain(),
        Session.objects.filter(key="a", hits=4).explain(),
        Session.objects.filter(Session.expires > datetime(2026, 1, 1), key="a", hits=3).explain(),
        Session.objects.filter(key="b", hits=3).explain(),
    ]
    for one, other in itertools.combinations([plan, *others], 2):
        assert hash_query(one) != hash_query(other)


def test_a_pickled_query_set_asks_for_its_own_moment(clock):
    pickled = pickle.dumps(Session.objects.filter(key="a"))
    clock(NOW + 60)
    assert {"N": str(NOW + 60)} in payload(pickle.loads(pickled))[
        "ExpressionAttributeValues"
    ].values()


# --- the TTL of the table ---


def play(flow, *answers):
    """Give *answers* to the operations of *flow*; return those, and the pauses."""
    left, asked, pauses = list(answers), [], 0
    try:
        step = next(flow)
        while True:
            if isinstance(step, Pause):
                pauses += 1
                step = flow.send(None)
                continue
            asked.append(step)
            answer = left.pop(0)
            if isinstance(answer, Exception):
                step = flow.throw(answer)
            else:
                step = flow.send(msgspec.json.encode(answer))
    except StopIteration:
        assert not left, f"never asked for: {left}"
        return asked, pauses


def ttl(status, attribute=None):
    found = {"TimeToLiveStatus": status}
    return {"TimeToLiveDescription": found | ({"AttributeName": attribute} if attribute else {})}


ASK, ON = DescribeTimeToLive("tab"), UpdateTimeToLive("tab", "e")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([ttl("ENABLED", "e")], [ASK]),
        ([ttl("ENABLING", "e")], [ASK]),
        ([ttl("DISABLED"), {}], [ASK, ON]),
        # Another program was first, or an answer was lost.
        ([ttl("DISABLED"), InvalidRequest("already"), ttl("ENABLED", "e")], [ASK, ON, ASK]),
        ([ttl("DISABLED"), TableInUse("later"), {}], [ASK, ON, ON]),
    ],
)
def test_ttl_is_switched_on_where_it_is_off(answers, expected):
    assert play(ensure("tab", "e", iter([0.1])), *answers) == (
        expected,
        len([each for each in answers if isinstance(each, TableInUse)]),
    )


def test_a_model_without_ttl_asks_nothing_of_the_table():
    assert play(ensure("tab", None, iter([]))) == ([], 0)


@pytest.mark.parametrize(
    ("live", "message"),
    [
        (ttl("ENABLED", "other"), "on by the attribute 'other'"),
        (ttl("ENABLING", "other"), "AttributeName=other,Enabled=false"),
        (ttl("DISABLING", "e"), "being switched off"),
    ],
)
def test_a_ttl_that_cannot_be_changed_at_once_is_told(live, message):
    with pytest.raises(TableMismatch) as raised:
        play(ensure("tab", "e", iter([])), live)
    assert message in str(raised.value)
    [difference] = raised.value.differences
    assert difference.startswith("TTL: the model has it by the attribute 'e'")


@pytest.mark.parametrize("error", [InvalidRequest("too often"), TableInUse("changing")])
def test_what_dynamodb_refuses_is_raised(error):
    with pytest.raises(type(error)) as raised:
        play(ensure("tab", "e", iter([])), ttl("DISABLED"), error, ttl("DISABLED"))
    assert raised.value is error
