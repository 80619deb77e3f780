from __future__ import annotations

import copy
import pickle

import pytest

from dynamodb_py.exceptions import QueryError, ValidationError
from dynamodb_py.expressions import (
    AFFIX,
    FREE,
    F,
    Names,
    Path,
    Size,
    Value,
    check_apart,
)


@pytest.mark.parametrize(
    ("path", "text", "names"),
    [
        (Path(("a",)), "#0", ["a"]),
        (Path(("a.b",)), "#0", ["a.b"]),
        (Path(("a",))["b"], "#0.#1", ["a", "b"]),
        (Path(("a",))["a"]["a"], "#0.#0.#0", ["a"]),
        (Path(("a",))[0][12]["x y"], "#0[0][12].#1", ["a", "x y"]),
        (Path(("a",))["0"], "#0.#1", ["a", "0"]),
    ],
    ids=str,
)
def test_spelling(path, text, names):
    placeholders = Names()
    assert path.render(placeholders) == text
    assert list(placeholders.names.values()) == names


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a", ("a",)),
        ("doc__a__0", ("doc", "a", 0)),
        ("doc__a0", ("doc", "a0")),
        ("7", ("7",)),
        ("_id", ("_id",)),
        ("doc__٣", ("doc", "٣")),  # a digit, but not one of DynamoDB's
    ],
)
def test_f_takes_djangos_spelling(name, parts):
    assert F(name)._path() == Path(parts)
    assert F(name)._path().by_name


@pytest.mark.parametrize("name", ["", "__a", "a__", "a____b"])
def test_f_refuses_names_with_an_empty_part(name):
    with pytest.raises(QueryError, match="with a name in each place"):
        F(name)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (-1, r"Test\.doc\[-1\]: DynamoDB counts from the start of a list only; read the item"),
        (True, "a part is the key of a map or an index of a list"),
        (1.0, "a part is the key of a map or an index of a list"),
        (slice(1, 2), "a part is the key of a map or an index of a list"),
        ("", "a part is the key of a map or an index of a list"),
    ],
)
def test_parts_that_dynamodb_does_not_know_are_refused(part, expected):
    with pytest.raises(QueryError, match=expected):
        Path(("doc",), label="Test.doc")[part]


@pytest.mark.parametrize("parts", [(), ("",), (0,)])
def test_a_path_begins_with_a_name(parts):
    with pytest.raises(QueryError, match="begins with the name of an attribute"):
        Path(parts)


def test_the_label_follows_the_way():
    assert str(Path(("d",), label="Test.doc")["a"][0]) == "Test.doc['a'][0]"
    assert str(Path(("d", "a"))) == "d.a"
    assert repr(Path(("d", 0))) == "Path(('d', 0))"


def test_paths_are_equal_by_their_parts():
    one, other = Path(("a", 0), label="Test.a"), F("a__0")._path()
    assert one == other
    assert not one != other  # noqa: SIM202
    assert hash(one) == hash(other)
    assert one != Path(("a", "0"))
    assert one != ("a", 0)


def test_paths_and_operands_are_no_sequences():
    for each in (Path(("a",)), F("a")):
        with pytest.raises(TypeError, match="not iterable"):
            iter(each)


class Tags:
    """A list of tags, spelled in capitals; an empty one is stored as absent."""

    def encode(self, value, where, /):
        if not isinstance(value, str):
            raise ValidationError({where: ["only str"]})
        return {"S": value.upper()} if value else None

    def sub(self, part, /):
        if part == "free":
            return FREE
        return None if isinstance(part, str) else self

    def element(self):
        return None


def test_the_coder_follows_the_way():
    path = Path(("tags",), Tags(), "Test.tags")
    assert path[0].encode("x") == {"S": "X"}
    assert path["free"].coder is FREE
    with pytest.raises(QueryError, match=r"Test\.tags\['a'\]: nothing lies inside Test\.tags"):
        path["a"]


def test_none_and_what_the_coder_says_so_are_absent():
    path = Path(("tags",), Tags())
    assert path.encode(None) is None
    assert path.encode("") is None


@pytest.mark.parametrize(
    ("path", "value", "errors"),
    [
        (Path(("d",), label="Test.d"), object(), ["Test.d"]),
        (Path(("d",), label="Test.d")["x"], {"a": [1, object()]}, ["Test.d['x'].a[1]"]),
        (Path(("d",), Tags(), "Test.tags")[0], 1, ["Test.tags[0]"]),
        (Path(("d",), AFFIX), 1, ["d"]),
    ],
)
def test_errors_say_where(path, value, errors):
    with pytest.raises(ValidationError) as caught:
        path.encode(value)
    assert list(caught.value.errors) == errors


def test_nothing_lies_inside_a_piece_of_text():
    with pytest.raises(QueryError, match="nothing lies inside"):
        Path(("a",), AFFIX)["b"]
    assert AFFIX.element() is AFFIX


@pytest.mark.parametrize("again", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_paths_survive_copies_and_pickles(again):
    path = Path(("a", 0), label="Test.a[0]")
    assert again(path) == path
    assert again(path).coder is FREE
    assert again(AFFIX) is AFFIX
    assert repr((FREE, AFFIX)) == "(FREE, AFFIX)"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"M": {"a": {"N": "1"}, "b": {"L": []}}}, {"M": {"b": {"L": []}, "a": {"N": "1"}}}),
        ({"SS": ["a", "b"]}, {"SS": ["a", "b"]}),
        ({"B": b"\0"}, {"B": b"\0"}),
    ],
)
def test_equal_values_have_equal_hashes(one, other):
    assert Value(one) == Value(other)
    assert hash(Value(one)) == hash(Value(other))
    assert Value(one) != Value({"S": "x"})


def test_a_size_knows_its_path():
    names = Names()
    assert Size(Path(("a",))).render(names) == "size(#0)"
    assert str(Size(Path(("a",), label="Test.a"))) == "Test.a.size()"


@pytest.mark.parametrize(
    "paths",
    [
        [],
        [("a",)],
        [("a",), ("b",)],
        [("a", "b"), ("a", "c"), ("a", "d", 0)],
        [("a", 0), ("a", 1), ("a", 10)],
        [("a", "b"), ("ab",), ("a.b",)],
        [("a", 0, "x"), ("a", 1, 0), ("b", "x"), ("c", 0)],
    ],
    ids=str,
)
def test_paths_apart_are_accepted(paths):
    check_apart(map(Path, paths))


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([("a",), ("a",)], "a and a overlap"),
        ([("a", "b"), ("a",)], "a and a.b overlap"),
        ([("a", "c"), ("a", "b"), ("x",), ("a", "b", 0)], "a.b and a.b.0 overlap"),
        ([("a", 0), ("a", "b", "c"), ("a", 1), ("a", 0)], "a.0 and a.0 overlap"),
        ([("a", 0), ("a", "b")], "a.0 and a.b cannot both exist"),
        ([("a", 0, "z"), ("q",), ("a", "b", 3)], "a.0.z and a.b.3 cannot both exist"),
    ],
    ids=str,
)
def test_paths_that_meet_are_refused_by_name(paths, expected):
    with pytest.raises(QueryError, match=expected):
        check_apart(map(Path, paths))
