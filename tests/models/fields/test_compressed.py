"""CompressedField: what goes in comes out, whichever codec wrote it; what is broken is told."""

from __future__ import annotations

import gzip
import importlib
import zlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    CompressedField,
    DictField,
    Document,
    EmbeddedField,
    IntegerField,
    ListField,
    Model,
    ModelDefinitionError,
    QueryError,
    SetField,
    UnreadableValue,
    ValidationError,
)
from dynamodb_py.codec import encode
from dynamodb_py.models.fields.containers import compressed
from dynamodb_py.models.persistence.update_actions import build_update

from ...expressions.strategies import items
from ..wire import model_of, read_by, stored_by

try:
    from compression import zstd as _zstd  # noqa: F401 - from Python 3.14 on

    ZSTD = True
except ImportError:
    ZSTD = importlib.util.find_spec("zstandard") is not None

needs_zstd = pytest.mark.skipif(not ZSTD, reason="no zstd; the extra zstd has it")
CODECS = ["zlib", pytest.param("zstd", marks=needs_zstd)]


class Line(Document):
    qty = IntegerField(default=1, max_value=3)

    def clean_qty(self, value):
        if value == 2:
            raise ValueError("no two")
        return value


VALUES = [
    (None, {"a": [1, Decimal("1.25"), b"\x00", {1, 2}, None, True, "é"]}),
    (None, ["x"] * 100),
    (None, "text"),
    (None, 7),
    (None, {}),
    (str, "é" * 100),
    (str, ""),
    (bytes, b"\x00\xff" * 100),
    (bytes, b""),
    (int, 10**30),
    (Decimal, Decimal("1.5")),
    (bool, False),
    (ListField(int), [1, 2]),
    (DictField(Line), {"a": Line(qty=3)}),
    (Line, Line(qty=3)),
    (EmbeddedField(Line), Line()),
    (SetField(str), {"a", "b"}),
    (CompressedField(str), "twice"),
    (CharField(null=True), "maybe"),
]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("of", "value"), VALUES, ids=range(len(VALUES)))
def test_what_goes_in_comes_out(codec, of, value):
    wire = stored_by(CompressedField(of, codec=codec), value)
    assert list(wire) == ["B"]
    for other in ("zlib", "zstd") if ZSTD else ("zlib",):  # either reads what both wrote
        found = read_by(CompressedField(of, codec=other), wire)
        assert (found, type(found)) == (value, type(value))


@given(items)
def test_free_values_survive(value):
    field = CompressedField().bound_to("Test", "x")
    assert field.decode(field.encode(value)) == DictField().bound_to("T", "x").decode(encode(value))


@given(st.binary(), st.sampled_from([-1, 0, 1, 9]))
def test_bytes_survive_at_every_level(value, level):
    field = CompressedField(bytes, level=level).bound_to("Test", "x")
    assert field.decode(field.encode(value)) == value


def test_text_and_bytes_are_compressed_as_they_are():
    assert zlib.decompress(stored_by(CompressedField(str), "é")["B"]) == "é".encode()
    assert zlib.decompress(stored_by(CompressedField(bytes), b"raw")["B"]) == b"raw"
    assert zlib.decompress(stored_by(CompressedField(), {"a": 1})["B"]) == b'{"M":{"a":{"N":"1"}}}'


