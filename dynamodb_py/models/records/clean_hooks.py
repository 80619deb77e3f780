"""The ``clean_<field>`` methods of a class, and its ``clean()``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

from msgspec import Struct

from ...exceptions import ModelDefinitionError
from ..fields.base import AnyField, Field
from ..fields.containers.compressed import CompressedField
from ..fields.containers.embedded import EmbeddedField
from ..fields.containers.lists import ListField
from ..fields.containers.maps import DictField, MapField

PREFIX = "clean_"


class CleanHooks(Struct, frozen=True):
    """The methods of one class that clean its values; found once for each class."""

    hooks: dict[str, str]
    """The method ``clean_<field>`` of each field that has one."""
    has_clean: bool
    """Whether the class has a ``clean()``."""
    nested: frozenset[str]
    """The fields that may hold documents with such methods."""
    is_empty: bool
    """Whether there is nothing to call."""

    @classmethod
    def of(cls, kind: type[Any]) -> CleanHooks:
        """Return the methods of *kind*."""
        hooks, whole = _find_hooks(kind), has_clean(kind)
        nested = frozenset(each.name for each in kind._fieldset if _has_hooks_inside(each, {kind}))
        return cls(hooks, whole, nested, not (hooks or whole or nested))


def _find_hooks(kind: type[Any]) -> dict[str, str]:
    found = {field.name: PREFIX + field.name for field in kind._fieldset}
    return {
        name: hook
        for name, hook in found.items()
        if callable(method := getattr(kind, hook, None)) and not isinstance(method, Field)
    }


def _has_hooks_inside(field: AnyField, seen: set[type]) -> bool:
    """Tell whether a value of *field* may hold documents with hooks."""
    return any(_has_hooks(document, seen) for document in _find_documents(field))


def _has_hooks(document: Any, seen: set[type]) -> bool:
    if document in seen:
        return False
    seen.add(document)
    return bool(
        _find_hooks(document)
        or has_clean(document)
        or any(_has_hooks_inside(field, seen) for field in document._fieldset)
        # A value may be an instance of a subclass.
        or any(_has_hooks(each, seen) for each in document.__subclasses__())
    )


def _find_documents(field: AnyField) -> Iterator[type]:
    """Yield the classes of the documents that *field* declares."""
    if isinstance(field, EmbeddedField):
        yield field.document
    elif isinstance(field, MapField):
        for member in field.schema.values():
            yield from _find_documents(member)
    elif isinstance(field, (ListField, DictField, CompressedField)) and field.inner is not None:
        yield from _find_documents(field.inner)


# -- checking the class --------------------------------------------------------------------------
def check_hooks(kind: type, fields: Mapping[str, AnyField], implied: frozenset[str]) -> None:
    """Raise ModelDefinitionError for a ``clean()`` or ``clean_<field>`` that cannot be called.

    :param implied: the fields that the class gets if none of *fields* is a key.
    """
    known = set(fields)
    if not any(field.is_key for field in fields.values()):
        known |= implied
    lenient = bool(getattr(vars(kind).get("Meta"), "abstract", False))
    for name, member in list(vars(kind).items()):
        if name == "clean":
            _check_clean(kind, member)
        elif name.startswith(PREFIX) and name not in fields:
            field = name.removeprefix(PREFIX)
            _check_hook(kind, name, member, is_field=field in known, lenient=lenient)


def _check_clean(kind: type, member: Any) -> None:
    where = f"{kind.__name__}.clean"
    if not callable(getattr(kind, "clean", None)):
        raise ModelDefinitionError(
            f"{where} is {member!r}: clean() is the method that checks several fields together; rename yours"
        )
    if takes_arguments(member, 0) is False:
        raise ModelDefinitionError(f"{where}() is called without arguments: write def clean(self)")
    _check_is_plain(where, member)


def _check_hook(kind: type, name: str, member: Any, *, is_field: bool, lenient: bool) -> None:
    takes = takes_arguments(member, 1)
    where = f"{kind.__name__}.{name}"
    if not is_field:
        if takes and not lenient:
            raise ModelDefinitionError(
                f"{where}() would never be called: there is no field {name.removeprefix(PREFIX)}, and "
                "methods of that name and one argument clean a field; correct it, or rename it"
            )
        return
    if takes is False:
        raise ModelDefinitionError(
            f"{where}() is called with the field's value, and returns the one to keep: "
            f"write def {name}(self, value)"
        )
    _check_is_plain(where, member)
    if _returns_none(member):
        raise ModelDefinitionError(
            f"{where}() is annotated to return None: return the value to keep, "
            "or the field becomes None"
        )


def _get_function(member: Any) -> FunctionType | None:
    inner: Any = getattr(member, "__func__", member)
    return inner if isinstance(inner, FunctionType) else None


def takes_arguments(member: Any, count: int) -> bool | None:
    """Tell whether a method can be called with *count* arguments; None if that is not known."""
    function = _get_function(member)
    if function is None:
        return None
    code = function.__code__
    given = count + (not isinstance(member, staticmethod))
    needed = code.co_argcount - len(function.__defaults__ or ())
    more = bool(code.co_flags & 0x04)  # *args, as wrappers have
    missing = code.co_kwonlyargcount - len(function.__kwdefaults__ or ())
    return needed <= given and (more or given <= code.co_argcount) and not missing


def _check_is_plain(where: str, member: Any) -> None:
    function = _get_function(member)
    if function is not None and function.__code__.co_flags & (0x80 | 0x20 | 0x200):
        raise ModelDefinitionError(
            f"{where}() is a coroutine or a generator: it runs inside save() and asave() alike, "
            "so write a plain function, and await before you save"
        )


def _returns_none(member: Any) -> bool:
    function = _get_function(member)
    try:
        annotations = {} if function is None else function.__annotations__
    except NameError:  # from Python 3.14 on, for names that only a type checker imports
        return False
    return annotations.get("return", "") in (None, "None")


def has_clean(kind: type[Any]) -> bool:
    """Tell whether *kind* has a ``clean()`` of its own."""
    owner = next(base for base in kind.__mro__ if "clean" in vars(base))
    return owner.__mro__[1] is not object  # the clean() of BaseRecord does nothing
