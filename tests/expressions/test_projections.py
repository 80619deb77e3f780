from __future__ import annotations

import pytest

from dynamodb_py.exceptions import QueryError
from dynamodb_py.expressions import Names, Path, render_projection

from .spelling import check_request


@pytest.mark.parametrize(
    ("paths", "text", "names"),
    [
        ([], "", []),
        ([("a",)], "#0", ["a"]),
        ([("a",), ("b.c",), ("größe",)], "#0, #1, #2", ["a", "b.c", "größe"]),
        ([("a", "b"), ("a", "c", 0)], "#0.#1, #0.#2[0]", ["a", "b", "c"]),
        ([("a",), ("b",), ("a",)], "#0, #1", ["a", "b"]),
        ([("a", "b"), ("a",), ("a", 0, "c")], "#0", ["a"]),
        ([("a", "b", "c"), ("x",), ("a", "b")], "#0, #1.#2", ["x", "a", "b"]),
    ],
)
def test_spelling(paths, text, names):
    placeholders = Names()
    assert render_projection(map(Path, paths), placeholders) == text
    assert list(placeholders.names.values()) == names
    payload = placeholders.into({"TableName": "test", "Key": {"id": {"S": "1"}}})
    check_request("GetItem", payload | {"ProjectionExpression": text})


def test_paths_that_contradict_each_other_are_refused():
    with pytest.raises(QueryError, match=r"a\.0 and a\.b cannot both exist"):
        render_projection([Path(("a", "b")), Path(("a", 0))], Names())


def test_more_than_four_kilobytes_are_refused():
    render_projection([Path((f"a{place}",)) for place in range(700)], Names())
    with pytest.raises(QueryError, match=r"this projection is .* bytes long"):
        render_projection([Path((f"a{place}",)) for place in range(900)], Names())
