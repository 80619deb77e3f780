"""Pydantic models of some fields of a model, for the input and output of a service.

Pydantic accepts models and documents themselves as types, in ``TypeAdapter``, in the fields of pydantic's models and
in FastAPI:

>>> from pydantic import TypeAdapter
>>> from dynamodb_py import CharField, DecimalField, Model
>>> class Product(Model):
...     sku = CharField(hash_key=True, max_length=8)
...     price = DecimalField(places=2)
>>> adapter = TypeAdapter(Product)
>>> adapter.validate_json('{"sku": "a1", "price": "12.50"}')
Product(sku='a1', price=Decimal('12.50'))
>>> adapter.dump_json(Product(sku="a1")).decode()
'{"sku":"a1","price":null}'
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from msgspec import Struct
from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    create_model,
    model_validator,
)
from pydantic import Field as Described
from pydantic_core import CoreSchema
from pydantic_core.core_schema import (
    no_info_plain_validator_function,
    plain_serializer_function_ser_schema,
)

from ..codec import Unstorable
from ..exceptions import ValidationError
from ..models.fields.base import AnyField
from ..models.fields.json_forms import Reading
from ..models.interop.json_schema import (
    describe_field,
    find_key_names,
    find_kind,
    find_needed,
    list_read_only,
)
from ..models.interop.problems import Problem, list_problems
from ..models.interop.pydantic_schemas import make_error, make_record_schema, name_reader
from ..models.records.checks import Errors, check_value, encode_value
from ..models.records.record import Record

__all__ = ["pydantic_model"]

_EITHER = Reading(json=True, strict=True, typed=True)


class _Own(Struct, frozen=True):
    """A value that an instance already has, so nothing converts or checks it."""

    value: Any


class _ValueOf:
    """An annotation by which pydantic reads, writes and describes the values of a field."""

    def __init__(self, field: AnyField, *, patch: bool) -> None:
        self.field, self.patch = field, patch

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        field = self.field

        def describe(_: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
            return describe_field(field, make_record_schema, handler, with_default=not self.patch)

        return no_info_plain_validator_function(
            name_reader(self.read, field.label),
            metadata={"pydantic_js_functions": [describe]},
            serialization=plain_serializer_function_ser_schema(
                field.to_json, when_used="json-unless-none"
            ),
        )

    def read(self, given: Any) -> Any:
        """Convert *given*, in JSON's form or already of the field's type, to a value of the field."""
        if isinstance(given, _Own):
            return given.value
        field, value = self.field, given
        errors: Errors = {}
        try:
            value = field.from_plain(given, _EITHER)
            wire = encode_value(field, value, errors)
            check_value(field, value, wire, errors, validate=True)
        except Unstorable as error:
            errors = error.errors(field.name)
        except RecursionError:
            errors = {field.name: ["it is nested too deeply"]}
        if errors:
            found = list_problems(ValidationError(errors), {field.name: given})
            inner = [Problem(each.kind, each.path[1:], each.message, each.value) for each in found]
            raise make_error(field.label, inner)
        return value


def pydantic_model(
    model: type[Record],
    *,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    partial: bool = False,
    name: str | None = None,
) -> type[BaseModel]:
    """Return a pydantic model with fields of a model or of a document; it rejects all other names.

    Its values are values of the fields, so you can pass the result of ``model_dump()`` to ``create()``, ``update()``
    and constructors. ``model_validate()`` accepts an instance of *model* too.

    :param include: the names of the fields. By default all fields except those that set themselves (versions,
        ``auto_now``, ``auto_now_add``, computed fields, the discriminator), and, with *partial*, except the fields
        of the key, which cannot change.
    :param exclude: names to leave out of these.
    :param partial: True makes every field optional, for a patch: ``model_dump(exclude_unset=True)`` has only the
        fields that the client sent. A required field still rejects None.
    :param name: the name of the class; by default the model's name with ``Input`` or, with *partial*, ``Patch``.
    :raises TypeError: no field has one of the names, or a str is given instead of a list.

    >>> from dynamodb_py import CharField, IntegerField, Model, VersionField
    >>> class Player(Model):
    ...     name = CharField(hash_key=True)
    ...     points = IntegerField(default=0, min_value=0)
    ...     team = CharField()
    ...     version = VersionField()
    >>> pydantic_model(Player)(name="ann").model_dump()
    {'name': 'ann', 'points': 0, 'team': None}
    >>> pydantic_model(Player, partial=True)(points="7").model_dump(exclude_unset=True)
    {'points': 7}
    """
    fields = model._fieldset
    if not all(each.is_settled for each in fields.references.values()):
        model._settle_references()
        fields = model._fieldset
    names = _read_names(model, exclude, "exclude")
    if include is None:
        left_out = {*list_read_only(model), *names, *(find_kind(model) or ())[:1]}
        if partial:
            left_out |= find_key_names(model)
        chosen = [each.name for each in fields if each.name not in left_out]
    else:
        chosen = [each for each in _read_names(model, include, "include") if each not in names]
    needed = () if partial else find_needed(model)
    definitions: dict[str, Any] = {}
    for each in chosen:
        field = fields.by_name[each]
        kind = Annotated[Any, _ValueOf(field, patch=partial)]
        default = ... if each in needed else None
        if partial or default is ... or not _has_default(field):
            definitions[each] = kind, default
        else:
            definitions[each] = kind, Described(default_factory=field.make_default)

    def take_instance(given: Any) -> Any:
        if not isinstance(given, model):
            return given
        return {each: _Own(getattr(given, each)) for each in chosen}

    validators: dict[str, Any] = {"take_instance": model_validator(mode="before")(take_instance)}
    return create_model(
        name or f"{model.__name__}{'Patch' if partial else 'Input'}",
        __config__=ConfigDict(extra="forbid", protected_namespaces=()),
        __module__=model.__module__,
        __validators__=validators,
        **definitions,
    )


def _has_default(field: AnyField) -> bool:
    return not (field.has_constant_default and field.default is None)


def _read_names(model: type[Record], names: Iterable[str], option: str) -> list[str]:
    """Replace references in *names* by the fields of their keys; raise TypeError for unknown names."""
    if isinstance(names, str):
        raise TypeError(f"{option}={names!r}: give a list of names, [{names!r}]")
    found = model._fieldset.expand_references(names)
    if unknown := [each for each in found if each not in model._fieldset.by_name]:
        raise model._fieldset.make_unknown_error(unknown)
    return found
