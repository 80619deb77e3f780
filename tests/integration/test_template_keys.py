"""Keys that are made of templates, on engines: every way to write, read and ask."""

from __future__ import annotations

import datetime as dt
import time

import pytest

from dynamodb_py import (
    AlreadyExists,
    CharField,
    ConditionFailed,
    DateTimeField,
    F,
    FieldNotLoaded,
    GlobalIndex,
    IntegerField,
    Model,
    UniqueConstraint,
    ValidationError,
    VersionField,
    load,
    options,
    save_all,
    transaction,
)
from dynamodb_py.models.fields.containers.composite import CompositeField

UTC = dt.timezone.utc
DAY = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Order(Model):
    class Meta:
        table_name = "template-orders"

    pk = CharField(hash_key=True, template="USER#{user_id}")
    sk = CharField(range_key=True, template="ORDER#{created:%Y-%m-%d}#{number:08d}")
    user_id = CharField()
    created = DateTimeField()
    number = IntegerField()
    status = CharField(default="open")
    rank = IntegerField(default=0)
    note = CharField()
    queue = CharField(template="STATUS#{status}")
    place = CharField(template="{rank:04d}#{user_id}")

    by_status = GlobalIndex(hash_key="queue", range_key="place")


class Step(Model):
    class Meta:
        table_name = "template-steps"

    key = CompositeField("owner", "kind", hash_key=True)
    at = CharField(range_key=True, template="{page:03d}#{text}")
    owner = CharField()
    kind = CharField()
    page = IntegerField()
    text = CharField()
    count = IntegerField(default=0)
    mail = CharField(unique=True)
    version = VersionField()


class Visit(Model):
    """Its key says the moment by the day, and the page, which is stored beside it too."""

    class Meta:
        table_name = "template-visits"
        constraints = [UniqueConstraint("page", "slot")]

    key = CharField(hash_key=True, template="{who}", store_parts=True)
    at = CharField(range_key=True, template="{moment:%Y-%m-%d}#{page:03d}")
    who = CharField()
    moment = DateTimeField()
    page = IntegerField()
    slot = CharField()
    count = IntegerField(default=0)
    queue = CharField(template="PAGE#{page:03d}")
    place = CharField(template="{moment}#{who}")

    by_page = GlobalIndex(hash_key="queue", range_key="place")


class Member(Model):
    """With a unique value that makes the key of an index."""

    class Meta:
        table_name = "template-members"

    key = CharField(hash_key=True, template="M#{who}#{page:04d}")
    who = CharField()
    page = IntegerField()
    nick = CharField(unique=True)
    alias = CharField(template="NICK#{nick}")
    version = VersionField()

    by_alias = GlobalIndex(hash_key="alias")


class Ticket(Model):
    """Whose items from before the templates have none of what is made of them."""

    class Meta:
        table_name = "template-tickets"

    id = CharField(hash_key=True)
    status = CharField(default="open")
    rank = IntegerField(default=0)
    team = CharField()
    note = CharField()
    queue = CharField(template="S#{status}")
    place = CharField(template="{rank:04d}")
    board = CharField(template="T#{team}#{id}")
    mine = CharField(template="I#{id}")

    by_status = GlobalIndex(hash_key="queue", range_key="place")
    by_team = GlobalIndex(hash_key="board", range_key="queue")
    by_rank = GlobalIndex(hash_key="mine", range_key="rank")
    by_note = GlobalIndex(hash_key="mine", range_key="note")


class Locked(Ticket):
    class Meta:
        table_name = "template-locked"

    version = VersionField()
    code = CharField(unique=True)


pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def orders(engine, key, do):
    """Three orders on two days, and one of somebody else."""
    made = [
        Order(user_id=key, created=DAY, number=2),
        Order(user_id=key, created=DAY, number=10),
        Order(user_id=key, created=DAY + dt.timedelta(days=1), number=1),
        Order(user_id=f"{key}0", created=DAY, number=5),
    ]
    do(Order.objects.batch_write, made, overwrite=True)
    return made


def numbers(rows):
    return [row.number for row in rows]


