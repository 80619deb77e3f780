"""What a query set is asked: every verb that sends, once for waiting and once for asyncio."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from typing import Any, Generic, cast

from msgspec.structs import replace

from ...batching import ProgressOption, shown
from ...connections import OPTIONS, consistently, get_connection
from ...exceptions import QueryError
from ...expressions import Condition, Path
from ...flows import Flow, awaiting, blocking
from ...operations.batches import BatchGetItem
from ...operations.items import GetItem, StoredItem
from ...operations.queries import Query, Scan
from ...operations.read_expressions import Expressions
from ...operations.tables import DescribeTable
from ...planning import Estimate, Plan, Question, estimate
from ...reading import Reader
from ...reading.keys import key_of as key_reader
from ..attribute_values.fetch import read_items
from ..instance import options_of
from ..records.rows import loader
from ..visibility import filter_item, filter_items
from .builders import PLAINLY, UNASKED, How, M, R
from .prefetch import prefetching, tree_of
from .projection import Shaping
from .row_streams import Coming, Completed, Course, Several, Straight


class Answers(Shaping[M, R], Generic[M, R]):
    """The verbs of query sets."""

    __slots__ = ()

    # -- from the question to rows -------------------------------------------------------------

    @property
    def _alias(self) -> str | None:
        return self._how.using

    def _plan(self, question: Question | None = None, *, explained: bool = False) -> Plan:
        """Return how this is answered, or *question* in its place."""
        how = self._how
        if how.parts:
            self._check_single("this")
        if question is None:
            question = self._question
        if consistently(how.consistent):  # options() may ask for it
            question = replace(question, consistent=True)
        meta = options_of(self.model)
        if meta.item_filter is not None:
            question = meta.item_filter.apply_to(question)
        if (
            meta.part_conditions is not None and meta.layout is None
        ):  # a shared table asks the keys first
            question = meta.part_conditions.rewrite(question)
        table = self._link.table_name(meta.table_name)
        if explained:
            plan = meta.planner.explain(table, question)
            if meta.part_conditions is not None:
                plan = meta.part_conditions.explain(plan)
            if meta.item_filter is not None:
                plan = meta.item_filter.explain(plan)
            return plan if meta.kind is None else meta.kind.explain(plan)
        return meta.planner.plan(table, question)

    def _reader(self, plan: Plan) -> Reader:
        """Return what carries *plan* out, as this query set says."""
        return Reader(plan) if self._how is PLAINLY else Reader(plan, **self._pace())

    def _pace(self) -> dict[str, Any]:
        how = self._how
        progress = shown(how.progress)
        return {"max_requests": how.max_requests, "rate": how.rate, "progress": progress}

    def _check_single(self, verb: str) -> None:
        if self._how.parts:
            raise QueryError(
                f"{self.model.__name__}: a union is several questions: {verb} is for each of its query "
                "sets"
            )

    def _loader(self, plan: Plan) -> Callable[[StoredItem], R]:
        """Return what makes a row of an item that *plan* reads."""
        how = self._how
        if how is PLAINLY and plan.held is None:
            load: Any = self.model._load
            return cast("Callable[[StoredItem], R]", load)
        return loader(self.model, how.shape, plan.held, how.using)

    def _course(self, question: Question | None = None) -> Course[R]:
        """Return the rows on their way."""
        plan = self._plan(question)
        return Course(self._reader(plan), self._loader(plan))

    def _straight(self, *, first: bool = False) -> Query | None:
        """Return the request that answers this, where it is one Query and its pages, without a limit.

        With *first*, it is asked for one row.
        """
        sketch = self._sketch
        if sketch is None or self._how is not PLAINLY:
            return None
        if first:
            sketch = sketch.head or sketch.first()
        elif sketch.limited:
            return None
        meta, wires = sketch.meta, self._wires
        table, link = meta.table_name, get_connection(meta.using)
        if link.renames:
            table = link.table_name(table)
        consistent = OPTIONS.get()[-1].consistent
        latest = sketch.latest
        if latest is None or latest[0] != table or latest[1] is not consistent:
            question = self._question
            if first and question.limit != 0:
                question = replace(question, limit=1)
            latest = sketch.learn(table, consistent, question)
        shortcut = latest[2]
        return None if shortcut is None else shortcut(wires)

    def _rows(self, limit: int | None = None) -> Coming[R] | Completed[R]:
        """Return the rows on their way, at most *limit* of them, with what they refer to."""
        coming = self._bare_rows(limit)
        return Completed(coming, self._complete) if self._how.related else coming

    def _complete(self, rows: list[R]) -> Flow[None]:
        """Read what *rows* refer to, where this was said to, into them."""
        if self._how.related and rows:
            yield from prefetching(rows, tree_of(self.model, self._how.related), self._link)

    def _bare_rows(self, limit: int | None = None) -> Coming[R]:
        if limit is None and (request := self._straight()) is not None:
            return Straight(request, cast("Callable[[StoredItem], R]", self.model._load))
        question = self._question
        if limit is not None and (question.limit is None or limit < question.limit):
            question = replace(question, limit=limit)
        if not self._how.parts:
            return self._course(question)
        parts = cast("tuple[Answers[M, R], ...]", self._how.parts)
        limit = question.limit
        starts = [partial(part._bare_rows, limit) for part in parts]
        return Several(starts, key_reader(options_of(self.model).schema.key), limit)

    def _all_rows(self) -> Flow[list[R]]:
        """Read to the end, and keep the rows."""
        if self._kept is None:
            rows: list[R] = []
            course = self._rows()
            while (more := (yield from course.more())) is not None:
                rows += more
            self._kept = rows
        return self._kept

    def _first_rows(self, count: int) -> Flow[list[R]]:
        """Read no more than *count* rows."""
        if self._kept is not None:
            return self._kept[:count]
        rows: list[R] = []
        course = self._rows(count)
        while len(rows) < count and (more := (yield from course.more())) is not None:
            rows += more
        return rows

    # -- rows ----------------------------------------------------------------------------------

    def _first(self) -> Flow[R | None]:
        """Return the first row, or None."""
        if self._kept is not None or self._how.parts or self._how.related:
            for row in (yield from self._first_rows(1)):
                return row
            return None
        request = self._straight(first=True)
        while request is not None:
            page = yield from request
            if page.items:
                return cast("R", self.model._load(page.items[0]))
            if (request := cast("Query | None", page.rest)) is None:
                return None
        question = self._question
        plan = self._plan(question if question.limit == 0 else replace(question, limit=1))
        reader = self._reader(plan)
        while (items := (yield from reader.more())) is not None:
            if items:
                return self._loader(plan)(items[0])
        return None

    first = blocking(_first)
    afirst = awaiting(_first)

    def _last(self) -> Flow[R | None]:
        """Return the last row, or None: the first one of the opposite order, where there is no limit."""
        if self._kept is None and self._question.limit is None and not self._how.parts:
            return (yield from self.reverse()._first())
        rows = yield from self._all_rows()
        return rows[-1] if rows else None

    last = blocking(_last)
    alast = awaiting(_last)

    def _get(self, /, *given: Any, consistent: bool | None = None, **lookups: Any) -> Flow[R]:
        """Return the one row that matches, of these that there are.

        :param given: conditions, or the key's values in order.
        :param consistent: True sees every write before it, for twice the price; by default as
            ``consistent()`` says, or ``options()``.
        :param lookups: as for ``filter``; just the key reads by GetItem.
        :raises DoesNotExist: there is none; the model's own subclass of it.
        :raises MultipleObjectsReturned: there are several; the model's own subclass of it.
        """
        meta = options_of(self.model)
        by_key = bool(given) and not isinstance(given[0], Condition)
        if by_key or (not given and meta.is_key(lookups)):
            row, hidden = yield from self._by_key(given, lookups, consistent)
            if row is None:
                raise self._missing(given, lookups, hidden)
            return row
        asked = self.filter(*given, **lookups) if given or lookups else self
        if consistent is not None:
            asked = asked.consistent(consistent)
        rows = yield from asked._first_rows(2)
        if len(rows) == 1:
            return rows[0]
        said = repr(asked._question.condition)
        if rows:
            raise self.model.MultipleObjectsReturned(
                f"more than one {meta.name} matches {said}: say more of it, or take first()"
            )
        raise self.model.DoesNotExist(f"no {meta.name} matches {said}")

    get = blocking(_get)
    aget = awaiting(_get)

    def _get_or_none(
        self, /, *key: Any, consistent: bool | None = None, **named: Any
    ) -> Flow[R | None]:
        """Return the item with this key, or None.

        :param key: the hash key, and the range key where there is one; or both by name.
        :param consistent: True sees every write before it, for twice the price; by default as
            ``options()`` says.
        """
        return (yield from self._by_key(key, named, consistent))[0]

    get_or_none = blocking(_get_or_none)
    aget_or_none = awaiting(_get_or_none)

    def _by_key(
        self, key: tuple[Any, ...], named: Mapping[str, Any], consistent: bool | None
    ) -> Flow[tuple[R | None, StoredItem | None]]:
        """Return the item with this key, or None; then what is there and is not given, if anything."""
        meta, how = options_of(self.model), self._how
        wire = meta.key(key, named)
        if consistent is None:
            consistent = how.consistent
        if self._question is UNASKED and how.shape is None and how.start is None and not how.parts:
            table = self._link.table_name(meta.table_name)
            item = yield from GetItem(table, wire, consistently(consistent))
            if (there := filter_item(meta, item)) is None:
                return None, item
            row = loader(self.model, None, None, how.using)(there)
            yield from self._complete([row])
            return row, None
        names = [field.name for field in meta.keys]
        asked = self.filter(**(dict(zip(names, key, strict=True)) if key else named))
        if consistent is not None:
            asked = asked.consistent(consistent)
        rows = yield from asked._first_rows(1)
        return (rows[0] if rows else None), None

    def _missing(
        self, key: tuple[Any, ...], named: dict[str, Any], hidden: StoredItem | None
    ) -> Exception:
        said = ", ".join([*map(repr, key), *(f"{name}={each!r}" for name, each in named.items())])
        text, kind = f"{self.model.__name__} has no item with the key {said}", self.model._meta.kind
        if kind is not None and hidden is not None and not kind.holds(hidden):
            text += f": there is one of the kind {kind.hierarchy.kind_of(hidden)!r}"
        return self.model.DoesNotExist(text, missing=[key or named])

    def _count(self) -> Flow[int]:
        """Return how many rows there are; DynamoDB counts, but what it reads for that is paid for."""
        if self._kept is not None or self._how.parts:
            return len((yield from self._all_rows()))
        return (yield from self._reader(self._plan(replace(self._question, counting=True))).count())

    count = blocking(_count)
    acount = awaiting(_count)

    def _exists(self) -> Flow[bool]:
        """Return whether there is any row; no more of it than its key is read."""
        asked = self
        if self._kept is None and not self._how.parts:
            question = replace(self._question, wanted=(), along=(), full=False)
            asked = self._but(question, replace(self._how, shape=None, related=()))
        return bool((yield from asked._first_rows(1)))

    exists = blocking(_exists)
    aexists = awaiting(_exists)

    def _in_bulk(
        self,
        keys: Iterable[Any],
        *,
        consistent: bool | None = None,
        workers: int = 1,
        progress: ProgressOption = None,
    ) -> Flow[dict[Hashable, M]]:
        """Return a dict from keys to items; missing ones are not in it.

        The keys of the dict are those that instances have as ``primary_key``: values of the hash
        key, or pairs with the range key.

        :param keys: dicts of the key's fields, tuples of both keys, or values of the hash key.
        :param consistent: True sees every write before it, for twice the price; by default as
            ``consistent()`` says, or ``options()``.
        :param workers: how many requests may be under way at once.
        :param progress: called with how many are done and how many there are, or True for a bar.
        :raises BatchIncomplete: DynamoDB kept leaving some unread; ``unprocessed`` has their keys.
        """
        meta, how = options_of(self.model), self._how
        self._check_only_fields("in_bulk()")
        given = list(keys)
        table = self._link.table_name(meta.table_name)
        wanted = self._question.wanted
        held: frozenset[str] | None = None
        said: dict[str, Expressions] = {}
        if wanted is not None:
            along = [Path((name,)) for name in self._question.along]
            paths = dict.fromkeys([*wanted, *along, *(field._path() for field in meta.keys)])
            if meta.kind is not None:
                paths[meta.kind.path] = None
            if meta.item_filter is not None:
                paths.update(dict.fromkeys(meta.item_filter.paths))
            held = frozenset(str(path.parts[0]) for path in paths)
            said = {table: Expressions.of(projection=paths)}
        items = yield from read_items(
            [(table, meta.key_of(key)) for key in given],
            given,
            {table: key_reader(meta.schema.key)},
            consistent=how.consistent if consistent is None else consistent,
            workers=workers,
            progress=progress,
            said=said,
        )
        load = loader(self.model, None, held, how.using)
        found = [load(item) for item in filter_items(meta, items) if item is not None]
        return {instance.primary_key: instance for instance in found}

    in_bulk = blocking(_in_bulk)
    ain_bulk = awaiting(_in_bulk)

    def _check_only_fields(self, verb: str) -> None:
        """Refuse more than only(), defer(), consistent() and using(), as what reads by key."""
        question = replace(self._question, wanted=None, along=())
        how = replace(self._how, using=None, consistent=None, fetched=None)
        if question != Question() or how != How():
            raise QueryError(
                f"{self.model.__name__}: {verb} reads by key alone, and takes only(), defer(), "
                "consistent() and using() beside it: filter() with key__in=[...] asks more"
            )

    # -- what would be sent --------------------------------------------------------------------

    def operation(self) -> GetItem | BatchGetItem | Query | Scan:
        """Return the first request that iterating would send, a value that can be looked at."""
        operations = self._plan().operations
        if not operations:
            raise QueryError(f"{self.model.__name__}: nothing can match, so nothing is sent")
        return operations[0]

    def explain(self) -> Plan:
        """Return how this would be answered: it prints well, and nothing is sent."""
        return self._plan(explained=True)

    def _estimate(self) -> Flow[Estimate]:
        """Return what this would cost, as far as DescribeTable, which is asked, can tell."""
        plan = self._plan()
        return estimate(plan, (yield from DescribeTable(plan.table)))

    estimate = blocking(_estimate)
    aestimate = awaiting(_estimate)
