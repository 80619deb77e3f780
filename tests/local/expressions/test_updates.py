import copy

import pytest

from dynamodb_py.local.expressions.updates import parse_update

from .parsing import ITEM, make_placeholders, refusal, update

LIST = ITEM["l"]["L"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SET q = :n", {"q": {"N": "5"}}),
        ("set q = n + :nine", {"q": {"N": "14"}}),
        ("SET n = n - :nine", {"n": {"N": "-4"}}),
        ("SET q = (n + :n)", {"q": {"N": "10"}}),
        ("SET q = (n) - (:n)", {"q": {"N": "0"}}),
        ("SET q = (m.y.z)", {"q": {"S": "deep"}}),
        ("SET q = n, n = m.x", {"q": {"N": "5"}, "n": {"N": "1"}}),
        ("SET q = if_not_exists(n, :ten)", {"q": {"N": "5"}}),
        ("SET q = if_not_exists(q, :ten) + :n", {"q": {"N": "15"}}),
        ("SET q = if_not_exists(q, if_not_exists(q2, m.x))", {"q": {"N": "1"}}),
        ("SET l = list_append(l, :l)", {"l": {"L": [*LIST, {"N": "9"}]}}),
        ("SET l = list_append(:l, l)", {"l": {"L": [{"N": "9"}, *LIST]}}),
        ("SET q = list_append(if_not_exists(q, :l), :l)", {"q": {"L": [{"N": "9"}] * 2}}),
        ("SET #size = :empty", {"size": {"S": ""}}),
        ("SET m.x = :s", {"m": {"M": {**ITEM["m"]["M"], "x": {"S": "h"}}}}),
        ("SET m.#new = :m", {"m": {"M": {**ITEM["m"]["M"], "new": {"M": {}}}}}),
        ("SET l[1] = :s", {"l": {"L": [LIST[0], {"S": "h"}, LIST[2]]}}),
        ("SET l[2].x = :n", {"l": {"L": [*LIST[:2], {"M": {"x": {"N": "5"}}}]}}),
        ("SET l[7] = :n", {"l": {"L": [*LIST, {"N": "5"}]}}),
        ("SET l[9] = :s, l[3] = :n", {"l": {"L": [*LIST, {"N": "5"}, {"S": "h"}]}}),
        ("REMOVE n, s", {"n": None, "s": None}),
        ("REMOVE q, m.q, l[17]", {}),
        ("REMOVE m.x, m.y", {"m": {"M": {}}}),
        ("REMOVE l[0], l[2]", {"l": {"L": [LIST[1]]}}),
        ("REMOVE l[2], l[0], l[1]", {"l": {"L": []}}),
        ("REMOVE l[1] SET l[2] = :s", {"l": {"L": [LIST[0], {"S": "h"}]}}),
        ("SET l[5] = :n REMOVE l[0], l[3]", {"l": {"L": [*LIST[1:], {"N": "5"}]}}),
        ("SET q = n REMOVE n", {"q": {"N": "5"}, "n": None}),
        ("ADD n :nine", {"n": {"N": "14"}}),
        ("ADD q :nine, q2 :ss", {"q": {"N": "9"}, "q2": {"SS": ["b", "c"]}}),
        ("ADD ss :ss, ns :ns", {"ss": {"SS": ["a", "b", "c"]}, "ns": {"NS": ["1", "2", "3"]}}),
        ("ADD m.x :n, m.q :n, l[0] :ten, l[8] :one", None),
        ("DELETE ss :ss, ns :ns", {"ss": {"SS": ["a"]}, "ns": {"NS": ["1"]}}),
        ("DELETE ss :all, q :ss", {"ss": None}),
        ("DELETE ss :ss ADD n :n REMOVE s SET q = ss", None),
    ],
)
def test_an_update_gives_a_new_item_and_leaves_the_old_one(text, expected):
    before = copy.deepcopy(ITEM)
    found = update(text)
    assert before == ITEM
    if expected is not None:
        whole = {**ITEM, **expected}
        assert found == {name: value for name, value in whole.items() if value is not None}


def test_all_operands_come_from_the_item_before_the_update():
    found = update("SET n = m.x, m.x = n, q = ss DELETE ss :ss ADD l[0] :ten REMOVE s")
    assert (found["n"], found["m"]["M"]["x"]) == ({"N": "1"}, {"N": "5"})
    assert (found["q"], found["ss"]) == ({"SS": ["a", "b"]}, {"SS": ["a"]})
    assert found["l"]["L"][0] == {"N": "10"}
    assert "s" not in found


