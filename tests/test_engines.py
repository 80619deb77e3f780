"""The ground that the other tests stand on: the engines come up, answer, and go away again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from botocore.exceptions import ClientError

from . import engines
from .conftest import Do
from .engines import (
    SERVERS,
    Engine,
    Server,
    Servers,
    Unavailable,
    default_cache,
    fetch,
    known_fault,
)

KEY = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def fetched(name: str) -> Path:
    try:
        return fetch(SERVERS[name], default_cache())
    except Unavailable as why:
        pytest.skip(str(why))


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("embedded", ["embedded"]),
        ("moto,dynoxide", ["moto", "dynoxide"]),
        ("all", ["embedded", "dynoxide", "extenddb", "moto"]),
    ],
)
def test_a_run_has_the_engines_that_are_named(given, names):
    assert engines.read_engines(Chosen(given)) == names


def test_an_engine_that_nobody_knows_is_refused():
    with pytest.raises(pytest.UsageError, match=r"no engine is named .'dynamo'"):
        engines.read_engines(Chosen("moto,dynamo"))


@pytest.mark.parametrize(
    ("mark", "names"),
    [
        (None, ["embedded", "dynoxide", "extenddb", "moto"]),
        (pytest.mark.engines("dynoxide", "moto"), ["embedded", "dynoxide", "moto"]),
        (pytest.mark.engines("extenddb", embedded=False), ["extenddb"]),
    ],
)
def test_a_mark_chooses_among_the_engines_of_others(mark, names):
    assert engines.find_engines(Marked(mark)) == names


class Chosen(NamedTuple):
    """What these tests need of pytest's configuration."""

    given: str

    def getoption(self, name: str) -> str:
        assert name == "engines"
        return self.given


class Marked(NamedTuple):
    """What these tests need of a test."""

    mark: pytest.MarkDecorator | None

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return self.mark and self.mark.mark


