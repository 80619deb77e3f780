"""What is dumped is what is in the table, and what is loaded is what is in the file."""

from __future__ import annotations

import base64
import gzip
import io
import json
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamodb_py import DumpError, Table, TableNotFound, connect
from dynamodb_py.dumps import dump_table, is_empty, load_table, name_checkpoint

from .items import Copy, Thing, make_items, read_lines, write_lines


@pytest.fixture
def things(engine):
    Table(Thing).create()
    Table(Copy).create()
    return engine.table_name("things")


@pytest.mark.parametrize(("segments", "name"), [(1, "a.jsonl"), (4, "a.jsonl.gz")])
def test_every_type_of_attribute_is_the_same_in_another_table_and_engine(
    engine, things, tmp_path, segments, name
):
    items = make_items(60)
    source, output, again = tmp_path / "source", tmp_path / name, tmp_path / "again"
    source.write_bytes(write_lines(items))
    assert load_table(things, source).items == 60
    assert dump_table(things, output, segments=segments).items == 60
    text = output.read_bytes()
    assert read_lines(gzip.decompress(text) if name.endswith("gz") else text) == items

    copies = engine.table_name("copies")
    elsewhere = connect(f"memory://{uuid.uuid4()}", alias="elsewhere")
    Table(Copy, using="elsewhere").create()
    for table, using in ((copies, None), ("copies", "elsewhere")):
        assert is_empty(table, using=using)
        assert load_table(table, output, using=using).items == 60
        assert not is_empty(table, using=using)
        assert dump_table(table, again, using=using, overwrite=True).items == 60
        assert read_lines(again.read_bytes()) == items
    elsewhere.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(["source", name, "again"])


def test_an_existing_item_is_replaced_whole_and_the_last_line_of_a_key_counts(things, tmp_path):
    first, second = make_items(2)
    old = {**first, "old": {"S": "gone"}}
    for lines in ([old, second], [first, {**second, "text": {"S": "1"}}, second]):
        (tmp_path / "source").write_bytes(write_lines(lines))
        load_table(things, tmp_path / "source")
    dump_table(things, tmp_path / "all")
    assert read_lines((tmp_path / "all").read_bytes()) == [first, second]


def test_open_files_are_taken_as_standard_input_and_output_are(things):
    items, output = make_items(3), io.BytesIO()
    assert load_table(things, io.BytesIO(gzip.compress(write_lines(items)))).items == 3
    assert dump_table(things, output, compress=True).items == 3
    assert read_lines(gzip.decompress(output.getvalue())) == items


def test_a_folder_of_an_export_to_s3_is_loaded(things, tmp_path):
    items, data = make_items(5), tmp_path / "data"
    data.mkdir()
    listed = []
    for name, part in (("b.json.gz", items[:2]), ("a.json.gz", items[2:])):
        (data / name).write_bytes(gzip.compress(write_lines(part)))
        key = f"AWSDynamoDB/01/data/{name}"
        listed.append(json.dumps({"itemCount": len(part), "dataFileS3Key": key}))
    seen = []
    (tmp_path / "manifest-files.json").write_text("\n".join(listed))
    report = load_table(things, tmp_path, progress=lambda *numbers: seen.append(numbers))
    assert (report.items, seen[-1]) == (5, (5, 5))
    (tmp_path / "manifest-files.json").unlink()
    assert load_table(things, data).items == 5
    dump_table(things, tmp_path / "all")
    assert read_lines((tmp_path / "all").read_bytes()) == items


def test_a_rate_and_pages_lose_nothing(things, tmp_path):
    items = make_items(30, large={"S": "x" * 100_000})
    (tmp_path / "source").write_bytes(write_lines(items))
    seen = []
    load_table(things, tmp_path / "source", rate=100_000, workers=2)
    dump_table(
        things,
        tmp_path / "all",
        segments=2,
        rate=100_000,
        consistent=True,
        progress=lambda *numbers: seen.append(numbers),
    )
    assert read_lines((tmp_path / "all").read_bytes()) == items
    assert len(seen) > 1
    assert seen[-1] == (30, 30)


SCALARS = st.one_of(
    st.text(max_size=5).map(lambda text: {"S": text}),
    st.integers(-(10**37), 10**37).map(lambda n: {"N": str(n)}),
    st.binary(max_size=5).map(lambda b: {"B": base64.b64encode(b).decode()}),
    st.booleans().map(lambda truth: {"BOOL": truth}),
    st.just({"NULL": True}),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: {"L": each})
        | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3).map(
            lambda each: {"M": each}
        )
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def memory():
    connection = connect(f"memory://{uuid.uuid4()}", alias="memory")
    Table(Thing, using="memory").create()
    yield "memory"
    connection.close()