TYPE = "Incorrect operand type for operator or function; operator"
PATHS = "must remove or rewrite one of these paths; path one: "
REFUSED = [
    ("", "The expression can not be empty;"),
    ("SET", 'Syntax error; token: "<EOF>", near: "SET"'),
    ("SET n", 'Syntax error; token: "<EOF>", near: "SET n"'),
    ("HELLO n = :n", 'Syntax error; token: "HELLO", near: "HELLO n"'),
    ("SET n = :n,", 'Syntax error; token: "<EOF>", near: ":n,"'),
    ("SET n = :n, REMOVE s", 'Syntax error; token: "REMOVE", near: ", REMOVE s"'),
    ("SET :n = :n", 'Syntax error; token: ":n", near: "SET :n ="'),
    ("SET _abc = :n", 'Syntax error; token: "_", near: "SET _abc"'),
    ("SET 12a = :n", 'Syntax error; token: "12", near: "SET 12a"'),
    ("SET a-b = :n", 'Syntax error; token: "-", near: "a-b"'),
    ("SET n = :n + :n + :n", 'Syntax error; token: "+", near: ":n + :n"'),
    ("SET n = if_not_exists(n, :n + :n)", 'Syntax error; token: "+", near: ":n + :n"'),
    ("SET n = (:n", 'Syntax error; token: "<EOF>", near: "(:n"'),
    ("ADD n n", 'Syntax error; token: "n", near: "n n"'),
    ("ADD n = :n", 'Syntax error; token: "=", near: "n = :n"'),
    ("REMOVE n = :n", 'Syntax error; token: "=", near: "n = :n"'),
    ("SET n = ((:n))", "The expression has redundant parentheses;"),
    ("SET date = :n", "Attribute name is a reserved keyword; reserved keyword: date"),
    ("SET n = foo(:n)", "Invalid function name; function: foo"),
    ("SET n = LIST_APPEND(l, l)", "Invalid function name; function: LIST_APPEND"),
    *(
        (
            f"SET n = {text}",
            f"The function is not allowed to be used this way in an expression; function: {name}",
        )
        for text, name in [
            ("size(s)", "size"),
            ("attribute_exists(s)", "attribute_exists"),
            ("list_append(list_append(l, l), l)", "list_append"),
            ("if_not_exists(l, list_append(l, l))", "list_append"),
        ]
    ),
    ("SET n = :n SET s = :n", 'The "SET" section can only be used once in an update expression;'),
    (
        "SET n = :none",
        "An expression attribute value used in expression is not defined; attribute value: :none",
    ),
    (
        "REMOVE #none",
        "An expression attribute name used in the document path is not defined; "
        "attribute name: #none",
    ),
    *(
        (text, f"Two document paths {verb} with each other; {PATHS}{one}, path two: {two}")
        for text, verb, one, two in [
            ("SET n = :n REMOVE n", "overlap", "[n]", "[n]"),
            ("SET m = :n, m.x = :n", "overlap", "[m]", "[m, x]"),
            ("ADD l[1].x :n DELETE l[1] :ss", "overlap", "[l, [1], x]", "[l, [1]]"),
            ("SET #n = :n, n = :n", "overlap", "[n]", "[n]"),
            ("SET m.x = :n, m[1] = :n", "conflict", "[m, x]", "[m, [1]]"),
        ]
    ),
    ("ADD n :s", f"{TYPE}: ADD, operand type: STRING"),
    ("ADD n :l", f"{TYPE}: ADD, operand type: LIST"),
    ("ADD n :t", f"{TYPE}: ADD, operand type: BOOLEAN"),
    ("DELETE n :n", f"{TYPE}: DELETE, operand type: NUMBER"),
    ("DELETE n :m", f"{TYPE}: DELETE, operand type: MAP"),
    ("SET n = n + :s", f"{TYPE} or function: +, operand type: S"),
    ("SET n = :l - n", f"{TYPE} or function: -, operand type: L"),
    ("SET n = list_append(l, :s)", f"{TYPE} or function: list_append, operand type: S"),
    (
        "SET n = list_append(l)",
        "Incorrect number of operands for operator or function; "
        "operator or function: list_append, number of operands: 1",
    ),
    (
        "SET n = if_not_exists(:n, :n)",
        "Operator or function requires a document path; operator or function: if_not_exists",
    ),
    (
        "SET n = " + "if_not_exists(n," * 301 + "n" + ")" * 301,
        "Expression size has exceeded the maximum allowed size; expression size: 5126",
    ),
    (
        "SET " + ", ".join(f"a{n}=n+n" for n in range(301)),
        "The expression contains too many operators; operator count: 301",
    ),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=range(len(REFUSED)))
