import pytest
from hypothesis import given, settings

from dynamodb_py.codec import encode, from_json, to_json
from dynamodb_py.expressions.names import Names
from dynamodb_py.local.database.values import check_item
from dynamodb_py.local.expressions.conditions import parse_condition
from dynamodb_py.local.expressions.placeholders import Placeholders

from ...expressions import reference, strategies
from .parsing import ITEM, holds, make_placeholders, refusal

TRUE = [
    "n = :n",
    "n <> :one",
    "n < :ten AND n <= :n AND n >= :n AND n > :one",  # by value, not as text
    "s > :a AND s < :z",
    "b > :b",
    "missing1 <> :n",
    "missing1 <> missing2",
    "n <> :s",
    "ss = :all",  # sets have no order
    "n BETWEEN :one AND :ten",
    "n between :n and :n AND NOT n BETWEEN :nine AND :ten",
    "n IN (:a, :one, :n)",
    "attribute_exists (m.y.z) AND attribute_not_exists(m.q) AND attribute_not_exists(l[3])",
    "attribute_type(n, :N) AND attribute_type(:a, :S) AND NOT attribute_type(q, :N)",
    "begins_with(s, :s) AND begins_with(b, :b) AND begins_with(s, :empty)",
    "contains(s, :s) AND contains(ss, :a) AND contains(b, :b) AND contains(l, :one)",
    "contains(ns, :one) AND contains(bs, :b) AND NOT contains(ss, :z) AND NOT contains(n, :n)",
    "size(s) = :n AND size(m) < :n AND size(l) < :n AND size(b) < :n AND size(ss) < :n",
    "#size = n OR #size > n",
    "NOT NOT n = :n",
    "NOT n = :one AND n = :n",  # NOT binds before AND
    "n = :n OR n = :one AND n = :one",  # AND before OR
    "(n = :n OR n = :n) AND (n = :one OR (n = :n AND n <> :one))",
    "(n) = (:n) AND ((n) = :n)",
    "l[0]<n AND m.x=:one",
    "m . x = :one AND l [ 1 ] = :one AND (m).x = :one AND l[2].x <> :one",
    ":n = n and not :n = :one Or n = :one",
]
FALSE = [
    "n = :s",
    "n < :s",
    "q < :n",
    "q > :n",
    "q < q2",
    "q BETWEEN :one AND :ten",
    "n BETWEEN :a AND :z",
    "n BETWEEN l AND m",
    "q = q2",
    "q IN (:n)",
    "t < n",
    "size(n) = :one",
    "size(q) < :one",
    "n.x = :n",
    "l.x = :n",
    "m[0] = :n",
    "l[17] = :n",
    "l[0].x = :n",
    "q.x.y <> n AND n = :one",
    "begins_with(n, :s)",
    "begins_with(s, n)",
    "begins_with(b, :s)",
    "contains(q, :s)",
    "contains(ss, :one)",
    "contains(s, :b)",
    "attribute_exists(n[0])",
]


@pytest.mark.parametrize("text", TRUE)
def test_a_condition_holds_where_the_service_lets_it_hold(text):
    assert holds(text)


@pytest.mark.parametrize("text", FALSE)
def test_what_is_missing_or_of_another_type_fulfils_nothing(text):
    assert not holds(text)


