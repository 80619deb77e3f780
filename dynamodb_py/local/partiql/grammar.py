"""The common part of the grammars of statements: names, paths and values."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TypeVar

from ...limits import MAX_DEPTH
from ..database.errors import ServiceError, make_invalid
from ..database.values import format_number, parse_number
from ..expressions.syntax.grammar import PathName, ValueName
from ..expressions.syntax.words import Word
from .keywords import OPERATORS
from .lexer import Lexer, make_malformed
from .statements import Constant, ListSyntax, MapSyntax, Parameter, SetSyntax, ValueSyntax

MAX_STATEMENT = 8192
"""The maximum length of a statement.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html
"""
COMPARISONS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
"""The signs between two operands, and the same signs in expressions."""
_MOST_GROUPS = 50
_INTEGERS = range(-(2**31), 2**31)
_MAX_POSITION = 2**31 - 1
_WORDS = {"TRUE": {"BOOL": True}, "FALSE": {"BOOL": False}, "NULL": {"NULL": True}}

Part = TypeVar("Part")


class Grammar:
    """A parser of names, paths and values."""

    def __init__(self, text: str) -> None:
        self.words = Lexer(text)
        self.values: list[ValueSyntax] = []
        self.parameters = 0
        self._groups = 0

    def parse_name(self, detail: str) -> str:
        """Read a name; *detail* is the message of the error if the next word is not a name."""
        if self.words.word.kind not in ("name", "quoted"):
            self.words.refuse(detail)
        return self.words.take().text

    def parse_path(self) -> PathName:
        """Read a path."""
        parts: list[str | int] = [self.parse_name("Expected identifier for simple path")]
        while True:
            if self.words.accept("."):
                parts.append(self.parse_name("Invalid path dot component"))
            elif self.words.accept("["):
                parts.append(self._parse_position())
            else:
                break
        if len(parts) > MAX_DEPTH:
            raise make_invalid(
                "The document path has too many nesting elements; "
                f"nesting elements: {len(parts)}, maximum: {MAX_DEPTH}"
            )
        return PathName(tuple(parts))

    def starts_path(self) -> bool:
        """Return whether a path comes next."""
        return self.words.word.kind in ("name", "quoted")

    def starts_call(self) -> bool:
        """Return whether the name of a function and its opening parenthesis come next."""
        return self.words.word.kind in ("name", "keyword") and self.words.look().key == "("

    def starts_value(self) -> bool:
        """Return whether a value comes next."""
        word = self.words.word
        if word.key in ("-", "+"):
            return self.words.look().kind == "number"
        return (
            word.kind in ("number", "text")
            or word.key in ("?", "[", "{", "<<")
            or word.key in _WORDS
        )

    def parse_value_name(self) -> ValueName:
        """Read a value; return its name in conditions and updates."""
        self.values.append(self.parse_value())
        return ValueName(f":{len(self.values) - 1}")

    def parse_value(self, place: str = "root", depth: int = 1) -> ValueSyntax:
        """Read a value.

        :param place: the path of the value within the whole value, for errors.
        :param depth: the level of the value: 1, and 1 more for each map or list around it.
        """
        words = self.words
        word = words.word
        if self.starts_call():
            raise make_invalid(
                f"Unsupported data type: {word.text.lower()} under key {place} "
                f"at {words.locate(word)}"
            )
        if not self.starts_value():
            raise self.make_unexpected()
        words.take()
        if word.key == "?":
            self.parameters += 1
            return Parameter(self.parameters - 1)
        if word.key in _WORDS:
            return Constant(_WORDS[word.key])
        if word.kind == "text":
            return Constant({"S": word.text})
        if word.key in ("-", "+"):
            return self._make_number(words.take(), word.key, place)
        if word.kind == "number":
            return self._make_number(word, "", place)
        if depth > MAX_DEPTH:
            raise make_invalid(
                "Nesting Levels have exceeded supported limits: "
                "Attributes in the item have nested levels beyond supported limit"
            )
        if word.key == "{":
            return self._parse_map(place, depth)
        numbers = count()
        parts = self.parse_list(
            "]" if word.key == "[" else ">>",
            lambda: self.parse_value(f"{place}[{next(numbers)}]", depth + 1),
        )
        return ListSyntax(tuple(parts)) if word.key == "[" else SetSyntax(tuple(parts))

    def parse_map(self) -> MapSyntax:
        """Read the map of an INSERT: a whole item."""
        if self.words.word.key != "{":
            self.words.refuse("Expected a map of attributes")
        self.words.take()
        return self._parse_map("root", 0)

    def parse_list(self, end: str, parse: Callable[[], Part]) -> list[Part]:
        """Read parts with commas between them, and the word *end* after them."""
        found: list[Part] = []
        while not self.words.accept(end):
            if found:
                self.words.expect(",")
            found.append(parse())
        return found

    def parse_arguments(self, parse: Callable[[], Part]) -> list[Part]:
        """Read the arguments of a function, with their parentheses."""
        self.words.take()
        self.enter_group()
        found = self.parse_list(")", parse)
        self._groups -= 1
        return found

    def enter_group(self) -> None:
        """Begin a level of parentheses; raise a ValidationException if there are too many."""
        self._groups += 1
        if self._groups > _MOST_GROUPS:
            self.words.refuse("Parentheses are nested too deeply")

    def leave_group(self) -> None:
        """End a level of parentheses."""
        self.words.expect(")")
        self._groups -= 1

    def _parse_position(self) -> int:
        word = self.words.take()
        if word.kind != "number" or not word.text.isdecimal():
            self.words.refuse("Invalid path index")
        position = int(word.text) if len(word.text) < 11 else _MAX_POSITION + 1
        if position > _MAX_POSITION:
            raise make_invalid(
                f"List index is not within the allowable range; index: [{word.text[:20]}]"
            )
        self.words.expect("]")
        return position

    def _parse_map(self, place: str, depth: int) -> MapSyntax:
        return MapSyntax(tuple(self.parse_list("}", lambda: self._parse_member(place, depth))))

    def _parse_member(self, place: str, depth: int) -> tuple[str, ValueSyntax]:
        if self.words.word.kind != "text":
            self.words.refuse("Expected a text as the name of an attribute")
        name = self.words.take().text
        self.words.expect(":")
        return name, self.parse_value(f"{place}.{name}" if depth else "root", depth + 1)

    def _make_number(self, word: Word, sign: str, place: str) -> Constant:
        _check_scale(word.text)
        try:
            return Constant({"N": format_number(parse_number(sign + word.text))})
        except ServiceError as error:
            raise make_invalid(f"{error.message} under {place}") from None

    def make_unexpected(self) -> ServiceError:
        """Return the error for the next word, which cannot begin a path or a value."""
        word = self.words.word
        if word.key in OPERATORS or word.key in COMPARISONS:
            return make_malformed("Unexpected operator")
        return make_malformed("Unexpected keyword" if word.kind == "keyword" else "Unexpected term")


def _check_scale(text: str) -> None:
    """Raise a ValidationException if the exponent or the scale of a number does not fit 32 bits."""
    mantissa, _, exponent = text.lower().partition("e")
    if len(exponent) > 11:
        raise make_malformed("")
    power = int(exponent or 0)
    scale = len(mantissa.partition(".")[2]) - power
    if power not in _INTEGERS or scale not in _INTEGERS:
        raise make_malformed("")
