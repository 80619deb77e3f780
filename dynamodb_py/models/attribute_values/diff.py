"""Change sets: the update that turns an item as it was loaded into another.

Pure functions on attribute values as they are on the wire; a B is bytes, or base64 as it was read.

A map is changed key by key, so that the keys of other writers stay. A list is changed by elements or
written whole, whichever is smaller, and always with a condition (a *guard*) that the replaced values are
as they were loaded: otherwise an index might mean another element. A set that was edited in place gets an ADD of
elements, or a DELETE; any other change of a set has a guard as lists do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import compress
from operator import is_not
from types import MappingProxyType

from msgspec import Struct

from ...codec import as_sent, to_json
from ...exceptions import QueryError
from ...expressions import (
    Action,
    Add,
    And,
    Compare,
    Condition,
    Delete,
    Exists,
    Names,
    NotExists,
    Path,
    Remove,
    Set,
    Size,
    Value,
    render_update,
)
from ...expressions.conditions import join
from ...limits import MAX_DEPTH, MAX_EXPRESSION_BYTES, MAX_OPERATORS
from ...operations.base import Wire, WireItem
from ...operations.items import Key, UpdateItem
from .sets import has_effect, is_set, make_set_action
from .values import Parts, equal, equal_or_absent, find_at, path_text

# Approximate sizes in a request, in bytes: an action or a guard without its names and value, each part of
# its path, and each name besides its characters.
_TERM = 12
_PART = 4
_NAME = 10


class ChangeSet(Struct, frozen=True):
    """The actions of an update, and the guards: conditions that replaced list values have not changed."""

    actions: Sequence[Action] = ()
    guards: Sequence[Condition] = ()

    def condition(self, condition: Condition) -> Condition:
        """Return *condition* and the guards as one condition."""
        return join(And, condition, *self.guards) if self.guards else condition

    def update(self, table: str, key: Key, condition: Condition) -> UpdateItem:
        """Return the request that writes the change if *condition* holds."""
        kind = GuardedUpdate if self.guards else UpdateItem
        return kind(table, key, self.actions, self.condition(condition))

    @property
    def nested(self) -> bool:
        """Whether an action writes inside an attribute."""
        return any(len(action.path.parts) > 1 for action in self.actions)


class GuardedUpdate(UpdateItem, frozen=True):
    """An update that may be sent twice: the second time its condition fails, or the result is the same."""

    @property
    def repeatable(self) -> bool:
        return True


def make_change_set(
    before: Mapping[str, Wire],
    after: Mapping[str, Wire | None],
    *,
    condition: Condition | None = None,
    unknown: frozenset[str] = frozenset(),
    sets: Mapping[str, bool] = MappingProxyType({}),
) -> ChangeSet:
    """Return the changes that turn the item *before* into one with the attributes *after*.

    :param after: the attributes that may have changed; None for one to remove.
    :param condition: another condition of the request, which leaves less room for the changes.
    :param unknown: the attributes whose stored values are not known: they are written whole.
    :param sets: the attributes of sets, and whether each was edited in place.

    >>> before = {"doc": {"M": {"a": {"N": "1"}, "b": {"L": []}}}, "n": {"N": "1.0"}}
    >>> after = {"doc": {"M": {"a": {"N": "2"}, "b": {"L": []}}}, "n": {"N": "1"}, "s": {"S": "x"}}
    >>> names = Names()
    >>> render_update(make_change_set(before, after).actions, names), names.names, names.values
    ('SET #0 = :0, #1.#2 = :1', {'#0': 's', '#1': 'doc', '#2': 'a'},
     {':0': {'S': 'x'}, ':1': {'N': '2'}})
    """
    whole: list[Action] = []
    drafts: dict[str, _Draft] = {}
    for name, new in after.items():
        old = before.get(name)
        if name in sets and name not in unknown:
            if sets[name] and (action := make_set_action(Path((name,)), old, new)) is not None:
                whole.append(action)
            elif (draft := _draft_of_set((name,), old, new)) is not None:
                drafts[name] = draft
        elif new is None:
            if old is not None or name in unknown:
                whole.append(Remove(Path((name,))))
        elif not ("M" in new or "L" in new) or name in unknown:
            if old is None or not equal(old, new):
                whole.append(Set(Path((name,)), Value(new)))
        elif (draft := _draft((name,), old, new, MAX_DEPTH)) is not None:
            drafts[name] = draft
    if not drafts:
        return ChangeSet(whole)
    return _fit_limits(
        before, after, whole, drafts, Condition() if condition is None else condition
    )


def write_whole_attributes(wanted: Mapping[str, Wire | None]) -> list[Action]:
    """Return the actions that set and remove whole attributes."""
    return [
        Remove(_path_of((name,))) if wire is None else Set(_path_of((name,)), Value(wire))
        for name, wire in wanted.items()
    ]


@lru_cache(maxsize=1024)
def _path_of(parts: Parts) -> Path:
    return Path(parts)


def _fit_limits(
    before: Mapping[str, Wire],
    after: Mapping[str, Wire | None],
    whole: list[Action],
    drafts: dict[str, _Draft],
    condition: Condition,
) -> ChangeSet:
    """Return the drafts as one change set; write fewer and larger values until it fits DynamoDB's limits."""
    while True:
        actions = [*whole]
        guards: list[Condition] = []
        for each in drafts.values():
            actions += each.actions
            guards += each.guards
        found = ChangeSet(actions, guards)
        if _fits(found, condition):
            return found
        deep = [name for name, each in drafts.items() if each.depth > 1]
        if not deep:
            return found
        name = max(deep, key=lambda name: drafts[name].terms)
        draft = _draft((name,), before.get(name), after[name], drafts[name].depth - 1)
        assert draft is not None
        drafts[name] = draft