def test_an_item_is_written_and_read_by_its_parts(do, key, stored):
    order = do(Order.objects.create, user_id=key, created=DAY, number=3)
    assert stored(order) == {
        "pk": {"S": f"USER#{key}"},
        "sk": {"S": "ORDER#2026-01-02#00000003"},
        "created": {"S": "2026-01-02T03:04:05.000000+00:00"},
        "status": {"S": "open"},
        "rank": {"N": "0"},
        "queue": {"S": "STATUS#open"},
        "place": {"S": f"0000#{key}"},
    }
    parts = {"user_id": key, "created": DAY, "number": 3}
    for found in (
        do(Order.objects.get, **parts),
        do(Order.objects.get_or_none, f"USER#{key}", "ORDER#2026-01-02#00000003"),
        do(Order.objects.get, user_id=key, sk="ORDER#2026-01-02#00000003"),
        do(Order.objects.batch_get, parts)[0],
        next(iter(do(Order.objects.in_bulk, [parts]).values())),
        do(Order.objects.get_or_create, **parts)[0],
    ):
        assert (found.user_id, found.number, found.created) == (key, 3, DAY)
        assert found == order
    do(Order.objects.delete, **parts)
    assert do(Order.objects.get_or_none, **parts) is None


def test_what_was_changed_is_in_the_index_too(do, orders, stored, sent):
    order = do(Order.objects.get, pk=orders[0].pk, sk=orders[0].sk)
    order.status = "paid"
    do(order.save)
    assert stored(order)["queue"] == {"S": "STATUS#paid"}
    assert sent[-1].api == "UpdateItem"
    do(order.update, status="sent", note="x")
    assert stored(order)["queue"] == {"S": "STATUS#sent"}
    assert (order.queue, order.is_changed) == ("STATUS#sent", False)
    do(order.update, rank=4)
    assert stored(order)["place"] == {"S": f"0004#{order.user_id}"}
    do(order.update, status=None)
    assert "queue" not in stored(order)
    with pytest.raises(ValidationError, match="number: it is part of the key"):
        do(order.update, number=9)
    order.number = 9
    with pytest.raises(ValidationError, match="number: it is part of the key"):
        do(order.save)


def test_a_query_that_updates_makes_what_is_made_of_parts(do, orders, stored):
    first = orders[0]
    parts = {"user_id": first.user_id, "created": first.created, "number": first.number}
    done = do(Order.objects.filter(**parts).update, status="paid", rank=7)
    assert done.changed == 1
    assert stored(first)["queue"] == {"S": "STATUS#paid"}
    assert stored(first)["place"] == {"S": f"0007#{first.user_id}"}
    done = do(Order.objects.filter(user_id=first.user_id).update, status="void")
    assert done.changed == 3
    assert stored(orders[2])["queue"] == {"S": "STATUS#void"}
    with pytest.raises(ValidationError, match="place is made of it and of user_id"):
        do(Order.objects.filter(user_id=first.user_id).update, rank=7)
    new, created = do(Order.objects.update_or_create, {"rank": 9}, **parts)
    assert (new.place, created) == (f"0009#{first.user_id}", False)
    done = do(Order.objects.filter(user_id=first.user_id).delete)
    assert done.changed == 3


def test_the_order_of_the_key_is_that_of_its_parts(do, key, orders):
    mine = Order.objects.filter(user_id=key)
    assert numbers(do.list(mine)) == [2, 10, 1]
    assert numbers(do.list(mine.reverse())) == [1, 10, 2]
    assert numbers(do.list(mine.filter(created__gt=DAY))) == [1]
    assert numbers(do.list(mine.filter(created__gte=DAY))) == [2, 10, 1]
    assert numbers(do.list(mine.filter(created__lt=DAY + dt.timedelta(hours=1)))) == [2, 10]
    assert numbers(do.list(mine.filter(created=DAY, number=10))) == [10]
    assert do(mine.filter(created__lt=DAY).count) == 0
    page = do(mine.page, size=2)
    assert numbers(page.items) == [2, 10]
    assert numbers(do(mine.page, size=2, cursor=page.next_cursor).items) == [1]


