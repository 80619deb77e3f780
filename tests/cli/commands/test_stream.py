"""``stream``: the changes of a table's items, a line each."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def table(engine, run):
    """A table with two changes; its name."""
    run("tables create {shop}:Plain")
    name, client = engine.table_name("plain"), engine.boto3()
    client.put_item(TableName=name, Item={"id": {"S": "a"}, "city": {"S": "Bonn"}})
    client.put_item(TableName=name, Item={"id": {"S": "a"}, "city": {"S": "Kiel"}})
    return name


OPTIONS = "--from trim_horizon --no-follow"


def test_changes_are_lines(table, run):
    done = run(f"stream {{shop}}:Plain {OPTIONS}")
    assert (done.status, done.err) == (0, "")
    first, second = done.out.splitlines()
    assert first[19:] == " insert Plain(id='a')"
    assert second[19:] == " modify Plain(id='a'); city: 'Bonn' -> 'Kiel'"


def test_changes_are_lines_of_json(table, run):
    first, second = map(json.loads, run(f"stream {{shop}}:Plain --json {OPTIONS}").out.splitlines())
    assert [each["kind"] for each in (first, second)] == ["insert", "modify"]
    assert (first["model"], first["key"], first["by_ttl"]) == ("Plain", {"id": "a"}, False)
    assert (first["old"], first["new"]) == (None, {"id": "a", "city": "Bonn"})
    assert second["old"] == first["new"]
    assert first.keys() >= {"at", "sequence_number", "shard"}


def test_it_begins_now_or_at_a_time(table, run):
    assert run("stream {shop}:Plain --no-follow").out == ""
    assert run("stream {shop}:Plain --no-follow --from 2020-01-01T00:00:00Z").out.count("\n") == 2
    assert run("stream {shop}:Plain --no-follow --from 2100-01-01").out == ""


def test_values_that_the_model_cannot_read_do_not_end_it(engine, table, run):
    item = {"id": {"S": "a"}, "city": {"N": "5"}}
    engine.boto3().put_item(TableName=table, Item=item)
    engine.boto3().delete_item(TableName=table, Key={"id": {"S": "a"}})
    lines = run(f"stream {{shop}}:Plain {OPTIONS}").out.splitlines()
    assert "the stored {'N': '5'} cannot be read as CharField" in lines[2]
    assert lines[3][19:] == " remove Plain(id='a')"


@pytest.mark.parametrize(
    ("arguments", "status", "error"),
    [
        (
            "{shop}:Plain --from yesterday",
            2,
            "--from yesterday: give latest, trim_horizon or a time",
        ),
        ("{shop}:Plain --poll -1", 3, "poll"),
        ("{shop}", 2, "names no model"),
        ("{shop}:User --no-follow", 3, "has no stream"),
    ],
)
def test_what_cannot_be_read_is_refused(engine, run, arguments, status, error):
    run("tables create {shop}:User")
    done = run(f"stream {arguments}")
    assert (done.status, done.out) == (status, "")
    assert error in done.err
