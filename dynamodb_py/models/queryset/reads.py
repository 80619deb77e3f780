"""The methods of query sets that read, besides iterating and pages."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import replace

from ...connections import connection_for, is_consistent
from ...exceptions import QueryError
from ...expressions import And, Compare, Condition, Or, Path, Value
from ...expressions.conditions import join
from ...flows import Flow
from ...limits import MAX_BATCH_GET
from ...operations.items import GetItem, Key, StoredItem
from ...operations.read_expressions import Expressions
from ..fields.base import Field
from ..fields.refusals import UNFIT
from ..instance import Instance, list_many, options_of
from ..options.options import Options
from ..persistence.stored import key_of
from ..records.base import is_untouched
from ..records.rows import make_loader, read_values_of
from ..visibility import filter_items
from .base import DEFAULT_OPTIONS, EMPTY_QUESTION, M, R, clone, limit_of, with_question
from .builders import Builders, check_not_sliced

if TYPE_CHECKING:
    from ... import batching, planning
    from ...batching import ProgressOption
    from ...operations import tables
    from ...operations.queries import Query, Scan
    from ...reading import keys as key_readers
    from ..attribute_values import fetch
    from . import execution, unique_lookup
else:
    from ...lazy import (
        batching,
        execution,
        fetch,
        key_readers,
        planning,
        tables,
        unique_lookup,
    )


def get_first(queryset: Builders[M, R]) -> Flow[R | None]:
    """Return the first row, None if there is none.

    >>> Score.objects.filter(player="ann").first().game
    1
    """
    options = queryset._read_options
    if queryset._result_cache is not None or options.parts or options.related:
        return next(iter((yield from execution.read_first(queryset, 1))), None)
    if (direct := execution.find_direct(queryset, 1)) is not None:
        request: Query | Scan | None = direct[0]
        while request is not None:
            page = yield from request
            if page.items:
                return direct[1](page.items[0])
            request = page.rest
        return None
    question = queryset._question
    plan = execution.plan_query(
        queryset, question if question.limit == 0 else replace(question, limit=1)
    )
    reader = execution.make_reader(queryset, plan)
    while (items := (yield from reader.more())) is not None:
        if items:
            return execution.loader_of(queryset, plan)(items[0])
    return None


def get_last(queryset: Builders[M, R]) -> Flow[R | None]:
    """Return the last row, None if there is none.

    Without a limit it is the first row in reverse order. With a limit all rows are read.

    >>> Score.objects.filter(player="ann").last().game
    2
    """
    unread = queryset._result_cache is None and not queryset._read_options.parts
    if unread and queryset._question.limit is None:
        return (yield from get_first(queryset.reverse()))
    rows = yield from execution.read_all(queryset)
    return rows[-1] if rows else None


def get_one(
    queryset: Builders[M, R], /, *given: Any, consistent: bool | None = None, **lookups: Any
) -> Flow[R]:
    """Return the only row that matches.

    >>> Score.objects.get("ann", 2).points
    80
    >>> Score.objects.get(player="ann", points__lt=60).game
    1

    :param given: conditions, or the values of the key in order.
    :param consistent: True makes a strongly consistent read, at twice the price. The default is that of
        ``consistent()``, else of ``options()``.
    :param lookups: as for ``filter``. The fields of the key alone are read by GetItem.
    :raises DoesNotExist: no row matches; the error is of the model's own subclass.
    :raises MultipleObjectsReturned: several rows match; the error is of the model's own subclass.
    """
    meta = options_of(queryset.model)
    if consistent is not None and "consistent" in meta.field_set.by_name:
        raise TypeError(
            f"{meta.name}: get(consistent=...) may mean the field or the option: use "
            f".consistent().get(...) for the option, filter(consistent=...).get() for the field"
        )
    by_key = bool(given) and not isinstance(given[0], Condition)
    if by_key or (not given and meta.is_key(lookups)):
        row, hidden = yield from get_by_key(queryset, meta, given, lookups, consistent)
        if row is None:
            raise _make_missing_error(meta, given, lookups, hidden)
        return row
    matching = queryset.filter(*given, **lookups) if given or lookups else queryset
    if consistent is not None:
        matching = matching.consistent(consistent)
    rows = yield from execution.read_first(matching, 2)
    if len(rows) == 1:
        return rows[0]
    text = repr(matching._question.condition)
    if rows:
        raise queryset.model.MultipleObjectsReturned(
            f"more than one {meta.name} matches {text}: add conditions, or use first()"
        )
    raise queryset.model.DoesNotExist(f"no {meta.name} matches {text}")


def get_or_none(
    queryset: Builders[M, R], /, *key: Any, consistent: bool | None = None, **named: Any
) -> Flow[R | None]:
    """Return the item with this key, or with these unique values; None if there is none.

    >>> Score.objects.get_or_none("nobody", 1) is None
    True

    :param key: the values of the hash key and the range key, in order; or by name, as keyword arguments.
    :param consistent: True makes a strongly consistent read, at twice the price. The default is that of
        ``options()``.
    :param named: the fields of the key, or exactly the fields of a unique constraint.
    """
    meta = options_of(queryset.model)
    if meta.constraints and not key and unique_lookup.names_constraint(meta, named):
        matching = queryset.filter(**named)
        if consistent is not None:
            matching = matching.consistent(consistent)
        return next(iter((yield from execution.read_first(matching, 1))), None)
    return (yield from get_by_key(queryset, meta, key, named, consistent))[0]


def get_by_key(
    queryset: Builders[M, R],
    meta: Options,
    key: tuple[Any, ...],
    named: Mapping[str, Any],
    consistent: bool | None,
) -> Flow[tuple[R | None, StoredItem | None]]:
    """Return the row with this key, or None, and the item if it exists but is hidden, or None."""
    options = queryset._read_options
    wire = meta.key(key, named)
    if consistent is None:
        consistent = options.consistent
    row: Any
    if queryset._known_question is EMPTY_QUESTION and (
        options is DEFAULT_OPTIONS or not (options.shape or options.start or options.parts)
    ):
        link = connection_for(options.using, meta.using)
        table = link.table_name(meta.table_name)
        item = yield from GetItem(table, wire, is_consistent(consistent, link))
        if item is None or (meta.item_filter is not None and meta.item_filter.hides(item)):
            return None, item
        model: Any = queryset.model
        row = make_loader(model, None, None, options.using)(item)
        if options is not DEFAULT_OPTIONS:
            yield from execution.complete_rows(queryset, [row])
    else:
        names = [field.name for field in meta.keys]
        matching = queryset.filter(**(dict(zip(names, key, strict=True)) if key else named))
        if consistent is not None:
            matching = matching.consistent(consistent)
        rows = yield from execution.read_first(matching, 1)
        row = rows[0] if rows else None
    scope = queryset._scope
    return None if scope is not None and scope.hides(row) else row, None


def _make_missing_error(
    meta: Options, key: tuple[Any, ...], named: dict[str, Any], hidden: StoredItem | None
) -> Exception:
    given = ", ".join([*map(repr, key), *(f"{name}={each!r}" for name, each in named.items())])
    text, kind = f"{meta.name} has no item with the key {given}", meta.kind
    if kind is not None and hidden is not None and not kind.holds(hidden):
        text += f": the item with that key is of the kind {kind.hierarchy.kind_of(hidden)!r}"
    error: Exception = meta.model.DoesNotExist(text, missing=[key or named])
    return error


def count_rows(queryset: Builders[Any, Any]) -> Flow[int]:
    """Return the number of rows; DynamoDB counts them, at the price of reading their items.

    >>> Score.objects.filter(player="ann").count()
    2
    """
    if queryset._result_cache is not None or queryset._read_options.parts:
        return len((yield from execution.read_all(queryset)))
    plan = execution.plan_query(queryset, replace(queryset._question, counting=True))
    return (yield from execution.make_reader(queryset, plan).count())


def has_rows(queryset: Builders[Any, Any]) -> Flow[bool]:
    """Return whether there is a row; it reads the key of one row.

    >>> Score.objects.filter(player="nobody").exists()
    False
    """
    if queryset._result_cache is None and not queryset._read_options.parts:
        queryset = _only_keys(queryset)
    return bool((yield from execution.read_first(queryset, 1)))


def contains_item(queryset: Builders[M, Any], item: M | Any, /) -> Flow[bool]:
    """Return whether *item* is one of the rows; if these were not read yet, it reads one key.

    >>> Score.objects.filter(player="ann").contains(("ann", 2))
    True

    :param item: an instance, or the key of an item: a value, a tuple or a dict.
    :raises QueryError: *item* is of another model, or the rows are not instances.
    """
    meta, options = options_of(queryset.model), queryset._read_options
    if isinstance(item, Instance) and not isinstance(item, queryset.model):
        raise QueryError(f"{meta.name}: contains({item!r}): pass a {meta.name}, or its key")
    if options.shape is not None:
        raise QueryError(
            f"{meta.name}: contains() is for instances: use it without values(), or compare the rows"
        )
    key = meta.key_of(item)
    known = queryset._result_cache is not None or options.parts or limit_of(queryset) is not None
    if not known and options.start is None:
        return (yield from has_rows(queryset.filter(_require_wires(meta, key))))
    rows = yield from execution.read_all(queryset)
    identify = batching.identify_key
    return identify(key) in {identify(key_of(row)) for row in rows}


def get_earliest(queryset: Builders[M, R], *fields: str | Field[Any, Any]) -> Flow[R]:
    """Return the first row in the order of *fields*.

    >>> Score.objects.filter(player="ann").earliest().game
    1

    :param fields: as for ``order_by()``; by default the range key of the index that ``index()``
        names, or else of the table.
    :raises DoesNotExist: no row matches; the error is of the model's own subclass.
    :raises QueryError: there is no range key, or DynamoDB has no such order; nothing was sent.
    """
    return (yield from _get_end(queryset, "earliest", fields, backward=False))


def get_latest(queryset: Builders[M, R], *fields: str | Field[Any, Any]) -> Flow[R]:
    """Return the last row in the order of *fields*: see :func:`get_earliest`.

    >>> Score.objects.filter(player="ann").latest("game").points
    80
    """
    return (yield from _get_end(queryset, "latest", fields, backward=True))


def _get_end(
    queryset: Builders[M, R],
    verb: str,
    fields: tuple[str | Field[Any, Any], ...],
    *,
    backward: bool,
) -> Flow[R]:
    check_not_sliced(queryset, f"{verb}()")
    ordered = queryset.order_by(*(fields or _find_range_fields(queryset, verb)))
    row = yield from get_first(with_question(ordered, backward=backward))
    if row is None:
        text = repr(queryset._question.condition)
        raise queryset.model.DoesNotExist(f"no {queryset.model.__name__} matches {text}")
    return row


def _find_range_fields(queryset: Builders[Any, Any], verb: str) -> tuple[str, ...]:
    """Return the names of the range key's fields, of the table or of the index that was chosen."""
    meta, name = options_of(queryset.model), queryset._question.index
    keys = [each.attribute for each in meta.keys[1:]]
    if name is not None:
        index = next(each for each in meta.schema.indexes if each.name == name)
        keys = [each.name for each in index.range_key]
    fields = tuple(
        meta.field_set.by_attribute[key].name for key in keys if key in meta.field_set.by_attribute
    )
    if not fields:
        where = meta.name if name is None else f"{meta.name}.{name}"
        raise QueryError(
            f"{verb}(): {where} has no range key to sort by: name the range key of an index, "
            f"{verb}('created'), and filter() by the index's hash key"
        )
    return fields


