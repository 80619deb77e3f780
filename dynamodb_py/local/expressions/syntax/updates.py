"""The grammar of updates."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from .grammar import Call, Grammar, Operand, PathName, ValueName


class ArithmeticSyntax(NamedTuple):
    """Two operands with + or - between them."""

    sign: str
    left: Operand
    right: Operand


SetValue: TypeAlias = "Operand | ArithmeticSyntax"


class ActionSyntax(NamedTuple):
    """A change: SET, REMOVE, ADD or DELETE, where, and the value if there is one."""

    section: str
    path: PathName
    value: SetValue | None


class UpdateGrammar(Grammar):
    """Reads an update."""

    keywords = frozenset({"SET", "REMOVE", "ADD", "DELETE"})
    order = (
        "operators",
        "parentheses",
        "reserved",
        "unknown",
        "misused",
        "section",
        "depth",
        "position",
    )

    def __init__(self, text: str, kind: str) -> None:
        super().__init__(text, kind)
        self._grouped: Operand | None = None
        """What the parentheses just closed are around."""

    def parse(self) -> tuple[ActionSyntax, ...]:
        """Read the whole expression."""
        actions: list[ActionSyntax] = []
        seen: set[str] = set()
        while self.words.word.kind != "end" or not seen:
            if self.words.word.key not in self.keywords:
                self.words.refuse_word()
            section = self.words.take().key
            if section in seen:
                self.note(
                    "section",
                    f'The "{section}" section can only be used once in an update expression;',
                )
            seen.add(section)
            actions.append(self._parse_action(section))
            while self.words.accept(","):
                actions.append(self._parse_action(section))
        self.finish()
        return tuple(actions)

    def _parse_action(self, section: str) -> ActionSyntax:
        path = self.parse_path()
        if section == "REMOVE":
            return ActionSyntax(section, path, None)
        if section == "SET":
            self.words.expect("=")
            return ActionSyntax(section, path, self._parse_set_value())
        if self.words.word.kind != "value":
            self.words.refuse_word()
        return ActionSyntax(section, path, ValueName(self.words.take().text))

    def _parse_set_value(self) -> SetValue:
        """Read an operand, or two with + or - between them, perhaps in parentheses."""
        is_group = self.words.accept("(")
        left = self._parse_operand()
        if is_group and self.words.word.key == ")":
            self._end_group(left)
            is_group = False
        value: SetValue = left
        if self.words.word.key in ("+", "-"):
            self.count_operator()
            value = ArithmeticSyntax(self.words.take().key, left, self._parse_operand())
        if is_group:
            self.words.expect(")")
        return value

    def _parse_operand(self) -> Operand:
        """Read an operand, with the calls that have begun on a stack."""
        words = self.words
        begun: list[tuple[str, list[Operand]]] = []
        while True:
            if self.starts_call():
                self.count_operator()
                begun.append((words.take().text, []))
                words.take()
                continue
            if words.accept("("):
                begun.append(("", []))
                continue
            operand: Operand = (
                ValueName(words.take().text) if words.word.kind == "value" else self.parse_path()
            )
            while begun:
                name, arguments = begun[-1]
                arguments.append(operand)
                if name and words.accept(","):
                    break
                begun.pop()
                if name:
                    words.expect(")")
                    operand = self._make_call(name, arguments, is_inner=any(n for n, _ in begun))
                else:
                    self._end_group(operand)
            else:
                return operand

    def _end_group(self, operand: Operand) -> None:
        self.words.expect(")")
        if operand is self._grouped:
            self.note_parentheses()
        self._grouped = operand

    def _make_call(self, name: str, arguments: list[Operand], *, is_inner: bool) -> Call:
        self.check_function(name)
        # The service takes no list_append() within another function, though it parses it.
        if name != "if_not_exists" and (name != "list_append" or is_inner):
            self.note_misuse(name)
        return Call(name, tuple(arguments))
