"""A question, the planner's view of a model, and the plan that answers the question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from ..expressions import Condition, Path
from ..limits import MAX_BATCH_GET
from ..operations.base import Wire
from ..operations.batches import BatchGetItem
from ..operations.items import GetItem, Key, StoredItem
from ..operations.queries import Expressions, Query, Scan
from ..schema import KeyAttribute, TableSchema

Kind: TypeAlias = Literal["nothing", "get", "unique", "batch_get", "query", "scan"]

_SHOWN = 5
"""How many requests are printed in full."""


class Subject(Struct, frozen=True, eq=False):
    """The planner's view of a model: plain data, and a check of key values."""

    name: str
    """The model's name, for messages."""
    schema: TableSchema
    fields: Mapping[str, str]
    """Field names by attribute, for messages."""
    problem: Callable[[str, Wire], str | None]
    """Returns the problem of a value of a key attribute; None if the value is valid."""
    plain_keys: bool = False
    """Whether every value is valid unless it is empty, or too long for some key."""
    allow_scan: bool = False
    always: frozenset[str] = frozenset()
    """The attributes that every item has, according to the model."""
    complete: frozenset[str] = frozenset()
    """The indexes that have every item, according to the model."""
    parts: Mapping[str, frozenset[str]] = {}
    """By attribute that is composed of others: these others."""

    def field(self, attribute: str) -> str:
        """Return the name of the field that *attribute* stores."""
        return self.fields.get(attribute, attribute)

    def find_optional(
        self, index: str | None, keys: Iterable[str], present: Iterable[str]
    ) -> frozenset[str]:
        """Return the attributes that items may lack; an item that lacks one is not in *index*.

        :param keys: key attributes of the index; of one that is composed of others, these are returned.
        :param present: attributes that all items that match have.
        """
        if index in self.complete:
            return frozenset()
        known = self.always.union(present, (key.name for key in self.schema.key))
        known = known.union(*(self.parts.get(name, ()) for name in known))
        missing = [self.parts.get(name, {name}) - known for name in keys if name not in known]
        return frozenset[str]().union(*missing)

    def join_fields(self, attributes: Iterable[str]) -> str:
        """Return the names of the fields that *attributes* store, for a message."""
        return ", ".join(map(self.field, sorted(attributes)))


class Question(Struct, frozen=True):
    """A question to the planner: a condition, an order, and the options of reading."""

    condition: Condition = Condition()
    order: tuple[tuple[str, bool], ...] = ()
    """Attributes to order by, and whether each descends."""
    backward: bool = False
    """Whether to reverse the order."""
    index: str | None = None
    """The index that the caller chose."""
    consistent: bool = False
    wanted: tuple[Path, ...] | None = None
    """The paths to read of each item, besides its keys; None: everything."""
    along: tuple[str, ...] = ()
    """Attributes to read besides *wanted*, if the table or the index holds them."""
    limit: int | None = None
    page_size: int | None = None
    scan: bool = False
    """Whether the caller wants a scan."""
    segments: int = 1
    counting: bool = False
    """Whether to count the items only."""
    full: bool = False
    """Whether to complete the items of an index from the table."""


class Trim(Struct, frozen=True):
    """Items to drop after reading, at bounds that BETWEEN includes and the condition excludes."""

    attribute: str
    wires: tuple[Wire, ...]


class Lane(Struct, frozen=True):
    """Requests that are sent one after the other, each to its last page; their items are in order."""

    requests: tuple[Query | Scan, ...]
    trims: tuple[Trim | None, ...] = ()
    """The items to drop of each request; () if there are none."""


class Rejected(Struct, frozen=True):
    """An access path that was not chosen, and the reason."""

    index: str | None
    """The name of the index; None for the table."""
    why: str
    cure: str = ""
    """The declaration that would let it answer the question; empty if none would."""

    @property
    def title(self) -> str:
        """Its name in messages."""
        return "the table" if self.index is None else f"index {self.index}"


class Explanation(Struct, frozen=True):
    """The reasons for a plan, for people."""

    filter: Condition = Condition()
    """The filter that DynamoDB applies after reading."""
    reason: str = ""
    others: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    suggestion: str = ""
    """The index that would help; empty if none would."""


class Owner(Protocol):
    """The item with a unique value; the sentinel of the value has its key."""

    @property
    def sentinel(self) -> GetItem:
        """The request for the sentinel."""
        ...

    @property
    def request(self) -> GetItem:
        """The request for the item, which has no key yet."""
        ...

    def make_request(self, sentinel: StoredItem, /) -> GetItem:
        """Return the request for the item with the key that *sentinel* has."""
        ...

    def has_value(self, item: StoredItem, /) -> bool:
        """Tell whether *item* still has the value."""
        ...

    def hides(self, item: StoredItem, /) -> bool:
        """Tell whether reads hide *item*, as an expired one."""
        ...


