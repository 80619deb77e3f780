"""Batches of PartiQL statements without a server: what is sent, what is sent again, what each gives."""

from __future__ import annotations

import msgspec
import pytest

from dynamodb_py import (
    AlreadyExists,
    CharField,
    ConditionFailed,
    ConfigurationError,
    IntegerField,
    Model,
    QueryError,
    Throttled,
    connections,
    transaction,
)
from dynamodb_py.exceptions import (
    AccessDenied,
    ConnectionFailed,
    ConnectTimeout,
    DeadlineExceeded,
    ServiceError,
    ServiceUnavailable,
    make_service_error,
)
from dynamodb_py.models.bulk.statements import _execute_chunk, execute_all
from dynamodb_py.models.statements import make_operation
from dynamodb_py.operations.base import Pause
from dynamodb_py.operations.statements import BatchExecuteStatement
from dynamodb_py.retries import Retries

from ...scripted import Script, checked, scripted_connection


class Player(Model):
    class Meta:
        table_name = "players"

    name = CharField(hash_key=True)
    wins = IntegerField(default=0)


class Order(Model):
    class Meta:
        table_name = "orders"

    number = IntegerField(name="n", hash_key=True)
    total = IntegerField(default=0)


class Elsewhere(Model):
    class Meta:
        using = "elsewhere"

    name = CharField(hash_key=True)


READ = "SELECT * FROM {table} WHERE name = ?"
WRITE = "UPDATE {table} SET wins = wins + 1 WHERE name = ?"


def reads(count):
    return [Player.objects.raw(READ, str(number)) for number in range(count)]


def writes(count):
    return [Player.objects.raw(WRITE, str(number)) for number in range(count)]


def player(name):
    return {"Item": {"name": {"S": name}}, "TableName": "players"}


def failed(code, **more):
    return {"Error": {"Code": code, "Message": "why", **more}}


def answer(*responses):
    return {"Responses": list(responses)}


def names_in(payload):
    return [each["Parameters"][0]["S"] for each in payload["Statements"]]


def test_statements_of_several_models_are_one_request_and_rows_are_in_order(script, do):
    script.answers = [
        answer(player("ann"), {}, {"Item": {"n": {"N": "7"}}}, {"Item": {"n": {"N": "8"}}})
    ]
    ann, nobody, order, plain = do(
        execute_all,
        [
            Player.objects.raw(READ, "ann"),
            Player.objects.raw(READ, "bob", consistent=True),
            Order.objects.raw("SELECT n FROM {table} WHERE n = ?", 7),
            Order.objects.raw("SELECT n FROM {table} WHERE n = ?", 8).as_dicts(),
        ],
    )
    assert (type(ann), ann.name, ann.wins, ann.persisted) == (Player, "ann", 0, True)
    assert nobody is None
    assert (type(order), order.number) == (Order, 7)
    assert plain == {"n": 8}
    [operation] = script.sent
    assert checked(operation)["Statements"][1:3] == [
        {
            "Statement": 'SELECT * FROM "players" WHERE name = ?',
            "Parameters": [{"S": "bob"}],
            "ConsistentRead": True,
        },
        {"Statement": 'SELECT n FROM "orders" WHERE n = ?', "Parameters": [{"N": "7"}]},
    ]


def test_any_number_goes_25_to_a_request(script, do):
    def respond(operation):
        return answer(*(player(each.parameters[0]["S"]) for each in operation.statements))

    script.answers = [respond] * 3
    seen = []
    found = do(execute_all, iter(reads(60)), progress=lambda *how: seen.append(how))
    assert [each.name for each in found] == [str(number) for number in range(60)]
    assert [len(each.statements) for each in script.sent] == [25, 25, 10]
    assert seen[-1] == (3, 3)


def test_nothing_given_is_nothing_sent(script, do):
    assert do(execute_all, []) == []
    assert script.sent == []


@pytest.mark.parametrize(
    "code", ["ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"]
)
@pytest.mark.parametrize("given", [reads, writes])
def test_throttled_statements_are_sent_again_and_no_others(script, do, caplog, code, given):
    script.answers = [
        answer({}, failed(code), {}, failed(code)),
        answer({}, failed(code)),
        answer(player("3")),
    ]
    rows = do(execute_all, given(4))
    assert [row is not None for row in rows] == [False, False, False, True]
    assert list(map(names_in, script.payloads)) == [["0", "1", "2", "3"], ["1", "3"], ["3"]]
    assert "BatchExecuteStatement players: throttled, 2 left unprocessed" in caplog.text


def test_what_stays_throttled_has_its_error_after_as_many_attempts_as_retries_say(script, do):
    throttled = failed("ThrottlingError")
    script.answers = [answer({}, throttled), *[answer(throttled)] * 3]
    none, error = do(execute_all, reads(2), return_exceptions=True)
    assert none is None
    assert (type(error), error.attempts) == (Throttled, 4)


def test_a_write_in_doubt_is_not_sent_again_and_a_read_is(script, do):
    internal = failed("InternalServerError")
    script.answers = [answer(internal, {})]
    error, none = do(execute_all, writes(2), return_exceptions=True)
    assert (type(error), error.status, none) == (ServiceUnavailable, 500, None)
    script.answers = [answer(internal), answer(player("0"))]
    [row] = do(execute_all, reads(1))
    assert row.name == "0"


