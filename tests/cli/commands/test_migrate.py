"""``migrate``: each command does what its verb of ``migrations`` does, and prints it."""

from __future__ import annotations

import json

import pytest

MIGRATION = """
import {shop}
from dynamodb_py.migrations import AddIndex, Backfill

operations = [
    Backfill({shop}.Plain, {{"city": "Bonn"}}, condition={shop}.Plain.city.not_exists()),
]
"""


@pytest.fixture
def folder(shop, tmp_path):
    """The folder ``migrations`` of the current directory."""
    return tmp_path / "migrations"


def test_a_new_migration_has_the_next_number(run, folder):
    first = run("migrate new migrations add_city")
    assert first == (0, "migrations/0001_add_city.py\n", "", "")
    second = run("migrate new migrations more --json")
    assert json.loads(second.out) == {"path": "migrations/0002_more.py"}
    assert (folder / "0002_more.py").read_text().startswith('"""More."""')


def test_a_name_that_no_file_can_have_is_refused(run):
    done = run("migrate new migrations add-city")
    assert (done.status, done.out) == (3, "")
    assert done.err == (
        "error: MigrationError: the name 'add-city': give letters, digits and _, such as add_by_city\n"
    )


def test_migrations_are_planned_run_and_listed(engine, run, shop, folder):
    run("tables create {shop}:Plain")
    engine.boto3().put_item(TableName=engine.table_name("plain"), Item={"id": {"S": "a"}})
    run("migrate new migrations add_city")
    (folder / "0001_add_city.py").write_text(MIGRATION.format(shop=shop))

    planned = run("migrate plan migrations")
    assert planned.status == 1
    assert planned.out.startswith("0001_add_city: backfill Plain by city")
    (operation,) = json.loads(run("migrate plan migrations --json").out)
    assert (operation["migration"], operation["scanned"]) == ("0001_add_city", 0)
    assert run("migrate status migrations").out == "[ ] 0001_add_city\n"

    (done,) = json.loads(run("migrate run migrations --json").out)
    assert (done["name"], done["state"], done["changed"]) == ("0001_add_city", "applied", 1)
    assert run("migrate run migrations") == (0, "nothing to do\n", "", "")
    assert run("migrate plan migrations") == (0, "nothing to do\n", "", "")
    assert run("migrate status migrations").out.startswith("[X] 0001_add_city  20")


def test_migrations_can_be_marked_as_applied(engine, run, shop, folder):
    run("migrate new migrations add_city")
    (folder / "0001_add_city.py").write_text(MIGRATION.format(shop=shop))
    done = run("migrate run migrations --fake --to 0001 --ledger other")
    assert "marked as applied" in done.out
    assert engine.table_name("other") in engine.boto3().list_tables()["TableNames"]
    assert run("migrate plan migrations --ledger other").status == 0


def test_a_problem_of_the_history_is_status_1(engine, run, shop, folder):
    run("migrate new migrations add_city")
    (folder / "0001_add_city.py").write_text(MIGRATION.format(shop=shop))
    run("migrate run migrations --fake")
    (folder / "0001_add_city.py").write_text("operations = []")
    found = run("migrate status migrations")
    assert found.status == 1
    assert "PROBLEM" in found.out


def test_a_folder_that_is_missing_is_reported(run, engine):
    done = run("migrate plan nowhere")
    assert (done.status, done.out) == (3, "")
    assert done.err.startswith("error: MigrationError: there is no folder nowhere")
