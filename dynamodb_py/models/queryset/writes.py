"""The methods of query sets that update or delete the items that match."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, overload

from msgspec.structs import replace

from ...batching import ProgressOption
from ...codec import to_json
from ...exceptions import ConditionFailed, QueryError
from ...expressions import Action, Computable, Condition
from ...flows import Flow
from ...operations.items import DeleteItem, Key, UpdateItem
from ...pacing.buckets import make_pacer
from ...planning import Plan
from ...reading.keys import make_key_reader
from ...reading.pacing import Ledger
from ..bulk.bound_model import instance_of_key
from ..foreign_keys.referrers import refuse_bulk_delete
from ..instance import options_of
from ..options.options import Options
from ..persistence.delete import restrict_to_class
from ..persistence.parent_maps import parents_of, update_with_parents
from ..persistence.update import OPTIONS, check_no_clash, update_instance
from ..persistence.update_actions import build_update
from ..persistence.update_result import Returning, as_plain, as_return_values
from ..records.rows import make_loader
from ..unit_of_work.collector import COLLECTOR, check_outside
from ..visibility import is_hidden, is_of_other_class, requires_existence_only
from .base import M, Q, check_single, clone
from .builders import Builders
from .execution import make_reader, plan_query
from .write_execution import (
    BatchDeletes,
    ConditionalWrites,
    Done,
    GuardedDeletes,
    WriteRun,
    find_whole_key,
    primary_key_of,
    recheck_condition,
    without_presence,
)

D_co = TypeVar("D_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)

_PACING = ("workers", "rate", "progress")
_MODIFY = ("old", "upsert", "condition", "create_parents")


def delete_matching(
    queryset: Builders[Any, Any],
    *,
    workers: int = 1,
    checked: bool = False,
    rate: float | None = None,
    progress: ProgressOption = None,
) -> Flow[Done]:
    """Delete every item that matches: read the keys, and delete 25 items to a request.

    Errors of single items are in ``failed``; the other items are deleted. If another process changes an
    item after its key was read, so that it no longer matches, the item is deleted nevertheless, unless
    *checked* is True. With a whole key, nothing is read, and one request deletes the item.

    >>> Score.objects.filter(player="ann").delete().changed
    2

    :param workers: the largest number of requests that delete at a time; by default, 1.
    :param checked: True deletes each item by a request of its own, on condition that it still matches.
    :param rate: the largest number of read units per second, and of write units, over 0; by default, no
        limit.
    :param progress: called with the number of items done and the total, which is 0 until it is known; or
        True for a progress bar.
    :raises ScanRequired: finding the items takes a Scan, which ``scan()`` must allow; nothing was sent.
    :raises MaxRequestsReached: ``max_requests()`` was not enough for all items: continue with
        ``after(error.cursor)``.
    :raises RequestError: reading failed, or no write can succeed. This and every other error
        while sending has the outcome so far in ``done``.
    """
    check_outside("delete() of a query set")
    refuse_bulk_delete(queryset.model, "delete() of a query set")
    pacer = make_pacer(rate)
    plan, reading = _plan_keys(queryset, "delete()", rate)
    meta = options_of(queryset.model)
    condition = recheck_condition(meta, plan)

    def delete(key: Key) -> DeleteItem:
        return DeleteItem(plan.table, key, condition)

    run: WriteRun
    checked = checked or _is_whole_key(reading, plan)
    if meta.constraints:
        run = GuardedDeletes(queryset, workers, pacer, progress, condition if checked else None)
    elif checked:
        run = ConditionalWrites(queryset, workers, pacer, progress, delete)
    else:
        run = BatchDeletes(queryset, workers, pacer, progress, plan.table)
    return (yield from _write_all(reading, plan, run))


def update_matching(
    queryset: Builders[Any, Any],
    /,
    *actions: Action | Computable,
    condition: Condition | None = None,
    returning: Returning | None = None,
    create_parents: bool = False,
    must_exist: bool | None = None,
    workers: int = 1,
    rate: float | None = None,
    progress: ProgressOption = None,
    **values: Any,
) -> Flow[Any]:
    """Update every item that matches, each by a request of its own.

    Each update has the condition that the item still exists and still matches. So no item is created, and
    an item that no longer matches, because another process changed it, counts as ``skipped``. Fields
    that set themselves on saving, such as those with ``auto_now``, do so here too. Errors of single
    items are in ``failed``; the other items are updated. With a whole key, nothing is read. Inside
    ``transaction.atomic()``, only an update by a whole key is possible; it becomes part of the
    transaction.

    >>> from dynamodb_py import F
    >>> Score.objects.filter(player="ann").update(points=F("points") + 1).changed
    2

    :param actions: ``F("visits").add(1)``, ``Model.ids[0].remove()`` and the like, or ``Set``,
        ``Remove``, ``Add`` and ``Delete`` of ``dynamodb_py.expressions``.
    :param condition: update only items for which it holds too. With a whole key, the call raises
        ConditionFailed if any condition does not hold; otherwise such items are skipped.
    :param returning: with a whole key: return a dict of the item, as ``update()`` of an instance does.
    :param create_parents: with a whole key: as for ``update()`` of an instance.
    :param must_exist: with a whole key, if there is no item: True raises DoesNotExist, False creates the
        item, and by default ``matched`` is 0.
    :param workers: the largest number of requests that write at a time; by default, 1.
    :param rate: the largest number of read units per second, and of write units, over 0; by default, no
        limit.
    :param progress: called with the number of items done and the total, which is 0 until it is known; or
        True for a progress bar.
    :param values: new values by field, encoded and validated as by ``save()``, or expressions such as
        ``F("wins") + 1``. None removes the attribute, or stores a NULL if the field has ``null=True``.
    :return: a :class:`Done`, or with *returning* a dict.
    :raises ValidationError: values cannot be stored, or are of the key; nothing was sent.
    :raises DoesNotExist: with *must_exist* or *returning*, there is no item with the key.
    :raises ConditionFailed: see *condition*; ``current`` is the item as it is stored now.
    :raises ScanRequired: finding the items takes a Scan, which ``scan()`` must allow; nothing was sent.
    :raises MaxRequestsReached: ``max_requests()`` was not enough for all items: continue with
        ``after(error.cursor)``.
    :raises RequestError: reading failed, or no write can succeed. This and every other error
        while sending has the outcome so far in ``done``.
    """
    meta = options_of(queryset.model)
    check_no_clash(meta, _PACING, workers != 1, rate, progress or None)
    check_no_clash(meta, OPTIONS, condition, returning, create_parents, must_exist)
    found = build_update(
        meta, actions, values, making=must_exist is False, key=_key_to_compose(queryset)
    )
    pacer = make_pacer(rate)
    plan, reading = _plan_keys(queryset, "update()", rate)
    extra = meta.condition(condition)
    still = recheck_condition(meta, plan)
    if extra is not None:
        still &= extra
    key = None if queryset._read_options.start is not None else find_whole_key(plan)
    if key is None:
        check_outside("update() of what a query finds")
    elif COLLECTOR.get() is not None:
        yield from update_instance(
            instance_of_key(queryset, key),
            *actions,
            condition=without_presence(meta, still),
            returning=returning,
            create_parents=create_parents,
            must_exist=must_exist is not False,
            atomic=False,
            **values,
        )
        return Done(matched=1, changed=1)  # true after the commit
    for_one = create_parents or returning is not None or must_exist is not None
    if for_one or (extra is not None and key is not None):
        if key is None:
            raise QueryError(
                f"{meta.name}: returning=, create_parents= and must_exist= are for one item: "
                "filter() by its whole key, or leave them out"
            )
        expected = (
            restrict_to_class(meta, without_presence(meta, still)) if must_exist is False else still
        )
        only = UpdateItem(plan.table, key, found, expected, as_return_values(returning))
        return (yield from _update_one(queryset, only, returning, create_parents, must_exist))

    completes = meta.computed.complete_for_key if meta.computed and meta.computed.beside else None

    def update(key: Key) -> UpdateItem:
        return UpdateItem(plan.table, key, completes(found, key) if completes else found, still)

    run = ConditionalWrites(queryset, workers, pacer, progress, update)
    # If an update moves an item within the index that is read, reading may find it again.
    moved = {action.path.parts[0] for action in found} & {key.name for key in plan.position}
    return (yield from _write_all(reading, plan, run, first=bool(moved), key=key))


class UpdateMatching(Protocol[D_co, R_co]):
    """The type of ``update`` of a query set: it returns a *D_co*, or with *returning* an *R_co*."""

    @overload
    def __call__(
        self,
        /,
        *actions: Action | Computable,
        condition: Condition | None = None,
        returning: None = None,
        create_parents: bool = False,
        must_exist: bool | None = None,
        workers: int = 1,
        rate: float | None = None,
        progress: ProgressOption = None,
        **values: Any,
    ) -> D_co: ...
    @overload
    def __call__(
        self,
        /,
        *actions: Action | Computable,
        returning: Returning,
        condition: Condition | None = None,
        create_parents: bool = False,
        must_exist: bool | None = None,
        **values: Any,
    ) -> R_co: ...


def modify_one(
    queryset: Builders[M, Any],
    /,
    *actions: Action | Computable,
    old: bool = False,
    upsert: bool = False,
    condition: Condition | None = None,
    create_parents: bool = False,
    **values: Any,
) -> Flow[M | None]:
    """Update one item and return the updated item, in one request.

    The query set must have the whole key of the item, by ``filter()``. If it has other conditions, an item
    that does not match these counts as missing, unless *condition* is given.

    >>> from dynamodb_py import F
    >>> Score.objects.filter(player="bob", game=1).modify(points=F("points") + 1).points
    71

    :param actions: as for ``update()``, as are *values*.
    :param old: True returns the item as it was before the update.
    :param upsert: True creates the item if there is none; the query set then has no conditions besides
        the key.
    :param condition: update only if it holds for the stored item too.
    :param create_parents: as for ``update()`` of an instance.
    :return: the item as an instance; None if no item matches. With *old* and *upsert*, None means that the
        item was created.
    :raises ValidationError: values cannot be stored, or are of the key; nothing was sent.
    :raises QueryError: the query set does not have a whole key; nothing was sent.
    :raises ConditionFailed: *condition* is given, and it, or a condition of the query set, does not hold;
        ``current`` is the item as it is stored now.
    """
    meta = options_of(queryset.model)
    check_outside("modify()")
    check_no_clash(meta, _MODIFY, old, upsert, condition, create_parents)
    found = build_update(meta, actions, values, making=upsert, key=_key_to_compose(queryset))
    plan, _ = _plan_keys(queryset, "modify()", None)
    key = None if queryset._read_options.start is not None else find_whole_key(plan)
    if key is None:
        raise QueryError(f"{meta.name}: modify() is for one item: filter() by its whole key")
    expected = _condition_of_one(meta, plan, upsert=upsert)
    extra = meta.condition(condition)
    if extra is not None:
        expected = extra if expected is None else expected & extra
    update = UpdateItem(plan.table, key, found, expected, "ALL_OLD" if old else "ALL_NEW")
    parents = parents_of(found) if create_parents else []
    try:
        item = yield from update_with_parents(update, parents, None if upsert else meta.present)
    except ConditionFailed as error:
        current = error.current
        taken = upsert and is_of_other_class(meta, current)
        gone = is_hidden(meta, current) or (current is None and not upsert)
        if not taken and (extra is None or gone):
            return None
        if current is not None:
            [error.current] = map(_load_whole(queryset), [to_json(current)])
        raise
    loaded: M | None = None if item is None else _load_whole(queryset)(item)
    return loaded


def _key_to_compose(queryset: Builders[Any, Any]) -> Key | None:
    """Return the whole key if computed fields need it, else None."""
    computed = options_of(queryset.model).computed
    if computed is None or not (computed.repeated or computed.all != computed.primary):
        return None
    return find_whole_key(plan_query(queryset))


def _condition_of_one(meta: Options, plan: Plan, *, upsert: bool) -> Condition | None:
    """Return the condition on the item of *plan* for :func:`modify_one`; None if there is none."""
    still = recheck_condition(meta, plan)
    if not upsert:
        return still
    rest = without_presence(meta, still)
    if rest is not None and not requires_existence_only(meta, rest):
        raise QueryError(
            f"{meta.name}: modify(upsert=True) creates a missing item: filter() by the key alone, and pass "
            "other conditions as condition="
        )
    return meta.free


def _update_one(
    queryset: Builders[Any, Any],
    update: UpdateItem,
    returning: Returning | None,
    create_parents: bool,
    must_exist: bool | None,
) -> Flow[Any]:
    """Carry out the update of one item by its key."""
    model = queryset.model
    meta = options_of(model)
    parents = parents_of(update.actions) if create_parents else []
    ledger = Ledger()
    try:
        item = yield from ledger.drive(
            update_with_parents(update, parents, None if must_exist is False else meta.present)
        )
    except ConditionFailed as error:
        if must_exist is not False and is_hidden(meta, error.current):
            error.current = None
        if error.current is None and must_exist is not False:
            if must_exist or returning is not None:
                key = primary_key_of(model, update.key)
                raise model.DoesNotExist(
                    f"{meta.name} has no item with the key {key!r}", missing=[key]
                ) from error.__cause__
            if requires_existence_only(meta, update.condition):
                return Done(requests=ledger.requests)
        if error.current is not None:
            [error.current] = map(_load_whole(queryset), [to_json(error.current)])
        raise
    if returning is not None:
        return as_plain(model, item, returning, queryset._alias)
    return Done(matched=1, changed=1, requests=ledger.requests)


def _load_whole(queryset: Builders[Any, Any]) -> Callable[[bytes], Any]:
    return make_loader(queryset.model, None, None, queryset._alias)


def _plan_keys(queryset: Q, verb: str, rate: float | None) -> tuple[Plan, Q]:
    """Return the plan that finds the keys of matching items, and its query set."""
    check_single(queryset, verb)
    if queryset._question.full:
        raise QueryError(
            f"{queryset.model.__name__}: {verb} reads only keys, and full() reads whole items: drop full()"
        )
    queryset._result_cache = None  # the write makes rows that were read before out of date
    options = queryset._read_options
    if rate is not None:
        options = replace(options, rate=rate)
    reading: Any = clone(queryset, replace(queryset._question, wanted=()), options)
    return plan_query(reading), reading


def _is_whole_key(queryset: Builders[Any, Any], plan: Plan) -> bool:
    return plan.get is not None and queryset._read_options.start is None


def _write_all(
    queryset: Builders[Any, Any],
    plan: Plan,
    run: WriteRun,
    *,
    first: bool = False,
    key: Key | None = None,
) -> Flow[Done]:
    """Write to the items that *plan* finds, or to the item with *key*.

    :param first: True reads all items before the first write.
    """
    reader = make_reader(queryset, plan)
    if key is None and plan.get is not None and _is_whole_key(queryset, plan):
        key = plan.get.key
    try:
        if key is not None:
            yield from run.write_one(key)
        else:
            if queryset._read_options.start is None:
                yield from run.find_total(plan)
            yield from run.write_all(reader, make_key_reader(plan.key), first=first)
        run.report(ended=True)
    except Exception as error:
        vars(error)["done"] = run.done(reader)
        raise
    return run.done(reader)
