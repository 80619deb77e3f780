"""save(), delete() and refresh_from_db() with using=: the whole item there, and what the instance is then."""

from __future__ import annotations

import time

import pytest

from dynamodb_py import (
    CASCADE,
    CharField,
    ConditionFailed,
    ConfigurationError,
    DateTimeField,
    Document,
    DoesNotExist,
    FieldNotLoaded,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    ListField,
    Model,
    QueryError,
    SoftDelete,
    StaleItem,
    Table,
    Timestamped,
    UUIDField,
    ValidationError,
    VersionField,
    connect,
    connections,
    options,
    transaction,
)
from dynamodb_py.models import signals
from dynamodb_py.models.persistence.stored import stored_wires


class Writer(Model):
    id = CharField(hash_key=True)
    name = CharField()


class Part(Document):
    text = CharField()
    writer = ForeignKey(Writer)


class Note(Timestamped, Model):
    id = CharField(hash_key=True)
    text = CharField()
    n = IntegerField(default=3)
    writer = ForeignKey(Writer, related_name="notes", on_delete=CASCADE)
    others = ListField(Writer)
    parts = ListField(Part)
    by_writer = GlobalIndex(hash_key="writer")


class Versioned(Model):
    id = CharField(hash_key=True)
    text = CharField()
    version = VersionField()


class Unique(Model):
    id = CharField(hash_key=True)
    email = CharField(unique=True)


class Atomic(Model):
    class Meta:
        atomic = True

    id = CharField(hash_key=True)
    text = CharField()


class Soft(SoftDelete):
    id = CharField(hash_key=True)
    text = CharField()


class ById(Model):
    id = UUIDField(hash_key=True)
    when = DateTimeField()


class Own(Model):
    class Meta:
        using = "other"

    id = CharField(hash_key=True)
    text = CharField()


MODELS = (Writer, Note, Versioned, Unique, Atomic, Soft, ById, Own)


@pytest.fixture
def two(engine, do):
    """The tables of all models, on the default connection and on "other"."""
    prefix = engine.connection._prefix + "o-"
    other = connect(engine.address, alias="other", table_prefix=prefix, **engine.access)
    for model in MODELS:
        for alias in ("default", "other"):
            Table(model, using=alias).create()
    yield do
    other.close()
    if do.mode == "async":
        do.run(other.aclose())
    connections._connections.pop("other")


def read(model, key, alias):
    """Return the stored attributes of an item, None if there is none."""
    found = model.objects.using(alias).get_or_none(key)
    return None if found is None else stored_wires(found)


def test_a_save_elsewhere_writes_the_whole_item_and_takes_the_instance_along(two):
    Note.objects.create(id="a", text="one", n=4)
    note = two(Note.objects.get, "a")
    note.text = "two"
    assert two(note.save, using="other") is note
    assert (note.persisted, note.is_changed) == (True, False)
    assert read(Note, "a", "default")["text"] == {"S": "one"}
    there = read(Note, "a", "other")
    assert (there["text"], there["n"]) == ({"S": "two"}, {"N": "4"})
    note.text = "three"
    two(note.save)
    assert read(Note, "a", "other")["text"] == {"S": "three"}
    assert read(Note, "a", "default")["text"] == {"S": "one"}


def test_a_save_back_is_whole_again(two):
    note = two(Note(id="a", text="one").save)
    two(note.save, using="other")
    Note.objects.using("default").delete("a")
    two(note.save, using="default")
    assert read(Note, "a", "default")["text"] == {"S": "one"}
    note.text = "two"
    two(note.save)
    assert read(Note, "a", "default")["text"] == {"S": "two"}
    assert read(Note, "a", "other")["text"] == {"S": "one"}


def test_a_save_to_the_own_connection_sends_what_changed(two, recorded):
    note = two(Note(id="a", text="one").save)
    recorded.clear()
    two(note.save, using="default")
    assert recorded == []
    note.text = "two"
    two(note.save, using="default")
    assert recorded == ["UpdateItem"]


