"""Changing: how an instance differs from what was loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ... import exceptions
from ...codec import Unstorable
from ...exceptions import QueryError, ValidationError
from ...operations.base import Wire, WireItem
from ...operations.items import StoredItem
from ..attribute_values.diff import keep_spelling
from ..attribute_values.display import decode_or_free, describe_changes
from ..attribute_values.values import equal
from ..fields.base import Field, is_checking, without_validation
from ..records.validation import check, spell
from .update import Updating


class Changing(Updating):
    """What changed since an instance was loaded, for saving and for people."""

    __slots__ = ()

    if TYPE_CHECKING:  # what it is a part of has it

        def _become(self, item: StoredItem) -> None: ...

    def _changes(
        self,
        stored: Mapping[str, Wire],
        *,
        validate: bool,
        named: frozenset[str] | None = None,
    ) -> dict[str, Wire | None]:
        """Return what would be stored now of the fields that changed since *stored* was loaded.

        :param named: the fields to look at; the key is looked at in any case.
        """
        if not validate and is_checking():
            return without_validation(lambda: self._changes(stored, validate=False, named=named))
        if validate and self._clean_changed(stored, named):
            return self._changes(stored, validate=False, named=named)  # that is done
        changes: dict[str, Wire | None] = {}
        errors: dict[str, list[str]] = {}
        kind = self._meta.kind
        for field, wire, wrong in self._differing(stored):
            if named is not None and field.name not in named and not field.is_key:
                continue
            if wrong:
                errors.update(wrong)
                continue
            if field is self._meta.version:
                errors[field.name] = ["it sets itself with each write: do not assign to it"]
                continue
            if kind is not None and kind.is_changed_by(field, wire, stored):
                errors[field.name] = [kind.describe_fixed_kind(wire)]
                continue
            if field.is_key:
                self._check_key(stored, {field.attribute: wire or {}})
            check(field, self.__dict__[field.name], wire, errors, validate=validate)
            changes[field.attribute] = wire
        if errors:
            raise ValidationError(errors, model=self._meta.name)
        if changes:
            self._stamp_changes(changes)
        if self._fields.computed is not None:
            self._fields.computed.compose_changes(self, stored, changes, errors)
            if errors:
                raise ValidationError(errors, model=self._meta.name)
        return changes

    def _differing(
        self, stored: Mapping[str, Wire]
    ) -> list[tuple[Field[Any, Any], Wire | None, dict[str, list[str]]]]:
        """Return each field that would be stored otherwise, as what, or what is wrong with it."""
        found: list[tuple[Field[Any, Any], Wire | None, dict[str, list[str]]]] = []
        values = self.__dict__
        unread = self._unread()  # a None there was assigned: what is stored, if anything, goes
        if (computed := self._fields.computed) is not None:
            stored = computed.add_key_parts(stored)
        for field in self._fields if computed is None else self._fields.written():
            if field.name not in values:
                continue
            value = values[field.name]
            old = stored.get(field.attribute)
            wrong: dict[str, list[str]] = {}
            wire = spell(field, value, wrong)
            if wrong:
                if not _reads_as(field, old, value):
                    found.append((field, wire, wrong))
            elif self._differs(field, wire, old) or (old is wire is None and field.name in unread):
                found.append((field, wire, wrong))
        return found

    def _stamp_changes(self, changes: dict[str, Wire | None]) -> None:
        """Put what the fields themselves want to store into *changes*."""
        fields = [field for field in self._fields if field.stamps]
        if fields and not self._decoded:
            self._decode()
        unread = self._unread()
        for field in fields:
            value = self.__dict__.get(field.name)
            if value is None and field.name not in unread:
                value = self._missing(field)
            stamped = self._stamp(field, value, adding=False)
            if stamped is not value:
                changes[field.attribute] = field.to_wire_or_null(stamped)

    def _differs(self, field: Any, wire: Wire | None, old: Wire | None) -> bool:
        if wire == old:
            return False
        if field.varies:
            return self._has_other_value(field, wire, old)
        if old is None:  # a default that was only read is no change
            aside = self._aside
            return aside is None or aside.defaults.get(field.name) != wire
        try:  # the same value may have been spelled otherwise, by another writer
            return bool(field.to_wire_or_null(field.decode(old)) != wire)
        except (exceptions.UnreadableValue, Unstorable):
            return True

    def _has_other_value(self, field: Any, wire: Wire | None, old: Wire | None) -> bool:
        """Tell whether a field that stores one value in many ways has another one than *old*."""
        if wire is None:
            return old is not None
        value = self.__dict__[field.name]
        try:
            if old is not None:
                return bool(field.decode(old) != value)
            aside = self._aside
            read = None if aside is None else aside.defaults.get(field.name)
            return read is None or bool(field.decode(read) != value)
        except exceptions.UnreadableValue:
            return True

    def _as_spelled(self, name: str, wire: Wire | None, stored: WireItem) -> Wire | None:
        """Return a value to store, with what did not change in it as another writer spelled it."""
        old = stored.get(name)
        if wire is None or old is None or not ("M" in wire or "L" in wire):
            return wire
        field = self._fields.by_attribute[name]
        try:
            spelled = field.to_wire_or_null(field.decode(old))
        except (exceptions.UnreadableValue, Unstorable):
            return wire
        return wire if spelled is None or equal(old, spelled) else keep_spelling(old, spelled, wire)

    # -- what changed --------------------------------------------------------------------------

    @property
    def is_changed(self) -> bool:
        """Whether :meth:`save` would send anything: always so of one that was not loaded or saved."""
        return self._stored is None or bool(self._differing(self._stored_wires()))

    def changes(self) -> dict[str, tuple[Any, Any]]:
        """Return what changed since it was loaded or saved: the old and the new value, by path.

        Paths are as in messages, ``score`` or ``doc.a[0]``. None stands for what is not stored. A
        list that did not change by its elements alone, or grow at its end, is there as a whole. Of
        an instance that was not loaded or saved, all its values are there, with None as the old one.
        A value that cannot be stored is there as it is.

        >>> from dynamodb_py import CharField, DictField, Model
        >>> class Page(Model):
        ...     name = CharField(hash_key=True)
        ...     doc = DictField()
        >>> page = Page.from_db({"name": {"S": "a"}, "doc": {"M": {"n": {"N": "1"}}}})
        >>> page.doc["n"] = 2
        >>> page.changes()
        {'doc.n': (1, 2)}
        """
        stored = self._stored_wires()
        changes: dict[str, tuple[Any, Any]] = {}
        for field, wire, wrong in self._differing(stored):
            old = stored.get(field.attribute)
            if wrong:
                value = self.__dict__[field.name]
                changes[field.name] = (None if old is None else decode_or_free(field, old), value)
            else:
                spelled = self._as_spelled(
                    field.attribute, wire, {field.attribute: old} if old else {}
                )
                changes.update(describe_changes(field, old, spelled))
        return changes

    def revert(self) -> None:
        """Go back to what was loaded or saved last, in-place edits included; nothing is sent.

        :raises QueryError: it was never loaded or saved, or was deleted.
        """
        if self._stored is None:
            raise QueryError(
                f"{type(self).__name__}: there is nothing to go back to, as it was not loaded or "
                "saved, or was deleted: make another instance"
            )
        partial = self._partial
        self._become(self._stored)
        if partial is not None:
            self._apart().partial = partial


def _reads_as(field: Any, wire: Wire | None, value: Any) -> bool:
    """Tell whether *value*, which could not be written, is what another writer stored."""
    try:
        return wire is not None and bool(field.decode(wire) == value)
    except exceptions.UnreadableValue:
        return False
