"""A table and its indexes: their keys, and the entry of an item in each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ...limits import MAX_HASH_KEY_BYTES, MAX_RANGE_KEY_BYTES
from .errors import INVALID, EmptyKeyError, make_invalid
from .keys import encode_key, encode_part, hash_key
from .values import Item, Value


class Key(NamedTuple):
    """The key of an item in a table or an index, as bytes that sort in DynamoDB's order."""

    place: int
    """The position of the hash key in the order of a scan, from ``hash_key()``."""
    hash: bytes
    range: bytes
    """The range key; empty if there is none."""


class Range(NamedTuple):
    """The items to read: those of one hash key with a range of range keys, of some places, or all."""

    hashed: bytes | None = None
    """The hash key; None for all."""
    low: bytes = b""
    """The lowest range key."""
    high: bytes | None = None
    """The end of the range keys, which is not part of the range; None for no end."""
    places: tuple[int, int] | None = None
    """The first and the last place of hash keys; None for all."""
    backward: bool = False
    """Whether the items are read in descending order."""

    def check_start(self, key: Key) -> None:
        """Raise a ValidationException unless *key* is in the range, so that a page may begin after it."""
        if self.hashed is None:
            return
        if key.hash != self.hashed:
            raise make_invalid(
                "The provided starting key is outside query boundaries based on provided conditions"
            )
        if key.range < self.low or (self.high is not None and key.range >= self.high):
            raise make_invalid("The provided starting key does not match the range key predicate")


class KeyPart(NamedTuple):
    """An attribute of a key and its type: S, N or B."""

    name: str
    type: str


class Keyed:
    """The common part of tables and indexes: a hash key and a range key of one or more attributes."""

    def __init__(self, hash_parts: Sequence[KeyPart], range_parts: Sequence[KeyPart]) -> None:
        self.hash_parts, self.range_parts = tuple(hash_parts), tuple(range_parts)
        self.parts = (*self.hash_parts, *self.range_parts)
        self.names = tuple(part.name for part in self.parts)

    def find_key(self, item: Mapping[str, Value]) -> Key | None:
        """Return the key of a checked item, or None if an attribute of the key is missing."""
        found = [item.get(name) for name in self.names]
        if None in found:
            return None
        values: list[Any] = found
        middle = len(self.hash_parts)
        hashed = encode_key(values[:middle])
        ranged = encode_key(values[middle:]) if self.range_parts else b""
        return Key(hash_key(hashed), hashed, ranged)


class Index(Keyed):
    """An index of a table; *number* is the number of its SQLite table."""

    def __init__(
        self,
        name: str,
        number: int,
        hash_parts: Sequence[KeyPart],
        range_parts: Sequence[KeyPart],
        *,
        is_local: bool,
        projection: str,
        attributes: Sequence[str],
    ) -> None:
        super().__init__(hash_parts, range_parts)
        self.name, self.number, self.is_local = name, number, is_local
        self.projection = projection
        """ALL, KEYS_ONLY or INCLUDE."""
        self.attributes = frozenset(attributes)
        """The attributes that INCLUDE adds to the keys."""
        self.projected: frozenset[str] | None = None
        """The names of all attributes in the index, with the keys of the table; None for ALL."""

    def find_key(self, item: Mapping[str, Value]) -> Key | None:
        """Return the key of an item, or None if an attribute of the key is missing or cannot be a key.

        An item that is older than the index may have such an attribute.
        """
        for name, kind in self.parts:
            value = item.get(name)
            if value is None or not value.get(kind):
                return None
        return super().find_key(item)

    def project(self, item: Item) -> Item:
        """Return the attributes of an item that are in the index."""
        names = self.projected
        if names is None:
            return item
        return {name: value for name, value in item.items() if name in names}


