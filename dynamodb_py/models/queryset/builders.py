"""The methods of query sets that return another query set, and send nothing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, cast

from msgspec.structs import replace

from ...batching import ProgressOption
from ...exceptions import QueryError
from ...expressions import And, Condition, Never, Path, Size
from ...expressions.conditions import join
from ...planning import Question
from ..fields.base import Field
from ..instance import options_of
from .base import (
    EMPTY_QUESTION,
    BaseQuerySet,
    M,
    Q,
    R,
    ReadOptions,
    clone,
    limit_of,
    shape_of,
    union_error,
    with_changes,
    with_options,
    with_question,
)
from .lookup_resolution import conditions as conditions_of
from .prefetch import tree_of
from .projection import fetch_fields, names_of, no_relations

if TYPE_CHECKING:
    from typing_extensions import Self

_TEXT = frozenset({str})

MAX_SEGMENTS = 1_000_000
"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html"""


class Builders(BaseQuerySet[M, R], Generic[M, R]):
    """The methods of query sets that return another one."""

    __slots__ = ()

    # -- which ---------------------------------------------------------------------------------

    def all(self) -> Self:
        """Return the same query set again, with nothing read."""
        question, shape = self._known_question, self._query_shape
        return clone(self, question, self._read_options, shape, self._wires)

    def none(self) -> Self:
        """Return the query set without rows, which sends nothing."""
        return with_question(self, condition=Never(options_of(self.model).hash_key._path()))

    def filter(self, /, *conditions: Condition, **lookups: Any) -> Self:
        """Return those that match all of these, and all before: ``filter(Score.wins > 3, title="a")``."""
        if not conditions:
            return filter_by_lookups(self, lookups)
        return filter_by_conditions(self, conditions, lookups)

    def exclude(self, /, *conditions: Condition, **lookups: Any) -> Self:
        """Return those that do not match all of these together."""
        return with_question(
            self, condition=self._question.condition & ~join_conditions(self, conditions, lookups)
        )

    def __and__(self, other: Self) -> Self:
        """Return those that both have."""
        _check_alike(self, other, "&")
        return with_question(self, condition=self._question.condition & other._question.condition)

    def __or__(self, other: Self) -> Self:
        """Return those that one of both has, or both."""
        _check_alike(self, other, "|")
        mine, theirs = self._question.condition, other._question.condition
        if mine.is_empty or theirs.is_never:
            return self.all()
        return with_question(
            self, condition=theirs if theirs.is_empty or mine.is_never else mine | theirs
        )

    def union(self, *others: Self) -> Self:
        """Return all rows of these query sets, one after the other, each item once.

        They are of one model and have rows of one kind; ``limit()`` and slices count all of them.
        """
        for other in others:
            if other.model is not self.model:
                raise QueryError(
                    f"union: query sets of {self.model.__name__} and of {other.model.__name__} have "
                    "no rows in common: chain what they give, in Python"
                )
            if (other._read_options.shape, other._read_options.using) != (
                self._read_options.shape,
                self._read_options.using,
            ):
                raise QueryError(
                    f"union: query sets of {self.model.__name__} with rows of two kinds, or from two "
                    "connections: say values() and using() alike, or chain what they give, in Python"
                )
        related = dict.fromkeys(
            name for each in (self, *others) for name in each._read_options.related
        )
        options = ReadOptions(
            self._read_options.using,
            shape=self._read_options.shape,
            related=tuple(related),
            parts=(self.all(), *others),
        )
        return clone(self, EMPTY_QUESTION, options)

    def only(self, *fields: str | Field[Any, Any]) -> Self:
        """Read just these fields, the key and the version; others raise FieldNotLoaded of instances."""
        if not fields:
            raise QueryError(f"{self.model.__name__}: only(): name at least one field")
        return fetch_fields(self, "only", names_of(self, "only", fields))

    def defer(self, *fields: str | Field[Any, Any]) -> Self:
        """Leave these fields unread, beside what was left out before; key and version are read."""
        left = names_of(self, "defer", fields)
        names = self._read_options.fetched or tuple(options_of(self.model).field_set.by_name)
        return fetch_fields(self, "defer", tuple(name for name in names if name not in left))

    # -- in which order, and how many ----------------------------------------------------------

    def order_by(self, *names: str | Field[Any, Any]) -> Self:
        """Return them in the order of these fields, ``"-top_score"`` descending; of none, as they come.

        DynamoDB sorts by the range key of the table or of an index, and by nothing else.
        """
        shape = self._query_shape
        if shape is None or shape.opaque or not _TEXT.issuperset(map(type, names)):
            return with_question(self, order=tuple(_order_of(self, name) for name in names))
        after = shape.ordered(names, partial(_order_of, self))
        return clone(self, None, self._read_options, after, self._wires)

    def reverse(self) -> Self:
        """Return them in the opposite order; a scan, which has no order, refuses."""
        return with_question(self, backward=not self._question.backward)

    def limit(self, count: int | None) -> Self:
        """Return the first *count* of them, counted after filters; None: all of them."""
        return with_limit(self, count)

    # -- how it is read ------------------------------------------------------------------------

    def consistent(self, consistent: bool = True) -> Self:
        """Return them as read consistently: every write before is seen, for twice the price."""
        return with_options(self, consistent=consistent)

    def index(self, name: str) -> Self:
        """Return them as read through the index called *name*, whichever the planner would take."""
        known = [index.name for index in options_of(self.model).schema.indexes]
        if name not in known:
            raise QueryError(
                f"{self.model.__name__} has no index {name!r}: it has {', '.join(known) or 'none'}"
            )
        return with_question(self, index=name)

    def full(self) -> Self:
        """Complete items of an index that does not hold all of them, by BatchGetItem."""
        return with_question(self, full=True)

    def using(self, alias: str) -> Self:
        """Return them as read over the connection called *alias*."""
        return with_options(self, using=alias)

    def page_size(self, count: int) -> Self:
        """Read *count* items to a request, before filters; by default what DynamoDB puts in 1 MB."""
        _check_count("page_size", count, 1, "a page has at least one item")
        return with_question(self, page_size=count)

    def max_requests(self, count: int) -> Self:
        """Send at most *count* requests; what they did not reach raises MaxRequestsReached."""
        _check_count("max_requests", count, 1, "at least one request is sent")
        return with_options(self, max_requests=count)

    def prefetch(self, prefetch: bool = True) -> Self:
        """Read one page ahead while the rows of the one before are worked on."""
        return with_options(self, prefetch=prefetch)

    def prefetch_related(self, *paths: str) -> Self:
        """Return them with what they refer to: read a page at a time, each item once.

        A reference takes a BatchGetItem for each hundred items, whatever the number of rows; what leads
        back, and what is between many and many, a Query for each row. References to items that are
        not there are in the log, as a warning.

        :param paths: names of relations: ``"author"``, ``"lines__product"``, ``"author__publisher"``.
        :raises QueryError: one names no relation; nothing was sent.
        """
        if self._read_options.shape is not None:
            raise no_relations(self)
        tree_of(self.model, paths)
        related = tuple(dict.fromkeys((*self._read_options.related, *paths)))
        options = replace(self._read_options, related=related)
        return clone(self, self._known_question, options, self._query_shape, self._wires)

    def after(self, cursor: str) -> Self:
        """Go on behind *cursor*: a ``next_cursor`` of a page, or a checkpoint, of the same query."""
        return with_options(self, start=cursor)

    def scan(
        self,
        segments: int = 1,
        *,
        rate: float | None = None,
        progress: ProgressOption = None,
        checkpoint: str | None = None,
    ) -> Self:
        """Allow to read the whole table, or the whole index, and pay for all that is in it.

        :param segments: into how many parts to divide it, which are read side by side.
        :param rate: how many read units to consume per second at most.
        :param progress: called with how many items were read, or True for a bar.
        :param checkpoint: where an earlier iterator of the same scan stood, its ``.checkpoint``.
        """
        _check_count("scan", segments, 1, "a scan has at least one segment")
        if segments > MAX_SEGMENTS:
            raise QueryError(f"scan({segments}): DynamoDB takes at most {MAX_SEGMENTS} segments")
        if rate is not None and not rate > 0:
            raise QueryError(f"scan(rate={rate}): the read units per second are more than 0")
        scan = with_question(self, scan=True, segments=segments)
        start = self._read_options.start if checkpoint is None else checkpoint
        return with_options(scan, rate=rate, progress=progress, start=start)


