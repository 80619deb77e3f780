"""Makes the key of a model's items of values, by name or in order, and of instances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from ...codec import Unstorable, as_sent, check_text, from_json
from ...exceptions import ResponseCorrupted, ValidationError
from ...operations.base import Wire, WireItem
from ...operations.items import StoredItem
from ...schema import TableSchema
from ..fields.base import AnyField
from ..records.attributes import find_assigned_keys
from ..records.base import BaseRecord
from ..records.fieldset import FieldSet
from ..records.primary_key import NAME as PK
from ..records.primary_key import PrimaryKey, compile_key_encoder, make_primary_key

if TYPE_CHECKING:
    from ...batching import KeyReader
    from ...reading import keys as key_readers
    from ..attribute_values import display, spelling
    from ..keys import computed_writes
else:
    from ...lazy import display, key_readers, spelling


class ItemKeys:
    """The key of the items of one model."""

    model: type[Any]
    name: str
    field_set: FieldSet
    schema: TableSchema
    keys: tuple[AnyField, ...]
    """The fields of the key: the hash key, and the range key if there is one."""
    key_names: frozenset[str]
    computed: computed_writes.ComputedFields | None
    """The fields that are computed from other fields; None without key templates."""

    @cached_property
    def primary_key(self) -> PrimaryKey | None:
        """The key as ``pk``; None where a field has that name."""
        return make_primary_key(self.field_set, self.keys)

    def expand_pk(self, named: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return *named* with the value of ``pk`` replaced by those of the key's fields."""
        if PK not in named or self.primary_key is None:
            return named
        return self.primary_key.expand(named)

    def get_field(self, name: str) -> AnyField:
        """Return the field called *name*, or the hash key alone for ``pk``.

        Raises TypeError with the names of the fields.
        """
        if name == PK and self.primary_key is not None:
            return self.primary_key.get_field()
        return self.field_set.get_field(name)

    def key(
        self,
        given: tuple[Any, ...],
        named: Mapping[str, Any],
        spelled: Mapping[str, Wire] | None = None,
    ) -> WireItem:
        """Return the primary key on the wire, made of values in order or by name.

        :param spelled: attribute values of fields by name, used in place of encoding their values.
        :raises TypeError: the values are not exactly those of the key's fields.
        :raises ValidationError: no key can have these values.
        """
        keys = self.keys
        if given:
            if named or len(given) > len(keys):
                raise self._make_key_error(
                    f"not {given!r} and {dict(named)!r}" if named else f"not {given!r}"
                )
            if self.computed is None and len(given) == len(keys):  # the usual case
                return self.encode_key_values(*given)
            named = dict(zip([field.name for field in keys], given, strict=False))
        if named.keys() == self.key_names and not spelled and self.computed is None:
            return self._encode_key(named)  # the usual case
        if not given and PK in named:
            named = self.expand_pk(named)
        if not given and self.field_set.references:
            spelled = spelled or self.field_set.spell_references(named)
            named = self.field_set.expand_values(named)
        if self.computed is not None:
            try:
                named = self.computed.compose_key_values(named)
            except KeyError:
                raise self._make_key_error(f"not {', '.join(named) or 'nothing'}") from None
        if named.keys() != self.key_names:
            raise self._make_key_error(f"not {', '.join(named) or 'nothing'}")
        if not spelled:
            return {field.attribute: self.key_value(field, named[field.name]) for field in keys}
        return {
            field.attribute: spelled.get(field.name) or self.key_value(field, named[field.name])
            for field in keys
        }

    @cached_property
    def _encode_key(self) -> Callable[[Mapping[str, Any]], WireItem]:
        return compile_key_encoder(self.keys, self.key_value, by_name=True)

    @cached_property
    def encode_key_values(self) -> Callable[..., WireItem]:
        """The function that encodes the values of the key's fields, in order, each as ``key_value`` does."""
        return compile_key_encoder(self.keys, self.key_value, by_name=False)

    def is_key(self, named: Mapping[str, Any]) -> bool:
        """Tell whether *named* has exactly the fields of the key, or exactly its parts."""
        if PK in named:
            named = self.expand_pk(named)
        if self.field_set.references and not self.field_set.references.keys().isdisjoint(named):
            named = dict.fromkeys(self.field_set.expand_references(named))
        if self.computed is not None:
            return self.computed.is_key(named)
        return named.keys() == self.key_names

    def _make_key_error(self, problem: str) -> TypeError:
        names = " and ".join(field.name for field in self.keys)
        if self.computed is not None:
            names = f"{self.computed.key_names}, or {names}"
        return TypeError(f"the key of {self.name} is {names}, {problem}")

    def key_of(self, given: Any) -> WireItem:
        """Return the key on the wire of an instance, or of a key as a dict, a tuple or a value."""
        if type(given) is tuple:
            return self.key(cast("tuple[Any, ...]", given), {})
        if isinstance(given, self.model):
            return dict(self.key_of_record(given))
        if isinstance(given, Mapping):
            return self.key((), cast("Mapping[str, Any]", given))
        parts = cast("tuple[Any, ...]", given) if isinstance(given, tuple) else (given,)
        return self.key(parts, {})

    def key_of_record(self, record: BaseRecord) -> WireItem:
        """Return the key of an instance on the wire: the stored key, or the key that was assigned since.

        :raises ValidationError: another key was assigned to a loaded instance, whose key cannot change.
        """
        stored = self.find_stored_key(record)
        assigned = None if stored is None else self._find_assigned_key(record, stored)
        if stored is not None and assigned is None:
            return stored
        if self.computed is None:
            values = {field.name: getattr(record, field.name) for field in self.keys}
        else:
            values = self.computed.compose_key(record)
        key = self.key(
            (), values, find_assigned_keys(record) if self.field_set.references else None
        )
        if stored is not None and assigned is not None and record._stored is not None:
            raise self.make_changed_error(assigned, stored)
        return key

    def find_stored_key(self, record: BaseRecord) -> WireItem | None:
        """Return the key of an instance as it is spelled in the table; None if it was never stored."""
        if record._stored is not None:
            try:
                return dict(self._read_key(record._stored))
            except ResponseCorrupted:  # the item was made by hand, or lacks its key
                if not record._decoded:
                    record._decode()
                return self.stored_key(from_json(record._stored))
        known = None if record._state is None else record._state.known_key
        return None if known is None else dict(known)

    def _find_assigned_key(self, record: BaseRecord, key: Mapping[str, Wire]) -> AnyField | None:
        """Return a field of the key whose value differs from that in *key*; None if all are equal."""
        values = record.__dict__
        for field in self.keys:
            if self.computed is not None and field.name in self.computed.by_name:
                if self.computed.is_key_changed(record, field.name, key):
                    return field
            elif field.name in values and not spelling.stays_same(
                field, key[field.attribute], values[field.name]
            ):
                return field
        return None

    @cached_property
    def _read_key(self) -> KeyReader:
        return key_readers.make_key_reader(self.schema.key)

    def stored_key(self, stored: Mapping[str, Wire]) -> WireItem:
        """Return the key among *stored* attributes; raise ValidationError if it was not loaded."""
        key: WireItem = {}
        for field in self.keys:
            if (wire := stored.get(field.attribute)) is None:
                raise self._make_value_error(field, "it is part of the key, and was not fetched")
            key[field.attribute] = as_sent(wire) if "B" in wire else wire
        return key

    def read_key(self, item: StoredItem, /) -> dict[str, Any]:
        """Return the values of the key's fields by name; unreadable ones as free-form fields read them."""
        wires: WireItem = from_json(item)
        return {
            field.name: display.decode_or_free(field, wires.get(field.attribute))
            for field in self.keys
        }

    def make_changed_error(self, field: AnyField, stored: Mapping[str, Wire]) -> ValidationError:
        """Return the error for a loaded instance if *field*, a field of the key, was changed."""
        return self._make_value_error(
            field,
            "it is part of the key, which cannot change, and was "
            f"{display.decode_or_free(field, stored[field.attribute])!r} when loaded: create a new item and "
            "delete this one",
        )

    def key_value(self, field: AnyField, value: Any) -> Wire:
        """Return *value*, the value of *field* in a key, on the wire."""
        try:
            wire = check_text(field.to_wire(value) or {}) if value is not None else None
        except Unstorable as error:
            raise self._make_value_error(field, str(error)) from None
        if not wire:
            raise self._make_value_error(field, "it is required: give it a value")
        if (reason := field.find_key_problem(wire)) is not None:
            raise self._make_value_error(field, reason)
        return wire

    def _make_value_error(self, field: AnyField, reason: str) -> ValidationError:
        return ValidationError({field.name: [reason]}, model=self.name)
