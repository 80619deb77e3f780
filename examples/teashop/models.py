"""The items of the shop: products, carts and orders."""

from __future__ import annotations

from dynamodb_py import (
    CharField,
    DateTimeField,
    DictField,
    GlobalIndex,
    IntegerField,
    Model,
    ULIDField,
    VersionField,
)


class Product(Model):
    class Meta:
        table_name = "products"

    sku = CharField(hash_key=True)
    title = CharField(required=True)
    category = CharField(required=True)
    price = IntegerField(required=True, min_value=0)  # in cents
    stock = IntegerField(default=0, min_value=0)

    by_category = GlobalIndex(hash_key="category", range_key="price")


class Cart(Model):
    class Meta:
        table_name = "carts"

    customer = CharField(hash_key=True)
    lines = DictField(int, default=dict)  # the number of pieces by sku
    version = VersionField()


class Order(Model):
    class Meta:
        table_name = "orders"

    customer = CharField(hash_key=True)
    id = ULIDField(range_key=True)  # sorts by the time of its creation
    placed = DateTimeField(auto_now_add=True)
    lines = DictField(int)
    total = IntegerField()


MODELS = [Product, Cart, Order]
