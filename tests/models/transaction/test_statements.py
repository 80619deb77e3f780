"""Transactions of PartiQL statements without a server: what is sent, and what becomes of the answer."""

from __future__ import annotations

import pytest

from dynamodb_py import (
    AlreadyExists,
    CharField,
    ConditionFailed,
    IntegerField,
    Model,
    QueryError,
    TransactionCanceled,
    transaction,
)
from dynamodb_py.exceptions import ConnectionFailed, ServiceError, make_service_error
from dynamodb_py.models.transaction.statements import execute

from ...scripted import checked


class Account(Model):
    class Meta:
        table_name = "accounts"

    name = CharField(hash_key=True)
    balance = IntegerField(default=0)


class Order(Model):
    class Meta:
        table_name = "orders"

    number = IntegerField(name="n", hash_key=True)


READ = "SELECT * FROM {table} WHERE name = ?"
WRITE = "UPDATE {table} SET balance = ? WHERE name = ?"
INSERT = "INSERT INTO {table} VALUE {'n': ?}"
EXISTS = "EXISTS(SELECT * FROM {table} WHERE name = ? AND balance > 0)"


def writes(count):
    return [Account.objects.raw(WRITE, number, str(number)) for number in range(count)]


def reads(count):
    return [Account.objects.raw(READ, str(number)) for number in range(count)]


def account(name):
    return {"Item": {"name": {"S": name}, "balance": {"N": "5"}}}


def canceled(*reasons):
    found = [
        {"Code": each} if isinstance(each, str) else {"Code": each[0], "Item": each[1]}
        for each in reasons
    ]
    body = {"CancellationReasons": found}
    return make_service_error("TransactionCanceledException", "", body=body)


def test_it_is_public_as_a_part_of_transactions():
    assert transaction.execute is execute
    assert {*transaction.__all__} >= {"execute", "aexecute"}


def test_writes_are_one_request_with_a_token(script, do):
    script.answers = [{"Responses": []}] * 2
    given = [*writes(1), Order.objects.raw(INSERT, 7), Account.objects.raw(EXISTS, "b")]
    assert do(execute, given) == [None, None, None]
    payload = checked(script.sent[0])
    assert len(payload["ClientRequestToken"]) == 36
    assert payload["TransactStatements"] == [
        {
            "Statement": 'UPDATE "accounts" SET balance = ? WHERE name = ?',
            "Parameters": [{"N": "0"}, {"S": "0"}],
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
        {"Statement": "INSERT INTO \"orders\" VALUE {'n': ?}", "Parameters": [{"N": "7"}]},
        {
            "Statement": 'EXISTS(SELECT * FROM "accounts" WHERE name = ? AND balance > 0)',
            "Parameters": [{"S": "b"}],
        },
    ]
    do(execute, given, token="mine")
    assert script.payloads[1]["ClientRequestToken"] == "mine"


def test_reads_give_rows_in_order(script, do):
    script.answers = [{"Responses": [account("a"), {}, account("c"), {"Item": {"n": {"N": "1"}}}]}]
    first, second, third, fourth = do(
        execute,
        [
            Account.objects.raw(READ, "a", consistent=True),
            Account.objects.raw(READ, "b"),
            Account.objects.raw(READ, "c").as_dicts(),
            Order.objects.raw("SELECT n FROM {table} WHERE n = 1"),
        ],
    )
    assert (type(first), first.balance, second) == (Account, 5, None)
    assert third == {"name": "c", "balance": 5}
    assert fourth.number == 1
    payload = checked(script.sent[0])
    assert "ClientRequestToken" not in payload
    assert {"ConsistentRead" in each for each in payload["TransactStatements"]} == {False}


def test_a_conflict_and_a_lost_answer_are_tried_again_with_the_same_token(script, do):
    script.answers = [
        canceled("TransactionConflict", "None"),
        ConnectionFailed("reset"),
        {"Responses": []},
    ]
    assert do(execute, writes(2)) == [None, None]
    assert len({each["ClientRequestToken"] for each in script.payloads}) == 1


def test_the_reasons_are_those_of_the_statements_in_order(script, do):
    item = {"name": {"S": "1"}, "balance": {"N": "3"}}
    script.answers = [canceled("None", ("ConditionalCheckFailed", item), "DuplicateItem")]
    with pytest.raises(TransactionCanceled) as raised:
        do(execute, [*writes(2), Order.objects.raw(INSERT, 7)])
    none, condition, duplicate = raised.value.reasons
    assert (none.code, none.error) == ("None", None)
    assert (type(condition.current), condition.current.balance) == (Account, 3)
    assert isinstance(condition.error, ConditionFailed)
    assert condition.error.current is condition.current
    assert isinstance(duplicate.error, Order.AlreadyExists)
    assert isinstance(duplicate.error, AlreadyExists)
    assert "reasons[1], UPDATE of Account: ConditionalCheckFailed" in str(raised.value)
    assert "reasons[2], INSERT of Order: DuplicateItem" in str(raised.value)


def test_reasons_of_another_number_are_left_as_they_are(script, do):
    script.answers = [canceled("ValidationError")]
    with pytest.raises(TransactionCanceled) as raised:
        do(execute, writes(2))
    assert [each.verb for each in raised.value.reasons] == [""]


def test_a_server_without_partiql_is_named(script, do):
    script.answers = [make_service_error("UnknownOperationException", "what?")]
    with pytest.raises(ServiceError, match="this server has no PartiQL"):
        do(execute, reads(1))


def test_nothing_given_is_nothing_sent(script, do):
    assert do(execute, []) == []
    assert script.sent == []


@pytest.mark.parametrize(
    ("given", "token", "words"),
    [
        (lambda: writes(101), None, "a transaction has 1 to 100 statements, not 101"),
        (lambda: [*reads(2), *writes(1)], None, "statement 1 is a SELECT, and statement 3 is not"),
        (lambda: [READ], None, r"transaction\.a?execute\(\) takes a list of statements"),
        (lambda: [Account.objects.raw(READ, "a", limit=1)], None, "each statement of a transaction reads or writes"),
        (lambda: writes(1), "", "the token of a transaction has 1 to 36 characters, not 0"),
        (lambda: writes(1), "t" * 37, "1 to 36 characters, not 37"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_refused_before_anything_is(script, do, given, token, words):
    with pytest.raises(QueryError, match=words):
        do(execute, given(), token=token)
    assert script.sent == []


def test_writes_are_refused_inside_of_another_transaction_and_reads_are_not(script):
    with transaction.atomic():
        with pytest.raises(QueryError, match=r"transaction.execute\(\) writes at once"):
            execute(writes(1))
        script.answers = [{"Responses": [{}]}]
        assert execute(reads(1)) == [None]