RANGES = [
    ({}, [(1, "a b"), (1, "a#c"), (1, "ab"), (2, ""), (10, "z")]),
    ({"page": 1}, [(1, "a b"), (1, "a#c"), (1, "ab")]),
    ({"page__gt": 1}, [(2, ""), (10, "z")]),
    ({"page__gte": 2}, [(2, ""), (10, "z")]),
    ({"page__lt": 2}, [(1, "a b"), (1, "a#c"), (1, "ab")]),
    ({"page__lte": 2}, [(1, "a b"), (1, "a#c"), (1, "ab"), (2, "")]),
    ({"page__between": (2, 10)}, [(2, ""), (10, "z")]),
    ({"page__in": [1, 10], "text": "z"}, [(10, "z")]),
    ({"page__in": [2, 10]}, [(2, ""), (10, "z")]),
    ({"page": 1, "text__startswith": "a"}, [(1, "a b"), (1, "a#c"), (1, "ab")]),
    ({"page": 1, "text__gt": "a b"}, [(1, "a#c"), (1, "ab")]),
    ({"page": 1, "text__lte": "a#c"}, [(1, "a b"), (1, "a#c")]),
    ({"page": 1, "text__in": ["ab", "a b"]}, [(1, "a b"), (1, "ab")]),
    ({"page": 1, "text": "ab", "count": 0}, [(1, "ab")]),
]


class Word(Model):
    class Meta:
        table_name = "template-words"

    key = CompositeField("owner", "kind", hash_key=True)
    at = CharField(range_key=True, template="{page:03d}#{text}")
    owner = CharField()
    kind = CharField()
    page = IntegerField()
    text = CharField()
    count = IntegerField(default=0)


TABLES = [Order, Step, Word, Visit, Member, Ticket, Locked]


def test_ranges_of_parts_give_what_they_would_of_attributes(do, key):
    texts = [(1, "ab"), (10, "z"), (2, ""), (1, "a#c"), (1, "a b")]
    words = [Word(owner=key, kind="#", page=page, text=text) for page, text in texts]
    words.append(Word(owner=key, kind="", page=1, text="no"))
    words.append(Word(owner=f"{key}#", kind="", page=1, text="no"))
    do(Word.objects.batch_write, words, overwrite=True)
    for lookups, expected in RANGES:
        asked = Word.objects.filter(owner=key, kind="#", **lookups)
        found = [(row.page, row.text) for row in do.list(asked)]
        assert sorted(found) == expected, lookups
        assert do(asked.count) == len(expected)
        if "page__in" in lookups or "text__in" in lookups:
            continue
        assert found == expected, lookups
        back = do.list(asked.order_by("-page", "-text"))
        assert [(row.page, row.text) for row in back] == expected[::-1]


def test_an_index_is_asked_by_the_parts_of_its_keys(do, key, orders, sent):
    state = f"state-{key}"
    for rank, order in enumerate(orders[:3]):
        order.status, order.rank = state, rank * 5
    do(save_all, orders[:3])
    asked = Order.objects.filter(status=state, rank__gte=5)
    until = time.monotonic() + 60
    while len(do.list(Order.by_status.filter(status=state))) < 3:
        assert time.monotonic() < until
    found = do.list(asked)
    assert [order.rank for order in found] == [5, 10]
    assert sent[-1].index == "by_status"
    found = do.list(Order.by_status.filter(status=state).order_by("-rank"))
    assert [order.rank for order in found] == [10, 5, 0]


def test_rows_of_parts_are_read_from_the_key(do, key, orders):
    mine = Order.objects.filter(user_id=key)
    assert do.list(mine.values_list("number", flat=True)) == [2, 10, 1]
    assert do.list(mine.values("user_id", "number"))[0] == {"user_id": key, "number": 2}
    [first, *_] = do.list(mine.only("number"))
    assert (first.number, first.user_id) == (2, key)
    with pytest.raises(FieldNotLoaded):
        _ = first.note
    first.note = "x"
    do(first.save)
    first.status = "paid"
    do(first.save)
    do(first.refresh_from_db)
    assert (first.note, first.queue) == ("x", "STATUS#paid")


def test_a_transaction_has_items_by_their_parts(do, key, orders):
    first = orders[0]
    parts = {"user_id": key, "created": first.created, "number": first.number}

    def write():
        with transaction.atomic():
            Order.create(user_id=key, created=DAY, number=77)
            Order.objects.filter(**parts).update(status="paid", rank=3)
            Order.objects.delete(user_id=key, created=DAY, number=10)

    if do.mode == "sync":
        write()
        found = transaction.get([(Order, parts)])
    else:

        async def awrite():
            async with transaction.aatomic():
                await Order.acreate(user_id=key, created=DAY, number=77)
                await Order.objects.filter(**parts).aupdate(status="paid", rank=3)
                await Order.objects.adelete(user_id=key, created=DAY, number=10)
            return await transaction.aget([(Order, parts)])

        found = do.run(awrite())
    assert (found[0].queue, found[0].place, found[0].number) == ("STATUS#paid", f"0003#{key}", 2)
    assert numbers(do.list(Order.objects.filter(user_id=key))) == [2, 77, 1]


