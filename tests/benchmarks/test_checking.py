"""The check before the race sees a contender that does less than the others, or something else."""

import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dynamodb_py import connections

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))  # a directory of scripts, not a package

import checking  # noqa: E402
import contenders  # noqa: E402
import null_server  # noqa: E402
import shapes  # noqa: E402

STEPS = {
    "get": lambda contender: contender.get(),
    "put": lambda contender: contender.put(),
    "create": lambda contender: contender.create(),
    "transaction_10": lambda contender: contender.transaction(),
    "update": lambda contender: contender.update(),
    "save": lambda contender: contender.save(),
    "save_list": lambda contender: contender.save_list(),
    "save_list_shift": lambda contender: contender.save_list_shift(),
    "values_list": lambda contender: contender.values_list(),
    "delete": lambda contender: contender.delete(),
    "query": lambda contender: contender.query(),
    "first": lambda contender: contender.first(),
    "first_filtered": lambda contender: contender.first_filtered(),
    "slice": lambda contender: contender.slice(),
    "batch_get": lambda contender: contender.batch_get(),
    "batch_get_1": lambda contender: contender.batch_get(1),
    "batch_write_25": lambda c: c.batch_write([shapes.values(n) for n in range(25)]),
    "batch_write_100": lambda c: c.batch_write([shapes.values(n) for n in range(100)]),
}


@pytest.fixture(scope="module")
def sent():
    """What boto3's client sends for each step."""
    requests = {}
    with null_server.recording() as (url, recorded):
        contender = contenders.find("boto3")(url)
        for step, act in STEPS.items():
            act(contender)
            requests[step] = list(recorded)
            recorded.clear()
        contender.client.close()
    return requests


@pytest.mark.parametrize("step", STEPS)
def test_what_boto3_sends_is_right(sent, step):
    assert checking.wrong(step, sent[step]) is None


@pytest.mark.parametrize("step", STEPS)
def test_a_request_that_is_changed_after_signing_is_seen(sent, step):
    changed = [replace(request, body=request.body + b" ") for request in sent[step]]
    assert checking.wrong(step, changed) == "a request is not signed, or its signature is wrong"


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_sends_nothing_is_seen(step):
    assert checking.wrong(step, []) == "nothing was sent"


@pytest.mark.parametrize(
    ("step", "other", "problem"),
    [
        ("get", "query", "GetItem was expected once, Query was sent"),
        ("put", "get", "PutItem was expected once, GetItem was sent"),
        ("create", "put", "an item that is there would be overwritten"),
        ("create", "transaction_10", "PutItem was expected once, TransactWriteItems was sent"),
        ("transaction_10", "create", "TransactWriteItems was expected once, PutItem was sent"),
        ("values_list", "query", "whole items were asked for"),
        ("first", "query", "more than the first item was asked for"),
        ("first_filtered", "first", "the range key was not sent"),
        ("save", "put", "no new number was sent"),
        ("delete", "put", "DeleteItem was expected once, PutItem was sent"),
        ("slice", "query", "the range key was not sent"),
        ("slice", "first_filtered", "ascending order was asked for"),
        ("batch_get_1", "batch_get", "the keys of the page were not asked for"),
        ("batch_get", "batch_get_1", "the keys of the page were not asked for"),
        ("batch_write_100", "batch_write_25", "25 items were sent instead of 100"),
        ("batch_write_25", "batch_write_100", "100 items were sent instead of 25"),
        ("update", "get", "UpdateItem or PutItem was expected once, nothing was sent"),
    ],
)
def test_another_operation_than_the_one_that_is_timed_is_seen(sent, step, other, problem):
    assert checking.wrong(step, sent[other]) == problem


@pytest.mark.parametrize("count", [1, 11])
def test_a_transaction_of_another_size_is_seen(monkeypatch, count):
    with null_server.recording() as (url, recorded):
        contender = contenders.find("boto3")(url)
        monkeypatch.setattr(shapes, "IN_TRANSACTION", count)
        contender.transaction()
        contender.client.close()
        monkeypatch.undo()
        problem = checking.wrong("transaction_10", recorded)
    assert problem == f"{count} items were put instead of 10"


def test_each_bare_exchange_sends_what_the_libraries_send_and_reads_the_whole_answer():
    with null_server.recording() as (url, recorded):
        contender = contenders.find("bare_exchange")(url)
        for step, exchange in contender.exchanges.items():
            recorded.clear()
            exchange()  # which learns the length of the answer
            assert checking.wrong(step, recorded) is None
            for _ in range(3):
                exchange()
            with pytest.raises(BlockingIOError):
                contender.socket.recv(1, socket.MSG_DONTWAIT)
        contender.socket.close()


@pytest.mark.parametrize("name", shapes.FIELDS)
def test_an_attribute_that_is_left_out_is_named(sent, monkeypatch, name):
    monkeypatch.setattr(checking, "signature_fits", lambda request: True)
    (request,) = sent["put"]
    start = request.body.index(b'"%s": {' % name.encode())
    renamed = request.body[:start] + b'"x' + request.body[start + 1 :]
    problem = checking.wrong("put", [replace(request, body=renamed)])
    assert problem is not None
    assert f"{name}=None" in problem


@pytest.mark.parametrize("step", contenders.find("dynamodb_py_bare").bare)
def test_a_query_set_sends_just_what_its_bare_twin_does(step, monkeypatch):
    monkeypatch.setattr(connections, "_connections", {})
    sent = []
    with null_server.recording() as (url, recorded):
        contender = contenders.find("dynamodb_py_bare")(url)
        for name in contender.bare[step]:
            for _ in range(2):  # planned, and known
                recorded.clear()
                getattr(contender, name)()
                sent.append(list(recorded))
        connections.get_connection().close()
    assert checking.differ(sent[0], sent[2]) is None
    assert checking.differ(sent[1], sent[3]) is None


def test_another_request_than_that_of_the_twin_is_seen(sent):
    assert checking.differ(sent["first"], sent["query"]) is not None
