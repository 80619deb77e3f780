from __future__ import annotations

import pytest

from dynamodb_py.exceptions import QueryError
from dynamodb_py.expressions import Add, Delete, Names, Path, Remove, Set, Value, render_update

from .spelling import check_request


def path(*parts):
    return Path(parts)


def value(**wire):
    return Value(wire)


@pytest.mark.parametrize(
    ("actions", "text", "names", "values"),
    [
        ([Set(path("a"), value(N="1"))], "SET #0 = :0", "a", [{"N": "1"}]),
        ([Set(path("a"), path("b"))], "SET #0 = #1", "ab", []),
        ([Set(path("a", "b", 0), value(S=""))], "SET #0.#1[0] = :0", "ab", [{"S": ""}]),
        ([Remove(path("a")), Remove(path("b", 2))], "REMOVE #0, #1[2]", "ab", []),
        ([Add(path("a"), value(N="-1"))], "ADD #0 :0", "a", [{"N": "-1"}]),
        ([Add(path("a"), value(SS=["x"]))], "ADD #0 :0", "a", [{"SS": ["x"]}]),
        ([Delete(path("a"), value(BS=[b"x"]))], "DELETE #0 :0", "a", [{"BS": [b"x"]}]),
        (
            [
                Delete(path("d"), value(NS=["1"])),
                Set(path("a"), value(N="1")),
                Add(path("c"), value(N="2")),
                Set(path("e", "a"), path("d")),
                Remove(path("b")),
            ],
            "SET #0 = :0, #1.#0 = #2 REMOVE #3 ADD #4 :1 DELETE #2 :2",
            "aedbc",
            [{"N": "1"}, {"N": "2"}, {"NS": ["1"]}],
        ),
    ],
)
def test_spelling(actions, text, names, values):
    placeholders = Names()
    assert render_update(actions, placeholders) == text
    assert placeholders.names == {f"#{place}": name for place, name in enumerate(names)}
    assert placeholders.values == {f":{place}": wire for place, wire in enumerate(values)}
    payload = placeholders.into({"TableName": "test", "Key": {"id": {"S": "1"}}})
    check_request("UpdateItem", payload | {"UpdateExpression": text})


def test_nothing_to_change_is_no_text():
    names = Names()
    assert render_update([], names) == ""
    assert names.into({}) == {}


def test_any_iterable_of_actions_will_do():
    assert render_update((Remove(path(name)) for name in "ab"), Names()) == "REMOVE #0, #1"


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (Set(path("a"), value(N="1")), Remove(path("a")), "a and a overlap"),
        (Set(path("a", "b"), value(N="1")), Add(path("a"), value(N="1")), "a and a.b overlap"),
        (Remove(path("a", 0)), Remove(path("a", 0, "x")), "a.0 and a.0.x overlap"),
        (Remove(path("a", 0)), Remove(path("a", "x")), "a.0 and a.x cannot both be"),
    ],
)
def test_changes_that_meet_are_refused(one, other, said):
    for actions in ([one, other], [other, one]):
        with pytest.raises(QueryError, match=said):
            render_update(actions, Names())


@pytest.mark.parametrize("wire", [{"S": "x"}, {"L": []}, {"BOOL": True}, {"NULL": True}])
def test_only_numbers_and_sets_are_added(wire):
    with pytest.raises(QueryError, match="a number or a set can be added, not a"):
        Add(path("a"), Value(wire))


@pytest.mark.parametrize("wire", [{"S": "x"}, {"N": "1"}, {"L": []}])
def test_only_sets_are_deleted_from_sets(wire):
    with pytest.raises(QueryError, match="a set can be deleted from a set, not a"):
        Delete(path("a"), Value(wire))


def test_more_than_four_kilobytes_are_refused():
    def changes(count):
        return [Set(path(f"a{place}"), value(N="1")) for place in range(count)]

    assert render_update(changes(300), Names()).startswith("SET #0 = :0, ")
    with pytest.raises(QueryError, match=r"this update is .* bytes long, and DynamoDB takes 4096"):
        render_update(changes(400), Names())


def test_actions_are_values():
    assert Set(path("a"), value(N="1")) == Set(path("a"), value(N="1"))
    assert len({Remove(path("a")), Remove(path("a")), Remove(path("b"))}) == 2
    assert Add(path("a"), value(N="1")) != Set(path("a"), value(N="1"))
