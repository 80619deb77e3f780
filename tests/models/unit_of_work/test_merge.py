"""Two writes of one item in one transaction: what they are made, and what is refused."""

from __future__ import annotations

import json

import pytest

from dynamodb_py import (
    CharField,
    DateTimeField,
    DictField,
    F,
    IntegerField,
    ListField,
    Model,
    QueryError,
    UniqueConstraint,
    VersionField,
    transaction,
)

from ...scripted import checked


class Account(Model):
    name = CharField(hash_key=True)
    a = IntegerField(default=0)
    b = IntegerField()
    ids = ListField(int)
    doc = DictField()


class Page(Model):
    name = CharField(hash_key=True)
    a = IntegerField(default=0)
    b = IntegerField()
    version = VersionField()


class User(Model):
    class Meta:
        constraints = [UniqueConstraint("tenant", "number")]

    name = CharField(hash_key=True)
    a = IntegerField(default=0)
    email = CharField(unique=True)
    tenant = CharField()
    number = IntegerField()


class Log(Model):
    name = CharField(hash_key=True)
    a = IntegerField(default=0)
    changed = DateTimeField(auto_now=True)


ITEM = {
    "name": {"S": "x"},
    "a": {"N": "1"},
    "ids": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]},
    "doc": {"M": {"x": {"N": "1"}}},
}
PAGE = {"name": {"S": "x"}, "a": {"N": "1"}, "version": {"N": "3"}}
USER = {
    "name": {"S": "x"},
    "a": {"N": "1"},
    "email": {"S": "old"},
    "tenant": {"S": "t"},
    "number": {"N": "1"},
}
ITEMS = {Account: ITEM, Page: PAGE, User: USER}
TOLD = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def loaded(model):
    item = model.from_db(ITEMS[model])
    item.twin = model.from_db(ITEMS[model])
    return item


def request(step, item, script):
    """Return the members of the transaction in which *step* is done to *item*."""
    script.answers.append({})
    with transaction.atomic() as tx:
        step(item)
        operation = tx.operation()
    return checked(operation)["TransactItems"]


def spelled(members):
    """Return each member as text, placeholders filled in."""
    return [_spelled(kind, member) for each in members for kind, member in each.items()]


