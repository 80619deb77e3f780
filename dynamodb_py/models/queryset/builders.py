"""The methods of query sets that return another query set, and send nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, cast

from msgspec.structs import replace

from ...exceptions import QueryError
from ...expressions import And, Condition, Never, Path, Size
from ...expressions.conditions import join
from ...limits import MAX_SEGMENTS
from ...operations.base import Wire
from ...planning import Question
from ..fields.base import Field
from ..instance import options_of
from ..records.primary_key import NAME as PK
from .base import (
    EMPTY_QUESTION,
    BaseQuerySet,
    KnownQuestion,
    M,
    Q,
    R,
    ReadOptions,
    clone,
    limit_of,
    make_union_error,
    shape_of,
    with_changes,
    with_options,
    with_question,
    with_rows,
)
from .compiled_cache import QueryShape, Wires
from .lookup_resolution import make_condition, resolver_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from ...batching import ProgressOption
    from ...pacing import buckets
    from ..persistence import stored
    from . import projection
    from .prefetch import paths as prefetch_paths
    from .prefetch.wants import Selection
else:
    from ...lazy import buckets, prefetch_paths, projection, stored

_TEXT = frozenset({str})


class Builders(BaseQuerySet[M, R], Generic[M, R]):
    """The methods of query sets that return another query set."""

    __slots__ = ()

    def all(self) -> Self:
        """Return a copy of the query set without rows, which reads them again.

        >>> ann = Score.objects.filter(player="ann")
        >>> len(ann), len(ann.all())  # the copy sends its own request
        (2, 2)
        """
        question, shape = self._known_question, self._query_shape
        return clone(self, question, self._read_options, shape, self._wires)

    def none(self) -> Self:
        """Return an empty query set: it has no rows, and sends nothing.

        >>> list(Score.objects.none())
        []
        """
        return with_question(self, condition=Never(options_of(self.model).hash_key._path()))

    def filter(self, /, *conditions: Condition, **lookups: Any) -> Self:
        """Return the items that match all of these conditions, and those of earlier calls.

        >>> [each.game for each in Score.objects.filter(player="ann", points__gte=60)]
        [2]
        >>> [each.game for each in Score.objects.filter(Score.points < 60, player="ann")]
        [1]

        :param conditions: conditions of fields, such as ``Score.wins > 3``, or ``Q(wins__gt=3)``.
        :param lookups: values by field, or by field and lookup, such as ``wins__gt=3``.
        :raises TypeError: the model does not have a field, or an argument is not a condition.
        :raises QueryError: DynamoDB has no such lookup, or the query set has a limit.
        """
        if not conditions:
            return filter_by_lookups(self, lookups)
        return filter_by_conditions(self, conditions, lookups)

    def exclude(self, /, *conditions: Condition, **lookups: Any) -> Self:
        """Return the items that do not match all of these conditions together.

        >>> [each.game for each in Score.objects.filter(player="ann").exclude(points=50)]
        [2]

        :param conditions: as for :meth:`filter`, as are *lookups*.
        :raises TypeError: the model does not have a field, or an argument is not a condition.
        :raises QueryError: DynamoDB has no such lookup, or the query set has a limit.
        """
        check_not_sliced(self, "exclude()")
        return add_condition(self, ~join_conditions(self, conditions, lookups), "condition")

    def __and__(self, other: Self) -> Self:
        """Return the items that match both query sets."""
        _check_alike(self, other, "&")
        return add_condition(self, other._question.condition)

    def __or__(self, other: Self) -> Self:
        """Return the items that match at least one of both query sets."""
        _check_alike(self, other, "|")
        left, right = self._question.condition, other._question.condition
        if left.is_empty or right.is_never:
            return self.all()
        either = right if right.is_empty or left.is_never else left | right
        return set_condition(self, either)

    def union(self, *others: Self) -> Self:
        """Return the rows of this query set and then those of *others*, each item once.

        All query sets are of one model, and have rows of one kind. ``limit()`` and slices count the rows
        of all.

        >>> ann, bob = (Score.objects.filter(player=name) for name in ("ann", "bob"))
        >>> [(each.player, each.game) for each in ann.union(bob)]
        [('ann', 1), ('ann', 2), ('bob', 1)]
        """
        options = self._read_options
        for other in others:
            if other.model is not self.model:
                raise QueryError(
                    f"union: query sets of {self.model.__name__} and of {other.model.__name__} have "
                    "no rows in common: chain their rows in Python"
                )
            if (other._read_options.shape, other._read_options.using) != (
                options.shape,
                options.using,
            ):
                raise QueryError(
                    f"union: query sets of {self.model.__name__} with rows of two kinds, or from two "
                    "connections: use values() and using() alike on all, or chain their rows in Python"
                )
        related = dict.fromkeys(
            name for each in (self, *others) for name in each._read_options.related
        )
        parts = (self.all(), *others)
        options = ReadOptions(
            options.using, shape=options.shape, related=tuple(related), parts=parts
        )
        return clone(self, EMPTY_QUESTION, options)

    def only(self, *fields: str | Field[Any, Any]) -> Self:
        """Read only *fields*, the key and the version; other fields raise FieldNotLoaded.

        A later call replaces an earlier one.

        >>> [each.points for each in Score.objects.filter(player="ann").only("points")]
        [50, 80]

        :param fields: names of fields, or fields: ``"points"`` or ``Score.points``.
        :raises TypeError: the model does not have a field.
        :raises QueryError: no field is named, a name is of a place inside a document, or the rows are those of
            ``values()``.
        """
        if not fields:
            raise QueryError(f"{self.model.__name__}: only(): name at least one field")
        return with_rows(
            self,
            "only",
            fields,
            lambda: projection.fetch_fields(
                self, "only", projection.names_of(self, "only", fields)
            ),
        )

    def defer(self, *fields: str | Field[Any, Any] | None) -> Self:
        """Do not read *fields*, nor those of earlier calls; the key and the version are always read.

        ``defer(None)`` reads all fields again.

        >>> [each.game for each in Score.objects.filter(player="ann").defer("points")]
        [1, 2]

        :param fields: names of fields, or fields, as for :meth:`only`.
        :raises TypeError: the model does not have a field.
        :raises QueryError: a name is of a place inside a document, or the rows are those of ``values()``.
        """
        if len(fields) == 1 and fields[0] is None:
            return projection.fetch_all_fields(self)
        return with_rows(self, "defer", fields, lambda: projection.leave_fields(self, fields))

    def order_by(self, *names: str | Field[Any, Any]) -> Self:
        """Sort the rows by the fields *names*; a minus sorts in descending order, ``"-top_score"``.

        DynamoDB only sorts by the range key (sort key) of the table or of an index. Without arguments, the
        rows keep the order in which DynamoDB returns them. A later call replaces an earlier one.

        >>> [each.game for each in Score.objects.filter(player="ann").order_by("-game")]
        [2, 1]

        :param names: names of fields, or fields, which sort in ascending order.
        :raises TypeError: the model does not have a field.
        :raises QueryError: the query set has a limit, or a field is not stored in the order of its values. When
            the rows are read: DynamoDB has no such order.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
        """
        shape = self._query_shape
        check_not_sliced(self, "order_by()")
        if shape is None or shape.opaque or not _TEXT.issuperset(map(type, names)):
            order = chain.from_iterable(_order_of(self, name) for name in names)
            return with_question(self, order=tuple(order))
        after = shape.with_order(names, partial(_order_of, self))
        return clone(self, None, self._read_options, after, self._wires)

    def reverse(self) -> Self:
        """Reverse the order of the rows; a Scan, which has no order, raises QueryError.

        >>> Score.objects.filter(player="ann").reverse().first().game
        2
        """
        check_not_sliced(self, "reverse()")
        return with_question(self, backward=not self._question.backward)

    def limit(self, count: int | None) -> Self:
        """Return the first *count* rows that match, as the slice ``[:count]`` does; None for all rows.

        After it ``filter()``, ``exclude()``, ``order_by()``, ``reverse()``, ``index()``, ``full()``,
        ``scan()``, ``&`` and ``|`` raise QueryError: call them before it.

        >>> [each.game for each in Score.objects.filter(player="ann").limit(1)]
        [1]
        """
        return with_limit(self, count)

    def consistent(self, consistent: bool = True) -> Self:
        """Make strongly consistent reads, which see every earlier write, at twice the price.

        DynamoDB has no strongly consistent reads of global indexes: the planner takes the table or a local index.

        >>> Score.objects.filter(player="ann").consistent().operation().consistent
        True

        :param consistent: False makes eventually consistent reads, whatever the default of ``options()`` is.
        :raises QueryError: when the rows are read: this takes a global index.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
        """
        return with_options(self, consistent=consistent)

    def index(self, name: str) -> Self:
        """Read the rows from the index called *name*, instead of the planner's choice.

        >>> [each.player for each in Score.objects.index("by_game").filter(game=1)]
        ['ann', 'bob']
        """
        check_not_sliced(self, "index()")
        known = [index.name for index in options_of(self.model).schema.indexes]
        if name not in known:
            raise QueryError(
                f"{self.model.__name__} has no index {name!r}: its indexes are {', '.join(known) or 'none'}"
            )
        return with_question(self, index=name)

    def full(self) -> Self:
        """Read whole items, by BatchGetItem, if the index holds only some of their attributes.

        >>> [each.player for each in Score.objects.index("by_game").filter(game=1).full()]
        ['ann', 'bob']
        """
        if self._question.index is None:  # else the planner may choose another one
            check_not_sliced(self, "full()")
        return with_question(self, full=True)

    def using(self, alias: str) -> Self:
        """Read the rows over the connection called *alias*.

        >>> Score.objects.filter(player="ann").using("default").count()
        2
        """
        return with_options(self, using=alias)

    def page_size(self, count: int) -> Self:
        """Let each request read *count* items, before filters; by default as many as 1 MB holds.

        >>> len(list(Score.objects.filter(player="ann").page_size(1)))  # two requests, or three
        2
        """
        _check_count("page_size", count, 1, "a page has at least one item")
        return with_question(self, page_size=count)

    def max_requests(self, count: int) -> Self:
        """Send at most *count* requests; raise MaxRequestsReached if these do not read all rows.

        >>> len(list(Score.objects.filter(player="ann").max_requests(5)))
        2
        """
        _check_count("max_requests", count, 1, "at least one request is sent")
        return with_options(self, max_requests=count)

    def prefetch(self, prefetch: bool = True) -> Self:
        """Read the next page while the program works on the rows of the present page.

        >>> len(list(Score.objects.filter(player="ann").prefetch()))
        2

        :param prefetch: False, the default without this call, reads a page when its first row is needed.
        """
        return with_options(self, prefetch=prefetch)

    def prefetch_related(self, *paths: str | Selection | None) -> Self:
        """Also read the items that the rows refer to, a page of rows at a time, each item once.

        A reference takes one BatchGetItem for each hundred items that the page refers to. A reverse or
        many-to-many relation takes one Query for each row. References to missing items are logged as
        a warning.

        >>> from dynamodb_py import CharField, ForeignKey, Model, Table
        >>> class Author(Model):
        ...     id = CharField(hash_key=True)
        ...     name = CharField()
        >>> class Book(Model):
        ...     isbn = CharField(hash_key=True)
        ...     author = ForeignKey(Author)
        >>> tables = [Table(model).create() for model in (Author, Book)]
        >>> ann = Author.objects.create(id="ann", name="Ann")
        >>> created = Book.objects.bulk_create([Book(isbn=n, author=ann) for n in "123"])
        >>> books = Book.objects.all().prefetch_related("author")  # one Scan, one BatchGetItem
        >>> [book.author.name for book in books]
        ['Ann', 'Ann', 'Ann']

        :param paths: names of relations: ``"author"``, ``"lines__product"``, ``"author__publisher"``;
            or ``Prefetch(...)``, which reads a relation by a query set of yours. None alone removes the
            relations of earlier calls.
        :raises QueryError: a path names no relation; nothing was sent.
        """
        if paths == (None,):
            return _without_related(self)
        if self._read_options.shape is not None:
            raise projection.make_relations_error(self)
        related = tuple(dict.fromkeys((*self._read_options.related, *paths)))
        prefetch_paths.tree_of(self.model, cast("Any", related))
        options = replace(self._read_options, related=related)
        return clone(self, self._known_question, options, self._query_shape, self._wires)

    def after(self, place: str | M | tuple[Any, ...] | Mapping[str, Any]) -> Self:
        """Start behind *place*, in the order of this query set.

        >>> [each.game for each in Score.objects.filter(player="ann").after(("ann", 1))]
        [2]

        :param place: a cursor of the same query: the ``next_cursor`` of a page, or a checkpoint. Or an
            item that the query reads, even if a filter drops it: an instance with its stored keys, or,
            if the query reads no index, its key as a tuple or a dict. With an item, the query set must
            be one Query or one Scan.
        """
        return with_options(self, start=place if isinstance(place, str) else keys_of(self, place))

    def scan(
        self,
        segments: int = 1,
        *,
        rate: float | None = None,
        progress: ProgressOption = None,
        checkpoint: str | None = None,
    ) -> Self:
        """Allow a Scan: reading the whole table, or the whole index, at the price of all its items.

        >>> sorted(each.points for each in Score.objects.filter(points__gt=60).scan())
        [70, 80]

        :param segments: the number of segments of the table that are read in parallel, 1 to 1,000,000
            (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.ParallelScan);
            by default, 1.
        :param rate: the largest number of read units per second, over 0; by default, no limit.
        :param progress: called with the number of items read and the total; or True for a progress bar.
        :param checkpoint: the ``.checkpoint`` of an earlier iterator of the same scan, where this one starts.
        """
        check_not_sliced(self, "scan()")
        _check_count("scan", segments, 1, "a scan has at least one segment")
        if segments > MAX_SEGMENTS:
            raise QueryError(f"scan({segments}): DynamoDB takes at most {MAX_SEGMENTS} segments")
        if rate is not None:
            buckets.check_rate(rate)
        scan = with_question(self, scan=True, segments=segments)
        start = self._read_options.start if checkpoint is None else checkpoint
        return with_options(scan, rate=rate, progress=progress, start=start)


def _without_related(queryset: Q) -> Q:
    """Return *queryset* without related items; a union ignores those of its parts anyway."""
    options = replace(queryset._read_options, related=())
    return clone(
        queryset, queryset._known_question, options, queryset._query_shape, queryset._wires
    )


def filter_by_conditions(
    queryset: Q, conditions: tuple[Condition, ...], lookups: dict[str, Any]
) -> Q:
    """Return *queryset* with the items that also match *conditions* and *lookups*."""
    shape = queryset._query_shape or shape_of(queryset)
    if shape is not None and shape.limit is None and not shape.opaque:
        found = (
            shape.with_lookups(queryset._wires, lookups) if lookups else (shape, queryset._wires)
        )
        if found is not None:
            compared = found[0].with_comparisons(found[1], conditions)
            if compared is not None or lookups:
                queryset = clone(queryset, None, queryset._read_options, *(compared or found))
            if compared is not None:
                return queryset
            lookups = {}
    if len(conditions) == 1 and not lookups:
        joined = _add_joined_lookups(queryset, conditions[0])
        if joined is not None:
            return joined
    return add_condition(queryset, join_conditions(queryset, conditions, lookups))


def _add_joined_lookups(queryset: Q, condition: Condition) -> Q | None:
    """Return *queryset* with *condition* of lookups, to be bound later; None if it must be bound now."""
    shape, wires = queryset._query_shape, queryset._wires
    if shape is None or shape.limit is not None or queryset._known_question is not None:
        return None
    found = shape.with_joined_lookups(wires, condition)
    if found is None:
        return None
    question = partial(_add_lazily, shape, wires, condition)
    return clone(queryset, question, queryset._read_options, *found)


def filter_by_lookups(queryset: Q, lookups: dict[str, Any]) -> Q:
    """Return *queryset* with the items that also match *lookups*."""
    shape = queryset._query_shape or shape_of(queryset)
    found = None
    if shape is not None and shape.limit is None and not shape.opaque:
        found = shape.with_lookups(queryset._wires, lookups)
    if found is None:
        return add_condition(queryset, join_conditions(queryset, (), lookups))
    new = object.__new__(type(queryset))  # the code of clone(), without the call: it is quicker
    new.model, new._read_options = queryset.model, queryset._read_options
    new._result_cache = new._known_question = None
    new._query_shape, new._wires = found
    if type(queryset).__dictoffset__:
        new.__dict__.update(queryset.__dict__)
    return new


def add_condition(queryset: Q, condition: Condition, verb: str = "filter()") -> Q:
    """Return *queryset* with the items that also match *condition*; *verb* is for messages."""
    if queryset._read_options.parts:
        raise make_union_error(queryset, verb)
    if not condition.is_empty:
        check_not_sliced(queryset, verb)
    shape, wires = queryset._query_shape or shape_of(queryset), queryset._wires
    found = None if shape is None else shape.with_condition(condition)
    if shape is None or found is None:
        return clone(queryset, _add_term(queryset._question, condition), queryset._read_options)
    question: KnownQuestion
    if queryset._known_question is None:
        question = partial(_add_lazily, shape, wires, condition)
    else:  # a function would make the question by calling another function, and so on
        question = _add_term(queryset._question, condition)
    return clone(queryset, question, queryset._read_options, found[0], (*wires, *found[1]))


def _add_lazily(shape: QueryShape, wires: Wires, condition: Condition) -> Question:
    return _add_term(shape.question(wires), condition.bind(resolver_of(shape.meta)))


def _add_term(question: Question, condition: Condition) -> Question:
    """Return *question* with *condition* added to its condition."""
    before = question.condition
    return replace(question, condition=condition if before.is_empty else before & condition)


def set_condition(queryset: Q, condition: Condition) -> Q:
    """Return *queryset* with *condition* in place of its own."""
    question = replace(queryset._question, condition=condition)
    shape = queryset._query_shape or shape_of(queryset)
    found = None if shape is None else shape.with_condition_alone(condition)
    return clone(queryset, question, queryset._read_options, *(found or (None, ())))


def join_conditions(
    queryset: BaseQuerySet[Any, Any], conditions: Iterable[Condition], lookups: dict[str, Any]
) -> Condition:
    """Return the condition that all *conditions* and *lookups* hold."""
    meta = options_of(queryset.model)
    found = [make_condition(meta, lookups)] if lookups else []
    for each in conditions:
        if not isinstance(each, Condition):
            raise TypeError(
                f"{meta.name}: {each!r} is not a condition: write {meta.name}.field == value, "
                "or field=value"
            )
        found.append(each.bind(resolver_of(meta)))
    return found[0] if len(found) == 1 else join(And, *found)


def _check_alike(queryset: BaseQuerySet[Any, Any], other: object, operator: str) -> None:
    if not isinstance(other, BaseQuerySet):
        raise TypeError(f"{operator} joins query sets, and {other!r} is not one")
    right = cast("BaseQuerySet[Any, Any]", other)
    if right.model is not queryset.model:
        raise QueryError(
            f"{operator} joins query sets of one model, not of {queryset.model.__name__} and "
            f"{right.model.__name__}"
        )
    if queryset._read_options.parts or right._read_options.parts:
        raise make_union_error(queryset, operator)
    same = replace(right._question, condition=queryset._question.condition)
    if same != queryset._question or right._read_options != queryset._read_options:
        raise QueryError(
            f"{operator} joins the conditions of query sets that are alike in all else: order, "
            "limit, index, rows and options: set those on the result"
        )
    check_not_sliced(queryset, operator)


def check_not_sliced(queryset: BaseQuerySet[Any, Any], verb: str) -> None:
    """Raise QueryError for *verb* after a limit: DynamoDB would apply it first, and change the first rows."""
    if limit_of(queryset) is not None and not queryset._read_options.parts:
        raise QueryError(
            f"{queryset.model.__name__}: {verb} after limit() or a slice would change which rows are "
            f"the first: use {verb} before it"
        )


def _order_of(
    queryset: BaseQuerySet[Any, Any], name: str | Field[Any, Any]
) -> list[tuple[str, bool]]:
    """Return the attributes that *name* sorts by, each with True for descending order."""
    text: object = name.name if isinstance(name, Field) else name
    if not isinstance(text, str):
        raise QueryError(
            f"{queryset.model.__name__}: order_by({text!r}): it takes names of fields, one by one: "
            "order_by('-score')"
        )
    meta, plain = options_of(queryset.model), text.removeprefix("-")
    is_pk = plain == PK and meta.primary_key is not None
    fields = meta.keys if is_pk else (meta.get_field(plain),)
    for field in fields:
        if problem := field.find_order_problem():
            raise QueryError(f"{field.label}: order_by({text!r}): {problem}")
    return [(field.attribute, text.startswith("-")) for field in fields]


def slice_rows(queryset: Q, wanted: slice) -> Q:
    """Return *queryset* with a limit for the slice ``[:n]``; raise QueryError for other slices."""
    start, stop, step = wanted.start, wanted.stop, wanted.step
    shape = queryset._query_shape
    is_first = start is None and step is None and type(stop) is int and stop >= 0
    if is_first and shape is not None and not shape.opaque:  # the usual case, with fewer calls
        after = shape.with_limit(stop)
        return clone(queryset, None, queryset._read_options, after, queryset._wires)
    if any(each is not None and type(each) is not int for each in (start, stop, step)):
        raise QueryError(
            f"{queryset.model.__name__}: [{start}:{stop}:{step}]: the bounds of a slice are ints"
        )
    if start or step not in (None, 1) or (stop is not None and stop < 0):
        text = ":".join("" if each is None else str(each) for each in (start, stop))
        raise make_offset_error(queryset, text if step is None else f"{text}:{step}")
    return with_limit(queryset, limit_of(queryset) if stop is None else stop)


def with_limit(queryset: Q, count: int | None) -> Q:
    """Return *queryset* with a limit of *count* rows, unless its own limit is lower."""
    if count is not None and (type(count) is not int or count < 0):
        _check_count("limit", count, 0, "a limit is 0 or more")
    before = limit_of(queryset)
    if count is not None and before is not None:
        count = min(count, before)
    return with_changes(queryset, {"limit": count})


def make_offset_error(queryset: BaseQuerySet[Any, Any], wanted: object) -> QueryError:
    """Return the error for a slice that does not begin at the first row."""
    return QueryError(
        f"{queryset.model.__name__}: [{wanted}]: DynamoDB reads from the start and cannot skip: "
        "[:n] is a limit, [0] the first, page(cursor=...) continues where a page ended, "
        "and reverse() starts from the end"
    )


def _check_count(verb: str, count: object, least: int, text: str) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or count < least:
        whole = isinstance(count, int) and not isinstance(count, bool)
        raise QueryError(f"{verb}({count!r}): {text if whole else 'it takes an int'}")


def keys_of(queryset: BaseQuerySet[Any, Any], item: Any) -> dict[str, Wire]:
    """Return the attributes of *item*, an instance or a key, that are keys of the table or an index."""
    meta = options_of(queryset.model)
    if isinstance(item, meta.model):
        wires = stored.stored_wires(item)
        names = {key.name for key in meta.schema.all_keys()}
        return {**{name: wires[name] for name in names & wires.keys()}, **meta.key_of(item)}
    if not isinstance(item, (tuple, Mapping)):
        raise QueryError(
            f"{meta.name}: after({item!r}): it takes a cursor, a {meta.name}, or the key of one as a tuple "
            "or a dict"
        )
    return meta.key_of(item)


def without_fields(question: Question) -> Question:
    """Return *question* with paths that have no fields, as fields cannot be pickled."""
    return replace(question, condition=_without_fields(question.condition))


def _without_fields(node: Any) -> Any:
    if isinstance(node, Path):
        return Path(node.parts, label=node.label)
    if isinstance(node, tuple):
        return tuple(_without_fields(each) for each in cast("tuple[Any, ...]", node))
    if isinstance(node, (Condition, Size)):
        return type(node)(
            *[_without_fields(getattr(node, name)) for name in node.__struct_fields__]
        )
    return node