def test_an_update_that_makes_the_item_stores_what_its_key_says_in_part(do, key, stored):
    order = Order(user_id=key, created=DAY, number=5)
    do(order.update, rank=1)
    assert stored(order)["created"] == {"S": "2026-01-02T03:04:05.000000+00:00"}
    later = Order(user_id=key, created=DAY + dt.timedelta(hours=1), number=5)
    do(later.update, note="of the same day")
    [found] = do.list(Order.objects.filter(user_id=key))
    assert (found.created, found.rank, later.sk) == (DAY, 1, found.sk)


def test_an_update_that_makes_the_item_in_a_transaction_stores_that_too(do, key, stored):
    order = Order(user_id=key, created=DAY, number=5)

    def write():
        with transaction.atomic():
            order.update(note="a")
            order.update(rank=2)

    async def awrite():
        async with transaction.aatomic():
            await order.aupdate(note="a")
            await order.aupdate(rank=2)

    do.run(awrite()) if do.mode == "async" else write()
    assert stored(order)["created"] == {"S": "2026-01-02T03:04:05.000000+00:00"}


def test_an_update_that_makes_the_item_puts_it_in_the_index_that_its_key_says(do, key, stored):
    visit = Visit(who=key, moment=DAY, page=int(key[:6], 16) % 1000)
    do(visit.update, count=F("count").if_not_exists(0) + 1)
    item = stored(visit)
    assert item["who"] == {"S": key}
    assert item["page"] == {"N": str(visit.page)}
    assert item["queue"] == {"S": f"PAGE#{visit.page:03d}"}
    assert item["place"] == {"S": f"2026-01-02T03:04:05.000000+00:00#{key}"}
    [found] = do.list(Visit.objects.filter(page=visit.page, moment__gte=DAY, who=key))
    assert (found.who, found.moment, found.count) == (key, DAY, 1)


def test_an_update_that_makes_the_item_claims_unique_values_with_parts_of_the_key(do, key):
    page = int(key[:6], 16) % 1000
    do(Visit(who=key, moment=DAY, page=page).update, slot=key)
    with pytest.raises(AlreadyExists) as caught:
        do(Visit.objects.create, who=f"{key}2", moment=DAY, page=page, slot=key)
    assert caught.value.fields == ("page", "slot")
    with pytest.raises(AlreadyExists):
        do(Visit(who=f"{key}3", moment=DAY, page=page).update, slot=key)


def test_what_is_unique_and_in_the_key_of_an_index_is_updated_unread(do, key, stored):
    page = int(key[:6], 16) % 1000
    do(Member.objects.create, who=key, page=page, nick=f"{key}a")
    _, made = do(Member.objects.update_or_create, who=key, page=page, defaults={"nick": f"{key}b"})
    member = Member(who=key, page=page)
    assert (made, stored(member)["alias"]) == (False, {"S": f"NICK#{key}b"})
    member.nick = f"{key}c"
    do(Member.objects.bulk_update, [member], ["nick"])
    assert stored(member)["alias"] == {"S": f"NICK#{key}c"}
    member = Member(who=key, page=page, nick=f"{key}d")
    do(Member.objects.bulk_update, [member], ["nick"], validate=False)
    assert stored(member)["alias"] == {"S": f"NICK#{key}d"}
    assert do(Member.objects.create, who=key, page=page + 1, nick=f"{key}c").version == 1


def test_versions_unique_values_and_conditions_go_with_parts(do, key, stored):
    step = do(Step.objects.create, owner=key, kind="k", page=1, text="t", mail=f"{key}@x")
    assert stored(step).keys() == {"key", "at", "count", "mail", "version"}
    twin = do(Step.objects.get, owner=key, kind="k", page=1, text="t")
    do(twin.update, count=F("count") + 1)
    assert (twin.count, twin.version) == (1, 2)
    twin.count = 5
    do(twin.save, condition=Step.page == 1)
    twin.count = 6
    with pytest.raises(ConditionFailed):
        do(twin.save, condition=Step.page > 1)
    with options(atomic=True):
        do(twin.save)
    do(twin.delete)
    assert do(Step.objects.get_or_none, owner=key, kind="k", page=1, text="t") is None


