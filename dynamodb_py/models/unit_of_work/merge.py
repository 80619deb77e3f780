"""Two writes of one item in one transaction: DynamoDB takes one, so they are merged or refused.

What they are merged to does what they would do one after the other. All conditions of a transaction
are asked of the items as they are before it: where an earlier write changes what a later one asks
or computes with, nothing does the same as both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Context, Decimal

from ...codec import Unstorable, format_decimal, from_json, measure_item, to_json
from ...exceptions import QueryError
from ...expressions import Action, Add, And, Condition, Path, Remove, Value, check_apart
from ...expressions.conditions import join
from ...expressions.updates import Bump, SetOnce
from ...limits import MAX_ITEM_BYTES
from ...operations.transactions import Check, Delete, Put, Update, Write
from ..attribute_values.values import apply_actions, is_plain
from .pending import Pending

_SAVES = frozenset({"save", "create"})

_EXACT = Context(prec=200)


class _Unmergeable(Exception):
    """Why two writes cannot be made one, in words."""


def merged(earlier: Sequence[Pending], write: Write, later: Pending) -> Write:
    """Return what does *write*, which the calls *earlier* come to, and *later* in one.

    Raises QueryError, with both named, where nothing does.
    """
    other = later.write
    if later.verb == "check":
        return _with(write, other.condition)
    writers = _writers(earlier)
    if not writers:
        return _with(other, write.condition)
    try:
        if later.locked and any(each.instance is not later.instance for each in writers):
            raise _Unmergeable(
                f"the {later.verb} is on condition that nobody else has written the item"
            )
        _check_asked(write, later)
        if is_saved_again(earlier, later):
            return _saved_again(earlier, write, later)
        if isinstance(other, Delete):
            return _with(other, write.condition)
        if isinstance(other, Put):
            return _put_anew(writers, write, other, later)
        if isinstance(write, Delete):
            raise _Unmergeable("the item is to be deleted")
        _check_not_undone(writers, later)
        if isinstance(write, Put):
            return _put_changed(write, later)
        return _updated(write, later)
    except _Unmergeable as why:
        first = " and ".join(map(str, writers))
        raise QueryError(
            f"a transaction has one write of each item, and {first} and {later} cannot be made "
            f"one: {why}; put them into one call, or into two transactions"
        ) from None


def still_claiming(earlier: Sequence[Pending], write: Write, later: Pending) -> list[Pending]:
    """Return those of *earlier* whose unique values still count after *later*."""
    claiming = [each for each in earlier if not each.is_alone]
    if later.verb == "check":
        return claiming
    if isinstance(later.write, (Put, Delete)):
        # What was deleted has no values any more; what is put in its place does not know of them.
        return claiming if isinstance(write, Delete) else []
    if not is_saved_again(earlier, later):
        return claiming
    covers = later.covers
    return [] if covers is None else [c for c in claiming if not _claimed_by(c) <= covers]


def superseded(earlier: Sequence[Pending], later: Pending) -> list[Pending]:
    """Return those of *earlier* that *later* says all of, so that nothing is to be made of them."""
    whole = is_saved_again(earlier, later) and later.covers is None
    return _writers(earlier) if whole else []


def is_saved_again(earlier: Sequence[Pending], later: Pending) -> bool:
    """Tell whether all are of one instance, which has in it what all of them were to write."""
    writers = [*_writers(earlier), later]
    return all(each.instance is later.instance and each.verb in _SAVES for each in writers)


def _writers(calls: Iterable[Pending]) -> list[Pending]:
    return [each for each in calls if each.verb != "check"]


# -- by kind of the writes -------------------------------------------------------------------------
def _saved_again(earlier: Sequence[Pending], write: Write, later: Pending) -> Write:
    """Return what an instance that is saved again comes to: it has in it what it was before."""
    other = later.write
    if isinstance(other, Put):
        return _with(other, write.condition)
    if isinstance(write, Put):
        if later.covers is not None or later.meta.guarded or later.after is None:
            raise _Unmergeable("the first writes all of the item, and the second a part")
        return Put(write.table, later.after, write.condition)
    actions = _actions(other)
    if later.covers is not None:
        actions = (*_kept(earlier, _actions(write), later, later.covers), *actions)
    return _changing(later, actions, write.condition, other.condition)


def _kept(
    earlier: Sequence[Pending], actions: Sequence[Action], later: Pending, covers: frozenset[str]
) -> list[Action]:
    """Return those of *actions* that a later save of some fields leaves as they are."""
    again = {action.path for action in _actions(later.write)}
    kept: list[Action] = []
    for action in actions:
        if action.path in again:
            continue
        if _top(action) in covers:
            raise _Unmergeable(f"the second takes back what the first does to {action.path}")
        kept.append(action)
    mine = _constraints(later, _actions(later.write))
    if any(not covers.issuperset(each) for each in mine & _constraints(later, kept)):
        raise _Unmergeable("both change what is unique together")
    for each in earlier:
        claimed = _claimed_by(each)
        if claimed & covers and not claimed <= covers:
            raise _Unmergeable("both change what is unique together")
    return kept


def _put_anew(writers: Iterable[Pending], write: Write, other: Put, later: Pending) -> Write:
    """Return what deletes an item and puts another in its place."""
    if not isinstance(write, Delete):
        raise _Unmergeable("the second would put all of the item in place of what the first does")
    mine = [each for each in writers if each.instance is later.instance]
    if later.verb != "create" and any(each.verb != "delete" for each in mine):
        raise _Unmergeable("the item that the instance was written to before is deleted")
    if later.verb != "create" and _terms(other.condition):
        raise _Unmergeable("the second is on a condition that the first changes")
    # That there is none then is what the delete sees to.
    return Put(other.table, other.item, write.condition)


def _put_changed(write: Put, later: Pending) -> Write:
    """Return what puts an item with the changes of *later* in it already."""
    own = (Bump, SetOnce)  # which the item that is put has already
    actions = [action for action in _actions(later.write) if not isinstance(action, own)]
    for action in actions:
        if len(action.path.parts) > 1 or not _is_plain(action):
            raise _Unmergeable(f"what becomes of {action.path} is computed by DynamoDB")
    alike = (later.meta.present, later.meta.free)
    if any(term not in alike for term in _terms(later.write.condition)):
        raise _Unmergeable("the second is on a condition that the first changes")
    if _constraints(later, actions):
        raise _Unmergeable("both change unique values")
    item = to_json(apply_actions(from_json(write.item), actions))
    if len(item) > MAX_ITEM_BYTES and measure_item(from_json(item)) > MAX_ITEM_BYTES:
        raise _Unmergeable(f"the item would be over {MAX_ITEM_BYTES} bytes")
    return Put(write.table, item, write.condition)


def _updated(write: Write, later: Pending) -> Write:
    """Return what changes an item in both ways."""
    mine, others = _actions(write), _actions(later.write)
    for action in others:
        for source in () if isinstance(action, (Bump, SetOnce)) else action.sources:
            if isinstance(source, Path) and _is_changed(source, mine):
                raise _Unmergeable(f"the second computes with {source}, which the first changes")
    if any(_moves(a, b) or _moves(b, a) for a in mine for b in others):
        raise _Unmergeable("one removes an element of a list, which moves those behind it")
    if _constraints(later, mine) & _constraints(later, others):
        raise _Unmergeable("both change unique values")
    actions = _together(mine, others)
    try:
        check_apart(action.path for action in actions)
    except QueryError:
        where = next((a.path for a in others if _is_changed(a.path, mine)), others[0].path)
        raise _Unmergeable(f"both change {where}") from None
    return _changing(later, actions, write.condition, later.write.condition)


def _together(mine: Sequence[Action], others: Sequence[Action]) -> tuple[Action, ...]:
    """Return the actions of both: what both do alike is done once, and sums are added up."""
    told = {action.path for action in (*mine, *others) if not isinstance(action, Bump)}
    found = [a for a in mine if not (isinstance(a, Bump) and a.path in told)]
    for action in others:
        if isinstance(action, Bump) and (action.path in told or action in found):
            continue
        if (_is_plain(action) or isinstance(action, SetOnce)) and action in found:
            continue
        for at, there in enumerate(found):
            if (both := _sum(there, action)) is not None:
                found[at] = both
                break
        else:
            found.append(action)
    return tuple(found)


def _sum(one: Action, other: Action) -> Action | None:
    """Return what adds two numbers to one; None where that is not what both do."""
    if not (isinstance(one, Add) and isinstance(other, Add) and one.path == other.path):
        return None
    wires = [each.value.wire for each in (one, other) if isinstance(each.value, Value)]
    if len(wires) < 2 or any("N" not in wire for wire in wires):
        return None
    try:
        text = format_decimal(_EXACT.add(*(Decimal(wire["N"]) for wire in wires)))
    except Unstorable:
        return None
    return Add(one.path, Value({"N": text}))


# -- what stands in the way ------------------------------------------------------------------------
def _check_asked(write: Write, later: Pending) -> None:
    """Refuse a condition of the caller's on what *write* changes."""
    own = later.own
    if own is None or own.is_empty:
        return
    if isinstance(write, (Put, Delete)):
        raise _Unmergeable("the second is on a condition that the first changes")
    for path in own.paths():
        if _is_changed(path, _actions(write)):
            raise _Unmergeable(f"the second is on a condition on {path}, which the first changes")


