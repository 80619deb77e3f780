"""Snapshots on the engines: any models in one request, and never half of a transaction."""

from __future__ import annotations

import threading

import pytest

from dynamodb_py import (
    BinaryField,
    CharField,
    IntegerField,
    Model,
    QueryError,
    TableNotFound,
    capacity,
    save_all,
)
from dynamodb_py.exceptions import TransactionCanceled
from dynamodb_py.expressions import Add, F, Path, Value
from dynamodb_py.flows import run
from dynamodb_py.models.instance import table_of
from dynamodb_py.models.persistence.stored import key_of, make_put
from dynamodb_py.models.transaction.snapshot import get
from dynamodb_py.operations.transactions import Check, Delete, Put, TransactWriteItems, Update

from ..engines import known_fault


class Account(Model):
    class Meta:
        table_name = "accounts"

    name = CharField(name="n", hash_key=True)
    balance = IntegerField(name="b", default=0)


class Order(Model):
    class Meta:
        table_name = "orders"

    owner = CharField(hash_key=True)
    number = IntegerField(range_key=True)
    text = CharField()


class Blob(Model):
    class Meta:
        table_name = "blobs"

    key = BinaryField(hash_key=True)
    data = BinaryField()


class Nowhere(Model):
    key = CharField(hash_key=True)


TABLES = [Account, Order, Blob]


def write(engine, writes, token):
    def flow():
        yield from TransactWriteItems(writes, token)

    run(flow(), engine.connection)


def test_items_of_any_models_come_in_the_order_asked(engine, do, sent, key):
    blob = Blob(key=key.encode(), data=b"\0\xff")
    save_all([Account(key, balance=5), Order(key, 7, text="seven"), Order(key, 8), blob])
    sent.clear()
    changed = Account(key, balance=-1)
    found = do(
        get,
        [(Order, (key, 8)), (Account, key), (Order, (key, 9)), blob, changed, (Order, (key, 7))],
    )
    assert sent.calls == ["TransactGetItems"]
    assert found == [Order(key, 8), Account(key), None, blob, Account(key), Order(key, 7)]
    assert [type(each).__name__ for each in found if each] == [
        "Order",
        "Account",
        "Blob",
        "Account",
        "Order",
    ]
    assert (found[1].balance, found[3].data, found[5].text) == (5, b"\0\xff", "seven")
    assert found[1] is found[4]
    assert found[3] is not blob
    assert changed.balance == -1
    assert all(each.persisted for each in found if each)


def test_what_was_read_can_be_changed_and_saved(engine, do, stored, key):
    save_all([Order(key, 1, text="old")])
    [order] = do(get, [(Order, (key, 1))])
    order.text = "new"
    do(order.save)
    assert stored(order)["text"] == {"S": "new"}


@known_fault("moto", "takes no more than 25 items")
def test_a_hundred_come_in_one_request(engine, do, sent, key):
    save_all([Order(key, n, text=str(n)) for n in range(0, 100, 2)])
    sent.clear()
    found = do(get, [(Order, (key, n)) for n in range(99, -1, -1)])
    assert sent.calls == ["TransactGetItems"]
    assert [each and each.number for each in found] == [
        None if n % 2 else n for n in range(99, -1, -1)
    ]
    with pytest.raises(QueryError, match="at most 100 items, not 101"):
        do(get, [(Order, (key, n)) for n in range(101)])
    assert len(sent) == 1


def test_a_table_that_is_not_there_is_told(engine, do, key):
    with pytest.raises(TableNotFound):
        do(get, [(Account, key), (Nowhere, key)])


def test_what_it_costs_is_counted(engine, do, key):
    save_all([Account(key, balance=5), Account(key + "-", balance=5)])
    with capacity() as used:
        do(get, [(Account, key), (Account, key + "-"), (Account, key + "?")])
    assert (used.requests, used.items_read, used.items_returned) == (1, 2, 2)
    assert used.write_units == 0


def kinds(key):
    """Return a write of each kind: an order's put, an account's addition, a check."""
    account, order, other = Account(key), Order(key, 1, text="x"), Order(key, 2)
    absent = F("owner").not_exists()
    return [
        Put(table_of(order), make_put(order).item, absent),
        Update(table_of(account), key_of(account), [Add(Path(("b",)), Value({"N": "2"}))]),
        Check(table_of(other), key_of(other), absent),
    ]


def test_writes_of_all_kinds_are_carried_out_together_or_not_at_all(engine, do, key):
    save_all([Account(key, balance=5)])
    write(engine, kinds(key), key[:30])
    account, order = do(get, [(Account, key), (Order, (key, 1))])
    assert (account.balance, order.text) == (7, "x")
    with pytest.raises(TransactionCanceled) as raised:
        write(engine, kinds(key), key[:30] + "-2")
    codes = [reason.code for reason in raised.value.reasons]
    assert codes == ["ConditionalCheckFailed", "None", "None"]
    assert raised.value.reasons[0].item["text"] == {"S": "x"}
    assert do(get, [account])[0].balance == 7

    gone = [Delete(table_of(order), key_of(order), F("text") == "x")]
    write(engine, gone, key[:30] + "-3")
    assert do(get, [order, account]) == [None, account]


@known_fault("moto", "knows no token again")
def test_a_token_is_known_again_and_nothing_done_twice(engine, do, key):
    save_all([Account(key, balance=5)])
    for _ in range(2):
        write(engine, kinds(key), key)
    assert do(get, [(Account, key)])[0].balance == 7


@pytest.mark.engines("dynoxide", "extenddb")
def test_a_snapshot_never_shows_half_of_a_transaction(engine, do, key):
    names = [f"{key}-{n}" for n in range(4)]
    save_all([Account(name, balance=100) for name in names])
    table = table_of(Account(key))
    failures = []

    def transfer(at):
        for n in range(25):
            moves = [(names[at], "-1"), (names[(at + 1 + n % 3) % 4], "1")]
            writes = [
                Update(table, key_of(Account(name)), [Add(Path(("b",)), Value({"N": amount}))])
                for name, amount in moves
            ]
            try:
                write(engine, writes, f"{key[:20]}-{at}-{n}")
            except TransactionCanceled:  # by the other writer: nothing of it is done
                continue
            except Exception as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=transfer, args=(at,)) for at in (0, 2)]
    for thread in threads:
        thread.start()
    sums = []
    while any(thread.is_alive() for thread in threads) or not sums:
        sums.append(sum(each.balance for each in do(get, [(Account, name) for name in names])))
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(sums) == {400}
    balances = [each.balance for each in do(get, [(Account, name) for name in names])]
    assert balances != [100] * 4