TYPE = "Incorrect operand type for operator or function; operator or function: "
COUNT = "Incorrect number of operands for operator or function; operator or function: "
MISUSE = "The function is not allowed to be used this way in an expression; function: "
REFUSED = [
    ("", "The expression can not be empty;"),
    (" \t\n", "The expression can not be empty;"),
    ("n", 'Syntax error; token: "<EOF>", near: "n"'),
    ("n =", 'Syntax error; token: "<EOF>", near: "n ="'),
    ("n = :n AND", 'Syntax error; token: "<EOF>", near: ":n AND"'),
    ("n = :n = :n", 'Syntax error; token: "=", near: ":n = :n"'),
    ("n ==:n", 'Syntax error; token: "=", near: "==:n"'),
    ("n = 5", 'Syntax error; token: "5", near: "= 5"'),
    ("n = :n n = :n", 'Syntax error; token: "n", near: ":n n ="'),
    ("_n = :n", 'Syntax error; token: "_", near: "_n"'),
    ("n = :n AND __n = :n", 'Syntax error; token: "_", near: "AND __"'),
    ("größe = :n", 'Syntax error; token: "ö", near: "größ"'),
    ("# = :n", 'Syntax error; token: "#", near: "# ="'),
    ("n = :", 'Syntax error; token: ":", near: "= :"'),
    ("n IN ()", 'Syntax error; token: ")", near: "()"'),
    ("n IN :n", 'Syntax error; token: ":n", near: "IN :n"'),
    ("n BETWEEN :n OR :n", 'Syntax error; token: "OR", near: ":n OR :n"'),
    ("and = :n", 'Syntax error; token: "and", near: "and ="'),
    ("m.and = :n", 'Syntax error; token: "and", near: ".and ="'),
    ("l[-1] = :n", 'Syntax error; token: "-", near: "[-1"'),
    ("l[:n] = :n", 'Syntax error; token: ":n", near: "[:n]"'),
    ("size() = :n", 'Syntax error; token: ")", near: "() ="'),
    ("(n = :n) = :n", 'Syntax error; token: "=", near: ") = :n"'),
    ("n = (n = :n)", 'Syntax error; token: "<EOF>", near: ":n)"'),
    ("(n) AND n = :n", 'Syntax error; token: "AND", near: ") AND n"'),
    ("n = NOT n = :n", 'Syntax error; token: "<EOF>", near: "= :n"'),
    ("contains(n = :n, n)", 'Syntax error; token: "=", near: "n = :n"'),
    ("(n = :n", 'Syntax error; token: "<EOF>", near: "= :n"'),
    ("n = :n)", 'Syntax error; token: ")", near: ":n)"'),
    ("n = :one, n", 'Syntax error; token: ",", near: ":one, n"'),
    ("((n = :n))", "The expression has redundant parentheses;"),
    ("((n)) = :n", "The expression has redundant parentheses;"),
    ("n = ((:n))", "The expression has redundant parentheses;"),
    ("(n = :n AND ((n = :n)))", "The expression has redundant parentheses;"),
    ("foo(n)", "Invalid function name; function: foo"),
    ("SIZE(n) = :n", "Invalid function name; function: SIZE"),
    ("size(n)", MISUSE + "size"),
    ("attribute_exists(n) = :n", MISUSE + "attribute_exists"),
    ("n IN (attribute_exists(n))", MISUSE + "attribute_exists"),
    ("list_append(l, l) = :n", MISUSE + "list_append"),
    ("if_not_exists(l, l)", MISUSE + "if_not_exists"),
    ("date = :n", "Attribute name is a reserved keyword; reserved keyword: date"),
    ("m.Date = :n", "Attribute name is a reserved keyword; reserved keyword: Date"),
    (
        "#none = :n",
        "An expression attribute name used in the document path is not defined; "
        "attribute name: #none",
    ),
    (
        "n = :none",
        "An expression attribute value used in expression is not defined; attribute value: :none",
    ),
    ("size(n, n) = :n", COUNT + "size, number of operands: 2"),
    ("begins_with(n)", COUNT + "begins_with, number of operands: 1"),
    ("attribute_exists(n, m)", COUNT + "attribute_exists, number of operands: 2"),
    (
        "contains(m.x, m.x)",
        "The first operand must be distinct from the remaining operands for this operator or "
        "function; operator: contains, first operand: [m, x]",
    ),
    (
        "l[0] = l[0]",
        "The first operand must be distinct from the remaining operands for this operator or "
        "function; operator: =, first operand: [l, [0]]",
    ),
    (
        "attribute_exists(:n)",
        "Operator or function requires a document path; operator or function: attribute_exists",
    ),
    ("n < :t", TYPE + "<, operand type: BOOL"),
    (":l >= n", TYPE + ">=, operand type: L"),
    ("n BETWEEN :ss AND :n", TYPE + "BETWEEN, operand type: SS"),
    ("begins_with(n, :n)", TYPE + "begins_with, operand type: N"),
    ("begins_with(size(n), :s)", TYPE + "begins_with, operand type: N"),
    ("size(:n) = :n", TYPE + "size, operand type: N"),
    ("size(size(n)) = :n", TYPE + "size, operand type: N"),
    ("attribute_type(n, :n)", TYPE + "attribute_type, operand type: N"),
    ("attribute_type(n, s)", TYPE + "attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}"),
    (
        "attribute_type(n, :a)",
        "Invalid attribute type name found; type: a, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
    ),
    (
        "n BETWEEN :ten AND :nine",
        "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
        "lower bound operand: AttributeValue: {N:10}, upper bound operand: AttributeValue: {N:9}",
    ),
    (
        "n BETWEEN :s AND :n",
        "The BETWEEN operator requires same data type for lower and upper bounds; "
        "lower bound operand: AttributeValue: {S:h}, upper bound operand: AttributeValue: {N:5}",
    ),
    (
        "l[2147483648] = :n",
        "List index is not within the allowable range; index: [2147483648]",
    ),
    (
        ".".join(["a"] * 33) + " = :n",
        "The document path has too many nesting elements; nesting elements: 33, maximum: 32",
    ),
    (
        " " * 4090 + "n = :one",
        "Expression size has exceeded the maximum allowed size; expression size: 4098",
    ),
    (
        " OR ".join(["n = :n"] * 151),
        "The expression contains too many operators; operator count: 301",
    ),
    (
        f"n IN ({', '.join([':n'] * 101)})",
        COUNT + "IN, number of operands: 101",
    ),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=range(len(REFUSED)))
