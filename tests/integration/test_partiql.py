"""PartiQL through a model's manager; ExtendDB has none of it."""

from __future__ import annotations

from datetime import date

import pytest

from dynamodb_py import (
    AlreadyExists,
    CharField,
    ConditionFailed,
    FieldNotLoaded,
    GlobalIndex,
    IntegerField,
    ListField,
    Model,
    QueryError,
    ServiceError,
    TransactionCanceled,
    ValidationError,
    capacity,
    execute_all,
    options,
    transaction,
)
from dynamodb_py.models.statements import FEWEST

from ..engines import known_fault


class Score(Model):
    class Meta:
        table_name = "scores"

    player = CharField(name="p", hash_key=True)
    day = IntegerField(name="d", range_key=True)
    wins = IntegerField()
    tags = ListField(default=[])

    by_wins = GlobalIndex(hash_key="player", range_key="wins", projection="keys")


class Total(Model):
    class Meta:
        table_name = "totals"

    player = CharField(hash_key=True)
    wins = IntegerField(default=0)


TABLES = [Score, Total]

SELECT = "SELECT * FROM {table} WHERE p = ?"
no_partiql = known_fault("extenddb", "has no PartiQL")
# Its parser takes no parameters but in a few shapes of a WHERE, and knows no pages.
moto_knows_little = known_fault("moto", "takes few statements")


@pytest.fixture
def written(engine, put, key):
    """Write ten items under the test's own key."""
    for day in range(10):
        item = {"p": {"S": key}, "d": {"N": str(day)}, "wins": {"N": str(day % 3)}}
        put(Score, item | {"other": {"L": [{"S": "x"}]}})
    return key


@no_partiql
def test_a_select_of_whole_items_gives_instances(engine, do, sent, written):
    rows = do(Score.objects.execute, SELECT, written)
    assert {type(row) for row in rows} == {Score}
    assert sorted((row.player, row.day, row.wins) for row in rows) == [
        (written, day, day % 3) for day in range(10)
    ]
    assert rows[0].extra == {"other": ["x"]}
    assert rows[0].persisted
    table = engine.table_name("scores")
    assert sent.payload() == {
        "Statement": f'SELECT * FROM "{table}" WHERE p = ?',
        "Parameters": [{"S": written}],
    }


@no_partiql
@moto_knows_little
def test_a_select_of_some_attributes_gives_plain_dicts_of_what_is_stored(engine, do, written):
    rows = do(
        Score.objects.execute, "SELECT p, d, wins FROM {table} WHERE p = ? AND d = 4", written
    )
    assert rows == [{"p": written, "d": 4, "wins": 1}]


@no_partiql
def test_a_select_that_finds_nothing_gives_no_rows(engine, do, key):
    assert do(Score.objects.execute, SELECT, key) == []


@pytest.mark.engines("embedded", "dynoxide")  # the ones that page
@pytest.mark.parametrize(
    ("options", "rows", "requests"),
    [
        ({"page_size": 3}, 10, {4}),
        ({"page_size": 3, "limit": 4}, 4, {2}),
        ({"page_size": 3, "limit": 3}, 3, {1}),
        ({"limit": 7}, 7, {1}),
        ({"limit": 0}, 0, {0}),
        ({"limit": 100}, 10, {1, 2}),
    ],
    ids=str,
)
def test_pages_are_read_to_the_end_or_to_the_limit(
    engine, do, sent, written, options, rows, requests
):
    found = do(Score.objects.execute, SELECT, written, **options)
    assert [each.day for each in found] == list(range(rows))
    assert len(sent) in requests
    size = options.get("page_size", max(options.get("limit", 0), FEWEST))
    assert {sent.payload(at)["Limit"] for at in range(len(sent))} <= {size}


@no_partiql
@moto_knows_little
def test_items_are_written_changed_and_deleted(engine, do, stored, key):
    execute = Score.objects.execute
    score = Score(player=key, day=1)
    values = {"a": [1, 0.5, None]}
    insert = "INSERT INTO {table} VALUE {'p': ?, 'd': ?, 'wins': ?, 'doc': ?}"
    assert do(execute, insert, key, 1, 3, values) == []
    assert stored(score)["doc"] == {"M": {"a": {"L": [{"N": "1"}, {"N": "0.5"}, {"NULL": True}]}}}
    update = "UPDATE {table} SET wins = ? WHERE p = ? AND d = ?"
    assert do(execute, update, 7, key, 1) == []
    assert stored(score)["wins"] == {"N": "7"}
    (row,) = do(execute, f"{update} RETURNING ALL NEW *", 8, key, 1)
    assert row == {"p": key, "d": 1, "wins": 8, "doc": values}
    assert do(execute, "DELETE FROM {table} WHERE p = ? AND d = ?", key, 1) == []
    assert stored(score) is None


