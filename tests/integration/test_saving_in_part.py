"""Single fields of an instance: read again, reverted, touched; what the last write changed; forced updates."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from dynamodb_py import (
    CharField,
    ConditionFailed,
    DateTimeField,
    DictField,
    DoesNotExist,
    F,
    FieldNotLoaded,
    ForeignKey,
    IntegerField,
    ListField,
    Model,
    QueryError,
    SetField,
    StaleItem,
    TransactionCanceled,
    VersionField,
    options,
    transaction,
)

from ..engines import known_fault

LONG_AGO = datetime(2000, 1, 1, tzinfo=timezone.utc)


class Author(Model):
    class Meta:
        table_name = "authors"

    name = CharField(hash_key=True)


class Page(Model):
    class Meta:
        table_name = "pages"

    name = CharField(hash_key=True)
    title = CharField(name="t")
    text = CharField(required=True)
    tags = SetField()
    ids = ListField(default=[])
    doc = DictField()
    author = ForeignKey(Author, related_name=None)
    changed = DateTimeField(auto_now=True)
    made = DateTimeField(auto_now_add=True)


class Versioned(Model):
    class Meta:
        table_name = "versioned"

    name = CharField(hash_key=True)
    text = CharField()
    email = CharField(unique=True)
    changed = DateTimeField(auto_now=True)
    version = VersionField()


class Order(Model):
    class Meta:
        table_name = "orders"

    user = CharField()
    number = IntegerField()
    pk = CharField(template="USER#{user}", hash_key=True)
    sk = CharField(template="ORDER#{number}", range_key=True)
    state = CharField()


TABLES = [Author, Page, Versioned, Order]


@pytest.fixture(autouse=True)
def on_each_engine(engine):
    """All tests are of engines."""


@pytest.fixture
def page(do, key) -> Page:
    values = {"title": "a", "text": "a", "tags": {"a"}, "doc": {"n": 1, "m": 1}}
    return do(Page.create, name=key, author=Author(name="ann"), **values)


# -- refresh_from_db(fields=) ----------------------------------------------------------------------


def test_just_the_fields_that_are_named_are_read_again(do, page, sent):
    other = do(Page.objects.get, page.name)
    do(other.update, title="b", text="b", tags={"b"}, doc={"n": 2})
    page.text, page.ids = "mine", [1]
    page.tags.add("mine")
    sent.clear()
    do(page.refresh_from_db, fields=["title", "doc", "tags"], consistent=True)
    assert sent.calls == ["GetItem"]
    (payload,) = [each.payload() for each in sent]
    assert "ProjectionExpression" in payload
    assert (page.title, page.doc, page.tags) == ("b", {"n": 2}, {"b"})
    assert (page.text, page.ids) == ("mine", [1])
    assert page.changes() == {"text": ("a", "mine"), "ids[0]": (None, 1)}
    do(page.save)
    assert do(Page.objects.get, page.name).to_dict() == page.to_dict()


def test_what_is_gone_from_the_item_is_absent_then(do, page):
    do(do(Page.objects.get, page.name).update, title=None, author=None)
    page.title = "mine"
    page.author = Author(name="joe")
    do(page.refresh_from_db, fields=["title", "author"], consistent=True)
    assert (page.title, page.author_id, page.author) == (None, None, None)
    assert not page.is_changed


def test_fields_that_were_not_fetched_are_known_then(do, page):
    (part,) = do.list(Page.objects.filter(name=page.name).only("text").consistent())
    do(part.refresh_from_db, fields=["title"])
    assert (part.title, part.text) == ("a", "a")
    with pytest.raises(FieldNotLoaded):
        _ = part.ids
    assert not part.is_changed


def test_parts_of_keys_are_read_from_the_keys(do, key):
    order = do(Order.create, user=key, number=1, state="new")
    do(do(Order.objects.get, user=key, number=1).update, state="paid")
    do(order.refresh_from_db, fields=["state", "number", "sk"], consistent=True)
    assert (order.state, order.number, order.sk) == ("paid", 1, "ORDER#1")
    assert not order.is_changed


@pytest.mark.parametrize(
    ("fields", "error", "text"),
    [
        (["title", "nothing"], TypeError, "no field nothing"),
        ("title", QueryError, r"one name: give a list of them"),
    ],
)
def test_names_that_are_no_fields_are_refused(do, page, sent, fields, error, text):
    sent.clear()
    with pytest.raises(error, match=text):
        do(page.refresh_from_db, fields=fields)
    assert sent == []


def test_single_fields_of_what_was_never_loaded_or_is_gone_cannot_be_read(do, page, key):
    with pytest.raises(QueryError, match="loaded from, or saved to"):
        do(Page(name=key).refresh_from_db, fields=["title"])
    do(Page.objects.delete, key)
    with pytest.raises(Page.DoesNotExist):
        do(page.refresh_from_db, fields=["title"], consistent=True)


# -- revert(name) ----------------------------------------------------------------------------------


def test_single_fields_are_reverted_and_the_others_keep_their_changes(do, page):
    page.title, page.text, page.author = "b", "b", Author(name="joe")
    page.doc["n"] = 2
    page.ids.append(1)
    page.tags.add("b")
    page.revert("title", "doc", "ids", "tags", "author")
    assert page.changes() == {"text": ("a", "b")}
    assert (page.title, page.doc, page.ids, page.tags) == ("a", {"n": 1, "m": 1}, [], {"a"})
    assert page.author_id == "ann"
    del page.title
    page.revert("title")
    assert page.title == "a"
    with pytest.raises(TypeError, match="no field nothing"):
        page.revert("nothing")
    with pytest.raises(QueryError, match="nothing to restore"):
        Page(name="x").revert("title")


def test_a_field_that_was_not_fetched_is_not_fetched_after_it_is_reverted(do, page):
    (part,) = do.list(Page.objects.filter(name=page.name).only("text").consistent())
    part.title = "b"
    part.revert("title")
    with pytest.raises(FieldNotLoaded):
        _ = part.title


# -- touch() ---------------------------------------------------------------------------------------


def test_touch_writes_the_moment_and_nothing_else(do, page, stored, sent):
    before = stored(page)
    page.text, page.changed = "mine", LONG_AGO
    sent.clear()
    assert do(page.touch) is page
    assert sent.calls == ["UpdateItem"]
    after = stored(page)
    assert {name for name in after if after[name] != before[name]} == {"changed"}
    assert page.changed > LONG_AGO
    assert page.changes() == {"text": ("a", "mine")}


def test_touch_needs_the_item_and_the_version(do, key):
    first = do(Versioned.create, name=key, email=key)
    stale = do(Versioned.objects.get, key)
    do(first.touch)
    assert first.version == 2
    with pytest.raises(StaleItem):
        do(stale.touch)
    do(Versioned(name=key).touch)
    assert do(Versioned.objects.get, key).version == 3
    for missing in (Versioned(name=f"{key}2"), Page(name=key)):
        with pytest.raises(DoesNotExist):
            do(missing.touch)
    with pytest.raises(QueryError, match=r"touch\(\) has nothing to write"):
        do(Author(name=key).touch)


# -- save(force_update=True) -----------------------------------------------------------------------


@known_fault("moto", "fails where an update has no expression")
@pytest.mark.parametrize("atomic", [None, True])
def test_a_forced_update_looks_for_the_item_where_nothing_changed_too(do, page, sent, atomic):
    sent.clear()
    do(page.save, force_update=True, atomic=atomic)
    assert sent.calls == ["UpdateItem"]
    do(Page.objects.delete, page.name)
    with pytest.raises(Page.DoesNotExist):
        do(page.save, force_update=True, atomic=atomic)


@pytest.mark.parametrize("atomic", [None, True])
def test_a_forced_update_of_a_loaded_instance_needs_the_item(do, page, atomic):
    page.text = "b"
    do(page.save, force_update=True, update_fields=["text"], atomic=atomic)
    assert do(Page.objects.get, page.name).text == "b"
    do(Page.objects.delete, page.name)
    page.text = "c"
    with pytest.raises(Page.DoesNotExist):
        do(page.save, force_update=True, atomic=atomic)
    assert do(Page.objects.get_or_none, page.name) is None


@pytest.mark.parametrize("model", [Page, Versioned])
@pytest.mark.parametrize("atomic", [None, True])
def test_a_forced_update_by_a_new_instance_takes_the_place_of_an_item(do, key, model, atomic):
    new = model(name=key, text="a")
    with pytest.raises(model.DoesNotExist, match="there is no item of"):
        do(new.save, force_update=True, atomic=atomic)
    assert not new.persisted
    assert do(model.objects.get_or_none, key) is None
    do(model.create, name=key, text="there")
    do(new.save, force_update=True, atomic=atomic)
    assert new.persisted
    there = do(model.objects.get, key)
    assert there.text == "a"
    assert getattr(there, "version", None) == getattr(new, "version", None)


@pytest.mark.parametrize("model", [Page, Versioned])
def test_a_forced_update_in_a_transaction_cancels_it(do, key, model):
    async def block():
        async with transaction.atomic():
            await model(name=key, text="a").asave(force_update=True)

    def run():
        with transaction.atomic():
            model(name=key, text="a").save(force_update=True)

    with pytest.raises(TransactionCanceled) as raised:
        do.run(block()) if do.mode == "async" else run()
    assert isinstance(raised.value.reasons[0].error, model.DoesNotExist)


def test_a_condition_that_fails_for_an_item_that_exists_is_told_as_such(do, page):
    new = Page(name=page.name, text="b")
    with pytest.raises(ConditionFailed) as raised:
        do(new.save, force_update=True, condition=Page.title == "z")
    assert not isinstance(raised.value, DoesNotExist)
    assert raised.value.current.title == "a"


@pytest.mark.parametrize("other", ["force_insert", "overwrite"])
def test_a_forced_update_is_no_insert(do, page, sent, other):
    sent.clear()
    with pytest.raises(QueryError, match=f"{other}=True: give one"):
        do(page.save, force_update=True, **{other: True})
    assert sent == []


# -- previous_changes() ----------------------------------------------------------------------------


def no_stamps(changes):
    return {name: each for name, each in changes.items() if name not in ("changed", "made")}


def test_the_changes_of_the_last_save_are_known_after_it(do, key):
    page = Page(name=key, title="a", text="a", doc={"n": 1})
    assert page.previous_changes() == {}
    expected = no_stamps(page.changes())
    do(page.save)
    assert no_stamps(page.previous_changes()) == expected
    page.title, page.doc["n"] = "b", 2
    page.ids = [1]
    expected = page.changes()
    do(page.save)
    assert no_stamps(page.previous_changes()) == expected
    assert page.previous_changes()["changed"][1] == page.changed
    do(page.refresh_from_db)
    assert no_stamps(page.previous_changes()) == expected
    do(page.save)
    assert page.previous_changes() == {}
    assert do(Page.objects.get, key).previous_changes() == {}


@pytest.mark.parametrize("atomic", [None, True])
def test_the_changes_of_updates_and_forced_writes_are_known_too(do, page, atomic):
    do(page.update, title="b", doc={"n": 3}, atomic=atomic)
    changes = no_stamps(page.previous_changes())
    assert changes == {"title": ("a", "b"), "doc.n": (1, 3), "doc.m": (1, None)}
    do(page.update, F("doc__n").add(1), atomic=atomic)
    assert no_stamps(page.previous_changes()) == {"doc.n": (3, 4)}
    page.text = "b"
    do(page.save, overwrite=True, atomic=atomic)
    assert no_stamps(page.previous_changes()) == {"text": ("a", "b")}
    new = Page(name=page.name)
    do(new.update, title="c", must_exist=True)
    assert no_stamps(new.previous_changes()) == {"title": (None, "c")}


def test_a_save_that_failed_leaves_the_changes_of_the_one_before(do, key):
    first = do(Versioned.create, name=key, text="a", email=key)
    do(do(Versioned.objects.get, key).update, text="b")
    before = first.previous_changes()
    first.text = "c"
    with pytest.raises(StaleItem):
        do(first.save)
    assert first.previous_changes() == before
    assert before["version"] == (None, 1)


def test_hooks_and_transactions_have_them(do, key):
    heard = []

    def after_save(self, created):
        heard.append(no_stamps(self.previous_changes()))

    class Heard(Page):
        class Meta:
            table_name = "pages"

    Heard.after_save = after_save
    page = do(Heard.create, name=key, text="a")
    page.text = "b"

    async def block():
        async with transaction.atomic():
            await page.asave()

    if do.mode == "async":
        do.run(block())
    else:
        with transaction.atomic():
            page.save()
    created, saved = heard
    assert created["text"] == (None, "a")
    assert saved == {"text": ("a", "b")}


# -- names -----------------------------------------------------------------------------------------


def test_fields_with_these_names_take_the_place_of_the_methods(do):
    class Door(Model):
        touch = CharField(hash_key=True)
        previous_changes = IntegerField()
        changed = DateTimeField(auto_now=True)

    door = Door("a", previous_changes=1)
    assert (door.touch, door.previous_changes) == ("a", 1)
    assert door.changes()["previous_changes"] == (None, 1)


def test_options_of_a_block_hold_for_single_fields(do, page, sent):
    sent.clear()
    with options(consistent=True):
        do(page.refresh_from_db, fields=["title"])
    assert sent[0].payload()["ConsistentRead"] is True