_SHORT = frozenset({Condition, Exists})
_FEW = 12  # so few terms are short enough at any depth


def _fits(changes: ChangeSet, condition: Condition) -> bool:
    """Tell whether DynamoDB accepts the number of operators and the length of the expressions."""
    actions, guards = changes.actions, changes.guards
    if len(actions) > MAX_OPERATORS:
        return False
    if not guards or type(condition) in _SHORT:  # the usual case: no term is longer than these
        terms, depth = len(actions) + len(guards), MAX_DEPTH
        if terms > _FEW:
            depth = max([len(action.path.parts) for action in actions])
        bound = terms * (24 + 8 * depth) + 16 * len(guards)
        if bound < MAX_EXPRESSION_BYTES - 100:
            return True
    names = Names()
    try:
        render_update(actions, names)
        if guards:
            changes.condition(condition).render(names)
    except QueryError:
        return False
    return True


# -- drafts ---------------------------------------------------------------------------------
class _Draft(Struct):
    """The writes at one path and below it, and their size."""

    actions: list[Action]
    guards: list[Condition]
    bytes: int

    @property
    def terms(self) -> int:
        return len(self.actions) + len(self.guards)

    @property
    def depth(self) -> int:
        """The number of parts of the longest path."""
        return max(len(action.path.parts) for action in self.actions)


def _draft(
    parts: Parts, old: Wire | None, new: Wire | None, deepest: int, *, seen: bool = False
) -> _Draft | None:
    """Return the writes that turn *old* into *new*, with paths of at most *deepest* parts, or None.

    *seen*: whether a guard further out covers this path.
    """
    if old is not None and new is not None:
        if "M" in old and "M" in new:
            return _draft_of_map(parts, old, new, deepest, seen=seen)
        if "L" in old and "L" in new:
            return _draft_of_list(parts, old, new, deepest, seen=seen)
    if not seen and (is_set(old) or is_set(new)):
        return _draft_of_set(parts, old, new)
    if new is None:
        return None if old is None else _Draft([Remove(Path(parts))], [], _path_bytes(parts))
    if old is None:
        guards: list[Condition] = []
        if not seen and ("M" in new or "L" in new):  # another writer may have created one too
            guards.append(NotExists(Path(parts)))
        return _Draft([_set(parts, new)], guards, _bytes(parts, new))
    return None if equal(old, new) else _Draft([_set(parts, new)], [], _bytes(parts, new))