def filter_by_conditions(
    queryset: Q, conditions: tuple[Condition, ...], lookups: dict[str, Any]
) -> Q:
    """Return those for which *conditions* and *lookups* hold too."""
    shape = queryset._query_shape or shape_of(queryset)
    if shape is not None and not shape.opaque:  # a shape compares fields with values
        found = shape.filtered(queryset._wires, lookups) if lookups else (shape, queryset._wires)
        if found is not None:
            found = found[0].compared(found[1], conditions)
        if found is not None:
            return clone(queryset, None, queryset._read_options, *found)
    return and_condition(queryset, join_conditions(queryset, conditions, lookups))


def filter_by_lookups(queryset: Q, lookups: dict[str, Any]) -> Q:
    """Return those that match *lookups* too."""
    shape = queryset._query_shape or shape_of(queryset)
    found = None
    if shape is not None and not shape.opaque:
        found = shape.filtered(queryset._wires, lookups)
    if found is None:
        return and_condition(queryset, join_conditions(queryset, (), lookups))
    new = object.__new__(type(queryset))  # as clone() does, but for the call
    new.model, new._read_options = queryset.model, queryset._read_options
    new._result_cache = new._known_question = None
    new._query_shape, new._wires = found
    if type(queryset).__dictoffset__:
        new.__dict__.update(queryset.__dict__)
    return new


