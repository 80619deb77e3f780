"""``sql``: one statement of PartiQL."""

from __future__ import annotations

import json

import pytest

with_partiql = pytest.mark.engines("dynoxide")


@pytest.fixture
def table(engine, run):
    run("tables create {shop}:Plain")
    return engine.table_name("plain")


@with_partiql
@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("12", {"N": "12"}),
        ('"12"', {"S": "12"}),
        (
            "0.10000000000000000000000000000000000001",
            {"N": "0.10000000000000000000000000000000000001"},
        ),
        ("ann", {"S": "ann"}),
        ("true", {"BOOL": True}),
        ("null", {"NULL": True}),
        ("NaN", {"S": "NaN"}),
        ('["a", 1]', {"L": [{"S": "a"}, {"N": "1"}]}),
        ('{"a": {"b": 1.5}}', {"M": {"a": {"M": {"b": {"N": "1.5"}}}}}),
    ],
)
def test_a_parameter_is_json_or_else_a_text(engine, table, run, text, stored):
    done = run(
        "sql", f"INSERT INTO \"{table}\" VALUE {{'id': ?, 'v': ?}}", "-p", "a", "--param", text
    )
    assert done == (0, "", "0 rows\n", "")
    assert engine.boto3().get_item(TableName=table, Key={"id": {"S": "a"}})["Item"]["v"] == stored
    read = run("sql", f'SELECT v FROM "{table}" WHERE id = ?', "-p", "a", "--json", "--consistent")
    assert (read.status, read.err) == (0, "")
    assert json.loads(read.out).keys() == {"v"}


@with_partiql
def test_rows_are_lines_of_json(engine, table, run):
    item = {"id": {"S": "a"}, "b": {"B": b"\\0"}, "s": {"SS": ["y", "x"]}, "n": {"N": "1E+20"}}
    engine.boto3().put_item(TableName=table, Item=item)
    done = run("sql", f'SELECT * FROM "{table}"')
    assert json.loads(done.out) == {"id": "a", "b": "XDA=", "s": ["x", "y"], "n": 10**20}
    assert done.err == "1 row\n"


@with_partiql
def test_a_limit_ends_the_reading(engine, table, run):
    for at in range(5):
        engine.boto3().put_item(TableName=table, Item={"id": {"S": str(at)}})
    assert run("sql", f'SELECT * FROM "{table}"', "--limit", "3").out.count("\n") == 3
    assert run("sql", f'SELECT * FROM "{table}"', "--limit", "300").out.count("\n") == 5


@pytest.mark.parametrize(
    ("arguments", "status", "error"),
    [
        (["SELECT * FROM x WHERE a = ?"], 3, "has 1 question marks, and 0 parameters were given"),
        (["SELECT * FROM x", "-p", "1"], 3, "has 0 question marks, and 1 parameters were given"),
        (["SELECT * FROM x", "--limit", "0"], 2, "'--limit'"),
        (
            ["SELECT * FROM x", "--table-prefix", "t"],
            2,
            "does not change the names in the statement",
        ),
        ([], 2, "Missing argument 'STATEMENT'"),
    ],
)
def test_what_cannot_be_sent_is_refused(run, arguments, status, error):
    done = run("sql", *arguments)
    assert (done.status, done.out) == (status, "")
    assert error in done.err


@with_partiql
def test_what_the_server_refuses_is_one_line(engine, run):
    done = run("sql", "SELECTED")
    assert (done.status, done.out, done.err.count("\n")) == (3, "", 1)
    assert done.err.startswith("error: InvalidRequest: ExecuteStatement")
