"""Parents: the maps around the paths of an update, created where they are missing."""

from __future__ import annotations

from collections.abc import Iterable

from ...exceptions import InvalidRequest
from ...expressions import Action, Condition, IfNotExists, Path, Set, Value
from ...flows import Flow
from ...operations.items import StoredItem, UpdateItem


def parents_of(actions: Iterable[Action]) -> list[list[Path]]:
    """Return the maps around the paths of *actions*, level by level.

    Lists and the maps inside them are left out: without the list, an index has no element to name.
    """
    levels: dict[int, dict[Path, None]] = {}
    for action in actions:
        parts = action.path.parts
        for depth in range(1, len(parts)):
            if isinstance(parts[depth], int):
                break
            levels.setdefault(depth, {})[Path(parts[:depth])] = None
    return [list(levels[depth]) for depth in sorted(levels)]


def update_with_parents(
    update: UpdateItem, parents: list[list[Path]], present: Condition | None
) -> Flow[StoredItem | None]:
    """Execute *update*; if DynamoDB refuses it, create the maps *parents* and execute it again.

    :param present: the condition that the item exists; None if the update may create the item.
    """
    try:
        return (yield from update)
    except InvalidRequest as refused:
        if not parents:
            raise
        depends = _may_depend_on(update.condition, parents)
        condition = present if depends else update.condition
        try:
            for level in parents:
                empty = [Set(path, IfNotExists(path, Value({"M": {}}))) for path in level]
                yield from UpdateItem(update.table, update.key, empty, condition)
        except InvalidRequest as error:  # a value in the way is not a map
            raise refused from error
    return (yield from update)


def _may_depend_on(condition: Condition | None, parents: list[list[Path]]) -> bool:
    """Tell whether creating *parents* may change the result of *condition*."""
    first = {path.parts[0] for level in parents for path in level}
    return condition is not None and any(path.parts[0] in first for path in condition.paths())
