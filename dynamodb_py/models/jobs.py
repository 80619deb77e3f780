"""The flows that a bulk write is made of: each writes one item, and tells what became of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct

from ..batching import Progress, batch_write, identity, start_flow
from ..codec import as_sent, decode, from_json
from ..exceptions import AlreadyExists, ConditionFailed, QueryError, ValidationError
from ..expressions import Action
from ..flows import Flow
from ..operations.batches import Delete, Put
from ..operations.items import GetItem, Key, PutItem, UpdateItem
from .belonging import Belonging
from .changes import changes
from .changesets import flat
from .cleaning import spell
from .creating import RACES, without_automatic
from .relations.stubs import check_bulk
from .results import Status, Tally
from .standing import is_other

if TYPE_CHECKING:
    from ..operations.base import WireItem
    from .base import Model

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
        return Job(instance, instance._as_put(self._table, validate=validate))

    def _delete_job(self, given: Any) -> Job:
        check_bulk(self.model, "deleting in batches")
        return self._key_job(given)

    def _key_job(self, given: Any) -> Job:
        """Return a job that is of use for its key alone."""
        return Job(given, Delete(self._table, self._key(given)))

    def _done(self, job: Job) -> None:
        """Let the instance of *job*, which was carried out, know it."""
        if isinstance(job.write, Put):
            self._here(job.given)._settle(job.write.item)
        elif isinstance(job.given, self.model):
            job.given._detach()

    # -- one item ------------------------------------------------------------------------------

    def _inserted(self, job: Job) -> Flow[Status]:
        """Put an item where there is none with its key."""
        assert isinstance(job.write, Put)
        try:
            yield from PutItem(job.write.table, job.write.item, self._meta.absent)
        except ConditionFailed as error:
            raise job.given._told(error, insert=True) from error.__cause__
        self._done(job)
        return "created"

    def _by_itself(self, job: Job, *, insert: bool) -> Flow[None]:
        """Return what puts or deletes one item by itself, with all that belongs to it."""
        if isinstance(job.write, Put):  # when the job was made, it was validated
            instance: Model = self._at_home(job.given)
            return instance._store(force_insert=insert, overwrite=not insert, validate=False)
        if isinstance(job.given, self.model):
            return self._at_home(job.given)._remove(None, None)
        return self._keyed(job.write.key)._remove(None, False)

    def _upserted(self, job: Job, actions: Sequence[Action]) -> Flow[Status]:
        """Put an item where there is none with its key, else change the one that is there."""
        for left in reversed(range(RACES)):
            try:
                return (yield from self._inserted(job))
            except AlreadyExists as error:
                if not left or is_other(self._meta, error.current):
                    raise
            key = job.write.key
            update = UpdateItem(self._table, key, actions, self._meta.present, "ALL_NEW")
            try:
                item = yield from update
            except ConditionFailed:
                continue  # it is gone again
            if item is not None:
                self._here(job.given)._become(item)
            return "updated" if actions else "unchanged"
        raise AssertionError("the last try returns or raises")

    def _upserted_guarded(self, job: Job, actions: Sequence[Action]) -> Flow[Status]:
        """Do as ``_upserted``, of a model whose items keep more than themselves."""
        instance, key = job.given, job.write.key
        for left in reversed(range(RACES)):
            try:
                yield from instance._store(force_insert=True, validate=False)
            except AlreadyExists as error:
                # A value of it is taken, not its key, or that by an item of another class.
                if not left or error.fields or is_other(self._meta, error.current):
                    raise
            else:
                return "created"
            if actions:
                try:
                    yield from self._keyed(key)._update(*actions, must_exist=True, atomic=False)
                except self.model.DoesNotExist:
                    continue
            item = yield from GetItem(self._table, key, True)
            if item is not None:
                instance._become(item)
                return "updated" if actions else "unchanged"
        raise AssertionError("the last try returns or raises")

    def _updated(self, instance: M, names: frozenset[str], *, validate: bool) -> Flow[Status]:
        """Write the fields *names* of an item that exists."""
        if instance.persisted:
            before = instance._stored
            yield from instance._store(named=names, validate=validate)
            return "unchanged" if instance._stored is before else "updated"
        if validate:
            values = {name: getattr(instance, name) for name in sorted(names)}
            key = None if self._meta.composing is None else instance._key()
            found = changes(self._meta, (), values, claims=True, key=key)
        else:
            found = tuple(self._unchecked_setters(instance, names))
        yield from instance._update(*without_automatic(self._meta, found), must_exist=True)
        return "updated"

    def _unchecked_setters(self, instance: M, names: frozenset[str]) -> list[Action]:
        """Return what sets the fields *names* as they are, whatever their options say."""
        wanted: dict[str, Any] = {}
        errors: dict[str, list[str]] = {}
        for field in self._meta.fields:
            if field.name in names:
                value = field.pre_save(getattr(instance, field.name), adding=False)
                wanted[field.attribute] = spell(field, value, errors)
        if (composing := self._meta.composing) is not None:
            composing.finish_setters(instance._wires(adding=False, validate=False), wanted)
        if errors:
            raise ValidationError(errors, model=self._meta.name)
        return flat(wanted)

    # -- which fields ----------------------------------------------------------------------------

    def _fields_named(self, option: str, names: Iterable[str]) -> frozenset[str]:
        """Return the names of fields to write, after a look at them."""
        named = self._meta.to_write(option, names)
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
        if (composing := self._meta.composing) is not None:
            composing.finish_setters(wires, wanted)
        return flat(wanted)


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
