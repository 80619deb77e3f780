"""What the type checkers know of shared tables and of what is read from them."""

from __future__ import annotations

from typing_extensions import assert_type

from dynamodb_py import CharField, IntegerField, Model
from dynamodb_py.models.shared_tables.item_collections import Collection
from dynamodb_py.models.shared_tables.shared_table import SharedTable


class App(SharedTable):
    class Meta:
        table_name = "app"

    pk = CharField(hash_key=True)
    sk = CharField(range_key=True)


class User(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{user_id}", "sk": "PROFILE"}

    user_id = IntegerField(required=True)


class Order(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{user_id}", "sk": "ORDER#{number}"}

    user_id = IntegerField(required=True)
    number = IntegerField(required=True)


def read() -> None:
    found = App.collection(user_id=7, only=[User, Order], limit=3)
    assert_type(found, Collection)
    assert_type(found.of(Order), list[Order])
    assert_type(found.one(User), User)
    assert_type(found.first(User), User | None)
    assert_type(found.grouped(), dict[type[Model], list[Model]])
    assert_type([each for each in found], list[Model])
    assert_type(found.of(Order)[0].number, int)
    App.collection(user_id=7, limit="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def read_in_asyncio() -> None:
    found = await App.acollection(user_id=7)
    assert_type(found, Collection)
    assert_type(found.one(User), User)
    assert_type([each async for each in found], list[Model])
