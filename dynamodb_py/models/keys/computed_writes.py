"""Computed fields in writes: the attributes composed of the key templates of one model.

A template field is composed of its parts whenever an item is written. Parts that the table's key contains in
full are not stored a second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...codec import as_sent, from_json
from ...exceptions import ValidationError
from ...expressions import Action, Condition, IfNotExists, Path, Remove, Set, Value
from ...expressions.updates import SetOnce
from ...operations.base import Wire, WireItem
from ..attribute_values.values import require_unchanged
from ..fields.base import REQUIRED, AnyField
from .computed import ComputedField, ComputedReads, ComputedRecord, is_computed, unread_names

Errors = dict[str, list[str]]


class ComputedFields(ComputedReads):
    """The template fields of one model, with what writes need."""

    def compose_item(self, record: ComputedRecord, wires: WireItem, errors: Errors) -> None:
        """Add the composed attributes to a whole item, and remove the parts that need not be stored."""
        unread = unread_names(record) - record.__dict__.keys()
        for each in self.all:
            self._check_assigned(record, each, errors)
            if any(part.name in errors for part in each.parts):
                continue
            if record._stored is not None and any(part.name in unread for part in each.parts):
                stored: WireItem = from_json(record._stored)
                if each.attribute in stored:
                    wires[each.attribute] = stored[each.attribute]
                continue
            wire = self._compose(each, wires, errors)
            if wire is not None:
                wires[each.attribute] = wire
            elif each.is_key:
                for part in each.parts:
                    if part.attribute not in wires:
                        errors.setdefault(part.name, [REQUIRED])
        for attribute in self.virtual:
            wires.pop(attribute, None)

    def _compose(
        self, computed: ComputedField, wires: Mapping[str, Wire], errors: Errors
    ) -> Wire | None:
        try:
            wire = computed.compose(wires)
        except ValidationError as error:
            errors.update(error.errors)
            return None
        if wire is None or (computed.is_merged and not computed.field.key_limit):
            return wire
        if (problem := computed.field.find_key_problem(wire)) is not None:
            errors[computed.name] = [f"{problem}: it is made of {computed.parts_text}"]
        return wire

    def _check_assigned(
        self, record: ComputedRecord, computed: ComputedField, errors: Errors
    ) -> None:
        """Add to *errors* if a template field was assigned another value than its parts make."""
        given = record.__dict__.get(computed.name)
        if given is None:
            return
        known = [record.__dict__.get(part.name) for part in computed.parts]
        if record._stored is None and None in known and not computed.is_merged:
            return  # the missing parts are reported
        text = None
        if None not in known:
            text = computed.template.compose(dict(zip(computed.template.names, known, strict=True)))
        if text != given:
            errors[computed.name] = [
                f"it is made of {computed.parts_text}, and cannot be assigned: set those"
            ]

    def compose_changes(
        self,
        record: ComputedRecord,
        stored: Mapping[str, Wire],
        changes: dict[str, Wire | None],
        errors: Errors,
    ) -> None:
        """Add the composed attributes to *changes*, and remove the parts that need not be stored.

        Adds to *errors* if the key would change, or a part was not fetched.
        """
        before = self.add_key_parts(stored)
        after = {name: wire for name, wire in {**before, **changes}.items() if wire is not None}
        unread = unread_names(record) - record.__dict__.keys()
        for each in self.all:
            self._check_assigned(record, each, errors)
            changed = [part for part in each.parts if part.attribute in changes]
            if not changed:
                continue
            lost = [part.name for part in each.parts if part.name in unread]
            if lost:
                errors[changed[0].name] = [
                    f"{each.name} is made of it and of {', '.join(lost)}, which was not fetched: "
                    "refresh_from_db() first"
                ]
                continue
            wire = self._compose(each, after, errors)
            old = stored.get(each.attribute)
            if wire == (None if old is None else as_sent(old)):
                continue
            if each.is_key:
                for part in changed:
                    errors.setdefault(part.name, [self._describe_fixed(each, part, before)])
            elif not any(part.name in errors for part in changed):
                changes[each.attribute] = wire
        for attribute in self.virtual:
            changes.pop(attribute, None)

    def _describe_fixed(
        self, computed: ComputedField, part: AnyField, before: Mapping[str, Wire]
    ) -> str:
        wire = before.get(part.attribute)
        was = "" if wire is None else f" and was {part.decode(wire)!r} when loaded"
        return (
            f"it is part of the key {computed.name}{was}: an item's key cannot change; create a new item "
            "and delete this one"
        )

    def require_unchanged_parts(
        self, stored: Mapping[str, Wire], changes: Mapping[str, Any]
    ) -> Condition:
        """Return the condition that the parts of changed templates that are not written have not changed."""
        fixed = {*changes, *self.virtual, *(key.attribute for key in self.keys)}
        changed = [each for each in self.all if not each.is_key and each.attribute in changes]
        names = [p.attribute for each in changed for p in each.parts if p.attribute not in fixed]
        return require_unchanged(dict.fromkeys(names), stored) if names else Condition()

    def recompute(
        self, actions: list[Action], key: Mapping[str, Wire] | None, errors: Errors
    ) -> Iterator[Action]:
        """Yield the actions on template fields for *actions* on their parts.

        Adds to *errors* for a part of the key, or a part without the others.

        :param key: the item's key, if it is known.
        """
        reached = {str(action.path.parts[0]): action for action in actions}
        for name in self.by_attribute.keys() & reached.keys():
            computed = self.by_attribute[name]
            errors[computed.name] = [
                f"it is made of {computed.parts_text}, and cannot be written: write those"
            ]
        wires = self.parse_key(key or {})
        for each in self.all:
            changed = [part for part in each.parts if part.attribute in reached]
            if not changed:
                continue
            if each.is_key:
                for part in changed:
                    errors[part.name] = [_describe_in_key(each, part)]
                continue
            yield from self._recompute(each, changed, {**wires}, reached, errors)

    def complete_upsert(
        self,
        actions: list[Action],
        key: Mapping[str, Wire],
        parts: Mapping[str, Wire],
        errors: Errors,
    ) -> Iterator[Action]:
        """Yield the further actions of an update that may make the item.

        They write the parts that are stored in addition to the key, and the templates composed of these. A
        part that the key contains incompletely is written only if the item has none.

        :param parts: the known values of parts that the key contains incompletely, by attribute.
        """
        reached = {str(action.path.parts[0]) for action in actions}
        in_key = self.parse_key(key)
        known = {**parts, **in_key}
        found = {name: wire for name, wire in known.items() if name in self.repeated}
        for each in self.all:
            names = {part.attribute for part in each.parts}
            if each.is_key or names & reached or not names <= known.keys():
                continue
            wire = self._compose(each, known, errors)
            if wire is not None:
                found[each.attribute] = wire
                if names <= in_key.keys():
                    in_key[each.attribute] = wire
        for name, wire in found.items():
            if name not in reached:
                path, value = Path((name,)), Value(wire)
                once = name not in in_key
                yield SetOnce(path, IfNotExists(path, value)) if once else Set(path, value)

    def compose_setters(self, item: Mapping[str, Wire], wanted: dict[str, Wire | None]) -> None:
        """Add the composed attributes of *item* to those that an upsert sets."""
        for each in self.all:
            if not each.is_key and any(part.attribute in wanted for part in each.parts):
                wire = item.get(each.attribute)
                wanted[each.attribute] = None if wire is None else as_sent(wire)
        for attribute in self.virtual:
            wanted.pop(attribute, None)

    def _recompute(
        self,
        computed: ComputedField,
        changed: list[AnyField],
        wires: WireItem,
        reached: Mapping[str, Action],
        errors: Errors,
    ) -> Iterator[Action]:
        path = Path((computed.attribute,), label=computed.field.label)
        removed = False
        for part in changed:
            action = reached[part.attribute]
            whole = len(action.path.parts) == 1
            if whole and isinstance(action, Remove):
                removed = True
            elif whole and isinstance(action, Set) and isinstance(action.value, Value):
                wires[part.attribute] = action.value.wire
            else:
                errors[part.name] = [
                    f"{computed.name} is made of it: give the value itself, or load the item and save() it"
                ]
                return
        if removed:
            yield Remove(path)
            return
        lost = [part.name for part in computed.parts if part.attribute not in wires]
        if lost:
            errors[changed[0].name] = [
                f"{computed.name} is made of it and of {', '.join(lost)}: give all of them in one update, "
                "or load the item and save() it"
            ]
            return
        wire = self._compose(computed, wires, errors)
        if wire is not None:
            yield Set(path, Value(wire))
        elif computed.is_merged:
            yield Remove(path)


def _describe_in_key(computed: ComputedField, part: AnyField) -> str:
    """Return the message for an update of a part of a key."""
    if computed.template.by_name[part.name].lossy:
        return (
            f"the key {computed.name} contains it in part: load the item, and save() it, to change it as far as "
            "the key stays the same"
        )
    return f"it is part of the key {computed.name}, which cannot change: create a new item and delete this one"


def find_computed_fields(
    name: str, fields: Mapping[str, AnyField], keys: tuple[AnyField, ...]
) -> ComputedFields | None:
    """Return the computed fields of a model; None if it has none."""
    if not any(map(is_computed, fields.values())):
        return None
    return ComputedFields(name, fields, keys)
