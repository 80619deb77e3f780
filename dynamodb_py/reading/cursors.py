"""Cursors: positions as text that fits into a URL, belongs to one query, and cannot be altered.

The text is base64url without padding. The bytes are: the version, whether the cursor is signed, sixteen bytes
of the query's digest, the length of the position, the position, and sixteen bytes of BLAKE2b over the rest.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Iterator, Sequence
from typing import Any, cast

import msgspec
from msgspec import Struct

from ..codec import as_sent, parse_decimal, to_json
from ..exceptions import ConfigurationError, InvalidCursor, QueryError
from ..expressions import Condition, Path, Size, Unexpired, Value
from ..operations.base import Wire
from ..planning.plan import Plan
from .keys import Wires
from .positions import Mark, Position

VERSION = 1
LONGEST = 1 << 20
"""The maximum of a cursor's characters; the cursor of an ordinary query has about a hundred."""

_DIGEST = 16
_HEAD = 2 + _DIGEST + 4
_CHECK = 16
_PERSON = b"dynamodb_py page"

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_PLAIN = bytes.maketrans(b"-_", b"+/")
_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([Ee][+-]?[0-9]+)?")

# A text is a str, a number is its text in a tuple, and bytes are their wire (attribute value).
_Leaf = str | tuple[str] | dict[str, bytes]


class _Lane(Struct, array_like=True, forbid_unknown_fields=True, omit_defaults=True):
    request: int = 0
    after: list[_Leaf] | None = None
    run: tuple[int, list[_Leaf] | None] | None = None


class _Body(Struct, array_like=True, forbid_unknown_fields=True, omit_defaults=True):
    lanes: list[_Lane] = []
    used: int = 0
    value: list[_Leaf] = []
    backward: bool = False


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(_Body).decode


def encode(
    position: Position, digest: bytes, key: bytes | None = None, *, backward: bool | None = None
) -> str:
    """Return the cursor of *position*, which belongs to the query with *digest*.

    :param key: signs the cursor; None: it is not signed.
    :param backward: whether it belongs to the opposite direction of the query; by default, as the position.
    :raises QueryError: the cursor would be over 1 MB.

    >>> encode(Position(used=3), b"the query")
    'AQDvzJCHnxl_Sm4XBTaN00qLAAAABZSQA5DCIjON_mfOoJbrFkvHkg3Lsg'
    """
    if backward is None:
        backward = position.backward
    lanes, value = list(map(_pack_mark, position.lanes)), _pack_wires(position.value) or []
    body = _pack(_Body(lanes, position.used, value, backward))
    short = _blake2b(digest, _DIGEST)
    head = bytes((VERSION, key is not None)) + short + len(body).to_bytes(4, "big")
    data = head + body
    data += _check(data, key)
    text = b2a_base64(data, newline=False).translate(_URL_SAFE).rstrip(b"=").decode()
    if len(text) > LONGEST:
        raise QueryError(
            f"the cursor would be {len(text)} characters long: the query has {len(position.lanes)} "
            "parts that are merged; split it into several queries"
        )
    return text


def decode(text: str, digest: bytes, key: bytes | None = None) -> Position:
    """Return the position of the cursor *text*, which :func:`encode` created.

    :raises InvalidCursor: *text* was cut short, altered, made for another query, or not signed with
        *key*; the message has the reason.

    >>> decode(encode(Position(used=3), b"the query"), b"the query").used
    3
    """
    data, canonical = _decode_text(text)
    head, body, check = data[:_HEAD], data[_HEAD:-_CHECK], data[-_CHECK:]
    if head[0] != VERSION or head[1] > 1:
        raise _make_error("it was altered, or made by another version of dynamodb_py")
    length = int.from_bytes(head[-4:], "big")
    if length != len(body):
        short = len(body) < length
        raise _make_error("it was cut short" if short else "text was appended to it")
    if not canonical:  # base64 has several forms of some data
        raise _make_error("it was altered")
    if key is None and head[1]:
        raise _make_error("it is signed, and this connection has no cursor_key to check it with")
    if key is not None and not head[1]:
        raise _make_error("it is not signed, and this connection has a cursor_key")
    from hmac import compare_digest  # loaded by processes with pages only

    if not compare_digest(check, _check(head + body, key)):
        signed = "" if key is None else ", or signed with another key"
        raise _make_error(f"it was altered{signed}")
    if head[2:-4] != _blake2b(digest, _DIGEST):
        raise _make_error("it was made for another query")
    return _decode_position(body)


def _make_error(reason: str) -> InvalidCursor:
    return InvalidCursor(f"this cursor cannot be used: {reason}; begin again without it")


