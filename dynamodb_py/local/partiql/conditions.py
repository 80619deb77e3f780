"""The grammar of WHERE. Its result is the syntax of condition expressions."""

from __future__ import annotations

from typing import TypeAlias

from ...limits import MAX_IN, MAX_OPERATORS
from ..database.errors import make_invalid
from ..expressions.syntax.conditions import (
    BetweenSyntax,
    ComparisonSyntax,
    ConditionSyntax,
    InSyntax,
    JunctionSyntax,
    NotSyntax,
)
from ..expressions.syntax.grammar import Call, Operand, PathName, ValueName
from .grammar import COMPARISONS, Grammar
from .statements import Constant

_Node: TypeAlias = "ConditionSyntax | Operand"

_TESTS = frozenset(
    {"attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"}
)
_TYPES = {"NULL": "NULL", "BOOL": "BOOL", "BOOLEAN": "BOOL", "STRING": "S"}
"""The types of IS that are types of DynamoDB."""
_OTHER_TYPES = """
SMALLINT INT INTEGER INT4 INT8 FLOAT REAL DOUBLE DECIMAL NUMERIC TIMESTAMP DATE TIME CHARACTER CHAR
VARCHAR SYMBOL CLOB BLOB STRUCT TUPLE LIST SEXP BAG
"""
_ENDS = {"[": "]", "(": ")", "<<": ">>"}
_MISSING_SIDE = "Missing right-hand side expression of infix operator"