def _check_not_undone(writers: Iterable[Pending], later: Pending) -> None:
    """Refuse to save an instance again where something came between, and a field was set back."""
    if later.verb != "save":
        return
    again = _actions(later.write)
    for each in writers:
        if each.instance is not later.instance or each.verb != "save":
            continue
        for action in _actions(each.write):
            covered = later.covers is None or _top(action) in later.covers
            if covered and action not in again:
                raise _Unmergeable(f"the second takes back what the first does to {action.path}")


def _is_changed(path: Path, actions: Iterable[Action]) -> bool:
    """Tell whether one of *actions* changes what lies at *path*."""
    return any(
        all(mine == theirs for mine, theirs in zip(path.parts, _reach(action), strict=False))
        for action in actions
    )


def _reach(action: Action) -> tuple[str | int, ...]:
    """Return the path of what *action* changes: of an element, all of its list."""
    parts = action.path.parts
    return parts[:-1] if isinstance(parts[-1], int) else parts


def _moves(one: Action, other: Action) -> bool:
    """Tell whether *one* moves elements of a list that *other* is about too."""
    *way, last = one.path.parts
    parts = other.path.parts
    return (
        isinstance(one, Remove)
        and isinstance(last, int)
        and len(parts) > len(way)
        and list(parts[: len(way)]) == way
        and isinstance(parts[len(way)], int)
    )


