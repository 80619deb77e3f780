"""Keys, indexes, projections, billing and whole tables as values, with names as on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from .. import limits
from ..exceptions import ValidationError

if TYPE_CHECKING:
    from . import options as table_options
else:
    from ..lazy import table_options

ON_DEMAND = "PAY_PER_REQUEST"
PROVISIONED = "PROVISIONED"

_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


class KeyAttribute(Struct, frozen=True):
    """One attribute of a key: its name on the wire and its type, ``S``, ``N`` or ``B``."""

    name: str
    type: str

    def __str__(self) -> str:
        return f"{self.name} ({self.type})"

    def encode(self) -> dict[str, str]:
        """Return DynamoDB's ``AttributeDefinition``."""
        return {"AttributeName": self.name, "AttributeType": self.type}


class Throughput(Struct, frozen=True):
    """Provisioned capacity, in units per second."""

    read: int
    write: int

    def encode(self) -> dict[str, int]:
        """Return DynamoDB's ``ProvisionedThroughput``."""
        return {"ReadCapacityUnits": self.read, "WriteCapacityUnits": self.write}


class Projection(Struct, frozen=True):
    """The attributes of an index besides the keys: ``ALL``, ``KEYS_ONLY``, or ``INCLUDE`` names."""

    kind: str = "ALL"
    names: tuple[str, ...] = ()

    def encode(self) -> dict[str, Any]:
        """Return DynamoDB's ``Projection``."""
        payload: dict[str, Any] = {"ProjectionType": self.kind}
        if self.names:
            payload["NonKeyAttributes"] = list(self.names)
        return payload

    def without(self, keys: Iterable[str]) -> Projection:
        """Return the projection with sorted names, without *keys*, which every index holds."""
        if self.kind != "INCLUDE":
            return self
        names = tuple(sorted(set(self.names).difference(keys)))
        return Projection("INCLUDE", names) if names else Projection("KEYS_ONLY")


class IndexSchema(Struct, frozen=True):
    """One index: its keys, each of one to four attributes, and its projection.

    A capacity of None means that of the table. The hash key of a local index is that of the table.
    """

    name: str
    scope: Literal["global", "local"]
    hash_key: tuple[KeyAttribute, ...] = ()
    range_key: tuple[KeyAttribute, ...] = ()
    projection: Projection = Projection()
    read_capacity: int | None = None
    write_capacity: int | None = None
    warm_throughput: table_options.Units | None = None
    on_demand_maximum: table_options.Units | None = None

    @property
    def keys(self) -> tuple[KeyAttribute, ...]:
        """Every attribute of the key: those of the hash key, then those of the range key."""
        return self.hash_key + self.range_key

    def encode(self) -> dict[str, Any]:
        """Return the name, keys and projection for CreateTable."""
        return {
            "IndexName": self.name,
            "KeySchema": _encode_keys(self.hash_key, self.range_key),
            "Projection": self.projection.encode(),
        }

    def __str__(self) -> str:
        held = ", ".join(self.projection.names) or self.projection.kind.lower()
        return f"{self.scope}, {_describe_keys(self.hash_key, self.range_key)}, holding {held}"


