"""Several classes in one table, on the engines: written with their kind, read as what they are."""

from __future__ import annotations

from datetime import datetime

import pytest

from dynamodb_py import (
    AlreadyExists,
    CharField,
    ConditionFailed,
    F,
    GlobalIndex,
    IntegerField,
    Model,
    StaleItem,
    Table,
    TimestampField,
    TransactionCanceled,
    UnreadableValue,
    VersionField,
    delete_all,
    load,
    save_all,
    transaction,
)

from ..eventually import eventually


class Animal(Model):
    class Meta:
        table_name = "animals"
        discriminator = "kind"

    home = CharField(hash_key=True)
    at = IntegerField(range_key=True)
    name = CharField()
    seen = IntegerField(default=0)


class Dog(Animal):
    class Meta:
        kind = "dog"

    bark = IntegerField()
    owner = CharField()
    by_owner = GlobalIndex(hash_key="owner", range_key="at")


class Puppy(Dog):
    class Meta:
        kind = "puppy"

    weeks = IntegerField()


class Cat(Animal):
    class Meta:
        kind = "cat"

    owner = CharField()
    lives = IntegerField(default=9)


class Strict(Model):
    class Meta:
        table_name = "strict"
        discriminator = "kind"
        unknown_kind = "raise"

    id = CharField(hash_key=True)


class Known(Strict):
    pass


class Account(Model):
    """With a version and a unique value, which are of all kinds, and items that are hidden."""

    class Meta:
        table_name = "accounts"
        discriminator = "kind"
        hide_expired = True

    id = CharField(hash_key=True)
    email = CharField(unique=True)
    version = VersionField()
    until = TimestampField(ttl=True)


class Admin(Account):
    level = IntegerField(default=1)


class Guest(Account):
    pass


class Event(Model):
    """With its kind for the hash key."""

    class Meta:
        table_name = "events"
        discriminator = "kind"

    kind = CharField(hash_key=True)
    at = CharField(range_key=True)


class Login(Event):
    pass


class Logout(Event):
    pass


TABLES = [Animal, Strict, Account, Event]

pytestmark = pytest.mark.filterwarnings("ignore:Animal. an item is of the kind 'okapi'")


@pytest.fixture
def animals(put, key):
    """One of each under one key, by somebody else: also one of no known kind, and one of none."""
    rows = [
        ("dog", {"bark": {"N": "3"}, "owner": {"S": key}}),
        ("puppy", {"weeks": {"N": "7"}, "owner": {"S": key}}),
        ("cat", {"lives": {"N": "8"}, "owner": {"S": key}}),
        ("Animal", {}),
        ("okapi", {"stripes": {"N": "5"}}),
        (None, {}),
    ]
    for at, (kind, more) in enumerate(rows):
        said = {} if kind is None else {"kind": {"S": kind}}
        put(Animal, {"home": {"S": key}, "at": {"N": str(at)}, **said, **more})
    return key


ALL = [Dog, Puppy, Cat, Animal, Animal, Animal]
DOGS, CAT = [0, 1], 2


def classes(rows):
    return [type(row) for row in rows]


def kind_at(stored, key, at):
    found = stored(Animal(home=key, at=at))
    return None if found is None else found.get("kind", {}).get("S")


# --- written ---


def test_every_path_writes_the_kind(engine, do, stored, key):
    do(Dog(home=key, at=1).save)
    do(Puppy.objects.create, home=key, at=2)
    do(Cat.objects.get_or_create, home=key, at=3)
    do(Cat.objects.update_or_create, defaults={"lives": 3}, home=key, at=4)
    do(Dog.objects.batch_write, [{"home": key, "at": 5}], overwrite=True)
    do(Animal.objects.bulk_create, [Cat(home=key, at=6), Puppy(home=key, at=7)])
    do(save_all, [Cat(home=key, at=8), Dog(home=key, at=9)])
    do(Dog.objects.bulk_create, [Dog(home=key, at=10)], update_conflicts=True)
    do(Animal(home=key, at=11).save)
    assert [kind_at(stored, key, at) for at in range(1, 12)] == [
        "dog", "puppy", "cat", "cat", "dog", "cat", "puppy", "cat", "dog", "dog", "Animal",
    ]  # fmt: skip


