"""Two copies of one item, and many writers at once, on real engines."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from dynamodb_py import (
    AlreadyExists,
    BinaryField,
    CharField,
    ConditionFailed,
    DictField,
    F,
    FieldNotLoaded,
    FloatField,
    GlobalIndex,
    IntegerField,
    ListField,
    Model,
    SetField,
    StaleItem,
    TransactionCanceled,
    VersionField,
    delete_all,
    options,
    save_all,
    transaction,
)

from ..eventually import eventually
from .proxy import close


class Account(Model):
    class Meta:
        table_name = "accounts"
        indexes = [GlobalIndex("by_owner", hash_key="owner", projection="keys")]

    name = CharField(hash_key=True)
    owner = CharField()
    balance = IntegerField(default=0)
    notes = DictField()
    entries = ListField(default=[])
    version = VersionField(name="v")


class Plain(Model):
    class Meta:
        table_name = "plain"

    name = CharField(hash_key=True)
    number = FloatField()
    text = CharField()
    tags = SetField()
    photo = BinaryField()
    doc = DictField()
    nothing = CharField(null=True)


TABLES = [Account, Plain]

PLAIN = {
    "number": {"N": "1.0"},
    "text": {"S": ""},
    "tags": {"SS": ["b", "a"]},
    "photo": {"B": b"\x00\xff"},
    "doc": {"M": {"a": {"L": [{"N": "1E1"}, {"NULL": True}, {"B": b"\x01"}]}, "b": {"M": {}}}},
    "nothing": {"NULL": True},
    "more": {"S": "undeclared"},
}


@pytest.fixture
def two(do, key):
    """Return an item as two writers loaded it."""

    def load(model=Account, **values):
        do(model.objects.create, name=key, **values)
        return tuple(do(model.objects.get, key, consistent=True) for _ in range(2))

    return load


@pytest.fixture
def found(do, key):
    """Return the item as it is stored now."""
    return lambda model=Account: do(model.objects.get_or_none, key, consistent=True)


def save(do, account):
    account.balance += 1
    do(account.save)


def edit(do, account):
    account.notes["mine"] = 1
    do(account.save)


def overwrite(do, account):
    do(account.save, overwrite=True)


def update(do, account):
    do(account.update, balance=F("balance") + 1)


def incr(do, account):
    do(account.incr, balance=1)


def delete(do, account):
    do(account.delete)


@pytest.mark.parametrize(
    ("other", "write"),
    [
        *((save, each) for each in (save, edit, overwrite, update, incr, delete)),
        *((each, save) for each in (edit, overwrite, update, incr)),
    ],
)
def test_the_second_of_two_writers_is_stale(engine, do, two, found, other, write):
    mine, yours = two(balance=1, notes={"a": 1})
    other(do, yours)
    before = found().to_dict()
    with pytest.raises(StaleItem) as caught:
        write(do, mine)
    assert caught.value.current.version == 2 == yours.version
    assert found().to_dict() == before
    assert mine.version == 1
    do(mine.refresh_from_db, consistent=True)
    write(do, mine)
    assert found() is None if write is delete else found().version == 3 == mine.version


def test_a_map_that_another_has_removed_is_a_lost_race_too(engine, do, two):
    # Its keys have no valid path then, and DynamoDB looks at the condition first.
    mine, yours = two(notes={"a": {"b": 1}})
    yours.notes = None
    do(yours.save)
    mine.notes["a"]["b"] = 2
    with pytest.raises(StaleItem) as caught:
        do(mine.save)
    assert caught.value.current.notes is None


@pytest.mark.parametrize(
    "write",
    [
        lambda do, key: do(Account(key).update, balance=5),
        lambda do, key: do(Account(key).incr, balance=5),
        lambda do, key: do(Account.objects.filter(name=key).update, balance=5),
        lambda do, key: do(Account.objects.update_or_create, name=key, defaults={"balance": 5}),
    ],
    ids=["update", "incr", "query", "update_or_create"],
)
def test_writes_without_the_item_are_seen_by_those_who_have_it(engine, do, two, found, key, write):
    mine, _ = two(owner="x")
    write(do, key)
    assert (found().balance, found().version) == (5, 2)
    mine.owner = "y"
    with pytest.raises(StaleItem):
        do(mine.save)


def test_what_does_not_exist_begins_at_one(engine, do, key, found):
    account = do(Account(key).incr, balance=2)
    assert (account.version, found().version, found().balance) == (1, 1, 2)


def test_of_two_new_ones_one_is_written(engine, do, key, found):
    one, other = Account(key, balance=1), Account(key, balance=2)
    do(one.save)
    with pytest.raises(AlreadyExists) as caught:
        do(other.save)
    assert caught.value.current.balance == 1
    do(other.save, overwrite=True)
    assert (other.version, found().version, found().balance) == (2, 2, 2)
    one.balance = 7
    with pytest.raises(StaleItem):
        do(one.save)


def test_get_or_create_gives_what_can_be_saved(engine, do, key, found):
    new, created = do(Account.objects.get_or_create, name=key, defaults={"balance": 1})
    there, again = do(Account.objects.get_or_create, name=key)
    assert (created, again, new.version, there.version) == (True, False, 1, 1)
    there.balance = 2
    do(there.save)
    assert found().version == 2


def test_a_copy_of_what_was_deleted_writes_nothing(engine, do, two, found):
    mine, yours = two()
    do(yours.delete)
    mine.balance = 3
    with pytest.raises(Account.DoesNotExist):
        do(mine.save)
    with pytest.raises(Account.DoesNotExist):
        do(mine.update, balance=3)
    with pytest.raises(StaleItem):
        do(mine.delete)
    assert found() is None
    do(yours.save)
    assert found().version == 2
    with pytest.raises(StaleItem):
        do(mine.save)


def test_what_was_read_in_part_is_checked(engine, do, two, key, found):
    mine, _ = two(owner=key, balance=1)
    part = do(Account.objects.filter(name=key).only("balance").consistent().get)
    part.balance += 1
    do(part.save)
    assert (part.version, found().version) == (2, 2)
    part.balance += 1
    do(part.save)
    assert (found().balance, found().version) == (3, 3)
    with pytest.raises(StaleItem):
        do(mine.delete)


def test_what_an_index_gives_without_a_version_is_not_written(engine, do, two, key):
    two(owner=key)
    rows = Account.objects.index("by_owner").filter(owner=key).only("owner")
    [part] = eventually(lambda: do.list(rows.all()), bool)
    part.balance = 2
    with pytest.raises(FieldNotLoaded):
        do(part.save)
    do(part.refresh_from_db, consistent=True)
    part.balance = 2
    do(part.save)
    assert part.version == 2


# -- many, and together --------------------------------------------------------------------------


def bulk_update(do, account):
    account.balance += 1
    do(Account.objects.bulk_update, [account], ["balance"])


def bulk_delete(do, account):
    do(Account.objects.bulk_delete, [account])


def save_some(do, account):
    account.balance += 1
    do(save_all, [account])


def delete_some(do, account):
    do(delete_all, [account])


@pytest.mark.parametrize("write", [bulk_update, bulk_delete, save_some, delete_some])
def test_many_at_once_are_checked_one_by_one(engine, do, two, found, write):
    mine, yours = two(balance=1)
    do(yours.incr, balance=1)
    before = found().to_dict()
    with pytest.raises(StaleItem) as caught:
        write(do, mine)
    assert caught.value.current.version == 2
    assert found().to_dict() == before
    do(mine.refresh_from_db, consistent=True)
    write(do, mine)
    assert found() is None if "delete" in write.__name__ else found().version == mine.version == 3


@pytest.mark.parametrize("verb", ["save", "update", "delete"])
def test_together_with_others_they_are_checked_too(engine, do, two, found, key, verb):
    mine, yours = two(balance=1)

    async def together():
        async with transaction.atomic():
            mine.balance = 5
            await getattr(mine, f"a{verb}")(**({"balance": 5} if verb == "update" else {}))
            await Account(f"{key}-other").asave()

    def in_a_block():
        if do.mode == "async":
            do.run(together())
            return
        with transaction.atomic():
            mine.balance = 5
            getattr(mine, verb)(**({"balance": 5} if verb == "update" else {}))
            Account(f"{key}-other").save()

    do(yours.incr, balance=1)
    with pytest.raises(TransactionCanceled) as caught:
        in_a_block()
    first, second = caught.value.reasons
    assert isinstance(first.error, StaleItem)
    assert (first.current.version, second.code, mine.version) == (2, "None", 1)
    assert found().version == 2
    do(mine.refresh_from_db, consistent=True)
    in_a_block()
    if verb == "delete":
        assert found() is None
    else:
        assert (found().balance, found().version, mine.version) == (5, 3, 3)
        mine.balance = 6
        do(mine.save)
        assert found().version == 4


# -- lost answers --------------------------------------------------------------------------------


@pytest.mark.engines("dynoxide", "extenddb")
@pytest.mark.parametrize("write", [save, edit, overwrite, delete])
def test_what_was_carried_out_and_not_answered_is_not_stale(
    engine, do, proxy, faulty, two, found, write
):
    mine, _ = two(balance=1, notes={"a": 1})
    proxy.script(proxy.taken(close))
    write(do, mine)
    if write is delete:
        assert found() is None
    else:
        assert found().to_dict() == mine.to_dict()
        assert mine.version == 2


# -- atomic --------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["save", "update", "delete"])
def test_atomic_passes_where_nothing_changed_whatever_the_spelling(
    engine, do, put, stored, key, verb
):
    put(Plain, {"name": {"S": key}, **PLAIN})
    plain = do(Plain.objects.get, key, consistent=True)
    # The same by meaning, as another writer spells it.
    put(Plain, {"name": {"S": key}, **PLAIN, "tags": {"SS": ["a", "b"]}, "number": {"N": "1"}})
    if verb == "save":
        plain.text = "x"
        do(plain.save, atomic=True)
        do(plain.save, atomic=True)
        plain.text = "y"
        do(plain.save, atomic=True)
        assert stored(plain)["text"] == {"S": "y"}
    elif verb == "update":
        do(plain.update, text="x", atomic=True)
        do(plain.update, number=F("number") + 1, atomic=True)
        do(plain.update, text="y", atomic=True)
        assert stored(plain)["number"] == {"N": "2"}
    else:
        do(plain.delete, atomic=True)
        assert stored(plain) is None


CHANGES = {
    "number": {"N": "2"},
    "text": {"S": " "},
    "tags": {"SS": ["b"]},
    "photo": {"B": b"\x00"},
    "doc": {"M": {**PLAIN["doc"]["M"], "b": {"M": {"c": {"NULL": True}}}}},
    "nothing": {"S": "something"},
    "more": {"S": "else"},
}


def write(do, plain, verb):
    if verb == "save":
        plain.doc["z"] = 1
    do(getattr(plain, verb), atomic=True, **({"text": "new"} if verb == "update" else {}))


@pytest.fixture
def fails(do, put, stored, key):
    """Change one attribute between reading an item and writing it; None removes it."""

    def check(verb, attribute, wire):
        put(Plain, {"name": {"S": key}, **PLAIN})
        plain = do(Plain.objects.get, key, consistent=True)
        now = {"name": {"S": key}, **PLAIN, attribute: wire}
        put(Plain, {name: each for name, each in now.items() if each is not None})
        before = stored(plain)
        with pytest.raises(StaleItem, match=f"another writer changed {attribute} since"):
            write(do, plain, verb)
        assert stored(plain) == before

    return check


@pytest.mark.parametrize("verb", ["save", "update", "delete"])
def test_atomic_fails_where_anything_changed(engine, fails, verb):
    for attribute, wire in CHANGES.items():
        fails(verb, attribute, wire)


@pytest.mark.parametrize("verb", ["save", "update", "delete"])
def test_atomic_fails_where_anything_is_gone(engine, fails, verb):
    for attribute in CHANGES.keys() - {"nothing"}:
        fails(verb, attribute, None)


@pytest.mark.known_fault("moto", "takes an absent attribute for equal to NULL")
@pytest.mark.parametrize("verb", ["save", "update", "delete"])
def test_atomic_fails_where_a_null_is_gone(engine, fails, verb):
    fails(verb, "nothing", None)


def test_atomic_sees_declared_attributes_that_came_and_no_others(engine, do, put, key, stored):
    put(Plain, {"name": {"S": key}})
    plain, late = (do(Plain.objects.get, key, consistent=True) for _ in range(2))
    put(Plain, {"name": {"S": key}, "unheard": {"S": "of"}})
    plain.text = "x"
    do(plain.save, atomic=True)
    assert stored(plain)["unheard"] == {"S": "of"}
    late.number = 1
    with pytest.raises(StaleItem, match="changed text"):
        do(late.save, atomic=True)


def test_atomic_of_what_was_never_loaded_expects_nothing(engine, do, key, found):
    with pytest.raises(Plain.DoesNotExist):
        do(Plain(key).update, text="x", atomic=True, must_exist=True)
    do(Plain(key).update, text="x", atomic=True)
    for verb in ("save", "update", "delete"):
        values = {"text": "y"} if verb == "update" else {}
        with pytest.raises(ConditionFailed) as caught:
            do(getattr(Plain(key, number=1), verb), atomic=True, **values)
        assert isinstance(caught.value, AlreadyExists if verb == "save" else StaleItem)
        assert caught.value.current.text == "x"
    assert (found(Plain).text, found(Plain).number) == ("x", None)


def test_atomic_for_a_while(engine, do, two, found):
    mine, yours = two(Plain, text="a", number=1)
    yours.number = 2
    do(yours.save)
    mine.text = "b"
    with options(atomic=True), pytest.raises(StaleItem, match="changed number"):
        do(mine.save)
    do(mine.save)
    assert (found(Plain).text, found(Plain).number) == ("b", 2)


# -- many at once --------------------------------------------------------------------------------

WRITERS, EACH = 8, 6
SPREAD = 400


def writer(key, number, ends):
    for n in range(EACH):
        for _ in range(SPREAD):
            account = Account.objects.consistent().get(name=key)
            account.balance += 1
            account.entries.append(f"{number}-{n}")
            try:
                account.save()
            except StaleItem:
                ends["stale"] += 1
            else:
                break
        else:
            pytest.fail("never written")


async def awriter(key, number, ends):
    for n in range(EACH):
        for _ in range(SPREAD):
            account = await Account.objects.consistent().aget(name=key)
            account.balance += 1
            account.entries.append(f"{number}-{n}")
            try:
                await account.asave()
            except StaleItem:
                ends["stale"] += 1
            else:
                break
        else:
            pytest.fail("never written")


@pytest.mark.engines("dynoxide", "extenddb")
@pytest.mark.usefixtures("short_turns")
def test_what_many_read_change_and_save_is_all_there(engine, do, key, found):
    do(Account.objects.create, name=key)
    ends = Counter()
    if do.mode == "sync":
        with ThreadPoolExecutor(WRITERS) as pool:
            runs = [
                pool.submit(copy_context().run, writer, key, number, ends)
                for number in range(WRITERS)
            ]
            for each in runs:
                each.result()
    else:

        async def everyone():
            await asyncio.gather(*(awriter(key, number, ends) for number in range(WRITERS)))

        do.run(everyone())
    account = found()
    assert sorted(account.entries) == sorted(
        f"{w}-{n}" for w in range(WRITERS) for n in range(EACH)
    )
    assert (account.balance, account.version) == (WRITERS * EACH, 1 + WRITERS * EACH)
    assert ends["stale"] > 0