@settings(max_examples=25)
@given(value=VALUES, name=st.text(min_size=1, max_size=8).filter(lambda name: name not in "idn"))
def test_any_value_under_any_name_comes_back(memory, value, name):
    item = {"id": {"S": "a"}, "n": {"N": "1"}, name: value}
    load_table("things", io.BytesIO(write_lines([item])), using=memory)
    output = io.BytesIO()
    dump_table("things", output, using=memory)
    assert read_lines(output.getvalue()) == [item]


LINE = write_lines(make_items(1))

BROKEN = [
    (b'{"Item": {"id": {"S": "a"}', 'it is not {"Item": {...}} in DynamoDB JSON'),
    (b'{"id": {"S": "a"}}', 'it is not {"Item": {...}} in DynamoDB JSON'),
    (b'{"Metadata": {}, "Keys": {}, "NewImage": {}}', "missing required field `Item`"),
    (b'{"Item": {"id": "a"}}', "a stored item cannot be read"),
    (b'{"Item": {"id": {"X": "a"}}}', "an attribute value of no known type"),
    (b'{"Item": {"id": {"N": "x"}}}', "'x' is not a number"),
    (b'{"Item": {"id": {"S": "a"}}}', "the item has no key of the table: id (S) and n (N)"),
    (b'{"Item": {"id": {"S": ""}, "n": {"N": "1"}}}', "DynamoDB rejects the item"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "problem"), BROKEN, ids=range(len(BROKEN)))
@pytest.mark.parametrize("packed", [False, True])
def test_a_broken_line_is_named_and_those_before_it_are_loaded(
    things, tmp_path, line, problem, packed
):
    text = LINE + b"\n" + line + b"\n" + LINE
    source = tmp_path / "source"
    source.write_bytes(gzip.compress(text) if packed else text)
    with pytest.raises(DumpError) as caught:
        load_table(things, source)
    assert f"{source}, line 3: " in str(caught.value)
    assert problem in str(caught.value)
    assert not is_empty(things)


def test_what_cannot_be_done_is_refused_before_anything_is_written(things, tmp_path):
    whole = tmp_path / "whole.gz"
    whole.write_bytes(gzip.compress(LINE * 100)[:-9])
    (tmp_path / "empty").mkdir()
    (tmp_path / "there").write_text("mine")
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "manifest-files.json").write_text('{"dataFileS3Key": "x/data/y.gz"}')
    table = [
        (lambda: load_table(things, tmp_path / "nothing"), DumpError, "there is no file or folder"),
        (lambda: load_table(things, tmp_path / "empty"), DumpError, "has no manifest-files.json"),
        (lambda: load_table(things, tmp_path / "export"), DumpError, "y.gz is missing"),
        (lambda: load_table(things, whole), DumpError, "damaged after line"),
        (lambda: load_table("no-such", tmp_path / "there"), TableNotFound, "no-such"),
        (lambda: load_table(things, tmp_path / "there", workers=0), DumpError, "workers=0"),
        (lambda: dump_table("no-such", tmp_path / "x"), TableNotFound, "no-such"),
        (lambda: dump_table(things, tmp_path / "there"), DumpError, "there exists"),
        (lambda: dump_table(things, tmp_path / "x", segments=0), DumpError, "segments=0"),
        (lambda: is_empty("no-such"), TableNotFound, "no-such"),
    ]
    for call, kind, message in table:
        with pytest.raises(kind, match=message):
            call()
    assert (tmp_path / "there").read_text() == "mine"
    assert not (tmp_path / "x").exists()


def test_a_checkpoint_of_another_table_or_of_other_files_is_refused(engine, things, tmp_path):
    source, output = tmp_path / "source", tmp_path / "all"
    source.write_bytes(LINE + b"broken\n")
    with pytest.raises(DumpError, match="line 2"):
        load_table(things, source)
    with pytest.raises(DumpError, match="is the checkpoint of the table"):
        load_table(engine.table_name("copies"), source)
    source.write_bytes(LINE + LINE)
    with pytest.raises(DumpError, match="is the checkpoint of other files"):
        load_table(things, source)
    name_checkpoint(source, "load").unlink()
    assert load_table(things, source).items == 2

    name_checkpoint(output, "dump").write_text('{"table": "another", "places": [null]}')
    with pytest.raises(DumpError, match="is the checkpoint of the table another"):
        dump_table(things, output)
    name_checkpoint(output, "dump").write_text("{")
    with pytest.raises(DumpError, match="is not a checkpoint"):
        dump_table(things, output)