def get_in_bulk(
    queryset: Builders[M, Any],
    keys: Iterable[Any],
    *,
    consistent: bool | None = None,
    workers: int = 1,
    rate: float | None = None,
    progress: ProgressOption = None,
) -> Flow[dict[Hashable, M]]:
    """Return the items with these keys, as a dict by ``primary_key``; missing items are not in it.

    ``primary_key`` is the value of the hash key, or a tuple of both keys if there is a range key.

    >>> found = Score.objects.in_bulk([("ann", 1), ("nobody", 1)])
    >>> {key: each.points for key, each in found.items()}
    {('ann', 1): 50}

    :param keys: dicts of the key's fields, tuples of both keys, or values of the hash key.
    :param consistent: True makes strongly consistent reads, at twice the price. The default is that of
        ``consistent()``, else of ``options()``.
    :param workers: the largest number of requests at a time; by default, 1.
    :param rate: the largest number of read units per second, over 0; by default, no limit. The reads of
        ``prefetch_related()`` do not count.
    :param progress: called with the number of items done and the total; or True for a progress bar.
    :raises BatchIncomplete: DynamoDB left keys unread in every attempt; ``unprocessed`` has these keys.
    :raises QueryError: the query set has conditions, an order or a limit; nothing was sent.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    """
    meta, options, scope = options_of(queryset.model), queryset._read_options, queryset._scope
    _check_only_fields(queryset, "in_bulk()")
    given = list_many(keys, "in_bulk()")
    table = queryset._link.table_name(meta.table_name)
    wanted = queryset._question.wanted
    held: frozenset[str] | None = None
    expressions: dict[str, Expressions] = {}
    if wanted is not None:
        along = [Path((name,)) for name in queryset._question.along]
        paths = dict.fromkeys([*wanted, *along, *(field._path() for field in meta.keys)])
        if meta.kind is not None:
            paths[meta.kind.path] = None
        if meta.item_filter is not None:
            paths.update(dict.fromkeys(meta.item_filter.paths))
        if scope is not None:
            paths[Path((scope.attribute(queryset.model),))] = None
        held = frozenset(str(path.parts[0]) for path in paths)
        expressions = {table: Expressions.of(projection=paths)}
    items = yield from fetch.read_items(
        [(table, meta.key_of(key)) for key in given],
        given,
        {table: key_readers.make_identity_reader(meta.schema.key)},
        link=queryset._link,
        consistent=options.consistent if consistent is None else consistent,
        workers=workers,
        rate=rate,
        progress=progress,
        expressions=expressions,
    )
    load = make_loader(cast("Any", queryset.model), None, held, options.using)
    found: list[M] = [load(item) for item in filter_items(meta, items) if item is not None]
    if scope is not None:
        found = [each for each in found if not scope.hides(each)]
    yield from execution.complete_rows(queryset, found)
    return dict(zip(_list_primary_keys(queryset.model, found), found, strict=True))


