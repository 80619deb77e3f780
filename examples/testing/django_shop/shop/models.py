"""Models of dynamodb_py, in the place where Django has its own: it has no migrations for these."""

from dynamodb_py import CharField, IntegerField, Model


class Order(Model):
    class Meta:
        table_name = "orders"

    user = IntegerField(hash_key=True)
    id = CharField(range_key=True)
    status = CharField(default="open")
