"""How pydantic validates and writes models and documents."""

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
from .json_schema import describe_record
from .problems import Problem, list_problems


class Recordlike(Protocol):
    """A model or a document."""

    def to_dict(self, *, mode: str) -> dict[str, Any]: ...
    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, mode: str, strict: bool) -> Any: ...


K = TypeVar("K", bound=Recordlike)


def make_record_schema(kind: type[Any]) -> CoreSchema:
    """Return the schema of a class of models or documents: their instances, and dicts as JSON has them.

    Raises TypeError for an abstract model.
    """
    if not hasattr(kind, "_kinds") and "_meta" not in kind.__dict__:
        raise TypeError(f"{kind.__name__} is abstract: pydantic can read and write its subclasses")
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


def make_error(title: str, problems: list[Problem]) -> ValidationError:
    """Return pydantic's error, which has each problem at its path."""
    return ValidationError.from_exception_data(title, [*map(_describe_problem, problems)])


def _describe_problem(problem: Problem) -> InitErrorDetails:
    kind: Any = problem.kind
    if kind == "value_error":
        # Braces would be filled in from a context, if there were one.
        kind = PydanticCustomError(kind, cast("Any", problem.message))
    return InitErrorDetails(type=kind, loc=problem.path, input=problem.value)
