"""TTL and timestamps on the engines: what is hidden from every read, and what sets itself."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest

from dynamodb_py import (
    CharField,
    DateTimeField,
    DynamoDBError,
    F,
    GlobalIndex,
    IntegerField,
    Model,
    Table,
    TableMismatch,
    TimestampField,
    VersionField,
    load,
    save_all,
    transaction,
)
from dynamodb_py.batching import resume_flow
from dynamodb_py.exceptions import InvalidRequest
from dynamodb_py.flows import run
from dynamodb_py.models.maintenance.unique import check_unique
from dynamodb_py.models.persistence.save import save_instance
from dynamodb_py.operations.tables import DescribeTimeToLive, UpdateTimeToLive
from dynamodb_py.tables.ttl import switch_on

from ..eventually import eventually

UTC = timezone.utc
LONG_AGO = "2020-01-02T03:04:05.000000+00:00"
TTL_CALLS = {"DescribeTimeToLive", "UpdateTimeToLive"}


class Session(Model):
    class Meta:
        table_name = "sessions"
        hide_expired = True

    key = CharField(hash_key=True)
    place = IntegerField(range_key=True)
    user = CharField()
    hits = IntegerField(default=0)
    expires = TimestampField(name="ttl", ttl=True, after=timedelta(days=30), null=True)

    by_user = GlobalIndex(hash_key="user", range_key="place")


class Stamped(Model):
    class Meta:
        table_name = "stamped"

    key = CharField(hash_key=True)
    hits = IntegerField(default=0)
    made = DateTimeField(auto_now_add=True)
    changed = DateTimeField(auto_now=True)
    expires = TimestampField(ttl=True, after=timedelta(days=30))


class Booking(Model):
    class Meta:
        table_name = "bookings"
        hide_expired = True

    key = CharField(hash_key=True)
    seat = CharField(unique=True)
    version = VersionField()
    expires = TimestampField(ttl=True, null=True)


TABLES = [Session, Stamped, Booking]

GONE, KEPT = {1, 2, 3}, {0, 4, 5}


@pytest.fixture
def sessions(put, key):
    """Six sessions of one key, by somebody else; those of GONE are expired, and still there."""
    now = int(time.time())
    moments = {
        0: None,
        1: {"N": str(now - 1)},
        2: {"N": "0"},
        3: {"N": f"{now - 5}.5"},
        4: {"N": str(now + 3600)},
        5: {"NULL": True},  # which DynamoDB never deletes
    }
    for place, moment in moments.items():
        item = {"key": {"S": key}, "place": {"N": str(place)}, "user": {"S": key}}
        put(Session, item if moment is None else {**item, "ttl": moment})
    return key


def settled(client, table, key):
    """Wait until the index has all the sessions."""
    asked = {
        "TableName": table,
        "IndexName": "by_user",
        "KeyConditionExpression": "#u = :u",
        "ExpressionAttributeNames": {"#u": "user"},
        "ExpressionAttributeValues": {":u": {"S": key}},
    }
    eventually(lambda: client.query(**asked)["Count"], len(GONE | KEPT).__eq__)


def places(rows):
    return {row.place for row in rows}


# --- hidden from every read ---


def test_query_sets_have_none_of_the_expired(engine, do, sessions, client):
    settled(client, engine.table_name("sessions"), sessions)
    asked = Session.objects.filter(key=sessions)
    assert places(do.list(asked)) == KEPT
    assert places(do.list(asked.order_by("-place"))) == KEPT
    assert places(do.list(Session.by_user.filter(user=sessions))) == KEPT
    assert places(do.list(asked.filter(place__lt=3))) == {0}
    assert places(do.list(asked.filter(place__in=[0, 1, 4]))) == {0, 4}
    assert places(do.list(Session.objects.filter(user=sessions).scan())) == KEPT
    assert {row.place for row in do.list(Session.objects.all()) if row.key == sessions} == KEPT
    assert do.list(asked.filter(place=1)) == []
    assert places(do.list(asked.filter(place=4))) == {4}
    assert places(do.list(asked.filter(place__lt=3).union(asked.filter(place__gt=2)))) == KEPT


def test_what_is_asked_of_query_sets_counts_without_them(engine, do, sessions):
    asked = Session.objects.filter(key=sessions)
    assert do(asked.count) == len(KEPT)
    assert do(asked.filter(place__range=(1, 3)).count) == 0
    assert do(asked.filter(place__range=(1, 3)).exists) is False
    assert do(asked.filter(place=1).exists) is False
    assert do(asked.filter(place=4).exists) is True
    assert do(asked.filter(place__gt=0).first).place == 4
    assert do(asked.filter(place__lt=4).last).place == 0
    assert do(asked.filter(place=1).first) is None
    assert places(do.list(asked.filter(place__gt=0)[:2])) == {4, 5}
    assert sorted(do.list(asked.values_list("place", flat=True))) == sorted(KEPT)
    assert {row["place"] for row in do.list(asked.values("place"))} == KEPT
    assert {row["place"] for row in do.list(asked.as_dicts())} == KEPT


def test_pages_are_full_of_what_is_not_expired(engine, do, sessions):
    asked = Session.objects.filter(key=sessions)
    first = do(asked.page, size=2)
    second = do(asked.page, size=2, cursor=first.next_cursor)
    assert [row.place for row in [*first, *second]] == sorted(KEPT)
    assert not second.has_next
    assert {row.place for page in do.list(asked.page_size(2).pages()) for row in page} == KEPT
    assert places(do.list(asked.iterator())) == KEPT


def test_a_cursor_goes_on_at_a_later_moment(engine, do, sessions, monkeypatch):
    asked = Session.objects.filter(key=sessions)
    first = do(asked.page, size=1)
    now = time.time()
    monkeypatch.setattr("dynamodb_py.models.expiry.time", lambda: now + 7200)
    rest = do(Session.objects.filter(key=sessions).page, size=5, cursor=first.next_cursor)
    assert places(rest) == KEPT - {0, 4}  # the fourth one is over meanwhile


def test_what_is_read_by_key_is_not_there_once_it_expired(engine, do, sessions):
    for place in sorted(GONE | KEPT):
        there = place in KEPT
        found = do(Session.objects.get_or_none, sessions, place)
        assert (found is not None) is there, place
        assert (do(Session.get, sessions, place) is not None) is there, place


@pytest.mark.parametrize(
    "read",
    [
        lambda do, key, place: do(Session.objects.get, key, place),
        lambda do, key, place: do(Session.objects.get, key=key, place=place),
        lambda do, key, place: do(Session.objects.filter(user=key).get, key=key, place=place),
        lambda do, key, place: do(Session(key=key, place=place).refresh_from_db),
    ],
    ids=["position", "name", "query set", "refresh"],
)
def test_reading_what_expired_raises(engine, do, sessions, read):
    read(do, sessions, 4)
    with pytest.raises(Session.DoesNotExist):
        read(do, sessions, 1)


def test_batches_leave_the_expired_out(engine, do, sessions):
    keys = [(sessions, place) for place in range(7)]
    assert [row.place for row in do(Session.objects.batch_get, *keys)] == sorted(KEPT)
    assert do(Session.objects.in_bulk, keys).keys() == {(sessions, place) for place in KEPT}
    partly = do(Session.objects.only("user").in_bulk, keys)
    assert {row.user for row in partly.values()} == {sessions}
    assert len(partly) == len(KEPT)


def test_load_tells_which_are_expired(engine, do, sessions):
    all_ = [Session(key=sessions, place=place) for place in range(6)]
    with pytest.raises(Session.DoesNotExist.__mro__[1]) as raised:
        do(load, all_)
    assert places(raised.value.missing) == GONE
    assert all(each.user == sessions for each in all_ if each.place in KEPT)


def test_a_snapshot_has_none_for_the_expired(engine, do, sessions):
    found = do(transaction.get, [(Session, (sessions, place)) for place in range(6)])
    assert [row.place for row in found if row] == sorted(KEPT)
    assert [at for at, row in enumerate(found) if row is None] == sorted(GONE)


@pytest.mark.known_fault("moto", "does not compare text with a number, and hides it")
def test_what_is_no_number_never_expires(engine, do, key, put):
    put(Session, {"key": {"S": key}, "place": {"N": "1"}, "ttl": {"S": "never"}})
    assert places(do.list(Session.objects.filter(key=key))) == {1}
    assert do(Session.objects.get, key, 1).place == 1
    with pytest.raises(Session.AlreadyExists):
        do(Session.objects.create, key=key, place=1)


# --- writes ---


def test_create_takes_the_place_of_what_is_expired_and_of_nothing_else(
    engine, do, sessions, stored
):
    for place in sorted(GONE):
        new = do(Session.objects.create, key=sessions, place=place, hits=7)
        assert stored(new)["hits"] == {"N": "7"}
        assert "user" not in stored(new)  # nothing is left of the other
        with pytest.raises(Session.AlreadyExists):
            do(Session.objects.create, key=sessions, place=place)
    for place in sorted(KEPT):
        with pytest.raises(Session.AlreadyExists) as raised:
            do(Session.objects.create, key=sessions, place=place)
        assert raised.value.current.user == sessions


def test_get_or_create_makes_what_is_expired_anew(engine, do, sessions):
    session, created = do(Session.objects.get_or_create, {"hits": 3}, key=sessions, place=1)
    assert (created, session.hits, session.user) == (True, 3, None)
    session, created = do(Session.objects.get_or_create, {"hits": 4}, key=sessions, place=1)
    assert (created, session.hits) == (False, 3)
    session, created = do(Session.objects.get_or_create, {"hits": 4}, key=sessions, place=4)
    assert (created, session.hits, session.user) == (False, 0, sessions)


def test_update_or_create_and_modify_do_not_find_the_expired(engine, do, sessions, stored):
    made, created = do(Session.objects.update_or_create, {"hits": 3}, key=sessions, place=1)
    assert (created, made.hits, made.user) == (True, 3, None)
    assert "user" not in stored(made)
    changed, created = do(Session.objects.update_or_create, {"hits": 3}, key=sessions, place=4)
    assert (created, changed.hits, changed.user) == (False, 3, sessions)
    assert do(Session.objects.filter(key=sessions, place=2).modify, hits=3) is None
    assert do(Session.objects.filter(key=sessions, place=4).modify, hits=4).hits == 4
    assert "hits" not in stored(Session(key=sessions, place=2))


def test_a_transaction_creates_in_the_place_of_what_is_expired(engine, sessions, stored):
    in_transaction(lambda: Session.objects.create(key=sessions, place=1, hits=7))
    assert "user" not in stored(Session(key=sessions, place=1))
    with pytest.raises(DynamoDBError):
        in_transaction(lambda: Session.objects.create(key=sessions, place=4, hits=7))
    assert "user" in stored(Session(key=sessions, place=4))


def test_inserting_many_takes_the_places_of_the_expired(engine, do, sessions):
    with pytest.raises(Session.AlreadyExists) as raised:
        do(Session.objects.batch_write, [Session(key=sessions, place=n) for n in range(6)])
    assert places(raised.value.unprocessed) == KEPT
    assert places(do.list(Session.objects.filter(key=sessions))) == KEPT | GONE


def test_an_instance_that_was_loaded_is_saved_and_deleted_whatever_the_time(
    engine, do, key, stored
):
    session = do(Session.objects.create, key=key, place=1)
    session.expires = datetime(2020, 1, 1, tzinfo=UTC)
    do(session.save)
    session.hits = 5
    do(session.save)
    assert stored(session)["hits"] == {"N": "5"}
    session.expires = datetime.now(UTC) + timedelta(hours=1)
    do(session.save)
    assert do(Session.objects.get, key, 1).hits == 5
    do(session.delete)
    assert stored(session) is None


def test_by_query_the_expired_are_not_touched(engine, do, sessions, stored):
    done = do(Session.objects.filter(key=sessions).update, hits=9)
    assert (done.matched, done.changed) == (len(KEPT), len(KEPT))
    assert "hits" not in stored(Session(key=sessions, place=1))
    done = do(Session.objects.filter(key=sessions).delete)
    assert (done.matched, done.changed) == (len(KEPT), len(KEPT))
    assert stored(Session(key=sessions, place=1)) is not None
    assert stored(Session(key=sessions, place=4)) is None


def test_an_update_of_one_key_does_not_find_the_expired(engine, do, sessions, sent, stored):
    def one(place):
        return Session.objects.filter(key=sessions, place=place)

    assert do(one(4).update, hits=F("hits").if_not_exists(0) + 1).changed == 1
    assert sent.calls == ["UpdateItem"]
    assert do(one(1).update, hits=1).matched == 0
    assert do(one(1).update, hits=1, create_parents=True).matched == 0
    assert do(one(4).update, hits=3, returning="new")["hits"] == 3
    for options in ({"must_exist": True}, {"returning": "new"}):
        with pytest.raises(Session.DoesNotExist):
            do(one(1).update, hits=1, **options)
    assert "hits" not in stored(Session(key=sessions, place=1))
    assert do(one(1).delete).changed == 0
    assert do(one(4).delete).changed == 1


# --- the value that sets itself ---


def in_days(seconds):
    return (int(seconds) - time.time()) / 86400


@pytest.mark.parametrize("path", ["create", "save", "batch"])
def test_a_time_that_was_taken_away_stays_away(engine, do, key, stored, path):
    new = Session(key=key, place=1)
    if path == "create":
        new = do(Session.objects.create, key=key, place=1)
    elif path == "save":
        do(new.save)
    else:
        [new] = do(Session.objects.batch_write, [new], overwrite=True)
    seconds = stored(new)["ttl"]["N"]
    assert 29.9 < in_days(seconds) < 30.1
    assert new.expires.timestamp() == int(seconds)
    new.expires = None
    new.hits = 1
    do(new.save)
    assert stored(new)["ttl"] == {"NULL": True}
    assert do(Session.objects.get, key, 1).expires is None


# --- times that set themselves, on every path ---


def by_query(do, item):
    do(Stamped.objects.filter(key=item.key, hits=1).scan().update, hits=2)


def in_transaction(write):
    with transaction.atomic():
        write()


# What changes the item that is there already.
CHANGING = {
    "save": lambda do, item: (setattr(item, "hits", 2), do(item.save)),
    "save of one field": lambda do, item: (
        setattr(item, "hits", 2),
        do(item.save, update_fields=["hits"]),
    ),
    "save_all": lambda do, item: (setattr(item, "hits", 2), do(save_all, [item])),
    "update": lambda do, item: do(item.update, hits=2),
    "update by F": lambda do, item: do(item.update, hits=F("hits") + 1),
    "update of one not loaded": lambda do, item: do(Stamped(key=item.key).update, hits=2),
    "update by key": lambda do, item: do(Stamped.objects.filter(key=item.key).update, hits=2),
    "update by query": by_query,
    "modify": lambda do, item: do(Stamped.objects.filter(key=item.key).modify, hits=2),
    "update_or_create": lambda do, item: do(
        Stamped.objects.update_or_create, {"hits": 2}, key=item.key
    ),
    "bulk_update": lambda do, item: (
        setattr(item, "hits", 2),
        do(Stamped.objects.bulk_update, [item], ["hits"]),
    ),
    "bulk_create over it": lambda do, item: do(
        Stamped.objects.bulk_create,
        [Stamped(key=item.key, hits=2)],
        update_conflicts=True,
        update_fields=["hits"],
    ),
    "in a transaction": lambda do, item: in_transaction(
        lambda: (setattr(item, "hits", 2), item.save())
    ),
    "update in a transaction": lambda do, item: in_transaction(lambda: item.update(hits=2)),
    "incr": lambda do, item: do(item.incr, hits=1),
    "decr": lambda do, item: do(item.decr, hits=-1),
}
# What writes an item that was not there.
MAKING = {
    "save": lambda do, key: do(Stamped(key=key).save),
    "create": lambda do, key: do(Stamped.objects.create, key=key),
    "get_or_create": lambda do, key: do(Stamped.objects.get_or_create, key=key),
    "batch_write": lambda do, key: do(Stamped.objects.batch_write, [{"key": key}]),
    "batch_write over": lambda do, key: do(
        Stamped.objects.batch_write, [{"key": key}], overwrite=True
    ),
    "bulk_create": lambda do, key: do(Stamped.objects.bulk_create, [Stamped(key=key)]),
    "save_all": lambda do, key: do(save_all, [Stamped(key=key)]),
    "update_or_create": lambda do, key: do(Stamped.objects.update_or_create, {"hits": 2}, key=key),
    "bulk_create or update": lambda do, key: do(
        Stamped.objects.bulk_create, [Stamped(key=key)], update_conflicts=True
    ),
    "in a transaction": lambda do, key: in_transaction(lambda: Stamped.objects.create(key=key)),
}


def test_each_change_sets_the_time_of_the_last_one_and_no_other(engine, do, key, put, stored):
    old = {"S": LONG_AGO}
    seen = {}
    for path, change in CHANGING.items():
        own = f"{key} {path}"
        put(Stamped, {"key": {"S": own}, "hits": {"N": "1"}, "made": old, "changed": old})
        item = do(Stamped.objects.get, own)
        change(do, item)
        after = stored(item)
        recent = is_recent(after["changed"])
        # It was written before: there is no time for its end.
        seen[path] = (after["hits"], recent, after["made"], "expires" in after)
    assert seen == dict.fromkeys(CHANGING, ({"N": "2"}, True, old, False))


def test_each_way_to_make_an_item_sets_both_times(engine, do, key, stored):
    seen = {}
    for path, make in MAKING.items():
        own = f"{key} {path}"
        make(do, own)
        made = stored(Stamped(key=own))
        ends = 29.9 < in_days(made["expires"]["N"]) < 30.1
        seen[path] = (is_recent(made["made"]), is_recent(made["changed"]), ends)
    assert seen == dict.fromkeys(MAKING, (True, True, True))


def is_recent(wire):
    return abs(datetime.fromisoformat(wire["S"]).timestamp() - time.time()) < 60


# --- the table ---


def table_of(**meta):
    class Thing(Model):
        Meta = type("Meta", (), {"table_name": "things", **meta})

        key = CharField(hash_key=True)
        expires = TimestampField(name="e")
        other = IntegerField()

    return Table(Thing)


@pytest.fixture
def tables(engine):
    """Remove the table that a test makes."""
    yield
    table_of().delete(missing_ok=True)


def live(table):
    return run(iter(DescribeTimeToLive(table.name)), table._link)


@pytest.mark.usefixtures("tables")
def test_create_switches_ttl_on(engine, do, sent):
    table = table_of(ttl="expires")
    do(table.create)
    found = live(table)
    assert (found.is_on, found.attribute) == (True, "e")
    assert do(table.diff) == []
    before = len(sent)
    do(table.update)
    assert "UpdateTimeToLive" not in sent.calls[before:]


@pytest.mark.usefixtures("tables")
def test_a_model_without_ttl_asks_nothing_of_it(engine, do, sent):
    table = table_of()
    do(table.create)
    do(table.update)
    assert do(table.diff) == []
    assert not TTL_CALLS & {*sent.calls}


@pytest.mark.usefixtures("tables")
def test_update_switches_ttl_on_where_the_model_says_it_by_now(engine, do):
    do(table_of().create)
    table = table_of(ttl="expires")
    [said] = do(table.diff)
    assert said == "TTL: the model has it by the attribute 'e'; the TTL of the table is off"
    described = do(table.update)
    assert described["TableStatus"] == "ACTIVE"
    assert live(table).attribute == "e"
    assert do(table.diff) == []


@pytest.mark.usefixtures("tables")
def test_a_table_that_is_accepted_has_its_ttl_on_too(engine, do):
    do(table_of().create)
    table = table_of(ttl="expires")
    do(table.create, if_not_exists=True)
    do(table.create, if_not_exists=True)
    assert live(table).attribute == "e"


@pytest.mark.usefixtures("tables")
def test_without_waiting_update_switches_it_on_later(engine, do, sent):
    table = table_of(ttl="expires")
    do(table.create, wait=False)
    assert not TTL_CALLS & {*sent.calls}
    do(table.update)
    assert live(table).is_on


@pytest.mark.usefixtures("tables")
def test_another_attribute_is_told_and_nothing_is_changed(engine, do, sent):
    do(table_of(ttl="other").create)
    table = table_of(ttl="expires", read_capacity=5, write_capacity=5)
    before = len(sent)
    for change in (lambda: do(table.update), lambda: do(table.create, if_not_exists=True)):
        with pytest.raises(TableMismatch, match="on by the attribute 'other'"):
            change()
    assert not {"UpdateTable", "UpdateTimeToLive"} & {*sent.calls[before:]}
    assert live(table).attribute == "other"
    assert any("'other'" in said for said in do(table.diff))


@pytest.mark.known_fault("dynoxide", "accepts a TTL that is on already")
@pytest.mark.known_fault("moto", "accepts a TTL that is on already")
@pytest.mark.usefixtures("tables")
def test_what_is_on_already_is_refused_by_the_engine_and_passed_over(engine, do):
    table = table_of(ttl="expires")
    do(table.create)
    again = UpdateTimeToLive(table.name, "e")
    run(switch_on(again, iter([])), table._link)
    with pytest.raises(InvalidRequest):
        run(iter(again), table._link)


# --- hidden, and unique ---


def expired_booking(do, key, seat):
    return do(Booking.objects.create, key=key, seat=seat, expires=datetime(2020, 1, 1, tzinfo=UTC))


WAYS_TO_BOOK = {
    "create": lambda do, key, seat: do(Booking.objects.create, key=key, seat=seat),
    "save": lambda do, key, seat: do(Booking(key=key, seat=seat).save),
    "get_or_create": lambda do, key, seat: do(
        Booking.objects.get_or_create, key=key, defaults={"seat": seat}
    ),
    "bulk_create": lambda do, key, seat: do(
        Booking.objects.bulk_create, [Booking(key=key, seat=seat)]
    ),
}


@pytest.mark.parametrize("same", [False, True], ids=["another value", "the same value"])
@pytest.mark.parametrize("book", WAYS_TO_BOOK.values(), ids=WAYS_TO_BOOK)
def test_who_takes_the_place_of_what_is_hidden_frees_its_unique_values(engine, do, key, book, same):
    expired_booking(do, key, f"{key}-1")
    seat = f"{key}-1" if same else f"{key}-2"
    book(do, key, seat)
    booking = do(Booking.objects.get, key)
    assert (booking.seat, booking.version) == (seat, 1)
    assert check_unique(Booking).is_right
    if not same:
        do(Booking.objects.create, key=f"{key}-other", seat=f"{key}-1")
    with pytest.raises(Booking.AlreadyExists) as raised:
        do(Booking.objects.create, key=key, seat=f"{key}-3")
    assert raised.value.fields == ()
    assert raised.value.current.seat == seat
    assert check_unique(Booking).is_right


def after_its_first_request(flow, meanwhile):
    """Carry out *flow*, and do something else after its first request."""
    answer = yield next(flow)
    meanwhile()
    yield from resume_flow(flow, flow.send(answer))


@pytest.mark.parametrize("way", ["deleted", "changed", "kept"])
def test_what_is_hidden_may_change_between_the_read_and_the_write(engine, do, key, way):
    old = expired_booking(do, key, f"{key}-1")

    def meanwhile():
        if way == "deleted":
            old.delete()
        else:
            expires = old.expires if way == "changed" else None
            Booking.objects.create(key=key, seat=f"{key}-5", overwrite=True, expires=expires)

    new = Booking(key=key, seat=f"{key}-2")
    flow = after_its_first_request(save_instance(new, force_insert=True), meanwhile)
    if way == "kept":
        with pytest.raises(Booking.AlreadyExists) as raised:
            run(flow, engine.connection)
        assert raised.value.current.seat == f"{key}-5"
    else:
        run(flow, engine.connection)
        assert do(Booking.objects.get, key).seat == f"{key}-2"
    assert check_unique(Booking).is_right