def test_a_wrong_update_is_refused_with_the_message_of_the_service(text, reason):
    assert refusal(update, text) == f"Invalid UpdateExpression: {reason}"


MISSING = "The provided expression refers to an attribute that does not exist in the item"
WRONG_TYPE = "An operand in the update expression has an incorrect data type"
NO_PATH = "The document path provided in the update expression is invalid for update"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SET q = q2", MISSING),
        ("SET q = q + :n", MISSING),
        ("SET q = list_append(q, :l)", MISSING),
        ("SET q = if_not_exists(q, q2)", MISSING),
        ("SET q = n + s", WRONG_TYPE),
        ("SET q = list_append(l, s)", WRONG_TYPE),
        ("SET q = list_append(l, l) + :n", WRONG_TYPE),
        ("ADD s :n", WRONG_TYPE),
        ("ADD ss :n", WRONG_TYPE),
        ("ADD ss :ns", WRONG_TYPE),
        ("DELETE n :ss", WRONG_TYPE),
        ("DELETE ns :ss", WRONG_TYPE),
        ("SET q.x = :n", NO_PATH),
        ("SET n.x = :n", NO_PATH),
        ("SET l.x = :n", NO_PATH),
        ("SET m[0] = :n", NO_PATH),
        ("SET n[0] = :n", NO_PATH),
        ("SET l[0].x = :n", NO_PATH),
        ("SET l[8].x = :n", NO_PATH),
        ("SET m.q.x = :n", NO_PATH),
        ("REMOVE q.x", NO_PATH),
        ("REMOVE n.x", NO_PATH),
        ("REMOVE m[0]", NO_PATH),
        ("REMOVE m.q[0]", NO_PATH),
        ("ADD m.q.x :n", NO_PATH),
        ("ADD l[3].x :n", NO_PATH),
    ],
)
def test_what_the_item_does_not_allow_is_refused(text, message):
    assert refusal(update, text) == message


def test_numbers_stay_in_the_range_of_the_service():
    item = {"big": {"N": "9" * 38}, "small": {"N": "1"}}
    assert "38 significant digits" in refusal(
        update, "SET q = big + small", {"big": {"N": "1" + "0" * 38}, "small": {"N": "1"}}
    )
    assert update("SET big = big + small", item)["big"] == {"N": "1" + "0" * 38}
    assert "overflow" in refusal(update, "SET q = big + big", {"big": {"N": "9" + "0" * 125}})


def test_an_update_makes_no_more_than_32_levels():
    def nest(levels):
        value = {"M": {}}
        for _ in range(levels - 1):
            value = {"M": {"a": value}}
        return value

    path = ".".join("a" * 16)
    item = {"a": nest(31), "b": nest(18), "c": nest(17)}
    assert update(f"SET {path} = c", item)
    assert "Nesting Levels" in refusal(update, f"SET {path} = b", item)


def test_an_update_knows_what_it_touches():
    text = "SET m.x = :n, q = :n REMOVE l[1], l[9]"
    found = parse_update(text, make_placeholders(text))
    assert found.paths == (("m", "x"), ("q",), ("l", 1), ("l", 9))
    assert found.names == {"m", "q", "l"}
    assert found.project_touched(ITEM) == {"m": {"M": {"x": {"N": "1"}}}, "l": {"L": [LIST[1]]}}
    # The service too gives the element that is there now.
    assert found.project_touched(found.apply(ITEM)) == {
        "m": {"M": {"x": {"N": "5"}}},
        "q": {"N": "5"},
        "l": {"L": [LIST[2]]},
    }


@pytest.mark.parametrize(
    ("text", "creates"),
    [
        ("SET n = :n", True),
        ("ADD n :n", True),
        ("REMOVE n SET s = :s", True),
        ("REMOVE n", False),
        ("DELETE n :ss", False),
    ],
)
def test_an_update_that_only_removes_makes_no_item(text, creates):
    assert parse_update(text, make_placeholders(text)).creates is creates


def test_any_path_may_be_removed_from_an_item_that_is_not_stored():
    found = parse_update("REMOVE q.x, q2[0], q3 SET n = :n", make_placeholders(":n"))
    assert found.apply({}, is_new=True) == {"n": {"N": "5"}}
    assert refusal(found.apply, {}) == NO_PATH


def test_nesting_of_functions_may_be_deep():
    depth = 240
    text = "SET q = " + "if_not_exists(q," * depth + "n" + ")" * depth
    assert update(text)["q"] == {"N": "5"}
