"""The grammar of conditions, filters and key conditions."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple, TypeAlias

from .grammar import Call, Grammar, Operand, PathName, Rule, ValueName


class ComparisonSyntax(NamedTuple):
    """Two operands and the sign between them."""

    sign: str
    left: Operand
    right: Operand


class BetweenSyntax(NamedTuple):
    """An operand and its bounds."""

    operand: Operand
    low: Operand
    high: Operand


class InSyntax(NamedTuple):
    """An operand and the options, one of which it must equal."""

    operand: Operand
    options: tuple[Operand, ...]


class NotSyntax(NamedTuple):
    """The negation of a condition."""

    term: ConditionSyntax


class JunctionSyntax(NamedTuple):
    """Conditions joined by AND or by OR."""

    key: str
    terms: tuple[ConditionSyntax, ...]


ConditionSyntax: TypeAlias = (
    "ComparisonSyntax | BetweenSyntax | InSyntax | NotSyntax | JunctionSyntax | Call"
)
_Node: TypeAlias = "ConditionSyntax | Operand"

_OPERATORS = frozenset({"=", "<>", "<", "<=", ">", ">=", "BETWEEN", "IN"})


class ConditionGrammar(Grammar["_Node"]):
    """A parser of conditions."""

    keywords = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN"})
    order = ("operators", "parentheses", "unknown", "misused", "reserved", "depth", "position")

    def parse(self) -> ConditionSyntax:
        """Read the whole expression."""
        node = self.run(self._read_junction("OR"))
        if self.words.word.kind != "end":
            self.words.refuse_word()
        condition = self._check_condition(node)
        self.finish()
        return condition

    def _read_junction(self, key: str) -> Rule[_Node]:
        """Read terms with *key*, OR or AND, between them. The terms of OR are those with AND, which binds tighter."""
        read_term = self._read_term if key == "AND" else lambda: self._read_junction("AND")
        node = yield read_term()
        terms: list[ConditionSyntax] = []
        while self.words.word.key == key:
            terms.append(self._check_condition(node))
            self.count_operator()
            self.words.take()
            node = yield read_term()
        return JunctionSyntax(key, (*terms, self._check_condition(node))) if terms else node

    def _read_term(self) -> Rule[_Node]:
        """Read a term of AND: a condition, perhaps with NOT, or an operand."""
        if self.words.word.key == "NOT":
            self.count_operator()
            self.words.take()
            return NotSyntax(self._check_condition((yield self._read_term())))
        node = yield self._read_node()
        if self.words.word.key in _OPERATORS:
            return (yield self._read_operator(self._check_operand(node)))
        return node

    def _read_operator(self, operand: Operand) -> Rule[_Node]:
        """Read an operator and its operands after the first."""
        self.count_operator()
        key = self.words.take().key
        if key == "IN":
            self.words.expect("(")
            return InSyntax(operand, (yield from self._read_operands()))
        second = self._check_operand((yield self._read_node()))
        if key != "BETWEEN":
            return ComparisonSyntax(key, operand, second)
        self.words.expect("AND")
        return BetweenSyntax(operand, second, self._check_operand((yield self._read_node())))

    def _read_node(self) -> Rule[_Node]:
        """Read an operand, a function, or parentheses; the caller checks whether it may be an operand."""
        words = self.words
        if words.word.key == "NOT":
            return (yield self._read_term())
        if words.accept("("):
            node = yield self._read_junction("OR")
            self.end_group(node)
            if isinstance(node, PathName) and words.word.key in (".", "["):
                return self.parse_suffix([*node.parts])
            return node
        if not self.starts_call():
            return self.parse_operand()
        name = words.take().text
        words.take()
        arguments = yield from self._read_operands()
        self.check_function(name)
        return Call(name, arguments)

    def _read_operands(self) -> Generator[Any, _Node, tuple[Operand, ...]]:
        """Read operands with commas between them, and the closing parenthesis."""
        operands: list[Operand] = []
        while not operands or self.words.accept(","):
            operands.append(self._check_operand((yield self._read_node())))
        self.words.expect(")")
        return tuple(operands)

    def _check_operand(self, node: _Node) -> Operand:
        if isinstance(node, Call) and node.name != "size":
            self.note_misuse(node.name)
        if isinstance(node, (PathName, ValueName, Call)):
            return node
        raise self.words.make_error()

    def _check_condition(self, node: _Node) -> ConditionSyntax:
        if isinstance(node, (PathName, ValueName)):
            self.words.refuse_word()
        if isinstance(node, Call) and node.name in ("size", "if_not_exists", "list_append"):
            self.note_misuse(node.name)
        return node
