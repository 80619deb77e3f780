"""Deleting softly, on real engines: what is hidden, what is sent, and what comes back."""

from __future__ import annotations

import time

import pytest

from dynamodb_py import (
    AlreadyExists,
    CharField,
    ConditionFailed,
    DateTimeField,
    GlobalIndex,
    IntegerField,
    Model,
    VersionField,
    delete_all,
    load,
    transaction,
)
from dynamodb_py.models.signals.events import post_delete, pre_delete
from dynamodb_py.models.soft_delete import SoftDelete, Timestamped

SECONDS = "%Y-%m-%dT%H:%M:%SZ"


class Order(Timestamped, SoftDelete):
    class Meta:
        table_name = "orders"

    user = CharField(hash_key=True)
    number = IntegerField(range_key=True)
    state = CharField()

    by_state = GlobalIndex(hash_key="state")


class Guarded(SoftDelete, Model):
    class Meta:
        table_name = "guarded"

    key = CharField(hash_key=True)
    mail = CharField(unique=True)
    version = VersionField()


class Spelled(Timestamped, SoftDelete, Model):
    """Whose moments are stored for another program, in whole seconds."""

    class Meta:
        table_name = "spelled"

    key = CharField(hash_key=True)
    created_at = DateTimeField(auto_now_add=True, format=SECONDS)
    updated_at = DateTimeField(auto_now=True, format=SECONDS)
    deleted_at = DateTimeField(format=SECONDS)


TABLES = [Order, Guarded, Spelled]


@pytest.fixture
def orders(do, key, sent):
    """Make four orders of one user; the second of them, number 1, is deleted."""
    made = [do(Order.objects.create, user=key, number=n, state=f"open-{key}") for n in range(4)]
    do(made[1].delete)
    sent.clear()
    return made


def numbers(rows):
    return [row.number for row in rows]


def test_delete_is_one_update_that_keeps_the_item(do, sent, stored, key):
    order = do(Order.objects.create, user=key, number=1, state="open")
    before = order.updated_at
    sent.clear()
    assert do(order.delete) is None
    assert sent.calls == ["UpdateItem"]
    assert order.is_deleted
    assert order.updated_at > before
    assert stored(order)["deleted_at"]["S"].endswith("+00:00")
    assert stored(order)["state"] == {"S": "open"}
    assert not order.is_changed


def test_a_second_delete_keeps_the_first_moment(do, orders, stored):
    first = stored(orders[1])["deleted_at"]
    do(orders[1].delete)
    do(Order.objects.delete, orders[1].user, 1)
    assert stored(orders[1])["deleted_at"] == first


def test_changes_that_were_not_saved_wait_for_it(do, orders, stored):
    order = orders[0]
    order.state = "paid"
    do(order.delete)
    assert order.is_changed
    assert stored(order)["state"] != {"S": "paid"}


def test_an_item_that_is_not_there_is_not_made(do, key, orders):
    with pytest.raises(Order.DoesNotExist):
        do(Order(user=key, number=99).delete)
    do(orders[0].hard_delete)
    gone = do(Order.all_objects.get, key, 2)
    do(Order.all_objects.delete, key, 2)
    with pytest.raises(Order.DoesNotExist):
        do(gone.delete)
    do(Order.objects.delete, key, 99)
    assert do(Order.all_objects.get_or_none, key, 99) is None


def test_a_condition_is_asked(do, orders):
    with pytest.raises(ConditionFailed) as caught:
        do(orders[0].delete, condition=Order.state == "paid")
    assert not caught.value.current.is_deleted
    with pytest.raises(ConditionFailed):
        do(Order.objects.delete, orders[0].user, 0, condition=Order.state == "paid")
    assert not orders[0].is_deleted


def test_deleted_items_are_hidden_by_every_way_to_read(do, orders, key):
    mine = Order.objects.filter(user=key)
    assert numbers(do.list(mine)) == [0, 2, 3]
    assert do(mine.count) == 3
    assert numbers(do.list(mine.reverse().limit(2))) == [3, 2]
    assert do(Order.objects.get_or_none, key, 1) is None
    assert do(Order.get, user=key, number=1) is None
    with pytest.raises(Order.DoesNotExist):
        do(Order.objects.get, key, 1)
    with pytest.raises(Order.DoesNotExist):
        do(Order.objects.get, user=key, number=1, state__exists=True)
    assert not do(Order.objects.filter(user=key, number=1).exists)
    assert do(Order.objects.filter(user=key, number__lte=1).last).number == 0
    assert numbers(do(Order.objects.batch_get, (key, 0), (key, 1), (key, 2))) == [0, 2]
    assert list(do(Order.objects.in_bulk, [(key, 1), (key, 2)])) == [(key, 2)]
    few = do(Order.objects.only("state").in_bulk, [(key, 1), (key, 2)])
    assert list(few) == [(key, 2)]
    assert numbers(do.list(Order.objects.filter(user=key).scan())) == [0, 2, 3]
    assert numbers(do(mine.page, size=2).items) == [0, 2]