def _decode_text(text: object) -> tuple[bytes, bool]:
    """Return the data of *text*, and whether *text* is its canonical form."""
    if not isinstance(text, str):
        raise _make_error(f"it is a {type(text).__name__}, and a cursor is a text")
    if len(text) > LONGEST:
        raise _make_error(f"it is {len(text)} characters long, and the maximum is {LONGEST}")
    if not _ALPHABET.issuperset(text):
        raise _make_error("it has characters that no cursor has")
    plain = text.encode().translate(_PLAIN)
    try:
        data = a2b_base64(plain + b"=" * (-len(plain) % 4))
    except Error:
        raise _make_error("it was cut short") from None
    if len(data) < _HEAD + _CHECK:
        raise _make_error("it was cut short")
    return data, b2a_base64(data, newline=False).rstrip(b"=") == plain


def _decode_position(body: bytes) -> Position:
    try:
        read = _unpack(body)
        lanes = tuple(map(_unpack_lane, read.lanes))
        return Position(lanes, read.used, _unpack_wires(read.value) or (), read.backward)
    except (msgspec.DecodeError, ValueError):
        raise _make_error("it was not made by dynamodb_py") from None


def _pack_mark(mark: Mark) -> _Lane:
    run = None if mark.run is None else (mark.run[0], _pack_wires(mark.run[1]))
    return _Lane(mark.request, _pack_wires(mark.after), run)


def _unpack_lane(lane: _Lane) -> Mark:
    run = None if lane.run is None else (lane.run[0], _unpack_wires(lane.run[1]))
    return Mark(lane.request, _unpack_wires(lane.after), run)


def _pack_wires(wires: Wires | None) -> list[_Leaf] | None:
    return None if wires is None else [_to_leaf(as_sent(wire)) for wire in wires]


def _to_leaf(wire: Wire) -> _Leaf:
    ((kind, value),) = wire.items()
    return wire if kind == "B" else (value,) if kind == "N" else value


def _unpack_wires(leaves: list[_Leaf] | None) -> Wires | None:
    return None if leaves is None else tuple(map(_to_wire, leaves))


def _to_wire(leaf: _Leaf) -> Wire:
    if isinstance(leaf, str):
        return {"S": leaf}
    if isinstance(leaf, tuple):
        if _NUMBER.fullmatch(leaf[0]) is None:
            raise ValueError(leaf)
        parse_decimal(leaf[0])
        return {"N": leaf[0]}
    if leaf.keys() != {"B"}:
        raise ValueError(leaf)
    return leaf


def _blake2b(data: bytes, size: int, key: bytes = b"") -> bytes:
    from hashlib import blake2b  # loaded by processes with pages only

    if len(key) > blake2b.MAX_KEY_SIZE:
        key = blake2b(key).digest()
    return blake2b(data, digest_size=size, key=key, person=_PERSON).digest()


def _check(data: bytes, key: bytes | None) -> bytes:
    if key is not None and not key:
        raise ConfigurationError("cursor_key is empty: give some secret bytes")
    return _blake2b(data, _CHECK, key or b"")


def hash_query(plan: Plan) -> bytes:
    """Return a digest of the query of *plan*, which is the same in every process.

    The projection, the page size and the limit do not change it.
    """
    parts = [
        plan.kind,
        plan.table,
        plan.index,
        [[each.name, each.type] for each in (*plan.order, *plan.position)],
        len(plan.order),
        plan.forward,
        plan.distinct,
        [len(lane.requests) for lane in plan.lanes],
        len(plan.keys),
        # Sorted, as the order of the terms of an AND does not matter.
        sorted((list(_spell_condition(term)) for term in plan.condition.conjuncts), key=to_json),
    ]
    return _blake2b(to_json(parts), _DIGEST)


def hash_statement(statement: str, parameters: Sequence[Wire]) -> bytes:
    """Return the digest of a PartiQL statement with its parameters."""
    return _blake2b(to_json(["PartiQL", statement, list(map(_sort_sets, parameters))]), _DIGEST)


def _spell_condition(condition: Condition) -> Iterator[Any]:
    """Yield the content of *condition*, node by node, each with the number of its terms."""
    if isinstance(condition, Unexpired):
        yield ["Unexpired", *(list(path.parts) for path in condition.paths())]
        return  # the current time is another one for each page
    for node in condition._nodes():
        yield [type(node).__name__, len(node._children())]
        for name in node.__struct_fields__:
            yield from _spell_field(getattr(node, name))


def _spell_field(part: object) -> Iterator[Any]:
    if isinstance(part, Condition):
        return
    if isinstance(part, tuple):
        for each in cast("tuple[object, ...]", part):
            yield from _spell_field(each)
    elif isinstance(part, Path):
        yield ["path", *part.parts]
    elif isinstance(part, Size):
        yield ["size", *part.path.parts]
    elif isinstance(part, Value):
        yield ["value", _sort_sets(part.wire)]
    else:
        yield part


def _sort_sets(wire: Any) -> Any:
    """Return *wire* with sorted sets."""
    if isinstance(wire, dict):
        members = cast("dict[str, Any]", wire)
        return {
            name: sorted(each) if name in ("SS", "NS", "BS") else _sort_sets(each)
            for name, each in sorted(members.items())
        }
    if isinstance(wire, list):
        return [_sort_sets(each) for each in cast("list[Any]", wire)]
    return wire