def _constraints(call: Pending, actions: Iterable[Action]) -> set[frozenset[str]]:
    """Return the attributes of each constraint that *actions* change something of."""
    tops = {_top(action) for action in actions}
    return {
        frozenset(each.attributes)
        for each in call.meta.constraints
        if not tops.isdisjoint(each.attributes)
    }


def _claimed_by(call: Pending) -> frozenset[str]:
    """Return the attributes of the unique values that *call* gives up or takes."""
    names = {name for claim in (*call.released, *call.claimed) for name in claim.fields}
    return frozenset(call.meta.get_field(name).attribute for name in names)


# -- pieces ----------------------------------------------------------------------------------------
def _top(action: Action) -> str:
    return str(action.path.parts[0])


def _actions(write: Write) -> tuple[Action, ...]:
    return tuple(write.actions) if isinstance(write, Update) else ()


def _is_plain(action: Action) -> bool:
    """Tell whether *action* says by itself what is there then."""
    if isinstance(action.path.parts[-1], int):
        return False  # an element past the end of the list is appended, each time
    return is_plain(action)


def _terms(condition: Condition | None) -> tuple[Condition, ...]:
    return () if condition is None or condition.is_empty else condition.conjuncts


def _changing(later: Pending, actions: Sequence[Action], *conditions: Condition | None) -> Write:
    """Return what does *actions*; without any, what asks for the conditions alone."""
    terms: list[Condition] = []
    for condition in conditions:
        terms += [term for term in _terms(condition) if term not in terms]
    both = join(And, *terms)
    table = later.write.table
    if not actions:
        return Check(table, later.key, both)
    return Update(table, later.key, actions, both)


def _with(write: Write, condition: Condition | None) -> Write:
    """Return *write* on one condition more; a term that it has already is not said twice."""
    mine = _terms(write.condition)
    more = [term for term in _terms(condition) if term not in mine]
    if not more:
        return write
    both = join(And, *mine, *more)
    if isinstance(write, Put):
        return Put(write.table, write.item, both)
    if isinstance(write, Update):
        return Update(write.table, write.key, write.actions, both)
    if isinstance(write, Delete):
        return Delete(write.table, write.key, both)
    return Check(write.table, write.key, both)
