"""Snapshots: what is asked, what becomes of the answer, and what is refused before sending."""

from __future__ import annotations

import pytest

from dynamodb_py import (
    CharField,
    ConfigurationError,
    IntegerField,
    InvalidRequest,
    Model,
    QueryError,
    TransactionCanceled,
    ValidationError,
    connections,
    options,
)
from dynamodb_py.exceptions import ConnectionFailed, make_service_error
from dynamodb_py.models import transaction
from dynamodb_py.models.bulk.bound_model import make_instance
from dynamodb_py.models.transaction.snapshot import get
from dynamodb_py.retries import Retries

from ...scripted import Script, checked, scripted_connection


class Account(Model):
    class Meta:
        table_name = "accounts"

    name = CharField(name="n", hash_key=True)
    balance = IntegerField(default=0)


class Order(Model):
    class Meta:
        table_name = "orders"

    owner = CharField(hash_key=True)
    number = IntegerField(range_key=True)


class Entry(Model):
    """Another view of the table of accounts."""

    class Meta:
        table_name = "accounts"

    key = CharField(name="n", hash_key=True)


class Elsewhere(Model):
    class Meta:
        using = "elsewhere"

    key = CharField(hash_key=True)


class Abstract(Model):
    class Meta:
        abstract = True


def account(name, balance=0):
    return {"Item": {"n": {"S": name}, "balance": {"N": str(balance)}}}


def order(owner, number):
    return {"Item": {"owner": {"S": owner}, "number": {"N": str(number)}}}


def canceled(*codes):
    reasons = [{"Code": code, "Message": f"{at}"} for at, code in enumerate(codes)]
    return make_service_error(
        "TransactionCanceledException", "", body={"CancellationReasons": reasons}
    )


@pytest.fixture
def elsewhere(script):
    """A second connection, which answers nothing."""
    other = scripted_connection(Script(), "elsewhere")
    connections._connections["elsewhere"] = other
    return other


def test_it_is_public_as_a_part_of_transactions():
    assert transaction.get is get
    assert {*transaction.__all__} >= {"get", "aget"}


def test_one_request_asks_for_all_in_order(script, do):
    script.answers = [{"Responses": [account("a", 5), order("a", 7), {}, account("c")]}]
    given = Account("c", balance=3)
    first, second, third, fourth = do(
        get, [(Account, "a"), (Order, ("a", 7)), (Order, {"number": 8, "owner": "a"}), given]
    )
    assert (type(first), first.name, first.balance) == (Account, "a", 5)
    assert (type(second), second.primary_key) == (Order, ("a", 7))
    assert third is None
    assert (fourth.balance, fourth.persisted) == (0, True)
    assert fourth is not given
    assert (given.balance, given.persisted) == (3, False)
    [operation] = script.sent
    assert [each["Get"] for each in checked(operation)["TransactItems"]] == [
        {"TableName": "accounts", "Key": {"n": {"S": "a"}}},
        {"TableName": "orders", "Key": {"owner": {"S": "a"}, "number": {"N": "7"}}},
        {"TableName": "orders", "Key": {"owner": {"S": "a"}, "number": {"N": "8"}}},
        {"TableName": "accounts", "Key": {"n": {"S": "c"}}},
    ]


def test_what_is_asked_twice_is_read_once_and_given_twice(script, do):
    script.answers = [{"Responses": [account("a", 5), {}]}]
    asked = [(Account, "a"), (Account, "b"), Account("a"), (Entry, "a"), (Account, ("b",))]
    one, none, again, entry, nothing = do(get, asked)
    assert one is again
    assert (none, nothing) == (None, None)
    assert (type(entry), entry.key) == (Entry, "a")
    assert len(script.sent[0].gets) == 2


def test_a_stored_key_is_asked_for_as_it_is_spelled(script, do):
    loaded = Order.from_db({"owner": {"S": "a"}, "number": {"N": "7.0"}})
    script.answers = [{"Responses": [order("a", 7)]}]
    one, again = do(get, [loaded, (Order, ("a", 7))])
    assert one is again
    assert script.sent[0].gets == [("orders", {"owner": {"S": "a"}, "number": {"N": "7.0"}})]


def test_nothing_asked_is_nothing_sent(script, do):
    assert do(get, []) == []
    assert do(get, iter(())) == []
    assert script.sent == []


def test_a_hundred_items_are_counted_by_item(script, do):
    script.answers = [{"Responses": [account(str(n), n) for n in range(100)]}]
    asked = [*((Account, str(n)) for n in range(100)), (Account, "0")]
    found = do(get, iter(asked))
    assert [each.balance for each in found] == [*range(100), 0]
    with pytest.raises(QueryError, match=r"at most 100 items, not 101: load\(\)"):
        do(get, [(Account, str(n)) for n in range(101)])
    assert len(script.sent) == 1


