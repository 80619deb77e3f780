"""Bulk by query: ``delete()`` and ``update()`` of every item that a query set matches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, overload

from msgspec.structs import replace

from ...batching import ProgressOption
from ...codec import to_json
from ...exceptions import ConditionFailed, QueryError
from ...expressions import Action, Computable, Condition
from ...flows import Flow, awaiting, blocking
from ...operations.items import DeleteItem, Key, UpdateItem
from ...planning import Plan
from ...reading.keys import key_of
from ...reading.pacing import Ledger
from ..foreign_keys.referrers import refuse_bulk_delete
from ..persistence.delete import mine
from ..persistence.parent_maps import parents_of, updated
from ..persistence.update import OPTIONS, check_no_clash
from ..persistence.update_actions import changes
from ..persistence.update_result import Returning, as_plain, returned
from ..records.rows import loader
from ..unit_of_work.collector import COLLECTOR, check_outside
from ..visibility import is_hidden, is_of_other_class, requires_existence_only
from .builders import M, R
from .pages import Paging
from .write_conditions import still_asked, whole_key, without_presence
from .write_execution import Batches, Done, OneByOne, Removals, Work, said_key

_MODIFY = ("old", "upsert", "condition", "create_parents")


class BulkByQuery(Paging[M, R], Generic[M, R]):
    """The verbs of query sets that change every item that matches."""

    __slots__ = ()

    def _delete(
        self,
        *,
        workers: int = 1,
        checked: bool = False,
        rate: float | None = None,
        progress: ProgressOption = None,
    ) -> Flow[Done]:
        """Delete every item that matches: the keys are read, and deleted 25 to a request.

        What fails of single items is told by ``failed``, and the others are gone on with. An item
        that is changed between the two, so that it does not match any more, is deleted all the same,
        unless *checked*. A whole key is not read: it takes one request.

        :param workers: how many requests that delete may be under way at once.
        :param checked: delete each item by a request of its own, on condition that it still matches.
        :param rate: how many read units to consume per second at most; the deletes are not counted.
        :param progress: called with how many items are done, and 0 until it is known how many there
            are; or True for a bar.
        :raises ScanRequired: only reading the whole table could find them; nothing was sent.
        :raises MaxRequestsReached: there is more than ``max_requests()`` could read: ``cursor`` is
            where to go on, ``after(cursor)``.
        :raises RequestError: reading failed, or no write can succeed. This and all else that is
            raised on the way has what was done so far in ``done``.
        """
        check_outside("delete() of a query set")
        refuse_bulk_delete(self.model, "delete() of a query set")
        plan, asked = self._of_keys("delete()", rate)
        condition = still_asked(self.model._options(), plan)

        def delete(key: Key) -> DeleteItem:
            return DeleteItem(plan.table, key, condition)

        work: Work
        if self.model._options().constraints:
            asks = condition if checked or asked._is_whole_key(plan) else None
            work = Removals(self, workers, progress, asks)
        elif checked or asked._is_whole_key(plan):
            work = OneByOne(self, workers, progress, delete)
        else:
            work = Batches(self, workers, progress, plan.table)
        return (yield from asked._worked(plan, work))

    delete = blocking(_delete)
    adelete = awaiting(_delete)

    def _update(
        self,
        /,
        *actions: Action | Computable,
        condition: Condition | None = None,
        returning: Returning | None = None,
        create_parents: bool = False,
        must_exist: bool | None = None,
        workers: int = 1,
        rate: float | None = None,
        progress: ProgressOption = None,
        **values: Any,
    ) -> Flow[Any]:
        """Change every item that matches, each by a request of its own.

        Each is changed on condition that it is still there and still matches: none is made, and
        what somebody else changed meanwhile is not overwritten, but counted in ``skipped``. Fields
        that set themselves on saving, such as those with ``auto_now``, do so here too. What fails of
        single items is told by ``failed``, and the others are gone on with. A whole key is not read.
        Inside ``transaction.atomic()``, that of a whole key is collected; no other is possible there.

        :param actions: ``F("visits").add(1)``, ``Model.ids[0].remove()`` and the like, or ``Set``,
            ``Remove``, ``Add`` and ``Delete`` of ``dynamodb_py.expressions``.
        :param condition: change only where it holds too. Of a whole key, ConditionFailed is raised
            where anything does not hold; of others, those where it does not are skipped.
        :param returning: of a whole key: give a dict of the item, as ``update()`` of an instance.
        :param create_parents: of a whole key: as for ``update()`` of an instance.
        :param must_exist: of a whole key: True raises DoesNotExist where there is no item, and False
            makes it; by default that is told by ``matched``.
        :param workers: how many requests that write may be under way at once.
        :param rate: how many read units to consume per second at most; the writes are not counted.
        :param progress: called with how many items are done, and 0 until it is known how many there
            are; or True for a bar.
        :param values: new values by field, which are spelled and validated as ``save()`` does, and
            ``F("wins") + 1`` and the like; None removes the attribute, or stores a NULL where the
            field has ``null=True``.
        :return: a :class:`Done`, or the dict that *returning* asks for.
        :raises ValidationError: values cannot be stored, or are of the key; nothing was sent.
        :raises DoesNotExist: with *must_exist* or *returning*, there is no item with the key.
        :raises ConditionFailed: as said of *condition*; ``current`` is the item as it stands.
        :raises ScanRequired: only reading the whole table could find them; nothing was sent.
        :raises MaxRequestsReached: there is more than ``max_requests()`` could read: ``cursor`` is
            where to go on, ``after(cursor)``.
        :raises RequestError: reading failed, or no write can succeed. This and all else that is
            raised on the way has what was done so far in ``done``.
        """
        meta = self.model._options()
        self._check_no_clash(workers=workers != 1, rate=rate is not None, progress=bool(progress))
        check_no_clash(meta, OPTIONS, condition, returning, create_parents, must_exist)
        found = changes(meta, actions, values, making=must_exist is False, key=self._said_key())
        plan, asked = self._of_keys("update()", rate)
        extra = meta.condition(condition)
        still = still_asked(meta, plan)
        if extra is not None:
            still &= extra
        key = None if self._how.start is not None else whole_key(plan)
        if key is None:
            check_outside("update() of what a query finds")
        elif COLLECTOR.get() is not None:
            yield from self._known_by(key)._update(
                *actions,
                condition=without_presence(meta, still),
                returning=returning,
                create_parents=create_parents,
                must_exist=must_exist is not False,
                atomic=False,
                **values,
            )
            return Done(matched=1, changed=1)  # so it is, once it is committed
        for_one = create_parents or returning is not None or must_exist is not None
        if for_one or (extra is not None and key is not None):
            if key is None:
                raise QueryError(
                    f"{meta.name}: returning=, create_parents= and must_exist= are for one item: "
                    "filter() by its whole key"
                )
            asks = mine(meta, without_presence(meta, still)) if must_exist is False else still
            only = UpdateItem(plan.table, key, found, asks, returned(returning))
            return (yield from self._update_one(only, returning, create_parents, must_exist))

        def update(key: Key) -> UpdateItem:
            return UpdateItem(plan.table, key, found, still)

        work = OneByOne(self, workers, progress, update)
        # An item that moves in the index that is read would be found again, further on.
        moved = {action.path.parts[0] for action in found} & {key.name for key in plan.position}
        return (yield from asked._worked(plan, work, first=bool(moved), key=key))

    if TYPE_CHECKING:

        @overload
        def update(
            self,
            /,
            *actions: Action | Computable,
            condition: Condition | None = None,
            returning: None = None,
            create_parents: bool = False,
            must_exist: bool | None = None,
            workers: int = 1,
            rate: float | None = None,
            progress: ProgressOption = None,
            **values: Any,
        ) -> Done: ...
        @overload
        def update(
            self,
            /,
            *actions: Action | Computable,
            returning: Returning,
            condition: Condition | None = None,
            create_parents: bool = False,
            must_exist: bool | None = None,
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
            must_exist: bool | None = None,
            workers: int = 1,
            rate: float | None = None,
            progress: ProgressOption = None,
            **values: Any,
        ) -> Done: ...
        @overload
        async def aupdate(
            self,
            /,
            *actions: Action | Computable,
            returning: Returning,
            condition: Condition | None = None,
            create_parents: bool = False,
            must_exist: bool | None = None,
            **values: Any,
        ) -> dict[str, Any]: ...
        async def aupdate(self, /, *actions: Any, **options: Any) -> Any: ...
    else:
        update = blocking(_update)
        aupdate = awaiting(_update)

    def _modify(
        self,
        /,
        *actions: Action | Computable,
        old: bool = False,
        upsert: bool = False,
        condition: Condition | None = None,
        create_parents: bool = False,
        **values: Any,
    ) -> Flow[M | None]:
        """Change the one item that is asked for, and return it as it is then, in one request.

        It is asked for by its whole key. The rest of the question is a condition too: an item that
        does not match counts as not there, unless *condition* is given.

        :param actions: and *values*: as for ``update()``.
        :param old: return the item as it was before.
        :param upsert: make the item where there is none; its key must be all that is asked.
        :param condition: change only where it holds too.
        :param create_parents: as for ``update()`` of an instance.
        :return: the item as an instance, or None: there was none, or none that matches. With *old* and
            *upsert*, None stands for one that was made.
        :raises ValidationError: values cannot be stored, or are of the key; nothing was sent.
        :raises QueryError: it is not asked for by a whole key; nothing was sent.
        :raises ConditionFailed: *condition*, or with it the question, does not hold; ``current`` is the
            item as it stands.
        """
        meta = self.model._options()
        check_outside("modify()")
        check_no_clash(meta, _MODIFY, old, upsert, condition, create_parents)
        found = changes(meta, actions, values, making=upsert, key=self._said_key())
        plan, _ = self._of_keys("modify()", None)
        key = None if self._how.start is not None else whole_key(plan)
        if key is None:
            raise QueryError(f"{meta.name}: modify() is for one item: filter() by its whole key")
        asks = self._asked_of_one(plan, upsert=upsert)
        extra = meta.condition(condition)
        if extra is not None:
            asks = extra if asks is None else asks & extra
        update = UpdateItem(plan.table, key, found, asks, "ALL_OLD" if old else "ALL_NEW")
        parents = parents_of(found) if create_parents else []
        try:
            item = yield from updated(update, parents, None if upsert else meta.present)
        except ConditionFailed as error:
            current = error.current
            in_the_way = upsert and is_of_other_class(meta, current)
            gone = is_hidden(meta, current) or (current is None and not upsert)
            if not in_the_way and (extra is None or gone):
                return None
            if current is not None:
                [error.current] = map(self._loader_of_items(), [to_json(current)])
            raise
        loaded: M | None = None if item is None else self._loader_of_items()(item)
        return loaded

    modify = blocking(_modify)
    amodify = awaiting(_modify)

    def _said_key(self) -> Key | None:
        """Return the one key that is asked for, where something is made of it."""
        computed = self.model._options().computed
        if computed is None or not (computed.repeated or computed.all != computed.primary):
            return None
        return whole_key(self._plan())

    def _asked_of_one(self, plan: Plan, *, upsert: bool) -> Condition | None:
        """Return what must hold of the one item, as *plan* asks for it."""
        meta = self.model._options()
        still = still_asked(meta, plan)
        if not upsert:
            return still
        rest = without_presence(meta, still)
        if rest is not None and not requires_existence_only(meta, rest):
            raise QueryError(
                f"{meta.name}: modify(upsert=True) makes the item that is not there: filter() by its "
                "key alone, and give condition= for what must hold"
            )
        return meta.free

    def _update_one(
        self,
        update: UpdateItem,
        returning: Returning | None,
        create_parents: bool,
        must_exist: bool | None,
    ) -> Flow[Any]:
        """Carry out the update of the one item that is asked for."""
        meta = self.model._options()
        parents = parents_of(update.actions) if create_parents else []
        ledger = Ledger()
        try:
            item = yield from ledger.drive(
                updated(update, parents, None if must_exist is False else meta.present)
            )
        except ConditionFailed as error:
            if must_exist is not False and is_hidden(meta, error.current):
                error.current = None
            if error.current is None and must_exist is not False:
                if must_exist or returning is not None:
                    raise self.model.DoesNotExist(
                        f"{meta.name} has no item with the key {said_key(self.model, update.key)!r}",
                        missing=[said_key(self.model, update.key)],
                    ) from error.__cause__
                if requires_existence_only(meta, update.condition):
                    return Done(requests=ledger.requests)
            if error.current is not None:
                [error.current] = map(self._loader_of_items(), [to_json(error.current)])
            raise
        if returning is not None:
            return as_plain(self.model, item, returning)
        return Done(matched=1, changed=1, requests=ledger.requests)

    def _known_by(self, key: Key) -> M:
        """Return an instance of which nothing is known but the key."""
        instance = self.model.__new__(self.model)
        instance.__dict__["_known_as"] = key  # which another writer may have spelled otherwise
        for field in self.model._options().keys:
            instance.__dict__[field.name] = field.decode(key[field.attribute])
        if self._how.using is not None:
            instance.__dict__["_using"] = self._how.using
        return instance

    def _loader_of_items(self) -> Callable[[bytes], Any]:
        return loader(self.model, None, None, self._how.using)

    def _check_no_clash(self, **options: bool) -> None:
        for option, given in options.items():
            if given and option in self.model._options().field_set.by_name:
                raise TypeError(
                    f"update({option}=...) is the option, and {self.model.__name__}.{option} is a "
                    f"field: change that by an action, {self.model.__name__}.{option}.set(...)"
                )

    def _of_keys(self, verb: str, rate: float | None) -> tuple[Plan, BulkByQuery[M, R]]:
        """Return what finds the keys of what matches, and the query set that reads it."""
        self._check_single(verb)
        if self._question.full:
            raise QueryError(
                f"{self.model.__name__}: {verb} reads nothing but keys, and full() reads whole items: "
                "drop full()"
            )
        self._kept = None  # what was read before is no longer so
        question = replace(self._question, wanted=())
        how = self._how if rate is None else replace(self._how, rate=rate)
        asked = self._but(question, how)
        return asked._plan(), asked

    def _is_whole_key(self, plan: Plan) -> bool:
        return plan.get is not None and self._how.start is None

    def _worked(
        self, plan: Plan, work: Work, *, first: bool = False, key: Key | None = None
    ) -> Flow[Done]:
        """Work through what *plan* finds; with *first*, find all of it before anything is changed.

        With *key*, there is no more than that one, which is not read.
        """
        reader = self._reader(plan)
        if key is None and plan.get is not None and self._is_whole_key(plan):
            key = plan.get.key
        try:
            if key is not None:
                yield from work.only(key)
            else:
                yield from work.all_of(reader, key_of(plan.key), first=first)
            work.tell_end()
        except Exception as error:
            vars(error)["done"] = work.done(reader)
            raise
        return work.done(reader)