def test_an_update_that_makes_the_item_writes_the_kind(engine, do, stored, key):
    do(Dog(home=key, at=1).update, bark=1)
    do(Puppy(home=key, at=2).incr, weeks=1)
    do(Dog.objects.filter(home=key, at=3).update, bark=1, must_exist=False)
    made = do(Dog.objects.filter(home=key, at=4).modify, bark=1, upsert=True)
    do(Animal(home=key, at=5).update, F("seen").add(1))
    assert type(made) is Dog
    kinds = [kind_at(stored, key, at) for at in range(1, 6)]
    assert kinds == ["dog", "puppy", "dog", "dog", "Animal"]


def test_a_transaction_writes_the_kind(engine, do, stored, key):
    async def both_ways():
        async with transaction.atomic():
            await Dog.objects.acreate(home=key, at=1)
            await Cat(home=key, at=2).aupdate(lives=3)
            await Animal(home=key, at=3).aupdate(name="a")
            await Animal(home=key, at=3).aupdate(seen=1)

    if do.mode == "async":
        do.run(both_ways())
    else:
        with transaction.atomic():
            Dog.objects.create(home=key, at=1)
            Cat(home=key, at=2).update(lives=3)
            Animal(home=key, at=3).update(name="a")
            Animal(home=key, at=3).update(seen=1)
    assert [kind_at(stored, key, at) for at in (1, 2, 3)] == ["dog", "cat", "Animal"]


def test_an_update_leaves_the_kind_of_what_is_there(engine, do, stored, animals):
    do(Dog(home=animals, at=1).update, bark=9)
    do(Animal(home=animals, at=0).update, seen=1)
    do(Animal.objects.filter(home=animals, at=2).modify, seen=1, upsert=True)
    kinds = [kind_at(stored, animals, at) for at in range(3)]
    assert kinds == ["dog", "puppy", "cat"]
    assert stored(Animal(home=animals, at=1))["bark"] == {"N": "9"}


# --- read ---


def test_each_item_is_read_as_the_class_that_it_is(engine, do, animals):
    rows = do.list(Animal.objects.filter(home=animals))
    assert classes(rows) == ALL
    assert (rows[0].bark, rows[1].weeks, rows[2].lives) == (3, 7, 8)
    assert rows[4].kind == "okapi"
    assert rows[4].extra == {"stripes": 5}
    scanned = do.list(Animal.objects.filter(home=animals).scan())
    assert {row.at: type(row) for row in scanned} == dict(enumerate(ALL))
    assert type(do(Animal.objects.get, animals, 2)) is Cat
    assert type(do(Animal.objects.get_or_none, animals, 1)) is Puppy
    assert type(do(Animal.objects.filter(home=animals, at__gt=0).first)) is Puppy
    assert type(do(Animal.objects.filter(home=animals).last)) is Animal
    keys = [(animals, at) for at in range(6)]
    assert classes(do(Animal.objects.batch_get, *keys)) == ALL
    found = do(Animal.objects.in_bulk, keys)
    assert [type(found[each]) for each in keys] == ALL
    page = do(Animal.objects.filter(home=animals).page, size=2)
    assert classes(page) == ALL[:2]
    again = do(Animal.objects.filter(home=animals).page, size=2, cursor=page.next_cursor)
    assert classes(again) == ALL[2:4]


def test_snapshots_and_refreshed_instances(engine, do, animals):
    asked = [(Animal, (animals, 0)), (Dog, (animals, 1)), (Dog, (animals, 2))]
    get = transaction.get if do.mode == "sync" else transaction.aget
    found = get(asked) if do.mode == "sync" else do.run(get(asked))
    assert [type(each) for each in found] == [Dog, Puppy, type(None)]
    animal = Animal(home=animals, at=0)
    do(load, [animal])
    assert (type(animal), animal.kind) == (Animal, "dog")
    assert animal.extra["bark"] == 3
    animal.name = "rex"
    do(animal.save)
    assert type(do(Animal.objects.get, animals, 0)) is Dog
    stub = Dog(home=animals, at=2)
    with pytest.raises(Dog.DoesNotExist):
        do(stub.refresh_from_db)
    with pytest.raises(Exception, match="1 of 1 items do not exist"):
        do(load, [stub])


