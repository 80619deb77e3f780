"""The types of models that share a table by their kinds."""

from __future__ import annotations

from typing_extensions import assert_type

from dynamodb_py import CharField, GlobalIndex, IntegerField, Model
from dynamodb_py.models.bulk.results import BulkResult
from dynamodb_py.models.managers.queryset import QuerySet


class Animal(Model):
    class Meta:
        discriminator = "kind"

    id = CharField(hash_key=True)
    kind = CharField(required=True)


class Dog(Animal):
    class Meta(Animal.Meta):
        kind = "dog"

    bark = IntegerField(default=0)
    by_bark = GlobalIndex(hash_key="bark")


class Puppy(Dog):
    weeks = IntegerField()


def reading() -> None:
    assert_type(Animal.objects.get("a"), Animal)
    assert_type(Dog.objects.get("a"), Dog)
    assert_type(Puppy.get("a"), Puppy | None)
    assert_type(Puppy.objects.filter(id="a"), QuerySet[Puppy])
    assert_type(Dog.by_bark.filter(bark=3).first(), Dog | None)
    assert_type(Dog.objects.batch_get("a", "b"), list[Dog])
    for animal in Animal.objects.all():
        assert_type(animal, Animal)
        assert_type(animal.kind, str)
        if isinstance(animal, Puppy):
            assert_type(animal.bark, int)
            assert_type(animal.weeks, int | None)
        animal.bark  # type: ignore[attr-defined]  # pyright: ignore


def writing(puppy: Puppy) -> None:
    assert_type(puppy.save(), Puppy)
    assert_type(Animal.objects.bulk_create([Dog("a"), puppy]), BulkResult[Animal])
    Animal.objects.filter(Dog.bark == 3)
    Dog.objects.bulk_create([Animal("a")])  # type: ignore[list-item]  # pyright: ignore


async def awaiting() -> None:
    assert_type(await Dog.objects.aget("a"), Dog)
