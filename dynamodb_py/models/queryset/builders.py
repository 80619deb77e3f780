"""What a query set asks, and how: every method returns a new query set, and sends nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, cast

from msgspec import Struct
from msgspec.structs import replace

from ...batching import ProgressOption
from ...connections import Connection, get_connection
from ...exceptions import QueryError
from ...expressions import And, Condition, Never, Path, Size
from ...expressions.conditions import join
from ...planning import Question
from ..fields.base import Field
from ..instance import options_of
from ..records.rows import Shape
from .compiled_cache import Sketch, Wires, sketch_of
from .lookup_resolution import conditions as looked_up
from .prefetch import tree_of

if TYPE_CHECKING:
    from typing_extensions import Self, TypeVar

    from ..model import Model

    M = TypeVar("M", bound="Model")
    R = TypeVar("R", default=M)
else:
    from typing import TypeVar

    M = TypeVar("M")
    R = TypeVar("R")

MAX_SEGMENTS = 1_000_000
"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html"""


class How(Struct, frozen=True):
    """How a query set reads and what it gives, beside the question that the planner answers."""

    using: str | None = None
    consistent: bool | None = None
    """None: as ``options()`` say when it is sent."""
    shape: Shape | None = None
    """What the rows are; None: instances."""
    fetched: tuple[str, ...] | None = None
    """The fields that only() and defer() leave; None: everything."""
    max_requests: int | None = None
    rate: float | None = None
    progress: ProgressOption = None
    prefetch: bool = False
    start: str | None = None
    """The cursor or checkpoint to go on from."""
    related: tuple[str, ...] = ()
    """The relations to read along, as ``prefetch_related()`` takes them."""
    parts: tuple[Any, ...] = ()
    """Of a union: the query sets that it has the rows of."""


UNASKED = Question()
PLAINLY = How()