@pytest.fixture
def recorded(engine, monkeypatch):
    found = []
    connection = engine.connection
    for name in ("transport", "async_transport"):
        transport = getattr(connection, name)
        send = transport.send

        def record(operation, send=send):
            found.append(operation.api)
            return send(operation)

        monkeypatch.setattr(transport, "send", record)
    return found


def test_attributes_that_no_field_declares_or_can_read_come_along(two):
    wires = {"id": {"S": "a"}, "n": {"S": "no number"}, "more": {"L": [{"N": "1"}]}}
    note = Note.from_db(wires)
    two(note.save, using="other")
    there = read(Note, "a", "other")
    assert {name: there[name] for name in wires} == wires


def test_a_key_keeps_the_spelling_of_another_program(two):
    key = "0F0E0D0C-0B0A-4908-8706-050403020100"
    item = ById.from_db({"id": {"S": key}})
    two(item.save, using="other")
    [found] = list(ById.objects.using("other").scan())
    assert stored_wires(found)["id"] == {"S": key}
    two(item.delete, using="other")
    assert list(ById.objects.using("other").scan()) == []


def test_a_key_that_was_changed_is_refused(two):
    note = two(Note(id="a").save)
    note.id = "b"
    for verb in (note.save, note.delete):
        with pytest.raises(ValidationError, match="cannot change"):
            two(verb, using="other")


def test_an_item_that_was_not_fetched_whole_is_refused(two):
    two(Note(id="a", text="one").save)
    [part] = list(Note.objects.filter(id="a").only("text"))
    with pytest.raises(FieldNotLoaded, match="would be lost"):
        two(part.save, using="other")
    with pytest.raises(QueryError, match="update_fields: Note would be put whole"):
        two(Note(id="a").save, update_fields=["text"], using="other")
    assert read(Note, "a", "other") is None


