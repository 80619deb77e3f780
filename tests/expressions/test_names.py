from __future__ import annotations

from dynamodb_py.expressions import Names

from .spelling import check_request


def test_a_name_has_one_placeholder_whatever_it_is_made_of():
    names = Names()
    spelled = [names.name(name) for name in ("size", "a.b", "größe", "size", "#0")]
    assert spelled == ["#0", "#1", "#2", "#0", "#3"]
    assert names.names == {"#0": "size", "#1": "a.b", "#2": "größe", "#3": "#0"}


def test_values_are_numbered():
    names = Names()
    assert [names.value({"N": "1"}), names.value({"B": b"\0"})] == [":0", ":1"]
    assert names.values == {":0": {"N": "1"}, ":1": {"B": b"\0"}}


def test_only_what_was_named_goes_into_the_payload():
    names = Names()
    assert names.into({"TableName": "test"}) == {"TableName": "test"}
    names.name("a")
    assert names.into({}) == {"ExpressionAttributeNames": {"#0": "a"}}
    names.value({"S": "x"})
    payload = names.into({"TableName": "test", "FilterExpression": "#0 = :0"})
    assert payload["ExpressionAttributeValues"] == {":0": {"S": "x"}}
    check_request("Scan", payload)
