"""A question for unique values is answered by the sentinel, which names the item, and then the item."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from dynamodb_py import (
    BinaryField,
    CharField,
    DateTimeField,
    DoesNotExist,
    GlobalIndex,
    IntegerField,
    Model,
    ScanRequired,
    SoftDelete,
    TimestampField,
    UniqueConstraint,
    options,
)


class User(Model):
    class Meta:
        table_name = "users"
        constraints = [UniqueConstraint("tenant", "number")]

    id = CharField(hash_key=True)
    at = IntegerField(range_key=True)
    email = CharField(name="mail", unique=True)
    nick = CharField(unique=True)
    badge = BinaryField(unique=True)
    born = DateTimeField(unique=True)
    tenant = CharField()
    number = IntegerField()
    note = CharField()

    by_nick = GlobalIndex(hash_key="nick")


class Ticket(Model):
    class Meta:
        table_name = "tickets"
        hide_expired = True

    id = BinaryField(hash_key=True)
    code = CharField(unique=True)
    gone = TimestampField(ttl=True)


class Paper(SoftDelete):
    class Meta:
        table_name = "papers"

    id = CharField(hash_key=True)
    code = CharField(unique=True)


class Animal(Model):
    class Meta:
        table_name = "animals"
        discriminator = "kind"

    id = CharField(hash_key=True)
    kind = CharField()
    name = CharField(unique=True)


class Dog(Animal):
    pass


class Cat(Animal):
    pass


TABLES = [User, Ticket, Paper, Animal]


@pytest.fixture(autouse=True)
def on_each_engine(engine):
    """All tests are of engines."""


@pytest.fixture
def user(do, key) -> User:
    values = {"badge": key.encode(), "born": datetime.now(timezone.utc), "tenant": key, "number": 1}
    return do(User.create, id=key, at=1, email=f"{key}@x", nick=key, note="n", **values)


WAYS = {
    "get": lambda do, user, **named: do(User.objects.get, **named),
    "filter and get": lambda do, user, **named: do(User.objects.filter(**named).get),
    "get_or_none": lambda do, user, **named: do(User.objects.get_or_none, **named),
    "Model.get": lambda do, user, **named: do(User.get, **named),
    "first": lambda do, user, **named: do(User.objects.filter(**named).first),
    "conditions": lambda do, user, **named: do(User.objects.get, User.email == user.email),
    "a loop": lambda do, user, **named: do.list(User.objects.filter(**named))[0],
}


@pytest.mark.parametrize("way", WAYS)
def test_the_item_with_the_value_is_found_by_two_consistent_requests(do, user, sent, way):
    sent.clear()
    for _ in range(2):  # the second time from what is compiled
        found = WAYS[way](do, user, email=user.email)
        assert found.to_dict() == user.to_dict()
    assert sent.calls == ["GetItem"] * 4
    assert [each.table.rpartition("-")[2] for each in sent] == ["unique", "users"] * 2
    assert all(each.consistent for each in sent)


@pytest.mark.parametrize("names", [["badge"], ["born"], ["nick"], ["number", "tenant"]])
def test_values_of_all_kinds_and_of_several_fields_are_found(do, user, sent, names):
    sent.clear()
    named = {name: getattr(user, name) for name in names}
    assert do(User.objects.get, **named) == user
    assert do(User.objects.get_or_none, **named) == user
    assert do(User.objects.filter(**named).exists)
    assert do(User.objects.filter(**named).count) == 1
    assert do.list(User.objects.filter(**named).values_list("note", flat=True)) == ["n"]
    assert do(User.objects.filter(**named).only("note").get).note == "n"
    assert sent.calls == ["GetItem"] * 12


def test_a_value_that_no_item_has_is_found_nowhere(do, user, sent):
    sent.clear()
    with pytest.raises(User.DoesNotExist, match="no User matches"):
        do(User.objects.get, email="nobody@x")
    assert do(User.objects.get_or_none, email="nobody@x") is None
    assert do(User.objects.filter(email="nobody@x").first) is None
    assert not do(User.objects.filter(email="nobody@x").exists)
    assert sent.calls == ["GetItem"] * 4


def test_an_item_that_no_longer_has_the_value_is_looked_for_once_more(do, user, sent, put):
    put(User, {"id": {"S": user.id}, "at": {"N": "1"}, "mail": {"S": "other@x"}})
    sent.clear()
    with pytest.raises(DoesNotExist):
        do(User.objects.get, email=user.email)
    assert sent.calls == ["GetItem"] * 4


def test_another_question_is_planned_as_ever(do, user, sent):
    by_key = User.objects.filter(id=user.id, at=1, email=user.email)
    assert by_key.explain().kind == "query"
    assert User.objects.filter(nick=user.nick).explain().kind == "unique"
    assert User.objects.filter(nick=user.nick).index("by_nick").explain().index == "by_nick"
    assert User.by_nick.filter(nick=user.nick).explain().index == "by_nick"
    for question in ({"tenant": "a"}, {"email": "a", "note": "n"}, {"email__startswith": "a"}):
        with pytest.raises(ScanRequired):
            User.objects.filter(**question).explain()
    assert User.objects.filter(email="a").scan().explain().kind == "scan"


def test_what_is_read_need_not_be_consistent(do, user, sent):
    sent.clear()
    do(User.objects.get, email=user.email, consistent=False)
    do(User.objects.get_or_none, email=user.email, consistent=False)
    with options(consistent=False):
        do(User.objects.get, email=user.email)
    assert not any(each.consistent for each in sent)
    assert len(sent) == 6


def test_explain_shows_both_requests_and_estimate_counts_both(do, user, engine):
    found = User.objects.filter(email="ann@x")
    text = str(found.explain())
    assert f"GetItem on {engine.prefix}users-unique, then on {engine.prefix}users" in text
    assert "why: email can have each value once" in text
    assert text.count("  GetItem: ") == 2
    assert found.operation().table == f"{engine.prefix}users-unique"
    cost = do(found.estimate)
    assert (cost.least, cost.most) == (1, 2)


def test_what_reads_hide_is_not_found_by_a_value(do, key):
    past = datetime(2020, 1, 1, tzinfo=timezone.utc)
    ticket = do(Ticket.create, id=key.encode(), code=key)
    assert do(Ticket.objects.get, code=key) == ticket
    do(ticket.update, gone=past)
    assert do(Ticket.objects.get_or_none, code=key) is None
    paper = do(Paper.create, id=key, code=key)
    assert do(Paper.objects.get, code=key) == paper
    do(paper.delete)
    assert do(Paper.objects.get_or_none, code=key) is None
    assert do(Paper.all_objects.get, code=key) == paper


def test_an_item_of_another_class_is_not_found_by_a_value(do, key):
    do(Dog.create, id=key, name=key)
    assert type(do(Animal.objects.get, name=key)) is Dog
    assert type(do(Dog.objects.get, name=key)) is Dog
    assert do(Cat.objects.get_or_none, name=key) is None


def test_what_matches_can_be_deleted_by_a_unique_value(do, user):
    done = do(User.objects.filter(email=user.email).delete)
    assert done.changed == 1
    assert do(User.objects.get_or_none, email=user.email) is None
