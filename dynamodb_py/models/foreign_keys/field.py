"""References: fields that store the key of another model's item, and whose value is that item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast, overload

from ...codec import Unstorable, as_sent, from_json
from ...connections import is_consistent
from ...exceptions import UnreadableValue, ValidationError
from ...flows import Flow, has_running_loop, run
from ...operations.base import Wire, WireItem
from ...operations.items import GetItem
from ..fields.base import AnyField
from ..fields.json_forms import PLAINLY, Reading
from ..fields.model_key import KeyOf, alias_of, make_stub
from ..fields.refusals import with_article
from ..registry import find_anywhere
from ..visibility import filter_item
from .conditions import ReferenceConditions
from .on_delete import DO_NOTHING, NULLIFY, OnDelete
from .unloaded import is_stub, log_fetch

if TYPE_CHECKING:
    from typing import TypedDict

    from typing_extensions import TypeVar, Unpack

    from ..attribute_values import display, spelling
    from ..fields import declaration, unknown_options
    from ..fields.base import Yes
    from .conditions import Key

    class _Options(TypedDict, total=False):
        """The keyword arguments of references."""

        related_name: str | None
        index: str | None
        on_delete: OnDelete
        denormalize: Iterable[str]
        name: str | None
        init: bool
        unique: bool
        default: Any
        validators: Any

    class _Nullable(_Options, total=False):
        """The keyword arguments of a reference whose values may be None."""

        required: bool

    class _Named(_Options, total=False):
        """The keyword arguments of a reference to a model by name."""

        required: bool
        null: bool
        hash_key: bool
        range_key: bool

    T = TypeVar("T")
    X = TypeVar("X")
    RefN = TypeVar("RefN", default="T | None")
else:
    from typing import TypeVar

    from ...lazy import declaration, display, spelling, unknown_options

    T = TypeVar("T")
    RefN = TypeVar("N")


_TAKEN = frozenset(
    ["name", "hash_key", "range_key", "default", "init", "required", "null", "unique", "validators"]
)


class ForeignKey(ReferenceConditions[T, RefN]):
    """A reference to an item of another model, stored as the key of that item.

    If the target, the other model, has only a hash key (partition key), the reference is one attribute
    with the name of the field; ``book.author_id`` is the value of the key. If the target also has a range
    key (sort key), each is an attribute, named after the target's fields: ``author_tenant`` and
    ``author_id``. If the model declares a field of such a name, of the same type, the reference uses it.

    Reading ``book.author`` fetches the item once, on demand. If an event loop runs, it returns a stub, an
    instance with only its key, and ``await book.author.afetch()`` fetches the item.

    >>> from dynamodb_py import CharField, ForeignKey, Model, Table
    >>> class Author(Model):
    ...     id = CharField(hash_key=True)
    ...     name = CharField()
    >>> class Book(Model):
    ...     isbn = CharField(hash_key=True)
    ...     author = ForeignKey(Author)
    >>> tables = [Table(model).create() for model in (Author, Book)]
    >>> ann = Author.objects.create(id="ann", name="Ann")
    >>> book = Book.objects.create(isbn="1", author=ann)
    >>> Book.get("1").author_id, Book.get("1").author.name
    ('ann', 'Ann')

    :param to: the model, or its name: ``"Author"``, ``"shop.models.Author"``, ``"self"``.
    :param related_name: the attribute of the target's instances for the reverse relation, as in
        ``author.books``. Its query needs an index, or a table, whose key begins with the reference.
        ``%(class)s`` in it is replaced by the name of the model, in lower case.
    :param index: the name of that index; by default the package chooses one.
    :param on_delete: the action on this item when ``delete()`` deletes the target's item.
    :param denormalize: names of fields of the target to copy beside the reference, as ``author_name``.
        Assigning a loaded instance makes the copies.
    :param name: the attribute's name, or the beginning of the names of several attributes.

    ``**options`` are ``required``, ``null``, ``unique``, ``hash_key``, ``range_key``, ``init`` and ``validators``,
    as for other fields, and ``default``, which is a key.
    """

    one_to_one: ClassVar[bool] = False

    @overload
    def __init__(
        self: ForeignKey[X, X | None], to: type[X], *, null: Yes, **o: Unpack[_Nullable]
    ) -> None: ...
    @overload
    def __init__(
        self: ForeignKey[X, X], to: type[X], *, required: Yes, **o: Unpack[_Options]
    ) -> None: ...
    @overload
    def __init__(
        self: ForeignKey[X, X], to: type[X], *, hash_key: Yes, **o: Unpack[_Options]
    ) -> None: ...
    @overload
    def __init__(
        self: ForeignKey[X, X], to: type[X], *, range_key: Yes, **o: Unpack[_Options]
    ) -> None: ...
    @overload
    def __init__(self: ForeignKey[X, X | None], to: type[X], **o: Unpack[_Options]) -> None: ...
    @overload
    def __init__(self: ForeignKey[Any, Any], to: str, **o: Unpack[_Named]) -> None: ...
    def __init__(
        self,
        to: Any,
        *,
        related_name: str | None = None,
        index: str | None = None,
        on_delete: OnDelete = DO_NOTHING,
        denormalize: Iterable[str] = (),
        **options: Any,
    ) -> None:
        if unknown := options.keys() - _TAKEN:
            raise TypeError(
                f"{type(self).__name__} takes no {', '.join(sorted(unknown))}: it takes related_name, "
                f"index, on_delete, denormalize, {', '.join(sorted(_TAKEN))}"
                f"{unknown_options.advise(unknown, unknown_options.FIELD_OPTIONS)}"
            )
        super().__init__(**options)
        self.options = options
        self.to, self.related_name, self.index = to, related_name, index
        self.on_delete, self.denormalize = on_delete, denormalize
        self.model: type[Any] | None = None
        """The class that has this field."""
        self.parts: tuple[AnyField, ...] = ()
        """The fields that hold the key, in the order of the target's key."""
        self.names: tuple[str, ...] = ()
        """The names of the target's fields, one for each of *parts*."""
        self.copies: dict[str, AnyField] = {}
        """The fields that hold copies, by the names of the copied fields of the target."""
        self._target: type[Any] | None = None
        self._key_field: KeyOf | None = None
        self._key_fields: tuple[AnyField, ...] | None = None
        """The fields of the target's key; None until needed, () if *parts* are those of a template."""
        self._is_text = False
        """Whether all fields of the target's key store text unchanged."""
        self._places: list[tuple[str, str]] | None = None
        """The name of each of *parts*, with the target's attribute that it holds; None until needed."""
        self._stored_types: tuple[type[Any] | None, ...] | None = None
        """The type that each of *parts* stores unchanged, None if it converts; None until needed."""
        self.lookup_indexes: dict[str, Any] = {}
        """The index that finds referring items by this reference and another one, by the other's name."""
        if isinstance(to, type) and "_meta" in vars(to):
            self._target = to
            fields: Any = vars(to)["_fieldset"]
            keys: list[AnyField] = [field for field in fields if field.is_key]
            if len(keys) == 1:
                self.kind = keys[0].kind  # a SetField needs it at once

    def prepare(self) -> None:
        if isinstance(self.to, type):
            if not hasattr(self.to, "_load_partially") or not hasattr(self.to, "DoesNotExist"):
                raise self.misdeclared(
                    f"{self.to!r} is not a model: give a model class, or its name"
                )
            if "_meta" not in vars(self.to):
                raise self.misdeclared(
                    f"{self.to.__name__} is abstract, so it has no items: refer to one of its subclasses"
                )
        elif not isinstance(self.to, str) or not self.to:
            raise self.misdeclared(f"{self.to!r} is not a model: give a model class, or its name")
        if not isinstance(self.on_delete, OnDelete):
            raise self.misdeclared(
                f"on_delete={self.on_delete!r}: it takes DO_NOTHING, PROTECT, NULLIFY or CASCADE"
            )
        if isinstance(self.denormalize, str):
            raise self.misdeclared(f"denormalize={self.denormalize!r}: give a list of names")
        self.denormalize = tuple(self.denormalize)
        self._check_names()
        if self.on_delete is NULLIFY and (self.required or self.is_key):
            raise self.misdeclared(
                "on_delete=NULLIFY sets it to None, but it needs a value, as it is required or part of the "
                "key: drop required=True, or use PROTECT or CASCADE"
            )
        declaration.check_choices(self)
        self._key_fields = self._places = self._stored_types = None
        self.lookup_indexes = {}

    def _check_names(self) -> None:
        for option in ("related_name", "index"):
            value = getattr(self, option)
            if value is not None and (not isinstance(value, str) or not value):
                raise self.misdeclared(f"{option}={value!r}: give a name, a str that is not empty")
        name = self.related_name
        if name and not name.replace("%(class)s", "x").isidentifier():
            raise self.misdeclared(f"related_name={name!r}: give the name of an attribute")
        if self.index and not name and self.on_delete is DO_NOTHING:
            raise self.misdeclared(
                "index= is used to find the referring items, which needs a related_name= or an on_delete=: "
                "add one of them, or drop index="
            )

    @property
    def leads_back(self) -> bool:
        """Whether the target must know this reference, for a reverse relation or ``on_delete``."""
        return self.related_name is not None or self.on_delete is not DO_NOTHING

    @property
    def is_settled(self) -> bool:
        """Whether the target and the fields that hold its key are known."""
        return bool(self.parts)

    @property
    def target(self) -> type[Any]:
        """The model that this refers to.

        :raises ModelDefinitionError: no class, or several, have the name.
        """
        if self._target is None:
            if isinstance(self.to, type):
                self._target = self.to
            elif self.model is None:
                raise self.misdeclared(
                    f"{self.to!r} names a model, which only works in a class: give the model itself"
                )
            else:
                self._target = find_anywhere(self.to, self.model, self.label)
        return self._target

    def get_key_field(self) -> KeyOf:
        """Return the field that stores the key as one value, for references in lists and maps."""
        if self._key_field is None:
            self._key_field = KeyOf(self.target)
            self.kind = self._key_field.kind
        return self._key_field

    def to_wire(self, value: Any, depth: int = 0, /) -> Wire | None:
        key_field = self.get_key_field()
        if not isinstance(value, self.target):
            try:
                value = make_stub(self.target, self.target._meta.key_of(value))
            except (ValidationError, TypeError, ValueError) as error:
                raise Unstorable(
                    f"{value!r} is {with_article(value.__class__)}, neither {with_article(self.target)} nor the key of "
                    f"one: {error}"
                ) from error
        return key_field.to_wire(value, depth)

    def decode(self, wire: Mapping[str, Any], /) -> Any:
        self.get_key_field()
        return super().decode(wire)

    def read(self, stored: Any, /) -> Any:
        return self.get_key_field().read(stored)

    def to_json(self, value: Any, /) -> Any:
        key_field = self.get_key_field()
        return key_field.to_json(key_field.decode(self.to_wire(value) or {}))

    def from_plain(self, value: Any, how: Reading = PLAINLY, /) -> Any:
        return self.get_key_field().from_plain(value, how)

    def read_key(self, record: Any) -> tuple[Any, ...] | None:
        """Return the values of the key that *record* refers to; None if it refers to nothing.

        A value that its field cannot read is read as a free-form value.
        """
        try:
            key = tuple([getattr(record, part.name) for part in self.parts])
        except UnreadableValue:
            key = tuple([_read_or_free(record, part) for part in self.parts])
        for value in key:
            if value is None:
                return None
        return key

    def key_of(self, given: Any) -> tuple[Any, ...]:
        """Return the values of the key of *given*, an instance of the target or a key.

        :raises ValidationError: *given* is neither, or is an instance without a key.
        """
        if isinstance(given, self.target):
            try:
                key = tuple([getattr(given, name) for name in self.names])
            except UnreadableValue:
                if not self._find_key_fields():
                    raise
                key = given.primary_key if len(self.names) > 1 else (given.primary_key,)
            if any(part is None for part in key):
                raise self._make_error(f"{given!r} has no key yet: set its key first")
            return key
        one = with_article(self.target)
        if hasattr(given, "_fieldset") and not isinstance(given, tuple):
            raise self._make_error(
                f"{given!r} is {with_article(given.__class__)}, not {one}: give {one}, or its key"
            )
        parts = cast("tuple[Any, ...]", given if isinstance(given, tuple) else (given,))
        if len(parts) != len(self.parts) or any(part is None for part in parts):
            names = ", ".join(part.name for part in self.parts)
            raise self._make_error(
                f"{given!r} is not a key of {one}, which {names} stores: give {one}, or "
                f"{'a tuple of these values' if len(self.parts) > 1 else 'that value'}"
            )
        return parts

    def wires_of(self, given: Any) -> dict[str, Wire]:
        """Return the target's key on the wire for *given*, a key or an instance; if stored, its stored key."""
        key, meta = self.key_of(given), self.target._meta
        values = (
            given if isinstance(given, self.target) else dict(zip(self.names, key, strict=True))
        )
        return cast("dict[str, Wire]", meta.key_of(values))

    def wires_in(self, record: Any) -> dict[str, Wire] | None:
        """Return the target's key that *record* refers to, on the wire, as *record* stores it, or None."""
        key = self.read_key(record)
        return None if key is None else self.spell_key(record, key)

    def spell_key(self, record: Any, key: tuple[Any, ...]) -> dict[str, Wire]:
        """Return the target's key on the wire for the values *key*, spelled as they are stored in *record*."""
        meta = self.target._meta
        if not (fields := self._find_key_fields()):
            return cast("dict[str, Wire]", meta.key((), dict(zip(self.names, key, strict=True))))
        if self._is_text and self.spells_plainly(key):
            try:  # such text is stored unchanged, so the item need not be parsed
                return cast("dict[str, Wire]", meta.encode_key_values(*key))
            except ValidationError:  # a stored key may break the rules of today
                pass
        assigned = self.spell_assigned(record)
        stored: WireItem = {} if record._stored is None else from_json(record._stored)
        found: dict[str, Wire] = {}
        for part, field, value in zip(self.parts, fields, key, strict=True):
            old = stored.get(part.attribute)
            if part.name in assigned:
                wire = assigned[part.name]
            elif old is not None and (
                part.name not in record.__dict__ or spelling.stays_same(part, old, value)
            ):
                wire = as_sent(old)
            else:
                wire = meta.key_value(field, value)
            found[field.attribute] = wire
        return found

    def _find_key_fields(self) -> tuple[AnyField, ...]:
        """Return the fields of the target's key, one for each part; () if parts are those of a template."""
        if self._key_fields is None:
            keys: tuple[AnyField, ...] = self.target._meta.keys
            self._key_fields = keys if self.names == tuple([key.name for key in keys]) else ()
            self._is_text = all(key.verbatim is str for key in keys)
        return self._key_fields

    def spell(self, given: Any) -> dict[str, Wire]:
        """Return the stored key of the instance *given*, by the names of *parts*; {} if it is not stored."""
        if not isinstance(given, self.target):
            return {}
        if self._places is None:
            fields = self._find_key_fields()
            self._places = [(p.name, f.attribute) for p, f in zip(self.parts, fields, strict=False)]
        key = self.target._meta.find_stored_key(given) if self._places else None
        return {} if key is None else {name: key[attribute] for name, attribute in self._places}

    def spell_assigned(self, record: Any) -> dict[str, Wire]:
        """Like :meth:`spell`, for the instance assigned to *record*; {} for values of plain types."""
        values = record.__dict__
        kept = values.get(self.name)
        if kept is None or kept[1] is None:
            return {}
        key = tuple([values.get(part.name) for part in self.parts])
        plain = [part.verbatim for part in self.parts] == [*map(type, key)]
        return {} if plain or kept[0] != key else self.spell(kept[1])

    def spells_plainly(self, key: tuple[Any, ...]) -> bool:
        """Tell whether equal values of *key* are always spelled equally, and so refer to the same item."""
        if self._stored_types is None:
            self._stored_types = tuple(
                [part.verbatim if part.reads_as_stored else None for part in self.parts]
            )
        return tuple(map(type, key)) == self._stored_types

    def _make_error(self, problem: str) -> ValidationError:
        return ValidationError({self.name: [problem]}, model=self.owner)

    def expand_value(self, given: Any) -> dict[str, Any]:
        """Return the values of *parts* and *copies* by name for *given*, an instance, a key or None."""
        if given is None:
            return dict.fromkeys([part.name for part in (*self.parts, *self.copies.values())])
        values = dict(zip([part.name for part in self.parts], self.key_of(given), strict=True))
        if self.copies:
            known = isinstance(given, self.target) and not is_stub(given)
            for name, copy in self.copies.items():
                values[copy.name] = getattr(given, name) if known else None
        return values

    if TYPE_CHECKING:

        def __set__(self, instance: object, value: RefN | Key) -> None: ...
        def _row_value(self) -> Any: ...  # the key
    else:

        def __get__(self, instance: Any, owner: Any) -> Any:
            if instance is None:
                return self
            return self._settle(type(instance)).follow(instance)

        def __set__(self, instance: Any, value: Any) -> None:
            self._settle(type(instance)).assign(instance, value)

        def _settle(self, kind: Any) -> Any:
            """Return the reference of the class, with its target resolved."""
            if self.parts:
                return self
            kind._settle_references()
            return kind._fieldset.references[self.name]

    def follow(self, record: Any) -> Any:
        """Return the item that *record* refers to, or None; fetch it unless an event loop runs.

        :raises DoesNotExist: the item does not exist.
        """
        key = self.read_key(record)
        if key is None:
            return None
        target = self.get_target(record, key)
        if target is not None and is_stub(target) and not has_running_loop():
            target = run(self._fetch(target), target._link)
        if target is None:
            shown = key[0] if len(key) == 1 else key
            raise self.target.DoesNotExist(
                f"{self.label} refers to {self.target.__name__} {shown!r}, which does not exist",
                missing=[shown],
            )
        record.__dict__[self.name] = (key, target)
        return target

    def get_target(self, record: Any, key: tuple[Any, ...]) -> Any:
        """Return the cached item with *key*, or a stub; None if it is known to be missing."""
        kept = record.__dict__.get(self.name)
        return kept[1] if kept is not None and kept[0] == key else self.make_stub(record, key)

    def make_stub(self, record: Any, key: tuple[Any, ...]) -> Any:
        """Return an instance of the target with only its *key*, which *record* refers to."""
        return make_stub(self.target, self.spell_key(record, key), alias_of(record))

    def _fetch(self, stub: Any) -> Flow[Any]:
        shown = f" {stub.primary_key!r}" if stub._link.log_keys else ""
        log_fetch("%s: fetching %s%s on demand", self.label, self.target.__name__, shown)
        table = stub._link.table_name(stub._meta.table_name)
        get = GetItem(table, stub._meta.key_of(stub), is_consistent(None, stub._link))
        item = filter_item(stub._meta, (yield from get))
        if item is None:
            return None
        target = self.target._load(item)
        if "_using" in stub.__dict__:
            target.__dict__["_using"] = stub._using
        return target

    def assign(self, record: Any, value: Any) -> None:
        """Make *record* refer to *value*: an instance, a key, or None; nothing is sent."""
        values = self.expand_value(value)
        if record._stored is not None and not record._decoded:
            record._decode()
        record.__dict__.update(values)
        self.keep(record, value)

    def keep(self, record: Any, value: Any) -> None:
        """Cache *value* for this reference of *record* if it is an instance; else clear the cache."""
        if value is not None and isinstance(value, self.target):
            record.__dict__[self.name] = (self.read_key(record), value)
        else:
            record.__dict__.pop(self.name, None)


