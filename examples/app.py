"""The shared table of the examples about item collections in the reference, and its items."""

from dynamodb_py import CharField, IntegerField, Model, SharedTable, Table


class App(SharedTable):
    class Meta:
        table_name = "app"

    pk = CharField(hash_key=True)
    sk = CharField(range_key=True)


class User(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{name}", "sk": "PROFILE"}

    name = CharField()


class Order(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{user}", "sk": "ORDER#{number:08d}"}

    user = CharField()
    number = IntegerField()


def fill() -> None:
    """Make the table, with ann and her two orders, and with bob."""
    Table(App).create()
    User.create(name="ann")
    User.create(name="bob")
    for number in (1, 2):
        Order.create(user="ann", number=number)