def create(engine: Engine, name: str) -> str:
    table = engine.table_name(name)
    engine.boto3().create_table(TableName=table, **KEY)
    waiter = engine.boto3().get_waiter("table_exists")
    waiter.wait(TableName=table, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
    return table


def test_an_item_that_was_put_can_be_got(bare_engine):
    table = create(bare_engine, "things")
    item = {"id": {"S": "a"}, "n": {"N": "99.99"}, "s": {"SS": ["x"]}, "e": {"S": "\u00e9"}}
    bare_engine.boto3().put_item(TableName=table, Item=item)
    found = bare_engine.boto3().get_item(TableName=table, Key={"id": {"S": "a"}})
    assert found["Item"] == item


@pytest.mark.engines("dynoxide", "moto")
def test_the_tables_of_a_test_are_removed(bare_engine):
    create(bare_engine, "one")
    other = Engine(bare_engine.name, bare_engine.endpoint_url, prefix="kept-" + bare_engine.prefix)
    kept = create(other, "two")
    bare_engine.remove_tables()
    assert kept in bare_engine.boto3().list_tables()["TableNames"]
    other.remove_tables()
    other.close()
    assert not any(
        bare_engine.prefix in name for name in bare_engine.boto3().list_tables()["TableNames"]
    )


@known_fault("extenddb", "is named here, so that the mark itself is tested")
def test_a_known_fault_counts_on_its_engine_only(bare_engine):
    assert bare_engine.name != "extenddb"


@pytest.mark.parametrize("round", [1, 2])
def test_a_table_of_the_test_before_is_not_in_the_way(bare_engine, round):
    create(bare_engine, "same")
    names = bare_engine.boto3().list_tables()["TableNames"]
    assert [name for name in names if name.startswith(bare_engine.prefix)] == [
        bare_engine.table_name("same")
    ]


@pytest.mark.engines("extenddb", embedded=False)
def test_extenddb_checks_signatures(bare_engine):
    import boto3
    from botocore.exceptions import ClientError

    client = boto3.client(
        "dynamodb",
        endpoint_url=bare_engine.endpoint_url,
        aws_access_key_id=engines.ACCESS_KEY,
        aws_secret_access_key="not the secret",
    )
    with pytest.raises(ClientError) as caught:
        client.list_tables()
    client.close()
    assert caught.value.response["Error"]["Code"] in {
        "InvalidSignatureException",
        "UnrecognizedClientException",
    }


@pytest.mark.engines("dynoxide", "extenddb", embedded=False)
@pytest.mark.parametrize("name", SERVERS)
def test_an_engine_ends_with_its_server(name):
    server = Server(SERVERS[name], fetched(name))
    assert connects(server.port)
    server.stop()
    assert not connects(server.port)
    assert not Path(server.directory.name).exists()


@pytest.mark.engines("dynoxide", "extenddb", embedded=False)
@pytest.mark.parametrize("name", SERVERS)
def test_an_engine_ends_when_its_test_run_is_killed(name):
    binary = fetched(name)
    script = (
        "import sys, pathlib; from tests.engines import *;"
        f"server = Server(SERVERS[{name!r}], pathlib.Path(sys.argv[1]));"
        "print(server.port, server.directory.name, flush=True); sys.stdin.read()"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", script, str(binary)],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with run:
        port, directory = run.stdout.readline().split()
        assert connects(int(port))
        run.send_signal(signal.SIGKILL)
    end = time.monotonic() + 10
    while connects(int(port)) and time.monotonic() < end:
        time.sleep(0.02)
    assert not connects(int(port))
    subprocess.run(["rm", "-r", directory], check=True)  # the killed run could not


@pytest.mark.engines("dynoxide", embedded=False)
def test_an_engine_that_died_is_started_anew():
    servers = Servers()
    first = servers["dynoxide"]
    os.killpg(first.process.pid, signal.SIGKILL)
    first.process.wait()
    assert not first.alive()
    second = servers["dynoxide"]
    assert second is servers["dynoxide"]
    assert second.alive()
    servers.stop()
    assert not second.alive()


def test_an_engine_that_does_not_start_says_what_it_printed():
    broken = SERVERS["dynoxide"]._replace(arguments=["-c", "echo no such engine >&2; exit 3"])
    with pytest.raises(RuntimeError, match="no such engine"):
        Server(broken, Path("/bin/sh"))


def test_without_npm_the_reason_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"dynoxide 1\.2\.1 cannot be fetched: npm is not"):
        fetch(SERVERS["dynoxide"], tmp_path / "cache")


def test_what_npm_says_when_it_fails_is_said(tmp_path, monkeypatch):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code E404' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(Unavailable, match="npm error code E404"):
        fetch(SERVERS["dynoxide"], tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["dynoxide.lock"]


@pytest.mark.engines("dynoxide", embedded=False)
def test_two_runs_may_fetch_an_engine_at_once(tmp_path):
    fetched("dynoxide")  # skips here where it cannot be had at all
    script = (
        "import sys, pathlib; from tests.engines import *;"
        "print(fetch(SERVERS['dynoxide'], pathlib.Path(sys.argv[1])))"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            cwd=Path(__file__).parent.parent,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [run.communicate()[0].strip() for run in runs]
    assert said[0] == said[1]
    assert Path(said[0]).is_file()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dynoxide-1.2.1", "dynoxide.lock"]


def connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


# -- what transactions do on them: models are built on it ------------------------------------------


def add(table, key, amount=1, **more):
    """Return a part of a transaction that adds to an item."""
    return {
        "Update": {
            "TableName": table,
            "Key": {"id": {"S": key}},
            "UpdateExpression": "ADD #n :n",
            "ExpressionAttributeNames": {"#n": "n"},
            "ExpressionAttributeValues": {":n": {"N": str(amount)}},
            **more,
        }
    }


def absent(table, key, returning="ALL_OLD"):
    """Return a part of a transaction that wants an item not to be there."""
    return {
        "ConditionCheck": {
            "TableName": table,
            "Key": {"id": {"S": key}},
            "ConditionExpression": "attribute_not_exists(#i)",
            "ExpressionAttributeNames": {"#i": "id"},
            "ReturnValuesOnConditionCheckFailure": returning,
        }
    }


def numbers(engine, table):
    """Return what is stored, as numbers by key."""
    items = engine.boto3().scan(TableName=table, ConsistentRead=True)["Items"]
    return {item["id"]["S"]: int(item["n"]["N"]) for item in items}


def transact(engine, *parts, token=None):
    """Carry a transaction out; return the error's code, and the reasons, where it is refused."""
    # Tokens are of the whole engine, prefixes of one test.
    more = {"ClientRequestToken": engine.prefix + token} if token else {}
    try:
        engine.boto3().transact_write_items(TransactItems=list(parts), **more)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response.get("CancellationReasons", [])
    return "", []


@known_fault("moto", "knows no token again")
def test_a_transaction_with_a_token_that_is_known_is_carried_out_once(bare_engine):
    table = create(bare_engine, "things")
    for token in ("first", "first", "second", "first"):
        assert transact(bare_engine, add(table, "a"), token=token) == ("", [])
    assert numbers(bare_engine, table) == {"a": 2}
    once = add(
        table, "b", ConditionExpression="attribute_not_exists(#i)",
        ExpressionAttributeNames={"#n": "n", "#i": "id"},
    )  # fmt: skip
    for _ in range(2):  # what is answered is what was, not what would be
        assert transact(bare_engine, once, token="third") == ("", [])
    assert numbers(bare_engine, table) == {"a": 2, "b": 1}


def test_a_token_is_free_again_where_its_transaction_was_canceled(bare_engine):
    table = create(bare_engine, "things")
    transact(bare_engine, add(table, "a"))
    parts = add(table, "b"), absent(table, "a")
    for _ in range(2):
        code, _ = transact(bare_engine, *parts, token="first")
        assert code == "TransactionCanceledException"
    bare_engine.boto3().delete_item(TableName=table, Key={"id": {"S": "a"}})
    assert transact(bare_engine, *parts, token="first") == ("", [])
    assert numbers(bare_engine, table) == {"b": 1}


@known_fault("moto", "knows no token again")
def test_a_token_that_comes_with_something_else_is_a_mismatch(bare_engine):
    table = create(bare_engine, "things")
    assert transact(bare_engine, add(table, "a"), token="first") == ("", [])
    for other in (add(table, "a", 2), add(table, "b"), absent(table, "c")):
        code, _ = transact(bare_engine, other, token="first")
        assert code == "IdempotentParameterMismatchException"
    assert numbers(bare_engine, table) == {"a": 1}


def test_reasons_come_in_order_with_the_items_that_were_asked_for(bare_engine):
    table = create(bare_engine, "things")
    transact(bare_engine, add(table, "a", 5), add(table, "b", 7))
    code, reasons = transact(
        bare_engine,
        add(table, "c"),
        absent(table, "b"),
        absent(table, "d"),
        absent(table, "a", returning="NONE"),
        add(table, "e", ConditionExpression="attribute_exists(#n)"),
    )
    assert code == "TransactionCanceledException"
    no = "ConditionalCheckFailed"
    assert [each["Code"] for each in reasons] == ["None", no, "None", no, no]
    assert [each.get("Item") for each in reasons] == [
        None,
        {"id": {"S": "b"}, "n": {"N": "7"}},
        None,
        None,
        None,
    ]
    assert numbers(bare_engine, table) == {"a": 5, "b": 7}


@pytest.mark.engines("dynoxide", "extenddb")  # moto loses updates of threads
def test_transactions_of_many_threads_on_two_items_are_done_or_conflicts(bare_engine):
    """Other threads write the same items one by one: nothing is lost, counted twice or by half."""
    table = create(bare_engine, "things")
    parts = add(table, "a"), add(table, "b")
    answers = Counter()

    def work(number):
        for _ in range(25):
            if number % 4:
                code, reasons = transact(bare_engine, *parts)
                answers[(code, *(each["Code"] for each in reasons))] += 1
                continue
            try:
                bare_engine.boto3().update_item(**add(table, "a")["Update"])
            except ClientError as error:
                answers["single", error.response["Error"]["Code"]] += 1
            else:
                answers["single",] += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    conflict, none = "TransactionConflict", "None"
    assert answers.keys() <= {
        ("",),
        ("single",),
        ("single", "TransactionConflictException"),
        *(
            ("TransactionCanceledException", *codes)
            for codes in ((conflict, conflict), (conflict, none), (none, conflict))
        ),
    }
    assert answers.total() == 200
    done, single = answers["",], answers["single",]
    assert numbers(bare_engine, table) == {"a": done + single, "b": done}


class Speaker:
    def greet(self, name):
        return f"hello {name}"

    async def agreet(self, name):
        return f"hello later, {name}"

    def alone(self):
        return None

    def __iter__(self):
        return iter([1, 2])

    async def __aiter__(self):
        yield 1
        yield 3


def test_do_calls_the_method_or_its_twin(do):
    expected = {"sync": "hello you", "async": "hello later, you"}
    assert do(Speaker().greet, "you") == expected[do.mode]


def test_do_iterates_either_way(do):
    assert do.list(Speaker()) == {"sync": [1, 2], "async": [1, 3]}[do.mode]


def test_do_refuses_a_method_without_a_twin():
    do = Do("async")
    with pytest.raises(AssertionError, match=r"Speaker\.alone has no twin aalone"):
        do(Speaker().alone)


def test_the_developers_own_credentials_are_out_of_reach():
    import boto3

    assert boto3.Session().get_credentials().access_key == engines.ACCESS_KEY
    assert boto3.Session().available_profiles == []


def test_a_client_looks_from_outside(bare_engine):
    client = bare_engine.make_client()
    assert client.list_tables()["TableNames"] == bare_engine.boto3().list_tables()["TableNames"]
    client.close()
