"""Saving: what an instance writes, whole or as the changes since it was loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from .. import exceptions
from ..codec import Unstorable, as_sent, from_json, item_size, to_json
from ..exceptions import (
    ConditionFailed,
    InvalidRequest,
    ItemTooLarge,
    QueryError,
    ValidationError,
    narrowed,
)
from ..expressions import Condition
from ..flows import Flow, awaiting, blocking
from ..limits import MAX_ITEM_BYTES
from ..operations.base import Wire, WireItem
from ..operations.batches import Put
from ..operations.items import GetItem, Key, PutItem, StoredItem, UpdateItem
from .changesets import (
    ChangeSet,
    carried_out,
    change_set,
    disturbed,
    flat,
    goes_deep,
    kept,
    rebased_item,
)
from .fields.base import Field, is_checking, unchecked
from .records import check, spell
from .telling import decoded, told
from .updating import Updating
from .wires import applied, same

if TYPE_CHECKING:
    from typing_extensions import Self

# How often a save adapts itself to what another writer did to its maps meanwhile.
_TRIES = 4


class Saving(Updating):
    """The verbs of instances that write them, and that tell what would be written."""

    __slots__ = ()

    if TYPE_CHECKING:  # what it is a part of has these
        AlreadyExists: ClassVar[type[exceptions.AlreadyExists]]
        _using: ClassVar[str | None]

        def _become(self, item: StoredItem) -> None: ...

    # -- saving --------------------------------------------------------------------------------

    def _save(
        self,
        *,
        condition: Condition | None = None,
        force_insert: bool = False,
        overwrite: bool = False,
        update_fields: Iterable[str] | None = None,
        validate: bool = True,
    ) -> Flow[Self]:
        """Write this instance to its table.

        A new one is put whole, in place of what was there. Of a loaded one just what changed is set
        or removed, on condition that the item still exists; if nothing did, nothing is sent. Maps are
        changed key by key. A list must still be as it was loaded where it is written. Attributes that
        the model does not declare are left alone.

        :param condition: write only where it holds; it is asked even where nothing changed.
        :param force_insert: write only where no item has this key.
        :param overwrite: put a loaded one whole too, whether or not it still exists.
        :param update_fields: write no other fields than these, and those that set themselves; the
            changes of others wait for the next save. For a loaded one only.
        :param validate: False skips ``required``, ``choices``, bounds and validators.
        :return: the instance itself.
        :raises ValidationError: values cannot be stored; nothing was sent.
        :raises AlreadyExists: with *force_insert*, an item has this key.
        :raises ConditionFailed: *condition* does not hold, or a list that changed here was changed
            by another writer too; ``current`` is the item as it stands.
        :raises DoesNotExist: the item that was loaded is gone.
        :raises QueryError: *update_fields* is given where the whole item would be put.
        """
        condition = self._options().condition(condition)
        whole = self._stored is None or force_insert or overwrite
        named = None if update_fields is None else self._only(update_fields, whole=whole)
        if whole:
            yield from self._put(condition, insert=force_insert, validate=validate)
        else:
            yield from self._write_changes(condition, validate=validate, named=named)
        return self

    save = blocking(_save)
    asave = awaiting(_save)

    def _put(self, condition: Condition | None, *, insert: bool, validate: bool) -> Flow[None]:
        item = self._item(validate=validate)
        more = condition is not None and not condition.is_empty
        if insert:
            absent = self._meta.absent
            condition = absent if condition is None else absent & condition
        try:
            yield from PutItem(self._table, item, condition)
        except ConditionFailed as error:
            raise self._told(error, insert=insert, more=more) from error.__cause__
        self._settle(item)

    def _item(self, *, validate: bool = True) -> StoredItem:
        """Return the whole item as it would be stored."""
        return self._as_put(validate=validate).item

    def _as_put(self, table: str | None = None, *, validate: bool = True) -> Put:
        """Return what puts this instance whole, into its own table unless another is given."""
        wires = {
            **self._left_alone(),
            **self._wires(adding=self._stored is None, validate=validate),
        }
        if self._stored is not None:
            stored = self._stored_wires()
            self._check_key(stored, wires)
            wires.update(self._stored_key(stored))
        key = {field.attribute: wires[field.attribute] for field in self._options().keys}
        return Put(table or self._table, key, self._sized(wires))

    def _sized(self, wires: WireItem) -> StoredItem:
        """Return an item as JSON; raise ItemTooLarge over DynamoDB's 400 KB."""
        try:
            item = to_json(wires)
        except UnicodeEncodeError as error:
            raise self._no_text(wires, error) from None
        # An item's JSON is never shorter than what DynamoDB counts, but for base64.
        if len(item) > MAX_ITEM_BYTES and (size := item_size(wires)) > MAX_ITEM_BYTES:
            said = f"the item has {size} bytes, DynamoDB takes {MAX_ITEM_BYTES}"
            raise ItemTooLarge(
                f"{said}; its largest fields: {self._largest(wires)}", model=self._meta.name
            )
        return item

    def _no_text(self, wires: WireItem, error: UnicodeEncodeError) -> ValidationError:
        errors: dict[str, list[str]] = {}
        for name, wire in wires.items():
            try:
                to_json({name: wire})
            except UnicodeEncodeError:
                field = self._fields.by_attribute.get(name)
                errors[field.name if field else ascii(name)] = [
                    f"it is no Unicode text: {error.reason}"
                ]
        return ValidationError(errors, model=self._meta.name)

    def _check_key(self, stored: Mapping[str, Wire], wires: Mapping[str, Wire]) -> None:
        """Refuse to write a loaded instance under another key than it was loaded from."""
        for field in self._meta.keys:
            if field.attribute not in wires:
                continue
            old = stored.get(field.attribute)
            if old is not None and field.spell(field.decode(old)) != wires[field.attribute]:
                raise ValidationError(
                    {
                        field.name: [
                            f"it is part of the key and was {field.decode(old)!r} when loaded: "
                            "an item's key cannot change; create a new item and delete this one"
                        ]
                    },
                    model=self._meta.name,
                )

    def _stored_wires(self) -> WireItem:
        stored: WireItem = {} if self._stored is None else from_json(self._stored)
        return stored

    def _settle(self, item: StoredItem) -> Self:
        """Take *item* for what is stored from now on; the values stay as they are."""
        aside = self._aside
        self._stored, self._decoded, self._aside = item, True, None
        if aside is not None and aside.unreadable:
            self._apart().unreadable = aside.unreadable
        return self

    def _only(self, names: Iterable[str], *, whole: bool) -> frozenset[str]:
        """Return the names of ``update_fields``, after a look at them."""
        if isinstance(names, str):
            raise QueryError(f"update_fields={names!r}: give a list of names, [{names!r}]")
        named = frozenset(names)
        for name in named:
            if self._options().get_field(name).is_key:
                raise QueryError(
                    f"update_fields: {name} is part of the key, which cannot change: leave it out"
                )
        if whole:
            raise QueryError(
                f"update_fields: {self._meta.name} would be put whole, since it was never loaded or "
                "saved, or by force_insert or overwrite: save() it without update_fields"
            )
        return named

    def _write_changes(
        self,
        condition: Condition | None,
        *,
        validate: bool,
        named: frozenset[str] | None = None,
    ) -> Flow[None]:
        stored = self._stored_wires()
        changes = self._changes(stored, validate=validate, named=named)
        own = condition is not None and not condition.is_empty
        if not changes and not own:
            return
        asked = self._meta.present if condition is None else self._meta.present & condition
        if goes_deep(changes):
            wanted = {name: self._as_spelled(name, wire, stored) for name, wire in changes.items()}
            item = yield from self._send(stored, wanted, asked, own=own)
        else:
            item = yield from self._send_flat(stored, changes, asked)
        if item is not None:
            self._stored = item
            self._knows(changes)

    def _send_flat(
        self, stored: WireItem, wanted: dict[str, Wire | None], asked: Condition
    ) -> Flow[StoredItem]:
        """Do as ``_send`` for attributes none of which is to be a map or a list: nearly always."""
        operation = UpdateItem(self._table, self._stored_key(stored), flat(wanted), asked)
        after = {**stored, **wanted}
        item = self._sized({name: wire for name, wire in after.items() if wire is not None})
        try:
            yield from operation
        except ConditionFailed as error:
            raise self._told(error) from error.__cause__
        return item

    def _send(
        self, stored: WireItem, wanted: dict[str, Wire | None], asked: Condition, *, own: bool
    ) -> Flow[StoredItem | None]:
        """Write the attributes *wanted*, and return the item as it is then known; None for no request.

        :param own: *asked* has a condition of the caller's, so that a failure may be of that.
        """
        key, unknown, before = self._stored_key(stored), self._unknown(), stored
        todo = change_set(before, wanted, asked=asked, unknown=unknown)
        if not todo.actions and not own:
            return None
        for left in reversed(range(_TRIES)):
            after = applied(before, todo.actions)
            item = self._sized(after)
            try:
                yield from todo.update(self._table, key, asked)
            except (ConditionFailed, InvalidRequest) as error:
                now = yield from self._met(error, todo)
                if not own and carried_out(todo.actions, after, now):
                    return item  # by this request, an answer to which was lost
                before = rebased_item(before, wanted, now)
                again = change_set(before, wanted, asked=asked, unknown=unknown)
                if not left or again.actions == todo.actions:
                    places = () if own else disturbed(todo, stored, now)
                    raise self._refused(error, places) from error.__cause__
                todo = again
            else:
                return item
        raise AssertionError("the last try returns or raises")

    def _met(self, error: ConditionFailed | InvalidRequest, todo: ChangeSet) -> Flow[WireItem]:
        """Return the item that an update met which was refused; raise where that says enough.

        Where a map was removed, its keys have no valid path; DynamoDB then does not tell what is there.
        """
        if isinstance(error, ConditionFailed):
            current: Any = error.current
            if not isinstance(current, Mapping):
                raise self._told(error) from error.__cause__
            return dict(cast("Mapping[str, Wire]", current))
        if not todo.nested:
            raise error
        item = yield from GetItem(self._table, self._stored_key(self._stored_wires()), True)
        if item is None:
            raise self._gone() from error
        return cast("WireItem", from_json(item))

    def _refused(self, error: ConditionFailed | InvalidRequest, places: Sequence[str]) -> Exception:
        if not isinstance(error, ConditionFailed):
            return error
        if places:
            error.args = (
                f"{self._meta.name}: {', '.join(places)}: another writer changed it since it was "
                "loaded, and this would undo that: refresh_from_db(), change it again and save()",
            )
        return self._told(error)

    def _as_spelled(self, name: str, wire: Wire | None, stored: WireItem) -> Wire | None:
        """Return a value to store, with what did not change in it as another writer spelled it."""
        old = stored.get(name)
        if wire is None or old is None or not ("M" in wire or "L" in wire):
            return wire
        field = self._fields.by_attribute[name]
        try:
            spelled = field.spell_or_null(field.decode(old))
        except (exceptions.UnreadableValue, Unstorable):
            return wire
        return wire if spelled is None or same(old, spelled) else kept(old, spelled, wire)

    def _unknown(self) -> frozenset[str]:
        """Return the attributes that the item may have though they were not fetched."""
        partial = self._partial
        if partial is None:
            return frozenset()
        return frozenset(field.attribute for field in self._fields if field.name not in partial)

    def _knows(self, attributes: Iterable[str]) -> None:
        """Count *attributes*, which are known since they were written, among those fetched."""
        if self._partial is not None:
            self._apart().partial = self._partial | self._fields.held(frozenset(attributes))

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
            return unchecked(lambda: self._changes(stored, validate=False, named=named))
        if validate and self._clean_changed(stored, named):
            return self._changes(stored, validate=False, named=named)  # that is done
        changes: dict[str, Wire | None] = {}
        errors: dict[str, list[str]] = {}
        for field, wire, wrong in self._differing(stored):
            if named is not None and field.name not in named and not field.is_key:
                continue
            if wrong:
                errors.update(wrong)
                continue
            if field.is_key:
                self._check_key(stored, {field.attribute: wire or {}})
            check(field, self.__dict__[field.name], wire, errors, validate=validate)
            changes[field.attribute] = wire
        if errors:
            raise ValidationError(errors, model=self._meta.name)
        if changes:
            self._stamp_changes(changes)
        return changes

    def _differing(
        self, stored: Mapping[str, Wire]
    ) -> list[tuple[Field[Any, Any], Wire | None, dict[str, list[str]]]]:
        """Return each field that would be stored otherwise, as what, or what is wrong with it."""
        found: list[tuple[Field[Any, Any], Wire | None, dict[str, list[str]]]] = []
        values = self.__dict__
        unread = self._unread()  # a None there was assigned: what is stored, if anything, goes
        for field in self._fields:
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
                changes[field.attribute] = field.spell_or_null(stamped)

    def _differs(self, field: Any, wire: Wire | None, old: Wire | None) -> bool:
        if wire == old:
            return False
        if old is None:  # a default that was only read is no change
            aside = self._aside
            return aside is None or aside.defaults.get(field.name) != wire
        try:  # the same value may have been spelled otherwise, by another writer
            return bool(field.spell_or_null(field.decode(old)) != wire)
        except (exceptions.UnreadableValue, Unstorable):
            return True

    def _stored_key(self, stored: Mapping[str, Wire]) -> Key:
        for field in self._meta.keys:
            if field.attribute not in stored:
                raise ValidationError(
                    {field.name: ["it is part of the key, and was not loaded"]},
                    model=self._meta.name,
                )
        return {field.attribute: as_sent(stored[field.attribute]) for field in self._meta.keys}

    def _told(
        self, error: ConditionFailed, *, insert: bool = False, more: bool = False
    ) -> Exception:
        """Return what a failed condition means for this instance.

        With *insert*, it was that the key is free, and with *more* something else too.
        """
        current: Any = error.current
        if isinstance(current, Mapping):
            found = type(self).from_db(cast("Mapping[str, Any]", current))
            if "_using" in self.__dict__:
                found.__dict__["_using"] = self._using
            error.current = found
            return narrowed(error, self.AlreadyExists) if insert else error
        if insert:  # without an item the key is free, but for engines that never send one
            return error if more else narrowed(error, self.AlreadyExists)
        return error if self._stored is None else self._gone()

    def _gone(self) -> exceptions.DoesNotExist:
        return self.DoesNotExist(
            f"{self!r} is no longer there: it was deleted since it was loaded", missing=[self]
        )

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
                changes[field.name] = (None if old is None else decoded(field, old), value)
            else:
                spelled = self._as_spelled(
                    field.attribute, wire, {field.attribute: old} if old else {}
                )
                changes.update(told(field, old, spelled))
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
