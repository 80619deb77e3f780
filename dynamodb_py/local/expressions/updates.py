"""Updates of an item."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import cast

from ..database.errors import make_invalid
from ..database.values import Item, Value, check_depth
from .changes import Add, Arithmetic, Assign, Change, Delete, IfNotExists, ListAppend, Remove
from .conditions import make_operand
from .paths import Path, Tree, find_value, make_tree, project
from .placeholders import Placeholders
from .syntax.grammar import Call, Operand, PathName, ValueName
from .syntax.lexer import check_text
from .syntax.updates import ActionSyntax, ArithmeticSyntax, SetValue, UpdateGrammar
from .terms import Attribute, Finder, Literal, Nested

_KIND = "UpdateExpression"


class Update:
    """Changes of an item, each at a path.

    >>> placeholders = Placeholders(None, {":n": {"N": "1"}})
    >>> update = parse_update("SET a = b + :n REMOVE b", placeholders)
    >>> update.apply({"b": {"N": "2"}})
    {'a': {'N': '3'}}
    """

    __slots__ = ("_changes", "_tree", "names", "paths")

    def __init__(self, changes: Iterable[tuple[Path, Change]]) -> None:
        self._changes = tuple(changes)
        self.paths = tuple(path for path, _ in self._changes)
        self.names = frozenset(str(path[0]) for path in self.paths)
        """The top-level attributes that the update changes."""
        self._tree = make_tree(self.paths, _KIND)

    @property
    def creates(self) -> bool:
        """Whether AttributeUpdates with these changes create a missing item. Those that only remove do not."""
        return not self._changes or any(
            not isinstance(change, (Remove, Delete)) for _, change in self._changes
        )

    def apply(self, item: Item, *, is_new: bool = False) -> Item:
        """Return a new item with the changes. All new values are computed from *item*, which does not change.

        :param is_new: whether the item is not stored yet. From such an item, any path may be removed.
        """
        tree, changes = self._tree, self._changes
        if is_new:
            changes = tuple(
                (path, change)
                for path, change in changes
                if len(path) == 1 or not isinstance(change, Remove)
            )
            tree = make_tree([path for path, _ in changes], _KIND)
        values = {path: change.compute(item, find_value(item, path)) for path, change in changes}
        for path, value in values.items():
            if value is not None and len(path) > 1:
                check_depth(value, len(path))
        return _change_map(item, tree, values)

    def project_touched(self, item: Item) -> Item:
        """Return the values of *item*, the old or the new one, at the changed paths."""
        return project(item, self._tree)


def parse_update(text: object, placeholders: Placeholders) -> Update:
    """Return the update in *text*; raise a ValidationException if it is not valid."""
    placeholders.serve()
    return bind_update(_parse(check_text(text, _KIND)), placeholders)


def bind_update(actions: Sequence[ActionSyntax], placeholders: Placeholders) -> Update:
    """Return the update of a parsed expression, with the names and values of a request."""
    return _Binder(placeholders).bind(actions)


@lru_cache(maxsize=1024)
def _parse(text: str) -> tuple[ActionSyntax, ...]:
    return UpdateGrammar(text, _KIND).parse()


_LONG_NAMES = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "NULL": "NULL",
    "BOOL": "BOOLEAN",
    "L": "LIST",
    "M": "MAP",
}


class _Binder:
    """Builds changes from a parsed expression, with the names and values of a request.

    It collects errors of types and raises the first at the end, as DynamoDB checks for overlapping paths before.
    """

    def __init__(self, placeholders: Placeholders) -> None:
        self._placeholders = placeholders
        self._wrong_values: list[str] = []
        self._wrong_calls: list[str] = []

    def bind(self, actions: Sequence[ActionSyntax]) -> Update:
        update = Update([self._bind_action(action) for action in actions])
        for reason in (*self._wrong_values, *self._wrong_calls):
            raise make_invalid(f"Invalid {_KIND}: {reason}")
        return update

    def _bind_action(self, action: ActionSyntax) -> tuple[Path, Change]:
        path = self._resolve(action.path)
        if action.section == "REMOVE" or action.value is None:
            return path, Remove()
        if action.section == "SET":
            return path, Assign(self._bind_set_value(action.value))
        value = self._placeholders.resolve_value(cast(ValueName, action.value), _KIND)
        (kind,) = value
        if kind in _LONG_NAMES and (action.section != "ADD" or kind != "N"):
            self._wrong_values.append(
                "Incorrect operand type for operator or function; "
                f"operator: {action.section}, operand type: {_LONG_NAMES[kind]}"
            )
        return path, Add(value) if action.section == "ADD" else Delete(value)

    def _bind_set_value(self, value: SetValue) -> Finder:
        if not isinstance(value, ArithmeticSyntax):
            return self._bind_operand(value)
        left, right = self._bind_operand(value.left), self._bind_operand(value.right)
        self._check_types(value.sign, (left, right), "N")
        return Arithmetic(value.sign == "-", left, right)

    def _bind_operand(self, operand: Operand) -> Finder:
        if isinstance(operand, PathName):
            return make_operand(self._resolve(operand))
        if isinstance(operand, ValueName):
            return Literal(self._placeholders.resolve_value(operand, _KIND))
        return self._bind_call(operand)

    def _bind_call(self, call: Call) -> Finder:
        operands: list[Finder] = []
        for operand in call.arguments:  # a comprehension would use two frames for each level
            operands.append(self._bind_operand(operand))
        if len(operands) != 2:
            self._wrong_calls.append(
                "Incorrect number of operands for operator or function; "
                f"operator or function: {call.name}, number of operands: {len(operands)}"
            )
            return operands[0]
        first, second = operands
        if call.name == "list_append":
            self._check_types(call.name, operands, "L")
            return ListAppend(first, second)
        if not isinstance(first, (Attribute, Nested)):
            self._wrong_calls.append(
                f"Operator or function requires a document path; operator or function: {call.name}"
            )
        return IfNotExists(first, second)

    def _check_types(self, name: str, operands: Sequence[Finder], kind: str) -> None:
        for operand in operands:
            if isinstance(operand, Literal) and kind not in operand.value:
                (actual,) = operand.value
                self._wrong_calls.append(
                    "Incorrect operand type for operator or function; "
                    f"operator or function: {name}, operand type: {actual}"
                )

    def _resolve(self, path: PathName) -> Path:
        return self._placeholders.resolve_path(path, _KIND)


def _change_map(content: Item, tree: Tree, values: dict[Path, Value | None]) -> Item:
    changed = dict(content)
    for part, below in tree.items():
        name = cast(str, part)
        if not isinstance(below, tuple):
            changed[name] = _change_value(content.get(name), below, values)
        elif (value := values[below]) is not None:
            changed[name] = value
        else:
            changed.pop(name, None)
    return changed


def _change_value(value: Value | None, tree: Tree, values: dict[Path, Value | None]) -> Value:
    if value is not None and "M" in value and isinstance(next(iter(tree)), str):
        return {"M": _change_map(value["M"], tree, values)}
    if value is not None and "L" in value and isinstance(next(iter(tree)), int):
        return {"L": _change_list(value["L"], tree, values)}
    raise make_invalid("The document path provided in the update expression is invalid for update")


def _change_list(content: list[Value], tree: Tree, values: dict[Path, Value | None]) -> list[Value]:
    """Return a list with changed elements; a value at a position beyond the end is appended."""
    changed, removed = content.copy(), list[int]()
    for position in sorted(cast("dict[int, Tree | Path]", tree)):
        below, is_within = tree[position], position < len(content)
        if not isinstance(below, tuple):
            old = content[position] if is_within else None
            changed[position] = _change_value(old, below, values)
        elif (value := values[below]) is None:
            if is_within:
                removed.append(position)
        elif is_within:
            changed[position] = value
        else:
            changed.append(value)
    for position in reversed(removed):
        del changed[position]
    return changed
