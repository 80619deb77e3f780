"""Mixins for models: Timestamped, with the times of creation and change, and SoftDelete."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, cast

from ..batching import ProgressOption, as_callback
from ..connections import choose_connection
from ..exceptions import DoesNotExist, QueryError
from ..expressions import Condition, NotExists, Path
from ..flows import Flow, awaiting, blocking, flow_of, name_verbs
from ..pacing.buckets import make_pacer
from ..pacing.flows import pace
from .bulk.bound_model import BoundModel, instance_of_key, key_from, table_name
from .bulk.execution import run_side_by_side
from .bulk.jobs import keep_last, key_job
from .bulk.results import BulkResult, Status, Tally
from .fields.times.datetimes import DateTimeField, TimestampField
from .instance import is_elsewhere, list_many, options_of
from .managers.manager import Manager, Objects
from .managers.queryset import QuerySet
from .model import Model
from .persistence.delete import delete_instance
from .persistence.stored import copy_elsewhere
from .persistence.update import update_instance
from .queryset.base import M, R
from .queryset.builders import Builders
from .queryset.write_execution import Done
from .queryset.writes import update_matching
from .records.base import find_unread_fields
from .signals.events import is_observed, send_post_delete, send_pre_delete
from .unit_of_work.collector import COLLECTOR, check_outside
from .visibility import Scope

if TYPE_CHECKING:
    from datetime import datetime


class Timestamped:
    """A mixin for models and documents, with the times of creation and of the last change.

    >>> from dynamodb_py import CharField, Model
    >>> class Page(Timestamped, Model):
    ...     name = CharField(hash_key=True)
    >>> [field.name for field in Page._meta.fields]
    ['created_at', 'updated_at', 'name']
    """

    created_at = DateTimeField(auto_now_add=True)
    updated_at = DateTimeField(auto_now=True)


class _LiveItems(Scope):
    """Hides the items that are marked as deleted."""

    def condition(self, model: type[Any], /) -> Condition:
        field = options_of(model).get_field("deleted_at")
        return NotExists(Path((field.attribute,), field, field.label))

    def attribute(self, model: type[Any], /) -> str:
        name: str = options_of(model).get_field("deleted_at").attribute
        return name

    def hides(self, instance: Any, /) -> bool:
        known = isinstance(instance, SoftDelete) and "deleted_at" not in find_unread_fields(
            instance
        )
        return known and instance.deleted_at is not None

    def check_batch_delete(self, model: type[Any], /) -> None:
        raise QueryError(
            f"{model.__name__}: a batch deletes for good, and {model.__name__} is deleted softly: call "
            "objects.bulk_delete(), or all_objects.batch_write(delete=...) to delete for good"
        )


def bulk_delete_softly(
    bound: BoundModel[Any],
    keys: Iterable[Any],
    *,
    workers: int = 1,
    rate: float | None = None,
    progress: ProgressOption = None,
) -> Flow[BulkResult[Any]]:
    """Mark the items with these keys, or these instances, as deleted; one request each.

    Missing items count as deleted.

    >>> from dynamodb_py import CharField, SoftDelete, Table
    >>> class Order(SoftDelete):
    ...     number = CharField(hash_key=True)
    >>> description = Table(Order).create()
    >>> orders = [Order.create(number=number) for number in ("1", "2", "3")]
    >>> result = Order.objects.bulk_delete(["1", orders[1]])
    >>> [Order.get(number) is None for number in ("1", "2", "3")]
    [True, True, False]
    >>> Order.all_objects.get("1").is_deleted
    True

    :param keys: keys as for ``batch_get``, or instances.
    :param workers: the largest number of requests at a time; by default, 1.
    :param rate: the largest number of write units per second, and of read units where items are read too,
        over 0; by default, no limit.
    :param progress: called with the number of items done and the total; or True for a progress bar.
    :return: the keys and instances whose items are marked; ``outcomes`` has the status of each.
    :raises StaleItem: the item of an instance was changed since it was loaded; the other items are marked.
        This and every other error while sending has the result in ``done``.
    """
    check_outside("bulk_delete()")
    given, pacer = list_many(keys, "keys to delete"), make_pacer(rate)
    tally: Tally[Any] = Tally(given, deletes=True)
    table = table_name(bound)
    jobs = {at: key_job(bound, each, table) for at, each in enumerate(given)}
    kept = keep_last(jobs, last_wins=True, model=bound.model.__name__)
    flows: dict[int, Flow[Status]] = {}
    for at, job in jobs.items():
        if at in kept:
            flows[at] = _delete_given(bound, job.given)
        else:
            tally.note(at, "superseded")
    report = as_callback(progress)
    deletes = run_side_by_side(flows, list(flows.values()), tally, workers, report)
    yield from pace(deletes, pacer)
    return tally.check()


def _delete_given(bound: BoundModel[Any], given: Any) -> Flow[Status]:
    """Mark an instance, or the item with a key, as deleted; a missing item counts as deleted."""
    with suppress(DoesNotExist):
        if isinstance(given, bound.model):
            yield from flow_of(given.__class__, "delete")(given)
        else:
            instance: Any = instance_of_key(bound, key_from(bound, given))
            yield from flow_of(instance.__class__, "delete")(instance, atomic=False)
    return "deleted"


def delete_matching_softly(
    queryset: Builders[Any, Any],
    *,
    workers: int = 1,
    checked: bool = True,
    rate: float | None = None,
    progress: ProgressOption = None,
) -> Flow[Done]:
    """Mark every matching item as deleted; one request each.

    Each item changes only if it still matches.

    >>> from dynamodb_py import CharField, SoftDelete, Table
    >>> class Order(SoftDelete):
    ...     customer = CharField(hash_key=True)
    ...     number = CharField(range_key=True)
    >>> description = Table(Order).create()
    >>> orders = [Order.create(customer="ann", number=number) for number in ("1", "2")]
    >>> done = Order.objects.filter(customer="ann", number="1").delete()
    >>> Order.objects.filter(customer="ann").count()
    1
    >>> Order.all_objects.filter(customer="ann").count()
    2

    :param workers: the largest number of requests that write at a time; by default, 1.
    :param checked: without effect; other models have it.
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
    del checked
    done: Done = yield from update_matching(
        queryset, deleted_at=_get_now(queryset.model), workers=workers, rate=rate, progress=progress
    )
    return done


