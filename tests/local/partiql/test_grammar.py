"""Statements as texts: which are read, and which are refused in the service's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py.local.database.errors import ServiceError
from dynamodb_py.local.partiql.bindings import bind_values
from dynamodb_py.local.partiql.parser import parse_statement
from dynamodb_py.local.partiql.statements import Insert, Select, Update

MALFORMED = "Statement wasn't well formed, can't be processed: "
LEFTOVER = MALFORMED + "Unexpected token after expression"


def refuse(text: str) -> str:
    with pytest.raises(ServiceError) as caught:
        parse_statement(text)
    assert caught.value.code == "ValidationException"
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", {"N": "1"}),
        ("-1.50", {"N": "-1.5"}),
        ("+2", {"N": "2"}),
        ("7.31E6", {"N": "7310000"}),
        ("73100000e-1", {"N": "7310000"}),
        ("-.73e1", {"N": "-7.3"}),
        ("-0", {"N": "0"}),
        ("'it''s'", {"S": "it's"}),
        ("'\u00e9 \"\U0001f600'", {"S": '\u00e9 "\U0001f600'}),
        ("true", {"BOOL": True}),
        ("FALSE", {"BOOL": False}),
        ("NULL", {"NULL": True}),
        ("[]", {"L": []}),
        ("[1, 'a', ?]", {"L": [{"N": "1"}, {"S": "a"}, {"S": "given"}]}),
        ("{'a': {'b': ?}}", {"M": {"a": {"M": {"b": {"S": "given"}}}}}),
        ("<<2, 1>>", {"NS": ["1", "2"]}),
        ("<<'b', ?>>", {"SS": ["b", "given"]}),
        ("?", {"S": "given"}),
    ],
)
def test_values_are_those_of_dynamodb_in_normal_form(text, value):
    parsed = parse_statement(f"INSERT INTO tab VALUE {{'h': {text}}}")
    assert isinstance(parsed.statement, Insert)
    parameters, _ = bind_values(parsed, [{"S": "given"}] * parsed.parameters)
    assert parsed.statement.item.build(parameters) == {"M": {"h": value}}


@pytest.mark.parametrize(
    ("columns", "paths"),
    [
        ("*", None),
        ("a", (("a",),)),
        ('a.b[0] , "Some name".c', (("a", "b", 0), ("Some name", "c"))),
        ('"say ""hi"""', (('say "hi"',),)),
        ("_a1[12][0].b", (("_a1", 12, 0, "b"),)),
    ],
)
def test_columns_are_paths(columns, paths):
    statement = parse_statement(f"SELECT {columns} FROM tab").statement
    assert isinstance(statement, Select)
    assert statement.paths == paths


