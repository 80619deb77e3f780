"""Locks: what of an item must be as it was loaded, for a write of it to be right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from ..codec import as_sent
from ..connections import current_options
from ..exceptions import QueryError
from ..expressions import (
    Action,
    And,
    Arithmetic,
    Compare,
    Condition,
    IfNotExists,
    NotExists,
    Path,
    Set,
    Value,
)
from ..expressions.conditions import join
from ..limits import MAX_OPERATORS
from ..operations.base import Wire
from .wires import alike

if TYPE_CHECKING:
    from .fields.versions import VersionField
    from .options import Options


class Bump(Set, frozen=True):
    """The next version of an item whose version is not known here."""

    def is_repeatable(self, changed: Iterable[Path]) -> bool:
        """It does no harm to raise a version twice."""
        del changed
        return True


def bump(field: VersionField) -> Action:
    """Return what raises the version of an item, whatever it is."""
    path = Path((field.attribute,))
    return Bump(path, Arithmetic(IfNotExists(path, Value({"N": "0"})), "+", Value({"N": "1"})))


def next_version(field: VersionField, item: Mapping[str, Wire]) -> Wire:
    """Return the version that follows on that of *item*, which may have none.

    Raises UnreadableValue for one that is no whole number.
    """
    wire = item.get(field.attribute)
    version = None if wire is None else field.decode(wire)
    return {"N": str((version or 0) + 1)}


class Lock(Struct, frozen=True):
    """What must be as it was, and the condition that it is."""

    condition: Condition
    watched: frozenset[str]
    """The attributes that must be as they were."""

    def is_broken(self, before: Mapping[str, Wire], now: Mapping[str, Wire]) -> bool:
        """Tell whether *now* is not as *before* in what is watched."""
        return has_moved(self.watched, before, now)


def has_moved(
    attributes: Iterable[str], before: Mapping[str, Wire], now: Mapping[str, Wire]
) -> bool:
    """Tell whether one of *attributes* is not in *now* as it is in *before*."""
    return any(not alike(before.get(name), now.get(name)) for name in attributes)


def as_it_was(attributes: Iterable[str], item: Mapping[str, Wire]) -> Condition:
    """Return the condition that *attributes* are as in *item*: equal, or absent."""
    terms: list[Condition] = []
    for name in attributes:
        wire, path = item.get(name), Path((name,))
        terms.append(NotExists(path) if wire is None else Compare(path, "=", Value(as_sent(wire))))
    return join(And, *terms)


def lock_of_none(meta: Options) -> Lock:
    """Return the lock that there is no item, or one that is hidden by now."""
    return Lock(meta.absent, frozenset(field.attribute for field in meta.keys))


def lock_of_version(meta: Options, item: Mapping[str, Wire]) -> Lock | None:
    """Return the lock that the item is of the version that *item* has; None without versions."""
    if meta.version is None:
        return None
    name = meta.version.attribute
    return Lock(_held(meta, [name], item), frozenset({name}))


def lock_of_all(meta: Options, item: Mapping[str, Wire], unknown: frozenset[str]) -> Lock:
    """Return the lock that the item has all attributes as *item* has, but for those not fetched.

    Attributes that no field declares are among them, as far as *item* has them. Raises QueryError
    where that are more than a condition of DynamoDB's can name.
    """
    keys = {field.attribute for field in meta.keys}
    names = dict.fromkeys([*item, *(field.attribute for field in meta.fields)])
    watched = [name for name in names if name not in keys and name not in unknown]
    if 2 * len(watched) > MAX_OPERATORS - 20:
        raise QueryError(
            f"{meta.name}: atomic=True compares every attribute, and {len(watched)} are more than a "
            f"condition of {MAX_OPERATORS} operators can name: declare a VersionField"
        )
    return Lock(_held(meta, watched, item), frozenset(watched))


def _held(meta: Options, names: Iterable[str], item: Mapping[str, Wire]) -> Condition:
    """Return the condition that the item is there, and has *names* as *item* has."""
    names = list(names)
    held = as_it_was(names, item)
    # What is equal to something is there.
    return held if any(name in item for name in names) else meta.present & held


def is_atomic(meta: Options, asked: bool | None) -> bool:
    """Return whether a write is to be atomic: as *asked*, else as ``options()`` or Meta say."""
    if asked is not None:
        return asked
    held = current_options().atomic
    return meta.atomic if held is None else held
