"""Migrations on engines: what they change, what the ledger has of it, what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

import dynamodb_py
from dynamodb_py import (
    CharField,
    IntegerField,
    Model,
    SharedTable,
    Table,
    TimestampField,
    connect,
    migrations,
    options,
    transaction,
)
from dynamodb_py.exceptions import (
    ConfigurationError,
    DeadlineExceeded,
    MigrationError,
    QueryError,
    TableNotFound,
    ValidationError,
)
from dynamodb_py.migrations.ledger import make_model
from dynamodb_py.operations.queries import Scan
from dynamodb_py.schema import TableSchema

from ..integration.recording import record
from ..scripted import checked
from ..test_architecture import python
from .models import COUNTED, Order, PlainUser, User, hooks, make_users, write

ENGINES = pytest.mark.engines("dynoxide", "extenddb")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "migrations"


@pytest.fixture(autouse=True)
def no_hooks():
    hooks.clear()


def states(found):
    return [(each.name, each.state, each.changed, each.skipped) for each in found]


def values(name="count"):
    return {user.name: getattr(user, name) for user in PlainUser.objects.consistent()}


@ENGINES
def test_a_migration_runs_once(engine, do, folder):
    names = make_users(60)
    write(folder, "0001_fill", COUNTED)
    [planned] = do(migrations.plan, folder)
    assert str(planned).startswith(
        "0001_fill: backfill PlainUser by city, count; once for each item"
    )
    assert states(do(migrations.status, folder)) == [("0001_fill", "pending", 0, 0)]
    assert engine.connection.table_name("dynamodb_py_migrations") not in set(
        engine.boto3().list_tables()["TableNames"]
    )

    [done] = do(migrations.run, folder)

    assert states([done]) == [("0001_fill", "applied", 60, 0)]
    assert done.seconds > 0
    assert values() == dict.fromkeys(names, 1)
    assert values("city") == dict.fromkeys(names, "Berlin")
    assert do(migrations.status, folder)[:] == (done,)
    assert (len(do(migrations.plan, folder)), str(do(migrations.plan, folder))) == (
        0,
        "nothing to do",
    )
    assert len(do(migrations.run, folder)) == 0
    assert values() == dict.fromkeys(names, 1)


@ENGINES
def test_items_get_no_attribute_of_ours(engine, do, folder, client_items):
    make_users(3)
    write(folder, "0001_fill", COUNTED)
    do(migrations.run, folder)
    assert {name for item in client_items("users") for name in item} == {"name", "city", "count"}


@pytest.fixture
def client_items(engine):
    def read(table):
        return engine.boto3().scan(TableName=engine.table_name(table))["Items"]

    return read


@ENGINES
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_function_changes_items_in_place(engine, do, folder, kind):
    make_users(30)
    PlainUser.objects.create(name="done", city="Rome")
    write(
        folder,
        "0001_shout",
        f"""
        {kind} shout(user):
            if user.city is None:
                user.city = user.name.upper()
        operations = [Backfill(PlainUser, shout)]
        """,
    )
    [done] = do(migrations.run, folder)
    assert (done.changed, done.skipped) == (30, 1)
    found = values("city")
    assert found.pop("done") == "Rome"
    assert found == {name: name.upper() for name in found}


@ENGINES
def test_a_function_sees_what_another_writer_has_changed_meanwhile(engine, do, folder):
    make_users(1)

    def count(user):
        if user.city is None:  # the first time, another writer comes between
            PlainUser.objects.filter(name=user.name).update(city="Rome", count=10)
        user.count += 1

    hooks["count"] = count
    write(folder, "0001_count", "operations = [Backfill(User, models.hooks['count'])]")
    do(migrations.run, folder)
    assert (values(), values("city")) == ({"user 0": 11}, {"user 0": "Rome"})


@ENGINES
def test_a_condition_is_checked_at_the_write(engine, do, folder):
    make_users(1)

    def count(user):
        PlainUser.objects.filter(name=user.name).update(city="Rome")
        user.count += 1

    hooks["count"] = count
    text = "operations = [Backfill(User, models.hooks['count'], condition=User.city.not_exists())]"
    write(folder, "0001_count", text)
    [done] = do(migrations.run, folder)
    assert (done.changed, done.skipped, values()) == (0, 1, {"user 0": 0})


@ENGINES
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_an_item_that_a_function_cannot_take_is_named_and_the_next_run_continues(
    engine, do, folder, kind
):
    names = make_users(30)
    text = f"""
        {kind} fill(user):
            if user.name == "user 7" and models.hooks:
                raise ValueError("an odd one")
            user.city = "Berlin"
            user.count += 1
        operations = [Backfill(PlainUser, fill, condition=PlainUser.city.not_exists())]
        """
    write(folder, "0001_fill", text)
    hooks["odd"] = True
    with pytest.raises(MigrationError) as raised:
        do(migrations.run, folder)
    assert raised.value.key == "user 7"
    assert isinstance(raised.value.__cause__, ValueError)
    message = (
        "migration 0001_fill: backfill PlainUser by fill: the item 'user 7': ValueError: an odd one"
    )
    assert message in str(raised.value)
    assert states(do(migrations.status, folder))[0][:2] == ("0001_fill", "begun")
    hooks.clear()
    write(folder, "0001_fill", f"{text}\n")  # a migration that has begun may be mended
    [done] = do(migrations.run, folder)
    assert done.state == "applied"
    assert values() == dict.fromkeys(names, 1)


@pytest.mark.parametrize(
    ("text", "cause", "message"),
    [
        (
            "def fill(user): return {'city': 'b'}",
            MigrationError,
            "it changes the instance in place",
        ),
        ("def fill(user): user.count = 'many'", ValidationError, "count"),
        ("def fill(user): user.name = 'b'", ValidationError, "name"),
    ],
    ids=["returns", "value", "key"],
)
def test_a_wrong_function_is_refused_with_the_key(engine, do, folder, text, cause, message):
    make_users(1)
    write(folder, "0001_fill", f"{text}\noperations = [Backfill(User, fill)]")
    with pytest.raises(MigrationError, match=message) as raised:
        do(migrations.run, folder)
    assert raised.value.key == "user 0"
    assert isinstance(raised.value.__cause__, cause)
    assert values() == {"user 0": 0}


@ENGINES
def test_an_attribute_gets_another_name(engine, do, folder, client_items):
    Table(PlainUser).create()
    table, client = engine.table_name("users"), engine.boto3()
    for name, item in {
        "old": {"town": {"L": [{"N": "1.50"}]}},
        "new": {"place": {"S": "x"}},
        "both": {"town": {"S": "a"}, "place": {"S": "b"}},
        "none": {},
    }.items():
        client.put_item(TableName=table, Item={"name": {"S": name}, **item})
    write(folder, "0001_rename", "operations = [RenameAttribute(User, 'town', 'place')]")
    [done] = do(migrations.run, folder)
    assert (done.changed, done.skipped) == (1, 0)
    found = {item.pop("name")["S"]: item for item in client_items("users")}
    place = found["old"].pop("place")
    assert float(place["L"][0]["N"]) == 1.5
    assert found == {
        "old": {},
        "new": {"place": {"S": "x"}},
        "both": {"town": {"S": "a"}, "place": {"S": "b"}},
        "none": {},
    }


@ENGINES
def test_an_index_is_added_and_dropped_and_nothing_else_is_touched(engine, do, folder):
    make_users(5, city="Rome")
    write(folder, "0001_add", "operations = [AddIndex(User, 'by_city')]")
    write(folder, "0002_again", "operations = [AddIndex(User, 'by_city')]")
    assert len(do(migrations.run, folder)) == 2
    [index] = TableSchema.parse(Table(User).info()).indexes
    assert index.name == "by_city"
    assert not Table(User).plan()
    write(folder, "0003_drop", "operations = [DropIndex(PlainUser, 'by_city')] * 2")
    assert len(do(migrations.run, folder)) == 1
    assert TableSchema.parse(Table(PlainUser).info()).indexes == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "AddIndex(User, 'by_town')",
            "add index by_town of User: the model declares no such index",
        ),
        (
            "AddIndex(Order, 'by_local')",
            "it is a LocalIndex, which can only be made with its table",
        ),
        ("DropIndex(User, 'by_city')", "drop index by_city of User: the model still declares it"),
        (
            "DropIndex(PlainUser, 'by_city'), AddIndex(PlainUser, 'by_city')",
            "declares no such index",
        ),
    ],
)
def test_an_index_that_the_model_contradicts_is_refused(engine, do, folder, text, message):
    make_users(1)
    trace(folder, "a")
    write(folder, "0002_b", f"operations = [{text}]")
    for verb in (migrations.run, migrations.plan):
        with pytest.raises(MigrationError, match=f"migration 0002_b: .*{message}"):
            do(verb, folder)
    assert hooks["calls"] == []


def test_the_last_operation_on_an_index_counts(engine, do, folder):
    """A database that is behind runs what was added, dropped and added again under one model."""
    make_users(1)
    write(folder, "0001_add", "operations = [AddIndex(PlainUser, 'by_city')]")
    write(folder, "0002_drop", "operations = [DropIndex(PlainUser, 'by_city')]")
    assert len(do(migrations.run, folder)) == 2
    assert TableSchema.parse(Table(User).info()).indexes == ()
    write(folder, "0003_drop", "operations = [DropIndex(User, 'by_city')]")
    write(folder, "0004_add", "operations = [AddIndex(User, 'by_city')]")
    assert len(do(migrations.run, folder)) == 2
    assert not Table(User).plan()


def test_an_index_leaves_what_else_differs_from_the_model(engine, do, folder):
    class Other(PlainUser):
        class Meta:
            table_name = "users"
            tags = {"team": "games"}
            indexes = [
                dynamodb_py.GlobalIndex("by_city", hash_key="city"),
                dynamodb_py.GlobalIndex("by_count", hash_key="count"),
            ]

    hooks["Other"] = Other
    make_users(1)
    write(folder, "0001_add", "operations = [AddIndex(models.hooks['Other'], 'by_count')]")
    do(migrations.run, folder)
    assert [step.part for step in Table(Other).plan()] == ["tags", "index by_city"]


@ENGINES
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_functions_run_in_their_order(engine, do, folder, kind):
    hooks["calls"] = []
    text = f"""
        {kind} first(): models.hooks["calls"].append(1)
        {kind} second(): models.hooks["calls"].append(2)
        operations = [RunPython(first), RunPython(second)]
        """
    write(folder, "0001_functions", text)
    do(migrations.run, folder)
    do(migrations.run, folder)
    assert hooks["calls"] == [1, 2]


@ENGINES
def test_an_operation_that_ended_is_not_repeated_where_a_later_one_fails(engine, do, folder):
    hooks["calls"] = []
    text = """
        def first(): models.hooks["calls"].append(1)
        def second():
            models.hooks["calls"].append(2)
            if len(models.hooks["calls"]) < 3:
                raise OSError("no disk")
        operations = [RunPython(first), RunPython(second)]
        """
    write(folder, "0001_functions", text)
    with pytest.raises(MigrationError, match=r"0001_functions: run second: OSError: no disk"):
        do(migrations.run, folder)
    assert [each.what for each in do(migrations.plan, folder)] == ["run second"]
    do(migrations.run, folder)
    assert hooks["calls"] == [1, 2, 2]


def trace(folder, *names):
    hooks["calls"] = []
    for number, name in enumerate(names, 1):
        text = f"def f(): models.hooks['calls'].append({number})\noperations = [RunPython(f)]"
        write(folder, f"{number:04}_{name}", text)


@pytest.mark.parametrize("to", ["0002", "2", "0002_b"])
def test_migrations_run_up_to_one(engine, do, folder, to):
    trace(folder, "a", "b", "c")
    assert [each.migration for each in do(migrations.plan, folder, to=to)] == ["0001_a", "0002_b"]
    do(migrations.run, folder, to=to)
    assert hooks["calls"] == [1, 2]
    assert len(do(migrations.run, folder, to="0001")) == 0
    do(migrations.run, folder)
    assert hooks["calls"] == [1, 2, 3]


def test_an_unknown_target_is_refused(engine, do, folder):
    trace(folder, "a", "b")
    for verb in (migrations.run, migrations.plan):
        with pytest.raises(
            MigrationError, match=r"to='0003': .*\(the last ones are 0001_a, 0002_b\)"
        ):
            do(verb, folder, to="0003")
    assert hooks["calls"] == []


def test_migrations_can_be_marked_as_applied(engine, do, folder):
    trace(folder, "a", "b", "c")
    (folder / "0001_a.py").write_text("import nothing_of_that_name")  # it is not even loaded
    faked = do(migrations.run, folder, to="0002", fake=True)
    assert [(each.name, each.fake) for each in faked] == [("0001_a", True), ("0002_b", True)]
    do(migrations.run, folder)
    assert hooks["calls"] == [3]
    lines = str(do(migrations.status, folder)).splitlines()
    assert [line[:10] for line in lines] == ["[X] 0001_a", "[X] 0002_b", "[X] 0003_c"]
    assert ["marked as applied" in line for line in lines] == [True, True, False]


def rename(folder):
    (folder / "0002_b.py").rename(folder / "0002_other.py")


@pytest.mark.parametrize(
    ("change", "name", "problem"),
    [
        (
            lambda at: (at / "0001_a.py").write_text("x = 1"),
            "0001_a",
            "its file changed after it was",
        ),
        (
            lambda at: (at / "0002_b.py").unlink(),
            "0002_b",
            "it was applied, but its file is missing",
        ),
        (rename, "0002_other", "it was applied under the name 0002_b"),
    ],
    ids=["changed", "vanished", "renamed"],
)
def test_an_applied_migration_whose_file_is_another_stops_everything(
    engine, do, folder, change, name, problem
):
    trace(folder, "a", "b")
    do(migrations.run, folder)
    change(folder)
    for verb in (migrations.run, migrations.plan):
        with pytest.raises(MigrationError, match=f"migration {name}: {problem}"):
            do(verb, folder)
    [status] = [each for each in do(migrations.status, folder) if each.problem]
    assert (status.name, status.state) == (name, "applied")
    assert f"PROBLEM: {problem}" in str(status)


def test_a_migration_before_one_that_was_applied_is_refused(engine, do, folder):
    trace(folder, "a", "b")
    do(migrations.run, folder)
    make_model("dynamodb_py_migrations").objects.filter(id="0001").delete()
    with pytest.raises(MigrationError, match="0001_a was not applied, but the later 0002_b was"):
        do(migrations.run, folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "operations = [RunPython(second)]",
            "operation 1 has begun as 'run first', but is now 'run second'",
        ),
        ("operations = [RunPython(first)]", "has 1 operation, but 2 have begun"),
    ],
    ids=["another", "fewer"],
)
def test_what_has_begun_stays_as_it_is(engine, do, folder, text, message):
    functions = "def first(): ...\ndef second(): 1 / 0\n"
    write(folder, "0001_a", f"{functions}operations = [RunPython(first), RunPython(second)]")
    with pytest.raises(MigrationError, match="division"):
        do(migrations.run, folder)
    write(folder, "0001_a", functions + text)
    with pytest.raises(MigrationError, match=message):
        do(migrations.run, folder)


def test_nothing_is_run_where_a_later_file_is_wrong(engine, do, folder):
    trace(folder, "a", "b")
    write(folder, "0003_c", "operations = []")
    for verb in (migrations.run, migrations.plan):
        with pytest.raises(MigrationError, match=r"0003_c\.py has no operations"):
            do(verb, folder)
    assert hooks["calls"] == []


def test_a_missing_table_is_named(engine, do, folder):
    write(folder, "0001_fill", COUNTED)
    with pytest.raises(MigrationError, match=r"0001_fill.*users") as raised:
        do(migrations.run, folder)
    assert isinstance(raised.value.__cause__, TableNotFound)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wait": -1}, "wait=-1: give seconds, from 0"),
        ({"wait": None}, "wait=None"),
        ({"lease": 0}, "lease=0: give seconds, over 0"),
        ({"lease": "60"}, "lease='60'"),
        ({"ledger": ""}, "ledger='': give the name of a table"),
    ],
    ids=str,
)
def test_wrong_options_are_refused_before_anything_is_sent(engine, do, folder, options, message):
    trace(folder, "a")
    sent = record(engine.connection)
    with pytest.raises(MigrationError, match=message):
        do(migrations.run, folder, **options)
    assert sent == []


def test_migrations_do_not_run_in_a_transaction(engine, folder):
    trace(folder, "a")
    with pytest.raises(QueryError, match="outside of"), transaction.atomic():
        migrations.run(folder)


def test_the_ledger_has_another_name_and_connection_where_it_is_given(engine, do, folder):
    connect("memory://", alias="other")
    Table(PlainUser, using="other").create()
    PlainUser.objects.using("other").create(name="a")
    make_users(1)
    write(folder, "0001_fill", COUNTED)
    do(migrations.run, folder, using="other", ledger="history")
    assert [user.count for user in PlainUser.objects.using("other").all()] == [1]
    assert values() == {"user 0": 0}
    assert states(do(migrations.status, folder, using="other", ledger="history"))[0][1] == "applied"
    assert states(do(migrations.status, folder, using="other"))[0][1] == "pending"
    assert states(do(migrations.status, folder, ledger="history"))[0][1] == "pending"


def test_a_model_of_another_connection_is_refused(engine, do, folder):
    class Elsewhere(PlainUser):
        class Meta:
            table_name = "users"
            using = "other"

    connect("memory://", alias="other")
    Table(Elsewhere).create()
    hooks["Elsewhere"] = Elsewhere
    write(folder, "0001_a", "operations = [Backfill(models.hooks['Elsewhere'], {'city': 'b'})]")
    with pytest.raises(ConfigurationError, match="give using='other'"):
        do(migrations.run, folder)
    assert len(do(migrations.run, folder, using="other")) == 1


@ENGINES
def test_progress_has_a_total_and_ends_with_it(engine, do, folder):
    make_users(50)
    steps = []
    write(folder, "0001_fill", COUNTED)
    do(migrations.run, folder, progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (50, 50)
    assert all(total in (0, 50) for _, total in steps)


def test_a_rate_makes_pages_as_small_as_some_seconds_have_units_for(engine, do, folder):
    make_users(40)
    text = "operations = [Backfill(PlainUser, {'city': 'b'}, segments=2, rate=200)]"
    write(folder, "0001_fill", text)
    sent = record(engine.connection)
    do(migrations.run, folder)
    scans = [each for each in sent if isinstance(each, Scan) and each.segment is not None]
    assert {each.limit for each in scans} == {1000}
    write(folder, "0002_fill", text.replace("rate=200", "rate=100"))
    do(migrations.run, folder)
    scans = [each for each in sent if isinstance(each, Scan) and each.segment is not None]
    assert scans[-1].limit == 500
    assert values("city") == dict.fromkeys(values(), "b")


@ENGINES
@pytest.mark.parametrize(
    "change", ["{'city': 'b'}", "lambda user: setattr(user, 'city', 'b')"], ids=["all", "each"]
)
def test_a_backfill_waits_for_its_rate(engine, do, folder, change):
    make_users(3)
    text = f"operations = [Backfill(PlainUser, {change}, segments=1, rate=%s)]"
    write(folder, "0001_fill", text % 0.001)
    with options(deadline=20), pytest.raises(MigrationError, match="DeadlineExceeded") as raised:
        do(migrations.run, folder)  # the units of its first request take longer than that
    assert isinstance(raised.value.__cause__, DeadlineExceeded)
    assert "b" not in values("city").values()
    write(folder, "0001_fill", text % 10**6)
    [done] = do(migrations.run, folder)
    assert done.changed == 3


@ENGINES
def test_items_with_two_keys_unique_values_and_versions(engine, do, folder):
    Table(Order).create()
    orders = [Order(user=f"u{n % 3}", number=n, email=f"{n}@x") for n in range(20)]
    for order in orders:
        order.save()
    text = """
        def add(order):
            order.email = f"{order.number}@y"
        operations = [Backfill(Order, {"total": 5}, segments=3), Backfill(Order, add)]
        """
    write(folder, "0001_fill", text)
    do(migrations.run, folder)
    found = sorted(Order.objects.consistent(), key=lambda order: order.number)
    assert [order.total for order in found] == [5] * 20
    assert [order.email for order in found] == [f"{n}@y" for n in range(20)]
    assert {order.version for order in found} == {orders[0].version + 2}
    Order.objects.create(user="u", number=1, email="3@x")  # it is free again


def test_every_request_is_one_that_botocore_knows(engine, do, folder):
    make_users(10)
    text = """
        def f(user): user.count += 1
        operations = [
            Backfill(User, f),
            Backfill(User, {"city": "b"}, condition=User.city.not_exists(), rate=1000),
            RenameAttribute(User, "town", "place"),
            AddIndex(User, "by_city"),
            DropIndex(PlainUser, "by_city"),
            RunPython(lambda: None),
        ]
        """
    write(folder, "0001_all", text)
    sent = record(engine.connection)
    do(migrations.run, folder)
    assert {each.api for each in sent} >= {
        "Scan",
        "UpdateItem",
        "TransactWriteItems",
        "UpdateTable",
    }
    for operation in sent:
        checked(operation)


def test_the_room_is_loaded_only_by_who_imports_it():
    script = "import sys, dynamodb_py; print([m for m in sys.modules if 'migrations' in m])"
    assert python(script) == "[]"


class Pet(Model):
    class Meta:
        discriminator = "kind"

    name = CharField(hash_key=True)
    legs = IntegerField()


class Dog(Pet):
    pass


class Puppy(Dog):
    pass


class Cat(Pet):
    pass


class App(SharedTable):
    class Meta:
        table_name = "app"

    pk = CharField(hash_key=True)
    sk = CharField(range_key=True)


class Customer(Model):
    class Meta:
        table = App
        keys = {"pk": "CUSTOMER#{name}", "sk": "PROFILE"}

    name = CharField()
    legs = IntegerField()


class Invoice(Model):
    class Meta:
        table = App
        keys = {"pk": "CUSTOMER#{customer}", "sk": "INVOICE#{number}"}

    customer = CharField()
    number = IntegerField()
    legs = IntegerField()


@ENGINES
@pytest.mark.parametrize(
    "change", ["{'legs': 4}", "lambda pet: setattr(pet, 'legs', 4)"], ids=["all", "each"]
)
def test_items_of_other_classes_are_left_alone(engine, do, folder, change):
    Table(Pet).create()
    for kind in (Dog, Puppy, Cat):
        kind.objects.create(name=kind.__name__)
    Table(App).create()
    Customer.objects.create(name="a")
    Invoice.objects.create(customer="a", number=1)
    hooks.update(Dog=Dog, Invoice=Invoice)
    text = f"operations = [Backfill(models.hooks[k], {change}) for k in ('Dog', 'Invoice')]"
    write(folder, "0001_legs", text)
    [done] = do(migrations.run, folder)
    assert done.changed == 3
    assert {pet.name: pet.legs for pet in Pet.objects.all()} == {"Dog": 4, "Puppy": 4, "Cat": None}
    assert [one.legs for kind in (Customer, Invoice) for one in kind.objects.scan()] == [None, 4]


def test_expired_items_are_left_alone(engine, do, folder):
    class Visit(Model):
        class Meta:
            hide_expired = True
            ttl = "expires"

        name = CharField(hash_key=True)
        legs = IntegerField()
        expires = TimestampField()

    hooks["Visit"] = Visit
    Table(Visit).create()
    Visit.objects.create(name="old", expires=datetime.now(timezone.utc) - timedelta(days=1))
    Visit.objects.create(name="new", expires=datetime.now(timezone.utc) + timedelta(days=1))
    write(folder, "0001_legs", "operations = [Backfill(models.hooks['Visit'], {'legs': 4})]")
    [done] = do(migrations.run, folder)
    assert done.changed == 1


@ENGINES
def test_a_condition_on_the_key_chooses_items(engine, do, folder):
    Table(Order).create()
    for number in range(6):
        Order(user="u", number=number, email=f"{number}@x").save()
    write(
        folder,
        "0001_total",
        "operations = [Backfill(Order, {'total': 1}, condition=(Order.user == 'u') & (Order.number > 3))]",
    )
    do(migrations.run, folder)
    assert sorted(o.number for o in Order.objects.scan() if o.total == 1) == [4, 5]
