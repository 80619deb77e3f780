"""Model: an item of a table, with methods that save, refresh and delete it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast, overload

from ..connections import choose_connection
from ..exceptions import ModelDefinitionError
from ..expressions import Action, Computable, Condition
from ..flows import Flow, awaiting, blocking, name_verbs
from ..schema import Index
from . import registry
from .fields.base import Field
from .fields.model_key import make_stub
from .inheritance.declaring import register_class
from .instance import Instance, options_of
from .managers.manager import VERBS_OF_MANAGERS, Manager, Objects, OfManager
from .options.options import Options
from .options.prepare import prepare
from .records.fieldset import FieldSet
from .records.filling import OWN_CONSTRUCTORS, fill
from .registry import DeferredOptions
from .reserved_names import MODEL, refuse_reserved
from .signals.events import class_prepared, fill_with_signals, post_init, pre_init
from .signals.hooks import check_hooks

if TYPE_CHECKING:
    from typing_extensions import Self

    from .bulk.writes import AsyncBatchWriteVerb, BatchWriteVerb
    from .persistence import delete as deletes
    from .persistence import refresh as refreshes
    from .persistence import save as saves
    from .persistence import stored, tracking
    from .persistence import update as updates
    from .persistence.update_result import Returning
    from .records.plain import ReadMode
    from .relations import backrefs, cascade
else:
    from ..lazy import (
        backrefs,
        cascade,
        deletes,
        refreshes,
        saves,
        stored,
        tracking,
        updates,
    )


@name_verbs
class Model(Instance):
    """An item of a table.

    Fields are class attributes; ``class Meta`` names the table and its options. A model without a
    key gets the field ``id``, a random UUID. The table's default name is the name of the class.

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
    ``indexes``, ``billing_mode``, ``read_capacity``, ``write_capacity``, ``stream``, ``encryption``,
    ``table_class``, ``deletion_protection``, ``point_in_time_recovery``, ``tags``, ``warm_throughput`` and
    ``on_demand_maximum`` (options of the table: the page about tables lists their values), ``allow_scan``
    (a query set without a key in its conditions reads the whole table, instead of raising ScanRequired),
    ``atomic`` (instances are written only if no attribute has changed since they were loaded),
    ``constraints`` and ``unique_table`` (unique fields, and the table of their sentinels), ``ttl`` and
    ``hide_expired`` (the field with the time when DynamoDB deletes an item, and whether reads hide
    expired items).
    """

    _meta: ClassVar[Options]
    _fieldset: ClassVar[FieldSet] = FieldSet("Model", {})

    objects = cast("Objects", Manager())  # no annotation: a class may have another manager
    """The manager of the model: it creates, fetches and selects its items."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_reserved(cls, Model, MODEL)
        check_hooks(cls)
        cls._prepare()
        for name in ("DoesNotExist", "MultipleObjectsReturned", "AlreadyExists"):
            setattr(cls, name, _own_exception(cls, name))
        if "_meta" in cls.__dict__:
            _complete(cls)

    @classmethod
    def _settle_references(cls, *, late: bool = True) -> None:
        cls._prepare(late=late)
        if "_meta" in cls.__dict__ and not isinstance(cls._meta, DeferredOptions):
            _complete(cls)

    @classmethod
    def _prepare(cls, *, late: bool = False) -> None:
        """Collect the fields and options of the class."""
        fields, options = prepare(cls, Model, late=late)
        if options is not None:
            if not isinstance(options, DeferredOptions):
                register_class(options, Model)
                if options.layout is not None:
                    options.layout.join(options)
            cls._meta = options
            if kept := vars(cls).get("_managers"):
                kept.clear()  # their query sets were made for the class before this change
        cls._fieldset = fields

    @classmethod
    def class_prepared(cls) -> None:
        """Override this hook in a base class: it is called when a subclass with a table is complete.

        >>> from dynamodb_py import CharField, Model
        >>> registered = []
        >>> class Registered(Model):
        ...     class Meta:
        ...         abstract = True
        ...
        ...     @classmethod
        ...     def class_prepared(cls):
        ...         registered.append(cls.__name__)
        >>> class Invoice(Registered):
        ...     number = CharField(hash_key=True)
        >>> registered
        ['Invoice']
        """

    @classmethod
    def add_field(cls, name: str, field: Field[Any, Any]) -> None:
        """Add a field to a complete class, before it has instances.

        Existing subclasses do not get the field.

        >>> from dynamodb_py import CharField, IntegerField, Model
        >>> class Player(Model):
        ...     name = CharField(hash_key=True)
        >>> Player.add_field("level", IntegerField(default=1))
        >>> Player(name="ann")
        Player(name='ann', level=1)

        :param name: the name of the attribute.
        :param field: the field.
        :raises ModelDefinitionError: the class statement would refuse the field; the class is unchanged.
        """
        before = cls.__dict__.get(name)
        setattr(cls, name, field)
        try:
            cls._prepare()
            if not isinstance(cls._meta, DeferredOptions):
                backrefs.connect_references(cls)
                backrefs.connect_many_to_many(cls)
        except ModelDefinitionError:
            _set_or_delete(cls, name, before)
            raise

    @classmethod
    def add_index(cls, index: Index) -> None:
        """Add an index to a complete class, as if it were in ``Meta.indexes``.

        Queries use it from now on; ``Table(cls).update()`` creates it in the table. Existing subclasses
        do not get the index.

        >>> from dynamodb_py import CharField, GlobalIndex
        >>> class Player(Model):
        ...     name = CharField(hash_key=True)
        ...     team = CharField()
        >>> Player.add_index(GlobalIndex("by_team", hash_key="team"))
        >>> Player.objects.filter(team="red").operation().index
        'by_team'

        :param index: a ``GlobalIndex``; or a ``LocalIndex``, if the table does not exist yet.
        :raises ModelDefinitionError: the class statement would refuse the index; the class is unchanged.
        """
        before: type[Any] | None = vars(cls).get("Meta")
        indexes = [*cls._meta.declared["indexes"], index]
        late = type("Meta", () if before is None else (before,), {"indexes": indexes})
        _set_or_delete(cls, "Meta", late)
        try:
            cls._prepare()
        except ModelDefinitionError:
            _set_or_delete(cls, "Meta", before)
            raise

    def __init__(self, /, *key: Any, **values: Any) -> None:
        """Make an instance; nothing is sent before :meth:`save`.

        :param key: the values of the hash key and of the range key, in order; they can be given by name too.
        :param values: the values of the fields by name; an unknown name raises TypeError.
        """
        if pre_init.in_use or post_init.in_use:
            fill_with_signals(self, key, values, lambda: _fill(self, key, values))
        elif key:
            _fill(self, key, values)
        else:
            fill(self, values)

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], *, mode: ReadMode = "python", strict: bool = False
    ) -> Self:
        """Return a new, unsaved instance with *values*, a dict by field name, as ``to_dict()`` returns it.

        If the value of the discriminator names a subclass, the instance belongs to that subclass.

        >>> Score.from_dict({"player": "cat", "game": 1})
        Score(player='cat', game=1, points=0)

        :param mode: the ``mode`` with which ``to_dict()`` made the values.
        :param strict: validate all values as ``save()`` would, and refuse unknown names, in documents too.
        :raises ValidationError: a value is wrong; with *strict* the error has all problems, by path.
        :raises TypeError: without *strict*, no field has one of the names.
        """
        kind, found = options_of(cls).kind, cls
        if kind is not None and isinstance(values, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            found = cast("type[Self]", kind.find_class(values, cls))
        model: Any = super(Model, found).from_dict(values, mode=mode, strict=strict)
        if post_init.in_use:
            post_init.send_now(found, instance=model)
        return cast("Self", model)

    @classmethod
    def by_key(cls, /, *key: Any, **named: Any) -> Self:
        """Return an instance that knows only its key, to write the item without reading it; nothing is sent.

        The instance counts as loaded. ``update()`` changes the item, and ``save()`` writes the fields that
        were assigned; both leave other attributes alone, and raise DoesNotExist if there is no item.
        Reading another field raises FieldNotLoaded until ``fetch()``. ``update()`` increases a
        VersionField from any value; ``save()`` and ``delete()`` need its value, and raise FieldNotLoaded.

        >>> from dynamodb_py import CharField, IntegerField, Model
        >>> class Score(Model):
        ...     player = CharField(hash_key=True)
        ...     points = IntegerField(default=0)
        >>> Score.by_key("ann")
        Score(player='ann')

        :param key: the values of the hash key and of the range key, in order.
        :param named: the same values by field name.
        :raises TypeError: a value of the key is missing, or a name is not a field of the key.
        :raises ValidationError: a value is not valid in a key.
        """
        meta = options_of(cls)
        made: Self = make_stub(cls, meta.check_own_key(meta.key(key, named)))
        return made

    # -- its item ------------------------------------------------------------------------------

    save = blocking(saves.save_instance, choose_connection)
    asave = awaiting(saves.save_instance, choose_connection)

    if TYPE_CHECKING:

        @overload
        def update(
            self,
            /,
            *actions: Action | Computable,
            condition: Condition | None = None,
            returning: None = None,
            create_parents: bool = False,
            must_exist: bool = False,
            atomic: bool | None = None,
            **values: Any,
        ) -> Self: ...
        @overload
        def update(
            self,
            /,
            *actions: Action | Computable,
            returning: Returning,
            condition: Condition | None = None,
            create_parents: bool = False,
            must_exist: bool = False,
            atomic: bool | None = None,
            **values: Any,
        ) -> dict[str, Any]: ...
        def update(self, /, *actions: Any, **options: Any) -> Any: ...

        @overload
        async def aupdate(
            self,
            /,
            *actions: Action | Computable,
            condition: Condition | None = None,
            returning: None = None,
            create_parents: bool = False,
            must_exist: bool = False,
            atomic: bool | None = None,
            **values: Any,
        ) -> Self: ...
        @overload
        async def aupdate(
            self,
            /,
            *actions: Action | Computable,
            returning: Returning,
            condition: Condition | None = None,
            create_parents: bool = False,
            must_exist: bool = False,
            atomic: bool | None = None,
            **values: Any,
        ) -> dict[str, Any]: ...
        async def aupdate(self, /, *actions: Any, **options: Any) -> Any: ...
    else:
        update = blocking(updates.update_instance)
        aupdate = awaiting(updates.update_instance)

    delete = blocking(deletes.delete_instance, choose_connection)
    adelete = awaiting(deletes.delete_instance, choose_connection)

    def _delete_for_good(
        self, *, condition: Condition | None = None, atomic: bool | None = None
    ) -> Flow[None]:
        return cascade.delete_for_good(self, condition=condition, atomic=atomic)

    refresh_from_db = blocking(refreshes.refresh_instance, choose_connection)
    arefresh_from_db = awaiting(refreshes.refresh_instance, choose_connection)

    fetch = blocking(refreshes.fetch_instance)
    afetch = awaiting(refreshes.fetch_instance)

    incr = blocking(refreshes.increment)
    aincr = awaiting(refreshes.increment)

    decr = blocking(refreshes.decrement)
    adecr = awaiting(refreshes.decrement)

    touch = blocking(refreshes.touch_instance)
    atouch = awaiting(refreshes.touch_instance)

    # -- changes -------------------------------------------------------------------------------

    @property
    def is_changed(self) -> bool:
        """Whether :meth:`save` has anything to send; always True for a new instance."""
        return self._stored is None or bool(tracking.find_changed(self, stored.stored_wires(self)))

    def changes(self) -> dict[str, tuple[Any, Any]]:
        """Return the changes since the instance was loaded or saved: the old and the new value, by path.

        Paths are written as in messages, ``score`` or ``doc.a[0]``. None means an absent value. A changed
        list is one entry, unless only its elements changed or it grew at its end. A new instance returns
        all its values, each with None as the old one. Values that cannot be stored are included.

        >>> from dynamodb_py import CharField, DictField, Model
        >>> class Page(Model):
        ...     name = CharField(hash_key=True)
        ...     doc = DictField()
        >>> page = Page.from_db({"name": {"S": "a"}, "doc": {"M": {"n": {"N": "1"}}}})
        >>> page.doc["n"] = 2
        >>> page.changes()
        {'doc.n': (1, 2)}
        """
        return tracking.describe_instance_changes(self)

    def previous_changes(self) -> dict[str, tuple[Any, Any]]:
        """Return the changes that the last save or update wrote: the old and the new value, by path.

        The result is that of :meth:`changes` before the write, with the fields that set themselves, such
        as a version. Hooks after a save can read it too. It is empty if nothing was written yet, or if
        the last save had nothing to write.

        >>> score = Score.objects.get("ann", 1)
        >>> score.points = 60
        >>> saved = score.save()
        >>> score.previous_changes()
        {'points': (50, 60)}
        """
        return tracking.describe_previous_changes(self)

    def revert(self, *names: str) -> None:
        """Restore the values that were last loaded or saved, and undo changes in place; nothing is sent.

        >>> score = Score.objects.get("ann", 1)
        >>> score.points = 7
        >>> score.revert()
        >>> score.points
        50

        :param names: the fields to restore; all fields if none is named.
        :raises QueryError: the instance was never loaded or saved, or was deleted.
        :raises TypeError: no field has one of *names*.
        """
        tracking.revert_instance(self, names)

    # -- shortcuts for ``objects`` -------------------------------------------------------------

    @classmethod
    def create(cls, /, **values: Any) -> Self:
        """Insert an item and return it: ``objects.create()``.

        >>> Score.create(player="cat", game=1).persisted
        True

        :param values: the values of the fields; the other fields get their defaults. Also ``overwrite=True``,
            which replaces an item that has the same key, and ``condition=``.
        :raises AlreadyExists: without ``overwrite=True``, an item has this key; ``current`` is that item.
        :raises ConditionFailed: the stored item does not match the condition. Nothing was written.
        :raises ValidationError: values cannot be stored; nothing was sent.
        """
        return cls.objects.create(**values)

    @classmethod
    async def acreate(cls, /, **values: Any) -> Self:
        """Insert an item and return it: ``objects.acreate()``."""
        return await cls.objects.acreate(**values)

    @classmethod
    def get(cls, /, *key: Any, **named: Any) -> Self | None:
        """Return the item with this key, or None: ``objects.get_or_none()``.

        >>> Score.get("ann", 1).points, Score.get("nobody", 1)
        (50, None)

        :param key: the values of the hash key and the range key, in order.
        :param named: the fields of the key, or exactly the fields of a unique constraint. Also
            ``consistent=True``, which makes a strongly consistent read, at twice the price.
        :raises TypeError: a value of the key is missing, or a name is not a field of the key.
        """
        return cls.objects.get_or_none(*key, **named)

    @classmethod
    async def aget(cls, /, *key: Any, **named: Any) -> Self | None:
        """Return the item with this key, or None: ``objects.aget_or_none()``."""
        return await cls.objects.aget_or_none(*key, **named)

    @classmethod
    def batch_get(cls, /, *keys: Any, **options: Any) -> list[Self]:
        """Return the items with these keys: ``objects.batch_get()``.

        >>> len(Score.batch_get(("ann", 1), ("nobody", 1)))
        1

        :param keys: each is a dict of the key's fields, a tuple of the hash key and the range key, the value of
            the hash key alone, or an instance.
        :param options: ``consistent``, ``workers``, ``rate`` and ``progress``, as for ``objects.batch_get()``.
        :return: the items in the order of the keys; missing items are left out.
        :raises BatchIncomplete: DynamoDB left keys unread in every attempt; ``unprocessed`` has these keys.
        """
        return cls.objects.batch_get(*keys, **options)

    @classmethod
    async def abatch_get(cls, /, *keys: Any, **options: Any) -> list[Self]:
        """Return the items with these keys: ``objects.abatch_get()``."""
        return await cls.objects.abatch_get(*keys, **options)

    if TYPE_CHECKING:
        batch_write = cast("BatchWriteVerb", None)
        abatch_write = cast("AsyncBatchWriteVerb", None)
    else:

        @classmethod
        def batch_write(cls, /, *args: Any, **options: Any) -> Any:
            """Write many items, or return a context manager that collects them: ``objects.batch_write()``.

            >>> len(Score.batch_write([Score(player="cat", game=n) for n in range(3)]))
            3

            :param args: the items, if there are any: one iterable of instances, or of dicts of field values.
            :param options: ``delete``, ``overwrite``, ``validate``, ``workers``, ``rate``, ``progress`` and
                ``keep_written``, as for ``objects.batch_write()``, whose errors it raises.
            :return: the instances that were written, with their ``outcomes``; without items and ``delete``, a
                :class:`~dynamodb_py.BatchBlock`.
            """
            return cls.objects.batch_write(*args, **options)

        @classmethod
        def abatch_write(cls, /, *args: Any, **options: Any) -> Any:
            """Write many items, or return a context manager that collects them: ``objects.abatch_write()``."""
            return cls.objects.abatch_write(*args, **options)


OWN_CONSTRUCTORS.add(Model.__init__)


def _set_or_delete(cls: type[Any], name: str, value: object) -> None:
    """Set an attribute of a class to *value*; remove the attribute if *value* is None."""
    if value is None:
        delattr(cls, name)
    else:
        setattr(cls, name, value)


def _fill(instance: Model, key: tuple[Any, ...], values: dict[str, Any]) -> None:
    """Fill a new instance with the values of its key in order, and of its fields by name."""
    if key:
        name = type(instance).__name__
        names = [field.name for field in options_of(type(instance)).keys]
        if len(key) > len(names):
            raise TypeError(
                f"{name} takes {' and '.join(names)} by position, not {len(key)} values"
            )
        for each, value in zip(names, key, strict=False):
            if each in values:
                raise TypeError(f"{name} got two values for {each}")
            values[each] = value
    fill(instance, values)


def _complete(model: type[Model]) -> None:
    """Register the class and connect its references; defer it if a target is not defined yet."""
    if isinstance(model._meta, DeferredOptions):
        registry.defer(model)
        return
    if any(each.leads_back for each in model._fieldset.references.values()):
        backrefs.connect_references(model)
    before = registry.register(model)
    try:
        if registry.UNCONNECTED or any(isinstance(m, registry.Late) for m in vars(model).values()):
            backrefs.connect_many_to_many(model)
        model.class_prepared()
        class_prepared.send_now(model)
        for other in registry.find_deferred():
            other._settle_references(late=False)
    except ModelDefinitionError:
        registry.unregister(model, before)
        backrefs.disconnect_many_to_many(model)
        raise


def _own_exception(cls: type[Model], name: str) -> type[Exception]:
    """Return the exception *name* of a model: a subclass of the same exception of each base model."""
    bases = tuple(
        dict.fromkeys(getattr(base, name) for base in cls.__bases__ if issubclass(base, Model))
    )
    names = {"__module__": cls.__module__, "__qualname__": f"{cls.__qualname__}.{name}"}
    return type(name, bases, names)


for _name, _verb in VERBS_OF_MANAGERS.items():
    setattr(Model, _name, OfManager(_name, _verb))
