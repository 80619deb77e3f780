"""Orders, the totals of their customers, and the changes that are in the totals."""

from __future__ import annotations

from datetime import timedelta

from dynamodb_py import CharField, IntegerField, Model, TimestampField


class Order(Model):
    class Meta:
        table_name = "orders"
        stream = "new_and_old_images"

    number = CharField(hash_key=True)
    customer = CharField()
    amount = IntegerField()
    note = CharField(default="")


class CustomerTotal(Model):
    class Meta:
        table_name = "customer_totals"

    customer = CharField(hash_key=True)
    amount = IntegerField(default=0)
    orders = IntegerField(default=0)


class AppliedChange(Model):
    """A change that is in the totals. DynamoDB keeps changes for a day, so none comes again after that."""

    class Meta:
        table_name = "applied_changes"

    id = CharField(hash_key=True)
    until = TimestampField(ttl=True, after=timedelta(days=2))
