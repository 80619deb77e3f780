"""The grammar of statements.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.statements.html
"""

from __future__ import annotations

from functools import lru_cache

from ..database.errors import make_invalid
from ..expressions.paths import Path
from ..expressions.syntax.conditions import ConditionSyntax
from ..expressions.syntax.grammar import Call, Operand, PathName, ValueName
from ..expressions.syntax.updates import ActionSyntax, ArithmeticSyntax, SetValue
from .conditions import ConditionGrammar
from .lexer import make_malformed
from .statements import (
    Delete,
    Exists,
    Insert,
    OrderSyntax,
    Parsed,
    Select,
    SetArgument,
    Source,
    Statement,
    Update,
)

_SECTIONS = {"set_add": "ADD", "set_delete": "DELETE"}
_RETURNING = {
    ("ALL", "OLD"): "ALL_OLD",
    ("MODIFIED", "OLD"): "UPDATED_OLD",
    ("ALL", "NEW"): "ALL_NEW",
    ("MODIFIED", "NEW"): "UPDATED_NEW",
}
_NO_IDENTIFIER = "Expected identifier for simple path"
_LEFTOVER = "Unexpected token after expression"


@lru_cache(maxsize=256)
def parse_statement(text: str) -> Parsed:
    """Return the parsed statement in *text*; raise a ValidationException if it is not valid.

    >>> parse_statement("SELECT a.b FROM t WHERE a = ?").statement.paths
    (('a', 'b'),)
    """
    return _Parser(text).parse()


