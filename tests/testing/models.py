"""The models of the testing kit's tests."""

from __future__ import annotations

from dynamodb_py import (
    CharField,
    DateTimeField,
    DecimalField,
    GlobalIndex,
    IntegerField,
    LocalIndex,
    Model,
    TimestampField,
    VersionField,
)


class Customer(Model):
    class Meta:
        table_name = "customers"

    id = CharField(hash_key=True)
    email = CharField(unique=True)


class Order(Model):
    class Meta:
        table_name = "orders"

    id = CharField(hash_key=True)
    number = IntegerField(range_key=True, default=1)
    status = CharField(default="open")
    total = DecimalField(default=0)

    by_status = GlobalIndex(hash_key="status")
    by_total = LocalIndex(range_key="total")


class Session(Model):
    class Meta:
        table_name = "sessions"

    id = CharField(hash_key=True)
    expires = TimestampField(ttl=True)
    seen = DateTimeField(auto_now=True)


class Account(Model):
    class Meta:
        table_name = "accounts"

    id = CharField(hash_key=True)
    balance = IntegerField(default=0)
    version = VersionField()


class Remote(Model):
    class Meta:
        table_name = "remote"
        using = "elsewhere"

    id = CharField(hash_key=True)
