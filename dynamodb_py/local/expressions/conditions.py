"""Conditions and filters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NoReturn

from ...limits import MAX_IN
from ..database.errors import make_invalid
from ..database.values import ORDERED, TYPES, Item, Value
from . import terms
from .paths import Path, show_path
from .placeholders import Placeholders
from .syntax.conditions import (
    BetweenSyntax,
    ComparisonSyntax,
    ConditionGrammar,
    ConditionSyntax,
    InSyntax,
    JunctionSyntax,
    NotSyntax,
)
from .syntax.grammar import Call, Operand, PathName, ValueName
from .syntax.lexer import check_text


class Condition:
    """A condition on items.

    >>> placeholders = Placeholders({"#s": "size"}, {":n": {"N": "2"}})
    >>> condition = parse_condition("#s > :n AND attribute_exists(a.b)", placeholders)
    >>> condition.holds({"size": {"N": "10"}}), sorted(condition.names)
    (False, ['a', 'size'])
    """

    __slots__ = ("names", "test")

    def __init__(self, test: terms.Test, names: Iterable[str]) -> None:
        self.test = test
        self.names = frozenset(names)
        """The top-level attributes that the condition reads."""

    def holds(self, item: Item) -> bool:
        """Return whether *item* fulfils the condition."""
        return self.test.holds(item)


def parse_condition(
    text: object, placeholders: Placeholders, kind: str = "ConditionExpression"
) -> Condition:
    """Return the condition in *text*; raise a ValidationException if it is not valid.

    :param kind: the name of the request's member with the expression, for errors.
    """
    placeholders.serve()
    return bind_condition(_parse(check_text(text, kind), kind), placeholders, kind)


def bind_condition(syntax: ConditionSyntax, placeholders: Placeholders, kind: str) -> Condition:
    """Return the condition of a parsed expression, with the names and values of a request."""
    binder = _Binder(placeholders, kind)
    test = binder.bind(syntax)
    return Condition(test, binder.names)


@lru_cache(maxsize=1024)
def _parse(text: str, kind: str) -> ConditionSyntax:
    return ConditionGrammar(text, kind).parse()


def make_operand(path: Path) -> terms.Attribute | terms.Nested:
    """Return the operand for the value at *path*."""
    return terms.Attribute(str(path[0])) if len(path) == 1 else terms.Nested(path)


_COUNTS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
}
_ANY_TYPE = "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"
_TYPES_SHOWN = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"


class _Binder:
    """Builds tests from a parsed expression, with the names and values of a request."""

    def __init__(self, placeholders: Placeholders, kind: str) -> None:
        self._placeholders, self._kind = placeholders, kind
        self.names: set[str] = set()

    def bind(self, syntax: ConditionSyntax) -> terms.Test:
        if isinstance(syntax, ComparisonSyntax):
            return self._bind_comparison(syntax)
        if isinstance(syntax, JunctionSyntax):
            tests: list[terms.Test] = []
            for term in syntax.terms:  # a comprehension would use two frames for each level
                tests.append(self.bind(term))
            return terms.All(tuple(tests)) if syntax.key == "AND" else terms.Either(tuple(tests))
        if isinstance(syntax, NotSyntax):
            return terms.Not(self.bind(syntax.term))
        if isinstance(syntax, BetweenSyntax):
            return self._bind_between(syntax)
        if isinstance(syntax, InSyntax):
            return self._bind_in(syntax)
        return self._bind_function(syntax)

    def _bind_comparison(self, syntax: ComparisonSyntax) -> terms.Test:
        sign = syntax.sign
        left, right = self._bind_operands((syntax.left, syntax.right))
        self._check_distinct(sign, (left, right))
        if sign not in ("=", "<>"):
            self._check_types(sign, (left, right), ORDERED)
        return terms.Compare(sign, left, right)

    def _bind_between(self, syntax: BetweenSyntax) -> terms.Test:
        operand, low, high = self._bind_operands(syntax)
        self._check_types("BETWEEN", (operand, low, high), ORDERED)
        if isinstance(low, terms.Literal) and isinstance(high, terms.Literal):
            reason = ""
            if low.value.keys() != high.value.keys():
                reason = "same data type for lower and upper bounds"
            elif terms.COMPARISONS[">"](low.value, high.value):
                reason = "upper bound to be greater than or equal to lower bound"
            if reason:
                self._refuse(
                    f"The BETWEEN operator requires {reason}; "
                    f"lower bound operand: AttributeValue: {_show(low.value)}, "
                    f"upper bound operand: AttributeValue: {_show(high.value)}"
                )
        return terms.Between(operand, low, high)

    def _bind_in(self, syntax: InSyntax) -> terms.Test:
        operand, *options = self._bind_operands((syntax.operand, *syntax.options))
        if len(options) > MAX_IN:
            self._refuse_count("IN", len(options))
        return terms.Among(operand, tuple(options))

    def _bind_function(self, call: Call) -> terms.Test:
        name = call.name
        operands = self._bind_arguments(call)
        first = operands[0]
        if name in ("attribute_exists", "attribute_not_exists"):
            if not isinstance(first, (terms.Attribute, terms.Nested)):
                self._refuse(
                    f"Operator or function requires a document path; operator or function: {name}"
                )
            return (
                terms.Exists(first)
                if name == "attribute_exists"
                else terms.Not(terms.Exists(first))
            )
        if name == "attribute_type":
            return terms.HasType(first, self._check_type_name(operands[1]))
        if name == "begins_with":
            self._check_types(name, operands, {"S", "B"})
            return terms.BeginsWith(*operands)
        return terms.Contains(*operands)

    def _bind_arguments(self, call: Call) -> list[terms.Finder]:
        operands = self._bind_operands(call.arguments)
        if len(operands) != _COUNTS[call.name]:
            self._refuse_count(call.name, len(operands))
        self._check_distinct(call.name, operands)
        return operands

    def _bind_operands(self, operands: Iterable[Operand]) -> list[terms.Finder]:
        return [self._bind_operand(operand) for operand in operands]

    def _bind_operand(self, operand: Operand) -> terms.Finder:
        if isinstance(operand, PathName):
            path = self._placeholders.resolve_path(operand, self._kind)
            self.names.add(str(path[0]))
            return make_operand(path)
        if isinstance(operand, ValueName):
            return terms.Literal(self._placeholders.resolve_value(operand, self._kind))
        # The grammar allows only size() here. size() within size() could be nested without limit.
        if isinstance(operand.arguments[0], Call):
            self._refuse_type("size", "N")
        (argument,) = self._bind_arguments(operand)
        self._check_types("size", (argument,), TYPES - {"N", "BOOL", "NULL"})
        return terms.Size(argument)

    def _check_types(
        self, name: str, operands: Sequence[terms.Finder], allowed: Iterable[str]
    ) -> None:
        for operand in operands:
            kind = _find_type(operand)
            if kind is not None and kind not in allowed:
                self._refuse_type(name, kind)

    def _check_type_name(self, operand: terms.Finder) -> str:
        kind = _find_type(operand)
        if not isinstance(operand, terms.Literal) or kind != "S":
            self._refuse_type("attribute_type", kind or _ANY_TYPE)
        name = operand.value["S"]
        if name not in TYPES:
            self._refuse(
                f"Invalid attribute type name found; type: {name}, valid types: {_TYPES_SHOWN}"
            )
        return str(name)

    def _check_distinct(self, name: str, operands: Sequence[terms.Finder]) -> None:
        first, *rest = operands
        if isinstance(first, (terms.Attribute, terms.Nested)) and rest == [first]:
            path = (first.name,) if isinstance(first, terms.Attribute) else first.path
            self._refuse(
                "The first operand must be distinct from the remaining operands for this operator "
                f"or function; operator: {name}, first operand: {show_path(path)}"
            )

    def _refuse_count(self, name: str, count: int) -> NoReturn:
        self._refuse(
            "Incorrect number of operands for operator or function; "
            f"operator or function: {name}, number of operands: {count}"
        )

    def _refuse_type(self, name: str, kind: str) -> NoReturn:
        self._refuse(
            "Incorrect operand type for operator or function; "
            f"operator or function: {name}, operand type: {kind}"
        )

    def _refuse(self, reason: str) -> NoReturn:
        raise make_invalid(f"Invalid {self._kind}: {reason}")


def _find_type(operand: terms.Finder) -> str | None:
    """Return the type of an operand, or None if it depends on the item."""
    if isinstance(operand, terms.Literal):
        return next(iter(operand.value))
    return "N" if isinstance(operand, terms.Size) else None


def _show(value: Value) -> str:
    ((kind, content),) = value.items()
    return f"{{{kind}:{content}}}"
