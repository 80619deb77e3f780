"""Computed fields in writes: the attributes that the key templates of one model compose.

A template field is composed of its parts whenever an item is written. Parts that the table's key contains in
full are not stored a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...codec import as_sent, from_json
from ...exceptions import ValidationError
from ...expressions import Action, Condition, IfNotExists, Path, Remove, Set, Value
from ...expressions.updates import SetOnce
from ...operations.base import Wire, WireItem
from ..attribute_values.values import require_unchanged
from ..fields.base import AnyField
from ..fields.refusals import REQUIRED, UNFIT
from .computed import (
    ComputedField,
    ComputedReads,
    ComputedRecord,
    unread_names,
    value_of_part,
)

Errors = dict[str, list[str]]


class ComputedFields(ComputedReads):
    """The computed fields of one model, for reads and for writes."""

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
        known = [value_of_part(record, part) for part in computed.parts]
        lacking = any(part is None for part in known)
        if record._stored is None and lacking and not computed.is_merged:
            return  # the missing parts are reported
        text = None
        if not lacking:
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
        if self.beside:
            touched = [name for name, wire in changes.items() if wire is not None]
            changes.update(self._complete_indexes(touched, {**stored, **changes}, after))
        for attribute in self.virtual:
            changes.pop(attribute, None)

    def _complete_indexes(
        self, touched: list[str], present: Mapping[str, Any], known: Mapping[str, Wire]
    ) -> WireItem:
        """Return the computed attributes that an item lacks in the keys of the indexes of *touched*.

        An item from before the templates lacks them, and an index has only items with its whole key.

        :param present: the attributes that the item has, or that are written in any case.
        :param known: the attributes of the item after the write, as far as they are known.
        """
        found: WireItem = {}
        for name in touched:  # it grows: an added attribute may be in the key of another index
            for each in self.beside.get(name, ()):
                if each.attribute in present or each.attribute in found:
                    continue
                wrong: Errors = {}
                try:
                    wire = self._compose(each, known, wrong)
                except UNFIT:  # another program wrote a part in a form that cannot be read
                    continue
                if wire is not None and not wrong:
                    found[each.attribute] = wire
                    touched.append(each.attribute)
        return found

    def _describe_fixed(
        self, computed: ComputedField, part: AnyField, before: Mapping[str, Wire]
    ) -> str:
        wire = before.get(part.attribute)
        was = "" if wire is None else f", and was {part.decode(wire)!r} when loaded"
        return (
            f"it is part of the key {computed.name}, which cannot change{was}: create a new item and "
            "delete this one"
        )

    def require_unchanged_parts(
        self, stored: Mapping[str, Wire], changes: Mapping[str, Any]
    ) -> Condition:
        """Return the condition that the unwritten parts of changed templates are as they were stored."""
        fixed = {*changes, *self.virtual, *(key.attribute for key in self.keys)}
        changed = [each for each in self.all if not each.is_key and each.attribute in changes]
        names = [p.attribute for each in changed for p in each.parts if p.attribute not in fixed]
        return require_unchanged(dict.fromkeys(names), stored) if names else Condition()

    def recompute(
        self,
        actions: list[Action],
        key: Mapping[str, Wire] | None,
        stored: Mapping[str, Wire],
        errors: Errors,
    ) -> Iterator[Action]:
        """Yield the actions on template fields for *actions* on their parts.

        Adds to *errors* for a part of the key, or a part without the others.

        :param key: the item's key, if it is known.
        :param stored: the item as it was loaded; empty if it was not.
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
            for action in self._recompute(each, changed, {**wires}, reached, errors):
                reached[each.attribute] = action
                yield action
        if self.beside and not errors:
            yield from self._complete_update(reached, {**stored, **wires}, stored)

    def _complete_update(
        self, reached: Mapping[str, Action], known: Mapping[str, Wire], stored: Mapping[str, Wire]
    ) -> Iterator[Action]:
        """Yield the actions that add the attributes that an item lacks in the indexes that an update touches."""
        touched = [name for name, action in reached.items() if not isinstance(action, Remove)]
        left = {name: wire for name, wire in known.items() if name not in reached}
        for name, wire in self._complete_indexes(touched, {**stored, **reached}, left).items():
            yield Set(Path((name,), label=self.by_attribute[name].field.label), Value(wire))

    def complete_for_key(
        self, actions: tuple[Action, ...], key: Mapping[str, Wire]
    ) -> tuple[Action, ...]:
        """Return *actions*, and those that add attributes which follow from the key to the indexes that they touch."""
        reached = {str(action.path.parts[0]): action for action in actions}
        return (*actions, *self._complete_update(reached, self.parse_key(key), {}))

    def require_known_parts(
        self, stored: Mapping[str, Wire], actions: Iterable[Action]
    ) -> Condition:
        """Return the condition on the parts that an update of a loaded item took from *stored*."""
        written = {str(action.path.parts[0]) for action in actions}
        written.update(self.fields[name].attribute for name in self.fixed)
        return self.require_unchanged_parts(stored, dict.fromkeys(written))

    def complete_upsert(
        self,
        actions: list[Action],
        key: Mapping[str, Wire],
        parts: Mapping[str, Wire],
        errors: Errors,
    ) -> Iterator[Action]:
        """Yield the further actions of an update that may create the item.

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

    def compose_setters(
        self, key: Mapping[str, Wire], wanted: dict[str, Wire | None], errors: Errors
    ) -> None:
        """Add the composed attributes to *wanted*, those that are set in an item that may exist.

        Adds to *errors* for a part without the others.
        """
        known = self.parse_key(key)
        known.update({name: wire for name, wire in wanted.items() if wire is not None})
        for each in self.all:
            changed = [part for part in each.parts if part.attribute in wanted]
            if each.is_key or not changed:
                continue
            if any(wanted[part.attribute] is None for part in changed):
                wanted[each.attribute] = None
            elif lost := [part.name for part in each.parts if part.attribute not in known]:
                errors[changed[0].name] = [_describe_lost(each, lost)]
            else:
                wanted[each.attribute] = self._compose(each, known, errors)
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
            errors[changed[0].name] = [_describe_lost(computed, lost)]
            return
        wire = self._compose(computed, wires, errors)
        if wire is not None:
            yield Set(path, Value(wire))
        elif computed.is_merged:
            yield Remove(path)


def _describe_lost(computed: ComputedField, lost: list[str]) -> str:
    """Return the message for a change of a part without the others."""
    return (
        f"{computed.name} is made of it and of {', '.join(lost)}: give all of them in one update, "
        "or load the item and save() it"
    )


def _describe_in_key(computed: ComputedField, part: AnyField) -> str:
    """Return the message for an update of a part of a key."""
    if computed.template.by_name[part.name].lossy:
        return f"the key {computed.name} contains a part of it: load the item and save() it, which can change the rest"
    return f"it is part of the key {computed.name}, which cannot change: create a new item and delete this one"