@pytest.mark.parametrize(
    "text",
    [
        "select * from tab where h=1 and a<>2",
        "SELECT*FROM tab WHERE h = 1 AND a != 2;",
        "SELECT * -- a note\nFROM tab WHERE h = 1 /* another */ AND a <> 2",
        "-- first\nSELECT * FROM tab WHERE (h = 1) AND ((a) <> (2))",
        "SELECT * FROM tab WHERE NOT NOT h = 1 AND a <> 2",
    ],
)
def test_spaces_comments_and_capitals_make_no_difference(text):
    assert parse_statement(text) == parse_statement("SELECT * FROM tab WHERE h = 1 AND a <> 2")


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "Expected data manipulation"),
        ("SLECT * FROM tab", "Expected data manipulation"),
        ("SELECT * FROM", "Unexpected term"),
        ("SELECT * FROM tab WHERE", "Unexpected term"),
        ("SELECT * FROM tab WHERE;", "Unexpected term"),
        ("SELECT * FROM tab WHERE NOT", "Unexpected term"),
        ("SELECT * FROM tab WHERE (", "Unexpected term"),
        ("DELETE FROM tab WHERE", "Unexpected term"),
        ("UPDATE tab SET a = 1 WHERE  ", "Unexpected term"),
        ("SELECT * FROM tab WHERE ORDER BY h", "Unexpected keyword"),
        ("SELECT * FROM tab WHERE user = 1", "Unexpected keyword"),
        ("SELECT * FROM tab WHERE IS NULL", "Unexpected operator"),
        ("SELECT * FROM tab WHERE h = LIKE", "Unexpected operator"),
        ("SELECT * FROM tab WHERE h = 1 AND", "Missing right-hand side expression of infix operator"),
        ("SELECT * FROM tab WHERE h = 1 OR ", "Missing right-hand side expression of infix operator"),
        ("SELECT * FROM tab WHERE h IS FOO", "Expected type name"),
        ("SELECT * FROM tab WHERE m.inner = 1", "Invalid path dot component"),
        ("DELETE FROM", "Expected identifier for simple path"),
        ("DELETE FROM;", "Expected identifier for simple path"),
        ("DELETE FROM WHERE h = 'a'", "Expected identifier for simple path"),
        ("SELECT a[-1] FROM tab", "Invalid path index"),
        ("SELECT a[1.5] FROM tab", "Invalid path index"),
        ("INSERT INTO tab VALUE {h: 1}", "Expected a text as the name of an attribute"),
        ("INSERT INTO tab VALUE ?", "Expected a map of attributes"),
        ("UPDATE tab WHERE h = 1", "Expected SET or REMOVE"),
        ("SELECT * FROM tab WHERE a BETWEEN 1 OR 2", "Expected AND"),
        (
            "DELETE FROM tab RETURNING SOME OLD *",
            "Expected ALL or MODIFIED, OLD or NEW, and * behind RETURNING",
        ),
        ("SELECT * FROM tab WHERE h = 1e999999999999", ""),
        ("SELECT * FROM tab WHERE h = 1e2147483648", ""),
        ("SELECT * FROM tab WHERE h = 1.5e-2147483647", ""),
        ("SELECT * FROM tab WHERE h = 1 # note", ""),
        ("SELECT * FROM tab WHERE h = 1 /* note", ""),
        ("SELECT * FROM tab WHERE h = 'a", ""),
    ],
)  # fmt: skip
def test_a_text_that_is_no_statement_is_refused_with_the_reason(text, detail):
    assert refuse(text) == MALFORMED + detail


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM tab WHERE h = 1 foo",
        "SELECT * FROM tab WHERE h = 1 e5",
        "SELECT * FROM tab WHERE h = 1)",
        "SELECT * FROM tab ORDER BY h WHERE h = 1",
        "INSERT INTO tab VALUE {'h': 1} foo",
        "INSERT INTO tab t VALUE {'h': 1}",
        "UPDATE tab SET a = 9 WHERE h = 1 foo",
        "DELETE FROM tab WHERE h = 1 ORDER BY h",
        "FROM tab SET c = 1 WHERE h = 'x'",
        "FROM tab SET c = 1 WHERE h = 'x' SET d = 2",
    ],
)
def test_nothing_runs_that_has_words_left_over(text):
    assert refuse(text) == LEFTOVER


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT * FROM tab t WHERE h = 'x'", "Aliasing is not supported"),
        ("SELECT * FROM tab AS t WHERE h = 'x'", "Aliasing is not supported"),
        ("UPDATE tab t SET a = 3 WHERE h = 'x'", "Aliasing is not supported"),
        ("DELETE FROM tab t WHERE h = 'x'", "Aliasing is not supported"),
        ("SELECT size(a) FROM tab", "Unexpected path component at 1:8:4"),
        ("SELECT COUNT(*) FROM tab", "Unexpected path component at 1:8:5"),
        ("SELECT * FROM tab LIMIT 1", "Unsupported clause: LIMIT at 1:19:5"),
        ("SELECT * FROM tab WHERE EXISTS(a)", "Unrecognized function: exists at 1:25:6"),
        ("SELECT *\nFROM tab\nWHERE foo(a)", "Unrecognized function: foo at 3:7:3"),
        (
            "INSERT INTO tab VALUE {'a': set_add(<<1>>, <<2>>)}",
            "Unsupported data type: set_add under key root at 1:29:7",
        ),
        (
            "UPDATE tab SET t = set_add(s, <<1>>)",
            "The first argument to SET_ADD must equal the assignment value at 1:20:7",
        ),
        ("UPDATE tab SET s = set_add(s)", "SET_ADD must have exactly two arguments at 1:20:7"),
        (
            "DELETE FROM tab WHERE h = 'x' RETURNING MODIFIED OLD *",
            "Invalid returning clause: RETURNING MODIFIED OLD *. "
            "Only RETURNING ALL OLD * is allowed in DELETE statements.",
        ),
        (
            "INSERT INTO tab VALUE {'h': 1e126}",
            "Number overflow. Attempting to store a number with magnitude larger than supported "
            "range under root",
        ),
        (
            "INSERT INTO tab VALUE {'m': {'x': [1, 1e-131]}}",
            "Number underflow. Attempting to store a number with magnitude smaller than supported "
            "range under root.x[1]",
        ),
        (
            f"SELECT * FROM tab WHERE h = {'1' * 39}",
            "Attempting to store more than 38 significant digits in a Number under root",
        ),
        (
            "SELECT * FROM tab WHERE size() = 1",
            "Incorrect number of operands for operator or function; "
            "operator or function: size, number of operands: 0",
        ),
        (
            f"SELECT * FROM tab WHERE h IN [{', '.join('1' * 101)}]",
            "Incorrect number of operands for operator or function; "
            "operator or function: IN, number of operands: 102",
        ),
        ("SELECT * FROM tab WHERE a LIKE 'x%'", "Unsupported operator: LIKE"),
        ("SELECT * FROM tab WHERE a IS INTEGER", "Unsupported type of IS: INTEGER"),
        ("SELECT * FROM tab WHERE a IN ?", "The right-hand side of IN must be a list of values"),
        (
            "SELECT * FROM tab WHERE flag",
            "A condition must compare a path or a value with another",
        ),
        ("SELECT * FROM tab WHERE (a = 1) = 2", "A condition cannot be an operand"),
        (
            "SELECT * FROM tab WHERE contains(a, 1) = 2",
            "The function is not allowed to be used this way in an expression; function: contains",
        ),
        (
            "SELECT * FROM tab WHERE size(a)",
            "The function is not allowed to be used this way in an expression; function: size",
        ),
        (
            f"SELECT a{'.b' * 32} FROM tab",
            "The document path has too many nesting elements; nesting elements: 33, maximum: 32",
        ),
        (
            "SELECT a[99999999999] FROM tab",
            "List index is not within the allowable range; index: [99999999999]",
        ),
        (
            f"SELECT * FROM tab WHERE a = {'[' * 33}{']' * 33}",
            "Nesting Levels have exceeded supported limits: "
            "Attributes in the item have nested levels beyond supported limit",
        ),
        ("INSERT INTO tab.by_l VALUE {'h': 1}", "Only SELECT statements can name an index"),
        (
            "UPDATE tab SET v = list_append(v)",
            "LIST_APPEND must have exactly two arguments at 1:20:11",
        ),
        (
            "UPDATE tab SET v = if_not_exists(v, 1)",
            "Unrecognized function: if_not_exists at 1:20:13",
        ),
        (
            "UPDATE tab SET s = set_delete(s, s)",
            "The second argument to SET_DELETE must be a value with type SET at 1:31:1",
        ),
        (
            f"SELECT * FROM tab WHERE {' OR '.join(['a = 1'] * 151)}",
            "The expression contains too many operators; operator count: 301",
        ),
    ],
)
def test_what_the_service_does_not_have_is_refused_in_its_words(text, message):
    assert refuse(text) == message


