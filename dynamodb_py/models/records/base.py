"""The state of a record: its stored bytes, and whether they are decoded.

A loaded record keeps its attributes as the bytes of the response, and decodes them all when a field is
first read. The values are then in its ``__dict__``. The bytes stay: a save compares the values with them,
and they hold the attributes that the class does not declare.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from msgspec import Struct

from ...codec import Unstorable, to_json
from ...connections import current_options
from ...exceptions import FieldNotLoaded, UnreadableValue, ValidationError
from ...operations.base import Wire, WireItem
from ...operations.items import Key, StoredItem
from ..fields.base import AnyField
from ..fields.model_key import alias_of, bind_values
from ..fields.refusals import UNFIT, without_validation
from .fieldset import FieldSet

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..attribute_values.lost_write import LostWrite

R = TypeVar("R", bound="BaseRecord")


class RecordState(Struct):
    """The state that only some records have, besides their bytes and values."""

    defaults: dict[str, tuple[Any, Wire | None]] = {}
    """The values that were read for absent attributes, and how each would have been stored then."""
    unreadable: dict[str, UnreadableValue] = {}
    partial: frozenset[str] | None = None
    """The names of the fields that were fetched, if not all were."""
    undeclared: WireItem = {}
    """The undeclared attributes of an item that was deleted."""
    stub: bool = False
    """Whether it was made from a reference or by ``by_key()``, so that only its key is known."""
    unstamped: WireItem | None = None
    """The other attributes of a document when its fields last set themselves."""
    kept: dict[str, Any] = {}
    """The defaults that were made for a new instance; a value that is not the one here was assigned."""
    deleted: frozenset[str] = frozenset()
    """The names of the fields that ``del`` removes at the next save."""
    lost: tuple[LostWrite, ...] = ()
    """The writes without a response, since the last one that had a response."""
    known_key: Key | None = None
    """The key as it is stored, of an instance that was made from its key."""

    def find_deleted_unread(self) -> frozenset[str]:
        """Return the fields that are to be removed and were not fetched."""
        return frozenset() if self.partial is None else self.deleted - self.partial

    def find_made(self, name: str) -> tuple[Any, Any]:
        """Return the default that was made for a field, and the value that was read for its absent attribute.

        Each is None if there is none.
        """
        return self.kept.get(name), self.defaults.get(name, (None, None))[0]

    def find_unread(self, names: Iterable[str]) -> frozenset[str]:
        """Return the fields among *names* that were not fetched, and those that cannot be read."""
        unread = frozenset(self.unreadable)
        if self.partial is None:
            return unread
        return unread.union(names) - (self.partial - unread) - self.deleted


class BaseRecord:
    """The state of an object with fields, and the methods that fields and loaders call."""

    __slots__ = ("__kept__", "_decoded", "_state", "_stored")

    _fieldset: ClassVar[FieldSet]

    _stored: StoredItem | None
    _decoded: bool
    _state: RecordState | None
    __kept__: tuple[Any, ...]
    """The sets that were loaded or saved, in the order of ``FieldSet.sets``; unset if there are none."""

    def __new__(cls, /, *_: Any, **__: Any) -> Self:
        """Make a record that was not loaded; ``__init__`` of a subclass need not call ``super().__init__()``."""
        self = object.__new__(cls)
        set_stored(self, None)
        set_decoded(self, True)
        set_state(self, None)
        return self

    @classmethod
    def _settle_references(cls) -> None:
        """Find the classes that references name, in any module."""

    @classmethod
    def _load(cls, stored: StoredItem) -> Self:
        """Return the record of a stored item, without calling ``__init__``."""
        self = object.__new__(cls)
        set_stored(self, stored)
        set_decoded(self, False)
        set_state(self, None)
        if _observers:
            _observers[0](self)
        return self

    @classmethod
    def _load_partially(cls, held: frozenset[str]) -> Callable[[StoredItem], Self]:
        """Return a function that loads items, of which only the attributes *held* were fetched."""
        names = cls._fieldset.find_held(held)

        def load(stored: StoredItem) -> Any:
            self = object.__new__(cls)
            self._stored, self._decoded, self._state = stored, False, RecordState(partial=names)
            if _observers:
                _observers[0](self)
            return self

        return load

    def _decode(self) -> None:
        """Decode the stored bytes; values that were set since it was loaded stay."""
        values = self.__dict__
        assigned = dict(values) if values else None
        fields = self._fieldset
        stored: Any = self._stored
        try:
            (fields._reader or fields.get_reader())(stored, values)
        except UNFIT:
            readable, unreadable = fields.read_one_by_one(stored)
            values.update(readable)
            state_of(self).unreadable = unreadable
        if fields.holders and (current_options().using or "_using" in values):
            alias = alias_of(self)
            for name in fields.holders:
                if name in values and (assigned is None or name not in assigned):
                    bind_values(values[name], alias)
        if assigned:
            keep_sets(self, [name for name in fields.sets if name not in assigned])
            values.update(assigned)
        elif fields.sets:
            _set_kept(self, tuple(map(values.get, fields.sets)))
        set_decoded(self, True)

    def __delattr__(self, name: str) -> None:
        """Remove an attribute of the item at the next save, whether or not it was read before."""
        fields = self._fieldset
        if name in fields.references:
            delete_reference(self, name)
        elif name in fields.by_name:
            delete_field(self, name)
        else:
            object.__delattr__(self, name)

    def _value_of_unset(self, field: AnyField) -> Any:
        """Return the default of a field without a value; reading alone never stores it."""
        state, computed = self._state, self._fieldset.computed
        if computed is not None and (made := computed.by_name.get(field.name)) is not None:
            text = computed.compose_text(self, made)
            if text is not None or state is None or state.partial is None:
                return text
        if state is not None and field.name not in state.deleted:
            if field.name in state.unreadable:
                raise state.unreadable[field.name]
            if state.stub and state.partial is not None and field.name not in state.partial:
                raise FieldNotLoaded(
                    f"{field.label} was not fetched with this instance, which comes from a reference or "
                    "from by_key() and has only its key: fetch() or refresh_from_db() fetches it (in "
                    "asyncio await afetch()), and prefetch_related() fetches many at once"
                )
            if state.partial is not None and field.name not in state.partial:
                raise FieldNotLoaded(
                    f"{field.label} was not fetched with this instance: refresh_from_db() fetches it; "
                    "a query fetches it unless only() or defer() leaves it out; through an index whose "
                    "projection does not include it, use .full()"
                )
        if self._stored is None:
            value = field.make_default()
            if field.name not in self._fieldset.constants and not is_deleted(self, field.name):
                self.__dict__[field.name] = state_of(self).kept[field.name] = value
            return value
        if state is not None and field.name in state.defaults:
            return state.defaults[field.name][0]
        # Not into __dict__, which has only values that were stored or assigned.
        value = field.make_absent_value()
        if value is not None or field.null:
            state_of(self).defaults[field.name] = value, _wire_of_default(field, value)
        return value

    def clean(self) -> None:
        """Check several fields together, or set one from another: override it.

        Raise ValueError with a message about the whole, or ValidationError with messages by field.
        Every write calls it after ``clean_<field>``, unless ``validate=False``.

        >>> from dynamodb_py import CharField, IntegerField, Model
        >>> class Event(Model):
        ...     name = CharField(hash_key=True)
        ...     first_day = IntegerField(required=True)
        ...     last_day = IntegerField(required=True)
        ...
        ...     def clean(self):
        ...         if self.last_day < self.first_day:
        ...             raise ValueError("the last day is before the first")
        >>> Event(name="fair", first_day=5, last_day=3).full_clean()
        Traceback (most recent call last):
            ...
        dynamodb_py.exceptions.ValidationError: Event: the last day is before the first
        """


# Python looks up __setattr__ for each attribute of a class with __delattr__: setting slots directly is faster.
set_stored, set_decoded, set_state, _set_kept = (
    vars(BaseRecord)[name].__set__ for name in ("_stored", "_decoded", "_state", "__kept__")
)

_EDITABLE: tuple[type[Any], ...] = (list, dict, set, BaseRecord)

_observers: list[Callable[[Any], None]] = []


def observe_loading(observer: Callable[[Any], None] | None) -> None:
    """Call *observer* with each record that is loaded from now on; None stops that."""
    _observers[:] = [] if observer is None else [observer]


def is_observed() -> bool:
    """Tell whether an observer is called with each record that is loaded."""
    return bool(_observers)


def state_of(record: BaseRecord) -> RecordState:
    """Return the state of a record; it is made at the first call."""
    if record._state is None:
        record._state = RecordState()
    return record._state


def load_key(kind: type[R], key: Mapping[str, Wire]) -> R:
    """Load a key without sending post_init: users never get the record."""
    record = object.__new__(kind)
    record._stored, record._decoded, record._state = to_json(key), False, None
    return record


def get_fetched_fields(record: BaseRecord) -> frozenset[str] | None:
    """Return the names of the fields that were fetched; None if the whole item was."""
    return None if record._state is None else record._state.partial


def find_unread_fields(record: BaseRecord) -> frozenset[str]:
    """Return the fields that the item may have, but the record does not."""
    state = record._state
    return frozenset() if state is None else state.find_unread(record._fieldset.by_name)


def find_edited_defaults(record: BaseRecord) -> Collection[str]:
    """Return the fields whose defaults, such as a list, were read and then edited in place."""
    if (state := record._state) is None or not state.defaults:
        return ()
    by_name, values = record._fieldset.by_name, record.__dict__
    return [
        name
        for name, (value, wire) in state.defaults.items()
        if name not in values and _is_edited(by_name[name], value, wire)
    ]


def keep_sets(record: BaseRecord, names: Collection[str] | None = None) -> None:
    """Remember the current sets, or those of *names*, as the stored ones: edits in place are found by them."""
    sets, get = record._fieldset.sets, record.__dict__.get
    if names is None:
        _set_kept(record, tuple(map(get, sets)))
        return
    before = zip(sets, get_kept_sets(record), strict=True)
    _set_kept(record, tuple([get(name) if name in names else kept for name, kept in before]))


def get_kept_sets(record: BaseRecord) -> tuple[Any, ...]:
    """Return the sets that were loaded or saved, in the order of their names, or None for each."""
    kept: tuple[Any, ...] = getattr(record, "__kept__", ())  # unset until the first ones are kept
    return kept or (None,) * len(record._fieldset.sets)


# A record keeps at most so many lost writes, the latest ones.
_MOST_LOST = 4


def add_lost(record: BaseRecord, write: LostWrite) -> None:
    """Keep a write whose response never arrived."""
    state = state_of(record)
    state.lost = (*state.lost, write)[-_MOST_LOST:]


def find_given_fields(record: BaseRecord) -> frozenset[str]:
    """Return the fields whose values are data of the item, not defaults.

    In a new record, these are the fields that were given, assigned, edited or deleted.
    """
    if not record._decoded:
        record._decode()
    by_name, state = record._fieldset.by_name, state_of(record)
    if record._stored is not None:
        here = {*record.__dict__, *find_edited_defaults(record), *state.deleted}
        return frozenset(here & by_name.keys())
    given = [
        name
        for name, value in record.__dict__.items()
        if name in by_name
        and (
            name not in state.kept
            or value is not state.kept[name]
            or (isinstance(value, _EDITABLE) and value != by_name[name].make_default())
        )
    ]
    return state.deleted.union(given)


def is_deleted(record: BaseRecord, name: str) -> bool:
    """Tell whether ``del`` is to remove the field *name* at the next save."""
    state = record._state
    return state is not None and name in state.deleted and name not in record.__dict__


def delete_field(record: BaseRecord, name: str) -> None:
    """Forget the value of a field, and remove it from the item at the next save."""
    computed = record._fieldset.computed
    if computed is not None and name in computed.by_name:
        made = computed.by_name[name]
        raise ValidationError(
            {
                name: [
                    f"it is made of {made.parts_text}, and cannot be deleted: delete one of those"
                ]
            },
            model=type(record).__name__,
        )
    if not record._decoded:
        record._decode()
    record.__dict__.pop(name, None)
    state = state_of(record)
    state.defaults = {key: each for key, each in state.defaults.items() if key != name}
    state.unreadable = {key: each for key, each in state.unreadable.items() if key != name}
    state.deleted |= {name}


def delete_reference(record: BaseRecord, name: str) -> None:
    """Forget the item of a reference, and remove its key and its copies at the next save."""
    record._settle_references()
    reference = record._fieldset.references[name]
    for part in (*reference.parts, *reference.copies.values()):
        delete_field(record, part.name)
    record.__dict__.pop(name, None)


def settle_defaults(record: BaseRecord) -> None:
    """Make values of the defaults that were read, as they are stored now, or will be."""
    if (state := record._state) is not None:
        for name, (value, _) in state.defaults.items():
            record.__dict__.setdefault(name, value)
        state.defaults = {}


def _is_edited(field: AnyField, value: Any, wire: Wire | None) -> bool:
    if field.varies and wire is not None:
        return bool(field.decode(wire) != value)
    return _wire_of_default(field, value) != wire


def _wire_of_default(field: AnyField, value: Any) -> Wire | None:
    try:
        return without_validation(lambda: field.to_wire_or_null(value))
    except Unstorable:
        return None


def is_untouched(record: BaseRecord) -> bool:
    """Tell whether no field was read or set since it was loaded."""
    values = record.__dict__
    is_read = record._decoded or (bool(values) and values.keys() != {"_using"})
    return record._stored is not None and not is_read
