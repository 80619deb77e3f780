"""The recipes of ``examples/streams``: their tests, and each as a program, or as a function of Lambda."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dynamodb_py import CharField, IntegerField, Model, Table, connect

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "examples" / "streams"


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{PLACE}", "PYTEST_ADDOPTS": ""}


def test_their_own_tests_pass():
    options = ["-q", "-n0", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, str(PLACE / "test_streams.py")]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, cwd=ROOT, env=environment()
    )
    assert "\n4 passed" in done.stdout, done.stdout + done.stderr


class Order(Model):
    class Meta:
        table_name = "orders"
        stream = "new_and_old_images"

    number = CharField(hash_key=True)
    customer = CharField()
    amount = IntegerField()
    note = CharField(default="")


class CustomerTotal(Model):
    class Meta:
        table_name = "customer_totals"

    customer = CharField(hash_key=True)
    amount = IntegerField(default=0)


class AppliedChange(Model):
    class Meta:
        table_name = "applied_changes"

    id = CharField(hash_key=True)


@pytest.fixture
def address(tmp_path):
    found = f"sqlite:///{tmp_path}/app.db"
    connection = connect(found)
    for model in (Order, CustomerTotal, AppliedChange):
        Table(model).create()
    yield found
    connection.close()


def run_program(address: str, program: str, *arguments: str) -> subprocess.Popen:
    script = f"import sys, dynamodb_py; dynamodb_py.connect({address!r}); import {program}; {program}.main(*sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], cwd=PLACE, env=environment()
    )


def wait_for(condition) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def end(program: subprocess.Popen) -> None:
    program.send_signal(signal.SIGTERM)
    assert program.wait(60) == 0


def test_totals_are_kept_by_a_program(address):
    Order.create(number="1", customer="ann", amount=3)
    program = run_program(address, "totals")
    Order.create(number="2", customer="ann", amount=4)
    wait_for(lambda: (total := CustomerTotal.get(customer="ann")) and total.amount == 7)
    end(program)


def test_an_index_is_kept_by_a_program(address, tmp_path):
    path = str(tmp_path / "index.db")
    program = run_program(address, "search", path)
    Order.create(number="1", customer="ann", amount=3, note="a red lamp")

    def is_found() -> bool:
        connection = sqlite3.connect(path)
        try:
            return bool(
                connection.execute("SELECT * FROM notes WHERE notes MATCH 'lamp'").fetchall()
            )
        except sqlite3.OperationalError:
            return False  # the program has not made it yet
        finally:
            connection.close()

    wait_for(is_found)
    end(program)


SCRIPT = """
import json, sys, dynamodb_py
dynamodb_py.connect(sys.argv[1])
import function
print(json.dumps(function.handler(json.loads(sys.argv[2]), None)))
"""


def test_totals_are_kept_by_a_function_of_lambda(address):
    image = {"number": {"S": "1"}, "customer": {"S": "ann"}, "amount": {"N": "5"}}
    change = {
        "ApproximateCreationDateTime": 1479499740.0,
        "Keys": {"number": {"S": "1"}},
        "NewImage": image,
        "SequenceNumber": "100000000000000000001",
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    arn = "arn:aws:dynamodb:eu-west-1:1:table/orders/stream/2026-01-01T00:00:00.000"
    event = {"Records": [{"eventName": "INSERT", "eventSourceARN": arn, "dynamodb": change}]}
    for _ in range(2):
        command = [sys.executable, "-c", SCRIPT, address, json.dumps(event)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, cwd=PLACE, env=environment()
        )
        assert json.loads(done.stdout) == {"batchItemFailures": []}, done.stderr
    assert CustomerTotal.objects.get(customer="ann").amount == 5
