"""Tables are inspected: what is read of them, and the code that comes of it."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import uuid
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    GlobalIndex,
    IntegerField,
    LocalIndex,
    Model,
    QueryError,
    SharedTable,
    Table,
    TableNotFound,
    TimestampField,
    connect,
)
from dynamodb_py.dumps import load_table
from dynamodb_py.introspection import check_table, inspect_table
from dynamodb_py.introspection.checking import find_misfits

from ..dumps.items import Thing, make_items, write_lines
from ..test_typing import needs


class Account(Model):
    class Meta:
        table_name = "my-accounts.v1"
        stream = "new_image"
        read_capacity = 3
        write_capacity = 4

    id = CharField(hash_key=True)
    number = IntegerField(range_key=True)
    email = CharField()
    expires = TimestampField(ttl=True)

    by_email = GlobalIndex(
        "by-email", hash_key="email", projection=["number"], read_capacity=1, write_capacity=2
    )
    by_expiry = LocalIndex(range_key="expires", projection="keys")


@pytest.fixture
def bare(engine):
    """The alias of a connection without a prefix."""
    connection = connect(engine.address, alias="bare", **engine.access)
    yield "bare"
    connection.close()


def inspect(engine, table, **options):
    return inspect_table(engine.table_name(table), using="bare", **options)


def put(engine, table, items):
    load_table(engine.table_name(table), io.BytesIO(write_lines(items)))


def read_class(source, name):
    """Return the lines of a class, without comments."""
    _, _, rest = source.partition(f"class {name}(")
    lines = rest.partition("\n\n\n")[0].splitlines()
    return [line.strip().partition("  # ")[0] for line in lines[1:] if line.strip()]


def test_keys_indexes_and_options_are_those_of_the_table(engine, bare):
    Table(Account).create()
    found = inspect(engine, "my-accounts.v1")
    name = found.root.__name__
    assert name.endswith("MyAccountsV1")
    lines = read_class(found.source, name)
    expected = [
        '"""An item of the table."""',
        "class Meta:",
        f'table_name = "{engine.table_name("my-accounts.v1")}"',
        "read_capacity = 3",
        "write_capacity = 4",
        'stream = "new_image"',
        "id = CharField(hash_key=True)",
        "number = DecimalField(range_key=True)",
        "expires = TimestampField(ttl=True)",
        "email = CharField()",
        'by_expiry = LocalIndex(range_key="expires", projection="keys")',
        "by_email = GlobalIndex(",
        '"by-email",',
        'hash_key="email",',
    ]
    assert sorted(lines[: len(expected)]) == sorted(expected)  # indexes come in any order
    assert found.sample.is_whole
    assert [each for each in Table(found.root, using=bare).diff() if "capacity" not in each] == []


def test_a_table_without_items_or_no_table_at_all(engine, bare):
    Table(Thing).create()
    found = inspect(engine, "things")
    assert "Items that were read: 0, all." in found.source
    assert found.attributes == {}
    with pytest.raises(TableNotFound):
        inspect(engine, "nothing")
    with pytest.raises(QueryError, match="sample=0: give a number from 1"):
        inspect(engine, "things", sample=0)


def test_every_type_is_read_and_what_differs_has_no_field(engine, bare):
    Table(Thing).create()
    items = make_items(10)
    items[0]["odd"], items[1]["odd"] = {"S": "a"}, {"N": "1"}
    put(engine, "things", items)
    found = inspect(engine, "things")
    lines = read_class(found.source, found.root.__name__)
    for line in (
        "n = IntegerField(range_key=True)",
        "text = CharField()",
        "digits = IntegerField()",
        "small = DecimalField()",
        'no_bytes = BinaryField(name="no bytes")',
        "yes = BooleanField()",
        "list = ListField()",
        "map = EmbeddedField(Map)",
        "texts = SetField(str)",
        "numbers = SetField(Decimal)",
        "blobs = SetField(bytes)",
        '# extra["none"] has values that no field can read: 10 of 10, 10 NULL',
        '# extra["odd"] has values that no field can read: 2 of 10, 1 N, 1 S',
    ):
        assert line in lines, lines
    rows = {row.n: row for row in found.root.objects.using(bare).scan()}
    assert (rows[0].extra["odd"], rows[1].extra["odd"]) == ("a", 1)
    assert rows[0].digits == int("12345678901234567890123456789012345678")


def test_the_sample_comes_from_all_over_the_table_and_has_a_price(engine, bare):
    Table(Thing).create()
    put(engine, "things", [{**item, "id": {"S": f"{item['n']['N']}"}} for item in make_items(200)])
    found = inspect(engine, "things", sample=32)
    assert len(found.sample.items) == 32
    assert not found.sample.is_whole
    assert found.sample.units > 0
    assert "Items that were read: 32, of " in found.source
    whole = inspect(engine, "things", sample=1000)
    assert (len(whole.sample.items), whole.sample.is_whole) == (200, True)


def test_what_was_not_seen_raises_when_it_is_read_and_a_check_finds_it(engine, bare):
    Table(Thing).create()
    key = {"id": {"S": "a"}}
    items = [{**key, "n": {"N": str(n)}, "map": {"M": {"x": {"N": "1"}}}} for n in range(5)]
    put(engine, "things", items)
    found = inspect(engine, "things")
    odd = {**key, "n": {"N": "9"}, "map": {"M": {"x": {"S": "text"}}}, "new": {"S": "x"}}
    put(engine, "things", [odd, {**odd, "n": {"N": "10"}}])
    seen = []
    report = check_table(
        found.root, engine.table_name("things"), using=bare, progress=lambda *n: seen.append(n)
    )
    [(path, (number, misfit))] = report.misfits.items()
    assert (report.items, path.partition(".")[2], number) == (7, "map.x", 2)
    assert misfit.row.n == 9
    assert "N was expected" in misfit.error
    assert seen[-1] == (7, 7)


def test_a_word_that_decides_which_attributes_there_are_makes_classes(engine, bare):
    Table(Thing).create()
    common = {"id": {"S": "a"}, "name": {"S": "x"}, "size": {"N": "1"}}
    dogs = [{**common, "kind": {"S": "dog"}, "bark": {"N": "1"}} for _ in range(4)]
    cats = [{**common, "kind": {"S": "Cat"}, "lives": {"N": "9"}} for _ in range(4)]
    for item in cats:
        item["size"] = {"S": "small"}
    items = [{**item, "n": {"N": str(n)}} for n, item in enumerate(dogs + cats)]
    put(engine, "things", items)
    found = inspect(engine, "things")
    root = found.root.__name__
    assert 'discriminator = "kind"' in read_class(found.source, root)
    assert read_class(found.source, "Dog")[1:] == [
        f"class Meta({root}.Meta):",
        'kind = "dog"',
        "bark = IntegerField()",
        "size = IntegerField()",
    ]
    assert "size = CharField()" in read_class(found.source, "Cat")
    rows = {row.n: row for row in found.root.objects.using(bare).scan()}
    assert [type(rows[n]).__name__ for n in (0, 4)] == ["Dog", "Cat"]
    assert (rows[0].bark, rows[4].size) == (1, "small")


def test_a_state_with_one_attribute_of_its_own_makes_no_classes(engine, bare):
    Table(Thing).create()
    items = [{"id": {"S": "a"}, "n": {"N": str(n)}, "state": {"S": "open"}} for n in range(8)]
    for item in items[:4]:
        item |= {"state": {"S": "paid"}, "paid_on": {"S": "2026-11-01"}}
    put(engine, "things", items)
    assert "discriminator" not in inspect(engine, "things").source


class App(SharedTable):
    class Meta:
        table_name = "app"
        discriminator = None

    pk = CharField(hash_key=True)
    sk = CharField(range_key=True)
    gsi1pk = CharField()
    by_gsi1 = GlobalIndex(hash_key="gsi1pk", range_key="pk")


@pytest.mark.parametrize("words", [("USER", "ORDER"), ("user", "order")])
def test_keys_that_begin_with_words_make_models_of_a_shared_table(engine, bare, words):
    user, order = words
    Table(App).create()
    items = [
        {"pk": {"S": f"{user}#{n}"}, "sk": {"S": "PROFILE"}, "name": {"S": "x"}} for n in range(3)
    ] + [
        {
            "pk": {"S": f"{user}#{n}"},
            "sk": {"S": f"{order}#{n}#{m}"},
            "gsi1pk": {"S": f"PRODUCT#{m}"},
            "total": {"N": "1.5"},
        }
        for n in range(3)
        for m in (3, 4)
    ]
    put(engine, "app", items)
    found = inspect(engine, "app")
    if words == ("user", "order"):  # only capitals are words
        assert "SharedTable" not in found.source
        return
    assert "discriminator = None" in read_class(found.source, found.root.__name__)
    assert read_class(found.source, "Profile") == [
        '"""3 items."""',
        "class Meta:",
        f"table = {found.root.__name__}",
        "keys = {",
        '"pk": "USER#{user_key}",',
        '"sk": "PROFILE",',
        "}",
        "user_key = CharField()",
        "name = CharField()",
    ]
    order_lines = read_class(found.source, "Order")
    assert '"sk": "ORDER#{order_key}#{order_key_2}",' in order_lines
    assert '"gsi1pk": "PRODUCT#{product_key}",' in order_lines
    assert issubclass(found.root, SharedTable)
    collection = found.root.collection(user_key="1", using=bare)
    assert sorted(type(each).__name__ for each in collection) == ["Order", "Order", "Profile"]
    assert list(find_misfits(found.root, found.sample.items)) == []


def test_the_observation_has_what_is_inside_as_json(engine, bare):
    import msgspec

    Table(Thing).create()
    put(
        engine,
        "things",
        [
            {
                "id": {"S": "a"},
                "n": {"N": "1"},
                "map": {"M": {"l": {"L": [{"S": "x"}, {"N": "1"}]}}},
            },
            {"id": {"S": "a"}, "n": {"N": "2"}, "map": {"NULL": True}},
        ],
    )
    found = json.loads(msgspec.json.encode(inspect(engine, "things").attributes))
    assert found["map"] == {
        "seen": 2,
        "types": {"M": 1, "NULL": 1},
        "members": {
            "l": {"seen": 1, "types": {"L": 1}, "elements": {"seen": 2, "types": {"S": 1, "N": 1}}}
        },
    }


NAMES = st.one_of(
    st.sampled_from(
        ["class", "save", "int", "CharField", "Model", "Document", "Thing", "a", "A", "list"]
    ),
    st.text(min_size=1, max_size=6),
)
SCALARS = st.one_of(
    st.text(max_size=5).map(lambda text: {"S": text}),
    st.sampled_from(["2026-11-01", "t", "f", "{}", "P1D"]).map(lambda text: {"S": text}),
    st.decimals(-(10**20), 10**20, places=2).map(lambda n: {"N": f"{n:f}"}),
    st.integers(0, 4 * 10**9).map(lambda n: {"N": str(n)}),
    st.binary(max_size=9).map(lambda b: {"B": base64.b64encode(b).decode()}),
    st.booleans().map(lambda truth: {"BOOL": truth}),
    st.just({"NULL": True}),
    st.sets(st.text(max_size=3), min_size=1).map(lambda each: {"SS": sorted(each)}),
    st.sets(st.integers(), min_size=1, max_size=3).map(lambda each: {"NS": sorted(map(str, each))}),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: {"L": each})
        | st.dictionaries(NAMES, inner, max_size=3).map(lambda each: {"M": each})
    ),
    max_leaves=6,
)
ITEMS = st.lists(
    st.dictionaries(NAMES.filter(lambda name: name not in ("id", "n")), VALUES, max_size=5),
    min_size=1,
    max_size=8,
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder for code."""
    return tmp_path_factory.mktemp("written")


