"""What ``objects`` of a model hides does not come back by another way: relations and collections."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta, timezone
from uuid import uuid4

import pytest

from dynamodb_py import (
    AlreadyExists,
    BooleanField,
    CharField,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    ListField,
    Manager,
    ManyToManyField,
    Model,
    OneToOneField,
    QueryError,
    SetField,
    SharedTable,
    SoftDelete,
    TimestampField,
    UniqueConstraint,
    UUIDField,
    VersionField,
    prefetch,
    transaction,
)

from ..eventually import eventually

PAST, LATER = (datetime.now(timezone.utc) + timedelta(days=days) for days in (-1, 1))


class Shown(Manager):
    def get_queryset(self):
        return super().get_queryset().filter(hidden=False)


class Expiring(Model):
    class Meta:
        abstract = True
        hide_expired = True

    expires = TimestampField(ttl=True)


class Hidable(Model):
    class Meta:
        abstract = True

    hidden = BooleanField(default=False)
    objects = Shown()
    everything = Manager()


BASES = {"soft": SoftDelete, "expired": Expiring, "manager": Hidable}


def hide(do, item):
    """Hide *item* as its kind of model does."""
    if isinstance(item, SoftDelete):
        do(item.delete)
    elif isinstance(item, Expiring):
        item.expires = PAST
        do(item.save)
    else:
        item.hidden = True
        do(item.save)


def define(kind, name, base=Model, **body):
    """Return a model called *name* for one kind of hiding, in a scope and a table of its own."""

    class Meta:
        table_name = f"hidden-{kind}-{name}".lower()

    meta = body.pop("Meta", Meta)
    names = {"__module__": __name__, "__qualname__": f"{kind}.<locals>.{name}", "Meta": meta}
    return type(name, (base,), {**names, **body})


def make_models(kind):
    """Return the models for one kind of hiding: items and pairs can be hidden."""
    base, made = BASES[kind], {}
    key = {"id": CharField(hash_key=True)}
    many = {
        name: ManyToManyField("Item", through=pair, related_name=back)
        for name, pair, back in [("things", "Pair", "owners"), ("parts", "OwnPair", "holders")]
    }
    made["Owner"] = define(kind, "Owner", **key, **many)
    made["Item"] = define(
        kind,
        "Item",
        base,
        **key,
        owner=ForeignKey("Owner", related_name="items"),
        only=OneToOneField("Owner", related_name="item"),
        by_owner=GlobalIndex(hash_key="owner"),
        by_only=GlobalIndex(hash_key="only"),
    )
    made["Pair"] = define(
        kind,
        "Pair",
        base,
        owner=ForeignKey("Owner", hash_key=True),
        item=ForeignKey("Item", range_key=True),
        note=CharField(),
        by_item=GlobalIndex(hash_key="item", range_key="owner"),
    )
    made["OwnPair"] = define(
        kind,
        "OwnPair",
        base,
        id=UUIDField(hash_key=True, version=4),
        owner=ForeignKey("Owner"),
        item=ForeignKey("Item"),
        note=CharField(),
        by_owner=GlobalIndex(hash_key="owner", range_key="item"),
        by_item=GlobalIndex(hash_key="item"),
    )
    made["Note"] = define(
        kind, "Note", **key, item=ForeignKey("Item"), items=ListField(ForeignKey("Item"))
    )
    return made


MODELS = {kind: make_models(kind) for kind in BASES}


class App(SharedTable):
    class Meta:
        table_name = "hidden-app"

    pk = CharField(hash_key=True)
    sk = CharField(range_key=True)
    gpk = CharField()
    gsk = CharField()
    by_gpk = GlobalIndex(hash_key="gpk", range_key="gsk")
    short = GlobalIndex(hash_key="gpk", range_key="sk", projection="keys")


def make_entry(kind):
    class Meta:
        table = App
        keys = {
            "pk": "USER#{user}",
            "sk": kind.upper() + "#{number}",
            "gpk": "ALL#{user}",
            "gsk": kind.upper() + "#{number}",
        }

    return define(
        kind, kind.title(), BASES[kind], Meta=Meta, user=CharField(), number=IntegerField()
    )


ENTRIES = {kind: make_entry(kind) for kind in BASES}


class Plain(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{user}", "sk": "PLAIN#{number}"}

    user = CharField()
    number = IntegerField()


class Animal(Model):
    class Meta:
        table_name = "hidden-animals"
        discriminator = "kind"

    id = CharField(hash_key=True)


class Dog(Animal):
    pass


class Home(Model):
    class Meta:
        table_name = "hidden-homes"

    id = CharField(hash_key=True)
    pets = SetField(ForeignKey(Animal))
    queue = ListField(ForeignKey(Animal))


class Membership(SoftDelete):
    class Meta:
        table_name = "hidden-memberships"
        constraints = [UniqueConstraint("team_id", "code")]

    team = ForeignKey("Team", hash_key=True)
    user = ForeignKey("User", range_key=True)
    code = CharField()
    version = VersionField()
    purge_at = TimestampField(ttl=True)
    by_user = GlobalIndex(hash_key="user", range_key="team")


class Team(Model):
    class Meta:
        table_name = "hidden-teams"

    id = CharField(hash_key=True)
    users = ManyToManyField("User", through=Membership, related_name="teams")


class User(Model):
    class Meta:
        table_name = "hidden-users"

    id = CharField(hash_key=True)


TABLES = [
    *[model for made in MODELS.values() for model in made.values()], App, Animal, Home, Membership, Team, User
]  # fmt: skip

KINDS = pytest.mark.parametrize("kind", BASES)
SETS = pytest.mark.parametrize("name", ["things", "parts"])


def fresh():
    return uuid4().hex[:12]


def wait_for(read, wanted):
    return eventually(read, lambda found: found == wanted)


def ids(items):
    return sorted(each.id for each in items)


# -- hidden targets --------------------------------------------------------------------------------


@pytest.fixture
def family(engine, do):
    """Return a function that makes an owner with the items of each relation, one of which is hidden."""

    def make(kind):
        models = MODELS[kind]
        owner = do(models["Owner"].objects.create, id=fresh())
        items = [do(models["Item"].objects.create, id=fresh(), owner=owner) for _ in range(3)]
        for name in ("things", "parts"):
            do(getattr(owner, name).add, *items)
        hide(do, items[1])
        return owner, items

    return make


def read_by_iterating(do, owner, name):
    return ids(do.list(getattr(owner, name).all()))


def read_by_prefetching(do, owner, name):
    again = do(type(owner).objects.get, owner.id)
    do(prefetch, [again], name)
    return ids(do.list(getattr(again, name).all()))


def read_by_prefetch_related(do, owner, name):
    rows = do.list(type(owner).objects.filter(id=owner.id).prefetch_related(name))
    return ids(do.list(getattr(rows[0], name).all()))


READS = [read_by_iterating, read_by_prefetching, read_by_prefetch_related]


@KINDS
@pytest.mark.parametrize("name", ["items", "things", "parts"])
@pytest.mark.parametrize("read", READS)
def test_a_hidden_item_does_not_come_back_by_a_relation(do, family, kind, name, read):
    owner, items = family(kind)
    wanted = ids([items[0], items[2]])
    assert wait_for(lambda: read(do, owner, name), wanted) == wanted


@KINDS
@SETS
def test_the_verbs_of_a_set_agree_on_hidden_items(do, family, kind, name):
    owner, items = family(kind)
    assert wait_for(lambda: do(getattr(owner, name).count), 2) == 2
    assert len(do.list(getattr(owner, name))) == 2
    assert [do(getattr(owner, name).contains, each) for each in items] == [True, False, True]
    for each in (items[0], items[2]):
        hide(do, each)
    assert not wait_for(lambda: do(getattr(owner, name).exists), False)
    assert do(getattr(owner, name).count) == 0


@KINDS
def test_a_hidden_item_is_not_the_one_that_refers_back(do, engine, kind):
    models = MODELS[kind]
    owner = do(models["Owner"].objects.create, id=fresh())
    item = do(models["Item"].objects.create, id=fresh(), only=owner)

    def find():
        again = do(models["Owner"].objects.get, owner.id)
        do(prefetch, [again], "item")
        try:
            return again.item.id
        except models["Item"].DoesNotExist:
            return None

    assert wait_for(find, item.id) == item.id
    hide(do, item)
    assert wait_for(find, None) is None


@KINDS
def test_a_reference_itself_reads_what_objects_hides_unless_it_has_expired(do, engine, kind):
    models = MODELS[kind]
    item = do(models["Item"].objects.create, id=fresh())
    note = do(models["Note"].objects.create, id=fresh(), item=item, items=[item])
    hide(do, item)
    for names in ([], ["item"]):
        again = do(models["Note"].objects.get, note.id)
        if names or do.mode == "sync":
            do(prefetch, [again], *names)
            if kind == "expired":
                with pytest.raises(models["Item"].DoesNotExist):
                    again.item  # noqa: B018
            else:
                assert again.item.id == item.id


# -- hidden pairs ----------------------------------------------------------------------------------


def find_pair(do, owner, name):
    return do(getattr(owner, name).rows().first)


@KINDS
@SETS
@pytest.mark.parametrize("read", READS)
def test_a_hidden_pair_relates_nothing(do, engine, kind, name, read):
    models = MODELS[kind]
    owner = do(models["Owner"].objects.create, id=fresh())
    item = do(models["Item"].objects.create, id=fresh())
    do(getattr(owner, name).add, item)
    assert wait_for(lambda: read(do, owner, name), [item.id]) == [item.id]
    hide(do, find_pair(do, owner, name))
    assert wait_for(lambda: read(do, owner, name), []) == []
    related = getattr(owner, name)
    assert do(related.count) == 0
    assert not do(related.exists)
    assert not do(related.contains, item)


@pytest.mark.parametrize("kind", ["soft", "expired"])
@SETS
@pytest.mark.parametrize("gone", ["removed", "hidden"])
@pytest.mark.parametrize("again", ["add", "set"])
def test_a_removed_pair_can_be_added_again(do, engine, kind, name, gone, again):
    models = MODELS[kind]
    owner = do(models["Owner"].objects.create, id=fresh())
    one, two = (do(models["Item"].objects.create, id=fresh()) for _ in range(2))
    related = getattr(owner, name)
    do(related.add, one, two, through={"note": "old"})
    both = ids([one, two])
    assert wait_for(lambda: ids(do.list(related.all())), both) == both
    if gone == "removed":
        do(related.remove, one)
    else:
        hide(do, do(related.rows().filter(item=one).first))
    assert wait_for(lambda: ids(do.list(related.all())), [two.id]) == [two.id]
    if again == "add":
        do(related.add, one, through={"note": "new"})
    else:
        do(related.set, [one, two])
    assert wait_for(lambda: ids(do.list(related.all())), both) == both
    assert do(related.count) == 2
    notes = {row.item_id: row.note for row in do.list(related.rows())}
    assert notes == {one.id: "new" if again == "add" else None, two.id: "old"}


@KINDS
@SETS
def test_remove_and_clear_of_what_is_not_there_change_nothing(do, engine, kind, name):
    models = MODELS[kind]
    owner = do(models["Owner"].objects.create, id=fresh())
    item = do(models["Item"].objects.create, id=fresh())
    related = getattr(owner, name)
    do(related.remove, item)
    do(related.remove, item, fresh())
    do(related.clear)
    assert do(related.count) == 0


@SETS
def test_a_pair_that_a_manager_hides_is_not_added_in_silence(do, engine, name):
    models = MODELS["manager"]
    owner = do(models["Owner"].objects.create, id=fresh())
    item = do(models["Item"].objects.create, id=fresh())
    related = getattr(owner, name)
    do(related.add, item)
    assert wait_for(lambda: do(related.count), 1) == 1
    hide(do, find_pair(do, owner, name))
    assert wait_for(lambda: do(related.count), 0) == 0
    with pytest.raises(AlreadyExists):
        do(related.add, item)


def test_a_pair_that_comes_back_has_a_new_version_and_gives_up_its_unique_values(do, engine):
    team = do(Team.objects.create, id=fresh())
    one, two = (do(User.objects.create, id=fresh()) for _ in range(2))
    do(team.users.add, one, through={"code": "a", "purge_at": LATER})
    before = find_pair(do, team, "users").version
    do(team.users.remove, one)
    do(team.users.add, one, through={"code": "b"})
    row = find_pair(do, team, "users")
    assert (row.code, row.deleted_at, row.purge_at) == ("b", None, None)
    assert row.version > before
    do(team.users.add, two, through={"code": "a"})
    assert do(team.users.count) == 2


@KINDS
def test_a_set_leaves_hidden_items_as_they_are(do, engine, kind):
    models = MODELS[kind]
    owner = do(models["Owner"].objects.create, id=fresh())
    items = [do(models["Item"].objects.create, id=fresh(), owner=owner) for _ in range(4)]
    hide(do, items[0])
    hide(do, items[1])
    shown = ids(items[2:])
    assert wait_for(lambda: ids(do.list(owner.items.all())), shown) == shown
    do(owner.items.set, [items[2]])
    assert wait_for(lambda: ids(do.list(owner.items.all())), [items[2].id]) == [items[2].id]
    do(owner.items.clear)
    assert wait_for(lambda: do(owner.items.count), 0) == 0
    assert not do(owner.items.exists)
    assert [each.owner_id for each in items[:2]] == [owner.id] * 2


# -- pairs that are there twice --------------------------------------------------------------------


@KINDS
def test_a_pair_that_is_there_twice_counts_once_and_is_removed_whole(do, engine, kind):
    models = MODELS[kind]
    owner = do(models["Owner"].objects.create, id=fresh())
    items = [do(models["Item"].objects.create, id=fresh()) for _ in range(2)]
    for item in (items[0], items[0], items[1], None):
        do(models["OwnPair"].objects.create, owner=owner, item=item)
    wait_for(lambda: do(owner.parts.count), 2)
    for read in READS:
        assert read(do, owner, "parts") == ids(items)
    assert do(owner.parts.count) == len(do.list(owner.parts)) == 2
    assert do(items[0].holders.count) == len(do.list(items[0].holders)) == 1
    do(owner.parts.add, items[0])
    assert do(owner.parts.count) == 2
    do(owner.parts.remove, items[0])
    assert wait_for(lambda: do(owner.parts.contains, items[0]), False) is False
    assert wait_for(lambda: ids(do.list(owner.parts)), [items[1].id]) == [items[1].id]
    do(owner.parts.set, [])
    assert wait_for(lambda: do(owner.parts.exists), False) is False


@KINDS
@SETS
def test_writers_that_add_one_pair_at_once_store_it_once(do, engine, kind, name):
    if engine.name == "moto":
        pytest.skip("moto does not take several requests at once")
    models = MODELS[kind]
    owner = do(models["Owner"].objects.create, id=fresh())
    items = [do(models["Item"].objects.create, id=fresh()) for _ in range(3)]
    back = {"things": "owners", "parts": "holders"}[name]
    adds = [(getattr(owner, name), items)] * 3 + [(getattr(each, back), [owner]) for each in items]
    if do.mode == "async":

        async def add_all():
            await asyncio.gather(*[related.aadd(*targets) for related, targets in adds])

        do.run(add_all())
    else:
        with ThreadPoolExecutor(len(adds)) as pool:
            calls = [
                pool.submit(copy_context().run, related.add, *targets) for related, targets in adds
            ]
            assert [call.result() for call in calls] == [None] * len(adds)
    assert wait_for(lambda: do(getattr(owner, name).rows().count), 3) == 3
    assert do(getattr(owner, name).count) == 3


# -- collections -----------------------------------------------------------------------------------


def collect(do, **arguments):
    """Return what lives under a key."""
    return (
        App.collection(**arguments) if do.mode == "sync" else do.run(App.acollection(**arguments))
    )


@KINDS
@pytest.mark.parametrize("index", [None, "by_gpk"])
def test_a_collection_shows_what_objects_shows(do, engine, kind, index):
    entry, user = ENTRIES[kind], fresh()
    entries = [do(entry.objects.create, user=user, number=number) for number in range(4)]
    hide(do, entries[1])
    plain = do(Plain.objects.create, user=user, number=1)
    where = {"user": user, "index": index}
    wanted = [0, 2, 3]

    def read(**more):
        return [each.number for each in collect(do, **where, **more).of(entry)]

    assert wait_for(read, wanted) == wanted
    assert [each.number for each in do.list(entry.objects.filter(user=user))] == wanted
    assert read(reverse=True) == wanted[::-1]
    assert read(only=[entry], limit=2) == wanted[:2]
    assert len(collect(do, **where)) == (4 if index is None else 3)
    assert index or plain in collect(do, **where)
    assert collect(do, **where).first(entry).number == 0
    assert collect(do, **where).grouped()[entry] == [entries[at] for at in wanted]


@pytest.mark.parametrize("only", [None, [ENTRIES["soft"]], [ENTRIES["expired"]]])
def test_an_index_that_does_not_tell_what_is_hidden_is_refused(engine, do, only):
    with pytest.raises(QueryError, match=r"does not hold .*, which hides items of"):
        collect(do, user="a", index="short", only=only)


# -- sets of references ----------------------------------------------------------------------------


def test_an_item_of_a_subclass_is_found_in_a_set_of_references_to_its_base(do, engine):
    rex, tom = (do(kind.objects.create, id=fresh()) for kind in (Dog, Animal))
    home = do(Home.objects.create, id=fresh(), pets={rex, tom}, queue=[rex, tom])
    again = do(Home.objects.get, home.id)
    assert rex in again.pets
    assert rex in again.queue
    assert again.queue.index(rex) == 0
    again.pets.add(rex)
    assert len(again.pets) == 2
    again.pets.discard(rex)
    again.queue.remove(rex)
    do(again.save)
    left = do(Home.objects.get, home.id)
    assert ({each.id for each in left.pets}, [e.id for e in left.queue]) == ({tom.id}, [tom.id])


# -- transactions ----------------------------------------------------------------------------------


def write_in_a_block(do, related, verbs, item):
    """Call the *verbs* of a set with *item*, in one transaction."""
    if do.mode == "sync":
        with transaction.atomic():
            for verb in verbs:
                getattr(related, verb)(item)
        return

    async def write():
        async with transaction.atomic():
            for verb in verbs:
                await getattr(related, f"a{verb}")(item)

    do.run(write())


BLOCKS = [
    (False, ["add"], True),
    (False, ["add", "add"], True),
    (False, ["add", "remove"], False),
    (False, ["remove"], False),
    (True, ["remove"], False),
    (True, ["remove", "add"], True),
    (True, ["add"], True),
]


@KINDS
@SETS
@pytest.mark.parametrize(("before", "verbs", "after"), BLOCKS)
def test_a_transaction_sees_the_pairs_that_it_writes(do, engine, kind, name, before, verbs, after):
    models = MODELS[kind]
    owner = do(models["Owner"].objects.create, id=fresh())
    item = do(models["Item"].objects.create, id=fresh())
    related = getattr(owner, name)
    if before:
        do(related.add, item)
        assert wait_for(lambda: do(related.contains, item), True)
    if kind == "soft" and verbs == ["remove", "add"]:
        with pytest.raises(QueryError, match="cannot be merged"):
            write_in_a_block(do, related, verbs, item)
        return
    write_in_a_block(do, related, verbs, item)
    assert wait_for(lambda: do(related.contains, item), after) is after
    assert do(related.count) == int(after)
