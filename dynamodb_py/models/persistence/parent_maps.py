"""Parents: the maps on the way to what an update changes, made where they are missing."""

from __future__ import annotations

from collections.abc import Iterable

from ...exceptions import InvalidRequest
from ...expressions import Action, Condition, IfNotExists, Path, Set, Value
from ...flows import Flow
from ...operations.items import StoredItem, UpdateItem


def parents_of(actions: Iterable[Action]) -> list[list[Path]]:
    """Return the maps on the way to what *actions* change, level by level.

    Lists are not among them, nor what lies in them: which element is meant is known where there is one.
    """
    levels: dict[int, dict[Path, None]] = {}
    for action in actions:
        parts = action.path.parts
        for depth in range(1, len(parts)):
            if isinstance(parts[depth], int):
                break
            levels.setdefault(depth, {})[Path(parts[:depth])] = None
    return [list(levels[depth]) for depth in sorted(levels)]


def updated(
    update: UpdateItem, parents: list[list[Path]], present: Condition | None
) -> Flow[StoredItem | None]:
    """Carry *update* out; with *parents*, make those where DynamoDB refuses it, and do it again.

    *present* is the condition that the item exists, where it must.
    """
    try:
        return (yield from update)
    except InvalidRequest as refused:
        if not parents:
            raise
        made = _spoken_of(update.condition, parents)
        condition = present if made else update.condition
        try:
            for level in parents:
                empty = [Set(path, IfNotExists(path, Value({"M": {}}))) for path in level]
                yield from UpdateItem(update.table, update.key, empty, condition)
        except InvalidRequest as error:  # what is there is no map
            raise refused from error
    return (yield from update)


def _spoken_of(condition: Condition | None, parents: list[list[Path]]) -> bool:
    """Tell whether *condition* may change when *parents* are made."""
    first = {path.parts[0] for level in parents for path in level}
    return condition is not None and any(path.parts[0] in first for path in condition.paths())
