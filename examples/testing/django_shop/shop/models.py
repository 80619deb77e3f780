"""Models of dynamodb_py, in the module for models of Django. Django makes no migrations for them."""

from dynamodb_py import CharField, IntegerField, Model


class Order(Model):
    class Meta:
        table_name = "orders"

    user = IntegerField(hash_key=True)
    id = CharField(range_key=True)
    status = CharField(default="open")