def _list_primary_keys(model: type[Instance], rows: Sequence[Instance]) -> Iterator[Hashable]:
    """Yield the ``primary_key`` of each of *rows*, without decoding an instance only for that."""
    fields = options_of(model).keys
    is_own = model.primary_key is Instance.primary_key
    read = read_values_of(model, [field.name for field in fields]) if is_own else None
    for row in rows:
        values: tuple[Any, ...] = ()
        if read is not None and type(row) is model and is_untouched(row):
            with suppress(*UNFIT):  # if the key cannot be read, primary_key has its stored values
                values = read(cast("StoredItem", row._stored))
        yield row.primary_key if not values else values if len(fields) > 1 else values[0]


def _check_only_fields(queryset: Builders[Any, Any], verb: str) -> None:
    """Raise QueryError if *queryset* has conditions, an order and the like, which reads by key ignore."""
    question = replace(queryset._question, wanted=None, along=())
    options = replace(queryset._read_options, using=None, consistent=None, fetched=None, related=())
    if question != EMPTY_QUESTION or options != DEFAULT_OPTIONS:
        raise QueryError(
            f"{queryset.model.__name__}: {verb} reads by key alone, so it only accepts only(), defer(), "
            "prefetch_related(), consistent() and using() before it: use filter(pk__in=[...]) with other "
            "conditions"
        )


