"""``inspect``: what it prints, and where."""

from __future__ import annotations

import json

import pytest

real_servers = pytest.mark.engines("dynoxide", "extenddb")


@pytest.fixture
def table(engine, run):
    run("tables create {shop}:Plain")
    name = engine.table_name("plain")
    for n in range(3):
        item = {"id": {"S": f"{n}"}, "city": {"S": "Bonn"}}
        engine.boto3().put_item(TableName=name, Item=item)
    return name


@real_servers
def test_the_code_is_on_standard_output_and_the_price_beside_it(table, run):
    done = run("inspect {shop}:Plain")
    assert done.status == 0
    assert done.out.startswith(f'"""Models of the table {table}, written by dynamodb-py inspect.')
    assert done.out.endswith("    city = CharField()  # 3 of 3\n")
    compile(done.out, "models", "exec")
    assert done.err.startswith("3 items read, ")
    assert done.err.endswith(" read units\n")


@real_servers
def test_a_check_reads_the_whole_table_and_ends_with_1_if_something_does_not_fit(
    engine, table, run
):
    done = run("inspect {shop}:Plain --check")
    assert (done.status, done.err.splitlines()[1:]) == (0, ["3 items checked"])
    for n in range(40):
        item = {"id": {"S": f"more {n}"}, "city": {"S": "Bonn"}}
        engine.boto3().put_item(TableName=table, Item=item)
    engine.boto3().put_item(TableName=table, Item={"id": {"S": "odd"}, "city": {"N": "1"}})
    done = run("inspect {shop}:Plain --check --sample 1")  # whichever it sees, others differ
    assert done.status == 1
    assert ".city: " in done.err
    assert "cannot be read, the first in " in done.err


@real_servers
def test_json_has_what_was_seen(table, run):
    found = json.loads(run("inspect {shop}:Plain --json").out)
    assert found.pop("source").startswith('"""Models of')
    assert found.pop("units") > 0
    assert found == {
        "table": table,
        "items": 3,
        "whole": True,
        "attributes": {
            "id": {"seen": 3, "types": {"S": 3}},
            "city": {"seen": 3, "types": {"S": 3}},
        },
        "misfits": None,
    }
    found = json.loads(run("inspect {shop}:Plain --json --check --sample 2").out)
    assert (found["items"], found["whole"], found["misfits"]) == (2, False, {})


@real_servers
def test_a_sample_of_nothing_is_refused(table, run):
    done = run("inspect {shop}:Plain --sample 0")
    assert (done.status, done.out) == (3, "")
    assert "sample=0: give a number from 1" in done.err
