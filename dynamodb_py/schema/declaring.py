"""Declarations of tables and indexes by the names of fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, cast

from .. import limits
from ..exceptions import ModelDefinitionError
from .values import (
    ON_DEMAND,
    PROVISIONED,
    IndexSchema,
    KeyAttribute,
    Projection,
    TableSchema,
    find_name_problem,
    find_throughput_problem,
    is_capacity,
)

if TYPE_CHECKING:
    from . import options as table_options
else:
    from ..lazy import table_options

Lookup: TypeAlias = Callable[[str], "tuple[str, str]"]
"""A function that returns the attribute name and the type letter of a field.

It raises ModelDefinitionError for an unknown field.
"""

_KEY_TYPES = ("S", "N", "B")
_PROJECTIONS = {"all": "ALL", "keys": "KEYS_ONLY", "keys_only": "KEYS_ONLY"}


class HasOptions(Protocol):
    """A model, or another class with a table."""

    _meta: ClassVar[Any]  # a type checker would accept exactly the class that is named here


class Index:
    """The base of both kinds of index: an attribute of a model, or an element of ``Meta.indexes``."""

    scope: Literal["global", "local"]

    def __init__(
        self,
        name: str | None,
        hash_key: str | Sequence[str] | None,
        range_key: str | Sequence[str] | None,
        projection: str | Sequence[str],
        parts: int,
    ) -> None:
        self.name = name
        self.hash_fields = self._check_fields("hash_key", hash_key, parts)
        self.range_fields = self._check_fields("range_key", range_key, parts)
        self.projection, self.projected = self._project(projection)
        self.read_capacity: int | None = None
        self.write_capacity: int | None = None
        self.warm_throughput: table_options.Units | None = None
        self.on_demand_maximum: table_options.Units | None = None
        self.complete = False
        """Whether every item is in the index, according to the declaration."""

    def __set_name__(self, owner: type, name: str) -> None:
        if self.name is None:
            self.name = name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name or 'without a name'}>"

    def resolve(self, lookup: Lookup) -> IndexSchema:
        """Return the index with attribute names and types in place of field names."""
        label = self._label
        projected = tuple(_look_up(lookup, f"{label}: projection", f)[0] for f in self.projected)
        return IndexSchema(
            name=self.name or "",
            scope=self.scope,
            hash_key=tuple(_make_key(lookup, f"{label}: hash_key", f) for f in self.hash_fields),
            range_key=tuple(_make_key(lookup, f"{label}: range_key", f) for f in self.range_fields),
            projection=Projection(self.projection, projected),
            read_capacity=self.read_capacity,
            write_capacity=self.write_capacity,
            warm_throughput=self.warm_throughput,
            on_demand_maximum=self.on_demand_maximum,
        )

    @property
    def _label(self) -> str:
        return f"index {self.name!r}" if self.name else f"a {type(self).__name__} without a name"

    def _check_fields(self, role: str, given: object, parts: int) -> tuple[str, ...]:
        if given is None:
            return ()
        names = (given,) if isinstance(given, str) else _as_names(given)
        if names and all(names) and len(names) <= parts:
            return names
        several = f", or a list of one to {parts} of them" if parts > 1 else ""
        raise ModelDefinitionError(
            f"{self._label}: {role} is the name of a field{several}, not {given!r}"
        )

    def _project(self, given: object) -> tuple[str, tuple[str, ...]]:
        if isinstance(given, str) and given.lower() in _PROJECTIONS:
            return _PROJECTIONS[given.lower()], ()
        if (names := _as_names(given)) is not None:
            return "INCLUDE", names
        raise ModelDefinitionError(
            f'{self._label}: projection is "all", "keys" or a list of field names, not {given!r}'
        )


class GlobalIndex(Index):
    """A global secondary index: another hash key, and optionally a range key, for the same items.

    *hash_key* (partition key) and *range_key* (sort key) are names of fields, or lists of one to four of
    them (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html).
    *name* is the name of the index; by default, the name of the attribute of the model that holds it.
    *projection* is ``"all"``, ``"keys"``, or a list of the fields that the index holds besides the
    keys. *read_capacity* and *write_capacity*, in units per second, are by default those of the table;
    a table that is billed on demand has none. *warm_throughput* and *on_demand_maximum* are as in
    ``Meta``, for the index: ``{"read": 1000, "write": 500}``. *complete* declares that every item has the
    key attributes of the index.

    >>> GlobalIndex("GameTitleIndex", hash_key="title", range_key="top_score")
    <GlobalIndex GameTitleIndex>
    """

    scope = "global"

    def __init__(
        self,
        name: str | None = None,
        *,
        hash_key: str | Sequence[str],
        range_key: str | Sequence[str] | None = None,
        projection: str | Sequence[str] = "all",
        read_capacity: int | None = None,
        write_capacity: int | None = None,
        warm_throughput: Mapping[str, int] | None = None,
        on_demand_maximum: Mapping[str, int | None] | None = None,
        complete: bool = False,
    ) -> None:
        super().__init__(name, hash_key, range_key, projection, limits.MAX_KEY_PARTS)
        if not self.hash_fields:
            raise ModelDefinitionError(f"{self._label}: hash_key is needed: the name of a field")
        self.read_capacity, self.write_capacity = read_capacity, write_capacity
        if warm_throughput is not None:
            label = f"{self._label}: warm_throughput"
            self.warm_throughput = table_options.read_units(label, warm_throughput)
        if on_demand_maximum is not None:
            label = f"{self._label}: on_demand_maximum"
            most = table_options.read_units(label, on_demand_maximum, unlimited=True)
            self.on_demand_maximum = most
        self.complete = complete


class LocalIndex(Index):
    """A local secondary index: another range key (sort key) under the table's hash key (partition key).

    *range_key* is the name of a field; the rest is as for :class:`GlobalIndex`. The table needs a
    range key of its own, and the index can only be created together with the table
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html).

    >>> LocalIndex("ByDate", range_key="played_at")
    <LocalIndex ByDate>
    """

    scope = "local"

    def __init__(
        self,
        name: str | None = None,
        *,
        range_key: str,
        projection: str | Sequence[str] = "all",
        complete: bool = False,
    ) -> None:
        super().__init__(name, None, range_key, projection, 1)
        self.complete = complete
        if not self.range_fields:
            raise ModelDefinitionError(f"{self._label}: range_key is needed: the name of a field")


def declare_table(
    name: str,
    hash_key: str,
    range_key: str | None = None,
    *,
    lookup: Lookup,
    indexes: Iterable[Index] = (),
    billing_mode: str | None = None,
    read_capacity: int | None = None,
    write_capacity: int | None = None,
    options: table_options.TableOptions | None = None,
) -> TableSchema:
    """Return the schema of a table whose keys and indexes are declared by field names.

    *lookup* returns the attribute name and type letter of a field. Without capacities a table is
    billed on demand (``PAY_PER_REQUEST``). With capacities it is ``PROVISIONED``, and both are
    required. Raises ModelDefinitionError for a schema that DynamoDB would reject.

    >>> lookup = {"name": ("n", "S"), "score": ("score", "N")}.__getitem__
    >>> declare_table("Test", "name", "score", lookup=lookup).hash_key
    KeyAttribute(name='n', type='S')
    """
    if billing_mode is None:
        declared = read_capacity is not None or write_capacity is not None
        billing_mode = PROVISIONED if declared else ON_DEMAND
    schema = TableSchema(
        name=name,
        hash_key=_make_key(lookup, "hash_key", hash_key),
        range_key=None if range_key is None else _make_key(lookup, "range_key", range_key),
        indexes=tuple(index.resolve(lookup) for index in indexes),
        billing_mode=billing_mode,
        read_capacity=read_capacity,
        write_capacity=write_capacity,
        options=options,
    )
    if problem := next(_find_problems(schema), None):
        raise ModelDefinitionError(problem)
    return schema


def _as_names(given: object) -> tuple[str, ...] | None:
    """Return the names of a list of names; None for anything else."""
    if not isinstance(given, (list, tuple, set, frozenset)):
        return None
    each = tuple(cast("Iterable[object]", given))
    names = tuple(name for name in each if isinstance(name, str))
    return names if len(names) == len(each) else None


def _look_up(lookup: Lookup, role: str, field: str) -> tuple[str, str]:
    try:
        return lookup(field)
    except ModelDefinitionError as error:
        raise ModelDefinitionError(f"{role}: {error}") from error


def _make_key(lookup: Lookup, role: str, field: str) -> KeyAttribute:
    name, kind = _look_up(lookup, role, field)
    if kind not in _KEY_TYPES:
        raise ModelDefinitionError(
            f"{role}: {field!r} is stored as {kind}, and a key is text, a number or bytes (S, N "
            "or B): choose a field of one of these types"
        )
    return KeyAttribute(name, kind)


def _find_problems(schema: TableSchema) -> Iterator[str]:
    """Yield the reasons for which DynamoDB would reject *schema*, each with a remedy."""
    if schema.range_key is not None and schema.range_key.name == schema.hash_key.name:
        yield (
            f"hash_key and range_key are both the attribute {schema.hash_key.name!r}: "
            "use two different attributes, or a hash key alone"
        )
    mode, read, write = schema.billing_mode, schema.read_capacity, schema.write_capacity
    if problem := find_throughput_problem(mode, read, write):
        yield problem
    options = schema.options
    if options is not None:
        problem = table_options.find_mode_problem(options, is_on_demand=mode == ON_DEMAND)
        if problem is not None:
            yield problem
    yield from _find_problems_of_names(schema)
    yield from _find_problems_of_numbers(schema)
    for index in schema.indexes:
        find = _find_local_problems if index.scope == "local" else _find_global_problems
        for problem in find(index, schema):
            yield f"index {index.name!r}: {problem}"


def _find_problems_of_names(schema: TableSchema) -> Iterator[str]:
    for name, times in Counter(index.name for index in schema.indexes).items():
        if not name:
            yield "an index has no name: give it one as the first argument, or as an attribute"
        elif problem := find_name_problem(name):
            yield f"index {name!r}: {problem}; give it another as the first argument"
        elif times > 1:
            yield f"index {name!r}: {times} indexes have this name: give each one of its own"
    types: dict[str, str] = {}
    for key in schema.all_keys():
        if types.setdefault(key.name, key.type) != key.type:
            yield (
                f"the attribute {key.name!r} is a key of type {types[key.name]} and of type "
                f"{key.type}: two fields have this name= but store different types; rename one"
            )
        if len(key.name.encode()) > limits.MAX_KEY_NAME_BYTES:
            yield (
                f"the attribute {key.name[:20]!r}... is a key, and the name of a key has at most "
                f"{limits.MAX_KEY_NAME_BYTES} bytes: give the field a shorter name="
            )


def _find_problems_of_numbers(schema: TableSchema) -> Iterator[str]:
    # The limit is for the sum over all indexes: see NonKeyAttributes in API_CreateTable.
    projected = sum(len(index.projection.names) for index in schema.indexes)
    for found, limit, kind in (
        (len(schema.global_indexes), limits.MAX_GLOBAL_INDEXES, "global indexes"),
        (len(schema.local_indexes), limits.MAX_LOCAL_INDEXES, "local indexes"),
        (projected, limits.MAX_PROJECTED_ATTRIBUTES, "projected fields over all indexes"),
    ):
        if found > limit:
            remedy = 'use projection="all" or "keys"' if found == projected else "remove some"
            yield f"{found} {kind}, and a table has at most {limit}: {remedy}"


def _find_local_problems(index: IndexSchema, schema: TableSchema) -> Iterator[str]:
    range_key = index.range_key[0].name
    if schema.range_key is None:
        yield (
            "a local index needs a table with a range key: give the model one, "
            "or declare a GlobalIndex"
        )
    elif range_key in (schema.range_key.name, schema.hash_key.name):
        role = "range" if range_key == schema.range_key.name else "hash"
        yield f"its range_key {range_key!r} is the table's own {role} key: choose another field"


def _find_global_problems(index: IndexSchema, schema: TableSchema) -> Iterator[str]:
    for name, times in Counter(key.name for key in index.keys).items():
        if times > 1:
            yield f"{name!r} is in its key {times} times: name each field once"
    if index.on_demand_maximum is not None and schema.billing_mode != ON_DEMAND:
        yield "it has an on_demand_maximum, but the table is provisioned: leave it out"
    for capacity in (index.read_capacity, index.write_capacity):
        if capacity is None:
            continue
        if not is_capacity(capacity):
            yield f"capacities are whole numbers of 1 and more, not {capacity!r}"
        elif schema.billing_mode == ON_DEMAND:
            yield (
                "it has capacities, but the table is billed on demand: declare read_capacity "
                "and write_capacity of the table too, or leave out those of the index"
            )