def and_condition(queryset: Q, condition: Condition) -> Q:
    """Return those for which *condition* holds too."""
    if queryset._read_options.parts:
        raise union_error(queryset, "filter()")
    question, shape = queryset._question, queryset._query_shape or shape_of(queryset)
    before = question.condition
    question = replace(question, condition=condition if before.is_empty else before & condition)
    found = None if shape is None else shape.having(condition)
    if found is None:
        return clone(queryset, question, queryset._read_options)
    wires = (*queryset._wires, *found[1])
    return clone(queryset, question, queryset._read_options, found[0], wires)


def join_conditions(
    queryset: BaseQuerySet[Any, Any], conditions: Iterable[Condition], lookups: dict[str, Any]
) -> Condition:
    """Return the condition that all of these hold."""
    meta = options_of(queryset.model)
    found = [conditions_of(meta, lookups)] if lookups else []
    for each in conditions:
        if not isinstance(each, Condition):
            raise TypeError(
                f"{meta.name}: {each!r} is no condition: write {meta.name}.field == value, "
                "or field=value"
            )
        found.append(each.bind(meta.resolve))
    return found[0] if len(found) == 1 else join(And, *found)


def _check_alike(queryset: BaseQuerySet[Any, Any], other: object, operator: str) -> None:
    if not isinstance(other, BaseQuerySet):
        raise TypeError(f"{operator} joins query sets, and {other!r} is none")
    theirs = cast("BaseQuerySet[Any, Any]", other)
    if theirs.model is not queryset.model:
        raise QueryError(
            f"{operator} joins query sets of one model, not of {queryset.model.__name__} and "
            f"{theirs.model.__name__}"
        )
    if queryset._read_options.parts or theirs._read_options.parts:
        raise union_error(queryset, operator)
    same = replace(theirs._question, condition=queryset._question.condition)
    if same != queryset._question or theirs._read_options != queryset._read_options:
        raise QueryError(
            f"{operator} joins the conditions of query sets that are alike in all else: order, "
            "limit, index, rows and options; say those of what comes of it"
        )


def _order_of(queryset: BaseQuerySet[Any, Any], name: str | Field[Any, Any]) -> tuple[str, bool]:
    text = name.name if isinstance(name, Field) else name
    field = options_of(queryset.model).get_field(text.removeprefix("-"))
    return field.attribute, text.startswith("-")


def slice_rows(queryset: Q, wanted: slice) -> Q:
    """Return the first of the rows, as ``[:n]`` asks for them."""
    start, stop, step = wanted.start, wanted.stop, wanted.step
    if start or step not in (None, 1) or (stop is not None and stop < 0):
        text = ":".join("" if each is None else str(each) for each in (start, stop))
        raise no_offset(queryset, text if step is None else f"{text}:{step}")
    before = limit_of(queryset)
    if before is not None:
        stop = before if stop is None else min(stop, before)
    return with_limit(queryset, stop)


def with_limit(queryset: Q, count: int | None) -> Q:
    """Return the first *count* of the rows."""
    if count is not None and (type(count) is not int or count < 0):
        _check_count("limit", count, 0, "a limit is 0 or more")
    return with_changes(queryset, {"limit": count})


def no_offset(queryset: BaseQuerySet[Any, Any], wanted: object) -> QueryError:
    """Return the error for rows that are not the first ones."""
    return QueryError(
        f"{queryset.model.__name__}: [{wanted}]: DynamoDB reads from the start and cannot skip: "
        "[:n] is a limit, [0] the first, page(cursor=...) goes on where a page ended, "
        "and reverse() starts from the end"
    )


def _check_count(verb: str, count: object, least: int, text: str) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or count < least:
        raise QueryError(f"{verb}({count!r}): {text}")


def portable(question: Question) -> Question:
    """Return *question* with bare paths: what spells values at them, fields, does not pickle."""
    return replace(question, condition=_bare(question.condition))


def _bare(node: Any) -> Any:
    if isinstance(node, Path):
        return Path(node.parts, label=node.label)
    if isinstance(node, tuple):
        return tuple(_bare(each) for each in cast("tuple[Any, ...]", node))
    if isinstance(node, (Condition, Size)):
        return type(node)(*[_bare(getattr(node, name)) for name in node.__struct_fields__])
    return node
