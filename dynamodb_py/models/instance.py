"""Instance: the options, connection and key of an item, for the rooms below ``model``."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from .. import exceptions
from ..connections import (
    AMBIENT_DEFAULT,
    Connection,
    alias_for,
    ambient_alias,
    connection_for,
    current_options,
)
from ..exceptions import QueryError, UnreadableValue
from ..expressions import Condition, is_many
from ..flows import Flow
from ..operations.base import Wire
from ..operations.items import StoredItem
from .fields.model_key import alias_of
from .foreign_keys.unloaded import is_stub
from .options.options import Options
from .records.record import Record

if TYPE_CHECKING:
    from typing_extensions import Self

    from .attribute_values import display
else:
    from ..lazy import display

M = TypeVar("M", bound="Instance")


class _KeyAttribute:
    """``item.pk``, the key of an instance; a field or an attribute named ``pk`` replaces it.

    A class has no ``pk``.
    """

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        if instance is None:
            raise AttributeError(
                f"{owner.__name__} has no field pk: filter(pk=...) compares the key, and pk of an instance "
                "is its value"
            )
        return instance.primary_key

    def __set__(self, instance: Instance, value: object) -> None:
        names = " and ".join(field.name for field in instance._meta.keys)
        raise AttributeError(f"{type(instance).__name__}.pk is the value of {names}: assign that")


class Instance(Record):
    """An item of a table, with its options, its connection and its key. ``Model`` adds the verbs."""

    __slots__ = ("__previous__",)

    _meta: ClassVar[Options]

    __previous__: tuple[StoredItem | None, StoredItem | Mapping[str, Wire | None]] | None
    """The item before and after the last write; unset before the first write."""

    DoesNotExist: ClassVar[type[exceptions.DoesNotExist]] = exceptions.DoesNotExist
    MultipleObjectsReturned: ClassVar[type[exceptions.MultipleObjectsReturned]] = (
        exceptions.MultipleObjectsReturned
    )
    AlreadyExists: ClassVar[type[exceptions.AlreadyExists]] = exceptions.AlreadyExists

    _using: ClassVar[str | None] = None

    @property
    def _link(self) -> Connection:
        return connection_for(alias_of(self), options_of(type(self)).using)

    @property
    def persisted(self) -> bool:
        """Whether the instance was loaded from its table or saved to it, and not deleted since."""
        return self._stored is not None

    @property
    def primary_key(self) -> Any:
        """The value of the hash key, or the pair of the hash and the range key.

        A value that its field cannot read is returned as it is stored.
        """
        values = key_values_of(self)
        return values if len(values) > 1 else next(iter(values))

    pk = cast("Any", _KeyAttribute())  # no annotation: a field may have this name

    def __eq__(self, other: object) -> bool:
        """Tell whether both instances have the same class and the same key; a key of None equals no other.

        An instance that knows only its key, such as an unloaded reference, also equals an instance of a
        subclass with that key.
        """
        if type(other) is not type(self) and not _is_stub_for(self, other):
            return NotImplemented
        key = key_values_of(self)
        return self is other or (None not in key and key == key_values_of(cast("Self", other)))

    def __hash__(self) -> int:
        key = key_values_of(self)
        if None in key:
            raise TypeError(f"a {type(self).__name__} without a key cannot be hashed")
        # Without the class: fetching a stub may change its class to a subclass.
        return hash((options_of(type(self)).table_name, key))

    def _delete_for_good(
        self, *, condition: Condition | None = None, atomic: bool | None = None
    ) -> Flow[None]:
        """Delete this item, and its referrers as ``on_delete`` declares; Model has the body."""
        raise NotImplementedError

    # -- hooks, for models to override ---------------------------------------------------------

    def before_save(self, created: bool) -> Awaitable[None] | None:
        """Override this hook to act before a save, and before validation; an exception prevents the save.

        The hook may change the values, and may be async.

        >>> from dynamodb_py import CharField, Model, Table
        >>> class User(Model):
        ...     name = CharField(hash_key=True)
        ...     email = CharField()
        ...
        ...     def before_save(self, created):
        ...         self.email = self.email.lower()
        >>> description = Table(User).create()
        >>> User(name="ann", email="Ann@Example.com").save()
        User(name='ann', email='ann@example.com')

        :param created: whether the instance is new, neither loaded nor saved before.
        """

    def after_save(self, created: bool) -> Awaitable[None] | None:
        """Override this hook to act after a save; it may be async.

        >>> from dynamodb_py import CharField, Model, Table
        >>> class User(Model):
        ...     name = CharField(hash_key=True)
        ...
        ...     def after_save(self, created):
        ...         print("welcome," if created else "updated:", self.name)
        >>> description = Table(User).create()
        >>> user = User.create(name="ann")
        welcome, ann

        :param created: whether the instance was new, neither loaded nor saved before.
        """

    def before_delete(self) -> Awaitable[None] | None:
        """Override this hook to act before a delete; an exception prevents the delete. It may be async.

        >>> from dynamodb_py import BooleanField, CharField, Model, Table
        >>> class User(Model):
        ...     name = CharField(hash_key=True)
        ...     is_admin = BooleanField(default=False)
        ...
        ...     def before_delete(self):
        ...         if self.is_admin:
        ...             raise PermissionError(f"{self.name} is an administrator")
        >>> description = Table(User).create()
        >>> User.create(name="ann", is_admin=True).delete()
        Traceback (most recent call last):
        PermissionError: ann is an administrator
        """

    def after_delete(self) -> Awaitable[None] | None:
        """Override this hook to act after a delete; it may be async.

        >>> from dynamodb_py import CharField, Model, Table
        >>> class User(Model):
        ...     name = CharField(hash_key=True)
        ...
        ...     def after_delete(self):
        ...         print("goodbye,", self.name)
        >>> description = Table(User).create()
        >>> User.create(name="ann").delete()
        goodbye, ann
        """


def _is_stub_for(one: Instance, other: object) -> bool:
    """Tell whether one of the two knows only its key, and the other may be the same item, loaded."""
    if not isinstance(other, Instance):
        return False
    if isinstance(other, type(one)):
        stub, loaded = one, other
    elif isinstance(one, type(other)):
        stub, loaded = other, one
    else:
        return False
    same_table = stub._meta.table_name == loaded._meta.table_name
    return same_table and is_stub(stub)


def options_of(kind: type[Any]) -> Options:
    """Return the options of a model class; raise TypeError for an abstract one."""
    try:
        meta: Options = kind.__dict__["_meta"]  # not the options of a base class
    except KeyError:
        raise TypeError(
            f"{kind.__name__} is abstract, so it has no table: use one of its subclasses"
        ) from None
    return meta


def list_many(given: Any, role: str) -> list[Any]:
    """Return *given*, an iterable of keys or items, as a list; raise QueryError for a single value."""
    return list(check_many(given, role))


def check_many(given: Any, role: str) -> Iterable[Any]:
    """Return *given*, an iterable of keys or items; raise QueryError for a single value, such as a text."""
    if isinstance(given, Instance) or not is_many(given):
        raise QueryError(f"{role}: {given!r} is one value: give a list of them, [{given!r}]")
    return given


def table_of(instance: Instance, using: str | None = None) -> str:
    """Return the name of an instance's table, on the connection *using* or the instance's own."""
    meta = options_of(type(instance))
    alias = alias_of(instance) if using is None else using
    return connection_for(alias, meta.using).table_name(meta.table_name)


def is_elsewhere(instance: Instance, using: str) -> bool:
    """Tell whether *using* names another connection than the instance's own."""
    return using != alias_for(alias_of(instance), options_of(type(instance)).using)


def pin_connection(instance: Instance) -> None:
    """Store the connection's alias in an instance; a new instance gets the one of the current ``options()``."""
    alias = alias_of(instance)
    if alias is None:
        alias = ambient_alias()
    if alias is not None and (alias is not AMBIENT_DEFAULT or current_options().using is not None):
        instance.__dict__["_using"] = alias


def key_values_of(instance: Instance) -> tuple[Any, ...]:
    """Return the values of the hash key, and of the range key if there is one.

    A value that its field cannot read is returned as it is stored: instances can still be compared and shown.
    """
    meta = options_of(type(instance))
    try:
        return tuple([getattr(instance, field.name) for field in meta.keys])
    except UnreadableValue:
        key = meta.find_stored_key(instance)
        if key is None:
            raise
        return tuple([display.decode_or_free(field, key[field.attribute]) for field in meta.keys])
