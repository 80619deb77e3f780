"""Saving: what an instance writes, whole or as the changes since it was loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ..codec import from_json, item_size, to_json
from ..exceptions import (
    ConditionFailed,
    InvalidRequest,
    ItemTooLarge,
    QueryError,
    ValidationError,
)
from ..expressions import Action, Condition
from ..flows import Flow, awaiting, blocking
from ..limits import MAX_ITEM_BYTES
from ..operations import transactions
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
    rebased_item,
)
from .changing import Changing
from .collecting import COLLECTOR
from .expiry import is_hidden
from .guarding import TRIES, Claims
from .locking import Lock, as_it_was, has_moved, is_atomic, next_version
from .pending import Pending, void
from .signals import is_heard, saved, saving
from .wires import applied

if TYPE_CHECKING:
    from typing_extensions import Self

    from .base import Model
    from .options import Options


class Saving(Changing):
    """The verbs of instances that write them."""

    __slots__ = ()

    # -- saving --------------------------------------------------------------------------------

    def _save(
        self,
        *,
        condition: Condition | None = None,
        force_insert: bool = False,
        overwrite: bool = False,
        update_fields: Iterable[str] | None = None,
        validate: bool = True,
        atomic: bool | None = None,
    ) -> Flow[Self]:
        """Write this instance to its table.

        A new one is put whole, in place of what was there. Of a loaded one just what changed is set
        or removed, on condition that the item still exists; if nothing did, nothing is sent. Maps are
        changed key by key. A list must still be as it was loaded where it is written. Attributes that
        the model does not declare are left alone.

        With a :class:`~dynamodb_py.VersionField`, a new instance is written only where there is no
        item, and a loaded one only where the item has the version that it has.

        :param condition: write only where it holds; it is asked even where nothing changed.
        :param force_insert: write only where no item has this key.
        :param overwrite: put it whole, a loaded one too, whether or not there is an item.
        :param update_fields: write no other fields than these, and those that set themselves; the
            changes of others wait for the next save. For a loaded one only.
        :param validate: False skips ``required``, ``choices``, bounds and validators.
        :param atomic: write only if no attribute has changed since it was loaded; one that was never
            loaded expects that there is no item. By default as ``options()`` or ``Meta.atomic`` say.
        :return: the instance itself.
        :raises ValidationError: values cannot be stored; nothing was sent.
        :raises AlreadyExists: an item has this key, where none was expected, or a unique value:
            ``fields`` has the names of those.
        :raises StaleItem: the version is another one, or with *atomic* something else is.
        :raises ConditionFailed: *condition* does not hold, or a list that changed here was changed
            by another writer too; ``current`` is the item as it stands.
        :raises DoesNotExist: the item that was loaded is gone.
        :raises QueryError: *update_fields* is given where the whole item would be put.
        """
        store = partial(
            self._store,
            condition=self._options().condition(condition),
            force_insert=force_insert,
            overwrite=overwrite,
            validate=validate,
            atomic=atomic,
        )
        whole = self._stored is None or force_insert or overwrite
        named = None if update_fields is None else self._only(update_fields, whole=whole)
        model: Any = self
        if not is_heard(cast("type[Model]", type(self)), "save"):
            yield from store(named=named)
            return self
        created, collector = self._stored is None, COLLECTOR.get()
        yield from saving(model, created=created, update_fields=named)
        yield from store(named=named)
        told = partial(saved, model, created=created, update_fields=named)
        if collector is None:
            yield from told()
        else:
            collector.then(told)
        return self

    save = blocking(_save)
    asave = awaiting(_save)

    def _store(
        self,
        *,
        condition: Condition | None = None,
        force_insert: bool = False,
        overwrite: bool = False,
        named: frozenset[str] | None = None,
        validate: bool = True,
        atomic: bool | None = None,
    ) -> Flow[None]:
        """Do as ``_save``, and let nobody hear of it."""
        if self._stored is None or force_insert or overwrite:
            insert = force_insert or (not overwrite and self._inserts(atomic))
            yield from self._put(condition, insert=insert, validate=validate, atomic=atomic)
        else:
            yield from self._write_changes(condition, validate=validate, named=named, atomic=atomic)

    def _put(
        self,
        condition: Condition | None,
        *,
        insert: bool,
        validate: bool,
        atomic: bool | None = None,
    ) -> Flow[None]:
        if self._is_guarded(atomic):
            yield from self._put_guarded(condition, insert=insert, validate=validate, atomic=atomic)
            return
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
        wires = self._whole(validate=validate)
        return Put(table or self._table, self._key_in(wires), self._sized(wires))

    def _whole(self, *, validate: bool) -> WireItem:
        """Return all attributes of the item as they would be stored."""
        wires = {
            **self._left_alone(),
            **self._wires(adding=self._stored is None, validate=validate),
        }
        if self._stored is not None:
            stored = self._stored_wires()
            self._check_key(stored, wires)
            wires.update(self._stored_key(stored))
        return wires

    def _key_in(self, wires: Mapping[str, Wire]) -> Key:
        return {field.attribute: wires[field.attribute] for field in self._options().keys}

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

    def _settle(self, item: StoredItem) -> Self:
        """Take *item* for what is stored from now on; the values stay as they are."""
        aside = self._aside
        self._stored, self._decoded, self._aside = item, True, None
        if aside is not None and aside.unreadable:
            self._apart().unreadable = aside.unreadable
        if self._options().version is not None:
            self._take_version(from_json(item))
        return self

    def _take_version(self, item: Mapping[str, Wire]) -> None:
        version = self._meta.version
        if version is not None and version.attribute in item:
            self.__dict__[version.name] = version.decode(item[version.attribute])

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
        atomic: bool | None = None,
    ) -> Flow[None]:
        stored = self._stored_wires()
        changes = self._changes(stored, validate=validate, named=named)
        own = condition is not None and not condition.is_empty
        if not changes and not own and not self._is_collected():
            return
        asked = self._meta.present if condition is None else self._meta.present & condition
        wanted = changes
        if deep := goes_deep(changes):
            wanted = {name: self._as_spelled(name, wire, stored) for name, wire in changes.items()}
        if self._is_guarded(atomic):
            yield from self._write_guarded(
                stored, wanted, asked, own=condition if own else None, named=named, atomic=atomic
            )
            return
        if deep:
            item = yield from self._send(stored, wanted, asked, own=own)
        else:
            item = yield from self._send_flat(stored, wanted, asked)
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
        for left in reversed(range(TRIES)):
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

    # -- with locks, unique values and transactions ----------------------------------------------

    def _is_guarded(self, atomic: bool | None) -> bool:
        """Tell whether a write takes more than a request with what it is to write."""
        meta = self._meta
        return meta.guarded or COLLECTOR.get() is not None or is_atomic(meta, atomic)

    def _put_guarded(
        self, condition: Condition | None, *, insert: bool, validate: bool, atomic: bool | None
    ) -> Flow[None]:
        meta, wires, stored = self._meta, self._whole(validate=validate), self._stored_wires()
        key = self._key_in(wires)
        asked = Condition() if condition is None else condition
        lock = None if insert or self._stored is None else self._lock(stored, atomic)
        if insert:
            asked = meta.absent & asked
        elif lock is not None:
            asked &= lock.condition if is_atomic(meta, atomic) else lock.condition | meta.absent
        own = None if condition is None or condition.is_empty else condition
        reads = not insert and self._stored is None and meta.guarded
        # What is hidden has unique values still, which whoever takes its place gives up.
        replaces = insert and meta.expiry is not None and bool(meta.constraints)

        def make(before: Mapping[str, Wire]) -> Pending:
            item = dict(wires)
            if meta.version is not None:
                known = wires if insert else before or wires
                item[meta.version.attribute] = next_version(meta.version, known)
            claims = Claims(meta, key, before, item)
            held = asked
            if reads:  # what it replaces is as it was read
                names = self._names_that_matter()
                held &= meta.present & as_it_was(names, before) if before else meta.absent
            elif replaces:
                held &= claims.condition
            elif before and meta.constraints:
                held &= claims.condition | meta.absent
            put = self._sized(item)
            return Pending(
                verb="create" if insert else "save",
                meta=meta,
                link=self._link,
                write=transactions.Put(self._table, put, held),
                key=key,
                explain=lambda error: explain(error, before, item),
                settle=lambda: void(self._settle(put)),
                instance=self,
                released=claims.released,
                claimed=claims.claimed,
                own=own,
                locked=lock is not None,
            )

        def explain(
            error: ConditionFailed, before: Mapping[str, Wire], item: WireItem
        ) -> Exception | None:
            if replaces and _is_out_of_the_way(meta, before, error.current):
                if error.current is not None:
                    self._told(error)
                return error
            if not insert and _is_there(error, item):
                return None
            if insert:
                return self._told(error, insert=True, more=condition is not None)
            return self._told_of_lock(error, lock, stored)

        if not meta.guarded or (insert and not replaces):
            yield from self._carry(make({}))
        else:
            known = None if reads or replaces else stored
            yield from self._adapting(make, known, self._names_that_matter())

    def _write_guarded(
        self,
        stored: WireItem,
        wanted: dict[str, Wire | None],
        asked: Condition,
        *,
        own: Condition | None,
        named: frozenset[str] | None,
        atomic: bool | None,
    ) -> Flow[None]:
        meta, key, unknown = self._meta, self._stored_key(stored), self._unknown()
        lock = self._lock(stored, atomic)
        if not change_set(stored, wanted, asked=asked, unknown=unknown).actions:
            if own is None and not self._is_collected():
                return
            wanted = {}
        elif meta.version is not None:
            wanted = {**wanted, meta.version.attribute: next_version(meta.version, stored)}
        if lock is not None:
            asked &= lock.condition

        covers = None if named is None else self._fields.attributes(named)

        def make(before: Mapping[str, Wire]) -> Pending:
            claims = Claims(meta, key, before, _with(before, wanted), whole=False)
            held = asked & claims.condition
            todo = change_set(stored, wanted, asked=held, unknown=unknown)
            after = applied(stored, todo.actions)
            item, condition = self._sized(after), todo.condition(held)
            write: transactions.Write = transactions.Check(self._table, key, condition)
            if todo.actions:
                write = transactions.Update(self._table, key, todo.actions, condition)
            return Pending(
                verb="save",
                meta=meta,
                link=self._link,
                write=write,
                key=key,
                explain=lambda error: self._told_of_changes(error, lock, stored, todo),
                settle=partial(self._settle_changes, self._stored, item, todo.actions),
                instance=self,
                after=item,
                released=claims.released,
                claimed=claims.claimed,
                own=own,
                locked=lock is not None,
                covers=covers,
                guarded=bool(todo.guards) or lock is not None,
            )

        names = {
            name
            for each in meta.constraints
            if not wanted.keys().isdisjoint(each.attributes)
            for name in each.attributes
        }
        if names:
            yield from self._adapting(make, None if names & unknown else stored, names)
        else:
            yield from self._carry(make(stored))

    def _told_of_changes(
        self, error: ConditionFailed, lock: Lock | None, stored: WireItem, todo: ChangeSet
    ) -> Exception | None:
        """Return what a failed condition means; None where an earlier attempt was carried out."""
        current: Any = error.current
        if isinstance(current, Mapping):
            now = dict(cast("Mapping[str, Wire]", current))
            after = applied(stored, todo.actions)
            if error.in_doubt and todo.actions and carried_out(todo.actions, after, now):
                return None
            if lock is None:
                return self._refused(error, disturbed(todo, stored, now))
        return self._told_of_lock(error, lock, stored)

    def _settle_changes(
        self, before: StoredItem | None, item: StoredItem, actions: Sequence[Action]
    ) -> None:
        """Count what *actions* have written as stored: *item*, but for what came in between."""
        if self._stored is not before:
            item = to_json(applied(self._stored_wires(), actions))
        self._stored = item
        written = {str(action.path.parts[0]) for action in actions}
        self._knows(written)
        version = self._meta.version
        if version is not None and version.attribute in written:
            self._take_version(from_json(item))


def _with(before: Mapping[str, Wire], wanted: Mapping[str, Wire | None]) -> WireItem:
    """Return *before* with the attributes *wanted* in place of its own."""
    after = {**before, **wanted}
    return {name: wire for name, wire in after.items() if wire is not None}


def _is_out_of_the_way(meta: Options, before: Mapping[str, Wire], now: Any) -> bool:
    """Tell whether an item that is, or was, hidden may be replaced, though not as it was read."""
    return is_hidden(meta, now) or (now is None and is_hidden(meta, before))


def _is_there(error: ConditionFailed, item: Mapping[str, Wire]) -> bool:
    """Tell whether an earlier attempt, whose answer was lost, has put *item*."""
    current: Any = error.current
    if not error.in_doubt or not isinstance(current, Mapping):
        return False
    now = cast("Mapping[str, Wire]", current)
    return not has_moved({**item, **now}, item, now)
