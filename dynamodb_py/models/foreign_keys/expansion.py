"""Replaces references by the fields that hold their keys and their copies of other fields."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, cast

from ...exceptions import ModelDefinitionError
from ...schema import Index
from ..constraints import UniqueConstraint
from ..fields.base import AnyField, Field
from ..fields.containers.lists import ListField, SetField
from ..fields.containers.maps import DictField, MapField
from ..fields.ids import UUIDField
from ..fields.numbers import DecimalField
from ..fields.text import BinaryField, CharField
from ..keys.declared import is_computed
from ..registry import find_anywhere, find_nearby
from .field import ForeignKey

if TYPE_CHECKING:
    from ..keys import template as templates
else:
    from ...lazy import templates

References = dict[str, ForeignKey[Any, Any]]

_PLAIN: dict[str, type[AnyField]] = {"S": CharField, "N": DecimalField, "B": BinaryField}


def expand_references(
    cls: type[Any], base: type[Any], fields: Mapping[str, AnyField], *, late: bool = False
) -> tuple[dict[str, AnyField], References]:
    """Return *fields* with references replaced by the fields of their keys, and the references.

    A reference to a class that is not defined yet is not settled: it has no fields of a key.

    :param late: True finds classes by name in all modules, not only in that of *cls*.
    :raises ModelDefinitionError: a reference has wrong options.
    """
    references: References = {}
    expanded: dict[str, AnyField] = {}
    for name, field in fields.items():
        _place_inside(cls, field)
        if isinstance(field, ForeignKey):
            references[name] = field
        elif not field.part_of:
            expanded[name] = field
    if not references:
        return expanded, references
    found: dict[str, AnyField] = {}
    for name, field in fields.items():
        if name in references:
            found.update(_settle(cls, base, references[name], expanded, late=late))
        elif name in expanded:
            found[name] = field
    return found, references


def _place_inside(cls: type[Any], field: AnyField) -> None:
    """Set the class of the references in lists, sets and maps."""
    if isinstance(field, ForeignKey):
        field.model = cls
    elif isinstance(field, MapField):
        for member in field.schema.values():
            _place_inside(cls, member)
    elif isinstance(field, (ListField, SetField, DictField)) and field.inner is not None:
        inner: Any = field.inner
        _place_inside(cls, inner)
        container = cast("Any", field)
        if issubclass(inner.__class__, ForeignKey):
            for option in ("related_name", "denormalize", "copies"):
                if getattr(inner, option):
                    raise inner.misdeclared(
                        f"{option}= means nothing inside a {container.__class__.__name__}, as DynamoDB has "
                        "no index of elements: use a ManyToManyField, or a model between the two"
                    )


def _settle(
    cls: type[Any],
    base: type[Any],
    reference: ForeignKey[Any, Any],
    others: Mapping[str, AnyField],
    *,
    late: bool,
) -> dict[str, AnyField]:
    reference.parts = ()  # the target may be defined again, and then its key is not known yet
    target = _find_target(cls, reference, late=late)
    if target is None:
        return {}
    own = target is cls
    keys = _find_own_keys(others) if own else find_key_fields(target._fieldset.by_name)
    if not keys:
        return {}
    reference._target = target
    _check_keys(reference, keys)
    found: dict[str, AnyField] = {}
    parts: list[AnyField] = []
    for key in keys:
        name = f"{reference.name}_id" if len(keys) == 1 else f"{reference.name}_{key.name}"
        part = _find_declared(reference, key, name, others)
        if part is None:
            part = _make_part(reference, key, keys)
            part = found[name] = _add_field(cls, base, reference, part, name)
        parts.append(part)
    reference.parts, reference.names = tuple(parts), tuple(key.name for key in keys)
    reference._known_path = None
    if len(parts) == 1:
        reference.attribute, reference.kind = parts[0].attribute, parts[0].kind
    reference.copies = {}
    for field in _find_copied(reference, others if own else target._fieldset.by_name):
        name = f"{reference.name}_{field.name}"
        attribute = f"{reference._wire_name or reference.name}_{field.name}"
        found[name] = _add_field(cls, base, reference, _copy_plainly(field, attribute), name)
        reference.copies[field.name] = found[name]
    return found


def _find_target(
    cls: type[Any], reference: ForeignKey[Any, Any], *, late: bool
) -> type[Any] | None:
    to = reference.to
    if isinstance(to, type):
        return to
    if late:
        return find_anywhere(to, cls, reference.label)
    return find_nearby(to, cls)


def _find_own_keys(fields: Mapping[str, AnyField]) -> tuple[AnyField, ...]:
    """Return the key of a new class: the declared key, or the ``id`` that it will get."""
    if any(field.is_key for field in fields.values()):
        return find_key_fields(fields)
    return (UUIDField().bound_to("", "id"),)


def _check_keys(reference: ForeignKey[Any, Any], keys: tuple[AnyField, ...]) -> None:
    if len(keys) < 2:
        return
    names = " and ".join(key.name for key in keys)
    for option in ("hash_key", "range_key", "unique", "default", "validators"):
        if reference.options.get(option):
            raise reference.misdeclared(
                f"{option}= is for references of one attribute, and the key of "
                f"{reference.target.__name__} is {names}: declare the fields "
                f"{', '.join(f'{reference.name}_{key.name}' for key in keys)} yourself, with their "
                "options, and the reference uses them"
            )


def _find_declared(
    reference: ForeignKey[Any, Any], key: AnyField, name: str, others: Mapping[str, AnyField]
) -> AnyField | None:
    """Return the field *name* if the class declares it."""
    field = others.get(name)
    if field is None:
        return None
    if field.kind != key.kind:
        raise reference.misdeclared(
            f"its key is stored in {name}, which is declared as {type(field).__name__}, of type "
            f"{field.kind}, but {key.label} is of type {key.kind}: rename {name}, or declare it with "
            "that type"
        )
    if options := [option for option, value in reference.options.items() if value]:
        raise reference.misdeclared(
            f"{', '.join(options)}= belongs to {name}, which is declared as a field: set it there"
        )
    return field


def _make_part(
    reference: ForeignKey[Any, Any], key: AnyField, keys: tuple[AnyField, ...]
) -> AnyField:
    stem = reference._wire_name or reference.name
    part = _copy_plainly(key, stem if len(keys) == 1 else f"{stem}_{key.name}")
    part.required, part.null = reference.required, reference.null
    if len(keys) == 1:
        part.hash_key, part.range_key = reference.hash_key, reference.range_key
        part.unique = reference.unique or (reference.one_to_one and not reference.is_key)
        part.default, part.validators = reference.default, reference.validators
    return part


def _copy_plainly(field: AnyField, attribute: str) -> AnyField:
    """Return a copy of *field* that stores the same values, without its options."""
    if is_computed(field) or isinstance(field, ForeignKey):
        plain: AnyField = _PLAIN[field.kind]()
    else:
        plain = copy(field)
    plain.hash_key = plain.range_key = plain.required = plain.null = plain.unique = False
    plain.default, plain.choices, plain.validators = None, None, ()
    plain.min_value = plain.max_value = plain.min_length = plain.max_length = None
    for option in ("auto_now", "auto_now_add", "ttl"):
        if getattr(plain, option, False):
            setattr(plain, option, False)
    plain._wire_name = attribute
    return plain


def _add_field(
    cls: type[Any], base: type[Any], reference: ForeignKey[Any, Any], field: AnyField, name: str
) -> AnyField:
    """Add *field*, which *reference* needs, to the class."""
    there: Any = getattr(cls, name, None)
    ours = there is None or (isinstance(there, Field) and there.part_of)
    if hasattr(base, name) or not ours:
        raise reference.misdeclared(
            f"it needs a field {name}, and {cls.__name__}.{name} is {there!r}: rename one of them"
        )
    placed = field.bound_to(cls.__name__, name)
    placed.part_of = reference.name
    setattr(cls, name, placed)
    return placed


def _find_copied(reference: ForeignKey[Any, Any], fields: Mapping[str, AnyField]) -> list[AnyField]:
    found: list[AnyField] = []
    for name in reference.denormalize:
        field = fields.get(name)
        if field is None:
            raise reference.misdeclared(
                f"denormalize= names {name!r}, and {reference.target.__name__} has no such field: its "
                f"fields are {', '.join(fields)}"
            )
        if field.is_key:
            raise reference.misdeclared(
                f"denormalize= names {name!r}, a field of the key, which the reference stores anyway: "
                "leave it out"
            )
        found.append(field)
    return found


def add_reference_constraints(declared: Any, references: Mapping[str, ForeignKey[Any, Any]]) -> Any:
    """Return the constraints *declared*, with one for each one-to-one reference that has several parts."""
    if not references or not isinstance(declared, (list, tuple)):
        return declared
    found = [
        UniqueConstraint(*[part.name for part in reference.parts])
        for reference in references.values()
        if reference.one_to_one
        and len(reference.parts) > 1
        and not all(part.is_key for part in reference.parts)
    ]
    return [*cast("list[Any]", declared), *found]


def expand_indexes(
    indexes: list[Index], references: Mapping[str, ForeignKey[Any, Any]]
) -> list[Index]:
    """Return *indexes* with references replaced by the fields of their keys."""
    if not references:
        return indexes
    found: list[Index] = []
    for index in indexes:
        changed = copy(index)
        for role in ("hash_fields", "range_fields", "projected"):
            names: list[str] = []
            for name in getattr(index, role):
                known = references.get(name)
                names += [name] if known is None else [part.name for part in known.parts]
            setattr(changed, role, tuple(names))
        found.append(changed)
    return found


def check_document_references(kind: str, references: Mapping[str, ForeignKey[Any, Any]]) -> None:
    """Refuse options of references that documents cannot have: keys, unique values, reverse relations."""
    for reference in references.values():
        if reference.is_key or reference.unique:
            raise reference.misdeclared(
                "documents have no keys and no unique values, as only items have: drop hash_key=, "
                "range_key= and unique="
            )
        if reference.related_name or reference.on_delete.name != "DO_NOTHING":
            raise ModelDefinitionError(
                f"{kind}.{reference.name}: DynamoDB has no index of values inside documents, so there is no "
                "reverse relation: drop related_name= and on_delete="
            )
        if reference.one_to_one:
            raise ModelDefinitionError(
                f"{kind}.{reference.name}: values inside documents cannot be unique: use a ForeignKey"
            )


def find_key_fields(fields: Mapping[str, AnyField]) -> tuple[AnyField, ...]:
    """Return the fields of the key among *fields*; for a key template, the fields that are its parts.

    Returns no fields if the key refers to a class that is not defined yet.
    """
    found: dict[str, AnyField] = {}
    keys = [field for field in fields.values() if field.is_key]
    for key in sorted(keys, key=lambda field: not field.hash_key):
        template = getattr(key, "template", None)
        names = (
            (key.name,) if template is None else templates.KeyTemplate(template, key.label).names
        )
        for name in names:
            if name not in fields:
                return ()
            found[name] = fields[name]
    return tuple(found.values())
