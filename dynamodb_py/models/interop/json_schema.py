"""JSON Schema of models, documents and fields, for clients.

https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from decimal import Decimal
from math import isfinite
from typing import Any, TypeAlias, cast

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema
from pydantic_core.core_schema import definition_reference_schema, definitions_schema

from ..fields.base import AnyField, Field
from ..fields.containers.composite import CompositeField
from ..fields.containers.compressed import CompressedField
from ..fields.containers.elements import Container
from ..fields.containers.embedded import EmbeddedField
from ..fields.containers.lists import ListField, SetField
from ..fields.containers.maps import DictField, MapField
from ..fields.ids import ULIDField, UUIDField
from ..fields.model_key import KeyOf
from ..fields.numbers import BooleanField, DecimalField, FloatField, IntegerField
from ..fields.text import BinaryField, CharField, EnumField
from ..fields.times.dates import DateField, TimeField
from ..fields.times.datetimes import DateTimeField, TimestampField
from ..fields.times.durations import TimeDeltaField
from ..fields.times.moments import AutoField
from ..fields.version import VersionField
from ..foreign_keys.field import ForeignKey
from ..validators import (
    EmailValidator,
    MaxLengthValidator,
    MaxValueValidator,
    MinLengthValidator,
    MinValueValidator,
    OneOfValidator,
    RegexValidator,
    URLValidator,
)

Schema: TypeAlias = "dict[str, Any]"
Make: TypeAlias = "Callable[[type[Any]], CoreSchema]"
"""A function that returns pydantic's schema of a model or document class."""

_BASE64 = {"type": "string", "contentEncoding": "base64"}
_TYPES: dict[type[AnyField], Schema] = {
    BooleanField: {"type": "boolean"},
    IntegerField: {"type": "integer"},
    FloatField: {"type": "number"},
    CharField: {"type": "string"},
    BinaryField: _BASE64,
    UUIDField: {"type": "string", "format": "uuid"},
    ULIDField: {"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"},
    DateTimeField: {"type": "string", "format": "date-time"},
    TimestampField: {"type": "string", "format": "date-time"},
    DateField: {"type": "string", "format": "date"},
    TimeField: {"type": "string", "format": "time"},
    TimeDeltaField: {"type": "string", "format": "duration"},
    ListField: {"type": "array"},
    DictField: {"type": "object"},
}
_KINDS: dict[str, Schema] = {
    "S": {"type": "string"},
    "N": {"type": ["number", "string"]},
    "B": _BASE64,
    "BOOL": {"type": "boolean"},
    "M": {"type": "object"},
    **{kind: {"type": "array"} for kind in ("L", "SS", "NS", "BS")},
}
"""The JSON Schema of fields that users define, by the attribute type of their values."""

_described: ContextVar[frozenset[type[Any]]] = ContextVar(
    "dynamodb_py.described", default=frozenset()
)
"""The classes that are being described: a class that contains itself is described once."""


def describe_record(
    kind: type[Any], make: Make, _: CoreSchema, handler: GetJsonSchemaHandler
) -> Schema:
    """Return the JSON Schema of a class; if it has subclasses by kind, that of any of them."""
    token = _described.set(_described.get() | {kind})
    try:
        below = [
            _describe_object(each, make, handler) if each is kind else _refer(each, make, handler)
            for each in _list_kinds(kind)
        ]
    finally:
        _described.reset(token)
    return below[0] if len(below) == 1 else {"title": kind.__name__, "anyOf": below}


def _refer(kind: type[Any], make: Make, handler: GetJsonSchemaHandler) -> Schema:
    """Return a reference to the JSON Schema of another class; the schema is added to the definitions."""
    schema: Any = make(kind)
    if kind in _described.get():
        return handler(definition_reference_schema(schema["ref"]))
    return handler(definitions_schema(schema, []))  # pydantic ignores the metadata of a bare schema


def _list_kinds(kind: type[Any]) -> list[type[Any]]:
    """Return the possible classes of a value of *kind*: itself, and its subclasses by discriminator."""
    if hasattr(kind, "_kinds"):
        classes: Iterable[type[Any]] = () if kind._kinds is None else kind._kinds.list_below(kind)
    else:
        own = kind._meta.kind
        classes = [] if own is None else own.hierarchy.classes.values()
    return [each for each in classes if issubclass(each, kind)] or [kind]


