"""Merges two writes of one item in a transaction, since DynamoDB accepts only one; or refuses them.

The merged write has the same effect as both in turn. DynamoDB checks all conditions against the items
before the transaction: two writes cannot be merged if the first changes a value that the second checks
or reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from ...codec import EXACT, Unstorable, format_decimal, from_json, measure_item, to_json
from ...exceptions import QueryError
from ...expressions import Action, Add, And, Condition, Path, Remove, Value, check_apart
from ...expressions.conditions import join
from ...expressions.updates import Bump, SetOnce
from ...limits import MAX_ITEM_BYTES
from ...operations.transactions import Check, Delete, Put, Update, Write
from ..attribute_values.values import apply_actions, is_plain
from .pending import PendingWrite

_SAVES = frozenset({"save", "create"})


class _Unmergeable(Exception):
    """The reason why two writes cannot be merged."""


def merge_writes(earlier: Sequence[PendingWrite], write: Write, later: PendingWrite) -> Write:
    """Return one write with the effects of *write* and *later*; *write* is the merged calls *earlier*.

    Raises QueryError, which names both, if they cannot be merged.
    """
    other = later.write
    if later.verb == "check":
        return _add_condition(write, other.condition)
    writers = _list_writers(earlier)
    if not writers:
        return _add_condition(other, write.condition)
    try:
        if later.locked and any(each.instance is not later.instance for each in writers):
            raise _Unmergeable(f"the {later.verb} requires that nobody else has written the item")
        _check_condition(write, later)
        if is_saved_again(earlier, later):
            return _merge_saves(earlier, write, later)
        if isinstance(other, Delete):
            return _add_condition(other, write.condition)
        if isinstance(other, Put):
            return _merge_replacement(writers, write, other, later)
        if isinstance(write, Delete):
            raise _Unmergeable("the first deletes the item")
        _check_not_undone(writers, later)
        if isinstance(write, Put):
            return _merge_into_put(write, later)
        return _merge_updates(write, later)
    except _Unmergeable as why:
        first = " and ".join(map(str, writers))
        raise QueryError(
            f"a transaction has one write of each item, and {first} and {later} cannot be merged: "
            f"{why}; put them into one call, or into two transactions"
        ) from None


def find_remaining_claims(
    earlier: Sequence[PendingWrite], write: Write, later: PendingWrite
) -> list[PendingWrite]:
    """Return the calls of *earlier* whose sentinels must still be written after *later* is added."""
    claiming = [each for each in earlier if not each.is_alone]
    if later.verb == "check":
        return claiming
    if isinstance(later.write, (Put, Delete)):
        # The deleted item releases its unique values; the put of its replacement does not know them.
        return claiming if isinstance(write, Delete) else []
    if not is_saved_again(earlier, later):
        return claiming
    considered = later.considered_attributes
    return [c for c in claiming if considered is not None and not _find_claimed(c) <= considered]


def find_superseded(earlier: Sequence[PendingWrite], later: PendingWrite) -> list[PendingWrite]:
    """Return the calls of *earlier* that *later* includes: they are not settled themselves."""
    whole = is_saved_again(earlier, later) and later.considered_attributes is None
    return _list_writers(earlier) if whole else []


def is_saved_again(earlier: Sequence[PendingWrite], later: PendingWrite) -> bool:
    """Tell whether all calls save one instance: then the last save has all changes."""
    writers = [*_list_writers(earlier), later]
    return all(each.instance is later.instance and each.verb in _SAVES for each in writers)


def _list_writers(calls: Iterable[PendingWrite]) -> list[PendingWrite]:
    return [each for each in calls if each.verb != "check"]


# -- by kinds of writes -------------------------------------------------------------------------
def _merge_saves(earlier: Sequence[PendingWrite], write: Write, later: PendingWrite) -> Write:
    """Merge two saves of one instance: the later save includes the values of the first."""
    other = later.write
    if isinstance(other, Put):
        return _add_condition(other, write.condition)
    if isinstance(write, Put):
        if later.considered_attributes is not None or later.meta.guarded or later.after is None:
            raise _Unmergeable("the first writes the whole item, and the second a part")
        return Put(write.table, later.after, write.condition)
    actions = _list_actions(other)
    if later.considered_attributes is not None:
        actions = (
            *_keep_actions(earlier, _list_actions(write), later, later.considered_attributes),
            *actions,
        )
    return _make_update(later, actions, write.condition, other.condition)


def _keep_actions(
    earlier: Sequence[PendingWrite],
    actions: Sequence[Action],
    later: PendingWrite,
    considered: frozenset[str],
) -> list[Action]:
    """Return the *actions* that stay beside a later save of the fields *considered* alone."""
    again = {action.path for action in _list_actions(later.write)}
    kept: list[Action] = []
    for action in actions:
        if action.path in again:
            continue
        if _get_attribute(action) in considered:
            raise _Unmergeable(f"the second undoes the first's change of {action.path}")
        kept.append(action)
    changed = _find_constraints(later, _list_actions(later.write))
    if any(not considered.issuperset(each) for each in changed & _find_constraints(later, kept)):
        raise _Unmergeable("both change fields that are unique together")
    for each in earlier:
        claimed = _find_claimed(each)
        if claimed & considered and not claimed <= considered:
            raise _Unmergeable("both change fields that are unique together")
    return kept


def _merge_replacement(
    writers: Iterable[PendingWrite], write: Write, other: Put, later: PendingWrite
) -> Write:
    """Merge a delete of an item with a put of another in its place."""
    if not isinstance(write, Delete):
        raise _Unmergeable("the second would replace the whole item, with the first's changes")
    own = [each for each in writers if each.instance is later.instance]
    if later.verb != "create" and any(each.verb != "delete" for each in own):
        raise _Unmergeable("the first deletes the item of the same instance")
    if later.verb != "create" and _list_terms(other.condition):
        raise _Unmergeable("the second has a condition on values that the first changes")
    # The delete ensures that there is no item, so the condition of the put holds.
    return Put(other.table, other.item, write.condition)


def _merge_into_put(write: Put, later: PendingWrite) -> Write:
    """Return *write*, the put of an item, with the changes of *later* applied to the item."""
    own = (Bump, SetOnce)  # the item that is put has these values already
    actions = [action for action in _list_actions(later.write) if not isinstance(action, own)]
    for action in actions:
        if len(action.path.parts) > 1 or not _is_plain(action):
            raise _Unmergeable(f"DynamoDB computes the new value of {action.path}")
    known = (later.meta.present, later.meta.free)  # these conditions hold after the put
    if any(term not in known for term in _list_terms(later.write.condition)):
        raise _Unmergeable("the second has a condition on values that the first changes")
    if _find_constraints(later, actions):
        raise _Unmergeable("both change unique values")
    item = to_json(apply_actions(from_json(write.item), actions))
    if len(item) > MAX_ITEM_BYTES and measure_item(from_json(item)) > MAX_ITEM_BYTES:
        raise _Unmergeable(f"the item would be over {MAX_ITEM_BYTES} bytes")
    return Put(write.table, item, write.condition)


def _merge_updates(write: Write, later: PendingWrite) -> Write:
    """Return one update with the actions of *write* and *later*."""
    first, others = _list_actions(write), _list_actions(later.write)
    stamped = {action.path for action in others if _is_stamp(later, action)}
    again = [a for a in first if a.path in stamped and _is_stamp(later, a)]
    for action in others:
        for source in () if isinstance(action, (Bump, SetOnce)) else action.sources:
            if isinstance(source, Path) and _is_changed(source, first):
                raise _Unmergeable(f"the second computes with {source}, which the first changes")
    # The later stamps replace them.
    first = tuple(action for action in first if action not in again)
    if any(_moves(a, b) or _moves(b, a) for a in first for b in others):
        raise _Unmergeable("one removes an element of a list, which moves those behind it")
    if _find_constraints(later, first) & _find_constraints(later, others):
        raise _Unmergeable("both change unique values")
    actions = _merge_actions(first, others)
    try:
        check_apart(action.path for action in actions)
    except QueryError:
        where = next((a.path for a in others if _is_changed(a.path, first)), others[0].path)
        raise _Unmergeable(f"both change {where}") from None
    return _make_update(later, actions, write.condition, later.write.condition)


def _merge_actions(first: Sequence[Action], others: Sequence[Action]) -> tuple[Action, ...]:
    """Return the actions of both updates: equal actions once, additions to one number added up."""
    paths = {action.path for action in (*first, *others) if not isinstance(action, Bump)}
    found = [a for a in first if not (isinstance(a, Bump) and a.path in paths)]
    for action in others:
        if isinstance(action, Bump) and (action.path in paths or action in found):
            continue
        if (_is_plain(action) or isinstance(action, SetOnce)) and action in found:
            continue
        for at, there in enumerate(found):
            if (both := _add_up(there, action)) is not None:
                found[at] = both
                break
        else:
            found.append(action)
    return tuple(found)


def _add_up(one: Action, other: Action) -> Action | None:
    """Return one addition for two additions of numbers at one path; None for other actions."""
    if not (isinstance(one, Add) and isinstance(other, Add) and one.path == other.path):
        return None
    wires = [each.value.wire for each in (one, other) if isinstance(each.value, Value)]
    if len(wires) < 2 or any("N" not in wire for wire in wires):
        return None
    try:
        text = format_decimal(EXACT.add(*(Decimal(wire["N"]) for wire in wires)))
    except Unstorable:
        return None
    return Add(one.path, Value({"N": text}))


# -- obstacles -------------------------------------------------------------------------------------
def _check_condition(write: Write, later: PendingWrite) -> None:
    """Refuse a condition of the caller on an attribute that *write* changes."""
    condition = later.caller_condition
    if condition is None or condition.is_empty:
        return
    if isinstance(write, (Put, Delete)):
        raise _Unmergeable("the second has a condition on values that the first changes")
    for path in condition.paths():
        if _is_changed(path, _list_actions(write)):
            raise _Unmergeable(f"the second has a condition on {path}, which the first changes")


def _check_not_undone(writers: Iterable[PendingWrite], later: PendingWrite) -> None:
    """Refuse a second save of an instance that sets a field back, if other writes came in between."""
    if later.verb != "save":
        return
    again = _list_actions(later.write)
    for each in writers:
        if each.instance is not later.instance or each.verb != "save":
            continue
        for action in _list_actions(each.write):
            if _is_stamp(later, action):
                continue
            covered = (
                later.considered_attributes is None
                or _get_attribute(action) in later.considered_attributes
            )
            if covered and action not in again:
                raise _Unmergeable(f"the second undoes the first's change of {action.path}")


def _is_changed(path: Path, actions: Iterable[Action]) -> bool:
    """Tell whether one of *actions* changes the value at *path*."""
    return any(
        all(a == b for a, b in zip(path.parts, _find_reach(action), strict=False))
        for action in actions
    )


def _find_reach(action: Action) -> tuple[str | int, ...]:
    """Return the path that *action* changes: for an element, the path of its list."""
    parts = action.path.parts
    return parts[:-1] if isinstance(parts[-1], int) else parts


def _moves(one: Action, other: Action) -> bool:
    """Tell whether *one* moves elements of a list to which *other* writes too."""
    *outer, last = one.path.parts
    parts, depth = other.path.parts, len(outer)
    return (
        isinstance(one, Remove)
        and isinstance(last, int)
        and list(parts[:depth]) == outer
        and any(isinstance(part, int) for part in parts[depth : depth + 1])
    )


def _find_constraints(call: PendingWrite, actions: Iterable[Action]) -> set[frozenset[str]]:
    """Return the attributes of each unique constraint that *actions* touch."""
    tops = {_get_attribute(action) for action in actions}
    return {
        frozenset(each.attributes)
        for each in call.meta.constraints
        if not tops.isdisjoint(each.attributes)
    }


def _find_claimed(call: PendingWrite) -> frozenset[str]:
    """Return the attributes of the unique values that *call* releases or claims."""
    names = {name for claim in (*call.released, *call.claimed) for name in claim.fields}
    return frozenset(call.meta.get_field(name).attribute for name in names)


# -- pieces ----------------------------------------------------------------------------------------
def _get_attribute(action: Action) -> str:
    return str(action.path.parts[0])


def _list_actions(write: Write) -> tuple[Action, ...]:
    return tuple(write.actions) if isinstance(write, Update) else ()


def _is_plain(action: Action) -> bool:
    """Tell whether the result of *action* does not depend on the item."""
    if isinstance(action.path.parts[-1], int):
        return False  # past the end of the list, each such action appends an element
    return is_plain(action)


def _is_stamp(call: PendingWrite, action: Action) -> bool:
    """Tell whether *action* writes a field that sets itself, or a computed field of only such fields."""
    if not is_plain(action):
        return False
    top, *inside = action.path.parts
    computed = call.meta.field_set.computed
    for each in () if computed is None or inside else computed.all:
        if each.attribute == top:
            own = [part for part in each.parts if part.attribute not in call.key]
            return not each.is_key and any(f.stamps for f in own) and all(f.stamps for f in own)
    coder: Any = call.meta.field_set.by_attribute.get(str(top))
    for part in inside:
        coder = None if coder is None else coder.sub(part)
    return bool(getattr(coder, "stamps", False))


def _list_terms(condition: Condition | None) -> tuple[Condition, ...]:
    return () if condition is None or condition.is_empty else condition.conjuncts


def _make_update(
    later: PendingWrite, actions: Sequence[Action], *conditions: Condition | None
) -> Write:
    """Return an update with *actions* and the conditions; without actions, a check of the conditions."""
    terms: list[Condition] = []
    for condition in conditions:
        terms += [term for term in _list_terms(condition) if term not in terms]
    both, table = join(And, *terms), later.write.table
    return Update(table, later.key, actions, both) if actions else Check(table, later.key, both)


def _add_condition(write: Write, condition: Condition | None) -> Write:
    """Return *write* with one more condition, without repeated terms."""
    terms = _list_terms(write.condition)
    more = [term for term in _list_terms(condition) if term not in terms]
    if not more:
        return write
    both = join(And, *terms, *more)
    if isinstance(write, Put):
        return Put(write.table, write.item, both)
    if isinstance(write, Update):
        return Update(write.table, write.key, write.actions, both)
    if isinstance(write, Delete):
        return Delete(write.table, write.key, both)
    return Check(write.table, write.key, both)