@no_partiql
@moto_knows_little
def test_what_stands_in_the_way_of_a_write_is_told_as_for_the_others(engine, do, written):
    execute = Score.objects.execute
    with pytest.raises(Score.AlreadyExists) as raised:
        do(execute, "INSERT INTO {table} VALUE {'p': ?, 'd': ?}", written, 1)
    assert isinstance(raised.value, AlreadyExists)
    assert raised.value.operation == "ExecuteStatement"
    assert raised.value.table == engine.table_name("scores")
    with pytest.raises(ConditionFailed):
        do(execute, "UPDATE {table} SET wins = 1 WHERE p = ? AND d = ?", written, 99)
    with pytest.raises(ServiceError, match="ValidationException"):
        do(execute, "SELEKT * FROM {table}")


@no_partiql
def test_a_select_reads_consistently_where_that_is_said(engine, do, sent, written):
    for message, asked in ({"consistent": True}, True), ({"consistent": False}, None), ({}, True):
        with options(consistent=True):
            do(Score.objects.execute, SELECT, written, **message)
        assert sent.payload().get("ConsistentRead") is asked


@no_partiql
@moto_knows_little
def test_a_statement_tells_what_it_cost(engine, do, key):
    with capacity() as used:
        do(Score.objects.execute, "INSERT INTO {table} VALUE {'p': ?, 'd': ?}", key, 1)
        do(Score.objects.execute, SELECT, key)
    assert (used.read_units, used.write_units) == (0.5, 1)
    assert (used.requests, used.items_read) == (2, 1)
    assert list(used.by_table) == [engine.table_name("scores")]


@pytest.mark.engines("extenddb", embedded=False)
def test_a_server_without_partiql_is_told_by_what_to_do(engine, do, key):
    with pytest.raises(ServiceError, match=r"this server has no PartiQL: use filter\(\)"):
        do(Score.objects.execute, SELECT, key)


