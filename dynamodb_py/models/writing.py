"""What creates, writes and fetches items by their keys: a part of managers and query sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..batching import Progress
from ..connections import Connection
from ..exceptions import AlreadyExists, ConditionFailed, RequestError, ValidationError
from ..expressions import Condition
from ..flows import Flow, awaiting, blocking
from ..limits import MAX_BATCH_WRITE
from ..operations.base import Operation, Together
from ..operations.batches import Delete, Put
from ..operations.items import Key, PutItem, StoredItem
from .bulk import ProgressOption, counting, distinct, key_reader, read_all, shown, write_all

if TYPE_CHECKING:
    from .base import Model
    from .options import Options

M = TypeVar("M", bound="Model")


class Writing(Generic[M]):
    """Creates items, and writes and fetches them by their keys, one or many."""

    __slots__ = ()

    if TYPE_CHECKING:  # what it is a part of has these
        model: type[M]

        @property
        def _link(self) -> Connection: ...
        @property
        def _alias(self) -> str | None: ...
        def _get_or_none(
            self, /, *key: Any, consistent: bool | None = None, **named: Any
        ) -> Flow[Any]: ...

    @property
    def _meta(self) -> Options:
        return self.model._options()

    @property
    def _table(self) -> str:
        return self._link.table_name(self._meta.table_name)

    def _load(self, item: StoredItem) -> M:
        return self._here(self.model._load(item))

    def _new(self, values: Mapping[str, Any]) -> M:
        return self._here(self.model(**values))

    def _here(self, instance: M) -> M:
        """Return *instance*, which belongs to this connection from now on."""
        if (alias := self._alias) is not None:
            instance.__dict__["_using"] = alias
        return instance

    # -- one item ------------------------------------------------------------------------------

    def _create(
        self, /, *, overwrite: bool = False, condition: Condition | None = None, **values: Any
    ) -> Flow[M]:
        """Insert an item and return it.

        :param overwrite: replace an item that has the same key; otherwise it is an error.
        :param condition: write only where it holds.
        :param values: the values of the fields; defaults stand for the others.
        :raises AlreadyExists: an item has this key; ``current`` is that item. Nothing was written.
        :raises ValidationError: values cannot be stored; nothing was sent.
        """
        self._no_clash("create", ("overwrite", "condition"))
        instance = self._new(values)
        yield from instance._save(force_insert=not overwrite, condition=condition)
        return instance

    create = blocking(_create)
    acreate = awaiting(_create)

    def _no_clash(self, verb: str, options: Iterable[str]) -> None:
        for option in options:
            if option in self._meta.field_set.by_name:
                raise TypeError(
                    f"{verb}({option}=...) would mean both the field and the option: "
                    f"make the instance first, {self.model.__name__}({option}=...).save(...)"
                )

    def _get_or_create(
        self, /, defaults: Mapping[str, Any] | None = None, **key: Any
    ) -> Flow[tuple[M, bool]]:
        """Return the item with this key and False, or a new one and True.

        Safe against others who do the same: of several, one creates. It reads consistently.

        :param defaults: the values of the other fields of a new item; callables are called.
        """
        self._meta.key((), key)
        instance = yield from self._get_or_none(consistent=True, **key)
        if instance is not None:
            return instance, False
        values = {
            name: value() if callable(value) else value for name, value in (defaults or {}).items()
        }
        new = self._new({**values, **key})
        try:
            yield from new._save(force_insert=True)
        except AlreadyExists as error:
            if error.current is not None:
                return error.current, False
            there = yield from self._get_or_none(consistent=True, **key)
            if there is None:
                raise
            return there, False
        return new, True

    get_or_create = blocking(_get_or_create)
    aget_or_create = awaiting(_get_or_create)

    # -- many items ----------------------------------------------------------------------------

    def _batch_get(
        self,
        /,
        *keys: Any,
        consistent: bool | None = None,
        workers: int = 1,
        progress: ProgressOption = None,
    ) -> Flow[list[M]]:
        """Return the items with these keys, in the order asked; missing ones are left out.

        Any number, a hundred to a request; a key that is asked for twice is read once and given
        twice, as one instance.

        :param keys: dicts of the key's fields, tuples of both keys, or values of the hash key.
        :param consistent: as for ``get``.
        :param workers: how many requests may be under way at once.
        :param progress: called with how many are done and how many there are, or True for a bar.
        :raises BatchIncomplete: DynamoDB kept leaving some unread; ``unprocessed`` has their keys.
        """
        found = yield from self._fetch(keys, consistent, workers, progress)
        return [instance for instance in found if instance is not None]

    batch_get = blocking(_batch_get)
    abatch_get = awaiting(_batch_get)

    def _fetch(
        self, keys: Sequence[Any], consistent: bool | None, workers: int, progress: ProgressOption
    ) -> Flow[list[M | None]]:
        table = self._table
        asked: list[tuple[str, Key]] = [(table, self._key(key)) for key in keys]
        items = yield from read_all(
            asked,
            keys,
            {table: key_reader(self._meta)},
            consistent=consistent,
            workers=workers,
            progress=progress,
        )
        loaded: dict[int, M] = {}  # an item that was asked for twice is one object
        return [
            None if item is None else loaded.setdefault(id(item), self._load(item))
            for item in items
        ]

    def _batch_write(
        self,
        items: Iterable[M | Mapping[str, Any]] = (),
        *,
        delete: Iterable[Any] = (),
        overwrite: bool = False,
        validate: bool = True,
        workers: int = 1,
        progress: ProgressOption = None,
    ) -> Flow[list[M]]:
        """Write and delete any number of items.

        With ``overwrite=True`` items are put by BatchWriteItem, 25 to a request, in place of what was
        there; of two with one key the last counts. Without it, an item whose key is in the table
        already is left alone and reported, for which each item takes a request of its own (at the
        same price), and two with one key are refused before anything is sent.

        :param items: instances, or dicts of field values.
        :param delete: keys of items to delete (as for ``batch_get``), or instances.
        :param validate: False skips ``required``, ``choices``, bounds and validators.
        :param workers: how many requests may be under way at once.
        :param progress: called with how many are done and how many there are, or True for a bar.
        :return: the instances that were written: of two with one key, the last.
        :raises ValidationError: some values cannot be stored; nothing was sent.
        :raises AlreadyExists: without *overwrite*, some keys were taken: ``unprocessed`` has their
            instances, ``current`` the first one's item. All others were written.
        :raises BatchIncomplete: DynamoDB kept leaving some undone; ``unprocessed`` has them.
        """
        instances = [self._instance(item) for item in items]
        table = self._table
        puts = [instance._as_put(table, validate=validate) for instance in instances]
        gone = list(delete)
        deletes = [self._key(each) for each in gone]
        writes: list[Put | Delete] = [*puts, *(Delete(table, key) for key in deletes)]
        kept = distinct(writes, last_wins=overwrite, model=self.model.__name__)
        named = {id(write): given for write, given in zip(writes, [*instances, *gone], strict=True)}
        if overwrite:
            yield from write_all(kept, named, workers=workers, progress=shown(progress))
        else:
            told = counting(shown(progress), len(kept))
            yield from self._insert_all(puts, named, workers, told)
            rest = counting(told, len(kept), len(puts))
            yield from write_all(kept[len(puts) :], named, workers=workers, progress=rest)
        for each in gone:
            if isinstance(each, self.model):
                each._detach()
        written = {id(write) for write in kept}
        return [
            self._here(instance)._settle(put.item)
            for put, instance in zip(puts, instances, strict=True)
            if id(put) in written  # not where a later one took its place
        ]

    batch_write = blocking(_batch_write)
    abatch_write = awaiting(_batch_write)
    bulk_create = batch_write
    abulk_create = abatch_write

    def _key(self, given: Any) -> Key:
        # An instance knows how its key was spelled by whoever wrote it.
        return given._key() if isinstance(given, self.model) else self._meta.key_of(given)

    def _instance(self, item: M | Mapping[str, Any]) -> M:
        if isinstance(item, Mapping):
            return self._new(item)
        if not isinstance(item, self.model):
            raise ValidationError(
                f"{item!r} is no {self.model.__name__}: give instances, or dicts of field values"
            )
        return item

    def _insert_all(
        self, puts: Sequence[Put], named: Mapping[int, M], workers: int, progress: Progress | None
    ) -> Flow[None]:
        """Put each item where there is none with its key; try all before telling."""
        operations: list[Operation[Any]] = [
            PutItem(put.table, put.item, self._meta.absent) for put in puts
        ]
        outcomes: list[Any] = []
        size = max(workers, 1) * MAX_BATCH_WRITE
        while len(outcomes) < len(operations):
            round_ = operations[len(outcomes) : len(outcomes) + size]
            outcomes += yield from Together(round_, workers)
            if progress is not None:
                progress(len(outcomes), len(operations))
        taken: list[tuple[M, AlreadyExists]] = []
        failed: list[tuple[M, Exception]] = []
        for put, outcome in zip(puts, outcomes, strict=True):
            instance = named[id(put)]
            if not isinstance(outcome, Exception):
                self._here(instance)._settle(put.item)
                continue
            told = outcome
            if isinstance(outcome, ConditionFailed):
                told = instance._told(outcome, insert=True)
            if isinstance(told, AlreadyExists):
                taken.append((instance, told))
            else:
                failed.append((instance, told))
        left = [*failed, *taken]
        for _, error in left:
            if isinstance(error, RequestError):
                error.unprocessed = [instance for instance, _ in left]
            raise error

    def _bulk_delete(
        self, keys: Iterable[Any], *, workers: int = 1, progress: ProgressOption = None
    ) -> Flow[None]:
        """Delete the items with these keys, or these instances, any number, 25 to a request.

        :raises BatchIncomplete: DynamoDB kept leaving some undone; ``unprocessed`` has their keys.
        """
        yield from self._batch_write(
            delete=keys, overwrite=True, workers=workers, progress=progress
        )

    bulk_delete = blocking(_bulk_delete)
    abulk_delete = awaiting(_bulk_delete)
