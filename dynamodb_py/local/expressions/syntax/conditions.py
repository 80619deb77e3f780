"""The grammar of conditions, filters and key conditions."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from .grammar import Call, Grammar, Operand, PathName, ValueName


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
    """An operand and the ones that it may be equal to."""

    operand: Operand
    options: tuple[Operand, ...]


class NotSyntax(NamedTuple):
    """The contrary of a condition."""

    term: ConditionSyntax


class JunctionSyntax(NamedTuple):
    """Conditions joined by AND or by OR."""

    key: str
    terms: tuple[ConditionSyntax, ...]


ConditionSyntax: TypeAlias = (
    "ComparisonSyntax | BetweenSyntax | InSyntax | NotSyntax | JunctionSyntax | Call"
)
_Node: TypeAlias = "ConditionSyntax | Operand"

_SIGNS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_OPERATORS = _SIGNS | {"BETWEEN", "IN"}
_UPPER = "BETWEEN ... AND"


class _Frame:
    """What has begun and waits for its last part.

    *key* is a sign, a keyword, ``(`` of a group, or the name of a function with its ``(``.
    """

    __slots__ = ("key", "parts")

    def __init__(self, key: str, *parts: _Node) -> None:
        self.key = key
        self.parts: list[_Node] = [*parts]


class ConditionGrammar(Grammar):
    """Reads a condition, with the frames of what has begun on a stack."""

    keywords = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN"})
    order = (
        "operators",
        "parentheses",
        "unknown",
        "misused",
        "reserved",
        "depth",
        "position",
    )

    def __init__(self, text: str, kind: str) -> None:
        super().__init__(text, kind)
        self._frames: list[_Frame] = []
        self._grouped: _Node | None = None
        """What the parentheses just closed are around."""

    def parse(self) -> ConditionSyntax:
        """Read the whole expression."""
        while True:
            node: _Node | None = self._read_operand()
            while node is not None:
                if not self._frames and self.words.word.kind == "end":
                    condition = self._check_condition(node)
                    self.finish()
                    return condition
                node = self._go_on(node)

    def _read_operand(self) -> Operand:
        """Read up to the end of the next operand; what opens before it gets a frame."""
        words = self.words
        while True:
            if words.word.key == "NOT":
                self.count_operator()
                self._frames.append(_Frame(words.take().key))
            elif words.word.key == "(":
                self._frames.append(_Frame(words.take().key))
            elif self.starts_call():
                self._frames.append(_Frame(words.take().text + words.take().text))
            elif words.word.kind == "value":
                return ValueName(words.take().text)
            else:
                return self.parse_path()

    def _go_on(self, node: _Node) -> _Node | None:
        """Give *node* to what waits for it.

        Returns the node that is complete by that, or None if another operand must follow.
        """
        key = self.words.word.key
        frame = self._frames[-1] if self._frames else None
        waiting = frame.key if frame is not None else ""
        if frame is not None and (waiting in _OPERATORS or waiting == _UPPER):
            return self._give_operand(frame, node)
        if frame is not None and waiting[-1:] == "(" and waiting != "(":
            return self._give_argument(frame, node)
        if key in _OPERATORS:
            self._begin_operator(node)
            return None
        if frame is not None and waiting == "NOT":
            self._frames.pop()
            return NotSyntax(self._check_condition(node))
        if key in ("AND", "OR"):
            return self._join(node, key, frame)
        if frame is not None and waiting in ("AND", "OR"):
            return self._end_junction(frame, node)
        if waiting == "(" and key == ")":
            return self._end_group(node)
        raise self.words.make_error()

    def _begin_operator(self, node: _Node) -> None:
        operand = self._check_operand(node)
        self.count_operator()
        key = self.words.take().key
        if key == "IN":
            self.words.expect("(")
        self._frames.append(_Frame(key, operand))

    def _give_operand(self, frame: _Frame, node: _Node) -> ConditionSyntax | None:
        operand = self._check_operand(node)
        if frame.key == "IN":
            return self._give_option(frame, operand)
        frame.parts.append(operand)
        if frame.key == "BETWEEN":
            self.words.expect("AND")
            frame.key = _UPPER
            return None
        self._frames.pop()
        operands: list[Operand] = [*map(self._check_operand, frame.parts)]
        if frame.key == _UPPER:
            return BetweenSyntax(*operands)
        return ComparisonSyntax(frame.key, *operands)

    def _give_option(self, frame: _Frame, operand: Operand) -> ConditionSyntax | None:
        frame.parts.append(operand)
        if self.words.accept(","):
            return None
        self.words.expect(")")
        self._frames.pop()
        first, *options = map(self._check_operand, frame.parts)
        return InSyntax(first, tuple(options))

    def _give_argument(self, frame: _Frame, node: _Node) -> Call | None:
        frame.parts.append(self._check_operand(node))
        if self.words.accept(","):
            return None
        self.words.expect(")")
        self._frames.pop()
        name = frame.key[:-1]
        self.check_function(name)
        return Call(name, tuple(map(self._check_operand, frame.parts)))

    def _join(self, node: _Node, key: str, frame: _Frame | None) -> _Node | None:
        """Join by AND or OR what came before to what follows; AND binds more tightly."""
        if frame is not None and frame.key == "AND" and key == "OR":
            return self._end_junction(frame, node)
        condition = self._check_condition(node)
        self.count_operator()
        self.words.take()
        if frame is not None and frame.key == key:
            frame.parts.append(condition)
        else:
            self._frames.append(_Frame(key, condition))
        return None

    def _end_junction(self, frame: _Frame, node: _Node) -> JunctionSyntax:
        self._frames.pop()
        return JunctionSyntax(frame.key, tuple(map(self._check_condition, [*frame.parts, node])))

    def _end_group(self, node: _Node) -> _Node:
        self._frames.pop()
        self.words.take()
        if node is self._grouped:
            self.note_parentheses()
        if isinstance(node, PathName) and self.words.word.key in (".", "["):
            return self.parse_suffix([*node.parts])
        self._grouped = node
        return node

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
