"""Shared tables on the engines: several models in one table, and what each request is."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from dynamodb_py import (
    CharField,
    DateTimeField,
    GlobalIndex,
    IntegerField,
    Model,
    Table,
    TimestampField,
    ValidationError,
    VersionField,
    delete_all,
    load,
    options,
    save_all,
    transaction,
)
from dynamodb_py.models.shared_tables.shared_table import SharedTable

from ..eventually import eventually


class App(SharedTable):
    class Meta:
        table_name = "app"

    pk = CharField(hash_key=True, name="PK")
    sk = CharField(range_key=True, name="SK")
    gsi1pk = CharField()
    gsi1sk = CharField()
    by_gsi1 = GlobalIndex(hash_key="gsi1pk", range_key="gsi1sk")


class User(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{user_id}", "sk": "PROFILE"}

    user_id = CharField()
    name = CharField()
    email = CharField(unique=True)


class Order(Model):
    class Meta:
        table = App
        keys = {
            "pk": "USER#{user_id}",
            "sk": "ORDER#{number:08d}",
            "gsi1pk": "PRODUCT#{product}",
            "gsi1sk": "ORDER#{placed}",
        }

    user_id = CharField()
    number = IntegerField()
    product = CharField()
    placed = DateTimeField()
    total = IntegerField(default=0)
    version = VersionField()


class Gift(Order):
    """An order of another kind, under the same keys."""

    greeting = CharField()


class Line(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{user_id}", "sk": "ORDER#{number:08d}#LINE#{line:03d}"}

    user_id = CharField()
    number = IntegerField()
    line = IntegerField()
    text = CharField()


class Session(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{user_id}", "sk": "SESSION#{token}"}
        hide_expired = True

    user_id = CharField()
    token = CharField()
    expires = TimestampField(ttl=True)


class Keyed(SharedTable):
    class Meta:
        table_name = "app-keyed"
        discriminator = None

    pk = CharField(hash_key=True)
    sk = CharField(range_key=True)


class Box(Model):
    class Meta:
        table = Keyed
        keys = {"pk": "BOX#{id}", "sk": "BOX"}

    id = CharField()


class Lid(Model):
    class Meta:
        table = Keyed
        keys = {"pk": "BOX#{id}", "sk": "LID#{number:03d}"}

    id = CharField()
    number = IntegerField()


TABLES = [App, Keyed]

NOW = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


@pytest.fixture
def filled(engine, do, key):
    """A user with two orders, one of them a gift, two lines and a session, by their key."""
    items = [
        Order(user_id=key, number=1, product=key, placed=NOW, total=3),
        Gift(user_id=key, number=2, product=key, placed=NOW + timedelta(days=1), greeting="hello"),
        Line(user_id=key, number=1, line=1, text="tea"),
        Line(user_id=key, number=1, line=2, text="milk"),
        Session(user_id=key, token="a", expires=datetime.now(timezone.utc) + timedelta(hours=1)),
        Session(user_id=key, token="b", expires=datetime.now(timezone.utc) - timedelta(hours=1)),
    ]
    for item in items:
        do(item.save)
    do(User.objects.create, user_id=key, name="Ann", email=f"{key}@example.org")
    settled(Order.by_gsi1.filter(product=key), 2)
    return key


def settled(rows, count):
    """Wait until there are so many rows: ExtendDB's global indexes lag by some milliseconds."""
    eventually(lambda: len(list(rows.all())), lambda found: found >= count)


# -- one kind --------------------------------------------------------------------------------------


def test_an_item_is_found_by_its_parts(do, filled, sent):
    sent.clear()
    order = do(Order.objects.get, user_id=filled, number=1)
    assert (order.number, order.total, order.placed) == (1, 3, NOW)
    assert sent.calls == ["GetItem"]
    assert sent.payload()["Key"] == {"PK": {"S": f"USER#{filled}"}, "SK": {"S": "ORDER#00000001"}}


def test_each_model_reads_its_own_items(do, filled, sent):
    sent.clear()
    assert [u.name for u in do.list(User.objects.filter(user_id=filled))] == ["Ann"]
    assert [o.number for o in do.list(Order.objects.filter(user_id=filled))] == [1, 2]
    assert [type(o) for o in do.list(Order.objects.filter(user_id=filled))] == [Order, Gift]
    assert [g.greeting for g in do.list(Gift.objects.filter(user_id=filled))] == ["hello"]
    assert [(x.number, x.line) for x in do.list(Line.objects.filter(user_id=filled))] == [
        (1, 1),
        (1, 2),
    ]
    assert [x.token for x in do.list(Session.objects.filter(user_id=filled))] == ["a"]
    assert sent.calls == ["GetItem", *["Query"] * 5]


