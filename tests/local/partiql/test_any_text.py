"""Whatever text is sent as a statement, there is an answer or a ValidationException."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st

from ..database import Refused, to_item
from ..fuzzing import fuzz
from .tables import make_statements

WORDS = """
a h r g s v 'a' 1 2 -1 ? [1] {'a':1} <<'a'>> <<1>> TRUE NULL ( ) , . = <> < >= AND OR NOT IN IS MISSING
BETWEEN begins_with(s,'a') contains(v,1) size(v) attribute_exists(s) attribute_type(s,'S')
list_append(v,[1]) set_add(s,<<'a'>>) [0] + - ORDER BY DESC RETURNING ALL NEW * SET REMOVE
"""
KEY = "h = 'a' AND r = 1"
CODES = {
    None,
    "ValidationException",
    "ConditionalCheckFailedException",
    "DuplicateItemException",
    "ResourceNotFoundException",
    "TransactionCanceledException",
}

DATABASE = make_statements()

words = st.lists(st.sampled_from(WORDS.split()), max_size=9).map(" ".join)
statements = st.one_of(
    words.map(f"SELECT * FROM tab WHERE {KEY} AND {{}}".format),
    words.map("SELECT * FROM tab.by_g WHERE {}".format),
    words.map("SELECT {} FROM tab".format),
    words.map("INSERT INTO tab VALUE {{'h': 'a', 'r': 1, 'v': {}}}".format),
    st.builds("UPDATE tab SET v = {} {}".format, words, st.just(f"WHERE {KEY}")),
    st.builds("UPDATE tab SET {} {}".format, words, st.just(f"WHERE {KEY}")),
    words.map(f"DELETE FROM tab WHERE {KEY} AND {{}}".format),
    words.map(f"EXISTS(SELECT * FROM tab WHERE {KEY} AND {{}})".format),
)


KNOWN = [
    ("SELECT * FROM tab WHERE size(size(h)) = 1", "ExecuteStatement"),
    ("SELECT * FROM tab WHERE contains(attribute_exists(h), h)", "ExecuteStatement"),
    ("UPDATE tab SET v[0][1] = 1 WHERE h = 'a' AND r = 1", "ExecuteStatement"),
    ("UPDATE tab SET h.x = 1 WHERE h = 'a' AND r = 1", "ExecuteStatement"),
]


@fuzz(300, statements, st.sampled_from(["ExecuteStatement", "ExecuteTransaction"]), known=KNOWN)
def test_every_statement_is_answered_or_refused(statement, operation):
    DATABASE.put(to_item(h="a", r=1, s="text") | {"v": {"L": [{"N": "1"}]}})
    members: dict[str, Any] = {"Statement": statement}
    if "?" in statement:
        members["Parameters"] = [{"N": "1"}] * statement.count("?")
    if operation == "ExecuteTransaction":
        members = {"TransactStatements": [members]}
    code = None
    try:
        DATABASE(operation, **members)
    except Refused as refused:
        code = refused.code
    assert code in CODES


@pytest.mark.parametrize("parameter", [None, 1, {}, {"X": 1}, {"N": 1}, {"S": "a", "N": "1"}, []])
def test_a_parameter_that_is_no_value_is_refused(parameter):
    refused = DATABASE.reject("SELECT * FROM tab WHERE h = ?", parameter)
    assert refused.startswith(("ValidationException", "SerializationException"))
