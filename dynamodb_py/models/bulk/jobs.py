"""The flows that a bulk write is made of: each writes one item, and tells what became of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct

from ...batching import Progress, batch_write, identity, start_flow
from ...codec import as_sent, decode, from_json
from ...exceptions import AlreadyExists, ConditionFailed, QueryError, ValidationError
from ...expressions import Action
from ...flows import Flow
from ...operations.batches import Delete, Put
from ...operations.items import GetItem, Key, PutItem, UpdateItem
from ..attribute_values.diff import write_whole_attributes
from ..foreign_keys.referrers import refuse_bulk_delete
from ..persistence.delete import mark_deleted, remove_item
from ..persistence.failures import as_model_error
from ..persistence.save import store_instance
from ..persistence.stored import key_of, make_put, mark_saved, replace_stored
from ..persistence.update import update_instance
from ..persistence.update_actions import RACES, changes, without_automatic
from ..records.checks import spell
from ..records.encoding import encode_fields
from ..visibility import is_of_other_class
from .bound_model import Belonging
from .results import Status, Tally

if TYPE_CHECKING:
    from ...operations.base import WireItem
    from ..model import Model


M = TypeVar("M", bound="Model")


OVERWRITE = ", or say overwrite=True, so that the last one counts"


class Job(Struct, frozen=True, eq=False):
    """One item to write or delete."""

    given: Any
    """What the caller gave: an instance, made of a dict if need be, or a key to delete."""
    write: Put | Delete

    @property
    def place(self) -> tuple[str, Hashable]:
        """The table and the key, equal for all jobs of one item."""
        return self.write.table, identity(self.write.key)


def distinct(
    jobs: Iterable[Job], *, last_wins: bool, model: str, hint: str = OVERWRITE
) -> list[Job]:
    """Return *jobs* with one for each item, the last; raise where two are not wanted."""
    kept: dict[tuple[str, Hashable], Job] = {}
    for job in jobs:
        place = job.place
        if place in kept and not last_wins:
            raise twice(job.write.key, model, hint)
        kept.pop(place, None)
        kept[place] = job
    return list(kept.values())


def twice(key: Key, model: str, hint: str = OVERWRITE) -> ValidationError:
    """Return the error for two items with one key."""
    said = ", ".join(f"{name}={decode(wire)!r}" for name, wire in key.items())
    return ValidationError(f"two of the items have the key {said}: drop one{hint}", model=model)


class Jobs(Belonging[M], Generic[M]):
    """Makes the flows of bulk writes."""

    __slots__ = ()

    def _put_job(self, item: M | Mapping[str, Any], *, validate: bool) -> Job:
        instance = self._instance(item)
        return Job(instance, make_put(instance, self._table, validate=validate))

    def _delete_job(self, given: Any) -> Job:
        refuse_bulk_delete(self.model, "deleting in batches")
        return self._key_job(given)

    def _key_job(self, given: Any) -> Job:
        """Return a job that is of use for its key alone."""
        return Job(given, Delete(self._table, self._key(given)))

    def _done(self, job: Job) -> None:
        """Let the instance of *job*, which was carried out, know it."""
        if isinstance(job.write, Put):
            mark_saved(self._here(job.given), job.write.item)
        elif isinstance(job.given, self.model):
            mark_deleted(job.given)

    # -- one item ------------------------------------------------------------------------------

    def _inserted(self, job: Job) -> Flow[Status]:
        """Put an item where there is none with its key."""
        assert isinstance(job.write, Put)
        try:
            yield from PutItem(job.write.table, job.write.item, self._meta.absent)
        except ConditionFailed as error:
            raise as_model_error(job.given, error, insert=True) from error.__cause__
        self._done(job)
        return "created"

    def _by_itself(self, job: Job, *, insert: bool) -> Flow[None]:
        """Return what puts or deletes one item by itself, with all that belongs to it."""
        if isinstance(job.write, Put):  # when the job was made, it was validated
            instance: Model = self._at_home(job.given)
            return store_instance(
                instance, force_insert=insert, overwrite=not insert, validate=False
            )
        if isinstance(job.given, self.model):
            return remove_item(self._at_home(job.given), None, None)
        return remove_item(self._keyed(job.write.key), None, False)

    def _upserted(self, job: Job, actions: Sequence[Action]) -> Flow[Status]:
        """Put an item where there is none with its key, else change the one that is there."""
        for left in reversed(range(RACES)):
            try:
                return (yield from self._inserted(job))
            except AlreadyExists as error:
                if not left or is_of_other_class(self._meta, error.current):
                    raise
            key = job.write.key
            update = UpdateItem(self._table, key, actions, self._meta.present, "ALL_NEW")
            try:
                item = yield from update
            except ConditionFailed:
                continue  # it is gone again
            if item is not None:
                replace_stored(self._here(job.given), item)
            return "updated" if actions else "unchanged"
        raise AssertionError("the last try returns or raises")

    def _upserted_guarded(self, job: Job, actions: Sequence[Action]) -> Flow[Status]:
        """Do as ``_upserted``, of a model whose items keep more than themselves."""
        instance, key = job.given, job.write.key
        for left in reversed(range(RACES)):
            try:
                yield from store_instance(instance, force_insert=True, validate=False)
            except AlreadyExists as error:
                # A value of it is taken, not its key, or that by an item of another class.
                if not left or error.fields or is_of_other_class(self._meta, error.current):
                    raise
            else:
                return "created"
            if actions:
                try:
                    yield from update_instance(
                        self._keyed(key), *actions, must_exist=True, atomic=False
                    )
                except self.model.DoesNotExist:
                    continue
            item = yield from GetItem(self._table, key, True)
            if item is not None:
                replace_stored(instance, item)
                return "updated" if actions else "unchanged"
        raise AssertionError("the last try returns or raises")

    def _updated(self, instance: M, names: frozenset[str], *, validate: bool) -> Flow[Status]:
        """Write the fields *names* of an item that exists."""
        if instance.persisted:
            before = instance._stored
            yield from store_instance(instance, named=names, validate=validate)
            return "unchanged" if instance._stored is before else "updated"
        if validate:
            values = {name: getattr(instance, name) for name in sorted(names)}
            key = None if self._meta.computed is None else key_of(instance)
            found = changes(self._meta, (), values, claims=True, key=key)
        else:
            found = tuple(self._unchecked_setters(instance, names))
        yield from update_instance(instance, *without_automatic(self._meta, found), must_exist=True)
        return "updated"

    def _unchecked_setters(self, instance: M, names: frozenset[str]) -> list[Action]:
        """Return what sets the fields *names* as they are, whatever their options say."""
        wanted: dict[str, Any] = {}
        errors: dict[str, list[str]] = {}
        for field in self._meta.fields:
            if field.name in names:
                value = field.pre_save(getattr(instance, field.name), adding=False)
                wanted[field.attribute] = spell(field, value, errors)
        if (computed := self._meta.computed) is not None:
            computed.compose_setters(encode_fields(instance, adding=False, validate=False), wanted)
        if errors:
            raise ValidationError(errors, model=self._meta.name)
        return write_whole_attributes(wanted)

    # -- which fields ----------------------------------------------------------------------------

    def _fields_named(self, option: str, names: Iterable[str]) -> frozenset[str]:
        """Return the names of fields to write, after a look at them."""
        named = self._meta.check_writable(option, names)
        if not named:
            raise QueryError(f"{option} names no field: there is nothing to write")
        return named

    def _set_when_made(self, instance: M) -> frozenset[str]:
        """Return the fields without a value that set themselves when an item is made, and only then."""
        return frozenset(
            field.name
            for field in self._meta.fields
            if field.stamps
            and instance.__dict__.get(field.name) is None
            and field.pre_save(None, adding=False) is None
        )

    def _setters(
        self, put: Put | Delete, names: frozenset[str] | None, when_made: frozenset[str]
    ) -> list[Action]:
        """Return what sets the fields *names*, and those that set themselves, as *put* has them.

        None stands for all but the key and those of *when_made*.
        """
        assert isinstance(put, Put)
        wires: WireItem = from_json(put.item)
        wanted: dict[str, Any] = {}
        kind = None if self._meta.kind is None else self._meta.kind.field
        for field in self._meta.fields:
            if field.is_key or field is self._meta.version or field is kind:
                continue
            asked = field.name not in when_made if names is None else field.name in names
            if asked or (field.stamps and field.pre_save(None, adding=False) is not None):
                wire = wires.get(field.attribute)
                wanted[field.attribute] = None if wire is None else as_sent(wire)
        if (computed := self._meta.computed) is not None:
            computed.compose_setters(wires, wanted)
        return write_whole_attributes(wanted)


def batched(
    jobs: Mapping[int, Job],
    tally: Tally[Any],
    settle: Callable[[Job], None],
    workers: int,
    progress: Progress | None,
) -> Flow[None]:
    """Carry out *jobs* by BatchWriteItem, and note what comes of each at its place.

    :param settle: what lets the instance of a job, which was carried out, know it.
    """
    left: dict[int, Exception | None] = {}
    writes = [job.write for job in jobs.values()]
    try:
        yield from batch_write(writes, workers=workers, progress=progress, faults=left)
    except Exception:
        if not left:
            raise
    for at, job in jobs.items():
        if id(job.write) not in left:
            settle(job)
            tally.note(at, "written" if isinstance(job.write, Put) else "deleted")
        elif (error := left[id(job.write)]) is not None:
            tally.note(at, error)
        else:
            tally.note(at, "not tried")


def ended(flow: Flow[Any], status: Status) -> Flow[Status]:
    """Carry out *flow*; return *status* for it."""
    yield from flow
    return status


def all_begun(flows: Iterable[Flow[Any]]) -> list[Flow[Any]]:
    """Return *flows*, each as far as it gets without sending; raise what one of them raises there."""
    started: list[Flow[Any]] = []
    try:
        for flow in flows:
            started.append(start_flow(flow))
    except BaseException:
        for flow in started:
            flow.close()
        raise
    return started
