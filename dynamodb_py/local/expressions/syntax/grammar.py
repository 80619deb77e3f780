"""What the grammars of all expressions have in common: paths, values and calls of functions."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeAlias, TypeVar, cast

from ....limits import MAX_DEPTH, MAX_OPERATORS
from .lexer import Lexer
from .reserved import RESERVED


class PathName(NamedTuple):
    """A path as it is written: names and placeholders of names, and positions in lists."""

    parts: tuple[str | int, ...]


class ValueName(NamedTuple):
    """The placeholder of a value."""

    text: str


class Call(NamedTuple):
    """A function and its arguments."""

    name: str
    arguments: tuple[Operand, ...]


Operand: TypeAlias = "PathName | ValueName | Call"

FUNCTIONS = frozenset(
    {
        "attribute_exists",
        "attribute_not_exists",
        "attribute_type",
        "begins_with",
        "contains",
        "size",
        "if_not_exists",
        "list_append",
    }
)
_MAX_POSITION = 2**31 - 1


Node = TypeVar("Node")
Rule: TypeAlias = Generator[Any, Node, Node]
"""Reads a part of an expression, yields the rules of parts within, gets what they return."""


class Grammar(Generic[Node]):
    """Reads one expression into nodes.

    Problems beyond the syntax are noted, and raised when all has been read, because errors of syntax
    come first.
    """

    keywords: ClassVar[frozenset[str]]
    """What cannot be the name of an attribute."""
    order: ClassVar[Sequence[str]]
    """The kinds of problems: the first of them that was noted is raised."""

    def __init__(self, text: str, kind: str) -> None:
        self.words = Lexer(text, kind)
        self._operators = 0
        self._grouped: Node | None = None
        """What the parentheses just closed are around."""
        self._problems: dict[str, str] = {}

    def run(self, rule: Rule[Node]) -> Node:
        """Read by a rule and those that it yields, however deep they are nested."""
        begun = [rule]
        node: Node | None = None  # what a generator gets first
        while begun:
            try:
                begun.append(begun[-1].send(cast("Node", node)))
                node = None
            except StopIteration as end:
                begun.pop()
                node = end.value
        return cast("Node", node)

    def note(self, kind: str, reason: str) -> None:
        """Keep the first problem of each kind."""
        self._problems.setdefault(kind, reason)

    def count_operator(self) -> None:
        """Count an operator of the expression, of which there may be 300."""
        self._operators += 1
        if self._operators > MAX_OPERATORS:
            self.note(
                "operators",
                f"The expression contains too many operators; operator count: {MAX_OPERATORS + 1}",
            )

    def finish(self) -> None:
        """Refuse words behind the end, and raise what was noted."""
        if self.words.word.kind != "end":
            self.words.refuse_word()
        for kind in self.order:
            if (reason := self._problems.get(kind)) is not None:
                self.words.refuse(reason)

    def parse_path(self) -> PathName:
        """Read a path."""
        return self.parse_suffix([self._parse_name()])

    def parse_operand(self) -> PathName | ValueName:
        """Read a value or a path."""
        if self.words.word.kind == "value":
            return ValueName(self.words.take().text)
        return self.parse_path()

    def parse_suffix(self, parts: list[str | int]) -> PathName:
        """Read what follows the first parts of a path."""
        while True:
            if self.words.accept("."):
                parts.append(self._parse_name())
            elif self.words.accept("["):
                parts.append(self._parse_position())
            else:
                break
        if len(parts) > MAX_DEPTH:
            self.note(
                "depth",
                "The document path has too many nesting elements; "
                f"nesting elements: {len(parts)}, maximum: {MAX_DEPTH}",
            )
        return PathName(tuple(parts))

    def starts_call(self) -> bool:
        """Return whether a function and its opening parenthesis come next."""
        word = self.words.word
        return (
            word.kind == "name" and word.key not in self.keywords and self.words.look().text == "("
        )

    def check_function(self, name: str) -> None:
        """Note a function that there is not."""
        if name not in FUNCTIONS:
            self.note("unknown", f"Invalid function name; function: {name}")

    def note_misuse(self, name: str) -> None:
        """Note a function where it cannot be."""
        self.note(
            "misused",
            f"The function is not allowed to be used this way in an expression; function: {name}",
        )

    def end_group(self, node: Node) -> None:
        """Read the end of parentheses around *node*; note those around parentheses."""
        self.words.expect(")")
        if node is self._grouped:
            self.note("parentheses", "The expression has redundant parentheses;")
        self._grouped = node

    def _parse_name(self) -> str:
        word = self.words.word
        if word.kind == "name" and word.key not in self.keywords:
            if word.key in RESERVED:
                self.note(
                    "reserved",
                    f"Attribute name is a reserved keyword; reserved keyword: {word.text}",
                )
        elif word.kind != "hash":
            self.words.refuse_word()
        return self.words.take().text

    def _parse_position(self) -> int:
        if self.words.word.kind != "number":
            self.words.refuse_word()
        position = int(self.words.take().text)
        if position > _MAX_POSITION:
            self.note(
                "position", f"List index is not within the allowable range; index: [{position}]"
            )
        self.words.expect("]")
        return position
