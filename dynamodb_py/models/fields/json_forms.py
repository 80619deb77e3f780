"""The JSON forms of attribute values, by their kind, and of free values, whose type no field declares.

JSON has no bytes, no sets and no exact decimals. A field knows its type; a free value has a tag for it:

>>> form_free({"raw": b"hi", "tags": {"x"}, "exact": Decimal("0.10")})
{'raw': {'$bytes': 'aGk='}, 'tags': {'$set': ['x']}, 'exact': {'$number': '0.10'}}
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any, Literal, cast

from msgspec import Struct

from ...codec import (
    EXACT,
    Unstorable,
    decode,
    encode_value,
    format_decimal,
    format_float,
    format_integer,
    parse_decimal,
    parse_number,
)
from ...operations.base import Wire

KINDS = ("S", "N", "B", "BOOL", "M", "L", "SS", "NS", "BS")
"""DynamoDB's types of attributes, without NULL."""
KEY_KINDS = frozenset({"S", "N", "B"})


class Reading(Struct, frozen=True):
    """How values are read from dicts."""

    json: bool = False
    """Whether they are values of JSON; otherwise they have the types of their fields."""
    strict: bool = False
    """Whether everything is checked, unknown names too."""
    typed: bool = False
    """Whether values with the types of their fields are accepted besides those of JSON."""

    @property
    def mode(self) -> Literal["python", "json", "any"]:
        """The argument of ``from_dict()``."""
        return "any" if self.typed else "json" if self.json else "python"

    def takes(self, value: Any) -> bool:
        """Tell whether *value*, which is not the JSON form of its field, may have the field's own type."""
        return self.typed and type(value) not in _JSON_TYPES


_JSON_TYPES = frozenset({str, int, float, bool, list, dict})
PLAINLY = Reading()


def form_free(value: Any) -> Any:
    """Return the JSON form of a free value that can be stored."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Decimal):
        return {"$number": EXACT.to_sci_string(value)}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"$bytes": form_bytes(bytes(cast("bytes", value)))}
    if isinstance(value, AbstractSet):
        return {"$set": sort_forms([form_free(each) for each in cast("AbstractSet[Any]", value)])}
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        formed = {key: form_free(each) for key, each in members.items()}
        return {"$map": formed} if _has_tag(formed) else formed
    return [form_free(each) for each in value]


def read_free(form: Any) -> Any:
    """Return the free value of a JSON form; raise :class:`Unstorable` for a tag with wrong content.

    >>> read_free({"$bytes": "aGk="}), read_free({"$map": {"$bytes": 1}})
    (b'hi', {'$bytes': 1})
    """
    if isinstance(form, list):
        return [read_free(each) for each in cast("list[Any]", form)]
    if not isinstance(form, dict):
        return form
    members = cast("dict[str, Any]", form)
    if not _has_tag(members):
        return {key: read_free(each) for key, each in members.items()}
    [(tag, content)] = members.items()
    try:
        if tag == "$map":
            return {key: read_free(each) for key, each in content.items()}
        if tag == "$set":
            return {read_free(each) for each in as_list(content)}
        return parse_decimal(content) if tag == "$number" else read_bytes(content)
    except (TypeError, ValueError, AttributeError) as error:
        raise Unstorable(f"{form!r} is not a valid {tag}: {error}") from None


_TAGS = frozenset({"$bytes", "$map", "$number", "$set"})


def _has_tag(members: Mapping[str, Any]) -> bool:
    return len(members) == 1 and not _TAGS.isdisjoint(members)


def form_wire(wire: Wire) -> Any:
    """Return the JSON form of an attribute value: its text, number, truth value, base64 or list."""
    [(kind, stored)] = wire.items()
    if kind in ("S", "BOOL"):
        return stored
    if kind == "N":
        return form_number(stored)
    if kind == "B":
        return form_bytes(stored)
    if kind == "NULL":
        return None
    if kind in ("SS", "NS", "BS"):
        return [form_wire({kind[0]: each}) for each in stored]
    return form_free(decode(wire))


def read_wire(kind: str, form: Any) -> Wire:
    """Return the attribute value of *kind* for its JSON form; raise TypeError or ValueError for other forms."""
    if kind in ("S", "BOOL"):
        if type(form) is not (str if kind == "S" else bool):
            raise TypeError(f"a {'text' if kind == 'S' else 'truth value'} was expected")
        return {kind: form}
    if kind == "N":
        return {"N": read_number(form)}
    if kind == "B":
        return {"B": read_bytes(form)}
    if kind in ("SS", "NS", "BS"):
        return {kind: [read_wire(kind[0], each)[kind[0]] for each in as_list(form)]}
    return encode_value(read_free(form))


def form_number(text: str) -> int | float | str:
    """Return the JSON form of a stored number: text if a float would not be exact."""
    number = parse_number(text)
    return text if isinstance(number, Decimal) else number


def read_number(form: Any) -> str:
    """Return the text that is stored for a number, which *form* may have as text."""
    if isinstance(form, str):
        return format_decimal(parse_decimal(form))
    if isinstance(form, bool) or not isinstance(form, (int, float)):
        raise TypeError("a number was expected")
    return format_float(form) if isinstance(form, float) else format_integer(form)


def form_bytes(content: bytes) -> str:
    """Return *content* in base64."""
    return b64encode(content).decode()


def read_bytes(form: Any) -> bytes:
    """Return the bytes of a base64 text; raise TypeError or ValueError for anything else."""
    if not isinstance(form, str):
        raise TypeError("a text in base64 was expected")
    return b64decode(form, validate=True)


def as_list(form: Any) -> Sequence[Any]:
    """Return *form*; raise TypeError if it is not a list."""
    if not isinstance(form, list):
        raise TypeError("a list was expected")
    return cast("list[Any]", form)


def sort_forms(forms: list[Any]) -> list[Any]:
    """Return the elements of a set in an order that does not change: numbers, then texts."""
    return sorted(forms, key=_order_form)


def _order_form(form: Any) -> tuple[bool, bool, Any]:
    tagged, text = isinstance(form, dict), isinstance(form, str)
    return tagged, text, repr(form) if tagged else form