def test_rows_in_part_are_of_their_classes_too(engine, do, animals):
    rows = do.list(Animal.objects.filter(home=animals).only("name"))
    assert classes(rows) == ALL
    assert do.list(Dog.objects.filter(home=animals).values_list("at", flat=True)) == DOGS
    names = {frozenset(row) for row in do.list(Animal.objects.filter(home=animals).as_dicts())}
    assert any("weeks" in each for each in names)


def test_subclasses_have_their_own_alone(engine, do, animals):
    dogs = Dog.objects.filter(home=animals)
    assert classes(do.list(dogs)) == [Dog, Puppy]
    assert do(dogs.count) == 2
    assert do(dogs.exists) is True
    assert do(Puppy.objects.filter(home=animals).count) == 1
    assert do(Cat.objects.filter(home=animals, at=0).exists) is False
    assert [row.at for row in do.list(dogs.order_by("-at"))] == [1, 0]
    assert [row.at for row in do(dogs.page, size=1)] == [0]
    assert [r.at for r in do.list(dogs.filter(at=0).union(dogs.filter(at=1)))] == DOGS
    mine = [row for row in do.list(Dog.objects.all()) if row.home == animals]
    assert sorted(row.at for row in mine) == DOGS
    assert classes(do(Dog.objects.batch_get, *[(animals, at) for at in range(6)])) == [Dog, Puppy]
    assert set(do(Dog.objects.in_bulk, [(animals, 0), (animals, 2)])) == {(animals, 0)}


def test_an_index_of_a_subclass_has_the_items_of_other_classes_and_does_not_give_them(
    engine, do, animals
):
    owned = Dog.by_owner.filter(owner=animals)
    eventually(lambda: [row.at for row in do.list(owned.all())], DOGS.__eq__)
    assert classes(do.list(Dog.by_owner.filter(owner=animals))) == [Dog, Puppy]


def test_the_root_asks_for_kinds_and_for_fields_of_subclasses(engine, do, animals):
    asked = Animal.objects.filter(home=animals)
    assert classes(do.list(asked.filter(kind="cat"))) == [Cat]
    assert classes(do.list(asked.filter(Dog.bark == 3))) == [Dog]
    assert classes(do.list(asked.filter(kind__in=["cat", "dog"]))) == [Dog, Cat]


def test_what_is_of_another_class_does_not_exist(engine, do, animals):
    with pytest.raises(Dog.DoesNotExist, match="the item with that key is of the kind 'cat'"):
        do(Dog.objects.get, animals, CAT)
    with pytest.raises(Puppy.DoesNotExist, match="the item with that key is of the kind None"):
        do(Puppy.objects.get, home=animals, at=5)
    assert do(Dog.objects.get_or_none, animals, CAT) is None
    with pytest.raises(Animal.DoesNotExist, match="has no item with the key"):
        do(Animal.objects.get, animals, 99)


def test_a_kind_that_no_class_has_cannot_be_read_where_meta_says_so(engine, do, put, key):
    put(Strict, {"id": {"S": key}, "kind": {"S": "strange"}})
    with pytest.raises(UnreadableValue, match="of the kind 'strange'"):
        do(Strict.objects.get, key)
    assert do(Known.objects.get_or_none, key) is None
    with pytest.raises(AlreadyExists):
        do(Known.objects.create, id=key)


# --- what is of another class is left alone ---


def test_creating_where_another_class_has_the_key_is_refused(engine, do, stored, animals):
    with pytest.raises(Dog.AlreadyExists) as caught:
        do(Dog.objects.create, home=animals, at=CAT)
    assert type(caught.value.current) is Cat
    for make in (Dog.objects.get_or_create, Dog.objects.update_or_create):
        with pytest.raises(AlreadyExists):
            do(make, home=animals, at=CAT, defaults={"bark": 3})
    with pytest.raises(AlreadyExists):
        do(Dog.objects.bulk_create, [Dog(home=animals, at=CAT)], update_conflicts=True)
    assert kind_at(stored, animals, CAT) == "cat"