def test_a_wrong_condition_is_refused_with_the_message_of_the_service(text, reason):
    assert refusal(holds, text) == f"Invalid ConditionExpression: {reason}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("((n = :n)) AND foo(date", "Syntax error"),
        ("((n = :n)) AND foo(date)", "redundant"),
        ("foo(date) AND size(n)", "Invalid function name"),
        ("size(date) AND #none = :n", "not allowed"),
        ("n = :none AND n = :n AND date = :n", "reserved"),
        ("n < :t AND n = :none", "operand type"),
    ],
)
def test_errors_come_in_the_order_of_the_service(text, reason):
    assert reason in refusal(holds, text)


@pytest.mark.parametrize("text", [None, 5, ["n = :n"], {"S": "n"}])
def test_an_expression_is_a_text(text):
    assert "must be a string" in refusal(parse_condition, text, Placeholders(None, None))


def test_an_error_names_the_parameter():
    found = refusal(parse_condition, "n", make_placeholders("n"), "FilterExpression")
    assert found == 'Invalid FilterExpression: Syntax error; token: "<EOF>", near: "n"'


def test_a_condition_knows_the_attributes_that_it_reads():
    text = "n = :n OR #size BETWEEN l[0] AND size(m.x) AND NOT begins_with(s, :s)"
    assert parse_condition(text, make_placeholders(text)).names == {"n", "size", "l", "m", "s"}


def test_up_to_300_operators_are_taken():
    assert holds(" OR ".join(["n = :n"] * 150))
    assert not holds("NOT " * 299 + "n = :n")
    assert holds("n = :one" + " OR (n = :one" * 148 + " OR n = :n" + ")" * 148)
    assert holds(f"n IN ({', '.join([':one'] * 99)}, :n)")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 4096,
        "(" * 2000 + "n = :n" + ")" * 2000,
        "NOT " * 1000 + "n = :n",
        "n < " + "f(" * 1300 + "n" + ")" * 1300,
        "n < " + "size(" * 680 + "n" + ")" * 680,
        "(NOT " * 500 + "n = :n" + ")" * 500,
        "n[0]" * 1000,
        "n" + "[0]" * 1300 + " = :n",
    ],
    ids=["open", "groups", "not", "unknown", "size", "not in groups", "names", "positions"],
)
def test_no_depth_of_nesting_is_too_much_for_an_answer(text):
    assert refusal(holds, text).startswith("Invalid ConditionExpression")


@given(strategies.conditions, strategies.items)
@settings(max_examples=150)
def test_any_condition_means_what_the_documentation_gives_it(condition, item):
    wire = {name: encode(value) for name, value in item.items()}
    names = Names()
    text = condition.render(names)
    placeholders = Placeholders(names.names or None, as_sent(names.values) or None)
    found = parse_condition(text, placeholders).holds(check_item(as_sent(wire)))
    placeholders.check_used()
    assert found == reference.holds(condition, wire)


def as_sent(values):
    """Return values as they are sent: a binary is base64 text."""
    return from_json(to_json(values))


def test_evaluation_changes_nothing():
    before = repr(ITEM)
    for text in TRUE + FALSE:
        holds(text)
    assert repr(ITEM) == before