@pytest.mark.parametrize("opening", ["(", "NOT (", "[", "{'a': ", "<<", "size(", "contains("])
def test_deep_nesting_is_refused_and_no_error_of_python(opening):
    for text in (f"SELECT * FROM tab WHERE {opening * 900}", f"UPDATE tab SET a = {opening * 900}"):
        assert refuse(text)


def test_parentheses_around_an_operand_make_no_difference():
    plain = parse_statement("UPDATE tab SET a = b + 1")
    assert parse_statement("UPDATE tab SET a = (b) + ((1))") == plain


def test_both_forms_of_update_say_the_same():
    usual = parse_statement("UPDATE tab SET a = 1, b = c - 1 REMOVE d[0] WHERE h = 'x'").statement
    other = parse_statement("FROM tab WHERE h = 'x' SET a = 1 SET b = c - 1 REMOVE d[0]").statement
    assert isinstance(usual, Update)
    assert isinstance(other, Update)
    assert [action.section for action in usual.actions] == ["SET", "SET", "REMOVE"]
    assert [action.path for action in usual.actions] == [action.path for action in other.actions]


WORDS = """
SELECT * FROM tab WHERE AND OR NOT IN BETWEEN IS NULL MISSING INSERT INTO VALUE UPDATE SET REMOVE DELETE
RETURNING ALL MODIFIED OLD NEW ORDER BY ASC DESC EXISTS ( ) [ ] { } << >> , . : ; ? = <> < <= + - 'a' "b"
h r 1 -2 1e5 .5 1e999 size begins_with contains list_append set_add attribute_exists true -- /* */ '
"""


@given(
    st.one_of(
        st.text(), st.lists(st.sampled_from([*WORDS.split(), "\n"]), max_size=25).map(" ".join)
    )
)
def test_every_text_is_a_statement_or_a_validation_exception(text):
    code = "ValidationException"
    try:
        parse_statement(text)
    except ServiceError as error:
        code = error.code
    assert code == "ValidationException"