def test_items_of_others_are_read_and_written_by_the_key_that_they_have(do, key, put, stored):
    put(Order, {"pk": {"S": f"USER#{key}"}, "sk": {"S": "PROFILE"}, "note": {"S": "x"}})
    [other] = do.list(Order.objects.filter(pk=f"USER#{key}"))
    assert (other.user_id, other.note, other.sk) == (key, "x", "PROFILE")
    other.note = "y"
    do(other.save)
    assert stored(other) == {
        "pk": {"S": f"USER#{key}"},
        "sk": {"S": "PROFILE"},
        "note": {"S": "y"},
    }
    do(other.delete)
    assert do(Order.objects.get_or_none, f"USER#{key}", "PROFILE") is None


def test_what_a_template_is_made_of_must_be_as_it_was_loaded(do, key):
    order = do(Order.objects.create, user_id=key, created=DAY, number=1)

    class Both(Model):
        class Meta:
            table_name = "template-orders"

        pk = CharField(hash_key=True)
        sk = CharField(range_key=True)
        status = CharField()
        note = CharField()
        queue = CharField(template="{status}#{note}")

    mine, theirs = (do(Both.objects.get, order.pk, order.sk) for _ in range(2))
    theirs.note = "a"
    do(theirs.save)
    mine.status = "paid"
    with pytest.raises(ConditionFailed):
        do(mine.save)
    do(mine.refresh_from_db)
    mine.status = "paid"
    do(mine.save)
    assert mine.queue == "paid#a"


def test_many_are_read_again_by_their_keys(do, key, orders):
    loaded = [Order(user_id=key, created=DAY, number=2)]
    do(load, loaded)
    assert loaded[0].queue == "STATUS#open"
    assert do(Order.objects.batch_get, *orders[:2]) == orders[:2]


# -- items from before the templates ----------------------------------------------------------------

OLD = {"status": {"S": "paid"}, "rank": {"N": "3"}, "team": {"S": "red"}}
WHOLE = {"queue": "S#paid", "place": "0004", "board": "T#red#{id}", "mine": "I#{id}"}


def in_transaction(do, write):
    async def collected():
        async with transaction.atomic():
            await write("a")

    if do.mode == "async":
        return do.run(collected())
    with transaction.atomic():
        return write("")


def set_rank(ticket):
    ticket.rank = 4
    return ticket


SAVES = {
    "save": lambda do, ticket: do(set_rank(ticket).save),
    "save of the field": lambda do, ticket: do(set_rank(ticket).save, update_fields=["rank"]),
    "save without validation": lambda do, ticket: do(set_rank(ticket).save, validate=False),
    "save of the whole": lambda do, ticket: do(set_rank(ticket).save, overwrite=True),
    "save in a transaction": lambda do, ticket: in_transaction(
        do, lambda a: getattr(set_rank(ticket), f"{a}save")()
    ),
    "save_all": lambda do, ticket: do(save_all, [set_rank(ticket)]),
    "bulk_update": lambda do, ticket: do(
        type(ticket).objects.bulk_update, [set_rank(ticket)], ["rank"]
    ),
    "update": lambda do, ticket: do(ticket.update, rank=4),
    "update by an action": lambda do, ticket: do(ticket.update, type(ticket).rank.set(4)),
    "update in a transaction": lambda do, ticket: in_transaction(
        do, lambda a: getattr(ticket, f"{a}update")(rank=4)
    ),
}


@pytest.mark.parametrize("model", [Ticket, Locked])
@pytest.mark.parametrize("name", SAVES)
def test_a_write_completes_the_keys_of_the_indexes_that_it_touches(
    do, key, put, stored, model, name
):
    put(model, {"id": {"S": key}, **OLD})
    ticket = do(model.get, key)
    assert (ticket.queue, ticket.is_changed) == ("S#paid", False)
    SAVES[name](do, ticket)
    item = stored(ticket)
    assert item["rank"] == {"N": "4"}
    for attribute, text in WHOLE.items():
        assert item[attribute] == {"S": text.format(id=key)}, attribute
    assert not ticket.is_changed
    assert do(model.get, key).queue == ticket.queue == "S#paid"


