"""``dump`` and ``load``: what they print, and what they ask."""

from __future__ import annotations

import gzip
import json
import os

import pytest

real_servers = pytest.mark.engines("dynoxide", "extenddb")

ITEM = {"id": {"S": "a"}, "city": {"S": "Bonn"}}
LINE = json.dumps({"Item": ITEM}) + "\n"


@pytest.fixture
def table(engine, run):
    run("tables create {shop}:Plain")
    name = engine.table_name("plain")
    engine.boto3().put_item(TableName=name, Item=ITEM)
    return name


@real_servers
@pytest.mark.parametrize(
    ("options", "name"),
    [
        ("", "all.jsonl"),
        ("--segments 3 --consistent --rate 1000", "all.jsonl.gz"),
        ("--gzip", "all"),
    ],
)
def test_a_dump_is_loaded_again(engine, table, run, tmp_path, options, name):
    done = run(f"dump {{shop}}:Plain {name} {options}")
    assert done == (0, f"1 item of {table} written into {name}\n", "", "")
    text = (tmp_path / name).read_bytes()
    lines = text if name == "all.jsonl" else gzip.decompress(text)
    assert [json.loads(line) for line in lines.splitlines()] == [{"Item": ITEM}]

    engine.boto3().delete_item(TableName=table, Key={"id": {"S": "a"}})
    done = run(f"load {{shop}}:Plain {name} --workers 2 --rate 1000")
    assert done == (0, f"1 item put into {table}\n", "", "")
    assert engine.boto3().scan(TableName=table)["Items"] == [ITEM]


@real_servers
def test_json_has_the_numbers_of_items(table, run):
    done = run("dump {shop}:Plain all --json")
    assert (done.status, json.loads(done.out)) == (0, {"items": 1, "continued": 0})
    done = run("load {shop}:Plain all --json --yes")
    assert (done.status, json.loads(done.out)) == (0, {"items": 1, "continued": 0})


@real_servers
def test_a_table_is_named_as_in_dynamodb_too(table, run):
    assert run(f"dump {table} all --import {{shop}}").status == 0


@real_servers
def test_items_are_not_replaced_unasked(table, run, tmp_path):
    (tmp_path / "lines").write_text(LINE)
    done = run("load {shop}:Plain lines")
    assert done.status == 2
    assert f"{table} has items: replace those with the same keys? There is no" in done.err
    assert run("load {shop}:Plain lines -y").status == 0


@real_servers
def test_a_file_is_not_replaced_unasked(table, run, tmp_path):
    (tmp_path / "all").write_text("mine")
    done = run("dump {shop}:Plain all")
    assert (done.status, done.err) == (
        3,
        "error: DumpError: all exists: choose another name, or replace it (overwrite=True, --overwrite)\n",
    )
    assert (tmp_path / "all").read_text() == "mine"
    assert run("dump {shop}:Plain all --overwrite").status == 0


@real_servers
def test_a_broken_line_ends_it_and_the_next_run_continues_without_a_question(table, run, tmp_path):
    (tmp_path / "lines").write_text(LINE + '{"Item": 1}\n')
    done = run("load {shop}:Plain lines --yes")
    assert done.status == 3
    assert "lines, line 2: " in done.err
    done = run("load {shop}:Plain lines")  # the same, without --yes
    assert done.status == 3
    assert "lines, line 2: " in done.err
    done = run("load {shop}:Plain lines --yes --checkpoint other")
    assert "lines, line 2: " in done.err
    assert (tmp_path / "other").exists()


@real_servers
def test_a_pipe_of_two_commands_copies_a_table(engine, table, launcher, shop, tmp_path):
    run = f"{shop}:Plain"
    where = ["--endpoint-url", engine.endpoint_url, "--region", "us-east-1"]
    where += ["--table-prefix", engine.prefix]
    done = launcher.start("dump", run, "-", *where, directory=tmp_path).finish()
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out) == {"Item": ITEM}
    done = launcher.start("load", run, os.devnull, "--yes", *where, directory=tmp_path).finish()
    assert done.status == 3  # a device is no file
    done = launcher.start("load", run, "-", "--yes", *where, directory=tmp_path).finish()
    assert (done.status, done.out) == (0, f"0 items put into {table}\n")