def _draft_of_set(parts: Parts, old: Wire | None, new: Wire | None) -> _Draft | None:
    if equal_or_absent(old, new):
        return None
    path = Path(parts)
    size = _path_bytes(parts) if new is None else _bytes(parts, new)
    draft = _Draft([Remove(path) if new is None else _set(parts, new)], [], size)
    if old is None:
        draft.guards.append(NotExists(path))
    else:
        _add_guard(draft, parts, old)
    return draft


def _draft_of_map(parts: Parts, old: Wire, new: Wire, deepest: int, *, seen: bool) -> _Draft | None:
    was, now = old["M"], new["M"]
    if len(parts) >= deepest:
        return None if equal(old, new) else _whole(parts, old, new, seen=seen)
    joined = _Draft([], [], 0)
    for key in {**was, **now}:
        one, other = was.get(key), now.get(key)
        if one is other:
            continue  # the usual case: an unchanged value is the object from *old*
        draft = _draft((*parts, key), one, other, deepest, seen=seen)
        if draft is None:
            continue
        if not key:  # DynamoDB has no path for it
            return _whole(parts, old, new, seen=seen)
        _add(joined, draft)
    if not joined.actions:
        return None
    # Without a guard, write key by key even if it is larger: the whole map would undo other writers' changes.
    if not seen or joined.bytes < _whole_bytes(parts, old, new, seen=seen):
        return joined
    return _whole(parts, old, new, seen=seen)


def _draft_of_list(
    parts: Parts, old: Wire, new: Wire, deepest: int, *, seen: bool
) -> _Draft | None:
    if len(parts) >= deepest:
        return None if equal(old, new) else _whole(parts, old, new, seen=seen)
    was, now = old["L"], new["L"]
    joined = _Draft([], [], 0)
    if not seen:
        size = {"N": str(len(was))}
        joined.guards.append(Compare(Size(_path_of(parts)), "=", Value(size)))
        joined.bytes += _bytes(parts, size)
    # The lists are encoded only if the writes of elements are not smaller than the least size of the lists.
    most, is_exact = _SHORTEST * (len(now) if seen else len(now) + len(was)), False
    for at in compress(range(len(was)), map(is_not, was, now)):
        place, one, other = (*parts, at), was[at], now[at]
        if "M" in other or "L" in other:
            draft = _draft(place, one, other, deepest, seen=True)
            if draft is None:
                continue
            _add(joined, draft)
        elif equal(one, other):
            continue
        else:
            joined.actions.append(_set(place, other))
            joined.bytes += _bytes(place, other)
        if not seen:
            _add_guard(joined, place, one)
        if joined.bytes >= most and not is_exact:
            most, is_exact = _whole_bytes(parts, old, new, seen=seen), True
        if joined.bytes >= most:
            return _whole(parts, old, new, seen=seen)
    if len(was) != len(now):
        _add_length(joined, parts, was, now, seen=seen)
    if not joined.actions:
        return None
    if joined.bytes >= most and not is_exact:
        most = _whole_bytes(parts, old, new, seen=seen)
    return joined if joined.bytes < most else _whole(parts, old, new, seen=seen)


def _add_length(
    joined: _Draft, parts: Parts, was: list[Wire], now: list[Wire], *, seen: bool
) -> None:
    """Add the writes that append elements to *was*, or remove its last ones, for the length of *now*."""
    for at in range(len(was), len(now)):
        joined.actions.append(_set((*parts, at), now[at]))
        joined.bytes += _bytes((*parts, at), now[at])
    # From the last to the first, so that the remaining indexes stay valid.
    for at in reversed(range(len(now), len(was))):
        joined.actions.append(Remove(Path((*parts, at))))
        joined.bytes += _path_bytes((*parts, at))
        if not seen:
            _add_guard(joined, (*parts, at), was[at])