def estimate_cost(queryset: Builders[Any, Any]) -> Flow[planning.Estimate]:
    """Return the estimated cost of the query set, in read units; it sends a DescribeTable for the figures.

    >>> Score.objects.filter(player="ann").estimate().least
    0.5
    """
    plan = execution.plan_query(queryset)
    return planning.estimate(plan, (yield from tables.DescribeTable(plan.table)))


def leaves_out(queryset: Builders[Any, Any]) -> bool:
    """Tell whether *queryset* leaves out items of the model that exist."""
    return (
        options_of(queryset.model).expiry is not None
        or queryset._scope is not None
        or is_narrowed(queryset)
    )


def is_narrowed(queryset: Builders[Any, Any]) -> bool:
    """Tell whether *queryset* has a condition, an index or a limit."""
    question = queryset._question
    return (
        not question.condition.is_empty or question.index is not None or question.limit is not None
    )


def keep_shown(queryset: Builders[M, Any], items: list[M]) -> Flow[list[M]]:
    """Return the items, of those that were read by key, that *queryset* does not leave out.

    DynamoDB checks the conditions of *queryset*, by one Query for each item.
    """
    scope = queryset._scope
    if scope is not None:
        items = [each for each in items if not scope.hides(each)]
    if not is_narrowed(queryset):
        return items
    keys: set[Any] = set()
    for at in range(0, len(items), MAX_BATCH_GET):
        wanted = [_require_key(each) for each in items[at : at + MAX_BATCH_GET]]
        keys |= yield from read_keys(queryset.filter(join(Or, *wanted)))
    return [each for each in items if each.primary_key in keys]


def _require_key(instance: Instance) -> Condition:
    return _require_wires(options_of(type(instance)), key_of(instance))


def _require_wires(meta: Options, key: Key) -> Condition:
    """Return the condition that an item has this key."""
    return join(
        And, *[Compare(each._path(), "=", Value(key[each.attribute])) for each in meta.keys]
    )


def read_keys(queryset: Builders[Any, Any]) -> Flow[set[Any]]:
    """Return the primary keys of all rows, reading only the keys."""
    rows = yield from execution.read_all(_only_keys(queryset))
    return {row.primary_key for row in rows}


def _only_keys(queryset: Builders[M, R]) -> Builders[M, R]:
    """Return *queryset* with instances that have only their keys."""
    question = replace(queryset._question, wanted=(), along=(), full=False)
    options = replace(queryset._read_options, shape=None, related=())
    return clone(queryset, question, options)
