"""Mixins for models: moments of creation and change, and deleting softly."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, cast

from msgspec.structs import replace

from ..batching import ProgressOption, shown
from ..exceptions import DoesNotExist, QueryError
from ..expressions import Action, Condition, NotExists, Path
from ..flows import Flow, awaiting, blocking, flow_of, name_verbs
from ..operations.items import StoredItem
from ..operations.queries import Query
from ..planning import Plan, Question
from .bulk.jobs import Job, distinct
from .bulk.results import BulkResult, Status, Tally
from .fields.times import DateTimeField
from .instance import options_of
from .managers.batch_get import Writing
from .managers.manager import Manager
from .managers.objects import Objects
from .managers.queryset import QuerySet
from .model import Model
from .persistence.update import update_instance
from .queryset.builders import M, R
from .queryset.write_execution import Done
from .records.base import unread_fields
from .signals.events import deleted, deleting, is_heard
from .unit_of_work.collector import COLLECTOR, check_outside

if TYPE_CHECKING:
    from datetime import datetime

    from ..operations.items import Key


class Timestamped:
    """A mixin for models and documents: when one was made, and when it was last changed.

    >>> from dynamodb_py import CharField, Model
    >>> class Page(Timestamped, Model):
    ...     name = CharField(hash_key=True)
    >>> [field.name for field in Page._meta.fields]
    ['created_at', 'updated_at', 'name']
    """

    created_at = DateTimeField(auto_now_add=True)
    updated_at = DateTimeField(auto_now=True)


class _Live(Writing[M], Generic[M]):
    """What query sets and managers that hide deleted items do by key."""

    __slots__ = ()

    def _fetch(
        self, keys: Sequence[Any], consistent: bool | None, workers: int, progress: ProgressOption
    ) -> Flow[list[M | None]]:
        found = yield from super()._fetch(keys, consistent, workers, progress)
        return [None if each is not None and is_deleted(each) else each for each in found]

    def _hides(self, instance: Any) -> bool:
        return is_deleted(instance)

    def _besides(self, condition: Condition | None) -> Condition | None:
        live = live_condition(self.model)
        return live if condition is None else condition & live

    def _changed(self, key: Key, actions: tuple[Action, ...]) -> Flow[StoredItem | None]:
        item = yield from super()._changed(key, actions)
        return None if item is not None and is_deleted(self.model._load(item)) else item

    def _deleted(self, given: Any) -> Flow[Status]:
        """Delete an instance, or the item of a key, softly; what is not there counts as deleted."""
        with suppress(DoesNotExist):
            if isinstance(given, self.model):
                yield from flow_of(type(given), "delete")(given)
            else:
                instance = self._keyed(self._key(given))
                yield from flow_of(instance.__class__, "delete")(instance, atomic=False)
        return "deleted"

    def _delete_job(self, given: Any) -> Job:
        raise QueryError(
            f"{self.model.__name__}: a batch deletes for good, and {self.model.__name__} is deleted "
            "softly: objects.bulk_delete(), or all_objects.batch_write(delete=...) for good"
        )

    def _bulk_delete(
        self,
        keys: Iterable[Any],
        *,
        atomic_chunks: bool = False,
        workers: int = 1,
        progress: ProgressOption = None,
    ) -> Flow[BulkResult[Any]]:
        """Delete the items with these keys, or these instances, softly, each by a request of its own.

        Those that are not there count as deleted, but with *atomic_chunks*: there one fails its chunk,
        since a mark would make an item of it. The rest is as for other models.
        """
        check_outside("bulk_delete()")
        given = list(keys)
        tally: Tally[Any] = Tally(given, deletes=True)
        jobs = [self._key_job(each) for each in given]
        kept = set(map(id, distinct(jobs, last_wins=True, model=self.model.__name__)))
        flows: dict[int, Flow[Status]] = {}
        for at, job in enumerate(jobs):
            if id(job) in kept:
                flows[at] = self._deleted(job.given)
            else:
                tally.note(at, "superseded")
        if atomic_chunks:
            errors = yield from self._in_chunks(flows, "deleted", tally, workers, shown(progress))
            return tally.checked(errors)
        yield from self._side_by_side(flows, list(flows.values()), tally, workers, shown(progress))
        return tally.checked()


class SoftDeleteQuerySet(_Live[M], QuerySet[M, R], Generic[M, R]):
    """A query set of a :class:`SoftDelete` model: deleted items are left out, and ``delete()`` is soft."""

    __slots__ = ()

    def _plan(self, question: Question | None = None, *, explained: bool = False) -> Plan:
        if question is None and not self._how.parts:
            question = self._question
        return super()._plan(
            None if question is None else self._live(question), explained=explained
        )

    def _live(self, question: Question) -> Question:
        """Return *question*, asked of the items that are not deleted."""
        condition = question.condition
        everything = condition.is_empty and not question.order  # which needs no .scan() to be said
        return replace(
            question,
            condition=condition & live_condition(self.model),
            scan=question.scan or everything,
        )

    def _straight(self, *, first: bool = False) -> Query | None:
        """Return None: the shortcut of a sketch knows nothing of deleted items."""
        del first
        return None

    def _by_key(
        self, key: tuple[Any, ...], named: Mapping[str, Any], consistent: bool | None
    ) -> Flow[tuple[R | None, StoredItem | None]]:
        row, other = yield from super()._by_key(key, named, consistent)
        if isinstance(row, SoftDelete) and _known_deleted(row):
            return None, None
        return row, other

    def _in_bulk(
        self,
        keys: Iterable[Any],
        *,
        consistent: bool | None = None,
        workers: int = 1,
        progress: ProgressOption = None,
    ) -> Flow[dict[Hashable, M]]:
        asked = self
        if (question := self._question).wanted is not None:
            attribute = options_of(self.model).get_field("deleted_at").attribute
            asked = self._asking(along=(*question.along, attribute))
        found = yield from QuerySet[M, R]._in_bulk(
            asked, keys, consistent=consistent, workers=workers, progress=progress
        )
        return {key: each for key, each in found.items() if not is_deleted(each)}

    def _delete(
        self,
        *,
        workers: int = 1,
        checked: bool = True,
        rate: float | None = None,
        progress: ProgressOption = None,
    ) -> Flow[Done]:
        """Delete every item that matches softly, each by a request of its own.

        Each is changed on condition that it still matches, whatever *checked* says; the rest is as for
        ``update()``.
        """
        del checked
        done: Done = yield from self._update(
            deleted_at=_now(), workers=workers, rate=rate, progress=progress
        )
        return done


class SoftDeleteManager(_Live[M], Manager[M], Generic[M]):
    """The manager ``objects`` of a :class:`SoftDelete` model: deleted items are hidden."""

    _queryset = SoftDeleteQuerySet

    def _delete(self, /, *key: Any, condition: Condition | None = None, **named: Any) -> Flow[None]:
        """Delete the item with this key softly, without reading it.

        One that is not there counts as deleted, unless there is a condition.

        :param condition: delete only where it holds.
        :raises ConditionFailed: *condition* does not hold; ``current`` is the item as it stands.
        :raises DoesNotExist: with *condition*, there is no item.
        """
        instance: Any = self._keyed(self._meta.check_own_key(self._meta.key(key, named)))
        try:
            yield from flow_of(instance.__class__, "delete")(
                instance, condition=condition, atomic=False
            )
        except DoesNotExist:
            if condition is not None:
                raise


SoftDeleteQuerySet._manager = SoftDeleteManager


def delete_softly(
    instance: SoftDelete,
    *,
    condition: Condition | None = None,
    atomic: bool | None = None,
    hard: bool = False,
) -> Flow[None]:
    """Mark this item as deleted now, in one request; one that is marked keeps its moment.

    In a transaction one keeps the moment that the instance knows of.

    :param condition: delete only where it holds.
    :param atomic: as for ``update()``.
    :param hard: delete the item itself, as other models do.
    :raises ConditionFailed: *condition* does not hold; ``current`` is the item as it stands.
    :raises DoesNotExist: there is no item; not so with *hard*.
    :raises StaleItem: as for other models.
    """
    if hard:
        yield from instance._delete_for_good(condition=condition, atomic=atomic)
        return
    collector = COLLECTOR.get()
    heard = is_heard(type(instance), "delete")
    if heard:
        yield from deleting(instance)
    mark: Any = _mark(instance, collected=collector is not None)
    yield from update_instance(
        instance, deleted_at=mark, condition=condition, must_exist=True, atomic=atomic
    )
    if heard:
        if collector is None:
            yield from deleted(instance)
        else:
            collector.then(lambda: deleted(instance))


def _mark(instance: SoftDelete, *, collected: bool) -> Any:
    """Return what ``deleted_at`` is to be: now, where there is nothing yet."""
    if not collected:
        return type(instance).deleted_at.if_not_exists(_now())
    # A transaction does not tell what it made of that.
    known = "deleted_at" not in unread_fields(instance) and instance.deleted_at
    return known or _now()


def delete_hard(
    instance: SoftDelete, *, condition: Condition | None = None, atomic: bool | None = None
) -> Flow[None]:
    """Delete the item itself: ``delete(hard=True)``."""
    yield from instance._delete_for_good(condition=condition, atomic=atomic)


def restore_instance(
    instance: SoftDelete, *, condition: Condition | None = None, atomic: bool | None = None
) -> Flow[None]:
    """Take the mark off the item, in one request; one that has none is left as it is.

    :param condition: and *atomic*: as for ``update()``.
    :raises DoesNotExist: there is no item.
    """
    yield from update_instance(
        instance, deleted_at=None, condition=condition, must_exist=True, atomic=atomic
    )


@name_verbs
class SoftDelete(Model):
    """A mixin for models whose items are marked as deleted before they are: ``deleted_at`` says when.

    ``objects`` hides deleted items, and deletes softly; ``all_objects`` is a manager as others are: it
    shows all items, and deletes for good.

    >>> from dynamodb_py import CharField
    >>> class Order(SoftDelete):
    ...     id = CharField(hash_key=True)
    >>> print(Order.objects.filter(id="a").operation().expressions.filter)
    attribute_not_exists(#1)
    """

    class Meta:  # noqa: D106 - as each has
        abstract = True

    deleted_at = DateTimeField()

    objects = cast("Objects", SoftDeleteManager())
    all_objects = cast("Objects", Manager())

    @property
    def is_deleted(self) -> bool:
        """Whether it was deleted softly."""
        return self.deleted_at is not None

    if TYPE_CHECKING:

        def delete(
            self,
            *,
            condition: Condition | None = None,
            atomic: bool | None = None,
            hard: bool = False,
        ) -> None: ...
        async def adelete(
            self,
            *,
            condition: Condition | None = None,
            atomic: bool | None = None,
            hard: bool = False,
        ) -> None: ...
    else:
        delete = blocking(delete_softly)
        adelete = awaiting(delete_softly)

    hard_delete = blocking(delete_hard)
    ahard_delete = awaiting(delete_hard)

    restore = blocking(restore_instance)
    arestore = awaiting(restore_instance)


def live_condition(model: type[Any]) -> Condition:
    """Return the condition that an item is not deleted softly."""
    field = options_of(model).get_field("deleted_at")
    return NotExists(Path((field.attribute,), field, field.label))


def is_deleted(instance: Any) -> bool:
    """Tell whether an instance of a :class:`SoftDelete` model is deleted softly."""
    return instance.deleted_at is not None


def _known_deleted(instance: SoftDelete) -> bool:
    """Tell whether an instance that may have been fetched in part is known to be deleted."""
    return "deleted_at" not in unread_fields(instance) and is_deleted(instance)


def _now() -> datetime:
    from datetime import datetime, timezone

    return datetime.now(timezone.utc)