class TableSchema(Struct, frozen=True):
    """A table: name, keys, indexes and billing, as they are on the wire."""

    name: str
    hash_key: KeyAttribute
    range_key: KeyAttribute | None = None
    indexes: tuple[IndexSchema, ...] = ()
    billing_mode: str = ON_DEMAND
    read_capacity: int | None = None
    write_capacity: int | None = None
    ttl: str | None = None
    """The attribute with the expiry time of an item. CreateTable and DescribeTable do not have it:
    other requests set and read it."""
    options: table_options.TableOptions | None = None
    """Further options, as declared; the schema of a live table does not have them."""

    def __post_init__(self) -> None:
        force_setattr(self, "indexes", tuple(map(self._complete, self.indexes)))

    @classmethod
    def parse(cls, description: Mapping[str, Any]) -> TableSchema:
        """Return the schema of a live table from its description.

        Raises ValidationError if the description has no keys, as of a table that is being deleted.
        """
        if not description.get("KeySchema"):
            name, status = description.get("TableName"), description.get("TableStatus")
            raise ValidationError(f"the description of table {name} ({status}) has no keys")
        defined = description.get("AttributeDefinitions", ())
        types = {each["AttributeName"]: each["AttributeType"] for each in defined}
        hash_key, range_key = _parse_keys(description, types)
        found = _parse_throughput(description)
        summary: Mapping[str, str] = description.get("BillingModeSummary") or {}
        mode = summary.get("BillingMode") or (PROVISIONED if found else ON_DEMAND)
        if mode == ON_DEMAND:
            found = None
        return cls(
            name=description["TableName"],
            hash_key=hash_key[0],
            range_key=range_key[0] if range_key else None,
            indexes=tuple(_parse_indexes(description, types)),
            billing_mode=mode,
            read_capacity=found.read if found else None,
            write_capacity=found.write if found else None,
        )

    def encode(self) -> dict[str, Any]:
        """Return the payload of CreateTable.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
        """
        attributes = {key.name: key for key in self.all_keys()}.values()
        payload: dict[str, Any] = {
            "TableName": self.name,
            "AttributeDefinitions": [key.encode() for key in attributes],
            "KeySchema": _encode_keys(self.key[:1], self.key[1:]),
            "BillingMode": self.billing_mode,
        }
        if throughput := self.throughput:
            payload["ProvisionedThroughput"] = throughput.encode()
        if self.options is not None:
            payload.update(self.options.encode(is_on_demand=self.billing_mode == ON_DEMAND))
        if self.local_indexes:
            payload["LocalSecondaryIndexes"] = [each.encode() for each in self.local_indexes]
        if self.global_indexes:
            payload["GlobalSecondaryIndexes"] = list(map(self.encode_global, self.global_indexes))
        return payload

    @property
    def local_indexes(self) -> tuple[IndexSchema, ...]:
        """The indexes that share the table's hash key."""
        return tuple(index for index in self.indexes if index.scope == "local")

    @property
    def global_indexes(self) -> tuple[IndexSchema, ...]:
        """The indexes with their own hash keys."""
        return tuple(index for index in self.indexes if index.scope == "global")

    @property
    def throughput(self) -> Throughput | None:
        """The provisioned throughput of the table; None on demand."""
        if self.billing_mode != PROVISIONED:
            return None
        return Throughput(self.read_capacity or 0, self.write_capacity or 0)

    def index_throughput(self, index: IndexSchema) -> Throughput | None:
        """Return the provisioned throughput of a global index: its own, else the table's."""
        table = self.throughput
        if table is None or index.scope == "local":
            return None
        return Throughput(index.read_capacity or table.read, index.write_capacity or table.write)

    @property
    def has_options(self) -> bool:
        """Whether the table or an index declares options besides billing."""
        return self.options is not None or any(
            index.warm_throughput or index.on_demand_maximum for index in self.indexes
        )

    def with_throughput(
        self,
        billing_mode: str | None = None,
        read_capacity: int | None = None,
        write_capacity: int | None = None,
    ) -> TableSchema:
        """Return the schema with another billing mode or capacities; None changes nothing.

        A capacity without a billing mode makes an on-demand table provisioned, which requires both
        capacities. Raises ValidationError for a wrong mode or capacity.
        """
        if billing_mode is None:
            unchanged = read_capacity is None and write_capacity is None
            billing_mode = self.billing_mode if unchanged else PROVISIONED
        if billing_mode != ON_DEMAND:
            read_capacity = self.read_capacity if read_capacity is None else read_capacity
            write_capacity = self.write_capacity if write_capacity is None else write_capacity
        if problem := find_throughput_problem(billing_mode, read_capacity, write_capacity):
            raise ValidationError(problem, model=self.name)
        capacities = {"read_capacity": read_capacity, "write_capacity": write_capacity}
        return replace(self, billing_mode=billing_mode, **capacities)

    def key_differences(self, live: TableSchema) -> list[str]:
        """Return the differences of the keys from those of *live*; no request can change keys."""
        wanted, found = (_describe_keys(s.key[:1], s.key[1:]) for s in (self, live))
        return [] if wanted == found else [f"keys: the model has {wanted}; the table has {found}"]

    def differences(self, live: TableSchema) -> list[str]:
        """Return the differences of keys and indexes from those of *live*, without throughput."""
        wanted = {index.name: index for index in self.indexes}
        found = {index.name: index for index in live.indexes}
        text = self.key_differences(live)
        for name in sorted(wanted.keys() | found.keys()):
            if name not in found:
                text.append(f"index {name}: the table does not have it ({wanted[name]})")
            elif name not in wanted:
                text.append(f"index {name}: the model does not declare it ({found[name]})")
            elif (one := str(wanted[name])) != (other := str(found[name])):
                text.append(f"index {name}: the model has {one}; the table has {other}")
        return text

    @property
    def key(self) -> tuple[KeyAttribute, ...]:
        """The attributes of the primary key: the hash key, and the range key if there is one."""
        return (self.hash_key,) if self.range_key is None else (self.hash_key, self.range_key)

    def all_keys(self) -> Iterator[KeyAttribute]:
        """Yield the attributes of every key, those of the table first; an attribute may repeat."""
        yield from self.key
        for index in self.indexes:
            yield from index.keys

    def _complete(self, index: IndexSchema) -> IndexSchema:
        if index.scope == "local":
            index = replace(index, hash_key=(self.hash_key,))
        held = {key.name for key in (*self.key, *index.keys)}
        return replace(index, projection=index.projection.without(held))

    def encode_global(self, index: IndexSchema) -> dict[str, Any]:
        """Return a global index with its throughput, for CreateTable and UpdateTable."""
        payload = index.encode()
        if throughput := self.index_throughput(index):
            payload["ProvisionedThroughput"] = throughput.encode()
        warm, most = index.warm_throughput, index.on_demand_maximum
        if warm is not None or most is not None:
            payload.update(
                table_options.encode_units(warm, most, is_on_demand=self.billing_mode == ON_DEMAND)
            )
        return payload