def test_an_index_hides_them_too(do, orders, key):
    def found():
        return sorted(numbers(do.list(Order.by_state.filter(state=f"open-{key}"))))

    until = time.monotonic() + 60
    while found() != [0, 2, 3] and time.monotonic() < until:  # it lags behind the table
        pass
    assert found() == [0, 2, 3]


def test_all_objects_and_instances_see_them(do, orders, key):
    assert numbers(do.list(Order.all_objects.filter(user=key))) == [0, 1, 2, 3]
    deleted = Order.all_objects.filter(user=key, deleted_at__exists=True)
    assert numbers(do.list(deleted)) == [1]
    do(orders[1].refresh_from_db)
    assert orders[1].is_deleted
    [again] = do.list(Order.all_objects.filter(user=key, number=1))
    do(load, [again])
    assert again.is_deleted


def test_a_get_is_a_get_item(do, orders, sent, key):
    do(Order.objects.get, key, 0)
    do(Order.objects.get_or_none, key, 1)
    assert sent.calls == ["GetItem", "GetItem"]


def test_restore_brings_it_back(do, orders, sent, key):
    assert do(orders[1].restore) is None
    assert sent.calls == ["UpdateItem"]
    assert not orders[1].is_deleted
    assert do(Order.objects.get, key, 1).deleted_at is None
    do(orders[1].restore)  # once more does no harm
    with pytest.raises(Order.DoesNotExist):
        do(Order(user=key, number=99).restore)


@pytest.mark.parametrize("way", ["hard_delete", "delete"])
def test_for_good_it_is_gone(do, orders, sent, key, way):
    do(getattr(orders[0], way), **({"hard": True} if way == "delete" else {}))
    do(orders[1].hard_delete)
    assert sent.calls == ["DeleteItem", "DeleteItem"]
    assert numbers(do.list(Order.all_objects.filter(user=key))) == [2, 3]


def test_a_key_that_is_deleted_softly_is_taken(do, orders, key):
    with pytest.raises(AlreadyExists) as caught:
        do(Order.objects.create, user=key, number=1)
    assert caught.value.current.is_deleted
    with pytest.raises(AlreadyExists):
        do(Order.objects.get_or_create, user=key, number=1)
    with pytest.raises(AlreadyExists) as caught:
        do(Order.objects.update_or_create, user=key, number=1, defaults={"state": "x"})
    assert caught.value.current.is_deleted
    with pytest.raises(AlreadyExists):
        do(
            Order.objects.update_or_create,
            user=key,
            number=1,
            create_defaults={"state": "x"},
        )
    assert do(Order.all_objects.get, key, 1).state != "x"
    assert (
        do(Order.objects.update_or_create, user=key, number=2, defaults={"state": "x"})[1] is False
    )
    assert (
        do(Order.objects.update_or_create, user=key, number=9, defaults={"state": "x"})[1] is True
    )


def test_what_a_query_set_deletes_is_deleted_softly(do, orders, key, sent):
    done = do(Order.objects.filter(user=key, number__lte=2).delete)
    assert (done.matched, done.changed) == (2, 2)
    assert sent.calls == ["Query", "UpdateItem", "UpdateItem"]
    assert numbers(do.list(Order.objects.filter(user=key))) == [3]
    assert len(do.list(Order.all_objects.filter(user=key))) == 4
    sent.clear()
    done = do(Order.objects.filter(user=key, number=3).delete)
    assert (done.changed, sent.calls) == (1, ["UpdateItem"])
    assert do(Order.objects.filter(user=key, number=3).delete).changed == 0
    assert do(Order.all_objects.filter(user=key).delete).changed == 4
    assert do.list(Order.all_objects.filter(user=key)) == []


