"""The grammar of updates."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from .grammar import Call, Grammar, Operand, PathName, Rule, ValueName


class ArithmeticSyntax(NamedTuple):
    """Two operands with + or - between them."""

    sign: str
    left: Operand
    right: Operand


SetValue: TypeAlias = "Operand | ArithmeticSyntax"


class ActionSyntax(NamedTuple):
    """A change of the value at a path."""

    section: str
    """SET, REMOVE, ADD or DELETE."""
    path: PathName
    value: SetValue | None
    """None for REMOVE."""


class UpdateGrammar(Grammar[Operand]):
    """A parser of updates."""

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
        left = self.run(self._read_operand())
        if is_group and self.words.word.key == ")":
            self.end_group(left)
            is_group = False
        value: SetValue = left
        if self.words.word.key in ("+", "-"):
            self.count_operator()
            value = ArithmeticSyntax(self.words.take().key, left, self.run(self._read_operand()))
        if is_group:
            self.words.expect(")")
        return value

    def _read_operand(self, *, is_inner: bool = False) -> Rule[Operand]:
        """Read an operand; *is_inner* if it is an argument of a function."""
        words = self.words
        if words.accept("("):
            operand = yield self._read_operand(is_inner=is_inner)
            self.end_group(operand)
            return operand
        if not self.starts_call():
            return self.parse_operand()
        self.count_operator()
        name = words.take().text
        words.take()
        arguments: list[Operand] = []
        while not arguments or words.accept(","):
            arguments.append((yield self._read_operand(is_inner=True)))
        words.expect(")")
        self.check_function(name)
        # The service rejects list_append() within another function, although its grammar allows it.
        if name != "if_not_exists" and (name != "list_append" or is_inner):
            self.note_misuse(name)
        return Call(name, tuple(arguments))
