"""PartiQL through a model's manager; ExtendDB has none of it."""

from __future__ import annotations

from datetime import date

import pytest

from dynamodb_py import (
    AlreadyExists,
    CharField,
    ConditionFailed,
    IntegerField,
    ListField,
    Model,
    QueryError,
    ServiceError,
    ValidationError,
    capacity,
    options,
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


TABLES = [Score]

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
    for said, asked in ({"consistent": True}, True), ({"consistent": False}, None), ({}, True):
        with options(consistent=True):
            do(Score.objects.execute, SELECT, written, **said)
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
    with pytest.raises(ServiceError, match=r"this server has no PartiQL: say it with filter\(\)"):
        do(Score.objects.execute, SELECT, key)


@pytest.mark.engines("dynoxide")
@pytest.mark.parametrize(
    ("statement", "parameters", "said", "error", "words"),
    [
        (SELECT, [date(2026, 1, 1)], {}, ValidationError, "parameter 1: a value of type date"),
        (SELECT, ["a", object()], {}, ValidationError, "parameter 2: a value of type object"),
        (SELECT, ["a"], {"limit": -1}, QueryError, "limit=-1: it is 0 or more"),
        (SELECT, ["a"], {"page_size": 0}, QueryError, "page_size=0: it is 1 or more"),
        ("DELETE FROM {table} WHERE p = ?", ["a"], {"limit": 1}, QueryError, "limit=1 is for a SELECT"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_before_it_is_sent(
    engine, do, sent, statement, parameters, said, error, words
):
    with pytest.raises(error, match=words):
        do(Score.objects.execute, statement, *parameters, **said)
    assert sent == []