def test_updating_what_is_of_another_class_is_refused_or_matches_nothing(
    engine, do, stored, animals
):
    before = stored(Animal(home=animals, at=CAT))
    with pytest.raises(ConditionFailed) as caught:
        do(Dog(home=animals, at=CAT).update, bark=1)
    assert type(caught.value.current) is Cat
    with pytest.raises(Dog.DoesNotExist):
        do(Dog(home=animals, at=CAT).update, bark=1, must_exist=True)
    one = Dog.objects.filter(home=animals, at=CAT)
    done = do(one.update, bark=1)
    assert (done.matched, done.changed) == (0, 0)
    with pytest.raises(ConditionFailed):
        do(one.update, bark=1, must_exist=False)
    with pytest.raises(Dog.DoesNotExist):
        do(one.update, bark=1, must_exist=True)
    assert do(one.modify, bark=1) is None
    with pytest.raises(ConditionFailed) as caught:
        do(one.modify, bark=1, upsert=True)
    assert type(caught.value.current) is Cat
    with pytest.raises(Animal.DoesNotExist):
        do(Dog.objects.bulk_update, [Dog(home=animals, at=CAT, bark=1)], ["bark"])
    assert stored(Animal(home=animals, at=CAT)) == before


def test_an_instance_whose_item_became_another_class_is_gone(engine, do, put, key):
    dog = do(Dog.objects.create, home=key, at=1)
    put(Animal, {"home": {"S": key}, "at": {"N": "1"}, "kind": {"S": "cat"}})
    dog.bark = 3
    with pytest.raises(Dog.DoesNotExist):
        do(dog.save)
    with pytest.raises(Dog.DoesNotExist):
        do(dog.update, bark=4)
    do(dog.delete)
    assert type(do(Animal.objects.get, key, 1)) is Cat


def test_deleting_leaves_what_is_of_another_class(engine, do, sent, stored, animals):
    do(Dog.objects.delete, animals, CAT)
    do(Dog(home=animals, at=CAT).delete)
    done = do(Dog.objects.filter(home=animals, at=CAT).delete)
    assert done.matched == 0
    do(Dog.objects.bulk_delete, [(animals, CAT), (animals, 99)])
    do(
        Dog.objects.batch_write,
        [{"home": animals, "at": 50}],
        delete=[(animals, CAT)],
        overwrite=True,
    )
    do(delete_all, [Dog(home=animals, at=CAT)])
    with pytest.raises(ConditionFailed) as caught:
        do(Dog.objects.delete, animals, CAT, condition=Dog.bark == 3)
    assert type(caught.value.current) is Cat
    assert kind_at(stored, animals, CAT) == "cat"
    assert do(Dog.objects.filter(home=animals).delete).changed == 3
    assert [kind_at(stored, animals, at) for at in range(5)] == [
        None,
        None,
        "cat",
        "Animal",
        "okapi",
    ]


def test_what_is_changed_by_a_query_is_of_the_class(engine, do, stored, animals):
    assert do(Dog.objects.filter(home=animals).update, name="x").changed == 2
    assert (
        do(Animal.objects.filter(home=animals).update, seen=F("seen").if_not_exists(0) + 1).changed
        == 6
    )
    assert "name" not in stored(Animal(home=animals, at=CAT))


def test_saving_a_new_instance_replaces_whatever_is_there(engine, do, stored, animals):
    do(Dog(home=animals, at=CAT, bark=1).save)
    assert kind_at(stored, animals, CAT) == "dog"


# --- with what else there is ---


def test_versions_and_unique_values_are_of_all_kinds(engine, do, stored, key):
    admin = do(Admin.objects.create, id=f"{key}-a", email=key)
    with pytest.raises(Guest.AlreadyExists) as caught:
        do(Guest.objects.create, id=f"{key}-g", email=key)
    assert caught.value.fields == ("email",)
    with pytest.raises(Guest.AlreadyExists):
        do(Guest.objects.create, id=f"{key}-a")
    do(Account.objects.filter(id=f"{key}-a").update, until=None)
    admin.level = 2
    with pytest.raises(StaleItem) as stale:
        do(admin.save)
    assert type(stale.value.current) is Admin
    loaded = do(Account.objects.get, f"{key}-a")
    assert (type(loaded), loaded.version) == (Admin, 2)
    do(loaded.delete)
    assert do(Guest.objects.create, id=f"{key}-g", email=key).version == 1


