"""Models whose tables have everything that a table can have."""

from __future__ import annotations

from dynamodb_py import (
    BinaryField,
    CharField,
    GlobalIndex,
    IntegerField,
    LocalIndex,
    Model,
    SharedTable,
    TimestampField,
)


class Plain(Model):
    id = CharField(hash_key=True)


class Full(Model):
    class Meta:
        table_name = "full.of-options"
        stream = "new_image"
        encryption = "aws_managed"
        table_class = "standard_infrequent_access"
        deletion_protection = True
        point_in_time_recovery = 7
        tags = {"team": "blue"}
        warm_throughput = {"read": 13_000, "write": 5_000}
        on_demand_maximum = {"read": 100, "write": None}

    id = CharField(hash_key=True)
    at = IntegerField(range_key=True)
    email = CharField(unique=True)
    n = IntegerField()
    expires = TimestampField(ttl=True)

    by_n = GlobalIndex(
        "by-n", hash_key="n", projection=["email"], on_demand_maximum={"read": None, "write": 9}
    )
    by_email = LocalIndex(range_key="email", projection="keys")


class Provisioned(Model):
    class Meta:
        read_capacity = 5
        write_capacity = 6

    id = BinaryField(hash_key=True)
    n = IntegerField()
    by_n = GlobalIndex(hash_key="n", read_capacity=1, write_capacity=2)


class Off(Model):
    class Meta:
        point_in_time_recovery = False
        encryption = "aws_owned"
        stream = False

    id = CharField(hash_key=True)


class App(SharedTable):
    class Meta:
        table_name = "app"

    pk = CharField(hash_key=True)
    sk = CharField(range_key=True)


class User(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{name}", "sk": "USER"}

    name = CharField()
    email = CharField(unique=True)


class Order(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{name}", "sk": "ORDER#{number}"}

    name = CharField()
    number = IntegerField()


ALL = [Plain, Full, Provisioned, Off, User, Order]