class Table(Keyed):
    """A table of the store; *number* is the number of its SQLite table, *description* the TableDescription."""

    def __init__(self, name: str, number: int, description: dict[str, Any]) -> None:
        types = {
            each["AttributeName"]: each["AttributeType"]
            for each in description["AttributeDefinitions"]
        }
        super().__init__(*_find_parts(description["KeySchema"], types))
        self.name, self.number, self.description = name, number, description
        expiry: dict[str, Any] = description.get("TimeToLive") or {}
        self.expires_by: str | None = expiry.get("AttributeName")
        """The attribute with the time when an item expires, if TTL is enabled."""
        self.measures: Any = None
        """The last Measures of the table; the room of operations counts them."""
        self.indexes: dict[str, Index] = {}
        for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
            for each in description.get(kind, ()):
                projection = each["Projection"]
                index = Index(
                    each["IndexName"],
                    each["Number"],
                    *_find_parts(each["KeySchema"], types),
                    is_local=kind == "LocalSecondaryIndexes",
                    projection=projection["ProjectionType"],
                    attributes=projection.get("NonKeyAttributes", ()),
                )
                if index.projection != "ALL":
                    index.projected = index.attributes.union(index.names, self.names)
                self.indexes[index.name] = index

    def check_key(self, key: Item) -> Key:
        """Return the encoded key of a request; raise a ValidationException if it does not fit the table.

        Its values were checked. It must have each attribute of the key, with the right type, and no others.
        """
        if len(key) != len(self.names):
            raise make_invalid("The provided key element does not match the schema")
        for name, kind in self.parts:
            if name not in key or kind not in key[name]:
                raise make_invalid("The provided key element does not match the schema")
        return self._check_lengths(key)

    def check_new(self, item: Item) -> Key:
        """Return the encoded key of an item to store, after checking the attributes of all keys."""
        for name, kind in self.parts:
            if name not in item:
                raise make_invalid(f"{INVALID}Missing the key {name} in the item")
            if kind not in item[name]:
                (actual,) = item[name]
                raise make_invalid(
                    f"{INVALID}Type mismatch for key {name} expected: {kind} actual: {actual}"
                )
        key = self._check_lengths(item)
        self.check_index_keys(item)
        return key

    def find_expiry(self, item: Mapping[str, Value]) -> int | None:
        """Return the time when an item expires, in seconds since 1970; None if it does not expire."""
        text = item.get(self.expires_by or "", {}).get("N")
        if text is None or len(text) > _MAX_EXPIRY_DIGITS:
            return None
        return int(text.partition(".")[0])

    def check_scalars(self, nested: Collection[str]) -> None:
        """Raise a ValidationException if a request uses a key attribute as a list or a map.

        :param nested: the attributes from which the paths of the request lead to an element or a member.
        """
        for kind, keyed in (("Key", self), *(("IndexKey", each) for each in self.indexes.values())):
            for name in keyed.names:
                if name in nested:
                    raise make_invalid(
                        "Key attributes must be scalars; list random access '[]' and map lookup '.' "
                        f"are not allowed: {kind}: {name}"
                    )

    def check_index_keys(self, item: Item) -> None:
        """Raise a ValidationException if an attribute of *item* cannot be the key of an index."""
        for index in self.indexes.values():
            for part in index.parts:
                if (value := item.get(part.name)) is not None:
                    _check_index_key(index, part, value)

    def _check_lengths(self, item: Item) -> Key:
        for name, kind in self.parts:
            if not item[name][kind]:
                raise EmptyKeyError(
                    "One or more parameter values are not valid. The AttributeValue for a key "
                    f"attribute cannot contain an empty {_EMPTY[kind]} value. Key: {name}"
                )
        key = self.find_key(item)
        assert key is not None
        if len(key.hash) > MAX_HASH_KEY_BYTES:
            raise make_invalid(
                f"{INVALID}Size of hashkey has exceeded the maximum size limit of2048 bytes"
            )
        if len(key.range) > MAX_RANGE_KEY_BYTES:
            raise make_invalid(
                f"{INVALID}Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
            )
        return key


_MAX_EXPIRY_DIGITS = 18
_EMPTY = {"S": "string", "B": "binary", "N": "number"}


def _check_index_key(index: Index, part: KeyPart, value: Value) -> None:
    name, kind = part
    if kind not in value:
        (actual,) = value
        raise make_invalid(
            f"{INVALID}Type mismatch for Index Key {name} Expected: {kind} "
            f"Actual: {actual} IndexName: {index.name}"
        )
    if not value[kind]:
        raise EmptyKeyError(
            f"{INVALID}A value specified for a secondary index key is not supported. "
            "The AttributeValue for a key attribute cannot contain an empty "
            f"{_EMPTY[kind]} value. IndexName: {index.name}, IndexKey: {name}"
        )
    is_hash = part in index.hash_parts
    limit = MAX_HASH_KEY_BYTES if is_hash else MAX_RANGE_KEY_BYTES
    if len(encode_part(value)) > limit:
        word = "hashkey" if is_hash else "rangekey"
        raise make_invalid(
            f"{INVALID}Size of {word} has exceeded the maximum size limit of{limit} bytes"
        )


def _find_parts(
    schema: Sequence[Mapping[str, str]], types: Mapping[str, str]
) -> tuple[list[KeyPart], list[KeyPart]]:
    both: dict[str, list[KeyPart]] = {"HASH": [], "RANGE": []}
    for each in schema:
        name = each["AttributeName"]
        both[each["KeyType"]].append(KeyPart(name, types[name]))
    return both["HASH"], both["RANGE"]
