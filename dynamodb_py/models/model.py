"""Model: an item of a table as an object that can save, refresh and delete itself."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast, overload

from ..connections import consistently
from ..exceptions import ModelDefinitionError, ValidationError
from ..expressions import Action, Add, Condition, Value
from ..flows import Flow, awaiting, blocking
from ..operations.items import GetItem, StoredItem
from . import registry
from .fields.base import Field
from .fields.model_key import KeyOf
from .foreign_keys.referrers import asks
from .foreign_keys.unloaded import is_stub
from .inheritance.declaring import join
from .managers.manager import Manager
from .managers.objects import Objects
from .options import Options, prepare
from .persistence.save import Saving
from .records.fieldset import FieldSet
from .registry import Waiting
from .relations.backrefs import connect_references
from .relations.cascade import deleting_all
from .signals.events import class_prepared, made, post_init, pre_init, watch_loading
from .signals.hooks import Hooked
from .visibility import seen

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..batching import ProgressOption
    from .bulk.batch_block import AsyncBatchBlock, BatchBlock
    from .bulk.results import BulkResult
    from .foreign_keys.field import ForeignKey


class Model(Hooked, Saving):
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
    table where a query set's conditions say no key; otherwise that is an error), ``atomic`` (instances
    are written only if no attribute has changed since they were loaded), ``constraints`` and
    ``unique_table`` (what is unique, and where its sentinels are), ``ttl`` and ``hide_expired`` (the
    field of the moment when DynamoDB deletes an item, and whether reads hide those that are past it).
    """

    _meta: ClassVar[Options]
    _fields: ClassVar[FieldSet] = FieldSet("Model", {})

    objects = cast("Objects", Manager())  # no annotation: a class may have another manager

    _referrers: ClassVar[tuple[ForeignKey[Any, Any], ...]] = ()
    """The references to this model that lead back to it, or that count when it is deleted."""
    _is_kind: ClassVar[bool] = True
    """Whether ``Meta.discriminator`` is about the class; a shared table says it for its models."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._prepare()
        for name in ("DoesNotExist", "MultipleObjectsReturned", "AlreadyExists"):
            setattr(cls, name, _own(cls, name))
        if "_meta" in cls.__dict__:
            cls._complete()

    @classmethod
    def _prepare(cls, *, late: bool = False) -> None:
        """Take stock of the fields and options of the class."""
        fields, options = prepare(cls, Model, late=late)
        if options is not None:
            if not isinstance(options, Waiting):
                join(options, Model)
                if options.place is not None:
                    options.place.join(options)
            cls._meta = options
        cls._fields = fields

    @classmethod
    def _complete(cls) -> None:
        """Let others know of the class, unless it waits for one that it refers to."""
        if isinstance(cls._meta, Waiting):
            registry.wait(cls)
            return
        connect_references(cls)
        registry.made(cls)
        cls.class_prepared()
        class_prepared.tell(cls)
        for other in registry.waiting():
            other._settle_references(late=False)

    @classmethod
    def _settle_references(cls, *, late: bool = True) -> None:
        cls._prepare(late=late)
        if "_meta" in cls.__dict__ and not isinstance(cls._meta, Waiting):
            cls._complete()

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
            if not isinstance(cls._meta, Waiting):
                connect_references(cls)
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
        if pre_init.in_use or post_init.in_use:
            made(self, key, values)
            return
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

    @classmethod
    def _as_field(cls) -> KeyOf:
        return KeyOf(cls)

    # -- what it is ----------------------------------------------------------------------------

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return a new, unsaved instance with these values by field name, as of ``to_dict()``.

        It is of the class that its kind says, if that is this one or one below it.
        """
        kind, found = cls._options().kind, cls
        if kind is not None:
            given = values.get(kind.field.name)
            said = kind.tree.classes.get(str(getattr(given, "value", given)))  # or of an enum
            found = said if said is not None and issubclass(said, cls) else cls
        model: Any = super(Model, found).from_dict(values)
        if post_init.in_use:
            post_init.tell(found, instance=model)
        return cast("Self", model)

    # -- refreshing, counting ----------------------------------------------------------------------

    def _refresh_from_db(self, *, consistent: bool | None = None) -> Flow[None]:
        """Read all fields again; changes that were not saved are lost.

        :param consistent: True sees every write before it; by default as ``options()`` says.
        :raises DoesNotExist: there is no item with this key.
        """
        key = self._key()
        item = seen(self._meta, (yield from GetItem(self._table, key, consistently(consistent))))
        if item is None:
            raise self.DoesNotExist(
                f"{self._meta.name} has no item {self.primary_key!r}", missing=[self]
            )
        self._become(item)

    refresh_from_db = blocking(_refresh_from_db)
    arefresh_from_db = awaiting(_refresh_from_db)

    def _delete_for_good(
        self, *, condition: Condition | None = None, atomic: bool | None = None
    ) -> Flow[None]:
        if asks(self.__class__, below=self._stored is None):
            yield from deleting_all(self, condition, atomic)
        else:
            yield from self._delete_alone(condition=condition, atomic=atomic)

    def _delete_alone(
        self, *, condition: Condition | None = None, atomic: bool | None = None
    ) -> Flow[None]:
        """Delete this item, whatever refers to it."""
        yield from super()._delete_for_good(condition=condition, atomic=atomic)

    def _become(self, item: StoredItem) -> None:
        """Take *item* for what is stored, and forget the values that there were."""
        for name in self._fields.by_name:
            self.__dict__.pop(name, None)
        for name in self._references:
            self.__dict__.pop(name, None)
        self._stored, self._decoded, self._aside = item, False, None

    def _fetch(self) -> Flow[Self]:
        """Read this item, if all that is known of it is the key that a reference has; return it.

        :raises DoesNotExist: there is no item with this key.
        """
        if is_stub(self):
            yield from self._refresh_from_db()
            if self._stored is not None:
                self.__class__ = self._load(self._stored).__class__  # which the key does not tell
        return self

    fetch = blocking(_fetch)
    afetch = awaiting(_fetch)

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
        yield from self._update(*actions)
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

    if TYPE_CHECKING:

        @overload
        @classmethod
        def batch_write(
            cls,
            *,
            overwrite: bool = False,
            validate: bool = True,
            workers: int = 1,
            progress: ProgressOption = None,
        ) -> BatchBlock[Self]: ...
        @overload
        @classmethod
        def batch_write(
            cls,
            items: Iterable[Self | Mapping[str, Any]],
            *,
            delete: Iterable[Any] = (),
            overwrite: bool = False,
            validate: bool = True,
            workers: int = 1,
            progress: ProgressOption = None,
        ) -> BulkResult[Self]: ...
        @overload
        @classmethod
        def batch_write(
            cls,
            *,
            delete: Iterable[Any],
            overwrite: bool = False,
            validate: bool = True,
            workers: int = 1,
            progress: ProgressOption = None,
        ) -> BulkResult[Self]: ...
        @classmethod
        def batch_write(cls, *args: Any, **options: Any) -> Any: ...

        @overload
        @classmethod
        def abatch_write(
            cls,
            *,
            overwrite: bool = False,
            validate: bool = True,
            workers: int = 1,
            progress: ProgressOption = None,
        ) -> AsyncBatchBlock[Self]: ...
        @overload
        @classmethod
        def abatch_write(
            cls,
            items: Iterable[Self | Mapping[str, Any]],
            *,
            delete: Iterable[Any] = (),
            overwrite: bool = False,
            validate: bool = True,
            workers: int = 1,
            progress: ProgressOption = None,
        ) -> Coroutine[Any, Any, BulkResult[Self]]: ...
        @overload
        @classmethod
        def abatch_write(
            cls,
            *,
            delete: Iterable[Any],
            overwrite: bool = False,
            validate: bool = True,
            workers: int = 1,
            progress: ProgressOption = None,
        ) -> Coroutine[Any, Any, BulkResult[Self]]: ...
        @classmethod
        def abatch_write(cls, *args: Any, **options: Any) -> Any: ...

    else:

        @classmethod
        def batch_write(cls, *args: Any, **options: Any) -> Any:
            """Write many items, or return a block to give them to: ``objects.batch_write()``."""
            return cls.objects.batch_write(*args, **options)

        @classmethod
        def abatch_write(cls, *args: Any, **options: Any) -> Any:
            """Write many items, or return a block to give them to: ``objects.abatch_write()``."""
            return cls.objects.abatch_write(*args, **options)


watch_loading(Model)


def _own(cls: type[Model], name: str) -> type[Exception]:
    """Return the exception *name* of a model: a subclass of those of its bases."""
    bases = tuple(
        dict.fromkeys(getattr(base, name) for base in cls.__bases__ if issubclass(base, Model))
    )
    said = {"__module__": cls.__module__, "__qualname__": f"{cls.__qualname__}.{name}"}
    return type(name, bases, said)
