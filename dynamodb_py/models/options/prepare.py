"""Prepares the fields and the options of a new model class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...exceptions import ModelDefinitionError
from ..fields.base import AnyField
from ..fields.ids import UUIDField
from ..inheritance.declaring import add_discriminator, inherit_table_options
from ..records.collect import collect
from ..records.fieldset import FieldSet
from ..registry import DeferredOptions
from .meta import collect_meta
from .options import Options, TableLayout


def prepare(
    model: type[Any], base: type[Any], *, late: bool = False
) -> tuple[FieldSet, Options | None]:
    """Return the fields and the options of a new model class; no options if it is abstract.

    The options of a model with unresolved references are a placeholder that resolves them.

    :param late: True finds the classes that references name in all modules, not only in the model's.
    """
    declared = collect_meta(model)
    fields, references = collect(model, base, late=late)
    if declared["abstract"]:
        if declared["kind"] is not None:
            raise ModelDefinitionError(
                f"{model.__name__}.Meta.kind: the class is abstract, so it has no items: drop kind or "
                "abstract"
            )
        return FieldSet(model.__name__, fields, references, model), None
    if declared["table"] is not None:
        layout = _find_layout(model, declared)
        fields = layout.add_keys(model, declared, fields)
        declared = layout.complete_meta(declared)
    elif declared["keys"]:
        raise ModelDefinitionError(
            f"{model.__name__}.Meta.keys is for models in a shared table, which Meta.table names: without "
            "one, give template= to the fields of the key"
        )
    declared = inherit_table_options(model, declared)
    unsettled = [each for each in references.values() if not each.is_settled]
    if not any(field.is_key for field in (*fields.values(), *unsettled)):
        fields = {"id": _add_default_key(model, fields), **fields}
    if unsettled:
        waiting: Any = DeferredOptions(model)
        return FieldSet(model.__name__, fields, references, model), waiting
    fields, kind = add_discriminator(model, base, declared, fields)
    field_set = FieldSet(model.__name__, fields, references, model)
    options = Options(model, declared, field_set, kind)
    if options.layout is not None:
        options.layout.check(options)
    return field_set, options


def _find_layout(model: type[Any], declared: Mapping[str, Any]) -> TableLayout:
    """Return the layout of the shared table that ``Meta.table`` names.

    Raises ModelDefinitionError if it names no shared table.
    """
    table = declared["table"]
    layout: TableLayout | None = vars(table).get("_layout") if isinstance(table, type) else None
    if layout is None:
        raise ModelDefinitionError(
            f"{model.__name__}.Meta.table is {table!r}: it takes a subclass of SharedTable; "
            "a table of the model's own is named by table_name"
        )
    return layout


def _add_default_key(model: type[Any], fields: dict[str, AnyField]) -> AnyField:
    if "id" in fields:
        raise ModelDefinitionError(
            f"{model.__name__} has a field id but no key: give one field hash_key=True"
        )
    from uuid import uuid4  # imported only for models without a key

    field = UUIDField(hash_key=True, default=uuid4).bound_to(model.__name__, "id")
    model.id = field
    return field
