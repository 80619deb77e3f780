"""Pydantic models of some fields of a model: what clients may send, and what they get."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, create_model
from pydantic import Field as Described
from pydantic_core import CoreSchema

from ...models.fields.base import AnyField
from ...models.records.record import Record
from .describing import find_needed, list_read_only
from .schemas import make_field_schema


class _ValueOf:
    """The annotation of the values of a field."""

    def __init__(self, field: AnyField, *, patch: bool) -> None:
        self.field, self.patch = field, patch

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return make_field_schema(self.field, patch=self.patch)


def pydantic_model(
    model: type[Record],
    *,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    partial: bool = False,
    name: str | None = None,
) -> type[BaseModel]:
    """Return a pydantic model of fields of a model or of a document, which refuses all other names.

    Its values are those of the fields, so that ``model_dump()`` gives what ``create()``, ``update()`` and
    constructors take. It can be made of instances too (``from_attributes``).

    :param include: the names of the fields. By default all but those that set themselves (versions,
        ``auto_now``, ``auto_now_add``, computed ones) and, with *partial*, but the keys, which cannot change.
    :param exclude: names to leave out of these.
    :param partial: every field may be left out, for a patch: ``model_dump(exclude_unset=True)`` has what
        was sent. A required field still takes no None.
    :param name: the name of the class; by default that of the model with ``Input``, or ``Patch``.
    :raises TypeError: no field has one of the names, or a text is given in place of a list.

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
        left_out = {*list_read_only(model), *names}
        chosen = [
            each.name
            for each in fields
            if each.name not in left_out and not (partial and each.is_key)
        ]
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
    return create_model(
        name or f"{model.__name__}{'Patch' if partial else 'Input'}",
        __config__=ConfigDict(extra="forbid", from_attributes=True, protected_namespaces=()),
        __module__=model.__module__,
        **definitions,
    )


def _has_default(field: AnyField) -> bool:
    return not (field.has_constant_default and field.default is None)


def _read_names(model: type[Record], names: Iterable[str], option: str) -> list[str]:
    """Return *names* with references replaced by the fields of their keys; raise TypeError for unknown ones."""
    if isinstance(names, str):
        raise TypeError(f"{option}={names!r}: give a list of names, [{names!r}]")
    found = model._fieldset.expand_references(names)
    if unknown := [each for each in found if each not in model._fieldset.by_name]:
        raise model._fieldset.make_unknown_error(unknown)
    return found