def test_a_write_leaves_other_indexes_alone(do, key, put, stored):
    put(Ticket, {"id": {"S": key}, **OLD})
    ticket = do(Ticket.get, key)
    ticket.note = "x"
    do(ticket.save)
    assert stored(ticket).keys() - OLD.keys() == {"id", "note", "mine"}


def test_a_plain_key_of_an_index_touches_it_too(do, key, put, stored):
    put(Ticket, {"id": {"S": key}, **OLD})
    do(Ticket.objects.filter(id=key).update, note="x")
    assert stored(Ticket(id=key)).keys() - OLD.keys() == {"id", "note", "mine"}
    do(Ticket.objects.filter(id=key).update, rank=5)
    assert stored(Ticket(id=key))["place"] == {"S": "0005"}  # status is not known: no queue
    ticket = do(Ticket.get, key)
    ticket.rank = 6
    do(ticket.save)
    assert stored(ticket)["queue"] == {"S": "S#paid"}


KEYED = {
    "update of a query": lambda do, key: do(Ticket.objects.filter(id=key).update, note="x"),
    "update of several": lambda do, key: do(
        Ticket.objects.filter(id__in=[key, key + "b"]).update, note="x"
    ),
    "update of a new instance": lambda do, key: do(Ticket(id=key).update, note="x"),
    "modify": lambda do, key: do(Ticket.objects.filter(id=key).modify, note="x"),
    "update_or_create": lambda do, key: do(Ticket.objects.update_or_create, {"note": "x"}, id=key),
    "bulk_update": lambda do, key: do(
        Ticket.objects.bulk_update, [Ticket(id=key, note="x")], ["note"]
    ),
    "upsert": lambda do, key: do(
        Ticket.objects.bulk_create,
        [Ticket(id=key, note="x")],
        update_conflicts=True,
        update_fields=["note"],
    ),
}


@pytest.mark.parametrize("name", KEYED)
def test_a_write_by_key_completes_what_the_key_says(do, key, put, stored, name):
    put(Ticket, {"id": {"S": key}, **OLD})
    KEYED[name](do, key)
    item = stored(Ticket(id=key))
    assert item["note"] == {"S": "x"}
    assert item["mine"] == {"S": f"I#{key}"}
    assert item.keys() - OLD.keys() == {"id", "note", "mine"}


def test_an_item_without_a_part_is_not_completed(do, key, put, stored):
    put(Ticket, {"id": {"S": key}, "rank": {"N": "3"}})
    ticket = do(Ticket.get, key)
    ticket.rank = 4
    do(ticket.save)
    assert stored(ticket).keys() == {"id", "rank", "place", "mine"}  # a default is no status


@pytest.mark.parametrize("verb", ["save", "update"])
def test_a_key_is_completed_of_what_is_still_stored(do, key, put, stored, verb):
    put(Ticket, {"id": {"S": key}, **OLD})
    ticket = do(Ticket.get, key)
    put(Ticket, {"id": {"S": key}, **OLD, "status": {"S": "void"}})
    with pytest.raises(ConditionFailed):
        SAVES[verb](do, ticket)
    assert stored(ticket)["rank"] == {"N": "3"}
    do(ticket.refresh_from_db)
    SAVES[verb](do, ticket)
    assert stored(ticket)["queue"] == {"S": "S#void"}


def test_what_was_read_in_part_is_completed_as_far_as_it_is_known(do, key, put, stored):
    put(Ticket, {"id": {"S": key}, **OLD})
    ticket = do(Ticket.objects.filter(id=key).only("rank").get)
    ticket.rank = 4
    do(ticket.save)
    assert stored(ticket).keys() - OLD.keys() == {"id", "place", "mine"}
    ticket = do(Ticket.objects.filter(id=key).only("rank", "status").get)
    ticket.rank = 5
    do(ticket.save)
    assert stored(ticket)["queue"] == {"S": "S#paid"}


def test_an_item_that_has_its_keys_is_changed_as_before(do, key, sent, stored):
    ticket = do(Ticket.create, id=key, status="paid", rank=3, team="red")
    ticket.rank = 4
    do(ticket.save)
    names = sent.payload()["ExpressionAttributeNames"].values()
    assert set(names) == {"id", "rank", "place"}