def test_an_error_is_raised_with_what_became_of_all(script, do):
    current = {"name": {"S": "1"}, "wins": {"N": "9"}}
    script.answers = [
        answer({}, failed("ConditionalCheckFailed", Item=current), failed("DuplicateItem"), {})
    ]
    given = writes(4)
    with pytest.raises(ConditionFailed) as raised:
        do(execute_all, given)
    error = raised.value
    assert (type(error.current), error.current.wins) == (Player, 9)
    assert (error.operation, error.table) == ("BatchExecuteStatement", "players")
    first, itself, exists, last = error.done
    assert (first, itself, last) == (None, error, None)
    assert isinstance(exists, Player.AlreadyExists)
    assert isinstance(exists, AlreadyExists)
    assert [each is given[at] for at, each in zip((1, 2), error.unprocessed, strict=True)] == [
        True, True,
    ]  # fmt: skip


def test_return_exceptions_leaves_errors_in_their_places(script, do):
    script.answers = [answer(player("0"), failed("ResourceNotFound"))]
    row, error = do(execute_all, reads(2), return_exceptions=True)
    assert row.name == "0"
    assert (type(error).__name__, error.message) == ("TableNotFound", "why")


@pytest.mark.parametrize(
    "error", [ConnectionFailed("reset"), make_service_error("AccessDeniedException", "no")]
)
def test_a_request_that_fails_is_the_error_of_its_statements_and_others_are_tried(
    script, do, error
):
    script.answers = [error, answer(*[{}] * 5)]
    results = do(execute_all, writes(30), return_exceptions=True)
    assert {type(each) for each in results[:25]} == {type(error)}
    assert results[25:] == [None] * 5


def test_what_was_answered_before_a_request_failed_is_kept(script, do):
    script.answers = [
        answer(player("0"), failed("ThrottlingError")),
        make_service_error("AccessDeniedException", "no"),
    ]
    with pytest.raises(AccessDenied) as raised:
        do(execute_all, reads(2))
    assert raised.value.done[0].name == "0"


def test_what_was_answered_before_the_time_was_over_is_kept(script):
    flow = _execute_chunk([make_operation(each) for each in reads(2)], Retries(base=1))
    batch = next(flow)
    assert isinstance(batch, BatchExecuteStatement)
    pause = flow.send(msgspec.json.encode(answer(player("0"), failed("ThrottlingError"))))
    assert isinstance(pause, Pause)
    late = DeadlineExceeded("no time is left")
    with pytest.raises(StopIteration) as stop:
        flow.throw(late)
    item, error = stop.value.value
    assert (msgspec.json.decode(item), error) == (player("0")["Item"], late)


def test_a_server_without_partiql_is_named_once(script, do):
    script.answers = [make_service_error("UnknownOperationException", "what?")]
    with pytest.raises(ServiceError) as raised:
        do(execute_all, reads(3))
    assert str(raised.value).count("this server has no PartiQL") == 1


def test_a_connection_that_could_not_be_made_is_tried_again(script, do):
    script.answers = [ConnectTimeout("far"), answer({})]
    assert do(execute_all, writes(1)) == [None]


def test_one_attempt_is_one_attempt(script, do):
    Player.objects.raw(READ, "a")._link.retries = Retries(attempts=1)
    script.answers = [answer(failed("ThrottlingError"))]
    with pytest.raises(Throttled):
        do(execute_all, reads(1))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (lambda: [*writes(2), *reads(1)], "statement 3 is a SELECT, and statement 1 is not"),
        (lambda: [*reads(30), *writes(1)], "statement 1 is a SELECT, and statement 31 is not"),
        (lambda: [READ], r"takes a list of statements, \[Model.objects.raw"),
        (lambda: READ, "takes a list of statements"),
        (lambda: Player.objects.raw(READ, "a"), "takes a list of statements"),
        (lambda: [Player.objects.filter(name="a")], "takes a list of statements"),
        (lambda: [Player.objects.raw(READ, "a", limit=1)], "has a limit= or page_size="),
        (lambda: [Player.objects.raw(WRITE, "a", page_size=1)], "has a limit= or page_size="),
        (lambda: [Player.objects.raw("SELECT wins FROM {table}")], "does not read name, which"),
    ],
    ids=range(9),
)
def test_what_cannot_be_sent_is_refused_before_anything_is(script, do, given, words):
    with pytest.raises(QueryError, match=words):
        do(execute_all, given())
    assert script.sent == []


def test_statements_have_one_connection(script, do):
    connections._connections["elsewhere"] = scripted_connection(Script(), "elsewhere")
    with pytest.raises(ConfigurationError, match="several connections, 'default', 'elsewhere'"):
        do(execute_all, [*reads(1), Elsewhere.objects.raw(READ, "a")])
    connections._connections["elsewhere"].transport.script.answers = [answer(player("a"))]
    connections._connections["elsewhere"].async_transport.script.answers = [answer(player("a"))]
    [row] = do(execute_all, [Player.objects.using("elsewhere").raw(READ, "a")])
    assert row._link.alias == "elsewhere"


def test_writes_are_refused_inside_of_a_transaction_and_reads_are_not(script):
    with transaction.atomic():
        with pytest.raises(QueryError, match=r"execute_all\(\) writes at once"):
            execute_all(writes(1))
        script.answers = [answer({})]
        assert execute_all(reads(1)) == [None]