def delete_by_key_softly(
    bound: BoundModel[Any], /, *key: Any, condition: Condition | None = None, **named: Any
) -> Flow[None]:
    """Mark the item with this key as deleted, without reading it.

    Without a condition, a missing item counts as deleted.

    >>> from dynamodb_py import CharField, SoftDelete, Table
    >>> class Order(SoftDelete):
    ...     number = CharField(hash_key=True)
    >>> description = Table(Order).create()
    >>> order = Order.create(number="1")
    >>> Order.objects.delete("1")
    >>> Order.get("1") is None, Order.all_objects.get("1").is_deleted
    (True, True)

    :param key: the values of the hash key and the range key, in order.
    :param condition: mark the item only if it holds for the stored item.
    :param named: the values of the key by field name.
    :raises ConditionFailed: *condition* does not hold; ``current`` is the item as it is stored now.
    :raises DoesNotExist: *condition* is given, and there is no item.
    :raises TypeError: a value of the key is missing, or a name is not a field of the key.
    """
    meta = options_of(bound.model)
    instance: Any = instance_of_key(bound, meta.check_own_key(meta.key(key, named)))
    try:
        yield from flow_of(instance.__class__, "delete")(
            instance, condition=condition, atomic=False
        )
    except DoesNotExist:
        if condition is not None:
            raise


@name_verbs
class SoftDeleteQuerySet(QuerySet[M, R], Generic[M, R]):
    """A query set of a :class:`SoftDelete` model: it hides deleted items; its ``delete()`` marks items."""

    __slots__ = ()

    _scope = _LiveItems()

    delete = blocking(delete_matching_softly)
    adelete = awaiting(delete_matching_softly)
    bulk_delete = blocking(bulk_delete_softly)
    abulk_delete = awaiting(bulk_delete_softly)


@name_verbs
class SoftDeleteManager(Manager[M], Generic[M]):
    """The manager ``objects`` of a :class:`SoftDelete` model: it hides deleted items."""

    _queryset = SoftDeleteQuerySet
    _scope = _LiveItems()

    delete = blocking(delete_by_key_softly)
    adelete = awaiting(delete_by_key_softly)
    bulk_delete = blocking(bulk_delete_softly)
    abulk_delete = awaiting(bulk_delete_softly)


SoftDeleteQuerySet._manager = SoftDeleteManager


def delete_softly(
    instance: SoftDelete,
    *,
    condition: Condition | None = None,
    atomic: bool | None = None,
    hard: bool = False,
    using: str | None = None,
) -> Flow[None]:
    """Mark this item as deleted now, in one request; an item that is marked already keeps its time.

    In a transaction, the item gets the time that the instance has, if it has one.

    >>> from dynamodb_py import CharField, SoftDelete, Table
    >>> class Order(SoftDelete):
    ...     number = CharField(hash_key=True)
    >>> description = Table(Order).create()
    >>> order = Order.create(number="1")
    >>> order.delete()
    >>> order.is_deleted, Order.get("1")
    (True, None)

    :param condition: mark the item only if it holds for the stored item.
    :param atomic: the same as in ``update()``.
    :param hard: delete the item itself, like :meth:`hard_delete`.
    :param using: the alias of a connection, as in :meth:`Model.delete <dynamodb_py.Model.delete>`.
    :raises ConditionFailed: *condition* does not hold; ``current`` is the item as it is stored now.
    :raises DoesNotExist: there is no item; with *hard* this is not an error.
    :raises StaleItem: the item was changed, or deleted, since it was loaded.
    """
    if using is not None and is_elsewhere(instance, using):
        instance = copy_elsewhere(instance, using)
    if hard:
        yield from instance._delete_for_good(condition=condition, atomic=atomic)
        return
    collector = COLLECTOR.get()
    observed = is_observed(type(instance), "delete")
    if observed:
        yield from send_pre_delete(instance)
    mark: Any = _make_mark(instance, collected=collector is not None)
    yield from update_instance(
        instance, deleted_at=mark, condition=condition, must_exist=True, atomic=atomic
    )
    if observed:
        if collector is None:
            yield from send_post_delete(instance)
        else:
            collector.call_after(lambda: send_post_delete(instance))