def test_a_level_makes_a_difference():
    value = bytes(range(256)) * 50
    sizes = [len(stored_by(CompressedField(bytes, level=at), value)["B"]) for at in (0, 1, 9)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > len(value) > sizes[1]


# -- in a model ------------------------------------------------------------------------------------


class Page(Model):
    k = CharField(hash_key=True)
    text = CompressedField(str)
    doc = CompressedField(default=dict)
    lines = CompressedField(ListField(Line))


def page(**wires):
    return Page.from_db({"k": {"S": "a"}, **wires})


def test_what_another_level_or_codec_wrote_is_no_change():
    text = "so so " * 100
    found = page(text={"B": zlib.compress(text.encode(), 1)})
    assert found.text == text
    assert not found.is_changed
    found.text = text + "!"
    assert list(found.changes()) == ["text"]


def test_an_edit_in_place_is_a_change():
    found = page(doc=stored_by(CompressedField(), {"a": [1]}))
    found.doc["a"].append(2)
    assert found.changes() == {"doc": ({"a": [1]}, {"a": [1, 2]})}


def test_what_is_wrong_inside_is_told_with_its_path():
    wrong = Page(k="a", text=5, doc={"a": [object()]}, lines=[Line(), Line(qty=9), Line(qty=2)])
    with pytest.raises(ValidationError) as caught:
        wrong.full_clean()
    assert {path: message[0][:25] for path, message in caught.value.errors.items()} == {
        "text": "5 is an int, not text",
        "doc.a[0]": "a value of type object ca",
        "lines[1].qty": "9 is greater than max_val",
        "lines[2].qty": "no two",
    }


def test_documents_inside_come_back_from_dicts():
    assert Page.from_dict({"k": "a", "lines": [{"qty": 3}]}).lines == [Line(qty=3)]


@pytest.mark.parametrize(
    "ask",
    [
        lambda: Page.text == "x",
        lambda: Page.text.is_in("x", "y"),
        lambda: Page.text > "x",
        lambda: Page.doc.contains("a"),
        lambda: Page.doc["a"],
        lambda: Page.objects.filter(k="a", text="x"),
        lambda: Page.objects.filter(k="a", text__in=["x"]),
        lambda: Page.objects.filter(k="a", text__startswith="x"),
        lambda: Page.objects.filter(k="a", doc__a=1),
    ],
    ids=range(9),
)
def test_nothing_can_be_asked_of_what_is_compressed(ask):
    with pytest.raises(QueryError):
        ask()


@pytest.mark.parametrize(
    "ask",
    [
        lambda: Page.objects.filter(k="a", text__exists=True),
        lambda: Page.objects.filter(k="a", text=None),
        lambda: Page.objects.filter(k="a", text__isnull=False),
        lambda: Page.objects.filter(k="a", text__size__gt=100),
        lambda: Page.objects.filter(Page.text.exists(), Page.text != None, k="a"),  # noqa: E711
    ],
    ids=range(5),
)
def test_whether_there_is_one_and_how_large_can_be_asked(ask):
    assert ask().operation().expressions.filter


def test_an_update_writes_it_whole():
    [change] = build_update(Page._meta, (), {"text": "x"})
    assert zlib.decompress(change.value.wire["B"]) == b"x"
    [change] = build_update(Page._meta, [Page.text.set("y")], {})
    assert zlib.decompress(change.value.wire["B"]) == b"y"


# -- what is broken --------------------------------------------------------------------------------

GOOD = zlib.compress(b"x" * 100)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "neither zlib nor zstd"),
        (b"plain", "neither zlib nor zstd"),
        (gzip.compress(b"x"), "neither zlib nor zstd"),
        (GOOD[:-1], "it is broken"),
        (GOOD[:-4] + b"\0\0\0\0", "it is broken"),
        (zlib.compress(b"\xff"), "'utf-8' codec can't decode"),
    ],
    ids=range(6),
)
def test_what_cannot_be_read_is_told_and_left_alone(content, message):
    found = page(text={"B": content})
    with pytest.raises(UnreadableValue, match=rf"Page\.text: .*{message}"):
        _ = found.text
    assert found.doc == {}
    assert not found.is_changed


@needs_zstd
def test_zstd_that_is_broken_or_ends_too_early_is_told():
    good = stored_by(CompressedField(str, codec="zstd"), "so so " * 100)["B"]
    for content in (good[:-2], good[:4] + b"\xff" * 8):
        with pytest.raises(UnreadableValue, match="it is broken"):
            _ = page(text={"B": content}).text


@needs_zstd
def test_zstd_without_its_size_is_read():
    zstandard = pytest.importorskip("zstandard")
    writing = zstandard.ZstdCompressor().compressobj()
    content = writing.compress(b"x" * 1000) + writing.flush()
    assert page(text={"B": content}).text == "x" * 1000


def test_without_zstd_that_is_told_when_it_is_needed(monkeypatch):
    monkeypatch.setattr(compressed, "_zstd_functions", [None])
    with pytest.raises(
        ModelDefinitionError, match=r"not installed: pip install dynamodb_py\[zstd\]"
    ):
        model_of(CompressedField(codec="zstd"))
    with pytest.raises(UnreadableValue, match=r"compressed by zstd, which is not installed"):
        _ = page(text={"B": b"\x28\xb5\x2f\xfd\x00"}).text


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CompressedField(codec="gzip"), 'it takes "zlib" or "zstd"'),
        (lambda: CompressedField(level=10), "zlib has levels from -1 to 9"),
        (lambda: CompressedField(level="9"), "zlib has levels from -1 to 9"),
        (lambda: CompressedField(range_key=True), "it cannot be a key or unique"),
        (lambda: CompressedField(unique=True), "it cannot be a key or unique"),
        (lambda: CompressedField(of=object), "it takes a field, str, bytes"),
        (lambda: CompressedField(of=CharField(default="x")), "default= means nothing inside"),
        (lambda: CompressedField(int, default="x"), "default='x' cannot be stored"),
        (lambda: CompressedField(str, max_length=5), "max_length= means nothing for"),
    ],
    ids=range(9),
)
def test_what_is_declared_wrongly_is_told(make, message):
    with pytest.raises(ModelDefinitionError, match=message):
        model_of(make())
