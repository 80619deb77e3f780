"""Timestamped and SoftDelete, without a server: what they declare, and what would be sent."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from dynamodb_py import (
    CharField,
    Document,
    EmbeddedField,
    F,
    GlobalIndex,
    IntegerField,
    Model,
    QueryError,
    ScanRequired,
    TimestampField,
)
from dynamodb_py.models.managers.manager import Manager
from dynamodb_py.models.persistence.stored import stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write
from dynamodb_py.models.records.encoding import encode_fields
from dynamodb_py.models.soft_delete import (
    SoftDelete,
    SoftDeleteManager,
    SoftDeleteQuerySet,
    Timestamped,
)

UTC = timezone.utc


class Note(Timestamped, Document):
    text = CharField()


class Page(Timestamped, Model):
    k = CharField(hash_key=True)
    note = EmbeddedField(Note)


class Order(SoftDelete):
    user = CharField(hash_key=True)
    number = IntegerField(range_key=True)
    state = CharField()

    by_state = GlobalIndex(hash_key="state")
    thin = GlobalIndex(hash_key="state", projection="keys")


# -- Timestamped ---------------------------------------------------------------------------------


def test_the_first_write_sets_both_and_a_change_the_second_alone():
    page = Page(k="a")
    wires = encode_fields(page, adding=True)
    assert page.created_at <= page.updated_at <= datetime.now(UTC)
    loaded = Page.from_db(wires)
    assert not loaded.is_changed
    loaded.note = Note(text="x")
    changes = changes_to_write(loaded, stored_wires(loaded), validate=True)
    assert set(changes) == {"note", "updated_at"}
    assert loaded.updated_at > page.updated_at
    assert loaded.created_at == page.created_at


def test_a_document_has_moments_of_its_own():
    wires = encode_fields(Page(k="a", note=Note(text="x")), adding=True)["note"]["M"]
    assert set(wires) == {"created_at", "updated_at", "text"}


def test_the_fields_can_be_declared_otherwise():
    class Kept(Timestamped, Model):
        k = CharField(hash_key=True)
        created_at = TimestampField(auto_now_add=True)
        updated_at = None

    assert [field.name for field in Kept._meta.fields] == ["created_at", "k"]
    assert "N" in encode_fields(Kept(k="a"), adding=True)["created_at"]


# -- SoftDelete ------------------------------------------------------------------------------------


def test_it_is_a_base_or_a_mixin_of_a_model():
    class Both(SoftDelete, Timestamped, Model):
        k = CharField(hash_key=True)

    assert {"deleted_at", "created_at", "updated_at"} <= set(Both._meta.field_set.by_name)
    assert isinstance(Both.objects, SoftDeleteManager)
    assert type(Both.all_objects) is Manager
    with pytest.raises(TypeError, match="SoftDelete is abstract"):
        SoftDelete.objects.filter(k="a").operation()


@pytest.mark.parametrize(
    "asked",
    [
        lambda: Order.objects.filter(user="a"),
        lambda: Order.objects.filter(user="a", number__gt=3).reverse().limit(3),
        lambda: Order.objects.filter(Order.user == "a"),
        lambda: Order.objects.filter(user="a").only("state"),
        lambda: Order.by_state.filter(state="open"),
        lambda: Order.objects.filter(state="open").index("by_state"),
        lambda: Order.objects.all(),
        lambda: Order.objects.filter(state="open").scan(),
    ],
    ids=range(8),
)
def test_what_is_asked_leaves_out_what_is_deleted(asked):
    operation = asked().operation()
    assert "attribute_not_exists(" in operation.expressions.filter
    assert "deleted_at" in operation.expressions.names.values()
    assert "attribute_not_exists(deleted_at)" in str(asked().explain())


@pytest.mark.parametrize(
    "asked",
    [
        lambda: Order.all_objects.filter(user="a"),
        lambda: Order.all_objects.all(),
        lambda: Order.all_objects.filter(user="a", number=1),
    ],
    ids=range(3),
)
def test_all_objects_hides_nothing(asked):
    assert not getattr(getattr(asked().operation(), "said", None), "filter", "")


def test_what_would_be_a_scan_without_it_is_one_with_it():
    with pytest.raises(ScanRequired):
        Order.objects.filter(state__contains="x").operation()


def test_an_index_that_does_not_hold_the_moment_cannot_be_asked():
    with pytest.raises(QueryError, match="index thin: it does not hold deleted_at"):
        Order.thin.filter(state="open").operation()


def test_the_attributes_name_is_that_of_the_field():
    class Other(SoftDelete):
        k = CharField(hash_key=True)
        deleted_at = TimestampField(name="gone")

    assert list(Other.objects.filter(k="a").operation().expressions.names.values()) == ["k", "gone"]


def test_a_batch_would_delete_for_good_and_is_refused():
    for write in (
        lambda: Order.objects.batch_write(delete=[("a", 1)]),
        lambda: Order.objects.all().batch_write(delete=[("a", 1)]),
    ):
        with pytest.raises(
            QueryError, match=r"Order is deleted softly: call objects\.bulk_delete\(\)"
        ):
            write()


def test_a_manager_and_a_query_set_of_ones_own_hide_too():
    class Orders(SoftDeleteQuerySet["Mine"]):
        def open(self):
            return self.filter(state="open")

    class Mine(SoftDelete):
        k = CharField(hash_key=True)
        state = CharField()
        objects = Orders.as_manager()

    asked = Mine.objects.filter(k="a").open()
    assert isinstance(asked, Orders)
    assert isinstance(Mine.objects, SoftDeleteManager)
    assert asked.operation().expressions.filter.count("attribute_not_exists") == 1


def test_a_copy_of_a_query_set_hides_as_well():
    import pickle

    asked = Order.objects.filter(user="a")
    again = pickle.loads(pickle.dumps(asked))
    assert again.operation() == asked.operation()


def test_a_loaded_instance_knows_whether_it_is_deleted():
    wires = {"user": {"S": "a"}, "number": {"N": "1"}}
    assert not Order.from_db(wires).is_deleted
    assert Order.from_db({**wires, "deleted_at": {"S": "2026-11-01T00:00:00Z"}}).is_deleted


def test_conditions_on_the_moment_can_be_asked_of_all():
    asked = Order.all_objects.filter(F("deleted_at") < datetime(2026, 11, 1), user="a")
    assert asked.operation().expressions.values[":1"] == {"S": "2026-11-01T00:00:00.000000+00:00"}