class Plan(Struct, frozen=True, kw_only=True):
    """The requests that answer a question: a value that can be printed, compared and executed.

    The *kind* decides which members are set: ``get`` sets *get*, ``unique`` sets *owner*, ``batch_get`` sets
    *keys*, ``query`` and ``scan`` set *lanes*. Several lanes are merged by *order*; without an order they are
    read side by side, and their items come in no order.

    >>> print(Score.objects.filter(player="ann", game=1).explain())
    GetItem on scores
      why: player and game are fixed
      not index by_game: it would read more items
      GetItem: {'TableName': 'scores', 'Key': {'player': {'S': 'ann'}, 'game': {'N': '1'}}}
    """

    kind: Kind
    """The kind of requests; "unique" is a GetItem of a sentinel and one of its item."""
    model: str
    table: str
    index: str | None = None
    """The index that is read; None for the table."""
    get: GetItem | None = None
    owner: Owner | None = None
    """The sentinel to read, and the item after it."""
    keys: tuple[Key, ...] = ()
    """The keys that BatchGetItem reads, in the order of the results."""
    expressions: Expressions | None = None
    """The projection of the BatchGetItem."""
    lanes: tuple[Lane, ...] = ()
    order: tuple[KeyAttribute, ...] = ()
    """The attributes that order the items of each lane; () without a common order."""
    forward: bool = True
    """Whether the order ascends."""
    distinct: bool = False
    """Whether several lanes may return the same item, which is then yielded once."""
    key: tuple[KeyAttribute, ...]
    """The table's key."""
    position: tuple[KeyAttribute, ...]
    """The attributes of an ExclusiveStartKey: the table's key and the index's."""
    consistent: bool = False
    limit: int | None = None
    counting: bool = False
    full: bool = False
    held: frozenset[str] | None = None
    """The attributes that are read; None: all."""
    condition: Condition = Condition()
    explanation: Explanation | None = None
    """None for a plan from the cache; ``explain()`` always sets it."""

    @property
    def operations(self) -> tuple[GetItem | BatchGetItem | Query | Scan, ...]:
        """The requests, each for its first page."""
        if self.get is not None:
            return (self.get,)
        if self.owner is not None:
            return (self.owner.sentinel,)
        expressions = {} if self.expressions is None else {self.table: self.expressions}
        chunks = range(0, len(self.keys), MAX_BATCH_GET)
        keys = ({self.table: list(self.keys[at : at + MAX_BATCH_GET])} for at in chunks)
        batches = tuple(BatchGetItem(each, self.consistent, expressions) for each in keys)
        return batches or tuple(request for lane in self.lanes for request in lane.requests)

    def __str__(self) -> str:
        return "\n".join(_describe_plan(self))

    __repr__ = __str__


def _describe_plan(plan: Plan) -> Iterator[str]:
    yield _make_title(plan)
    explanation = plan.explanation or Explanation()
    if explanation.reason:
        yield f"  why: {explanation.reason}"
    for other in explanation.others:
        yield f"  not {other.title}: {other.why}"
    requests = plan.operations
    for request in requests[:_SHOWN]:
        yield f"  {request.api}: {request.payload()!r}"
    if plan.owner is not None:
        payload = {n: each for n, each in plan.owner.request.payload().items() if n != "Key"}
        yield f"  GetItem: {payload!r}, of the key that the sentinel has"
    if len(requests) > _SHOWN:
        yield f"  ... and {len(requests) - _SHOWN} more of these"
    yield from _describe_rest(plan, explanation)
    for note in explanation.notes:
        yield f"  note: {note}"
    if explanation.suggestion:
        yield f"  an index would read only what matches: {explanation.suggestion}"


def _make_title(plan: Plan) -> str:
    if plan.kind == "nothing":
        return f"Nothing is sent for {plan.model}"
    if plan.owner is not None:
        return f"GetItem on {plan.owner.sentinel.table}, then on {plan.table}"
    name = {"get": "GetItem", "batch_get": "BatchGetItem", "query": "Query", "scan": "Scan"}
    title = f"{name[plan.kind]} on {plan.table}"
    if plan.index is not None:
        title += f", index {plan.index}"
    count = len(plan.operations)
    if count > 1:
        lanes = len(plan.lanes)
        together = (
            "" if lanes < 2 else " side by side" if lanes == count else f", {lanes} side by side"
        )
        title += f", {count} requests{together}"
    if plan.order and plan.kind != "get":
        direction = "ascending" if plan.forward else "descending"
        title += f", by {', '.join(key.name for key in plan.order)}, {direction}"
    return title


def _describe_rest(plan: Plan, explanation: Explanation) -> Iterator[str]:
    if not explanation.filter.is_empty:
        text = explanation.filter.describe()
        yield f"  after reading: {text} (you also pay for the items that this drops)"
    dropped = [trim for lane in plan.lanes for trim in lane.trims if trim is not None]
    for trim in dropped[:1]:
        values = ", ".join(repr(wire) for trim in dropped for wire in trim.wires)
        yield f"  dropped here: items at the open end of the interval, {trim.attribute} {values}"
    if plan.distinct:
        yield "  once each: an item may come from several of the requests"
    if plan.full:
        yield "  afterwards: BatchGetItem of the whole items, a hundred to a request"
    if plan.counting:
        yield "  counted: the items are not sent"
    if plan.limit is not None and plan.kind != "nothing":
        yield f"  until: {plan.limit} found"
