"""The key of a model's item as the value of a field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from ...codec import Unstorable, to_json
from ...connections import AMBIENT_DEFAULT, ambient_alias
from ...exceptions import ModelDefinitionError, ValidationError
from ...operations.base import Wire
from .base import Field
from .json_forms import PLAINLY, Reading
from .refusals import make_refusal, with_article

R = TypeVar("R")


def alias_of(record: Any) -> str | None:
    """Return the alias of the connection that a record was read from; None if it is new."""
    alias: str | None = record.__dict__.get("_using")
    return AMBIENT_DEFAULT if alias is None and record._stored is not None else alias


def bind_ambient(record: R) -> R:
    """Bind *record* to the connection of the surrounding ``options()``, if they name one."""
    alias = ambient_alias()
    if alias is not None:
        record.__dict__["_using"] = alias
    return record


def bind_values(value: Any, alias: str | None) -> None:
    """Bind the references and documents in *value* to the connection *alias*."""
    if isinstance(value, (list, tuple, set, frozenset)):
        for each in cast("Iterable[Any]", value):
            bind_values(each, alias)
    elif isinstance(value, dict):
        for each in cast("dict[Any, Any]", value).values():
            bind_values(each, alias)
    elif hasattr(value, "_fieldset") and value._stored is not None:
        if alias is AMBIENT_DEFAULT:
            value.__dict__.pop("_using", None)
        else:
            value.__dict__["_using"] = alias


def make_stub(model: type[Any], key: Mapping[str, Wire], alias: str | None = None) -> Any:
    """Return an instance that has only its key."""
    load = model._load_partially(frozenset(field.attribute for field in model._meta.keys))
    stub = load(to_json(key))
    stub._state.stub = True
    if alias is None:
        return bind_ambient(stub)
    stub.__dict__["_using"] = alias
    return stub


class KeyOf(Field[Any, Any]):
    """The key of an item of *model*: its hash key alone, or a map of both keys.

    A read returns an instance that has only its key. ``fetch()`` reads its other fields, and
    ``prefetch_related()`` those of many instances.
    """

    def __init__(self, model: type[Any], **options: Any) -> None:
        super().__init__(**options)
        self.model = model
        meta = getattr(model, "_meta", None)
        if meta is None:
            raise ModelDefinitionError(
                f"{model.__name__} is abstract, so it has no items: refer to one of its subclasses"
            )
        self.kind = meta.hash_key.kind if meta.range_key is None else "M"

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        del depth  # a key is flat
        if not isinstance(value, self.model):
            raise make_refusal(value, with_article(self.model))
        try:
            key = self.model._meta.key_of(value)
        except ValidationError as error:
            raise Unstorable(str(error)) from error
        return {"M": key} if self.kind == "M" else key[self.model._meta.hash_key.attribute]

    def read(self, stored: Any, /) -> Any:
        meta = self.model._meta
        key = stored if self.kind == "M" else {meta.hash_key.attribute: {self.kind: stored}}
        return make_stub(self.model, key)

    def to_json(self, value: Any, /) -> Any:
        """Return the hash key alone, or a dict of both keys by field name."""
        wire: Any = self.to_wire(value)
        meta = self.model._meta
        key = wire["M"] if self.kind == "M" else {meta.hash_key.attribute: wire}
        forms = {f.name: f.to_json(f.decode(key[f.attribute])) for f in meta.keys}
        return forms if self.kind == "M" else forms[meta.hash_key.name]

    def from_json(self, form: Any, /) -> Any:
        meta = self.model._meta
        forms = form if self.kind == "M" else {meta.hash_key.name: form}
        key: dict[str, Wire] = {}
        for field in meta.keys:
            key[field.attribute] = meta.key_value(field, field.from_json(forms[field.name]))
        return make_stub(self.model, key)

    def from_plain(self, value: Any, how: Reading = PLAINLY, /) -> Any:
        if how.json:
            return super().from_plain(value, how)
        return self.model.from_dict(value) if isinstance(value, Mapping) else value