class _Parser(ConditionGrammar):
    """A parser of one statement."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._set_arguments: list[SetArgument] = []

    def parse(self) -> Parsed:
        """Read the whole statement."""
        statement = self._parse_statement()
        self.words.accept(";")
        if self.words.word.kind != "end":
            self.words.refuse(_LEFTOVER)
        return Parsed(statement, tuple(self.values), self.parameters)

    def _parse_statement(self) -> Statement:
        if self.words.word.key == "EXISTS" and self.words.look().key == "(":
            return self._parse_exists()
        for verb, parse in (
            ("SELECT", self._parse_select),
            ("INSERT", self._parse_insert),
            ("UPDATE", self._parse_update),
            ("FROM", lambda: self._parse_update(where_first=True)),
            ("DELETE", self._parse_delete),
        ):
            if self.words.accept(verb):
                return parse()
        raise make_malformed("Expected data manipulation")

    def _parse_select(self) -> Select:
        paths = None if self.words.accept("*") else self._parse_columns()
        self.words.expect("FROM")
        if not self.starts_path():
            raise self.make_unexpected()
        source = self._parse_source()
        self._refuse_alias()
        where = self._parse_where()
        order = self._parse_order()
        if self.words.word.key in ("LIMIT", "GROUP", "HAVING"):
            word = self.words.word
            raise make_invalid(f"Unsupported clause: {word.key} at {self.words.locate(word)}")
        return Select(source, paths, where, order)

    def _parse_columns(self) -> tuple[Path, ...]:
        found: list[Path] = []
        while not found or self.words.accept(","):
            if self.starts_call():
                place = self.words.locate(self.words.word)
                raise make_invalid(f"Unexpected path component at {place}")
            if not self.starts_path():
                raise self.make_unexpected()
            found.append(self.parse_path().parts)
        return tuple(found)

    def _parse_order(self) -> tuple[OrderSyntax, ...]:
        if not self.words.accept("ORDER"):
            return ()
        self.words.expect("BY")
        found: list[OrderSyntax] = []
        while not found or self.words.accept(","):
            name = self.parse_name(_NO_IDENTIFIER)
            backward = self.words.accept("DESC")
            if not backward:
                self.words.accept("ASC")
            found.append(OrderSyntax(name, backward))
        return tuple(found)

    def _parse_insert(self) -> Insert:
        self.words.expect("INTO")
        source = self._parse_table()
        if not self.words.accept("VALUE"):
            self.words.refuse(_LEFTOVER)
        return Insert(source, self.parse_map())

    def _parse_update(self, *, where_first: bool = False) -> Update:
        """Read an UPDATE; *where_first* if it has WHERE before the changes, as the form with FROM has."""
        source = self._parse_table()
        self._refuse_alias()
        where = self._parse_where() if where_first else None
        actions = self._parse_actions()
        if not where_first:
            where = self._parse_where()
        returning = self._parse_returning()
        return Update(source, actions, where, returning, tuple(self._set_arguments))

    def _parse_delete(self) -> Delete:
        self.words.expect("FROM")
        source = self._parse_table()
        self._refuse_alias()
        where = self._parse_where()
        returning = self._parse_returning()
        if returning not in ("NONE", "ALL_OLD"):
            spelled = " ".join(next(k for k, v in _RETURNING.items() if v == returning))
            raise make_invalid(
                f"Invalid returning clause: RETURNING {spelled} *. "
                "Only RETURNING ALL OLD * is allowed in DELETE statements."
            )
        return Delete(source, where, returning)

    def _parse_exists(self) -> Exists:
        self.words.take()
        self.words.take()
        self.enter_group()
        self.words.expect("SELECT")
        select = self._parse_select()
        self.leave_group()
        return Exists(select)

    def _parse_source(self) -> Source:
        table = self.parse_name(_NO_IDENTIFIER)
        if self.words.accept("."):
            return Source(table, self.parse_name("Invalid path dot component"))
        return Source(table)

    def _parse_table(self) -> Source:
        source = self._parse_source()
        if source.index_name is not None:
            raise make_invalid("Only SELECT statements can name an index")
        return source

    def _refuse_alias(self) -> None:
        if self.words.word.key == "AS" or self.starts_path():
            raise make_invalid("Aliasing is not supported")

    def _parse_where(self) -> ConditionSyntax | None:
        return self.parse_condition() if self.words.accept("WHERE") else None

    def _parse_returning(self) -> str:
        words = self.words
        if not words.accept("RETURNING"):
            return "NONE"
        returning = _RETURNING.get((words.take().key, words.take().key))
        if returning is None or not words.accept("*"):
            words.refuse("Expected ALL or MODIFIED, OLD or NEW, and * behind RETURNING")
        return returning

    def _parse_actions(self) -> tuple[ActionSyntax, ...]:
        words = self.words
        actions: list[ActionSyntax] = []
        while words.word.key in ("SET", "REMOVE"):
            section = words.take().key
            while True:
                if not self.starts_path():
                    raise self.make_unexpected()
                path = self.parse_path()
                actions.append(
                    ActionSyntax(section, path, None)
                    if section == "REMOVE"
                    else self._parse_assignment(path)
                )
                if not words.accept(","):
                    break
        if not actions:
            words.refuse("Expected SET or REMOVE")
        return tuple(actions)

    def _parse_assignment(self, path: PathName) -> ActionSyntax:
        self.words.expect("=")
        word = self.words.word
        if self.starts_call() and word.text.lower() in _SECTIONS:
            return self._parse_set_call(path)
        left = self._parse_set_operand()
        value: SetValue = left
        if self.words.word.key in ("+", "-"):
            sign = self.words.take().key
            value = ArithmeticSyntax(sign, left, self._parse_set_operand())
        return ActionSyntax("SET", path, value)

    def _parse_set_operand(self) -> Operand:
        if self.words.accept("("):
            self.enter_group()
            operand = self._parse_set_operand()
            self.leave_group()
            return operand
        if not self.starts_call():
            return self._parse_plain_operand()
        word = self.words.take()
        name = word.text.lower()
        if name != "list_append":
            raise make_invalid(f"Unrecognized function: {name} at {self.words.locate(word)}")
        arguments = self.parse_arguments(self._parse_set_operand)
        if len(arguments) != 2:
            raise make_invalid(
                f"LIST_APPEND must have exactly two arguments at {self.words.locate(word)}"
            )
        return Call(name, tuple(arguments))

    def _parse_set_call(self, path: PathName) -> ActionSyntax:
        """Read set_add or set_delete, the ADD and DELETE of update expressions."""
        word = self.words.take()
        name, place = word.text.upper(), self.words.locate(word)
        first = self.words.look()
        arguments = self.parse_arguments(self._parse_set_operand)
        if len(arguments) != 2:
            raise make_invalid(f"{name} must have exactly two arguments at {place}")
        target, value = arguments
        if target != path:
            raise make_invalid(
                f"The first argument to {name} must equal the assignment value at {place}"
            )
        refusal = (
            f"The second argument to {name} must be a value with type SET "
            f"at {self.words.locate(first)}"
        )
        if not isinstance(value, ValueName):
            raise make_invalid(refusal)
        self._set_arguments.append(SetArgument(value.text, refusal))
        return ActionSyntax(_SECTIONS[word.text.lower()], path, value)