def test_an_update_by_query_leaves_deleted_items_alone(do, orders, key):
    assert do(Order.objects.filter(user=key).update, state="x").changed == 3
    assert do(Order.objects.filter(user=key, number=1).update, state="x").changed == 0
    assert do(Order.objects.filter(user=key, number=1).modify, state="x") is None
    assert do(Order.all_objects.get, key, 1).state != "x"


def test_bulk_delete_is_soft(do, orders, key):
    given = [orders[0], (key, 2), {"user": key, "number": 3}]
    result = do(Order.objects.bulk_delete, given)
    assert len(list(result)) == 3
    assert do.list(Order.objects.filter(user=key)) == []
    assert len(do.list(Order.all_objects.filter(user=key))) == 4
    result = do(Order.all_objects.bulk_delete, [(key, n) for n in range(4)])
    assert do.list(Order.all_objects.filter(user=key)) == []


def test_bulk_delete_counts_what_is_not_there_as_deleted(do, engine, key):
    assert len(list(do(Order.objects.bulk_delete, [(key, 5), (key, 5), (key, 6)]))) >= 2
    assert do.list(Order.all_objects.filter(user=key)) == []


def test_bulk_delete_counts_instances_that_are_gone_as_deleted(do, orders, key):
    orders[0].hard_delete()
    given = [Order.all_objects.get(key, 1), orders[0], (key, 9)]
    assert len(list(do(Order.objects.bulk_delete, given))) == 3
    assert Order.all_objects.get(key, 1).is_deleted
    assert Order.all_objects.get_or_none(key, 0) is None


def test_delete_all_asks_each_model_how(do, orders, key):
    do(delete_all, orders)
    assert len(do.list(Order.all_objects.filter(user=key))) == 4
    assert do.list(Order.objects.filter(user=key)) == []


def test_in_a_transaction_it_is_an_update_beside_others(do, orders, key, sent):
    async def awaited():
        async with transaction.aatomic():
            await orders[0].adelete()
            await orders[1].arestore()
            await orders[2].ahard_delete()

    if do.mode == "async":
        do.run(awaited())
    else:
        with transaction.atomic():
            orders[0].delete()
            orders[1].restore()
            orders[2].hard_delete()
    assert sent.calls == ["TransactWriteItems"]
    assert orders[0].is_deleted
    assert numbers(do.list(Order.objects.filter(user=key))) == [1, 3]
    assert numbers(do.list(Order.all_objects.filter(user=key))) == [0, 1, 3]


def test_signals_of_deleting_are_told(do, orders):
    heard = []

    def hear(sender, instance, **more):
        heard.append(instance.is_deleted)

    pre_delete.connect(hear, sender=Order)
    post_delete.connect(hear, sender=Order)
    try:
        do(orders[0].delete)
    finally:
        pre_delete.disconnect(hear, sender=Order)
        post_delete.disconnect(hear, sender=Order)
    assert heard == [False, True]


def test_versions_and_unique_values_are_kept(do, engine, key):
    one = do(Guarded.objects.create, key=key, mail=f"{key}@x")
    other = do(Guarded.objects.get, key)
    do(one.delete)
    assert one.version == 2
    with pytest.raises(ConditionFailed):  # it was changed since
        do(other.delete)
    with pytest.raises(AlreadyExists):  # what is deleted softly keeps its values
        do(Guarded.objects.create, key=f"{key}-2", mail=f"{key}@x")
    do(Guarded.all_objects.bulk_delete, [key])
    assert do(Guarded.all_objects.get_or_none, key) is None
    do(Guarded.objects.create, key=f"{key}-2", mail=f"{key}@x")
    done = do(Guarded.objects.filter(key=f"{key}-2").delete)
    assert done.changed == 1
    assert do(Guarded.all_objects.get, f"{key}-2").is_deleted


@pytest.mark.parametrize("way", ["instance", "query", "transaction"])
def test_moments_keep_what_their_format_keeps(do, engine, stored, key, way):
    async def awaited():
        async with transaction.aatomic():
            await item.adelete()

    item = do(Spelled.create, key=key)
    if way == "instance":
        do(item.delete)
    elif way == "query":
        do(Spelled.objects.filter(key=key).delete)
    elif do.mode == "async":
        do.run(awaited())
    else:
        with transaction.atomic():
            item.delete()
    for name in ("created_at", "updated_at", "deleted_at"):
        assert len(stored(item)[name]["S"]) == len("2026-11-01T00:00:00Z")
