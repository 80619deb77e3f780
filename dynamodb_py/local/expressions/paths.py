"""Paths into an item, and trees of paths."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias, cast

from ..database.errors import make_invalid
from ..database.values import Item, Value

Path: TypeAlias = "tuple[str | int, ...]"
"""The name of an attribute, followed by names in maps and positions in lists."""
Tree: TypeAlias = "dict[str | int, Tree | Path]"
"""Paths by their parts: for each first part, the tree of the next parts, or the path if it ends here."""


def find_value(item: Item, path: Path) -> Value | None:
    """Return the value of an item at *path*, or None if there is none.

    >>> find_value({"a": {"L": [{"S": "x"}]}}, ("a", 0))
    {'S': 'x'}
    """
    found: Any = item.get(cast(str, path[0]))
    for part in path[1:]:
        if found is None:
            return None
        if isinstance(part, str):
            found = found["M"].get(part) if "M" in found else None
        else:
            found = found["L"][part] if part < len(found.get("L", ())) else None
    return cast("Value | None", found)


def make_tree(paths: Iterable[Path], kind: str) -> Tree:
    """Return the tree of *paths*; raise a ValidationException if two overlap or conflict."""
    root: Tree = {}
    for path in paths:
        branch = root
        for part in path[:-1]:
            _check_conflict(branch, part, path, kind)
            below = branch.setdefault(part, {})
            if isinstance(below, tuple):
                raise _make_clash("overlap", below, path, kind)
            branch = below
        _check_conflict(branch, path[-1], path, kind)
        if path[-1] in branch:
            raise _make_clash("overlap", _find_path(branch[path[-1]]), path, kind)
        branch[path[-1]] = path
    return root


def project(item: Item, tree: Tree) -> Item:
    """Return a new item with the values of *item* at the paths of *tree*."""
    found: Item = {}
    for part, below in tree.items():
        name = cast(str, part)
        value = item.get(name)
        if value is not None:
            chosen = value if isinstance(below, tuple) else _project_value(value, below)
            if chosen is not None:
                found[name] = chosen
    return found


def _project_value(value: Value, tree: Tree) -> Value | None:
    if "M" in value:
        if isinstance(next(iter(tree)), str) and (chosen := project(value["M"], tree)):
            return {"M": chosen}
        return None
    if "L" not in value or isinstance(next(iter(tree)), str):
        return None
    elements: list[Value] = value["L"]
    found: list[Value] = []
    for position in sorted(cast("dict[int, Tree | Path]", tree)):
        if position >= len(elements):
            break
        below = tree[position]
        element = elements[position]
        part = element if isinstance(below, tuple) else _project_value(element, below)
        if part is not None:
            found.append(part)
    return {"L": found} if found else None


def show_path(path: Path) -> str:
    """Return a path as the service shows it in errors.

    >>> show_path(("a", 0, "b"))
    '[a, [0], b]'
    """
    return f"[{', '.join(f'[{part}]' if isinstance(part, int) else part for part in path)}]"


def _check_conflict(branch: Tree, part: str | int, path: Path, kind: str) -> None:
    for other in branch:
        if isinstance(other, str) != isinstance(part, str):
            raise _make_clash("conflict", _find_path(branch), path, kind)
        return  # the first is enough: all parts of a branch are of one type


def _find_path(below: Tree | Path) -> Path:
    while not isinstance(below, tuple):
        below = next(iter(below.values()))
    return below


def _make_clash(verb: str, first: Path, second: Path, kind: str) -> Exception:
    return make_invalid(
        f"Invalid {kind}: Two document paths {verb} with each other; must remove or rewrite one of "
        f"these paths; path one: {show_path(first)}, path two: {show_path(second)}"
    )
