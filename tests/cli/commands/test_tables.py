"""``tables``: each command does what its verb of ``Tables`` does, and prints it."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def plain(engine, run):
    """The table of ``Plain``; its name."""
    assert run("tables create {shop}:Plain").status == 0
    return engine.table_name("plain")


def test_tables_are_created_once(engine, run):
    users, plain = engine.table_name("users"), engine.table_name("plain")
    done = run("tables create {shop}:User {shop}:Plain")
    assert done == (0, f"{users} exists: ACTIVE\n{plain} exists: ACTIVE\n", "", "")
    again = run("tables create {shop}:User")
    assert (again.status, again.out) == (3, "")
    assert again.err.startswith("error: TableAlreadyExists: CreateTable on ")
    accepted = json.loads(run("tables create {shop}:User --if-not-exists --json").out)
    assert accepted[users]["TableStatus"] == "ACTIVE"
    assert users in engine.boto3().list_tables()["TableNames"]


def test_all_models_of_a_module_are_meant_without_a_name(engine, run):
    names = [engine.table_name(name) for name in ("Book", "plain", "users")]
    created = json.loads(run("tables create {shop} --json").out)
    assert sorted(created) == names
    assert [line.split()[0] for line in run("tables describe {shop}").out.splitlines()[1:]][
        -1
    ] in names
    deleted = json.loads(run("tables delete {shop} --yes --json").out)["deleted"]
    assert sorted(deleted) == sorted([*names, f"{engine.table_name('users')}-unique"])
    assert not set(names) & set(engine.boto3().list_tables()["TableNames"])


def test_a_plan_has_the_steps_that_an_update_makes(plain, run):
    assert run("tables plan {shop}:Plain") == (0, "nothing to do\n", "", "")
    planned = run("tables plan {shop}:Namespace.Indexed")
    assert planned.status == 1
    assert planned.out.startswith(
        f"1. {plain}: add index by_city (global, hash key city (S), holding all); "
    )
    as_json = run("tables plan {shop}:Namespace.Indexed --json")
    assert as_json.status == 1
    (step,) = json.loads(as_json.out)["steps"]
    assert (step["table"], step["part"], step["needs_backfill"]) == (plain, "index by_city", True)
    assert step["request"]["operation"] == "UpdateTable"
    assert step["request"]["parameters"]["TableName"] == plain
    done = run("tables update {shop}:Namespace.Indexed")
    assert done == (0, f"{plain} is as declared: ACTIVE\n", "", "")
    assert run("tables plan {shop}:Namespace.Indexed").status == 0


def test_indexes_are_dropped_only_with_consent(plain, run):
    run("tables update {shop}:Namespace.Indexed")
    assert run("tables plan {shop}:Plain").status == 0
    assert run("tables plan {shop}:Plain --drop-indexes").status == 1
    refused = run("tables update {shop}:Plain --drop-indexes")
    assert (refused.status, refused.out) == (2, "")
    assert f"error: {plain}: drop index by_city" in refused.err
    assert "give --yes" in refused.err
    assert run("tables plan {shop}:Plain --drop-indexes").status == 1
    assert run("tables update {shop}:Plain --drop-indexes --yes").status == 0
    assert run("tables plan {shop}:Plain --drop-indexes").status == 0
    assert run("tables update {shop}:Plain --drop-indexes").status == 0  # nothing to ask about


def test_a_table_is_deleted_only_with_consent(engine, plain, run):
    refused = run("tables delete {shop}:Plain")
    assert (refused.status, refused.out) == (2, "")
    assert refused.err.startswith(
        f"error: Delete {plain} with all items, at <Connection 'default' "
    )
    assert plain in engine.boto3().list_tables()["TableNames"]
    assert run("tables delete {shop}:Plain --yes") == (0, f"{plain} is deleted\n", "", "")
    assert run("tables delete {shop}:Plain --yes").status == 3
    assert run("tables delete {shop}:Plain --yes --if-exists").status == 0


def test_a_table_is_described_as_it_is(engine, plain, run):
    lines = run("tables describe {shop}:Namespace.Indexed").out.splitlines()
    assert [line.split(maxsplit=1)[0] for line in lines[1:]] == [plain] * 5
    assert lines[0].split() == ["table", "part", "as", "it", "is"]
    assert lines[2].split(maxsplit=1)[1] == "key      id (S)"
    found = json.loads(run("tables describe {shop}:Plain --json").out)[plain]
    expected = engine.boto3().describe_table(TableName=plain)["Table"]
    assert found["KeySchema"] == expected["KeySchema"]
    assert found["CreationDateTime"][:10] == f"{expected['CreationDateTime']:%Y-%m-%d}"


def test_a_ping_has_the_state_of_each_table_and_how_long_it_took(engine, plain, run):
    found = run("tables ping {shop}:Plain {shop}:User --json")
    assert found.status == 1
    there, missing = json.loads(found.out)
    assert (there["table"], there["status"]) == (plain, "ACTIVE")
    assert (missing["table"], missing["status"]) == (engine.table_name("users"), None)
    assert there["milliseconds"] >= 0
    assert run("tables ping {shop}:Plain").out.splitlines()[1].split()[:2] == [plain, "ACTIVE"]
    assert run("tables ping {shop}:User").out.splitlines()[1].split()[1] == "missing"
    assert run("tables ping").out.splitlines()[1].split()[1] == "responds"
