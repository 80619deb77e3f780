"""The state of a query set, and functions that copy a query set with another state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ...connections import Connection, ambient_alias, connection_for
from ...exceptions import QueryError
from ...operations.base import Wire
from ...planning import Question
from ..instance import Instance, options_of
from ..records.rows import Shape
from ..reserved_names import QUERYSET, refuse_reserved
from ..visibility import Scope
from .compiled_cache import QueryShape, Wires, root_shape

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from ...batching import ProgressOption

    M = TypeVar("M", bound=Instance)
    R = TypeVar("R", default=M)
else:
    from typing import TypeVar

    M = TypeVar("M")
    R = TypeVar("R")

Q = TypeVar("Q", bound="BaseQuerySet[Any, Any]")
KnownQuestion: TypeAlias = "Question | Callable[[], Question] | None"


class ReadOptions(Struct, frozen=True):
    """The options of reading and loading rows, beside the question that the planner answers."""

    using: str | None = None
    consistent: bool | None = None
    """None: the default of ``options()`` when a request is sent."""
    shape: Shape | None = None
    """The form of the rows; None for instances."""
    fetched: tuple[str, ...] | None = None
    """The names of the fields to read, of only() and defer(); None for all."""
    max_requests: int | None = None
    rate: float | None = None
    progress: ProgressOption = None
    prefetch: bool = False
    start: str | Mapping[str, Wire] | None = None
    """The cursor or checkpoint where reading starts, or the keys of the item before that place."""
    related: tuple[Any, ...] = ()
    """The relations to read too: the arguments of ``prefetch_related()``."""
    parts: tuple[Any, ...] = ()
    """The query sets of a union; () for others."""


_TEXT = frozenset({str})

EMPTY_QUESTION = Question()
DEFAULT_OPTIONS = ReadOptions()


class BaseQuerySet(Generic[M, R]):
    """The state of a query set."""

    __slots__ = (
        "_known_question",
        "_query_shape",
        "_read_options",
        "_result_cache",
        "_wires",
        "model",
    )

    _known_question: KnownQuestion
    """The question; None, or a function that makes it, until the shape and the values are not enough."""
    _query_shape: QueryShape | None
    """The shape of the question, without its values; None if it has none."""
    _result_cache: list[R] | None
    """The rows, after an iteration to the end."""
    _wires: Wires
    """The attribute values that the shape lacks."""
    _scope: Scope | None = None
    """The items that query sets of this class leave out."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_reserved(cls, BaseQuerySet, QUERYSET)

    def __init__(self, model: type[M], using: str | None = None) -> None:
        self.model = model
        using = ambient_alias() if using is None else using
        self._read_options = DEFAULT_OPTIONS if using is None else ReadOptions(using)
        self._known_question, self._result_cache = EMPTY_QUESTION, None
        self._query_shape, self._wires = None, ()

    if not TYPE_CHECKING:

        def __class_getitem__(cls, _: Any) -> type:
            """Accept ``QuerySet["GameScore"]``, which means ``QuerySet[GameScore, GameScore]``."""
            return cls

    @property
    def _alias(self) -> str | None:
        return self._read_options.using

    @property
    def _link(self) -> Connection:
        shape = self._query_shape
        meta = options_of(self.model) if shape is None else shape.meta
        return connection_for(self._read_options.using, meta.using)

    @property
    def _question(self) -> Question:
        known = self._known_question
        if not isinstance(known, Question):
            shape: Any = self._query_shape
            known = shape.question(self._wires) if known is None else known()
            self._known_question = known
        return known


def clone(
    queryset: Q,
    question: KnownQuestion,
    options: ReadOptions,
    shape: QueryShape | None = None,
    wires: Wires = (),
) -> Q:
    """Return a copy of *queryset* with this state, and without rows."""
    new = object.__new__(type(queryset))
    new.model, new._read_options, new._result_cache = queryset.model, options, None
    new._known_question, new._query_shape, new._wires = question, shape, wires
    if type(queryset).__dictoffset__:  # a user's subclass, with attributes of its own
        new.__dict__.update(queryset.__dict__)
    return new


def shape_of(queryset: BaseQuerySet[Any, Any]) -> QueryShape | None:
    """Return the shape of the question; None if it has none."""
    shape = queryset._query_shape
    is_new = shape is None and queryset._known_question is EMPTY_QUESTION
    if is_new and not queryset._read_options.parts:
        shape = queryset._query_shape = root_shape(options_of(queryset.model), DEFAULT_OPTIONS)
    return shape


def with_question(queryset: Q, **changes: Any) -> Q:
    """Return *queryset* with *changes* of its question; raise QueryError for a union."""
    if queryset._read_options.parts:
        raise make_union_error(queryset, next(iter(changes)))
    return with_changes(queryset, changes)


def with_changes(queryset: Q, changes: dict[str, Any]) -> Q:
    """Like :func:`with_question`, for changes that unions accept too."""
    shape = queryset._query_shape or shape_of(queryset)
    after = None if shape is None else shape.with_changes(changes)
    question = None
    if after is None or after.opaque:
        question = replace(queryset._question, **changes)
    return clone(queryset, question, queryset._read_options, after, queryset._wires)


def with_rows(queryset: Q, verb: str, names: tuple[Any, ...], make: Callable[[], Q]) -> Q:
    """Return *queryset* with other rows: call *make*, or repeat its earlier result from the shape.

    :param verb: the kind of rows, which with *names* identifies the result.
    """
    shape = queryset._query_shape or shape_of(queryset)
    is_known = shape is not None and queryset._read_options is shape.options
    if shape is None or not is_known or not _TEXT.issuperset(map(type, names)):
        return make()
    step = ("rows", verb, names)
    after = shape.follow(step)
    if after is None:
        made = make()
        wanted, along = made._question.wanted, made._question.along
        after = shape.with_rows(step, made._read_options, {"wanted": wanted, "along": along})
    question = after.change(queryset._question) if after.opaque else None
    return clone(queryset, question, after.options, after, queryset._wires)


def with_options(queryset: Q, **changes: Any) -> Q:
    """Return *queryset* with *changes* of its read options; raise QueryError for a union."""
    if queryset._read_options.parts:
        raise make_union_error(queryset, next(iter(changes)))
    options = replace(queryset._read_options, **changes)
    question, shape = queryset._known_question, queryset._query_shape
    return clone(queryset, question, options, shape, queryset._wires)


def limit_of(queryset: BaseQuerySet[Any, Any]) -> int | None:
    """Return the largest number of rows; None if there is no limit."""
    shape = queryset._query_shape
    return queryset._question.limit if shape is None else shape.limit


def make_union_error(queryset: BaseQuerySet[Any, Any], verb: str) -> QueryError:
    """Return the error for a *verb* that a union does not accept."""
    return QueryError(
        f"{queryset.model.__name__}: a union takes limit() and slices, but no {verb}: "
        "use that on each of its query sets, before union()"
    )


def check_single(queryset: BaseQuerySet[Any, Any], verb: str) -> None:
    """Raise QueryError if *queryset* is a union, which *verb* does not accept."""
    if queryset._read_options.parts:
        raise QueryError(
            f"{queryset.model.__name__}: a union reads several query sets: use {verb} on each of them"
        )
