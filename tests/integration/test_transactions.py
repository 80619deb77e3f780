"""Transactions on the engines: all or nothing, what two writes of one item come to, and reasons."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    ConnectionFailed,
    DictField,
    F,
    IntegerField,
    ListField,
    Model,
    QueryError,
    SetField,
    StaleItem,
    VersionField,
    capacity,
    transaction,
)
from dynamodb_py.exceptions import ConditionFailed, TransactionCanceled

from ..engines import known_fault
from .proxy import ATTEMPTS, close


class Account(Model):
    class Meta:
        table_name = "accounts"

    name = CharField(hash_key=True)
    a = IntegerField(default=0)
    b = IntegerField()
    tags = SetField(str)
    ids = ListField(int)
    doc = DictField()


class Order(Model):
    class Meta:
        table_name = "orders"

    owner = CharField(hash_key=True)
    number = IntegerField(range_key=True)
    text = CharField()


class Page(Model):
    class Meta:
        table_name = "pages"

    name = CharField(hash_key=True)
    a = IntegerField(default=0)
    b = IntegerField()
    doc = DictField()
    version = VersionField()


class User(Model):
    class Meta:
        table_name = "users"

    name = CharField(hash_key=True)
    a = IntegerField(default=0)
    b = IntegerField()
    email = CharField(unique=True)


class Sentinel(Model):
    class Meta:
        table_name = "users-unique"

    value = CharField(hash_key=True)
    owner = DictField()
    model = CharField()


TABLES = [Account, Order, Page, User]


class Block:
    """The block of a transaction that works in both modes, left by ``close()``."""

    def __init__(self, do, **given):
        self.do, self.tx = do, transaction.atomic(**given)

    def __call__(self, *steps):
        """Do *steps*, functions of no arguments, in one block; return the transaction."""
        if self.do.mode == "sync":
            with self.tx:
                for step in steps:
                    step()
            return self.tx

        async def block():
            async with self.tx:
                for step in steps:
                    step()
            return self.tx

        return self.do.run(block())


def together(do, *steps, **given):
    return Block(do, **given)(*steps)


# -- all or nothing --------------------------------------------------------------------------------


def test_writes_of_all_kinds_are_sent_as_one_and_settle_their_instances(
    engine, do, sent, stored, key
):
    loaded, gone, other = (
        Account.create(name=key, a=1),
        Order.create(owner=key, number=1),
        Page(key),
    )
    new = Order(key, 2, text="new")
    sent.clear()
    loaded.a = 5

    def see():
        assert not new.persisted
        assert loaded.is_changed
        assert not other.persisted
        assert gone.persisted

    tx = together(
        do,
        lambda: new.save(force_insert=True),
        lambda: loaded.save(),
        lambda: gone.delete(),
        lambda: other.save(),
        lambda: Order(key, 3).update(text="made"),
        lambda: transaction.check((Account, key + "?"), Account.name.not_exists()),
        see,
    )
    assert sent.calls == ["TransactWriteItems"]
    assert (tx.state, len(tx)) == ("committed", 6)
    assert (new.persisted, loaded.is_changed, gone.persisted, other.version) == (
        True,
        False,
        False,
        1,
    )
    assert stored(loaded)["a"] == {"N": "5"}
    assert stored(new)["text"] == {"S": "new"}
    assert stored(Order(key, 3))["text"] == {"S": "made"}
    assert stored(gone) is None
    loaded.b, new.text, other.b = 1, "newer", 2
    for each in (loaded, new, other):
        each.save()
        assert not each.is_changed
    assert stored(other)["version"] == {"N": "2"}


def test_nothing_is_sent_when_the_block_raises(engine, do, sent, stored, key):
    account = Account.create(name=key, a=1)
    account.a = 2
    sent.clear()

    def fail():
        raise LookupError("no")

    block = Block(do)
    with pytest.raises(LookupError):
        block(account.save, lambda: Account.create(name=key + "-"), fail)
    assert (sent, block.tx.state) == ([], "rolled back")
    assert account.is_changed
    account.save()
    assert stored(account)["a"] == {"N": "2"}


def test_an_empty_block_sends_nothing_and_one_of_checks_alone_is_carried_out(engine, do, sent, key):
    account = Account.create(name=key, a=1)
    sent.clear()
    together(do, lambda: account.save())
    assert sent == []
    together(do, lambda: transaction.check(account, Account.a == 1))
    assert sent.calls == ["TransactWriteItems"]
    with pytest.raises(TransactionCanceled) as raised:
        together(do, lambda: transaction.check(account, Account.a == 2))
    [reason] = raised.value.reasons
    assert (reason.verb, reason.instance, reason.current.a) == ("check", account, 1)


def test_a_hundred_items_of_three_models_are_one_transaction(engine, do, sent, key):
    new = [
        *(Account(f"{key}-{n}", a=n) for n in range(40)),
        *(Order(key, n, text=str(n)) for n in range(40)),
        *(Page(f"{key}-{n}", a=n) for n in range(20)),
    ]
    one_more = Account(key + "-more")

    def too_much():
        with pytest.raises(QueryError, match=r"save of Account\('.*-more'\): .* have 101 items"):
            one_more.save()

    tx = together(do, *[each.save for each in new], too_much)
    assert sent.calls == ["TransactWriteItems"]
    assert len(sent.payload()["TransactItems"]) == 100
    assert len(tx) == 100
    assert all(each.persisted for each in new)
    assert not one_more.persisted
    assert Account.get(f"{key}-39").a == 39
    assert Order.objects.filter(owner=key).count() == 40
    assert Page.get(f"{key}-19").version == 1


# -- two writes of one item ------------------------------------------------------------------------


def set_(**values):
    def saved(item):
        for name, value in values.items():
            setattr(item, name, value)
        item.save()

    return saved


def update(*actions, **values):
    def updated(item):
        item.update(*actions, **values)

    return updated


def copy(step):
    """Do it to another instance of the same key, of which nothing else is known."""

    def by_copy(item):
        step(type(item)(item.name))

    return by_copy


def twin(step):
    """Do it to another instance, loaded at the same time."""

    def by_copy(item):
        step(item.twin)

    return by_copy


def delete(item):
    item.delete()


def incr(item):
    item.incr(a=1)


def create(**values):
    def created(item):
        type(item).create(name=item.name, **values)

    return created


def email(part):
    def saved(item):
        item.email = f"{item.name}@{part}"
        item.save()

    return saved


def anew(part):
    def created(item):
        type(item).create(name=item.name, email=f"{item.name}@{part}")

    return created


SAVED = [
    (set_(a=2), set_(b=3)),
    (set_(a=2), set_(a=4)),
    (set_(a=2, b=2), set_(a=1)),
    (set_(a=2), set_(a=1)),
    (set_(a=2), set_(a=1), set_(b=5)),
    (set_(a=2), delete),
    (set_(a=2), copy(delete)),
    (delete, create(b=7)),
    (delete, delete),
    (copy(delete), create(b=7)),
    (set_(a=2), copy(update(b=3))),
    (set_(a=2), update(b=3)),
    (update(a=2), update(b=3)),
    (update(a=2), delete),
    (update(a=F("a") + 1), set_(b=3)),
    (update(b=F("a") + 1), update(a=9)),
    (update(F("a").add(2)), copy(update(F("a").add(3)))),
]
PLAIN = [
    (set_(a=2), twin(set_(b=3))),
    (set_(a=2), twin(set_(a=2))),
    (set_(doc={"x": 5, "y": 1}), twin(set_(doc={"x": 1, "y": 6}))),
    (set_(doc={"x": 5, "y": 1}), set_(doc={"x": 1, "y": 2})),
    (set_(ids=[1, 2, 3, 4]), set_(ids=[1, 2, 3, 4, 5])),
    (set_(ids=[1, 2, 3, 4]), set_(ids=[1, 2, 3], b=1)),
    (update(F("tags").add({"x"})), copy(update(F("ids").append([9])))),
    (update(F("doc__x").add(1)), copy(update(F("doc__y").add(1)))),
    (incr, incr, copy(incr)),
]
UNIQUE = [
    (email("new"), set_(a=5)),
    (email("mid"), email("new")),
    (email("mid"), email("old")),
    (email("new"), delete),
    (email("new"), copy(delete)),
    (delete, anew("new")),
    (delete, anew("old")),
    (email("new"), copy(update(a=9))),
    (update(a=9), email("new")),
]
START = {"a": 1, "ids": [1, 2, 3], "doc": {"x": 1, "y": 1}, "tags": {"t"}}


def made(model, name):
    values = {field: value for field, value in START.items() if field in model._fieldset.by_name}
    if model is User:
        values["email"] = name + "@old"
    model.create(name=name, **values)
    return model.get(name)


def seen(item, stored):
    """Return what is stored of an item, but for its name."""
    found = stored(item)
    return found and {n: w for n, w in found.items() if n not in ("name", "version", "email")}


def owned(item):
    """Return the values that the item has by the sentinels; they begin with its name."""
    values = [f'["email","{item.name}@{part}"]' for part in ("old", "new", "mid")]
    found = [each for each in Sentinel.batch_get(*values) if each.owner == {"name": item.name}]
    return [each.value.partition("@")[2] for each in found]


def compared(stored, key, model, steps):
    """Do *steps* one after the other to one item, and in a transaction to another like it."""
    apart, in_one = made(model, key + "-1"), made(model, key + "-2")
    apart.twin, in_one.twin = model.get(apart.name), model.get(in_one.name)
    for step in steps:
        step(apart)
    with transaction.atomic():
        for step in steps:
            step(in_one)
    assert seen(in_one, stored) == seen(apart, stored)
    assert in_one.persisted == apart.persisted
    if model is User:
        assert owned(in_one) == owned(apart)
    if stored(in_one) is None or steps[-1].__name__ == "created":  # of which others know more
        return
    assert not in_one.is_changed
    if any(step.__name__ == "by_copy" for step in steps):
        in_one.refresh_from_db()
    now = model.get(in_one.name)
    known = {n: v for n, v in in_one.__dict__.items() if n in model._fieldset.by_name}
    assert known == {name: getattr(now, name) for name in known}
    in_one.b = 77
    in_one.save()
    assert stored(in_one)["b"] == {"N": "77"}


@pytest.mark.parametrize("steps", SAVED, ids=map(str, range(len(SAVED))))
@pytest.mark.parametrize("model", [Account, Page, User])
def test_two_writes_of_one_item_do_what_they_would_do_one_after_the_other(
    engine, stored, key, model, steps
):
    compared(stored, key, model, steps)


@pytest.mark.parametrize("steps", PLAIN, ids=map(str, range(len(PLAIN))))
def test_two_writes_of_parts_of_one_item_do_what_they_would_do_one_after_the_other(
    engine, stored, key, steps
):
    compared(stored, key, Account, steps)


@pytest.mark.parametrize("steps", UNIQUE, ids=map(str, range(len(UNIQUE))))
def test_unique_values_are_owned_as_they_would_be_one_after_the_other(engine, stored, key, steps):
    compared(stored, key, User, steps)


PATHS = st.sampled_from(["a", "b"])
FIRST, SECOND = st.sampled_from(["item", "twin", "copy"]), st.integers(0, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(FIRST, st.just("save"), PATHS, SECOND),
        st.tuples(FIRST, st.just("some"), PATHS, SECOND),
        st.tuples(FIRST, st.just("update"), PATHS, SECOND),
        st.tuples(FIRST, st.just("add"), PATHS, SECOND),
        st.tuples(FIRST, st.just("copied"), PATHS, SECOND),
        st.tuples(FIRST, st.just("guarded"), PATHS, SECOND),
        st.tuples(FIRST, st.just("key"), PATHS, SECOND),
        st.tuples(FIRST, st.just("delete"), PATHS, SECOND),
        st.tuples(FIRST, st.just("create"), PATHS, SECOND),
    ),
    min_size=2,
    max_size=4,
)
OTHER = {"a": "b", "b": "a"}


def _told(before, step):
    """Return the value of a step: in a block nobody can tell one that is as loaded from no change."""
    who, verb, _, value = step
    updated = any(each[0] == who and each[1] not in ("save", "some") for each in before)
    return value + 10 if updated and verb in ("save", "some") else value


def take(instances, step):
    """Do one random step."""
    who, verb, name, value = step
    one = instances[who]
    if verb in ("save", "some"):
        setattr(one, name, value)
        one.save(update_fields=[name] if verb == "some" and one.persisted else None)
    elif verb == "update":
        one.update(**{name: value})
    elif verb == "add":
        one.update(F(name).add(value))
    elif verb == "copied":
        one.update(**{name: F(OTHER[name]) + value})
    elif verb == "guarded":
        one.update(**{name: value}, condition=F(OTHER[name]) > value)
    elif verb == "key":
        one.update(F("doc")[name].set(value))
    elif verb == "delete":
        one.delete()
    else:
        type(one).create(name=one.name, a=value, b=0, doc={})


def group(model, name):
    found = model.get(name)
    return {"item": found, "twin": model.get(name), "copy": model(name)}


@pytest.mark.engines("dynoxide")
@pytest.mark.parametrize("model", [Account, Page])
@settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_random_writes_of_one_item_do_what_they_would_do_one_after_the_other_or_are_refused(
    engine, stored, model, steps
):
    steps = [(*step[:3], _told(steps[:at], step)) for at, step in enumerate(steps)]
    number = uuid.uuid4().hex
    for n in (1, 2):
        model.create(name=f"{number}-{n}", a=1, b=2, doc={"a": 1})
    together, apart = group(model, f"{number}-1"), group(model, f"{number}-2")
    try:
        with transaction.atomic():
            for step in steps:
                take(together, step)
    except (QueryError, TransactionCanceled):
        return  # nothing was written
    for step in steps:
        take(apart, step)  # what one transaction could do does not fail
    assert seen(together["item"], stored) == seen(apart["item"], stored)
    for who, one in together.items():
        assert one.persisted == apart[who].persisted
        if one.persisted and stored(one) is not None and {step[0] for step in steps} == {who}:
            assert not one.is_changed
            now = model.get(one.name)
            assert all(getattr(now, n) == v for n, v in one.__dict__.items())


# -- why it was not carried out --------------------------------------------------------------------


def test_reasons_are_by_call_with_what_each_alone_would_have_raised(engine, do, stored, key):
    there, stale = Account.create(name=key, a=3), Page.create(name=key, a=1)
    Page.get(key).update(a=2)
    User.create(name=key + "-1", email=key)
    stale.b = 9
    gone = Account.create(name=key + "-gone")
    Account.objects.delete(gone.name)
    gone.a = 1
    fine, user = Account(key + "-fine"), User(key + "-2", email=key)
    with pytest.raises(TransactionCanceled) as raised:
        together(
            do,
            fine.save,
            lambda: user.save(force_insert=True),
            stale.save,
            gone.save,
            lambda: there.update(a=F("a") - 5, condition=Account.a >= 5),
            lambda: Account.create(name=key + "-1"),
            lambda: transaction.check((Order, (key, 1)), Order.owner.exists()),
        )
    reasons = raised.value.reasons
    assert [type(each.error) for each in reasons] == [
        type(None),
        User.AlreadyExists,
        StaleItem,
        Account.DoesNotExist,
        ConditionFailed,
        type(None),
        ConditionFailed,
    ]
    assert (reasons[1].error.fields, reasons[1].error.owner) == (("email",), key + "-1")
    assert (reasons[2].current.a, reasons[4].current.a) == (2, 3)
    assert f"reasons[4], update of Account('{key}')" in str(raised.value)
    assert stored(fine) is None
    assert (fine.persisted, user.persisted, stale.is_changed) == (False, False, True)
    stale.refresh_from_db()
    assert (stale.a, stale.b, stale.version) == (2, None, 2)


@known_fault("moto", "refuses the whole request where one update cannot be computed")
def test_what_dynamodb_cannot_compute_is_told_of_the_call(engine, do, key):
    account = Account.create(name=key, doc={"x": "text"})
    steps = [lambda: Order(key, 1).save(), lambda: account.update(F("doc__x").add(1))]
    with pytest.raises(TransactionCanceled) as raised:
        together(do, *steps)
    assert [each.code for each in raised.value.reasons] == ["None", "ValidationError"]


def test_what_it_costs_is_counted(engine, do, key):
    with capacity() as used:
        together(do, Account(key).save, Order(key, 1).save)
    assert used.requests == 1
    assert used.by_table or engine.name == "moto"


@pytest.mark.engines("dynoxide", "extenddb")
def test_what_was_carried_out_without_an_answer_is_not_carried_out_twice(
    engine, do, faulty, proxy, stored, key
):
    account = Account.create(name=key, a=1)
    order = Order(key, 1)
    proxy.script(proxy.taken(close))
    tx = together(do, lambda: account.incr(a=5), lambda: order.save(force_insert=True))
    assert (tx.state, order.persisted) == ("committed", True)
    assert stored(account)["a"] == {"N": "6"}
    proxy.script(*[proxy.taken(close)] * ATTEMPTS)
    block = Block(do)
    with pytest.raises(ConnectionFailed):
        block(lambda: account.incr(a=5))
    assert block.tx.state == "unknown"
    assert stored(account)["a"] == {"N": "11"}
    together(do, lambda: account.incr(a=5), token=block.tx.token)
    assert stored(account)["a"] == {"N": "11"}