class ConditionGrammar(Grammar):
    """A parser of conditions."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._operators = 0

    def parse_condition(self) -> ConditionSyntax:
        """Read a whole condition."""
        return self._require_condition(self._parse_junction("OR"))

    def _parse_junction(self, key: str) -> _Node:
        """Read terms with *key*, OR or AND, between them. The terms of OR are those with AND, which binds tighter."""
        nodes = [self._parse_term(key)]
        while self.words.accept(key):
            self._count_operator()
            self._check_side()
            nodes.append(self._parse_term(key))
        if len(nodes) == 1:
            return nodes[0]
        return JunctionSyntax(key, tuple(map(self._require_condition, nodes)))

    def _parse_term(self, key: str) -> _Node:
        return self._parse_junction("AND") if key == "OR" else self._parse_negation()

    def _parse_negation(self) -> _Node:
        is_negated, is_plain = False, True
        while self.words.accept("NOT"):
            self._count_operator()
            is_negated, is_plain = not is_negated, False
        node = self._parse_predicate()
        if is_plain:
            return node
        condition = self._require_condition(node)
        return NotSyntax(condition) if is_negated else condition

    def _parse_predicate(self) -> _Node:
        left = self._parse_node()
        key = self.words.word.key
        if key in COMPARISONS:
            self.words.take()
            self._count_operator()
            self._check_side()
            return self._parse_comparison(left, COMPARISONS[key])
        if key == "IS":
            self.words.take()
            return self._parse_type_test(self._require_operand(left))
        negated = key == "NOT" and self.words.look().key in ("IN", "BETWEEN", "LIKE")
        if negated:
            self.words.take()
            key = self.words.word.key
        if key not in ("IN", "BETWEEN", "LIKE"):
            return left
        self.words.take()
        self._count_operator()
        operand = self._require_operand(left)
        if key == "LIKE":
            raise make_invalid("Unsupported operator: LIKE")
        found = self._parse_options(operand) if key == "IN" else self._parse_bounds(operand)
        return NotSyntax(found) if negated else found

    def _parse_node(self) -> _Node:
        """Read an operand, a function, or the content of parentheses."""
        words = self.words
        if words.word.key == "(":
            words.take()
            self.enter_group()
            node = self._parse_junction("OR")
            self.leave_group()
            return node
        if self.starts_call() and words.word.key not in ("NOT", "AND", "OR", "IN", "IS"):
            return self._parse_call()
        return self._parse_plain_operand()

    def _parse_plain_operand(self) -> Operand:
        if self.starts_path():
            return self.parse_path()
        if self.starts_value():
            return self.parse_value_name()
        raise self.make_unexpected()

    def _parse_operand(self) -> Operand:
        return self._require_operand(self._parse_node())

    def _parse_call(self) -> Call:
        word = self.words.take()
        name = word.text.lower()
        if name != "size" and name not in _TESTS:
            raise make_invalid(f"Unrecognized function: {name} at {self.words.locate(word)}")
        arguments = self.parse_arguments(self._parse_operand)
        if name == "size" and len(arguments) != 1:
            raise make_invalid(
                "Incorrect number of operands for operator or function; "
                f"operator or function: size, number of operands: {len(arguments)}"
            )
        return Call(name, tuple(arguments))

    def _parse_comparison(self, left: _Node, sign: str) -> ConditionSyntax:
        if _is_condition(left) and sign in ("=", "<>") and self.words.word.key in ("TRUE", "FALSE"):
            condition = self._require_condition(left)
            holds = (self.words.take().key == "TRUE") is (sign == "=")
            return condition if holds else NotSyntax(condition)
        operand = self._require_operand(left)
        return ComparisonSyntax(sign, operand, self._parse_operand())

    def _parse_type_test(self, operand: Operand) -> ConditionSyntax:
        negated = self.words.accept("NOT")
        key = self.words.word.key
        self._count_operator()
        if key == "MISSING":
            self.words.take()
            return Call("attribute_exists" if negated else "attribute_not_exists", (operand,))
        if key and key in _OTHER_TYPES.split():
            raise make_invalid(f"Unsupported type of IS: {key}")
        if key not in _TYPES:
            self.words.refuse("Expected type name")
        self.words.take()
        self.values.append(Constant({"S": _TYPES[key]}))
        test = Call("attribute_type", (operand, ValueName(f":{len(self.values) - 1}")))
        return NotSyntax(test) if negated else test

    def _parse_options(self, operand: Operand) -> InSyntax:
        end = _ENDS.get(self.words.word.key)
        if end is None:
            raise make_invalid("The right-hand side of IN must be a list of values")
        self.words.take()
        options = self.parse_list(end, self._parse_plain_operand)
        if not 0 < len(options) <= MAX_IN:
            raise make_invalid(
                "Incorrect number of operands for operator or function; "
                f"operator or function: IN, number of operands: {len(options) + 1}"
            )
        return InSyntax(operand, tuple(options))

    def _parse_bounds(self, operand: Operand) -> BetweenSyntax:
        low = self._parse_operand()
        self.words.expect("AND")
        return BetweenSyntax(operand, low, self._parse_operand())

    def _require_condition(self, node: _Node) -> ConditionSyntax:
        if isinstance(node, (PathName, ValueName)):
            raise make_invalid("A condition must compare a path or a value with another")
        if isinstance(node, Call) and node.name == "size":
            raise _make_misuse(node.name)
        return node

    def _require_operand(self, node: _Node) -> Operand:
        if isinstance(node, Call) and node.name != "size":
            raise _make_misuse(node.name)
        if isinstance(node, (PathName, ValueName, Call)):
            return node
        raise make_invalid("A condition cannot be an operand")

    def _count_operator(self) -> None:
        self._operators += 1
        if self._operators > MAX_OPERATORS:
            raise make_invalid(
                f"The expression contains too many operators; operator count: {self._operators}"
            )

    def _check_side(self) -> None:
        """Raise the error for a statement that ends after an operator."""
        if self.words.word.kind == "end":
            self.words.refuse(_MISSING_SIDE)


def _is_condition(node: _Node) -> bool:
    if isinstance(node, Call):
        return node.name != "size"
    return not isinstance(node, (PathName, ValueName))


def _make_misuse(name: str) -> Exception:
    return make_invalid(
        f"The function is not allowed to be used this way in an expression; function: {name}"
    )
