"""The common part of the grammars of all expressions: paths, values and calls of functions."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeAlias, TypeVar, cast

from ....limits import MAX_DEPTH, MAX_OPERATORS
from .lexer import Lexer
from .reserved import RESERVED


class PathName(NamedTuple):
    """A path as in the text: names and their placeholders, and positions in lists."""

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
"""A generator that reads a part of an expression. It yields the rules of nested parts, and receives their nodes."""


class Grammar(Generic[Node]):
    """A parser of one expression.

    It notes problems beyond the syntax, and raises one at the end, because syntax errors come first.
    """

    keywords: ClassVar[frozenset[str]]
    """The words that cannot be the name of an attribute."""
    order: ClassVar[Sequence[str]]
    """The kinds of problems, in the order in which they are raised."""

    def __init__(self, text: str, kind: str) -> None:
        self.words = Lexer(text, kind)
        self._operators = 0
        self._grouped: Node | None = None
        """The node in the last parentheses that were closed."""
        self._problems: dict[str, str] = {}

    def run(self, rule: Rule[Node]) -> Node:
        """Read by a rule and the rules that it yields. A stack allows any depth of nesting."""
        begun = [rule]
        node: Node | None = None  # a new generator must receive None
        while begun:
            try:
                begun.append(begun[-1].send(cast("Node", node)))
                node = None
            except StopIteration as end:
                begun.pop()
                node = end.value
        return cast("Node", node)

    def note(self, kind: str, reason: str) -> None:
        """Note a problem; the first of each kind counts."""
        self._problems.setdefault(kind, reason)

    def count_operator(self) -> None:
        """Count an operator, and note a problem if there are more than 300."""
        self._operators += 1
        if self._operators > MAX_OPERATORS:
            self.note(
                "operators",
                f"The expression contains too many operators; operator count: {MAX_OPERATORS + 1}",
            )

    def finish(self) -> None:
        """Raise a ValidationException if words are left, or if a problem was noted."""
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
        """Read the rest of a path after its first parts; return the whole path."""
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
        """Note a problem if there is no such function."""
        if name not in FUNCTIONS:
            self.note("unknown", f"Invalid function name; function: {name}")

    def note_misuse(self, name: str) -> None:
        """Note that a function is at a place where it is not allowed."""
        self.note(
            "misused",
            f"The function is not allowed to be used this way in an expression; function: {name}",
        )

    def end_group(self, node: Node) -> None:
        """Read the end of parentheses around *node*; note a problem if these are the second ones around it."""
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
