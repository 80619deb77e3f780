"""The schemas by which pydantic validates and serializes models and documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

from pydantic_core import (
    InitErrorDetails,
    PydanticCustomError,
    ValidationError,
    to_jsonable_python,
)
from pydantic_core.core_schema import (
    CoreSchema,
    SerializationInfo,
    no_info_plain_validator_function,
    plain_serializer_function_ser_schema,
)

from ... import exceptions
from .json_schema import describe_record
from .problems import Problem, list_problems


def make_record_schema(kind: type[Any]) -> CoreSchema:
    """Return the schema of a model or document class: it accepts instances, and dicts of JSON values.

    Raises TypeError for an abstract model.
    """
    if not hasattr(kind, "_kinds") and "_meta" not in kind.__dict__:
        raise TypeError(f"{kind.__name__} is abstract: give pydantic one of its subclasses")
    return no_info_plain_validator_function(
        name_reader(partial(_read_record, kind), kind.__name__),
        ref=f"{kind.__module__}.{kind.__qualname__}:{id(kind)}",
        metadata={"pydantic_js_functions": [partial(describe_record, kind, make_record_schema)]},
        serialization=plain_serializer_function_ser_schema(
            _write_record,
            info_arg=True,
            when_used="json",
        ),
    )


def name_reader(read: Callable[[Any], Any], name: str) -> Callable[[Any], Any]:
    """Return a wrapper of *read* with the name that pydantic's messages show."""

    def named(given: Any) -> Any:
        return read(given)

    named.__name__ = named.__qualname__ = name
    return named


def _write_record(record: Any, info: SerializationInfo) -> Any:
    """Return the values by field name, without those that the options of pydantic exclude."""
    values = record.to_dict(mode="json")
    if info.exclude_none:
        values = {name: value for name, value in values.items() if value is not None}
    include: Any = info.include
    exclude: Any = info.exclude
    return to_jsonable_python(values, include=include, exclude=exclude)


def _read_record(kind: type[Any], given: Any) -> Any:
    if isinstance(given, kind):
        return given
    if not isinstance(given, Mapping):
        raise ValidationError.from_exception_data(
            kind.__name__, [InitErrorDetails(type="dict_type", input=given)]
        )
    try:
        return kind.from_dict(given, mode="any", strict=True)
    except exceptions.ValidationError as error:
        raise make_error(kind.__name__, list_problems(error, given)) from None


def make_error(title: str, problems: list[Problem]) -> ValidationError:
    """Return pydantic's ValidationError with each problem at its path."""
    return ValidationError.from_exception_data(title, [*map(_describe_problem, problems)])


def _describe_problem(problem: Problem) -> InitErrorDetails:
    kind: Any = problem.kind
    if kind == "value_error":
        # A custom error fills in braces only from a context, and this one has none.
        kind = PydanticCustomError(kind, cast("Any", problem.message))
    return InitErrorDetails(type=kind, loc=problem.path, input=problem.value)
