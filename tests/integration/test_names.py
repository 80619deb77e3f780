"""Attributes may have any name, in keys, indexes and documents, for every verb."""

from __future__ import annotations

import pytest

from dynamodb_py import (
    CharField,
    Document,
    EmbeddedField,
    F,
    GlobalIndex,
    IntegerField,
    ListField,
    MapField,
    Model,
    SetField,
    TimestampField,
    VersionField,
    transaction,
)

from ..eventually import eventually

NAMES = ['a"b', "a\\b", "a\nb", "\x00", "\u2028", "a.b", "a[0]", "#a", ":a", "é\U0001f600", "size"]


def model_of(number: int, name: str) -> type[Model]:
    """Return a model whose attributes are called *name*, with a digit behind it in all but one."""

    class Inside(Document):
        text = CharField(name=name)
        other = CharField(name=name + "2")
        numbers = ListField(IntegerField(), name=name + "3")

    class Named(Model):
        class Meta:
            table_name = f"named_{number}"
            discriminator = "kind"
            hide_expired = True
            ttl = "until"

        id = CharField(hash_key=True, name=name)
        place = CharField(range_key=True, name=name + "1")
        inside = EmbeddedField(Inside, name=name + "2")
        keyed = MapField({name: IntegerField()})
        owner = CharField(name=name + "3", required=True)
        count = IntegerField(name=name + "4", default=0, required=True)
        tags = SetField(name=name + "5")
        version = VersionField(name=name + "6")
        until = TimestampField()
        kind = CharField(name=name + "8")

        by_owner = GlobalIndex(hash_key="owner", range_key="count")

    return Named


MODELS = {name: model_of(number, name) for number, name in enumerate(NAMES)}
TABLES = list(MODELS.values())

pytestmark = pytest.mark.engines("dynoxide", "extenddb")  # moto takes "a.b" in projections apart


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_every_verb_takes_any_name(engine, do, key, name):
    named = MODELS[name]
    rows = named.objects.filter(id=key)
    inside = named.inside.document(text="x", other="y", numbers=[1, 2])
    do(named.create, id=key, place="a", inside=inside, keyed={name: 4}, owner=key, tags={"t"})
    item = do(named.get, key, "a")
    item.inside.text, item.keyed[name] = "z", 5
    item.inside.numbers.append(3)
    item.tags.add("u")
    do(item.save)
    do(item.update, F("count").add(1), named.inside.other.set("q"), named.keyed[name].set(9))
    found = do(rows.filter(place__gte="a", count=1, inside__text="z").get)
    assert (found.keyed, found.tags, found.inside.numbers) == ({name: 9}, {"t", "u"}, [1, 2, 3])
    assert not found.is_changed
    expected = [{"count": 1, "inside__text": "z", "inside__other": "q"}]
    assert do.list(rows.values("count", "inside__text", "inside__other")) == expected
    assert do(named.objects.filter(id__in=[key, "other"], place="a").count) == 1
    do(named.objects.bulk_create, [named(id=key, place="b", owner=key, count=7)])
    do(named.batch_write, [named(id=key, place="c", owner=key, count=8)], overwrite=True)
    item = do(named.get, key, "a")
    item.count = 5
    with transaction.atomic():
        item.save()
    owned = named.by_owner.filter(owner=key)
    eventually(lambda: [each.count for each in do.list(owned.all())], [5, 7, 8].__eq__)
    page = do(owned.page, size=2)
    assert [each.count for each in page] == [5, 7]
    rest = do(owned.page, size=2, cursor=page.next_cursor)
    assert [each.count for each in rest] == [8]
    assert do(rows.filter(place="b").update, count=9).changed == 1
    assert do(rows.update, F("count").add(1)).changed == 3
    assert do(rows.delete).changed == 3
