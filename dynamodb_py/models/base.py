"""Model: an item of a table as an object that can save, refresh and delete itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from .. import exceptions
from ..codec import Unstorable, as_sent, from_json, item_size, to_json
from ..connections import Connection, get_connection
from ..exceptions import (
    ConditionFailed,
    ItemTooLarge,
    ModelDefinitionError,
    ValidationError,
    narrowed,
)
from ..expressions import Action, Add, Condition, Path, Remove, Set, Value
from ..flows import Flow, awaiting, blocking
from ..limits import MAX_ITEM_BYTES
from ..operations.base import Wire, WireItem
from ..operations.batches import Put
from ..operations.items import DeleteItem, GetItem, Key, PutItem, StoredItem, UpdateItem
from .bulk import consistently
from .fields.base import Field, is_checking, unchecked
from .manager import Manager
from .objects import Objects
from .options import Options, prepare
from .records import FieldSet, Record, check, spell
from .references import KeyOf

if TYPE_CHECKING:
    from typing_extensions import Self


class Model(Record):
    """An item of a table.

    Fields are class attributes; ``class Meta`` names the table and its options. A model without a
    key gets ``id``, a random UUID; one without ``Meta.table_name`` is kept in a table that is called
    as the class.

    >>> from dynamodb_py import CharField, IntegerField
    >>> class Score(Model):
    ...     class Meta:
    ...         table_name = "scores"
    ...
    ...     player = CharField(hash_key=True)
    ...     points = IntegerField(default=0)
    >>> Score(player="ann")
    Score(player='ann', points=0)

    Options in ``Meta``: ``table_name``, ``abstract``, ``using`` (the alias of a connection),
    ``indexes``, ``billing_mode``, ``read_capacity``, ``write_capacity``, ``allow_scan`` (read the whole
    table where a query set's conditions say no key; otherwise that is an error).
    """

    _meta: ClassVar[Options]
    _fields: ClassVar[FieldSet] = FieldSet("Model", {})

    objects = cast("Objects", Manager())  # no annotation: a class may have another manager

    DoesNotExist: ClassVar[type[exceptions.DoesNotExist]] = exceptions.DoesNotExist
    MultipleObjectsReturned: ClassVar[type[exceptions.MultipleObjectsReturned]] = (
        exceptions.MultipleObjectsReturned
    )
    AlreadyExists: ClassVar[type[exceptions.AlreadyExists]] = exceptions.AlreadyExists

    _using: ClassVar[str | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._prepare()
        for name in ("DoesNotExist", "MultipleObjectsReturned", "AlreadyExists"):
            setattr(cls, name, _own(cls, name))
        if "_meta" in cls.__dict__:
            cls.class_prepared()

    @classmethod
    def _prepare(cls) -> None:
        """Take stock of the fields and options of the class."""
        fields, options = prepare(cls, Model)
        cls._fields = fields
        if options is not None:
            cls._meta = options

    @classmethod
    def class_prepared(cls) -> None:
        """Do something when a class is complete: override it in a base class of yours."""

    @classmethod
    def add_field(cls, name: str, field: Field[Any, Any]) -> None:
        """Add a field to a class that is complete, before there are instances of it.

        Subclasses that exist already do not get it. Raises ModelDefinitionError as the class
        statement would; the class is then as it was.
        """
        before = cls.__dict__.get(name)
        setattr(cls, name, field)
        try:
            cls._prepare()
        except ModelDefinitionError:
            if before is None:
                delattr(cls, name)
            else:
                setattr(cls, name, before)
            raise

    def __init__(self, *key: Any, **values: Any) -> None:
        """Make an instance, not yet saved.

        :param key: the values of the hash key and of the range key may be given in order.
        :param values: the values of the fields by name; an unknown name raises TypeError.
        """
        if key:
            values = self._with_key(key, values)
        self._fill(values)

    @classmethod
    def _with_key(cls, key: tuple[Any, ...], values: dict[str, Any]) -> dict[str, Any]:
        names = [field.name for field in cls._options().keys]
        if len(key) > len(names):
            raise TypeError(
                f"{cls.__name__} takes {' and '.join(names)} by position, not {len(key)} values"
            )
        for name, value in zip(names, key, strict=False):
            if name in values:
                raise TypeError(f"{cls.__name__} got two values for {name}")
            values[name] = value
        return values

    @property
    def _link(self) -> Connection:
        return get_connection(self._using or self._options().using)

    @property
    def _table(self) -> str:
        return self._link.table_name(self._options().table_name)

    @classmethod
    def _options(cls) -> Options:
        try:
            meta: Options = cls.__dict__["_meta"]  # its own, not that of a base class
        except KeyError:
            raise TypeError(f"{cls.__name__} is abstract: it has no table") from None
        return meta

    @classmethod
    def _as_field(cls) -> KeyOf:
        return KeyOf(cls)

    # -- what it is ----------------------------------------------------------------------------

    @property
    def persisted(self) -> bool:
        """Whether it was loaded from, or saved to, its table, and not deleted since."""
        return self._stored is not None

    @property
    def primary_key(self) -> Any:
        """The value of the hash key, or the pair of the hash and the range key."""
        values = self._key_values()
        return values if len(values) > 1 else next(iter(values))

    def __eq__(self, other: object) -> bool:
        """Tell whether both are of one class and have the same key, which is not None."""
        if type(other) is not type(self):
            return NotImplemented
        mine = self._key_values()
        return self is other or (None not in mine and mine == other._key_values())

    def __hash__(self) -> int:
        key = self._key_values()
        if None in key:
            raise TypeError(f"a {type(self).__name__} without a key cannot be hashed")
        return hash((type(self), key))

    def _key_values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, field.name) for field in self._options().keys)

    # -- saving --------------------------------------------------------------------------------

    def _save(
        self,
        *,
        condition: Condition | None = None,
        force_insert: bool = False,
        overwrite: bool = False,
        validate: bool = True,
    ) -> Flow[Self]:
        """Write this instance to its table.

        A new one is put whole, in place of what was there. Of a loaded one just the attributes that
        changed are set or removed, on condition that the item still exists; if none did, nothing is
        sent. Attributes that the model does not declare are left alone.

        :param condition: write only where it holds; it is asked even where nothing changed.
        :param force_insert: write only where no item has this key.
        :param overwrite: put a loaded one whole too, whether or not it still exists.
        :param validate: False skips ``required``, ``choices``, bounds and validators.
        :return: the instance itself.
        :raises ValidationError: values cannot be stored; nothing was sent.
        :raises AlreadyExists: with *force_insert*, an item has this key.
        :raises ConditionFailed: *condition* does not hold; ``current`` is the item as it stands.
        :raises DoesNotExist: the item that was loaded is gone.
        """
        condition = self._options().condition(condition)
        if self._stored is None or force_insert or overwrite:
            yield from self._put(condition, insert=force_insert, validate=validate)
        else:
            yield from self._write_changes(condition, validate=validate)
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
            largest = sorted(wires, key=lambda name: -item_size({name: wires[name]}))[:3]
            said = f"the item has {size} bytes, DynamoDB takes {MAX_ITEM_BYTES}"
            raise ItemTooLarge(
                f"{said}; its largest attributes: {', '.join(largest)}", model=self._meta.name
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

    def _write_changes(self, condition: Condition | None, *, validate: bool) -> Flow[None]:
        stored = self._stored_wires()
        changes = self._changes(stored, validate=validate)
        if not changes and (condition is None or condition.is_empty):
            return
        actions = [_action(self._meta, name, wire) for name, wire in changes.items()]
        present = self._meta.present
        condition = present if condition is None else present & condition
        operation = UpdateItem(self._table, self._stored_key(stored), actions, condition)
        after = {**stored, **changes}
        item = self._sized({name: wire for name, wire in after.items() if wire is not None})
        try:
            yield from operation
        except ConditionFailed as error:
            raise self._told(error) from error.__cause__
        self._stored = item
        self._knows(changes)

    def _knows(self, attributes: Iterable[str]) -> None:
        """Count *attributes*, which are known since they were written, among those fetched."""
        if self._partial is not None:
            self._apart().partial = self._partial | self._fields.held(frozenset(attributes))

    def _changes(self, stored: Mapping[str, Wire], *, validate: bool) -> dict[str, Wire | None]:
        """Return what would be stored now of the fields that changed since *stored* was loaded."""
        if not validate and is_checking():
            return unchecked(lambda: self._changes(stored, validate=False))
        changes: dict[str, Wire | None] = {}
        errors: dict[str, list[str]] = {}
        values = self.__dict__
        fields = [field for field in self._fields if field.name in values]
        unread = self._unread()  # a None there was assigned: what is stored, if anything, goes
        for field in fields:
            value = values[field.name]
            old = stored.get(field.attribute)
            wrong: dict[str, list[str]] = {}
            wire = spell(field, value, wrong)
            if wrong:
                if not _reads_as(field, old, value):
                    errors.update(wrong)
            elif self._differs(field, wire, old) or (old is wire is None and field.name in unread):
                if field.is_key:
                    self._check_key(stored, {field.attribute: wire or {}})
                check(field, value, wire, errors, validate=validate)
                changes[field.attribute] = wire
        if errors:
            raise ValidationError(errors, model=self._meta.name)
        if changes:
            self._stamp_changes(changes)
        return changes

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
        if self._stored is not None:
            return self.DoesNotExist(
                f"{self!r} is no longer there: it was deleted since it was loaded", missing=[self]
            )
        return error

    # -- deleting, refreshing, counting --------------------------------------------------------

    def _delete(self, *, condition: Condition | None = None) -> Flow[None]:
        """Delete this item; one that is not there counts as deleted.

        :param condition: delete only where it holds.
        :raises ConditionFailed: *condition* does not hold; ``current`` is the item as it stands,
            None where it is gone.
        """
        key = self._key()
        try:
            yield from DeleteItem(self._table, key, self._meta.condition(condition))
        except ConditionFailed as error:
            self._told(error)
            raise
        self._detach()

    delete = blocking(_delete)
    adelete = awaiting(_delete)

    def _key(self) -> Key:
        """Return the key on the wire, which is the one that it was loaded from, if it was."""
        options = self._options()
        key = options.key((), {field.name: getattr(self, field.name) for field in options.keys})
        if self._stored is None:
            return key
        stored = self._stored_wires()
        self._check_key(stored, key)
        return self._stored_key(stored)  # another writer may have spelled it otherwise

    def _detach(self) -> None:
        """Become an instance that is not stored, with the values that there are."""
        if not self._decoded:
            self._decode()
        if kept := self._undeclared():
            self._apart().kept = kept
        self._stored = None

    def _refresh_from_db(self, *, consistent: bool | None = None) -> Flow[None]:
        """Read all fields again; changes that were not saved are lost.

        :param consistent: True sees every write before it; by default as ``options()`` says.
        :raises DoesNotExist: there is no item with this key.
        """
        key = self._key()
        item = yield from GetItem(self._table, key, consistently(consistent))
        if item is None:
            raise self.DoesNotExist(
                f"{self._meta.name} has no item {self.primary_key!r}", missing=[self]
            )
        self._become(item)

    refresh_from_db = blocking(_refresh_from_db)
    arefresh_from_db = awaiting(_refresh_from_db)

    def _become(self, item: StoredItem) -> None:
        """Take *item* for what is stored, and forget the values that there were."""
        for name in self._fields.by_name:
            self.__dict__.pop(name, None)
        self._stored, self._decoded, self._aside = item, False, None

    def _incr(self, /, **amounts: float) -> Flow[Self]:
        """Add to number fields in one request, without reading: no other writer's change is lost.

        A field without a value counts as 0. Of an instance that was never saved or loaded, the item
        is made if it is not there. This instance has the new values afterwards.

        :param amounts: what to add, by field.
        :raises DoesNotExist: the item that was loaded or saved is gone.
        :raises ConnectionFailed: no answer came. The request is not sent again, since it may have
            been carried out and would count twice.
        """
        actions: list[Action] = []
        for name, amount in amounts.items():
            field = self._options().get_field(name)
            if field.kind != "N" or field.is_key:
                raise ValidationError(
                    {name: ["only number fields can be added to"]}, model=self._meta.name
                )
            wire = field.encode(amount)
            assert wire is not None
            actions.append(Add(field._path(), Value(wire)))
        if not actions:
            return self
        condition = self._meta.present if self.persisted else None
        update = UpdateItem(self._table, self._key(), actions, condition, "UPDATED_NEW")
        try:
            new: WireItem = from_json((yield from update) or b"{}")
        except ConditionFailed as error:
            raise self._told(error) from error.__cause__
        for attribute, wire in new.items():
            field = self._fields.by_attribute[attribute]
            self.__dict__[field.name] = field.decode(wire)
        if self._stored is not None:
            self._stored = to_json({**self._stored_wires(), **new})
            self._knows(new)
        return self

    incr = blocking(_incr)
    aincr = awaiting(_incr)

    def _decr(self, /, **amounts: float) -> Flow[Self]:
        """Take from number fields; the rest is as for ``incr``."""
        yield from self._incr(**{name: -amount for name, amount in amounts.items()})
        return self

    decr = blocking(_decr)
    adecr = awaiting(_decr)

    # -- at the class, as the older mapper had it ----------------------------------------------

    @classmethod
    def create(cls, **values: Any) -> Self:
        """Insert an item and return it: ``objects.create()``."""
        return cls.objects.create(**values)

    @classmethod
    async def acreate(cls, **values: Any) -> Self:
        """Insert an item and return it: ``objects.acreate()``."""
        return await cls.objects.acreate(**values)

    @classmethod
    def get(cls, *key: Any, **named: Any) -> Self | None:
        """Return the item with this key, or None: ``objects.get_or_none()``."""
        return cls.objects.get_or_none(*key, **named)

    @classmethod
    async def aget(cls, *key: Any, **named: Any) -> Self | None:
        """Return the item with this key, or None: ``objects.aget_or_none()``."""
        return await cls.objects.aget_or_none(*key, **named)

    @classmethod
    def batch_get(cls, *keys: Any, **options: Any) -> list[Self]:
        """Return the items with these keys: ``objects.batch_get()``."""
        return cls.objects.batch_get(*keys, **options)

    @classmethod
    async def abatch_get(cls, *keys: Any, **options: Any) -> list[Self]:
        """Return the items with these keys: ``objects.abatch_get()``."""
        return await cls.objects.abatch_get(*keys, **options)

    @classmethod
    def batch_write(cls, items: Sequence[Any], **options: Any) -> list[Self]:
        """Write many items: ``objects.batch_write()``."""
        return cls.objects.batch_write(items, **options)

    @classmethod
    async def abatch_write(cls, items: Sequence[Any], **options: Any) -> list[Self]:
        """Write many items: ``objects.abatch_write()``."""
        return await cls.objects.abatch_write(items, **options)


def _reads_as(field: Any, wire: Wire | None, value: Any) -> bool:
    """Tell whether *value*, which could not be written, is what another writer stored."""
    try:
        return wire is not None and bool(field.decode(wire) == value)
    except exceptions.UnreadableValue:
        return False


def _action(meta: Options, attribute: str, wire: Wire | None) -> Action:
    path = Path((attribute,), label=f"{meta.name}.{attribute}")
    return Remove(path) if wire is None else Set(path, Value(wire))


def _own(cls: type[Model], name: str) -> type[Exception]:
    """Return the exception *name* of a model: a subclass of those of its bases."""
    bases = tuple(
        dict.fromkeys(getattr(base, name) for base in cls.__bases__ if issubclass(base, Model))
    )
    said = {"__module__": cls.__module__, "__qualname__": f"{cls.__qualname__}.{name}"}
    return type(name, bases, said)