FAILURES = {
    "condition": (ConditionFailed, {"condition": Note.text == "never"}),
    "exists": (ConditionFailed, {"force_insert": True}),
    "unknown": (ConfigurationError, {"using": "unknown"}),
    "empty": (ConfigurationError, {"using": ""}),
    "number": (ConfigurationError, {"using": 7}),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_save_elsewhere_that_fails_leaves_the_instance_where_it_was(two, failure):
    kind, given = FAILURES[failure]
    Note.objects.using("other").create(id="a", text="there")
    note = two(Note(id="a", text="one").save)
    note = two(Note.objects.get, "a")
    before = note.n  # a default that was read
    note.text = "two"
    with pytest.raises(kind):
        two(note.save, **{"using": "other", **given})
    assert note.changes() == {"text": ("one", "two")}
    two(note.save)
    assert read(Note, "a", "default")["text"] == {"S": "two"}
    assert read(Note, "a", "other")["text"] == {"S": "there"}
    assert note.n == before


def test_hooks_and_signals_know_it_as_created(two):
    class Heard(Model):
        class Meta:
            table_name = "Note"

        id = CharField(hash_key=True)
        text = CharField()

        def before_save(self, created):
            self.text = f"before, created {created}"

    heard = []

    def listen(sender, instance, created, **_):
        heard.append((instance, created))

    signals.post_save.connect(listen, sender=Heard)
    item = two(Heard(id="a").save)
    two(item.save, using="other")
    assert heard[0][0] is heard[1][0] is item
    assert [created for _, created in heard] == [True, True]
    assert item.text == "before, created True"
    assert read(Heard, "a", "other")["text"] == {"S": item.text}


def test_references_are_those_of_the_new_connection(two):
    for alias in ("default", "other"):
        Writer.objects.using(alias).create(id="w", name=alias)
    note = two(
        Note(
            id="a",
            writer=Writer(id="w"),
            others=[Writer(id="w")],
            parts=[Part(text="x", writer=Writer(id="w"))],
        ).save
    )
    note = two(Note.objects.get, "a")
    assert two(note.writer.fetch).name == two(note.others[0].fetch).name == "default"
    two(note.save, using="other")
    assert two(note.writer.fetch).name == "other"
    assert two(note.others[0].fetch).name == "other"
    assert two(note.parts[0].writer.fetch).name == "other"
    assert not note.is_changed


# Locks, unique values, transactions


def test_a_version_of_one_table_is_none_of_another(two):
    item = two(Versioned(id="a", text="one").save)
    two(item.save, using="other")
    item.text = "two"
    two(item.save)
    again = two(Versioned.objects.get, "a")
    with pytest.raises(ConditionFailed):
        two(again.save, using="other")  # as a new one, it expects no item
    again.text = "here"
    two(again.save)
    two(again.save, using="other", overwrite=True)
    assert read(Versioned, "a", "other")["text"] == {"S": "here"}


def test_a_delete_elsewhere_does_not_look_at_the_version(two):
    item = two(Versioned(id="a", text="one").save)
    Versioned.objects.using("other").create(id="a", version=9)
    two(item.delete, using="other")
    assert read(Versioned, "a", "other") is None
    assert item.persisted
    item.text = "two"
    two(item.save)


def test_atomic_elsewhere_expects_no_item(two):
    item = two(Atomic(id="a", text="one").save)
    two(item.save, using="other")
    item = two(Atomic.objects.get, "a")
    for verb in (item.save, item.delete):
        with pytest.raises((StaleItem, ConditionFailed)):
            two(verb, using="other")
    two(item.delete, using="other", atomic=False)
    assert read(Atomic, "a", "other") is None
    assert read(Atomic, "a", "default") is not None


def test_unique_values_are_claimed_and_released_where_the_item_is(two):
    one = two(Unique(id="a", email="x").save)
    two(one.save, using="other")
    for alias in ("default", "other"):
        with pytest.raises(Unique.AlreadyExists):
            two(Unique(id="b", email="x").save, using=alias)
    here = two(Unique.objects.get, "a")
    two(here.delete, using="other")
    two(Unique(id="b", email="x").save, using="other")
    with pytest.raises(Unique.AlreadyExists):
        two(Unique(id="b", email="x").save)
    here.email = "y"
    two(here.save)
    two(Unique(id="c", email="x").save)


def in_block(do, *calls):
    if do.mode == "sync":
        with transaction.atomic():
            for verb, given in calls:
                verb(**given)
        return

    async def main():
        async with transaction.atomic():
            for verb, given in calls:
                await getattr(verb.__self__, "a" + verb.__name__)(**given)

    do.run(main())


def test_a_transaction_saves_elsewhere_and_takes_the_instance_along_at_its_commit(two):
    first, second = two(Note(id="a", text="1").save), two(Versioned(id="b", text="1").save)
    first.text = second.text = "2"
    in_block(two, (first.save, {"using": "other"}), (second.save, {"using": "other"}))
    assert (first.is_changed, second.is_changed) == (False, False)
    assert read(Note, "a", "other")["text"] == read(Versioned, "b", "other")["text"] == {"S": "2"}
    first.text = "3"
    two(first.save)
    assert read(Note, "a", "other")["text"] == {"S": "3"}
    assert read(Note, "a", "default")["text"] == {"S": "1"}


def test_a_transaction_that_is_rolled_back_leaves_the_instance_where_it_was(two):
    note = two(Note(id="a", text="1").save)
    note.text = "2"

    def fail():
        with transaction.atomic():
            note.save(using="other")
            note.delete(using="other")
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    assert note.changes() == {"text": ("1", "2")}
    two(note.save)
    assert read(Note, "a", "default")["text"] == {"S": "2"}
    assert read(Note, "a", "other") is None


def test_a_transaction_has_one_connection(two):
    note = two(Note(id="a", text="1").save)
    with pytest.raises(ConfigurationError, match="a transaction has one connection"):
        in_block(two, (Writer(id="w").save, {}), (note.save, {"using": "other"}))
    with pytest.raises(ConfigurationError, match="a transaction has one connection"):
        in_block(two, (Writer(id="w").save, {}), (note.delete, {"using": "other"}))


def test_a_transaction_deletes_elsewhere_and_the_instance_stays(two):
    note = two(Note(id="a", text="1").save)
    Note.objects.using("other").create(id="a")
    in_block(two, (note.delete, {"using": "other"}))
    assert read(Note, "a", "other") is None
    assert note.persisted
    note.text = "2"
    two(note.save)
    assert read(Note, "a", "default")["text"] == {"S": "2"}


# delete and refresh_from_db


@pytest.mark.parametrize("model", [Note, Soft, Own])
@pytest.mark.parametrize("alias", ["default", "other"])
@pytest.mark.parametrize("home", ["default", "other"])
def test_a_delete_is_of_the_item_that_is_named(two, model, alias, home):
    for each in ("default", "other"):
        model.objects.using(each).create(id="a", text=each)
    item = model.objects.using(home).get("a")
    two(item.delete, using=alias)
    left = {each for each in ("default", "other") if read(model, "a", each) is not None}
    assert left == {"default", "other"} - {alias}
    if alias != home:
        item.text = "new"
        two(item.save)
        assert read(model, "a", home)["text"] == {"S": "new"}


def test_a_soft_delete_elsewhere_marks_there_and_a_hard_one_deletes_there(two):
    for alias in ("default", "other"):
        Soft.objects.using(alias).create(id="a", text=alias)
    soft = two(Soft.objects.get, "a")
    two(soft.delete, using="other")
    assert Soft.all_objects.using("other").get("a").is_deleted
    assert not soft.is_deleted
    two(soft.hard_delete, using="other")
    assert Soft.all_objects.using("other").get_or_none("a") is None
    Soft.objects.using("other").create(id="a")
    two(soft.delete, using="other", hard=True)
    assert Soft.all_objects.using("other").get_or_none("a") is None
    assert Soft.objects.get("a").text == "default"


def test_a_cascade_stays_on_the_connection_of_the_delete(two):
    for alias in ("default", "other"):
        writer = Writer.objects.using(alias).create(id="w")
        Note.objects.using(alias).create(id="a", writer=writer)
    while not Note.objects.using("other").filter(writer="w").exists():
        time.sleep(0.01)  # an index may follow its table
    writer = two(Writer.objects.get, "w")
    two(writer.delete, using="other")
    assert (read(Note, "a", "other"), read(Writer, "w", "other")) == (None, None)
    assert read(Note, "a", "default") is not None
    assert writer.persisted


def test_a_refresh_elsewhere_takes_the_instance_along(two):
    for alias in ("default", "other"):
        Note.objects.using(alias).create(id="a", text=alias)
    note = two(Note.objects.get, "a")
    two(note.refresh_from_db, using="other")
    assert note.text == "other"
    note.text = "new"
    two(note.save)
    assert read(Note, "a", "other")["text"] == {"S": "new"}
    assert read(Note, "a", "default")["text"] == {"S": "default"}


def test_a_refresh_that_finds_nothing_leaves_the_instance_where_it_was(two):
    note = two(Note(id="a", text="1").save)
    with pytest.raises(DoesNotExist):
        two(note.refresh_from_db, using="other")
    note.text = "2"
    two(note.save)
    assert read(Note, "a", "default")["text"] == {"S": "2"}


def test_using_goes_before_the_block_and_the_meta(two):
    with options(using="other"):
        note = two(Note(id="a", text="1").save, using="default")
    assert read(Note, "a", "other") is None
    two(note.update, text="2")
    assert read(Note, "a", "default")["text"] == {"S": "2"}
    own = two(Own(id="a", text="1").save, using="default")
    two(own.update, text="2")
    assert read(Own, "a", "default")["text"] == {"S": "2"}
    assert read(Own, "a", "other") is None