def test_counting_and_existing_are_of_one_kind(do, filled):
    assert do(Order.objects.filter(user_id=filled).count) == 2
    assert do(Gift.objects.filter(user_id=filled).count) == 1
    assert do(Line.objects.filter(user_id=filled).count) == 2
    assert do(Line.objects.filter(user_id=filled, number=2).exists) is False
    assert do(Order.objects.filter(user_id=filled, number__gte=2).count) == 1
    assert do(Order.objects.filter(user_id=filled).first).number == 1
    assert do(Order.objects.filter(user_id=filled).last).number == 2


def test_an_index_is_read_by_the_parts_of_its_key(do, filled, sent):
    sent.clear()
    found = do.list(Order.by_gsi1.filter(product=filled, placed__gte=NOW + timedelta(hours=1)))
    assert [each.number for each in found] == [2]
    assert sent.payload()["IndexName"] == "by_gsi1"
    assert "FilterExpression" not in sent.payload()


def test_pages_go_on_where_they_ended(do, filled):
    lines = Line.objects.filter(user_id=filled)
    first = do(lines.page, size=1)
    rest = do(lines.page, size=1, cursor=first.next_cursor)
    assert [each.line for each in (*first.items, *rest.items)] == [1, 2]
    orders = do(Order.objects.filter(user_id=filled).page, size=1)
    assert [each.number for each in orders.items] == [1]


def test_several_keys_are_asked_for_at_once(do, filled, sent):
    found = do(Order.objects.in_bulk, [{"user_id": filled, "number": n} for n in (1, 2, 3)])
    assert sorted(each.number for each in found.values()) == [1, 2]
    users = do.list(User.objects.filter(user_id__in=[filled, "nobody"]))
    assert [each.name for each in users] == ["Ann"]


def test_a_union_has_items_of_one_kind(do, filled):
    both = Line.objects.filter(user_id=filled, number=1, line=2).union(
        Line.objects.filter(user_id=filled)
    )
    assert sorted(each.line for each in do.list(both)) == [1, 2]


def test_a_key_of_another_kind_is_not_written_over(do, filled):
    with pytest.raises(Order.AlreadyExists):
        do(Order.objects.create, user_id=filled, number=1)
    order, made = do(Order.objects.get_or_create, user_id=filled, number=1)
    assert (order.total, made) == (3, False)


def test_an_update_by_key_makes_an_item_with_its_keys_and_kind(do, engine, key, stored):
    do(Line.objects.filter(user_id=key, number=3, line=4).update, text="new", must_exist=False)
    assert stored(Line(user_id=key, number=3, line=4)) == {
        "PK": {"S": f"USER#{key}"},
        "SK": {"S": "ORDER#00000003#LINE#004"},
        "text": {"S": "new"},
        "_kind": {"S": "Line"},
    }


def test_a_scan_gives_one_kind(do, filled):
    found = do.list(Line.objects.scan())
    assert {type(each) for each in found} == {Line}
    assert {each.text for each in found if each.user_id == filled} == {"tea", "milk"}


def test_the_key_of_another_kind_is_no_item_of_this_one(do, filled):
    with pytest.raises(Order.DoesNotExist):
        do(Order.objects.get, f"USER#{filled}", "PROFILE")


def test_nothing_is_written_to_the_key_of_another_kind(do, filled, sent):
    user = (f"USER#{filled}", "PROFILE")
    before = len(sent)
    with pytest.raises(ValidationError, match="'PROFILE' does not match the template"):
        do(Order.objects.delete, *user)
    with pytest.raises(ValidationError, match="'PROFILE' does not match the template"):
        do(Session.objects.batch_write, delete=[user])
    with (
        pytest.raises(ValidationError, match="'PROFILE' does not match the template"),
        transaction.atomic(),
    ):
        transaction.check((Order, user), Order.total.not_exists())
    assert len(sent) == before


