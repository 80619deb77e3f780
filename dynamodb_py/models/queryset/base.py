"""The state of a query set, and copies with another state."""

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
    """How a query set reads and makes its rows, beside the question that the planner answers."""

    using: str | None = None
    consistent: bool | None = None
    """None: as ``options()`` say at the request."""
    shape: Shape | None = None
    """The form of the rows; None: instances."""
    fetched: tuple[str, ...] | None = None
    """The fields that only() and defer() leave; None: everything."""
    max_requests: int | None = None
    rate: float | None = None
    progress: ProgressOption = None
    prefetch: bool = False
    start: str | Mapping[str, Wire] | None = None
    """The cursor or checkpoint, or the keys of an item, to go on from."""
    related: tuple[Any, ...] = ()
    """The relations to read along, as ``prefetch_related()`` takes them."""
    parts: tuple[Any, ...] = ()
    """Of a union: its query sets."""


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
    """None, or a function that makes it, as long as the shape and the values are enough."""
    _query_shape: QueryShape | None
    """The question without its values; None where a shortcut is of no use."""
    _result_cache: list[R] | None
    """The rows, after an iteration to the end."""
    _wires: Wires
    """The values that belong to the shape."""
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
            """Let ``QuerySet["GameScore"]`` stand for ``QuerySet[GameScore, GameScore]`` too."""
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
    """Return a query set like *queryset* with this state, and with nothing read."""
    new = object.__new__(type(queryset))
    new.model, new._read_options, new._result_cache = queryset.model, options, None
    new._known_question, new._query_shape, new._wires = question, shape, wires
    if type(queryset).__dictoffset__:  # a class of users', with attributes of its own
        new.__dict__.update(queryset.__dict__)
    return new


def shape_of(queryset: BaseQuerySet[Any, Any]) -> QueryShape | None:
    """Return the shape of the question, where it has one."""
    shape = queryset._query_shape
    is_new = shape is None and queryset._known_question is EMPTY_QUESTION
    if is_new and not queryset._read_options.parts:
        shape = queryset._query_shape = root_shape(options_of(queryset.model), DEFAULT_OPTIONS)
    return shape


def with_question(queryset: Q, **changes: Any) -> Q:
    """Return *queryset* with another question."""
    if queryset._read_options.parts:
        raise make_union_error(queryset, next(iter(changes)))
    return with_changes(queryset, changes)


def with_changes(queryset: Q, changes: dict[str, Any]) -> Q:
    """Like :func:`with_question`, for what unions take too."""
    shape = queryset._query_shape or shape_of(queryset)
    after = None if shape is None else shape.with_changes(changes)
    question = None
    if after is None or after.opaque:
        question = replace(queryset._question, **changes)
    return clone(queryset, question, queryset._read_options, after, queryset._wires)


def with_rows(queryset: Q, verb: str, names: tuple[Any, ...], make: Callable[[], Q]) -> Q:
    """Return what *make* makes of *queryset*, which is remembered: other rows of the same question."""
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
    """Return *queryset* with other options."""
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
    """Return the error for a *verb* that a union does not take."""
    return QueryError(
        f"{queryset.model.__name__}: a union takes limit() and slices, no {verb}: "
        "say that of each of its query sets, before union()"
    )


def check_single(queryset: BaseQuerySet[Any, Any], verb: str) -> None:
    """Refuse *verb* of a union."""
    if queryset._read_options.parts:
        raise QueryError(
            f"{queryset.model.__name__}: a union is several questions: {verb} is for each of its query "
            "sets"
        )
