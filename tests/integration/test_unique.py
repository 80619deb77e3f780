"""What is unique has one owner, whatever is done, in whatever order, over a bad network."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from datetime import datetime, timezone

import pytest

from dynamodb_py import (
    AlreadyExists,
    BinaryField,
    CharField,
    ConditionFailed,
    DateTimeField,
    DynamoDBError,
    F,
    IntegerField,
    Model,
    StaleItem,
    TransactionCanceled,
    UniqueConstraint,
    ValidationError,
    VersionField,
    delete_all,
    save_all,
    transaction,
)
from dynamodb_py.models.maintenance.unique import check_unique, repair_unique

from .proxy import close


class User(Model):
    class Meta:
        table_name = "users"
        constraints = [UniqueConstraint("tenant", "number")]

    id = CharField(hash_key=True)
    email = CharField(name="mail", unique=True)
    tenant = CharField()
    number = IntegerField()
    badge = BinaryField(unique=True)
    visits = IntegerField(default=0)


class Versioned(Model):
    class Meta:
        table_name = "versioned"

    id = CharField(hash_key=True)
    email = CharField(unique=True)
    version = VersionField()


class Event(Model):
    class Meta:
        table_name = "events"

    tenant = CharField(hash_key=True)
    at = DateTimeField(range_key=True)
    email = CharField(name="mail", unique=True)


TABLES = [User, Versioned, Event]


@pytest.fixture(autouse=True)
def on_each_engine(engine):
    """All tests are of engines."""


def nothing_to_repair(model: type[Model] = User) -> bool:
    return check_unique(model).is_right


@pytest.fixture
def mail(key) -> str:
    return f"{key}@example.org"


# -- each verb ---------------------------------------------------------------------------------------


def took(do, key, **values) -> AlreadyExists:
    with pytest.raises(AlreadyExists) as raised:
        do(User.objects.create, id=key, **values)
    assert User.get(key) is None
    return raised.value


def test_a_value_that_is_taken_is_refused_with_the_field_and_the_owner(do, key, mail):
    do(User.objects.create, id=key, email=mail, tenant=key, number=1, badge=key.encode())
    error = took(do, f"{key}2", email=mail)
    assert (error.fields, error.owner, error.current) == (("email",), key, None)
    assert f"User.email: '{mail}' is taken by the item '{key}'" in str(error)
    assert took(do, f"{key}2", tenant=key, number=1).fields == ("tenant", "number")
    assert took(do, f"{key}2", badge=key.encode()).fields == ("badge",)
    with pytest.raises(AlreadyExists) as taken_key:
        do(User.objects.create, id=key, email="other@x")
    assert taken_key.value.fields == ()
    assert taken_key.value.current.email == mail
    assert isinstance(error, User.AlreadyExists)
    assert nothing_to_repair()


WAYS_TO_CHANGE = {
    "save": lambda do, user, new: do(setting(user, new).save),
    "save of one field": lambda do, user, new: do(setting(user, new).save, update_fields=["email"]),
    "save over": lambda do, user, new: do(setting(user, new).save, overwrite=True),
    "save of another": lambda do, user, new: do(User(id=user.id, email=new).save),
    "update": lambda do, user, new: do(user.update, email=new),
    "update of one never loaded": lambda do, user, new: do(User(id=user.id).update, email=new),
    "create over": lambda do, user, new: do(
        User.objects.create, id=user.id, email=new, overwrite=True
    ),
    "delete and create": lambda do, user, new: (
        do(user.delete),
        do(User.objects.create, id=user.id, email=new),
    ),
    "in a batch": lambda do, user, new: do(
        User.objects.batch_write, [{"id": user.id, "email": new}], overwrite=True
    ),
    "in a block": lambda do, user, new: in_a_block(do, put={"id": user.id, "email": new}),
    "bulk_create over": lambda do, user, new: do(
        User.objects.bulk_create, [User(id=user.id, email=new)], overwrite=True
    ),
    "upsert": lambda do, user, new: do(
        User.objects.bulk_create, [User(id=user.id, email=new)], update_conflicts=True
    ),
    "bulk_update": lambda do, user, new: do(
        User.objects.bulk_update, [setting(user, new)], ["email"]
    ),
    "bulk_update of one never loaded": lambda do, user, new: do(
        User.objects.bulk_update, [{"id": user.id, "email": new}], ["email"]
    ),
    "save_all": lambda do, user, new: do(save_all, [setting(user, new)]),
}
WAYS_TO_LOSE = {
    "delete": lambda do, user: do(user.delete),
    "delete of one never loaded": lambda do, user: do(User(id=user.id).delete),
    "delete by key": lambda do, user: do(User.objects.delete, user.id),
    "delete in bulk": lambda do, user: do(User.objects.bulk_delete, [user]),
    "delete in bulk by key": lambda do, user: do(User.objects.bulk_delete, [user.id]),
    "delete in a block": lambda do, user: in_a_block(do, delete=user.id),
    "delete_all": lambda do, user: do(delete_all, [user]),
    "delete by a query": lambda do, user: do(User.objects.filter(id=user.id).delete),
    "delete by a scan": lambda do, user: do(
        User.objects.filter(User.id.begins_with(user.id)).scan().delete
    ),
    "set to None": lambda do, user: do(setting(user, None).save),
    "update to None": lambda do, user: do(user.update, email=None),
    "remove": lambda do, user: do(user.update, User.email.remove()),
    "put without": lambda do, user: do(User(id=user.id).save),
}


def setting(user: User, email: str | None) -> User:
    user.email = email
    return user


def in_a_block(do, *, put=None, delete=None):
    async def block():
        async with User.abatch_write(overwrite=True) as batch:
            if put is not None:
                await batch.put(put)
            else:
                await batch.delete(delete)

    if do.mode == "async":
        do.run(block())
        return
    with User.batch_write(overwrite=True) as batch:
        if put is not None:
            batch.put(put)
        else:
            batch.delete(delete)


@pytest.mark.parametrize("way", WAYS_TO_CHANGE.values(), ids=WAYS_TO_CHANGE)
def test_a_value_that_is_changed_is_free_and_the_new_one_is_taken(do, way, key, mail):
    user = do(User.objects.create, id=key, email=mail)
    way(do, user, f"new-{mail}")
    assert nothing_to_repair()
    assert User.get(key).email == f"new-{mail}"
    other = do(User.objects.create, id=f"{key}2", email=mail)
    with pytest.raises(AlreadyExists):
        way(do, other, f"new-{mail}")
    assert nothing_to_repair()


@pytest.mark.parametrize("way", WAYS_TO_LOSE.values(), ids=WAYS_TO_LOSE)
def test_a_value_that_is_gone_is_free(do, way, key, mail):
    user = do(User.objects.create, id=key, email=mail)
    way(do, user)
    assert nothing_to_repair()
    assert do(User.objects.create, id=f"{key}2", email=mail).persisted


@pytest.mark.parametrize("way", WAYS_TO_LOSE.values(), ids=WAYS_TO_LOSE)
def test_what_a_stale_copy_gives_up_is_what_the_item_has(do, way, key, mail):
    stale = do(User.objects.create, id=key, email=mail)
    fresh = do(User.objects.get, key)
    fresh.email = f"new-{mail}"
    do(fresh.save)
    with suppress(ConditionFailed):
        way(do, stale)
    assert nothing_to_repair()


def test_a_save_that_changes_nothing_unique_is_one_update(do, sent, key, mail):
    user = do(User.objects.create, id=key, email=mail)
    user.visits = 3
    do(user.save)
    do(user.update, visits=F("visits") + 1)
    assert [each.api for each in sent] == ["TransactWriteItems", "UpdateItem", "UpdateItem"]
    assert nothing_to_repair()


def test_none_is_no_value_and_an_empty_text_is_one(do, key):
    for number in range(2):
        do(User.objects.create, id=f"{key}{number}", email=None, tenant=key, number=None)
    first = do(User.objects.create, id=f"{key}3", email="")
    assert took(do, f"{key}4", email="").owner == f"{key}3"
    do(first.delete)


def test_values_change_hands_in_one_transaction(do, key, mail):
    one = do(User.objects.create, id=key, email=mail)
    two = do(User.objects.create, id=f"{key}2", email=f"2{mail}")
    one.email, two.email = two.email, one.email
    with transaction.atomic():
        do(one.save)
        do(two.save)
    assert (User.get(key).email, User.get(f"{key}2").email) == (f"2{mail}", mail)
    assert nothing_to_repair()

    def two_of_which_one_is_taken():
        with transaction.atomic():
            do(User.objects.create, id=f"{key}3", email=f"3{mail}")
            do(User.objects.create, id=f"{key}4", email=mail)

    with pytest.raises(TransactionCanceled) as raised:
        two_of_which_one_is_taken()
    error = raised.value.reasons[1].error
    assert isinstance(error, AlreadyExists)
    assert (raised.value.reasons[0].code, error.fields) == ("None", ("email",))
    assert nothing_to_repair()


# -- many --------------------------------------------------------------------------------------------


def many(do, key, count):
    users = [User(id=f"{key}{n}", email=f"{key}{n}@x") for n in range(count)]
    return do(User.objects.bulk_create, users)


def test_values_that_are_taken_are_told_of_each_item(do, key):
    one, two, three = many(do, key, 3)
    one.email, two.email = f"{key}new@x", three.email
    with pytest.raises(AlreadyExists) as raised:
        do(User.objects.bulk_update, [one, two], ["email"])
    first, second = raised.value.done.outcomes
    assert isinstance(second.error, User.AlreadyExists)
    assert (second.error.fields, second.error.owner) == (("email",), three.id)
    assert first.status == "updated"
    assert nothing_to_repair()
    new = [User(id=f"{key}8", email=f"{key}8@x"), User(id=f"{key}9", email=three.email)]
    with pytest.raises(AlreadyExists) as raised:
        do(User.objects.bulk_create, new)
    assert raised.value.done.outcomes[1].error.fields == ("email",)
    assert nothing_to_repair()


def test_values_that_are_taken_can_be_ignored(do, key):
    one, two = many(do, key, 2)
    new = [
        User(id=f"{key}8", email=one.email),
        User(id=f"{key}9", email=f"{key}9@x"),
        User(id=two.id, email=f"{key}10@x"),
    ]
    result = do(User.objects.bulk_create, new, ignore_conflicts=True)
    assert [each.status for each in result.outcomes] == ["ignored", "created", "ignored"]
    assert result.outcomes[0].error.fields == ("email",)
    assert User.get(f"{key}8") is None
    assert User.get(two.id).email == two.email
    assert nothing_to_repair()


@pytest.mark.parametrize("verb", ["get_or_create", "update_or_create"])
def test_a_value_that_is_taken_is_not_taken_for_the_item(do, key, mail, verb):
    do(User.objects.create, id=key, email=mail)
    with pytest.raises(AlreadyExists) as raised:
        do(getattr(User.objects, verb), id=f"{key}2", defaults={"email": mail})
    assert (raised.value.fields, raised.value.owner) == (("email",), key)
    assert nothing_to_repair()


def test_an_item_whose_key_others_have_spelled_otherwise_can_be_deleted_by_a_query(do, key, put):
    spelled = {"S": "2020-01-01T00:00:00Z"}
    item = {"tenant": {"S": key}, "at": spelled, "mail": {"S": key}}
    put(Event, item)
    repair_unique(Event)
    done = do(Event.objects.filter(tenant=key).delete)
    assert (done.changed, done.failed) == (1, [])
    assert do.list(Event.objects.filter(tenant=key)) == []
    assert nothing_to_repair(Event)


def test_an_item_whose_key_cannot_be_read_is_deleted_with_the_others(do, key, put):
    put(Event, {"tenant": {"S": key}, "at": {"S": "never"}, "mail": {"S": key}})
    for year in (2020, 2021):
        at = datetime(year, 1, 1, tzinfo=timezone.utc)
        do(Event.objects.create, tenant=key, at=at, email=f"{key}{year}")
    done = do(Event.objects.filter(tenant=key).delete)
    assert (done.matched, done.changed, done.skipped, done.failed) == (3, 3, 0, [])
    assert not do(Event.objects.filter(tenant=key).exists)


@pytest.mark.engines("dynoxide", "extenddb")
def test_a_lost_answer_to_a_delete_by_a_query_is_no_item_that_was_skipped(do, faulty, proxy, key):
    do(User.objects.create, id=key)
    # It is read, and without a unique value deleted by itself.
    proxy.script(proxy.passed, proxy.taken(close))
    done = do(User.objects.filter(id=key).delete)
    assert (done.matched, done.changed, done.skipped) == (1, 1, 0)


def test_an_item_under_another_spelling_of_the_key_is_told_as_another_one(do, key, put):
    spelled = {"S": "2020-01-01T00:00:00Z"}
    put(Event, {"tenant": {"S": key}, "at": spelled, "mail": {"S": key}})
    repair_unique(Event)
    again = Event(tenant=key, at=datetime(2020, 1, 1, tzinfo=timezone.utc), email=key)
    with pytest.raises(AlreadyExists, match="another spelling") as raised:
        do(again.save)
    assert "'2020-01-01T00:00:00Z'" in str(raised.value)
    assert raised.value.fields == ("email",)


@pytest.mark.parametrize(
    "call",
    [
        lambda user: user.update(email=F("tenant")),
        lambda user: user.update(User.email.if_not_exists("x")),
        lambda user: User.objects.filter(id=user.id).update(email="x"),
        lambda user: User.objects.filter(tenant="t").scan().update(number=3),
    ],
    ids=["another field", "a default", "by key", "by a scan"],
)
def test_what_could_not_keep_it_is_refused_before_anything_is_sent(engine, sent, key, call):
    user = User.from_db({"id": {"S": key}, "mail": {"S": key}})
    with pytest.raises(ValidationError, match="it is unique"):
        call(user)
    assert not sent


def test_a_lost_race_for_a_version_is_stale_and_leaves_the_value(do, key, mail):
    one = do(Versioned.objects.create, id=key, email=mail)
    two = do(Versioned.objects.get, key)
    one.email, two.email = f"1{mail}", f"2{mail}"
    do(one.save)
    for verb in (two.save, two.delete):
        with pytest.raises(StaleItem) as raised:
            do(verb)
        assert raised.value.current.email == f"1{mail}"
    assert nothing_to_repair(Versioned)
    assert do(Versioned.objects.create, id=f"{key}2", email=f"2{mail}").version == 1


# -- any sequence ------------------------------------------------------------------------------------


@pytest.mark.engines("dynoxide", "extenddb")
@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_done_in_whatever_order_every_value_has_one_owner(do, seed, key):
    chance = random.Random(f"{seed}")
    mails = [f"{key}-{at}@x" for at in range(4)]
    copies: list[User] = []
    done: Counter[str] = Counter()
    for _ in range(60):
        some = chance.choice([*WAYS_TO_CHANGE, *WAYS_TO_LOSE, "load", "create"])
        with suppress(DynamoDBError):
            if some in ("load", "create") or not copies:
                name = f"{key}{chance.randrange(4)}"
                found = do(User.objects.get_or_none, name)
                copies.append(found or do(User.objects.create, id=name, email=chance.choice(mails)))
            elif some in WAYS_TO_CHANGE:
                WAYS_TO_CHANGE[some](do, chance.choice(copies), chance.choice(mails))
            else:
                WAYS_TO_LOSE[some](do, chance.choice(copies))
            done[some] += 1
        assert nothing_to_repair(), some
    assert len(done) > 8


@pytest.mark.engines("dynoxide", "extenddb")
def test_lost_answers_leave_no_orphans(do, faulty, proxy, key):
    chance = random.Random(7)
    proxy.strike(proxy.taken(close), rate=0.4)
    for _ in range(60):
        name, mail = f"{key}{chance.randrange(3)}", f"{key}{chance.randrange(3)}@x"
        with suppress(DynamoDBError):
            way = chance.choice(["create", "save", "delete"])
            if way == "create":
                do(User.objects.create, id=name, email=mail)
            elif (user := do(User.objects.get_or_none, name)) is not None:
                do(setting(user, mail).save if way == "save" else user.delete)
    assert sum(proxy.struck.values()) > 20
    proxy.strike()
    assert nothing_to_repair()