def _describe_object(kind: type[Any], make: Make, handler: GetJsonSchemaHandler) -> Schema:
    if not all(each.is_settled for each in kind._fieldset.references.values()):
        kind._settle_references()
    needed = find_needed(kind)
    described = {each.name: describe_field(each, make, handler) for each in kind._fieldset}
    for name in list_read_only(kind):
        described[name]["readOnly"] = True
    if (constant := find_kind(kind)) is not None:
        described[constant[0]] = {"const": constant[1]}
    found: Schema = {
        "title": kind.__name__,
        "type": "object",
        "properties": described,
        "additionalProperties": False,
    }
    if kind.__dict__.get("__doc__"):
        found["description"] = inspect.cleandoc(kind.__doc__ or "")
    if needed:
        found["required"] = needed
    return found


def find_kind(kind: type[Any]) -> tuple[str, str] | None:
    """Return the name of a class's discriminator, and the class's value of it; None if it has none."""
    if hasattr(kind, "_kinds"):
        return None if kind._kinds is None else (kind._kinds.name, kind._kind)
    own = kind._meta.kind
    return None if own is None else (own.field.name, own.value)


def find_needed(kind: type[Any]) -> list[str]:
    """Return the names of the fields that a new item needs."""
    made, keys = _find_computed(kind), find_key_names(kind)
    fields: Iterable[AnyField] = kind._fieldset
    return [
        field.name
        for field in fields
        if (field.name in keys or field.required)
        and field.default is None
        and field.name not in made
        and not field.stamps
    ]


def find_key_names(kind: type[Any]) -> set[str]:
    """Return the names of the fields that cannot change: those of the key, and the parts of computed keys."""
    fields: Iterable[AnyField] = kind._fieldset
    made = [each for each in _find_computed(kind).values() if each.field.is_key]
    parts = {part.name for each in made for part in each.parts}
    return parts | {field.name for field in fields if field.is_key}


def list_read_only(kind: type[Any]) -> list[str]:
    """Return the names of the fields that set themselves: computed ones, versions, ``auto_now``."""
    fields: Mapping[str, AnyField] = kind._fieldset.by_name
    return [
        name
        for name, field in fields.items()
        if name in _find_computed(kind)
        or isinstance(field, VersionField)
        or (isinstance(field, AutoField) and field.stamps_itself())
    ]


def _find_computed(kind: type[Any]) -> Mapping[str, Any]:
    computed = kind._fieldset.computed
    found: Mapping[str, Any] = {} if computed is None else computed.by_name
    return found


def describe_field(
    field: AnyField, make: Make, handler: GetJsonSchemaHandler, *, with_default: bool = True
) -> Schema:
    """Return the JSON Schema of a field's values; it includes null if the field may be None."""
    found = _describe_value(field, make, handler)
    if not (field.is_key or field.required):
        found = {"anyOf": [found, {"type": "null"}]}
    if with_default and field.default is not None and not callable(field.default):
        found["default"] = field.to_json(field.default)
    return found


def _describe_value(field: AnyField, make: Make, handler: GetJsonSchemaHandler) -> Schema:
    found = dict(_describe_type(field, make, handler))
    if field.choices is not None:
        found["enum"] = [field.to_json(each) for each in field.choices]
    bounds = [
        (MinValueValidator, field.min_value),
        (MaxValueValidator, field.max_value),
        (MinLengthValidator, 1 if found == _TYPES[CharField] and field.is_key else None),
        (MinLengthValidator, field.min_length),
        (MaxLengthValidator, field.max_length),
    ]
    for kind, limit in [*bounds, *((type(v), v) for v in field.validators)]:
        for each in found.get("anyOf", [found]):
            each.update(_describe_limit(kind, limit, each, field))
    return found