@pytest.mark.engines("dynoxide")
@pytest.mark.parametrize(
    ("statement", "parameters", "message", "error", "words"),
    [
        (SELECT, [date(2026, 1, 1)], {}, ValidationError, "parameter 1: a value of type date"),
        (SELECT, ["a", object()], {}, ValidationError, "parameter 2: a value of type object"),
        (SELECT, ["a"], {"limit": -1}, QueryError, "limit=-1: give a number from 0"),
        (SELECT, ["a"], {"page_size": 0}, QueryError, "page_size=0: give a number from 1"),
        ("DELETE FROM {table} WHERE p = ?", ["a"], {"limit": 1}, QueryError, "limit=1 is for a SELECT"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_before_it_is_sent(
    engine, do, sent, statement, parameters, message, error, words
):
    with pytest.raises(error, match=words):
        do(Score.objects.execute, statement, *parameters, **message)
    assert sent == []


# -- rows as they come ------------------------------------------------------------------------------


@no_partiql
def test_raw_gives_instances_that_have_what_was_read(engine, do, written):
    columns = "SELECT p, d, wins FROM {table} WHERE p = ? AND d = ?"
    [row] = do.list(Score.objects.raw(columns, written, 4))
    assert (type(row), row.primary_key, row.wins) == (Score, (written, 4), 1)
    with pytest.raises(FieldNotLoaded, match=r"Score\.tags was not fetched"):
        row.tags  # noqa: B018
    row.wins = 70
    do(row.save)
    [whole] = do.list(Score.objects.raw("SELECT * FROM {table} WHERE p = ? AND d = ?", written, 4))
    assert (whole.wins, whole.tags, whole.extra) == (70, [], {"other": ["x"]})


@no_partiql
@moto_knows_little
def test_an_index_gives_instances_that_have_what_it_holds(engine, do, written):
    statement = 'SELECT * FROM {table}."by_wins" WHERE p = ? AND wins = ?'
    rows = do.list(Score.objects.raw(statement, written, 2))
    assert sorted((row.day, row.wins) for row in rows) == [(2, 2), (5, 2), (8, 2)]
    with pytest.raises(FieldNotLoaded):
        rows[0].tags  # noqa: B018
    plain = do.list(Score.objects.raw(statement, written, 2).as_dicts())
    assert sorted(row["d"] for row in plain) == [2, 5, 8]


@pytest.mark.engines("embedded", "dynoxide")  # the ones that page
def test_rows_come_a_page_at_a_time(engine, do, sent, written):
    rows = Score.objects.raw(SELECT, written, page_size=4)
    assert [row.day for row in do.list(rows)] == list(range(10))
    assert sent.calls == ["ExecuteStatement"] * 3
    assert [len(page) for page in do.list(rows.pages())] == [4, 4, 2]


@pytest.mark.engines("embedded", "dynoxide")
@pytest.mark.parametrize("size", [1, 3, 5, 20])
@pytest.mark.parametrize("where", ["", " AND wins = 2"])
def test_pages_by_cursor_have_each_row_once(engine, do, written, size, where):
    rows = Score.objects.raw(SELECT + where, written)
    found, cursor = [], None
    while True:
        page = do(rows.page, size, cursor)
        found += [row.day for row in page]
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page) == size
    assert found == [row.day for row in do.list(rows)]


# -- batches ----------------------------------------------------------------------------------------

ONE = f"{SELECT} AND d = ?"
CHANGE = "UPDATE {table} SET wins = ? WHERE p = ? AND d = ?"
ADD = "INSERT INTO {table} VALUE {'player': ?, 'wins': ?}"


@no_partiql
@moto_knows_little
def test_a_batch_reads_items_of_several_models_in_order(engine, do, sent, put, written):
    put(Total, {"player": {"S": written}, "wins": {"N": "9"}})
    total = Total.objects.raw("SELECT * FROM {table} WHERE player = ?", written)
    days = [3, 99, 1]
    rows = do(execute_all, [*(Score.objects.raw(ONE, written, day) for day in days), total])
    assert [row and row.primary_key for row in rows] == [(written, 3), None, (written, 1), written]
    assert (rows[0].wins, rows[3].wins) == (0, 9)
    assert sent.calls == ["BatchExecuteStatement"]


@no_partiql
@moto_knows_little
def test_a_batch_of_over_25_statements_takes_several_requests(engine, do, sent, written):
    rows = do(execute_all, [Score.objects.raw(ONE, written, day) for day in range(60)], workers=2)
    assert [row.day for row in rows if row is not None] == list(range(10))
    assert sent.calls == ["BatchExecuteStatement"] * 3


@no_partiql
@moto_knows_little
def test_a_batch_writes_each_item_on_its_own(engine, do, stored, written):
    given = [
        Score.objects.raw(CHANGE, 50, written, 1),
        Score.objects.raw(f"{CHANGE} AND wins = 77", 50, written, 2),
        Total.objects.raw(ADD, written, 5),
        Score.objects.raw("INSERT INTO {table} VALUE {'p': ?, 'd': ?}", written, 3),
        Score.objects.raw("DELETE FROM {table} WHERE p = ? AND d = ?", written, 4),
    ]
    changed, condition, added, exists, deleted = do(execute_all, given, return_exceptions=True)
    assert (changed, added, deleted) == (None, None, None)
    assert type(condition) is ConditionFailed
    assert isinstance(exists, Score.AlreadyExists)
    assert stored(Score(player=written, day=1))["wins"] == {"N": "50"}
    assert stored(Total(player=written))["wins"] == {"N": "5"}
    assert stored(Score(player=written, day=4)) is None
    with pytest.raises(ConditionFailed) as raised:
        do(execute_all, [given[0], given[1]])
    assert raised.value.done[0] is None
    assert raised.value.unprocessed == [given[1]]


@no_partiql
@moto_knows_little
def test_a_batch_gives_what_its_statements_return(engine, do, written):
    [row] = do(execute_all, [Score.objects.raw(f"{CHANGE} RETURNING ALL NEW *", 6, written, 1)])
    assert row == {"p": written, "d": 1, "wins": 6, "other": ["x"]}


# -- transactions -----------------------------------------------------------------------------------


@no_partiql
@moto_knows_little
def test_a_transaction_reads_items_in_order(engine, do, sent, written):
    rows = do(transaction.execute, [Score.objects.raw(ONE, written, day) for day in (3, 99, 1)])
    assert [row and row.day for row in rows] == [3, None, 1]
    assert sent.calls == ["ExecuteTransaction"]


@no_partiql
@moto_knows_little
def test_a_transaction_writes_all_or_nothing(engine, do, stored, written):
    given = [Score.objects.raw(CHANGE, 50, written, 1), Total.objects.raw(ADD, written, 5)]
    with pytest.raises(TransactionCanceled) as raised:
        do(
            transaction.execute,
            [*given, Score.objects.raw(f"{CHANGE} AND wins = 9", 0, written, 2)],
        )
    first, second, condition = raised.value.reasons
    assert (first.code, second.code, type(condition.error)) == ("None", "None", ConditionFailed)
    assert stored(Total(player=written)) is None
    assert do(transaction.execute, given) == [None, None]
    assert stored(Score(player=written, day=1))["wins"] == {"N": "50"}
    assert stored(Total(player=written))["wins"] == {"N": "5"}


@no_partiql
@moto_knows_little
@known_fault("dynoxide", "has a reason for the first statement that fails alone")
def test_each_statement_of_a_cancelled_transaction_has_its_reason(engine, do, written):
    given = [
        Score.objects.raw(f"{CHANGE} AND wins = 9", 0, written, 2),
        Score.objects.raw("INSERT INTO {table} VALUE {'p': ?, 'd': ?}", written, 3),
    ]
    with pytest.raises(TransactionCanceled) as raised:
        do(transaction.execute, given)
    condition, exists = raised.value.reasons
    assert isinstance(condition.error, ConditionFailed)
    assert isinstance(exists.error, Score.AlreadyExists)


@no_partiql
@moto_knows_little
@known_fault("dynoxide", "knows no EXISTS")
def test_a_transaction_depends_on_items_that_it_does_not_write(engine, do, stored, written):
    check = "EXISTS(SELECT * FROM {table} WHERE p = ? AND d = ? AND wins = ?)"
    add = Total.objects.raw(ADD, written, 5)
    with pytest.raises(TransactionCanceled):
        do(transaction.execute, [add, Score.objects.raw(check, written, 2, 3)])
    assert stored(Total(player=written)) is None
    do(transaction.execute, [add, Score.objects.raw(check, written, 2, 2)])
    assert stored(Total(player=written))["wins"] == {"N": "5"}


@no_partiql
@moto_knows_little
@known_fault("dynoxide", "returns no item when the condition of a statement fails")
def test_a_condition_that_fails_has_the_item_as_it_stands(engine, do, written):
    statement = f"{CHANGE} AND wins = 77"
    with pytest.raises(ConditionFailed) as alone:
        do(Score.objects.execute, statement, 50, written, 2)
    failing = Score.objects.raw(statement, 50, written, 2)
    [batched] = do(execute_all, [failing], return_exceptions=True)
    with pytest.raises(TransactionCanceled) as canceled:
        do(transaction.execute, [failing])
    for error in (alone.value, batched, canceled.value.reasons[0]):
        assert (type(error.current), error.current.wins) == (Score, 2)


@no_partiql
@moto_knows_little
def test_a_transaction_with_a_token_is_carried_out_once(engine, do, stored, key):
    add = [Total.objects.raw("UPDATE {table} SET wins = wins + 1 WHERE player = ?", key)]
    do(Total.objects.create, player=key, wins=1)
    for _ in range(2):
        do(transaction.execute, add, token=key[:36])
    assert stored(Total(player=key))["wins"] == {"N": "2"}


@no_partiql
@moto_knows_little
def test_batches_and_transactions_tell_what_they_cost(engine, do, written):
    with capacity() as used:
        do(execute_all, [Score.objects.raw(ONE, written, day) for day in range(2)])
        do(execute_all, [Total.objects.raw(ADD, written, 5)])
        do(
            transaction.execute,
            [Total.objects.raw("DELETE FROM {table} WHERE player = ?", written)],
        )
    assert (used.read_units, used.write_units, used.requests) == (1, 3, 3)