def _spelled(kind, member):
    texts = [kind]
    if "Item" in member:
        texts.append(str({name: next(iter(w.values())) for name, w in member["Item"].items()}))
    for part in ("UpdateExpression", "ConditionExpression"):
        text = member.get(part, "")
        names = member.get("ExpressionAttributeNames", {})
        values = member.get("ExpressionAttributeValues", {})
        for mark, name in sorted(names.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(mark, name)
        for mark, wire in sorted(values.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(mark, str(next(iter(wire.values()))))
        if text:
            texts.append(("if " if part[0] == "C" else "") + text)
    return " ".join(texts)


def save(item, **values):
    for name, value in values.items():
        setattr(item, name, value)
    item.save()


def saves(*changes):
    def step(item):
        for values in changes:
            save(item, **values)

    return step


def both(first, second):
    def step(item):
        first(item)
        second(item)

    return step


def by_key(step):
    return lambda item: step(type(item)(item.name))


def update(*actions, **values):
    return lambda item: item.update(*actions, **values)


def delete(item):
    item.delete()


def delete_if(item):
    item.delete(condition=Account.a == 1)


def create(**values):
    return lambda item: type(item).create(name=item.name, **values)


HERE = "if attribute_exists(name)"
V3 = "if (attribute_exists(name) AND version = 3)"
FREE = "if attribute_not_exists(name)"


@pytest.mark.parametrize(
    ("model", "step", "members"),
    [
        (Account, saves({"a": 2}, {"b": 3}), [f"Update SET a = 2, b = 3 {HERE}"]),
        (Account, saves({"a": 2, "b": 2}, {"a": 1}), [f"Update SET b = 2 {HERE}"]),
        (Account, saves({"a": 2}, {"a": 1}), [f"ConditionCheck {HERE}"]),
        (Page, saves({"a": 2}, {"b": 3}), [f"Update SET a = 2, b = 3, version = 4 {V3}"]),
        (
            Account,
            both(update(F("a").add(2)), by_key(update(F("a").add(3)))),
            [f"Update ADD a 5 {HERE}"],
        ),
        (
            Account,
            both(update(F("a").add(2)), by_key(update(b=3))),
            [f"Update SET b = 3 ADD a 2 {HERE}"],
        ),
        (
            Account,
            both(saves({"a": 2}), lambda item: save(item.twin, b=3)),
            [f"Update SET a = 2, b = 3 {HERE}"],
        ),
        (Account, both(saves({"a": 2}), delete), [f"Delete {HERE}"]),
        (Page, both(saves({"a": 2}), delete), ["Delete if (version = 3 AND attribute_exists(name))"]),
        (Page, both(saves({"a": 2}), by_key(update(b=3))), [f"Update SET a = 2, version = 4, b = 3 {V3}"]),
        (
            Page,
            both(by_key(update(a=2)), by_key(update(b=3))),
            ["Update SET a = 2, version = if_not_exists(version, 0) + 1, b = 3"],
        ),
        (Account, both(delete, create(b=7)), ["Put {'name': 'x', 'a': '0', 'b': '7'}"]),
        (Page, both(delete, create(b=7)), ["Put {'name': 'x', 'a': '0', 'b': '7', 'version': '1'} if version = 3"]),
        (
            Account,
            both(create(), by_key(update(b=3))),
            [f"Put {{'name': 'x', 'a': '0', 'b': '3'}} {FREE}"],
        ),
        (Account, both(create(), by_key(delete)), [f"Delete {FREE}"]),
        (
            Account,
            lambda item: (transaction.check(item, Account.a == 1), save(item, a=2)),
            ["Update SET a = 2 if (attribute_exists(name) AND a = 1)"],
        ),
        (
            Account,
            lambda item: (save(item, a=2), transaction.check(item, Account.a == 1)),
            ["Update SET a = 2 if (attribute_exists(name) AND a = 1)"],
        ),
        (
            Account,
            lambda item: (transaction.check(item, Account.a > 0), transaction.check(item, Account.b < 9)),
            ["ConditionCheck if (a > 0 AND b < 9)"],
        ),
        (
            Account,
            lambda item: (
                save(item, a=2, b=2),
                setattr(item, "b", 3),
                item.save(update_fields=["b"]),
            ),
            [f"Update SET a = 2, b = 3 {HERE}"],
        ),
    ],
)  # fmt: skip
def test_two_writes_of_one_item_become_one(script, model, step, members):
    assert spelled(request(step, loaded(model), script)) == members


@pytest.mark.parametrize(
    ("step", "claimed", "released"),
    [
        (saves({"email": "new"}), ["new"], ["old"]),
        (saves({"email": "mid"}, {"email": "new"}), ["new"], ["old"]),
        (saves({"email": "mid"}, {"email": "old", "a": 5}), [], []),
        (
            lambda item: (save(item, email="new"), setattr(item, "a", 5), item.save(update_fields=["a"])),
            ["new"],
            ["old"],
        ),
        (both(saves({"email": "new"}), delete), [], ["old"]),
        (both(delete, create(email="new")), ["new"], ["old"]),
        (both(delete, create(email="old")), ["old"], []),
        (both(saves({"email": "new"}), by_key(update(a=9))), ["new"], ["old"]),
    ],
)  # fmt: skip
def test_the_sentinels_are_those_of_what_it_comes_to(script, step, claimed, released):
    members = request(step, loaded(User), script)
    puts = [each["Put"]["Item"] for each in members if "Put" in each]
    gone = [each["Delete"]["Key"] for each in members if "Delete" in each]
    assert _emails(puts) == claimed
    assert _emails(gone) == released


def _emails(items):
    """Return what the sentinels among *items* are of, but for those of other constraints."""
    values = [json.loads(item["value"]["S"]) for item in items if "value" in item]
    return [value for constraint, value, *_ in values if constraint == "email"]


def test_what_is_deleted_and_made_anew_is_as_it_was_made_afterwards(script):
    item = loaded(Account)
    request(both(delete, create(b=7)), item, script)
    assert not item.persisted


@pytest.mark.parametrize(
    "changes",
    [
        [{"a": 2}, {"b": 3}],
        [{"a": 2}, {"a": 1}],
        [{"a": 2, "b": 2}, {"a": 1}, {"b": 5}],
        [{"doc": {"x": 2}}, {"doc": {"x": 1, "y": 1}}],
        [{"ids": [1, 2, 3, 4]}, {"ids": [1, 2, 3]}],
    ],
)
def test_what_is_saved_twice_is_as_stored_afterwards(script, changes):
    item = loaded(Account)
    request(saves(*changes), item, script)
    assert not item.is_changed
    wanted = {name: value for each in changes for name, value in each.items()}
    assert {name: getattr(item, name) for name in wanted} == wanted
    item.revert()
    assert {name: getattr(item, name) for name in wanted} == wanted


def test_fields_that_set_themselves_are_set_by_the_last_save(script):
    log = Log.from_db({"name": {"S": "x"}, "a": {"N": "1"}})
    [member] = request(saves({"a": 2}, {"a": 3}), log, script)
    values = member["Update"]["ExpressionAttributeValues"].values()
    assert {"S": log._fieldset.by_name["changed"].encode(log.changed)["S"]} in values
    assert not log.is_changed


REFUSED = [
    (Account, update(a=2), update(b=F("a") + 1), "computes with Account.a"),
    (Account, update(a=2), by_key(update(b=1, condition=Account.a == 2)), "condition on Account.a"),
    (Account, update(a=F("a") + 1), update(a=F("a") + 1), "computes with Account.a"),
    (Account, update(F("ids")[0].remove()), update(F("ids")[1].remove()), "moves those behind"),
    (Account, update(F("ids").append([1])), update(F("ids").append([1])), "computes with"),
    (Account, update(a=2), delete_if, "condition on Account.a"),
    (Account, update(F("doc__x").add(1)), by_key(update(doc={})), "both change Account.doc"),
    (Account, delete, saves({"a": 5}), "the first deletes the item"),
    (Account, delete, saves({}), "the first deletes the item"),
    (Account, delete, by_key(update(a=5)), "the first deletes the item"),
    (Account, create(), create(), "replace the whole item"),
    (
        Account,
        create(),
        by_key(update(F("a").add(1))),
        "DynamoDB computes the new value of Account.a",
    ),
    (Account, create(), delete_if, "condition on values that the first changes"),
    (Account, update(a=2), create(), "replace the whole item"),
    (Account, saves({"a": 2}), lambda item: save(item.twin, a=3), "both change a"),
    (Page, saves({"a": 2}), lambda item: save(item.twin, b=3), "nobody else has written"),
    (Page, by_key(update(b=1)), saves({"a": 2}), "nobody else has written"),
    (Page, by_key(update(b=1)), delete, "nobody else has written"),
    (User, saves({"email": "y"}), lambda item: save(item.twin, email="z"), "both change unique"),
    (User, saves({"number": 7}), lambda item: save(item.twin, tenant="z"), "both change unique"),
]


@pytest.mark.parametrize(
    ("model", "first", "second", "why"), REFUSED, ids=map(str, range(len(REFUSED)))
)
def test_what_would_come_to_something_else_is_refused_with_both_named(
    script, model, first, second, why
):
    item = loaded(model)
    repr(item)  # reads its values
    script.answers.append({})
    with transaction.atomic() as tx:
        first(item)
        before, values = checked(tx.operation()), dict(item.__dict__)
        with pytest.raises(QueryError, match=why) as raised:
            second(item)
        assert str(raised.value).count(f"{model.__name__}('x')") == 2
        assert (checked(tx.operation()), len(tx)) == (before, 1)
        assert item.persisted
        assert values.keys() == item.__dict__.keys()
        Account.create(name="more")
    assert len(tx) == 2


def test_a_field_that_is_set_back_by_the_second_save_of_some_fields_is_not_lost(script):
    item = loaded(Account)
    script.answers.append({})
    with transaction.atomic():
        save(item, a=2, b=2)
        item.a = 1
        with pytest.raises(QueryError, match="undoes the first's change of"):
            item.save(update_fields=["a"])


def test_a_field_that_is_set_back_after_an_update_is_not_lost(script):
    item = loaded(Account)
    script.answers.append({})
    with transaction.atomic():
        save(item, a=2)
        item.update(b=3)
        item.a = 1
        with pytest.raises(QueryError, match="undoes the first's change of"):
            item.save()


def test_a_field_that_is_set_back_after_another_instance_put_the_item_is_not_lost(script):
    item = loaded(Account)
    script.answers.append({})
    with transaction.atomic():
        Account("x", a=7).save()
        save(item, a=2)
        item.a = 1
        with pytest.raises(QueryError, match="undoes the first's change of"):
            item.save()
