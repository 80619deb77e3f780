"""The models of a small shop, for the recipes beside this file."""

from dynamodb_py import CharField, ForeignKey, GlobalIndex, IntegerField, Model


class Customer(Model):
    class Meta:
        table_name = "customers"

    id = CharField(hash_key=True)
    name = CharField()


class Order(Model):
    class Meta:
        table_name = "orders"

    id = CharField(hash_key=True)
    customer = ForeignKey(Customer)
    total = IntegerField(default=0)
    status = CharField(default="open")
    by_status = GlobalIndex(hash_key="status", range_key="id")