def test_what_is_deleted_by_another_class_keeps_its_unique_values(engine, do, key):
    do(Admin.objects.create, id=key, email=key)
    do(Guest.objects.delete, key)
    do(Guest(id=key).delete)
    do(Guest.objects.bulk_delete, [key])
    assert type(do(Account.objects.get, key)) is Admin
    with pytest.raises(AlreadyExists):
        do(Guest.objects.create, id=f"{key}-g", email=key)


def test_what_is_expired_and_what_is_of_another_class_are_hidden_together(engine, do, key):
    long_ago = datetime(2020, 1, 1)
    do(Admin.objects.create, id=f"{key}-0", until=long_ago)
    do(Admin.objects.create, id=f"{key}-1")
    do(Guest.objects.create, id=f"{key}-2")
    found = [row for row in do.list(Admin.objects.all()) if row.id.startswith(key)]
    assert [row.id for row in found] == [f"{key}-1"]
    assert do(Admin.objects.get_or_none, f"{key}-0") is None
    assert do(Admin.objects.filter(id=f"{key}-2").first) is None
    assert do(Admin.objects.filter(id=f"{key}-1").first).id == f"{key}-1"
    again = do(Guest.objects.create, id=f"{key}-0")  # in the place of what is expired
    assert type(again) is Guest


def test_a_kind_that_is_the_hash_key_is_asked_by_it(engine, do, sent, stored, key):
    do(Login(at=key).save)
    do(Logout.objects.create, at=key)
    do(Login(at=f"{key}-2").update, F("count").set(1))
    assert [row.at for row in do.list(Login.objects.filter(at__startswith=key))] == [
        key,
        f"{key}-2",
    ]
    assert sent[-1].api == "Query"
    assert type(do(Logout.objects.get, at=key)) is Logout
    assert sent[-1].api == "GetItem"
    assert type(do(Event.objects.get, "Login", key)) is Login
    assert {row.kind for row in do.list(Logout.objects.all())} == {"Logout"}
    assert sent[-1].api == "Query"


def test_a_transaction_is_cancelled_by_what_is_of_another_class(engine, do, stored, animals):
    def together():
        with transaction.atomic():
            Dog.objects.delete(animals, CAT)
            Dog.objects.create(home=animals, at=70)

    async def atogether():
        async with transaction.atomic():
            await Dog.objects.adelete(animals, CAT)
            await Dog.objects.acreate(home=animals, at=70)

    with pytest.raises(TransactionCanceled):
        do.run(atogether()) if do.mode == "async" else together()
    assert kind_at(stored, animals, CAT) == "cat"
    assert kind_at(stored, animals, 70) is None


def test_a_check_does_not_hold_of_what_is_of_another_class(engine, do, stored, animals):
    def together(condition, at):
        with transaction.atomic():
            transaction.check((Dog, (animals, at)), condition)
            Cat(home=animals, at=71).save()

    async def atogether(condition, at):
        async with transaction.atomic():
            transaction.check((Dog, (animals, at)), condition)
            await Cat(home=animals, at=71).asave()

    def attempt(condition, at):
        do.run(atogether(condition, at)) if do.mode == "async" else together(condition, at)

    for condition in (Dog.owner == animals, Dog.bark.not_exists()):
        with pytest.raises(TransactionCanceled) as caught:
            attempt(condition, CAT)
        assert type(caught.value.reasons[0].current) is Cat
    assert kind_at(stored, animals, 71) is None
    attempt(Dog.home.not_exists(), 72)
    attempt(Dog.owner == animals, 1)
    assert kind_at(stored, animals, 71) == "cat"


# --- the table ---


def test_the_table_is_made_with_the_indexes_of_all_classes(engine, do):
    description = do(Table(Cat).info)
    assert [each["IndexName"] for each in description["GlobalSecondaryIndexes"]] == ["by_owner"]
    for model in (Animal, Dog, Cat):
        assert do(Table(model).diff) == []
