"""Deleting what others refer to: nothing is missed, and nothing of other writers is undone."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from dynamodb_py import (
    CharField,
    ConditionFailed,
    GlobalIndex,
    Model,
    QueryError,
    SoftDelete,
    TransactionCanceled,
    VersionField,
)
from dynamodb_py.exceptions import ProtectedError
from dynamodb_py.models.foreign_keys.field import ForeignKey
from dynamodb_py.models.foreign_keys.on_delete import CASCADE, NULLIFY, PROTECT
from dynamodb_py.models.instance import table_of
from dynamodb_py.models.maintenance.denormalized import refresh_copies
from dynamodb_py.models.relations.many_to_many import ManyToManyField
from dynamodb_py.models.relations.reverse import RelatedSet
from dynamodb_py.models.signals.events import pre_delete, pre_save


class Shop(Model):
    class Meta:
        table_name = "od-shops"

    id = CharField(hash_key=True)
    name = CharField()
    staff: RelatedSet[Clerk]


class Clerk(Model):
    class Meta:
        table_name = "od-clerks"

    id = CharField(hash_key=True)
    shop = ForeignKey(Shop, on_delete=CASCADE, index="by_shop")
    by_shop = GlobalIndex(hash_key="shop")


class Badge(Model):
    class Meta:
        table_name = "od-badges"

    id = CharField(hash_key=True)
    shop = ForeignKey(Shop, on_delete=CASCADE, index="by_shop")
    clerk = ForeignKey(Clerk, on_delete=PROTECT, index="by_clerk")
    by_shop = GlobalIndex(hash_key="shop")
    by_clerk = GlobalIndex(hash_key="clerk")


class Road(Model):
    class Meta:
        table_name = "od-roads"

    id = CharField(hash_key=True)


class House(Model):
    class Meta:
        table_name = "od-houses"

    id = CharField(hash_key=True)
    road = ForeignKey(Road, on_delete=NULLIFY, index="by_road", related_name="houses")
    behind = ForeignKey(Road, on_delete=NULLIFY, index="by_behind")
    version = VersionField()
    by_road = GlobalIndex(hash_key="road")
    by_behind = GlobalIndex(hash_key="behind")


class Lot(Model):
    class Meta:
        table_name = "od-lots"

    id = CharField(hash_key=True)
    road = ForeignKey(Road, on_delete=NULLIFY, index="by_road", related_name="lots")
    by_road = GlobalIndex(hash_key="road")


class Owner(Model):
    class Meta:
        table_name = "od-owners"

    id = CharField(hash_key=True)
    name = CharField()


class Thing(SoftDelete):
    class Meta:
        table_name = "od-things"

    id = CharField(hash_key=True)
    owner = ForeignKey(Owner, on_delete=CASCADE, index="by_owner", denormalize=["name"])
    lender = ForeignKey(Owner, on_delete=NULLIFY, index="by_lender")
    guard = ForeignKey(Owner, on_delete=PROTECT, index="by_guard")
    by_owner = GlobalIndex(hash_key="owner")
    by_lender = GlobalIndex(hash_key="lender")
    by_guard = GlobalIndex(hash_key="guard", projection="keys")


class Poster(Model):
    class Meta:
        table_name = "od-posters"

    id = CharField()
    road = ForeignKey(Road, on_delete=CASCADE)
    pk = CharField(hash_key=True, template="ROAD#{road_id}")
    sk = CharField(range_key=True, template="POSTER#{id}")


class Sign(Model):
    class Meta:
        table_name = "od-signs"

    id = CharField(hash_key=True)
    road = ForeignKey(Road, on_delete=CASCADE, index="by_made")
    made = CharField(template="ROAD#{road_id}")
    by_made = GlobalIndex(hash_key="made")


class Gap(Model):
    class Meta:
        table_name = "od-gaps"

    id = CharField(hash_key=True)
    road = ForeignKey(Road, on_delete=NULLIFY, index="by_made")
    made = CharField(template="ROAD#{road_id}")
    by_made = GlobalIndex(hash_key="made")


class Friend(Model):
    class Meta:
        table_name = "od-friends"

    id = CharField(hash_key=True)
    owners = ManyToManyField(Owner, through="Friendship")


class Friendship(SoftDelete):
    class Meta:
        table_name = "od-friendships"

    friend = ForeignKey(Friend, hash_key=True)
    owner = ForeignKey(Owner, range_key=True)


class Pet(Model):
    class Meta:
        table_name = "od-pets"
        discriminator = "kind"

    id = CharField(hash_key=True)


class Hound(Pet):
    bark = CharField()


class Collar(Model):
    class Meta:
        table_name = "od-collars"

    id = CharField(hash_key=True)
    hound = ForeignKey(Hound, on_delete=CASCADE, index="by_hound")
    by_hound = GlobalIndex(hash_key="hound")


class Vet(Model):
    class Meta:
        table_name = "od-vets"

    id = CharField(hash_key=True)
    patient = ForeignKey(Pet, on_delete=PROTECT, index="by_patient")
    by_patient = GlobalIndex(hash_key="patient")


pytestmark = pytest.mark.usefixtures("engine")

TABLES = [
    Shop,
    Clerk,
    Badge,
    Road,
    House,
    Lot,
    Owner,
    Thing,
    Poster,
    Sign,
    Gap,
    Friend,
    Friendship,
    Pet,
    Collar,
    Vet,
]


def fresh() -> str:
    return uuid4().hex[:12]


def count(rows) -> int:
    return len(list(rows))


def indexed(rows, wanted):
    """Wait until the index of *rows* has as many as there were written."""
    until = time.monotonic() + 60
    while count(rows.all()) != wanted:
        assert time.monotonic() < until
        time.sleep(0.02)


class Once:
    """A receiver that lets another writer write, once, between what is read and what is written."""

    def __init__(self, signal, model, write):
        self.signal, self.model, self.write = signal, model, write

    def __enter__(self):
        self.done = False
        self.signal.connect(self.hear, sender=self.model)
        return self

    def __exit__(self, *_):
        self.signal.disconnect(self.hear, sender=self.model)

    def hear(self, sender, **said):
        del sender, said
        if not self.done:
            self.done = True
            self.write()


def test_what_protects_is_seen_behind_what_is_deleted_along(do):
    shop = Shop.create(id=fresh())
    clerk = Clerk.create(id=fresh(), shop=shop)
    for _ in range(7):
        Badge.create(id=f"a{fresh()}", shop=shop, clerk=clerk)
    free = Badge.create(id=f"z{fresh()}", clerk=clerk)
    indexed(Badge.objects.filter(shop=shop), 7)
    indexed(Badge.objects.filter(clerk=clerk), 8)
    with pytest.raises(ProtectedError) as raised:
        do(shop.delete)
    assert [each.id for each in raised.value.objects] == [free.id]
    assert Clerk.objects.get_or_none(clerk.id) is not None


def test_cascade_spares_what_refers_to_another_by_now(client, do):
    shop, other = Shop.create(id=fresh()), Shop.create(id=fresh())
    clerk = Clerk.create(id=fresh(), shop=shop)
    indexed(Clerk.objects.filter(shop=shop), 1)

    def move():
        client.update_item(
            TableName=table_of(clerk),
            Key={"id": {"S": clerk.id}},
            UpdateExpression="SET shop = :a",
            ExpressionAttributeValues={":a": {"S": other.id}},
        )

    with Once(pre_delete, Clerk, move), pytest.raises((ConditionFailed, TransactionCanceled)):
        do(shop.delete)
    assert Clerk.objects.get(clerk.id).shop_id == other.id
    assert Shop.objects.get_or_none(shop.id) is not None


def test_cascade_takes_what_is_gone_by_now_for_deleted(client, do):
    shop = Shop.create(id=fresh())
    clerk = Clerk.create(id=fresh(), shop=shop)
    indexed(Clerk.objects.filter(shop=shop), 1)

    def drop():
        client.delete_item(TableName=table_of(clerk), Key={"id": {"S": clerk.id}})

    with Once(pre_delete, Clerk, drop):
        do(shop.delete)
    assert Shop.objects.get_or_none(shop.id) is None


def test_an_item_that_refers_twice_is_written_once(do, sent):
    road = Road.create(id=fresh())
    house = House.create(id=fresh(), road=road, behind=road)
    indexed(House.objects.filter(road=road), 1)
    indexed(House.objects.filter(behind=road), 1)
    sent.clear()
    do(road.delete)
    assert [each.api for each in sent].count("TransactWriteItems") == 1
    found = House.objects.get(house.id)
    assert (found.road_id, found.behind_id) == (None, None)
    assert Road.objects.get_or_none(road.id) is None


@pytest.mark.parametrize("verb", ["remove", "clear", "set"])
def test_what_another_took_over_stays_with_it(client, do, verb):
    road, other = Road.create(id=fresh()), Road.create(id=fresh())
    lot = Lot.create(id=fresh(), road=road)
    indexed(Lot.objects.filter(road=road), 1)

    def move():
        client.update_item(
            TableName=table_of(lot),
            Key={"id": {"S": lot.id}},
            UpdateExpression="SET road = :a",
            ExpressionAttributeValues={":a": {"S": other.id}},
        )

    given = {"remove": [lot], "clear": [], "set": [[]]}[verb]
    with Once(pre_save, Lot, move), pytest.raises(ConditionFailed):
        do(getattr(road.lots, verb), *given)
    assert Lot.objects.get(lot.id).road_id == other.id


def test_nullify_spares_what_refers_to_another_by_now(client, do):
    road, other = Road.create(id=fresh()), Road.create(id=fresh())
    lot = Lot.create(id=fresh(), road=road)
    indexed(Lot.objects.filter(road=road), 1)

    def move():
        client.update_item(
            TableName=table_of(lot),
            Key={"id": {"S": lot.id}},
            UpdateExpression="SET road = :a",
            ExpressionAttributeValues={":a": {"S": other.id}},
        )

    with Once(pre_save, Lot, move), pytest.raises((ConditionFailed, TransactionCanceled)):
        do(road.delete)
    assert Lot.objects.get(lot.id).road_id == other.id


def test_cascade_marks_what_is_deleted_softly(do):
    owner = Owner.create(id=fresh())
    thing = Thing.create(id=fresh(), owner=owner)
    indexed(Thing.all_objects.index("by_owner").filter(owner=owner), 1)
    do(owner.delete)
    assert Owner.objects.get_or_none(owner.id) is None
    assert Thing.all_objects.get(thing.id).is_deleted


def test_what_is_deleted_softly_refers_to_nothing_after_nullify(do):
    owner = Owner.create(id=fresh())
    thing = Thing.create(id=fresh(), lender=owner)
    thing.delete()
    indexed(Thing.all_objects.index("by_lender").filter(lender=owner), 1)
    do(owner.delete)
    assert Thing.all_objects.get(thing.id).lender_id is None


def test_what_is_deleted_softly_protects(do):
    owner = Owner.create(id=fresh())
    thing = Thing.create(id=fresh(), guard=owner)
    thing.delete()
    indexed(Thing.all_objects.index("by_guard").filter(guard=owner).values("id"), 1)
    with pytest.raises(ProtectedError):
        do(owner.delete)
    assert Owner.objects.get_or_none(owner.id) is not None


def test_copies_of_what_is_deleted_softly_are_refreshed(engine):
    owner = Owner.create(id=fresh(), name="Ann")
    thing = Thing.create(id=fresh(), owner=owner)
    thing.delete()
    owner.name = "Anna"
    owner.save()
    refresh_copies(Thing)
    assert Thing.all_objects.get(thing.id).owner_name == "Anna"


def test_a_narrower_class_asks_what_refers_to_its_base(do):
    hound = Hound.create(id=fresh())
    Vet.create(id=fresh(), patient=hound)
    indexed(Vet.objects.filter(patient=hound), 1)
    with pytest.raises(ProtectedError):
        do(hound.delete)


def test_deleting_in_bulk_asks_what_refers_to_narrower_classes(engine, sent):
    with pytest.raises(
        QueryError, match=r"(?s)Collar\.hound.*Vet\.patient|Vet\.patient.*Collar\.hound"
    ):
        Pet.objects.filter(id__in=["a"]).delete()
    assert not sent


def test_by_the_key_of_the_base_what_refers_to_narrower_classes_is_asked(do):
    hound = Hound.create(id=fresh())
    collar = Collar.create(id=fresh(), hound=hound)
    indexed(Collar.objects.filter(hound=hound), 1)
    do(Pet.objects.delete, hound.id)
    assert Collar.objects.get_or_none(collar.id) is None


def test_references_in_key_templates(do):
    road = Road.create(id=fresh())
    poster, sign, gap = (kind.create(id=fresh(), road=road) for kind in (Poster, Sign, Gap))
    indexed(Sign.objects.filter(road=road), 1)
    indexed(Gap.objects.filter(road=road), 1)
    do(road.delete)
    assert Poster.objects.get_or_none(road_id=road.id, id=poster.id) is None
    assert Sign.objects.get_or_none(sign.id) is None
    assert Gap.objects.get(gap.id).road_id is None


def test_what_was_taken_out_softly_can_be_added_again(do):
    friend, owner = Friend.create(id=fresh()), Owner.create(id=fresh())
    do(friend.owners.add, owner)
    do(friend.owners.remove, owner)
    assert do(friend.owners.fetch) == []
    do(friend.owners.add, owner)
    assert do(friend.owners.fetch) == [owner]