class Builders(Generic[M, R]):
    """What a query set knows, and the methods that make another one of it."""

    __slots__ = ("_how", "_kept", "_said", "_sketch", "_wires", "model")

    _kept: list[R] | None
    """The rows, once they were iterated to the end."""
    _said: Question | None
    """The question; None as long as nobody needs more of it than the sketch and its values."""
    _sketch: Sketch | None
    """What it has in common with others of its shape; None where that is of no use."""
    _wires: Wires
    """The values that the sketch is without."""

    def __init__(self, model: type[M], using: str | None = None) -> None:
        self.model = model
        self._how = PLAINLY if using is None else How(using)
        self._said, self._sketch, self._wires, self._kept = UNASKED, None, (), None

    if not TYPE_CHECKING:

        def __class_getitem__(cls, _: Any) -> type:
            """Let ``QuerySet["GameScore"]`` stand for ``QuerySet[GameScore, GameScore]`` too."""
            return cls

    @property
    def _link(self) -> Connection:
        sketch = self._sketch
        meta = options_of(self.model) if sketch is None else sketch.meta
        return get_connection(self._how.using or meta.using)

    @property
    def _question(self) -> Question:
        """What is asked."""
        said = self._said
        if said is None:
            sketch: Any = self._sketch
            said = self._said = sketch.question(self._wires)
        return said

    def _but(self, question: Question, how: How) -> Self:
        return self._another(question, how, None, ())

    def _another(
        self, question: Question | None, how: How, sketch: Sketch | None, wires: Wires
    ) -> Self:
        new = object.__new__(type(self))
        new.model, new._how, new._kept = self.model, how, None
        new._said, new._sketch, new._wires = question, sketch, wires
        if type(self).__dictoffset__:  # a class of users', whose own attributes go along
            new.__dict__.update(self.__dict__)
        return new

    def _sketched(self) -> Sketch | None:
        """Return the sketch of the question, where it has one."""
        if self._sketch is None and self._said is UNASKED and not self._how.parts:
            self._sketch = sketch_of(options_of(self.model))
        return self._sketch

    def _asking(self, **changes: Any) -> Self:
        """Return this query set with another question."""
        if self._how.parts:
            raise self._united(next(iter(changes)))
        return self._with(changes)

    def _with(self, changes: dict[str, Any]) -> Self:
        sketch = self._sketch or self._sketched()
        after = None if sketch is None else sketch.changed(changes)
        question = None
        if after is None or after.opaque:
            question = replace(self._question, **changes)
        return self._another(question, self._how, after, self._wires)

    def _going(self, **changes: Any) -> Self:
        """Return this query set, read otherwise."""
        if self._how.parts:
            raise self._united(next(iter(changes)))
        how = replace(self._how, **changes)
        return self._another(self._said, how, self._sketch, self._wires)

    def _united(self, what: str) -> QueryError:
        return QueryError(
            f"{self.model.__name__}: a union takes limit() and slices, no {what}: "
            "say that of each of its query sets, before union()"
        )

    # -- which ---------------------------------------------------------------------------------

    def all(self) -> Self:
        """Return the same query set again, with nothing read."""
        return self._another(self._said, self._how, self._sketch, self._wires)

    def none(self) -> Self:
        """Return the query set without rows, which sends nothing."""
        return self._asking(condition=Never(options_of(self.model).hash_key._path()))

    def filter(self, /, *conditions: Condition, **lookups: Any) -> Self:
        """Return those that match all of these, and all before: ``filter(Score.wins > 3, title="a")``."""
        if not conditions:
            return self._having(lookups)
        compared = self._comparing(conditions, lookups)
        if compared is not None:  # not its truth, for which it would be read
            return compared
        return self._also(self._joined(conditions, lookups))

    def _comparing(self, conditions: tuple[Condition, ...], lookups: dict[str, Any]) -> Self | None:
        """Return those for which *conditions* hold too, where they compare fields with values."""
        sketch = self._sketch or self._sketched()
        if sketch is None or sketch.opaque:
            return None
        found = sketch.filtered(self._wires, lookups) if lookups else (sketch, self._wires)
        if found is not None:
            found = found[0].compared(found[1], conditions)
        return None if found is None else self._another(None, self._how, *found)

    def _having(self, lookups: dict[str, Any]) -> Self:
        """Return those that match *lookups* too."""
        sketch = self._sketch or self._sketched()
        found = None
        if sketch is not None and not sketch.opaque:
            found = sketch.filtered(self._wires, lookups)
        if found is None:
            return self._also(self._joined((), lookups))
        new = object.__new__(type(self))  # as _another() does, but for the call
        new.model, new._how, new._kept = self.model, self._how, None
        new._said, (new._sketch, new._wires) = None, found
        if type(self).__dictoffset__:
            new.__dict__.update(self.__dict__)
        return new

    def _also(self, said: Condition) -> Self:
        """Return those for which *said* holds too."""
        if self._how.parts:
            raise self._united("filter()")
        question, sketch = self._question, self._sketch or self._sketched()
        before = question.condition
        question = replace(question, condition=said if before.is_empty else before & said)
        found = None if sketch is None else sketch.asked(said)
        if found is None:
            return self._but(question, self._how)
        return self._another(question, self._how, found[0], (*self._wires, *found[1]))

    def exclude(self, /, *conditions: Condition, **lookups: Any) -> Self:
        """Return those that do not match all of these together."""
        return self._asking(condition=self._question.condition & ~self._joined(conditions, lookups))

    def _joined(self, conditions: Iterable[Condition], lookups: dict[str, Any]) -> Condition:
        meta = options_of(self.model)
        said = [looked_up(meta, lookups)] if lookups else []
        for each in conditions:
            if not isinstance(each, Condition):
                raise TypeError(
                    f"{meta.name}: {each!r} is no condition: write {meta.name}.field == value, "
                    "or field=value"
                )
            said.append(each.bind(meta.resolve))
        return said[0] if len(said) == 1 else join(And, *said)

    def __and__(self, other: Self) -> Self:
        """Return those that both have."""
        self._check_alike(other, "&")
        return self._asking(condition=self._question.condition & other._question.condition)

    def __or__(self, other: Self) -> Self:
        """Return those that one of both has, or both."""
        self._check_alike(other, "|")
        mine, theirs = self._question.condition, other._question.condition
        if mine.is_empty or theirs.is_never:
            return self.all()
        return self._asking(condition=theirs if theirs.is_empty or mine.is_never else mine | theirs)

    def _check_alike(self, other: object, operator: str) -> None:
        if not isinstance(other, Builders):
            raise TypeError(f"{operator} joins query sets, and {other!r} is none")
        theirs = cast("Builders[Any, Any]", other)
        if theirs.model is not self.model:
            raise QueryError(
                f"{operator} joins query sets of one model, not of {self.model.__name__} and "
                f"{theirs.model.__name__}"
            )
        if self._how.parts or theirs._how.parts:
            raise self._united(operator)
        same = replace(theirs._question, condition=self._question.condition)
        if same != self._question or theirs._how != self._how:
            raise QueryError(
                f"{operator} joins the conditions of query sets that are alike in all else: order, "
                "limit, index, rows and options; say those of what comes of it"
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
            if (other._how.shape, other._how.using) != (self._how.shape, self._how.using):
                raise QueryError(
                    f"union: query sets of {self.model.__name__} with rows of two kinds, or from two "
                    "connections: say values() and using() alike, or chain what they give, in Python"
                )
        related = dict.fromkeys(name for each in (self, *others) for name in each._how.related)
        how = How(
            self._how.using,
            shape=self._how.shape,
            related=tuple(related),
            parts=(self.all(), *others),
        )
        return self._but(UNASKED, how)

    # -- in which order, and how many ----------------------------------------------------------

    def order_by(self, *names: str | Field[Any, Any]) -> Self:
        """Return them in the order of these fields, ``"-top_score"`` descending; of none, as they come.

        DynamoDB sorts by the range key of the table or of an index, and by nothing else.
        """
        return self._asking(order=tuple(map(self._ordered, names)))

    def _ordered(self, name: str | Field[Any, Any]) -> tuple[str, bool]:
        said = name.name if isinstance(name, Field) else name
        field = options_of(self.model).get_field(said.removeprefix("-"))
        return field.attribute, said.startswith("-")

    def reverse(self) -> Self:
        """Return them in the opposite order; a scan, which has no order, refuses."""
        return self._asking(backward=not self._question.backward)

    def limit(self, count: int | None) -> Self:
        """Return the first *count* of them, counted after filters; None: all of them."""
        if count is not None:
            _check_count("limit", count, 0, "a limit is 0 or more")
        return self._with({"limit": count})

    def _sliced(self, wanted: slice) -> Self:
        start, stop, step = wanted.start, wanted.stop, wanted.step
        if start or step not in (None, 1) or (stop is not None and stop < 0):
            said = ":".join("" if each is None else str(each) for each in (start, stop))
            raise self._no_offset(said if step is None else f"{said}:{step}")
        before = self._question.limit
        return self.limit(before if stop is None else stop if before is None else min(stop, before))

    def _no_offset(self, said: object) -> QueryError:
        return QueryError(
            f"{self.model.__name__}: [{said}]: DynamoDB reads from the start and cannot skip: "
            "[:n] is a limit, [0] the first, page(cursor=...) goes on where a page ended, "
            "and reverse() starts from the end"
        )

    # -- how it is read ------------------------------------------------------------------------

    def consistent(self, consistent: bool = True) -> Self:
        """Return them as read consistently: every write before is seen, for twice the price."""
        return self._going(consistent=consistent)

    def index(self, name: str) -> Self:
        """Return them as read through the index called *name*, whichever the planner would take."""
        known = [index.name for index in options_of(self.model).schema.indexes]
        if name not in known:
            raise QueryError(
                f"{self.model.__name__} has no index {name!r}: it has {', '.join(known) or 'none'}"
            )
        return self._asking(index=name)

    def full(self) -> Self:
        """Complete items of an index that does not hold all of them, by BatchGetItem."""
        return self._asking(full=True)

    def using(self, alias: str) -> Self:
        """Return them as read over the connection called *alias*."""
        return self._going(using=alias)

    def page_size(self, count: int) -> Self:
        """Read *count* items to a request, before filters; by default what DynamoDB puts in 1 MB."""
        _check_count("page_size", count, 1, "a page has at least one item")
        return self._asking(page_size=count)

    def max_requests(self, count: int) -> Self:
        """Send at most *count* requests; what they did not reach raises MaxRequestsReached."""
        _check_count("max_requests", count, 1, "at least one request is sent")
        return self._going(max_requests=count)

    def prefetch(self, prefetch: bool = True) -> Self:
        """Read one page ahead while the rows of the one before are worked on."""
        return self._going(prefetch=prefetch)

    def prefetch_related(self, *paths: str) -> Self:
        """Return them with what they refer to: read a page at a time, each item once.

        A reference takes a BatchGetItem for each hundred items, whatever the number of rows; what leads
        back, and what is between many and many, a Query for each row. References to items that are
        not there are in the log, as a warning.

        :param paths: names of relations: ``"author"``, ``"lines__product"``, ``"author__publisher"``.
        :raises QueryError: one names no relation; nothing was sent.
        """
        if self._how.shape is not None:
            raise self._no_relations()
        tree_of(self.model, paths)
        related = tuple(dict.fromkeys((*self._how.related, *paths)))
        how = replace(self._how, related=related)
        return self._another(self._said, how, self._sketch, self._wires)

    def _no_relations(self) -> QueryError:
        return QueryError(
            f"{self.model.__name__}: prefetch_related() is for instances, and values() gives none"
        )

    def after(self, cursor: str) -> Self:
        """Go on behind *cursor*: a ``next_cursor`` of a page, or a checkpoint, of the same query."""
        return self._going(start=cursor)

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
        scan = self._asking(scan=True, segments=segments)
        start = self._how.start if checkpoint is None else checkpoint
        return scan._going(rate=rate, progress=progress, start=start)


def _check_count(verb: str, count: object, least: int, said: str) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or count < least:
        raise QueryError(f"{verb}({count!r}): {said}")


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