def test_without_a_discriminator_the_key_tells_what_an_item_is(do, engine, key):
    do(Box.objects.create, id=key)
    do(Lid.objects.create, id=key, number=1)
    assert do(Box.objects.get_or_none, f"BOX#{key}", "LID#001") is None
    assert do(Lid.objects.get, f"BOX#{key}", "LID#001").number == 1
    with pytest.raises(ValidationError, match="does not match the template"):
        do(Box.objects.delete, f"BOX#{key}", "LID#001")
    with pytest.raises(Box.DoesNotExist):
        do(Box.objects.get, f"BOX#{key}", "LID#001")


def test_changes_are_saved(do, filled, stored):
    order = do(Order.objects.get, user_id=filled, number=1)
    order.total = 9
    order.product = "milk"
    do(order.save)
    item = stored(order)
    assert item["gsi1pk"] == {"S": "PRODUCT#milk"}
    assert item["_kind"] == {"S": "Order"}
    assert "number" not in item
    assert "user_id" not in item
    assert do(Order.objects.get, user_id=filled, number=1).version == 2
    order.number = 7
    with pytest.raises(Exception, match="key"):
        do(order.save)


def test_what_is_deleted_is_of_one_kind(do, filled):
    do(Line.objects.filter(user_id=filled).delete)
    assert do(Line.objects.filter(user_id=filled).count) == 0
    assert do(Order.objects.filter(user_id=filled).count) == 2


# -- several kinds at once -------------------------------------------------------------------------


def test_a_batch_has_several_models_of_one_table(do, engine, key, sent):
    items = [
        Line(user_id=key, number=1, line=1, text="tea"),
        Session(user_id=key, token="a"),
    ]
    sent.clear()
    do(save_all, items)
    assert sent.calls == ["BatchWriteItem"]
    again = [Line(user_id=key, number=1, line=1), Session(user_id=key, token="a")]
    do(load, again)
    assert again[0].text == "tea"
    assert sent.calls == ["BatchWriteItem", "BatchGetItem"]
    do(delete_all, items)
    assert list(do(App.collection, user_id=key)) == []


def test_a_transaction_has_several_models_of_one_table(do, engine, key, sent):
    sent.clear()
    if do.mode == "sync":
        with transaction.atomic():
            Order.create(user_id=key, number=1, total=1)
            Line.create(user_id=key, number=1, line=1, text="tea")
    else:

        async def both():
            async with transaction.aatomic():
                await Order.acreate(user_id=key, number=1, total=1)
                await Line.acreate(user_id=key, number=1, line=1, text="tea")

        do.run(both())
    assert sent.calls == ["TransactWriteItems"]
    assert len(do(App.collection, user_id=key)) == 2


def test_what_is_unique_is_so_in_its_model(do, filled):
    with pytest.raises(User.AlreadyExists, match="email"):
        do(
            User.objects.create,
            user_id=f"{filled}2",
            name="Bob",
            email=f"{filled}@example.org",
        )


# -- collections -----------------------------------------------------------------------------------


def test_a_collection_is_one_query_and_typed(do, filled, sent):
    sent.clear()
    found = do(App.collection, user_id=filled)
    assert [(type(each), each.sk) for each in found] == [
        (Order, "ORDER#00000001"),
        (Line, "ORDER#00000001#LINE#001"),
        (Line, "ORDER#00000001#LINE#002"),
        (Gift, "ORDER#00000002"),
        (User, "PROFILE"),
        (Session, "SESSION#a"),
    ]
    assert found.one(User).name == "Ann"
    assert [each.number for each in found.of(Order)] == [1, 2]
    assert found.first(Gift).greeting == "hello"
    assert {kind: len(each) for kind, each in found.grouped().items()} == {
        Order: 1,
        Line: 2,
        Gift: 1,
        User: 1,
        Session: 1,
    }
    assert len(found) == 6
    assert found.one(User) in found
    assert found.others == []
    assert sent.calls == ["Query"]


def test_a_collection_may_have_nothing(do, engine, key, sent):
    sent.clear()
    found = do(App.collection, user_id=key)
    assert list(found) == []
    assert not found
    assert found.first(User) is None
    with pytest.raises(User.DoesNotExist, match="has no User"):
        found.one(User)
    assert sent.calls == ["Query"]


def test_several_are_not_one(do, filled):
    with pytest.raises(Line.MultipleObjectsReturned, match="2 items of Line"):
        do(App.collection, user_id=filled).one(Line)


