import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py.local.database.errors import ServiceError
from dynamodb_py.local.expressions.paths import find_value
from dynamodb_py.local.expressions.projections import Projection, parse_projection

from .parsing import ITEM, make_placeholders, project, refusal


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n", {"n": {"N": "5"}}),
        (" n  ,\t s ", {"n": {"N": "5"}, "s": {"S": "héllo"}}),
        ("#size, q", {"size": {"N": "7"}}),
        ("q", {}),
        ("m.x", {"m": {"M": {"x": {"N": "1"}}}}),
        ("m.y.z, m.x", {"m": ITEM["m"]}),
        ("m.#y.z", {"m": {"M": {"y": {"M": {"z": {"S": "deep"}}}}}}),
        ("l[2], l[0]", {"l": {"L": [ITEM["l"]["L"][0], ITEM["l"]["L"][2]]}}),
        ("l[2].x, l[1]", {"l": {"L": [{"N": "1"}, {"M": {"x": {"S": "in"}}}]}}),
        ("l[17], m.q, m.y.q, n.x, n[0], l.x, m[0], q.x, q[0]", {}),
        ("m.q, n", {"n": {"N": "5"}}),
    ],
)
def test_a_projection_gives_the_parts_that_there_are(text, expected):
    # Paths of one text that conflict are tried one by one.
    parts = text.split(",") if "q[0]" in text else [text]
    for part in parts:
        assert project(part) == (expected if part == text else {})


CLASH = "Two document paths {} with each other; must remove or rewrite one of these paths; "


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "The expression can not be empty;"),
        ("n,", 'Syntax error; token: "<EOF>", near: "n,"'),
        (", n", 'Syntax error; token: ",", near: ", n"'),
        ("n s", 'Syntax error; token: "s", near: "n s"'),
        ("n = :n", 'Syntax error; token: "=", near: "n = :n"'),
        ("size(n)", 'Syntax error; token: "(", near: "size(n"'),
        ("(n)", 'Syntax error; token: "(", near: "(n"'),
        ("l[0", 'Syntax error; token: "<EOF>", near: "[0"'),
        ("n, date", "Attribute name is a reserved keyword; reserved keyword: date"),
        ("n, n", CLASH.format("overlap") + "path one: [n], path two: [n]"),
        ("m.x, m", CLASH.format("overlap") + "path one: [m, x], path two: [m]"),
        ("m, m.x[1]", CLASH.format("overlap") + "path one: [m], path two: [m, x, [1]]"),
        ("#m.x, m.#x", CLASH.format("overlap") + "path one: [m, x], path two: [m, x]"),
        ("m.x, m[1]", CLASH.format("conflict") + "path one: [m, x], path two: [m, [1]]"),
        ("m[1].a, m.x", CLASH.format("conflict") + "path one: [m, [1], a], path two: [m, x]"),
    ],
)
def test_a_wrong_projection_is_refused_with_the_message_of_the_service(text, reason):
    assert refusal(project, text) == f"Invalid ProjectionExpression: {reason}"


def test_a_projection_knows_its_paths_and_attributes():
    found = parse_projection("l[0].x, #m.y", make_placeholders("#m"))
    assert found.paths == (("l", 0, "x"), ("m", "y"))
    assert found.names == {"l", "m"}


paths = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=1).flatmap(
    lambda head: st.lists(st.sampled_from(["a", "b", 0, 1]), max_size=3).map(
        lambda rest: (*head, *rest)
    )
)
values = st.recursive(
    st.sampled_from([{"N": "1"}, {"S": ""}]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: {"L": each})
        | st.dictionaries(st.sampled_from(["a", "b"]), inner).map(lambda each: {"M": each})
    ),
    max_leaves=8,
)


@given(
    st.lists(paths, min_size=1, max_size=3), st.dictionaries(st.sampled_from(["a", "b"]), values)
)
def test_what_is_projected_is_what_is_at_the_paths(chosen, item):
    try:
        projection = Projection(chosen)
    except ServiceError as error:
        assert "overlap" in error.message or "conflict" in error.message  # noqa: PT017
        return
    found = [find_value(item, path) for path in projection.paths]
    leaves = [each for each in found if each is not None]
    assert count(projection.project(item)) == sum(map(count_value, leaves))
    for path, value in zip(projection.paths, found, strict=True):
        if value is not None and not any(isinstance(part, int) for part in path):
            assert find_value(projection.project(item), path) == value


def count(item):
    return sum(map(count_value, item.values()))


def count_value(value):
    """Return the number of scalars and empty containers in a value."""
    inside = value.get("L", []) or list(value.get("M", {}).values())
    return sum(map(count_value, inside)) or 1