def _describe_limit(kind: type[Any], limit: Any, schema: Schema, field: AnyField) -> Schema:
    """Return the keywords that a validator adds to *schema*; none if JSON Schema has no such keyword."""
    limit = getattr(limit, "limit_value", limit)
    number = schema.get("type") in ("integer", "number")
    if isinstance(limit, (int, float, Decimal)) and isfinite(limit):
        exact = int(limit) if limit == int(limit) else float(limit)
        if kind in (MinValueValidator, MaxValueValidator):
            word = "minimum" if kind is MinValueValidator else "maximum"
            return {word: exact} if number else {}
        size = {"string": "Length", "array": "Items", "object": "Properties"}.get(
            str(schema.get("type"))
        )
        if kind in (MinLengthValidator, MaxLengthValidator) and size and field.kind != "B":
            return {f"{'min' if kind is MinLengthValidator else 'max'}{size}": exact}
    if isinstance(limit, RegexValidator):
        return _describe_pattern(limit)
    if isinstance(limit, OneOfValidator):
        return {"enum": [field.to_json(each) for each in limit.choices]}
    if isinstance(limit, EmailValidator):
        return {"format": "email"}
    return {"format": "uri"} if isinstance(limit, URLValidator) else {}


def _describe_pattern(validator: RegexValidator) -> Schema:
    r"""Return the pattern if it means the same in JavaScript, which has no ``\A``, no ``\Z`` and no inline flags."""
    text = validator.regex.pattern
    if text.startswith(r"\A"):
        text = f"^{text[2:]}"
    if text.endswith(r"\Z"):
        text = f"{text[:-2]}$"
    own = any(each in text for each in (r"\A", r"\Z", "(?"))
    flags = validator.regex.flags & ~32  # re.UNICODE, which every text pattern has
    return {} if own or flags or validator.inverse_match else {"pattern": text}


def _describe_type(field: AnyField, make: Make, handler: GetJsonSchemaHandler) -> Schema:
    """Return the JSON Schema of the type of a field's values."""
    if isinstance(field, EmbeddedField):
        return _refer(field.document, make, handler)
    if isinstance(field, ForeignKey):
        return _describe_type(field.get_key_field(), make, handler)
    if isinstance(field, KeyOf):
        return _describe_key(field, make, handler)
    if isinstance(field, DecimalField):
        text = {"type": "string", "format": "decimal"}
        return text if handler.mode == "serialization" else {"anyOf": [{"type": "number"}, text]}
    if isinstance(field, EnumField):
        return {"type": "string", "enum": list(field.members)}
    if isinstance(field, (DateField, DateTimeField)) and field.time_format is not None:
        return {"type": "string"}
    if isinstance(field, MapField):
        members = {
            name: _describe_element(each, make, handler) for name, each in field.schema.items()
        }
        return {"type": "object", "properties": members}
    composed = (Container, CompositeField, CompressedField)
    if isinstance(field, composed) and field.inner is not None:
        return _describe_container(field, _describe_element(field.inner, make, handler))
    if isinstance(field, CompressedField):
        return {}
    kind: Any = type(field)
    for each in kind.__mro__:
        if each in _TYPES and kind.to_json is each.to_json:
            return _TYPES[each]
    return _KINDS[field.kind] if kind.to_json is cast("Any", Field).to_json else {}


def _describe_container(field: AnyField, element: Schema) -> Schema:
    if isinstance(field, SetField):
        return {"type": "array", "items": element, "uniqueItems": True}
    if isinstance(field, ListField):
        return {"type": "array", "items": element}
    if isinstance(field, DictField):
        return {"type": "object", "additionalProperties": element}
    return element  # compressed, or merged


def _describe_element(field: AnyField, make: Make, handler: GetJsonSchemaHandler) -> Schema:
    found = _describe_value(field, make, handler)
    return {"anyOf": [found, {"type": "null"}]} if field.null else found


def _describe_key(field: KeyOf, make: Make, handler: GetJsonSchemaHandler) -> Schema:
    """Return the JSON Schema of a reference: that of the hash key, or an object of both keys."""
    keys = {each.name: _describe_value(each, make, handler) for each in field.model._meta.keys}
    if len(keys) == 1:
        return next(iter(keys.values()))
    return {
        "type": "object",
        "properties": keys,
        "required": list(keys),
        "additionalProperties": False,
    }
