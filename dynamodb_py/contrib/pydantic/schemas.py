"""How pydantic validates and writes models, documents and the values of fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError
from pydantic_core.core_schema import (
    CoreSchema,
    SerializationInfo,
    no_info_plain_validator_function,
    plain_serializer_function_ser_schema,
)

from ... import exceptions
from ...codec import Unstorable
from ...models.fields.base import AnyField
from ...models.fields.json_forms import Reading
from ...models.records.checks import Errors, check_value, encode_value
from ..problems import Problem, list_problems
from .describing import describe_field, describe_record

_EITHER = Reading(json=True, strict=True, typed=True)


class Recordlike(Protocol):
    """A model or a document."""

    def to_dict(self, *, mode: str) -> dict[str, Any]: ...
    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, mode: str, strict: bool) -> Any: ...


K = TypeVar("K", bound=Recordlike)


def make_record_schema(kind: type[Any]) -> CoreSchema:
    """Return the schema of a class of models or documents: their instances, and dicts as JSON has them."""
    return no_info_plain_validator_function(
        _name(partial(_read_record, kind), kind.__name__),
        ref=f"{kind.__module__}.{kind.__qualname__}:{id(kind)}",
        metadata={"pydantic_js_functions": [partial(describe_record, kind, make_record_schema)]},
        serialization=plain_serializer_function_ser_schema(
            _write_record,
            info_arg=True,
            when_used="json",
        ),
    )


def make_field_schema(field: AnyField, *, patch: bool) -> CoreSchema:
    """Return the schema of the values of a field; in a *patch* it has no default."""
    describe = partial(describe_field, field, make_record_schema, with_default=not patch)
    return no_info_plain_validator_function(
        _name(partial(_read_value, field), field.label),
        metadata={"pydantic_js_functions": [lambda _, handler: describe(handler)]},
        serialization=plain_serializer_function_ser_schema(
            field.to_json, when_used="json-unless-none"
        ),
    )


def _name(read: Callable[[Any], Any], name: str) -> Callable[[Any], Any]:
    """Return a function that does what *read* does, which pydantic's messages call *name*."""

    def named(given: Any) -> Any:
        return read(given)

    named.__name__ = named.__qualname__ = name
    return named


def _write_record(record: Recordlike, info: SerializationInfo) -> dict[str, Any]:
    """Return the values that ``include=``, ``exclude=`` and ``exclude_none=`` leave, by the names of fields."""
    include, exclude = info.include, info.exclude or ()
    return {
        name: value
        for name, value in record.to_dict(mode="json").items()
        if (include is None or name in include)
        and name not in exclude
        and not (info.exclude_none and value is None)
    }


def _read_record(kind: type[K], given: Any) -> K:
    if isinstance(given, kind):
        return given
    if not isinstance(given, Mapping):
        raise ValidationError.from_exception_data(
            kind.__name__, [InitErrorDetails(type="dict_type", input=given)]
        )
    try:
        return cast("K", kind.from_dict(cast("Any", given), mode="any", strict=True))
    except exceptions.ValidationError as error:
        raise make_error(kind.__name__, list_problems(error, given)) from None


def _read_value(field: AnyField, given: Any) -> Any:
    """Return the value of a field for its form in JSON, or for a value of its type."""
    errors: Errors = {}
    value = given
    try:
        value = field.from_plain(given, _EITHER)
        wire = encode_value(field, value, errors)
        check_value(field, value, wire, errors, validate=True)
    except Unstorable as error:
        errors = error.errors(field.name)
    except RecursionError:
        errors = {field.name: ["it is nested too deeply"]}
    if errors:
        name = field.name
        found = list_problems(exceptions.ValidationError(errors), {name: given})
        inner = [Problem(each.kind, each.path[1:], each.message, each.value) for each in found]
        raise make_error(field.label, inner)
    return value


def make_error(title: str, problems: list[Problem]) -> ValidationError:
    """Return pydantic's error, which has each problem at its path."""
    return ValidationError.from_exception_data(title, [*map(_describe_problem, problems)])


def _describe_problem(problem: Problem) -> InitErrorDetails:
    kind: Any = problem.kind
    if kind == "value_error":
        # Braces would be filled in from a context, if there were one.
        kind = PydanticCustomError(kind, cast("Any", problem.message))
    return InitErrorDetails(type=kind, loc=problem.path, input=problem.value)