def find_name_problem(name: str) -> str | None:
    """Return the reason for which DynamoDB rejects the name of a table or index, or None.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    """
    fits = limits.MIN_TABLE_NAME <= len(name) <= limits.MAX_TABLE_NAME
    if fits and _NAME_CHARACTERS.issuperset(name):
        return None
    length = f"{limits.MIN_TABLE_NAME} to {limits.MAX_TABLE_NAME}"
    return f"a name has {length} characters out of a-z, A-Z, 0-9, _, . and -"


def find_throughput_problem(mode: str, read: int | None, write: int | None) -> str | None:
    """Return the problem of a billing mode and its capacities, or None."""
    both = "read_capacity and write_capacity"
    if mode not in (ON_DEMAND, PROVISIONED):
        return f'billing_mode is "{ON_DEMAND}" or "{PROVISIONED}", not {mode!r}'
    if mode == ON_DEMAND:
        if read is None and write is None:
            return None
        return f'billing_mode "{ON_DEMAND}" has no {both}: leave them out, or use "{PROVISIONED}"'
    if read is None or write is None:
        return f"a provisioned table needs both {both}: units per second, 1 and more"
    wrong = [value for value in (read, write) if not is_capacity(value)]
    return f"{both} are whole numbers of 1 and more, not {wrong[0]!r}" if wrong else None


def is_capacity(value: object) -> bool:
    """Tell whether *value* can be a number of capacity units."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _encode_keys(
    hash_key: Sequence[KeyAttribute], range_key: Sequence[KeyAttribute]
) -> list[dict[str, str]]:
    roles = (("HASH", hash_key), ("RANGE", range_key))
    return [{"AttributeName": key.name, "KeyType": role} for role, keys in roles for key in keys]


def _describe_keys(hash_key: Sequence[KeyAttribute], range_key: Sequence[KeyAttribute]) -> str:
    text = f"hash key {' + '.join(map(str, hash_key))}"
    return f"{text}, range key {' + '.join(map(str, range_key))}" if range_key else text


def _parse_keys(
    described: Mapping[str, Any], types: Mapping[str, str]
) -> tuple[tuple[KeyAttribute, ...], tuple[KeyAttribute, ...]]:
    def of(role: str) -> tuple[KeyAttribute, ...]:
        names = (e["AttributeName"] for e in described["KeySchema"] if e["KeyType"] == role)
        return tuple(KeyAttribute(name, types[name]) for name in names)

    return of("HASH"), of("RANGE")


def _parse_throughput(described: Mapping[str, Any]) -> Throughput | None:
    # On demand, DynamoDB returns a throughput of 0 and 0, and some engines return none.
    found: Mapping[str, int] = described.get("ProvisionedThroughput") or {}
    read, write = found.get("ReadCapacityUnits", 0), found.get("WriteCapacityUnits", 0)
    return Throughput(read, write) if read and write else None


def _parse_indexes(
    description: Mapping[str, Any], types: Mapping[str, str]
) -> Iterator[IndexSchema]:
    scopes: tuple[tuple[str, Literal["global", "local"]], ...] = (
        ("LocalSecondaryIndexes", "local"),
        ("GlobalSecondaryIndexes", "global"),
    )
    for member, scope in scopes:
        for described in description.get(member) or ():
            hash_key, range_key = _parse_keys(described, types)
            held = described.get("Projection", {})
            names = tuple(held.get("NonKeyAttributes") or ())
            found = _parse_throughput(described)
            yield IndexSchema(
                name=described["IndexName"],
                scope=scope,
                hash_key=hash_key,
                range_key=range_key,
                projection=Projection(held.get("ProjectionType", "ALL"), names),
                read_capacity=found.read if found else None,
                write_capacity=found.write if found else None,
            )
