"""What is in an engine: snapshots, files of items."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal

import pytest

from dynamodb_py import (
    CharField,
    ConfigurationError,
    Model,
    Table,
    TableNotFound,
    ValidationError,
    connect,
    transaction,
)
from dynamodb_py.testing import EmbeddedEngine

from .models import Account, Customer, Order, Session

LINES = [
    '{"Item": {"id": {"S": "a"}, "number": {"N": "1"}, "total": {"N": "1.50"}, "other": {"B": "aGk="}}}',
    '{"model": "tests.testing.models.Order", "fields": {"id": "b", "number": 2, "total": "2.5"}}',
]


@pytest.fixture(params=["memory", "file"])
def engine(request, tmp_path):
    with EmbeddedEngine(tmp_path / "x.db" if request.param == "file" else None) as engine:
        engine.create_tables(Order, Customer)
        yield engine


def state() -> list[object]:
    items = [each.to_dict() for each in Order.objects.all()]
    by_index = [each.id for each in Order.by_status.filter(status="open")]
    return [items, by_index, sorted(each.email for each in Customer.objects.all())]


# -- snapshots -------------------------------------------------------------------------------------


def test_a_snapshot_brings_everything_back_as_often_as_wanted(engine):
    Order.create(id="a")
    Customer.create(id="a", email="a@example.org")
    before, snapshot = state(), engine.snapshot()
    for given in "bc":
        Order.create(id=given)
        Order.objects.get(id="a", number=1).update(status="closed")
        Customer.objects.all().delete()
        Table(Order).delete()
        engine.restore(snapshot)
        assert state() == before
    with pytest.raises(Customer.AlreadyExists):
        Customer.create(id="b", email="a@example.org")


def test_snapshots_have_names(engine):
    engine.snapshot("empty")
    Order.create(id="a")
    engine.snapshot("one")
    Order.create(id="b")
    seen = []
    for name in ("one", "empty", "one"):
        engine.restore(name)
        seen.append(Order.objects.count())
    assert seen == [1, 0, 1]
    engine.snapshot("empty")
    engine.restore("empty")
    assert Order.objects.count() == 1


def test_a_name_that_no_snapshot_has_is_refused(engine):
    with pytest.raises(ConfigurationError, match="no snapshot is called 'a': there are none"):
        engine.restore("a")
    engine.snapshot("b")
    with pytest.raises(ConfigurationError, match="no snapshot is called 'a': there are 'b'"):
        engine.restore("a")


def test_tables_made_and_deleted_since_are_gone_and_back(engine):
    snapshot = engine.snapshot()
    engine.create_tables(Account)
    Account.create(id="a")
    Table(Customer).delete()
    engine.restore(snapshot)
    assert [Table(each).exists() for each in (Order, Customer, Account)] == [True, True, False]
    engine.create_tables(Account)
    assert Account.objects.count() == 0


def test_streams_go_back_too(engine):
    view = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    request = {"TableName": "orders", "StreamSpecification": view}
    engine.local.answer("UpdateTable", request)

    def count_records() -> int:
        with engine.local.store.read() as snapshot:
            found: int = snapshot.run("SELECT count(*) FROM records").fetchone()[0]
            return found

    Order.create(id="a")
    snapshot = engine.snapshot()
    Order.create(id="b")
    assert count_records() == 2
    engine.restore(snapshot)
    assert count_records() == 1
    Order.create(id="c")
    assert count_records() == 2


def test_a_snapshot_fills_another_engine():
    with EmbeddedEngine() as first:
        first.create_tables(Order)
        Order.create(id="a")
        snapshot = first.snapshot()
    with EmbeddedEngine() as second:
        second.restore(snapshot)
        assert Order.objects.get(id="a", number=1).status == "open"


def test_a_snapshot_in_a_transaction_has_what_is_committed(engine):
    with transaction.atomic():
        Order(id="a").save()
        snapshot = engine.snapshot()
    engine.restore(snapshot)
    assert Order.objects.count() == 0


# -- files of items --------------------------------------------------------------------------------


@pytest.fixture
def write(tmp_path):
    def write(*lines: str, name: str = "items.jsonl"):
        path = tmp_path / name
        text = "\n".join(lines).encode()
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        return path

    return write


@pytest.mark.parametrize("name", ["items.jsonl", "data.json.gz"])
def test_items_are_read_in_dynamodbs_json_and_as_fields(engine, write, name):
    assert engine.load(write(*LINES, "", name=name), Order) == 2
    a, b = Order.objects.get(id="a", number=1), Order.objects.get(id="b", number=2)
    assert (str(a.total), a.status, a.extra) == ("1.5", "open", {"other": b"hi"})
    assert (str(b.total), b.status) == ("2.5", "open")


def test_an_item_takes_the_place_of_the_one_that_is_there(engine, write):
    Order.create(id="b", number=2, total=Decimal(9))
    engine.load(write(LINES[1]))
    assert str(Order.objects.get(id="b", number=2).total) == "2.5"


def test_fields_are_saved_with_their_unique_values(engine, write):
    line = '{"model": "tests.testing.models.Customer", "fields": {"id": "a", "email": "e"}}'
    engine.load(write(line))
    with pytest.raises(Customer.AlreadyExists):
        Customer.create(id="b", email="e")


def test_names_are_looked_for_among_the_given_models_first(engine, write):
    class Order(Model):
        id = CharField(hash_key=True)

    line = '{"model": "Order", "fields": {"id": "x"}}'
    with pytest.raises(ValidationError, match=r"several models are called 'Order': write one of "):
        engine.load(write(line))
    engine.create_tables(Order)
    assert engine.load(write(line), Order, Customer) == 1
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    ("line", "models", "message"),
    [
        ("{", [Order], "this is not JSON"),
        ("[]", [Order], r'a line is {"Item"'),
        ('{"model": "Order"}', [Order], r'a line is {"Item"'),
        ('{"Item": {}, "fields": {}}', [Order], r'a line is {"Item"'),
        ('{"model": "Order", "fields": []}', [Order], r'a line is {"Item"'),
        ('{"pk": 1, "fields": {}}', [Order], "unknown members pk; a line is"),
        ('{"model": 1, "fields": {}}', [Order], '"model" is 1: give the name of a model'),
        ('{"Item": {"id": {"S": "a"}}}', [], "the line names no model"),
        ('{"Item": {"id": {"S": "a"}}}', [Order, Customer], "the line names no model"),
        ('{"model": "Undefined", "fields": {}}', [], "no model is called 'Undefined'"),
        ('{"model": "no.where.Order", "fields": {}}', [], "no model is called 'no.where.Order'"),
        ('{"Item": {"id": {"S": "a"}}}', [Order], "number"),
        ('{"Item": {"id": {"X": "a"}, "number": {"N": "1"}}}', [Order], "PutItem"),
        ('{"fields": {"id": "a", "number": "one"}}', [Order], "number"),
        ('{"fields": {"id": "a", "nothing": 1}}', [Order], "nothing"),
        ('{"fields": {"id": "a"}}', [Account], "accounts"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(engine, write, line, models, message):
    path = write(LINES[1], line)
    with pytest.raises(ValidationError, match=message) as error:
        engine.load(path, *models)
    assert str(error.value).startswith(f"{path}, line 2: ")
    assert Order.objects.count() == 1


def test_a_file_that_is_not_there_is_an_error_of_the_system(engine, tmp_path):
    with pytest.raises(FileNotFoundError):
        engine.load(tmp_path / "nothing.jsonl")


@pytest.mark.parametrize("name", ["items.jsonl", "items.jsonl.gz"])
def test_what_is_dumped_is_loaded_as_it_was(engine, tmp_path, name):
    for at in range(3):
        Order.create(id=f"{at}", total=Decimal(f"{at}.50"))
        Customer.create(id=f"{at}", email=f"{at}@example.org")
    before, path = state(), tmp_path / name
    assert engine.dump(path, Order, Customer) == 9  # with the unique values
    engine.clear()
    assert engine.load(path) == 9
    assert state() == before
    with pytest.raises(Customer.AlreadyExists):
        Customer.create(id="x", email="1@example.org")


def test_a_dump_names_models_and_tables_without_the_prefix(tmp_path):
    path = tmp_path / "x.jsonl"
    connect("first", region_name="eu-west-1", table_prefix="one-")
    connect("second", region_name="eu-west-1", table_prefix="two-")
    with EmbeddedEngine() as engine:
        engine.create_tables(Customer, using="first")
        engine.create_tables(Customer, using="second")
        Customer.objects.using("first").create(id="a", email="e")
        engine.dump(path, Customer, using="first")
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert [each.get("table") for each in lines] == [None, "customers-unique"]
        assert "one-" not in path.read_text()
        engine.load(path, using="second")
        assert Customer.objects.using("second").get(email="e").id == "a"


def test_a_table_that_is_not_there_is_not_dumped(engine, tmp_path):
    with pytest.raises(TableNotFound, match="there is no table 'sessions' to dump"):
        engine.dump(tmp_path / "x.jsonl", Session)