@settings(max_examples=60)
@given(items=ITEMS)
def test_any_items_give_models_that_read_them_all(written, items):
    connection = connect(f"memory://{uuid.uuid4()}", alias="any")
    Table(Thing, using="any").create()
    keys = [{"id": {"S": "a"}, "n": {"N": str(n)}} for n in range(len(items))]
    lines = [{**item, **key} for item, key in zip(items, keys, strict=True)]
    load_table("things", io.BytesIO(write_lines(lines)), using="any")
    found = inspect_table("things", using="any")
    (written / f"models_{len(list(written.iterdir()))}.py").write_text(found.source)
    assert list(find_misfits(found.root, found.sample.items)) == []
    rows = {row.n: row for row in found.root.objects.using("any").scan()}
    assert rows.keys() == set(range(len(items)))
    connection.close()


def test_the_code_is_as_ruff_formats_it_and_right_for_mypy(written):
    for tool, options in (
        ("ruff", ["format", "--isolated", "--check"]),
        ("mypy", ["--config-file", "pyproject.toml"]),
    ):
        needs(tool)
        files = sorted(map(str, written.glob("*.py")))
        assert files
        done = subprocess.run(
            [sys.executable, "-m", tool, *options, *files],
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_moments_and_durations_are_guessed_where_all_samples_agree(engine, bare):
    Table(Thing).create()
    now = datetime.now(timezone.utc).isoformat(timespec="microseconds")
    item = {"id": {"S": "a"}, "n": {"N": "1"}, "at": {"S": now}, "created_at": {"N": "1793536200"}}
    put(engine, "things", [item])
    source = inspect(engine, "things").source
    assert "at = DateTimeField()  # 1 of 1; a guess: all are ISO 8601 in UTC" in source
    assert "created_at = TimestampField()  # 1 of 1; a guess: all are seconds since 1970" in source