def test_what_no_model_knows_is_among_the_others(do, filled, put):
    put(App, {"PK": {"S": f"USER#{filled}"}, "SK": {"S": "ZZZ"}, "n": {"N": "1"}})
    found = do(App.collection, user_id=filled)
    assert found.others == [{"PK": f"USER#{filled}", "SK": "ZZZ", "n": 1}]
    assert len(found.of(Line)) == 2


def test_an_item_that_does_not_say_its_kind_is_known_by_its_key(do, engine, key, put):
    put(App, {"PK": {"S": f"USER#{key}"}, "SK": {"S": "ORDER#00000004"}, "total": {"N": "5"}})
    [order] = do(App.collection, user_id=key)
    assert (type(order), order.number, order.total, order.user_id) == (Order, 4, 5, key)


def test_a_collection_may_be_narrowed_reversed_and_limited(do, filled, sent):
    only = do(App.collection, user_id=filled, only=[Order, Line])
    assert [type(each) for each in only] == [Order, Line, Line, Gift]
    assert [type(e) for e in do(App.collection, user_id=filled, only=[User, Session])] == [
        User,
        Session,
    ]
    assert [e.sk for e in do(App.collection, user_id=filled, reverse=True, limit=2)] == [
        "SESSION#a",
        "PROFILE",
    ]
    ranged = do(App.collection, user_id=filled, sk__gte="ORDER#00000002", sk__lt="P")
    assert [type(each) for each in ranged] == [Gift]
    limited = do(App.collection, user_id=filled, only=[Line], limit=1)
    assert [each.text for each in limited] == ["tea"]


def test_a_collection_of_an_index_has_whole_items(do, filled, sent):
    sent.clear()
    found = do(App.collection, index="by_gsi1", product=filled)
    assert [(type(e), e.number, e.placed) for e in found] == [
        (Order, 1, NOW),
        (Gift, 2, NOW + timedelta(days=1)),
    ]
    assert sent.payload()["IndexName"] == "by_gsi1"


def test_a_collection_goes_on_to_the_last_page(do, engine, key, sent):
    many = [Line(user_id=key, number=1, line=each, text="x" * 300_000) for each in range(6)]
    do(save_all, many)
    sent.clear()
    found = do(App.collection, user_id=key, consistent=True)
    assert [each.line for each in found.of(Line)] == list(range(6))
    assert len(sent.calls) >= 2
    assert sent.payload(0)["ConsistentRead"] is True


def test_what_a_collection_gave_can_be_changed(do, filled):
    order = do(App.collection, user_id=filled).of(Order)[0]
    order.total += 1
    do(order.save)
    assert do(Order.objects.get, user_id=filled, number=1).total == 4


def test_a_collection_is_iterated_either_way(do, filled):
    assert len(do.list(App.collection(user_id=filled))) == 6


def test_options_count_for_collections(do, filled, sent):
    sent.clear()
    with options(consistent=True):
        list(do(App.collection, user_id=filled))
    assert sent.payload()["ConsistentRead"] is True


# -- the table -------------------------------------------------------------------------------------


class Other(SharedTable):
    class Meta:
        table_name = "other"

    pk = CharField(hash_key=True)
    sk = CharField(range_key=True)
    g = CharField()
    by_g = GlobalIndex(hash_key="g", projection=["name"])


class Thing(Model):
    class Meta:
        table = Other
        keys = {"pk": "THING#{id}", "sk": "THING", "g": "NAME#{name}"}

    id = CharField()
    name = CharField(unique=True)
    size = IntegerField()
    ends = TimestampField(ttl=True)


def test_the_table_is_made_with_what_its_models_need(do, engine, sent):
    do(Table(Other).create)
    try:
        assert do(Table(Thing).diff) == []
        assert do(Table(Other).diff) == []
        description = do(Table(Thing).info)
        assert [i["IndexName"] for i in description["GlobalSecondaryIndexes"]] == ["by_g"]
        assert "CreateTable" in sent.calls
        assert sent.calls.count("CreateTable") == 2  # the table, and that of the sentinels
        do(Thing.objects.create, id="a", name="x", size=3)
        settled(Thing.by_g.filter(name="x"), 1)
        [found] = do.list(Thing.by_g.filter(name="x"))
        assert (found.id, found.name) == ("a", "x")
        do(Table(Thing).update)
    finally:
        do(Table(Other).delete)
    assert do(Table(Thing).exists) is False