_SHORTEST = len('{"S":""},')
"""The fewest bytes of an element of a list."""


def _whole(parts: Parts, old: Wire, new: Wire, *, seen: bool) -> _Draft:
    whole = _Draft([_set(parts, new)], [], _bytes(parts, new))
    if not seen:
        _add_guard(whole, parts, old)
    return whole


def _whole_bytes(parts: Parts, old: Wire, new: Wire, *, seen: bool) -> int:
    return _bytes(parts, new) + (0 if seen else _bytes(parts, old))


def _add_guard(draft: _Draft, parts: Parts, old: Wire) -> None:
    draft.guards.append(Compare(_path_of(parts), "=", Value(as_sent(old))))
    draft.bytes += _bytes(parts, old)


def _set(parts: Parts, wire: Wire) -> Action:
    return Set(_path_of(parts), Value(as_sent(wire)))


def _add(draft: _Draft, more: _Draft) -> None:
    draft.actions += more.actions
    draft.guards += more.guards
    draft.bytes += more.bytes


def _bytes(parts: Parts, wire: Wire) -> int:
    return _path_bytes(parts) + len(to_json(wire))


@lru_cache(maxsize=1024)
def _path_bytes(parts: Parts) -> int:
    """Return the approximate size in bytes of a term with this path, without the attribute's name."""
    size = _TERM + _PART * len(parts)
    for part in parts[1:]:
        if isinstance(part, str):
            size += _NAME + len(part)
    return size


# -- after another writer's change -----------------------------------------------------------------
def is_applied(actions: Iterable[Action], after: WireItem, now: WireItem) -> bool:
    """Tell whether *now* has the result of *actions*; for a write inside a list, compare the whole list."""
    places: set[Parts] = set()
    for action in actions:
        if not isinstance(action, (Add, Delete)):
            places.add(_outermost_list(action.path.parts))
        elif not has_effect(action, find_at(now, action.path.parts)):
            return False
    return all(equal_or_absent(find_at(after, place), find_at(now, place)) for place in places)


def find_conflicting_paths(changes: ChangeSet, before: WireItem, now: WireItem) -> list[str]:
    """Return the guarded paths, as texts, whose values differ between *before* and *now*."""
    places = dict.fromkeys(
        _outermost_list(path.parts) for each in changes.guards for path in each.paths()
    )
    return [
        path_text(each)
        for each in places
        if not equal_or_absent(find_at(before, each), find_at(now, each))
    ]


def _outermost_list(parts: Parts) -> Parts:
    """Return the path of the outermost list in *parts*, or *parts*."""
    for at, part in enumerate(parts):
        if isinstance(part, int):
            return parts[:at]
    return parts


def rebase_item(
    before: Mapping[str, Wire], wanted: Mapping[str, Wire | None], now: Mapping[str, Wire]
) -> WireItem:
    """Return *before* with the attributes *wanted* rebased on the item *now*."""
    item = dict(before)
    for name, new in wanted.items():
        old = rebase(before.get(name), new, now.get(name))
        if old is None:
            item.pop(name, None)
        else:
            item[name] = old
    return item


def rebase(old: Wire | None, new: Wire | None, now: Wire | None) -> Wire | None:
    """Return the value to compare *new* with in place of *old*, if *now* is stored.

    That is *old*, with two exceptions. If another writer removed a map, it is None, so that *new* is
    written whole. If another writer added a map, it is an empty map, so that *new* is written key by key
    and the other writer's keys stay.
    """
    if new is None or "M" not in new or (old is not None and equal(old, new)):
        return old
    if old is not None and "M" not in old:
        return old
    if now is None or "M" not in now:
        return old if old is None else now
    was: Mapping[str, Wire] = {} if old is None else old["M"]
    wanted, there = new["M"], now["M"]
    keys = {key: rebase(was.get(key), wanted.get(key), there.get(key)) for key in {**was, **wanted}}
    return {"M": {key: wire for key, wire in keys.items() if wire is not None}}
