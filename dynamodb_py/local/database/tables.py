"""A table and its indexes: their keys, and the entry of an item in each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ...limits import MAX_HASH_KEY_BYTES, MAX_RANGE_KEY_BYTES
from .errors import INVALID, EmptyKeyError, make_invalid
from .keys import encode_key, encode_part, hash_key
from .values import Item, Value


class Key(NamedTuple):
    """Where an item is in a table or index: the place of its hash key, and both keys as bytes."""

    place: int
    hash: bytes
    range: bytes


class Range(NamedTuple):
    """What is read: one hash key with a range of range keys, the items of some places, or all."""

    hashed: bytes | None = None
    low: bytes = b""
    high: bytes | None = None
    """Where range keys end, which is not part of the range; None for no end."""
    places: tuple[int, int] | None = None
    """The first and the last place, or None for all."""
    backward: bool = False

    def check_start(self, key: Key) -> None:
        """Raise a ValidationException unless a page of the range may begin behind *key*."""
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
    """What a table and an index have in common: a hash key and a range key of some parts."""

    def __init__(self, hash_parts: Sequence[KeyPart], range_parts: Sequence[KeyPart]) -> None:
        self.hash_parts, self.range_parts = tuple(hash_parts), tuple(range_parts)
        self.parts = (*self.hash_parts, *self.range_parts)
        self.names = tuple(part.name for part in self.parts)

    def find_key(self, item: Mapping[str, Value]) -> Key | None:
        """Return the key of an item that was checked, or None if it lacks a part."""
        found = [item.get(name) for name in self.names]
        if None in found:
            return None
        values: list[Any] = found
        middle = len(self.hash_parts)
        hashed = encode_key(values[:middle])
        ranged = encode_key(values[middle:]) if self.range_parts else b""
        return Key(hash_key(hashed), hashed, ranged)


class Index(Keyed):
    """An index of a table: *number* names its place in the store."""

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
        """The names of all attributes that it has, keys of the table among them; None for ALL."""

    def find_key(self, item: Mapping[str, Value]) -> Key | None:
        """Return the key of an item, or None if it lacks a part, or has one that cannot be a key.

        Such an item may be older than the index.
        """
        for name, kind in self.parts:
            value = item.get(name)
            if value is None or not value.get(kind):
                return None
        return super().find_key(item)

    def project(self, item: Item) -> Item:
        """Return what the index has of an item."""
        names = self.projected
        if names is None:
            return item
        return {name: value for name, value in item.items() if name in names}


class Table(Keyed):
    """A table as the store has it: *number* names its place, *description* is that of the API."""

    def __init__(self, name: str, number: int, description: dict[str, Any]) -> None:
        types = {
            each["AttributeName"]: each["AttributeType"]
            for each in description["AttributeDefinitions"]
        }
        super().__init__(*_find_parts(description["KeySchema"], types))
        self.name, self.number, self.description = name, number, description
        expiry: dict[str, Any] = description.get("TimeToLive") or {}
        self.expires_by: str | None = expiry.get("AttributeName")
        """The attribute with the moment when an item expires, if TTL is enabled."""
        self.measures: Any = None
        """What was last counted of it, by those who describe it."""
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
        """Return the place of a key whose values were checked; raise a ValidationException.

        It must have the attributes of the key, of their types, and no others.
        """
        if len(key) != len(self.names):
            raise make_invalid("The provided key element does not match the schema")
        for name, kind in self.parts:
            if name not in key or kind not in key[name]:
                raise make_invalid("The provided key element does not match the schema")
        return self._check_lengths(key)

    def check_new(self, item: Item) -> Key:
        """Return the place of an item to be stored, after checking its keys and those of indexes."""
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
        """Return when an item expires, in seconds since 1970; None unless it has such a number."""
        text = item.get(self.expires_by or "", {}).get("N")
        if text is None or len(text) > _MAX_EXPIRY_DIGITS:
            return None
        return int(text.partition(".")[0])

    def check_scalars(self, nested: Collection[str]) -> None:
        """Raise a ValidationException if a key of the table or an index is taken for a list or map.

        :param nested: the attributes that the paths of a request lead into.
        """
        for kind, keyed in (("Key", self), *(("IndexKey", each) for each in self.indexes.values())):
            for name in keyed.names:
                if name in nested:
                    raise make_invalid(
                        "Key attributes must be scalars; list random access '[]' and map lookup '.' "
                        f"are not allowed: {kind}: {name}"
                    )

    def check_index_keys(self, item: Item) -> None:
        """Raise a ValidationException for an attribute that cannot be the key of an index."""
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