@pytest.mark.parametrize(
    ("asked", "error", "expected"),
    [
        ([Account], QueryError, "is not an item: give"),
        (["a"], QueryError, "'a' is not an item"),
        ([("a", Account)], QueryError, "is not an item"),
        ([(Account,)], QueryError, "is not an item"),
        ([(Order, "a", 7)], QueryError, "with a tuple of both keys"),
        ([None], QueryError, "None is not an item"),
        (Account("a"), QueryError, "give a list of"),
        ("ab", QueryError, "give a list of"),
        ({"name": "a"}, QueryError, "give a list of"),
        ((Account, "a"), QueryError, "is not an item"),
        ([(Abstract, "a")], TypeError, "Abstract is abstract"),
        ([(Order, "a")], TypeError, "the key of Order is owner and number, not owner"),
        ([(Account, ("a", 7))], TypeError, "the key of Account is name"),
        ([(Account, {"owner": "a"})], TypeError, "the key of Account is name, not owner"),
        ([(Order, ("a", "x"))], ValidationError, "number"),
        ([(Account, "")], ValidationError, "name"),
        ([(Account, None)], ValidationError, "name: it is required"),
        ([Account()], ValidationError, "name: it is required"),
    ],
)
def test_what_names_no_item_is_refused_before_sending(script, do, asked, error, expected):
    with pytest.raises(error, match=expected):
        do(get, asked)
    with pytest.raises(error, match=expected):  # one of them is enough
        do(get, [(Account, "b"), *asked] if isinstance(asked, list) else asked)
    assert script.sent == []


def test_several_connections_are_refused_before_sending(script, do, elsewhere):
    for other in (
        (Elsewhere, "a"),
        make_instance(Account.objects.using("elsewhere"), {"name": "b"}),
    ):
        with pytest.raises(
            ConfigurationError, match=r"'default', 'elsewhere'.*make one call for each"
        ):
            do(get, [(Account, "a"), other])
    assert script.sent == elsewhere.transport.script.sent == []


def test_the_connection_is_that_of_the_models_or_of_the_options(script, do, elsewhere):
    there = elsewhere.transport.script
    elsewhere.async_transport.script = there
    there.answers = [{"Responses": [{"Item": {"key": {"S": "a"}}}]}, {"Responses": [account("a")]}]
    assert do(get, [(Elsewhere, "a")])[0].key == "a"
    with options(using="elsewhere"):
        assert do(get, [(Account, "a")])[0].name == "a"
    assert len(there.sent) == 2


def test_an_instance_read_anew_stays_on_its_connection(script, do, elsewhere):
    elsewhere.transport.script.answers = [{"Responses": [account("a")]}]
    [found] = do(get, [make_instance(Account.objects.using("elsewhere"), {"name": "a"})])
    assert found._link is elsewhere


def test_a_conflict_with_a_write_under_way_is_tried_again(script, do):
    conflict = canceled("None", "TransactionConflict")
    script.answers = [conflict, conflict, {"Responses": [account("a"), account("b")]}]
    assert [each.name for each in do(get, [(Account, "a"), (Account, "b")])] == ["a", "b"]
    assert script.payloads[0] == script.payloads[1] == script.payloads[2]


@pytest.mark.parametrize(("attempts", "tried"), [(1, 1), (4, 8)])
def test_conflicts_without_end_are_told_in_the_order_asked(script, do, attempts, tried):
    connections._connections["default"].retries = Retries(attempts=attempts, base=0)
    script.answers = [
        canceled("None", "TransactionConflict", "TransactionConflict") for _ in range(tried)
    ]
    asked = [(Account, "a"), (Account, "b"), (Account, "a"), (Account, "c"), (Account, "b")]
    with pytest.raises(TransactionCanceled) as raised:
        do(get, asked)
    error = raised.value
    assert [reason.message for reason in error.reasons] == ["0", "1", "0", "2", "1"]
    assert error.attempts == len(script.sent) == tried
    assert error.table == ""


@pytest.mark.parametrize(
    "codes",
    [("None", "None"), ("TransactionConflict", "ValidationError"), ("ValidationError", "None"), ()],
)
def test_other_reasons_are_told_at_once(script, do, codes):
    script.answers = [canceled(*codes)]
    with pytest.raises(TransactionCanceled) as raised:
        do(get, [(Account, "a"), (Account, "b")])
    assert [reason.code for reason in raised.value.reasons] == list(codes)
    assert len(script.sent) == 1


def test_a_lost_connection_is_tried_again_and_a_refusal_is_told(script, do):
    script.answers = [ConnectionFailed("reset"), {"Responses": [account("a")]}]
    assert do(get, [(Account, "a")])[0].name == "a"
    script.answers = [make_service_error("ValidationException", "too large")]
    with pytest.raises(InvalidRequest):
        do(get, [(Account, "a")])
    assert len(script.sent) == 3