def _read_or_free(record: Any, part: AnyField) -> Any:
    """Return the value of a field; read a stored value that the field cannot read as a free-form value."""
    try:
        return getattr(record, part.name)
    except UnreadableValue:
        return display.decode_or_free(part, from_json(record._stored).get(part.attribute))


class OneToOneField(ForeignKey[T, RefN]):
    """A reference that is unique: at most one item refers to an item, and ``related_name`` gives that item.

    ``**options`` are the other parameters of :class:`ForeignKey`. A reference of one attribute is ``unique=True``, one of
    several has a :class:`~dynamodb_py.UniqueConstraint`; a reference that is the whole key needs neither.

    >>> from dynamodb_py import CharField, Model, OneToOneField, Table
    >>> class User(Model):
    ...     name = CharField(hash_key=True)
    >>> class Profile(Model):
    ...     user = OneToOneField(User, hash_key=True, related_name="profile")
    ...     town = CharField()
    >>> tables = [Table(model).create() for model in (User, Profile)]
    >>> ann = User.objects.create(name="ann")
    >>> profile = Profile.objects.create(user=ann, town="Lyon")
    >>> User.get("ann").profile.town
    'Lyon'
    """

    one_to_one = True

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: OneToOneField[X, X | None], to: type[X], *, null: Yes, **o: Unpack[_Nullable]
        ) -> None: ...
        @overload
        def __init__(
            self: OneToOneField[X, X], to: type[X], *, required: Yes, **o: Unpack[_Options]
        ) -> None: ...
        @overload
        def __init__(
            self: OneToOneField[X, X], to: type[X], *, hash_key: Yes, **o: Unpack[_Options]
        ) -> None: ...
        @overload
        def __init__(
            self: OneToOneField[X, X], to: type[X], *, range_key: Yes, **o: Unpack[_Options]
        ) -> None: ...
        @overload
        def __init__(
            self: OneToOneField[X, X | None], to: type[X], **o: Unpack[_Options]
        ) -> None: ...
        @overload
        def __init__(self: OneToOneField[Any, Any], to: str, **o: Unpack[_Named]) -> None: ...
        def __init__(self, to: Any, **o: Any) -> None: ...