def _make_mark(instance: SoftDelete, *, collected: bool) -> Any:
    """Return the value for ``deleted_at``: now, unless it is set."""
    if not collected:
        return type(instance).deleted_at.if_not_exists(_get_now(type(instance)))
    # A transaction does not return the value of if_not_exists().
    known = "deleted_at" not in find_unread_fields(instance) and instance.deleted_at
    return known or _get_now(type(instance))


def delete_hard(
    instance: SoftDelete,
    *,
    condition: Condition | None = None,
    atomic: bool | None = None,
    using: str | None = None,
) -> Flow[None]:
    """Delete the item itself, like ``delete(hard=True)``.

    >>> from dynamodb_py import CharField, SoftDelete, Table
    >>> class Order(SoftDelete):
    ...     number = CharField(hash_key=True)
    >>> description = Table(Order).create()
    >>> order = Order.create(number="1")
    >>> order.hard_delete()
    >>> Order.all_objects.get_or_none("1") is None
    True

    :param condition: delete only if it holds for the stored item.
    :param atomic: delete only if no attribute has changed since the instance was loaded; ``options()`` or
        ``Meta.atomic`` set the default.
    :param using: the alias of a connection, as in :meth:`Model.delete <dynamodb_py.Model.delete>`.
    :raises ConditionFailed: *condition* does not hold; ``current`` is the item as it is stored now.
    :raises StaleItem: the item was changed since it was loaded; nothing was deleted.
    """
    yield from delete_instance(instance, condition=condition, atomic=atomic, using=using)


def restore_instance(
    instance: SoftDelete, *, condition: Condition | None = None, atomic: bool | None = None
) -> Flow[None]:
    """Remove the mark of deletion from the item, in one request; an item without the mark does not change.

    >>> from dynamodb_py import CharField, SoftDelete, Table
    >>> class Order(SoftDelete):
    ...     number = CharField(hash_key=True)
    >>> description = Table(Order).create()
    >>> order = Order.create(number="1")
    >>> order.delete()
    >>> order.restore()
    >>> order.is_deleted
    False

    :param condition: restore the item only if it holds for the stored item.
    :param atomic: the same as in ``update()``.
    :raises DoesNotExist: there is no item.
    """
    yield from update_instance(
        instance, deleted_at=None, condition=condition, must_exist=True, atomic=atomic
    )


@name_verbs
class SoftDelete(Model):
    """A base class for models whose items are only marked as deleted: ``deleted_at`` is the time.

    ``objects`` hides deleted items, and its deletes mark items. ``all_objects`` is a plain manager: it
    shows all items, and deletes them for good.

    >>> from dynamodb_py import CharField
    >>> class Order(SoftDelete):
    ...     id = CharField(hash_key=True)
    >>> print(Order.objects.filter(id="a").operation().expressions.filter)
    attribute_not_exists(#1)
    """

    class Meta:  # noqa: D106 - as each has
        abstract = True

    deleted_at = DateTimeField()
    """The time when the item was marked as deleted; None if it is not marked."""

    objects = cast("Objects", SoftDeleteManager())
    """The manager of the items that are not deleted."""
    all_objects = cast("Objects", Manager())
    """The manager of all items, deleted ones too."""

    @property
    def is_deleted(self) -> bool:
        """Whether the item is marked as deleted."""
        return self.deleted_at is not None

    if TYPE_CHECKING:

        def delete(
            self,
            *,
            condition: Condition | None = None,
            atomic: bool | None = None,
            hard: bool = False,
            using: str | None = None,
        ) -> None: ...
        async def adelete(
            self,
            *,
            condition: Condition | None = None,
            atomic: bool | None = None,
            hard: bool = False,
            using: str | None = None,
        ) -> None: ...
    else:
        delete = blocking(delete_softly, choose_connection)
        adelete = awaiting(delete_softly, choose_connection)

    hard_delete = blocking(delete_hard, choose_connection)
    ahard_delete = awaiting(delete_hard, choose_connection)

    restore = blocking(restore_instance)
    arestore = awaiting(restore_instance)


def _get_now(model: type[SoftDelete]) -> datetime:
    """Return the current time, in the precision of the model's field."""
    field: object = model.deleted_at
    if isinstance(field, (DateTimeField, TimestampField)):
        return field.now()
    from datetime import datetime, timezone

    return datetime.now(timezone.utc)
