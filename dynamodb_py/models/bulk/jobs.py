"""The parts of a bulk write: jobs, and the flows that execute one job and return its status."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from msgspec import Struct

from ...batching import Progress, batch_write, identify_key, start_flow
from ...codec import Uncomputed, as_sent, decode, from_json, refuse_uncomputed
from ...connections import ambient_alias
from ...exceptions import AlreadyExists, ConditionFailed, QueryError, ValidationError
from ...expressions import Action
from ...flows import Flow
from ...limits import MAX_BATCH_WRITE
from ...operations.base import WireItem
from ...operations.batches import Delete, Put
from ...operations.items import GetItem, Key, PutItem, StoredItem, UpdateItem
from ..attribute_values.diff import write_whole_attributes
from ..foreign_keys.referrers import refuse_bulk_delete
from ..instance import Instance, options_of
from ..options.options import Options
from ..persistence.delete import mark_deleted, remove_item
from ..persistence.failures import as_model_error
from ..persistence.save import store_instance
from ..persistence.stored import key_of, make_put, mark_saved, replace_stored
from ..persistence.update import update_instance
from ..persistence.update_actions import RACES, build_update, without_automatic
from ..records.attributes import find_assigned_keys
from ..records.base import find_given_fields
from ..records.checks import check_value, encode_value
from ..visibility import is_of_other_class
from .bound_model import (
    BoundModel,
    bind_connection,
    check_connection,
    instance_of_key,
    key_from,
    table_name,
)
from .results import Status, Tally

OVERWRITE = ", or set overwrite=True to write the last one"


Place: TypeAlias = "tuple[str, Hashable]"


class Job(Struct, frozen=True, eq=False, gc=False):
    """One item to write or delete."""

    given: Any
    """An instance (made from a dict, if the caller passed one), or a key to delete."""
    write: Put | Delete
    place: Place
    """The table and the key, equal for all jobs of one item."""


def make_job(given: Any, write: Put | Delete) -> Job:
    """Return the job that executes *write* for *given*."""
    return Job(given, write, (write.table, identify_key(write.key)))


def keep_last(
    jobs: Mapping[int, Job], *, last_wins: bool, model: str, hint: str = OVERWRITE
) -> Mapping[int, Job]:
    """Return the last of *jobs* for each item.

    :raises ValidationError: an item has two jobs, and *last_wins* is False.
    """
    last: dict[Place, int] = {}
    for at, job in jobs.items():
        place = job.place
        if place in last:
            if not last_wins:
                raise make_duplicate_error(job.write.key, model, hint)
            del last[place]
        last[place] = at
    return jobs if len(last) == len(jobs) else {at: jobs[at] for at in last.values()}


def make_duplicate_error(key: Key, model: str, hint: str = OVERWRITE) -> ValidationError:
    """Return the error for two items with the same key."""
    text = ", ".join(f"{name}={decode(wire)!r}" for name, wire in key.items())
    return ValidationError(f"two of the items have the key {text}: drop one{hint}", model=model)


def put_job(instance: Instance, table: str, *, validate: bool) -> Job:
    """Return the job that puts an instance."""
    return make_job(instance, make_put(instance, table, validate=validate))


def check_batch_delete(bound: BoundModel[Any]) -> None:
    """Raise QueryError if deleting in a batch would not do all that ``delete()`` does."""
    if bound._scope is not None:
        bound._scope.check_batch_delete(bound.model)
    refuse_bulk_delete(bound.model, "deleting in batches")


def key_job(bound: BoundModel[Any], given: Any, table: str) -> Job:
    """Return a job with the key of *given*, an instance or a key; its write deletes the item.

    Callers that update the item use only the key.
    """
    return make_job(given, Delete(table, key_from(bound, given)))


def make_marker(bound: BoundModel[Any]) -> Callable[[Job], None]:
    """Return a function that marks the instance of a finished job as saved or deleted."""
    model, binds = bound.model, bound._alias is not None or ambient_alias() is not None

    def mark_done(job: Job) -> None:
        if isinstance(job.write, Put):
            mark_saved(bind_connection(bound, job.given) if binds else job.given, job.write.item)
        elif isinstance(job.given, model):
            mark_deleted(job.given)

    return mark_done


def insert(bound: BoundModel[Any], job: Job) -> Flow[Status]:
    """Put an item if no item has its key."""
    assert isinstance(job.write, Put)
    try:
        yield from PutItem(job.write.table, job.write.item, options_of(bound.model).absent)
    except ConditionFailed as error:
        raise as_model_error(job.given, error, insert=True) from error.__cause__
    mark_saved(bind_connection(bound, job.given), job.write.item)
    return "created"


def write_one(bound: BoundModel[Any], job: Job, *, overwrite: bool) -> Flow[Status]:
    """Put or delete one item by a request of its own, with its version and unique values."""
    if isinstance(job.write, Put):  # making the job has validated it
        instance = check_connection(bound, job.given)
        flow = store_instance(
            instance, force_insert=not overwrite, overwrite=overwrite, validate=False
        )
        return _with_status(flow, "written" if overwrite else "created")
    if isinstance(job.given, bound.model):
        removal = remove_item(check_connection(bound, job.given), None, None)
    else:
        removal = remove_item(instance_of_key(bound, job.write.key), None, False)
    return _with_status(removal, "deleted")


def _with_status(flow: Flow[Any], status: Status) -> Flow[Status]:
    yield from flow
    return status


def upsert(bound: BoundModel[Any], job: Job, actions: Sequence[Action]) -> Flow[Status]:
    """Put an item if no item has its key; else apply *actions* to the item that has it."""
    meta, instance = options_of(bound.model), job.given
    for left in reversed(range(RACES)):
        try:
            if not meta.guarded:
                return (yield from insert(bound, job))
            yield from store_instance(instance, force_insert=True, validate=False)
        except AlreadyExists as error:
            # Another item has a unique value, or an item of another class has the key.
            if not left or error.fields or is_of_other_class(meta, error.current):
                raise
        else:
            return "created"
        change = _change_guarded if meta.guarded else _change
        item = yield from change(bound, job.write.key, actions)
        if item is not None:
            replace_stored(bind_connection(bound, instance), item)
            return "updated" if actions else "unchanged"
    raise AssertionError("the last try returns or raises")


def _change(bound: BoundModel[Any], key: Key, actions: Sequence[Action]) -> Flow[StoredItem | None]:
    """Update the item with this key; return the whole item, None if there is none."""
    meta = options_of(bound.model)
    if meta.computed is not None:
        actions = meta.computed.complete_for_key(tuple(actions), key)
    try:
        return (yield from UpdateItem(table_name(bound), key, actions, meta.present, "ALL_NEW"))
    except ConditionFailed:
        return None


def _change_guarded(
    bound: BoundModel[Any], key: Key, actions: Sequence[Action]
) -> Flow[StoredItem | None]:
    """Like ``_change``, for models with a version or unique values."""
    if actions:
        try:
            yield from update_instance(
                instance_of_key(bound, key),
                *without_automatic(options_of(bound.model), actions),
                must_exist=True,
                atomic=False,
            )
        except bound.model.DoesNotExist:
            return None
    return (yield from GetItem(table_name(bound), key, True))


def update_fields(instance: Instance, names: frozenset[str], *, validate: bool) -> Flow[Status]:
    """Write the fields *names* of an instance whose item exists."""
    given: Any = instance
    if instance.persisted:
        before = instance._stored
        yield from store_instance(given, named=names, validate=validate)
        return "unchanged" if instance._stored is before else "updated"
    meta, names = options_of(type(instance)), names & find_given_fields(instance)
    if not names:
        return "unchanged"
    if validate:
        values = {name: instance.__dict__.get(name) for name in sorted(names)}
        _refuse_uncomputed(meta, values)
        key = None if meta.computed is None else key_of(given)
        spelled = find_assigned_keys(instance)
        found = build_update(meta, (), values, claims=True, key=key, spelled=spelled)
    else:
        found = tuple(_make_unchecked_setters(instance, names))
    yield from update_instance(given, *without_automatic(meta, found), must_exist=True)
    return "updated"


def _refuse_uncomputed(meta: Options, values: Mapping[str, Any]) -> None:
    """Refuse expressions, such as ``F("a") + 1``, among the values of an instance, as ``save()`` does."""
    found = [name for name, value in values.items() if isinstance(value, Uncomputed)]
    if found:
        raise ValidationError({name: [str(refuse_uncomputed())] for name in found}, model=meta.name)


def _make_unchecked_setters(instance: Instance, names: frozenset[str]) -> list[Action]:
    """Return the actions that set the fields *names* to their values, without validating these."""
    meta = options_of(type(instance))
    wanted: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    spelled = find_assigned_keys(instance)
    for field in meta.fields:
        if field.name in names:
            value = field.pre_save(instance.__dict__.get(field.name), adding=False)
            wire = spelled.get(field.name) or encode_value(field, value, errors)
            wanted[field.attribute] = wire
            check_value(field, value, wire, errors, validate=False)
    _add_templates(meta, key_of(instance), wanted, errors)
    return write_whole_attributes(wanted)


def check_fields(meta: Options, option: str, names: Iterable[str]) -> frozenset[str]:
    """Return *names*, the fields to write that *option* lists; raise QueryError if it lists none."""
    named = meta.check_writable(option, names)
    if not named:
        raise QueryError(f"{option} names no field: name at least one to write")
    return named


def make_setters(
    meta: Options, put: Put | Delete, names: frozenset[str] | None, given: frozenset[str]
) -> list[Action]:
    """Return the actions that set the fields *given*, and fields that set themselves, as in *put*.

    :param names: the fields of *given* to set; None for all but the key.
    """
    assert isinstance(put, Put)
    wires: WireItem = from_json(put.item)
    computed = meta.computed
    passed = {meta.version, None if meta.kind is None else meta.kind.field, *meta.keys}
    if computed is not None:
        passed.update(each.field for each in computed.all)
    wanted: dict[str, Any] = {}
    for field in meta.fields:
        if field in passed:
            continue
        chosen = field.name in given and (names is None or field.name in names)
        if chosen or (field.stamps and field.pre_save(None, adding=False) is not None):
            wire = wires.get(field.attribute)
            wanted[field.attribute] = None if wire is None else as_sent(wire)
    _add_templates(meta, put.key, wanted, {})
    return write_whole_attributes(wanted)


def _add_templates(
    meta: Options, key: Key, wanted: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    """Add the key templates of the values in *wanted*; raise ValidationError if there are *errors* then."""
    if meta.computed is not None:
        meta.computed.compose_setters(key, wanted, errors)
    if errors:
        raise ValidationError(errors, model=meta.name)


def write_batches(
    jobs: Mapping[int, Job],
    tally: Tally[Any],
    mark: Callable[[Job], None],
    workers: int,
    progress: Progress | None,
    size: int = MAX_BATCH_WRITE,
) -> Flow[None]:
    """Carry out *jobs* by BatchWriteItem, *size* to a request, and note the outcomes.

    :param mark: called with each job that succeeded.
    """
    left: dict[int, Exception | None] = {}
    writes = [job.write for job in jobs.values()]
    try:
        yield from batch_write(writes, workers=workers, progress=progress, faults=left, size=size)
    except Exception:
        if not left:
            raise
    for at, job in jobs.items():
        if id(job.write) not in left:
            mark(job)
            tally.note(at, "written" if isinstance(job.write, Put) else "deleted")
        else:
            tally.note(at, left[id(job.write)] or "not tried")


def begin_all(flows: Iterable[Flow[Any]]) -> list[Flow[Any]]:
    """Return *flows*, each driven up to its first request; raise the first error before any is sent."""
    begun: list[Flow[Any]] = []
    started: list[Flow[Any]] = []
    try:
        for flow in flows:
            begun.append(flow)
            started.append(start_flow(flow))
    except BaseException:
        for flow in begun:
            with suppress(_NotSentError, StopIteration):
                flow.throw(_NotSentError())
        raise
    return started


class _NotSentError(Exception):
    """Ends a flow whose first request was not sent; closing the flow would mean that it may have been."""
