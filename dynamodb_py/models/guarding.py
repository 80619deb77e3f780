"""Guarding: what must hold for the write of an instance, and what it means that it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from .. import exceptions
from ..codec import as_sent, from_json
from ..exceptions import (
    AlreadyExists,
    ConditionFailed,
    FieldNotLoaded,
    StaleItem,
    UnreadableValue,
    ValidationError,
    narrow_error,
)
from ..expressions import Condition
from ..flows import Flow
from ..operations.base import Wire, WireItem
from ..operations.items import GetItem, Key
from .collecting import COLLECTOR
from .committing import carried_out, new_token
from .locking import (
    Lock,
    as_it_was,
    has_moved,
    is_atomic,
    lock_of_all,
    lock_of_none,
    lock_of_version,
)
from .pending import Pending
from .records import Record
from .standing import is_other
from .uniqueness import Claim, claims, difference

if TYPE_CHECKING:
    from ..connections import Connection
    from .options import Options

# How often a write adapts itself to what another writer did to the item meanwhile.
TRIES = 4


class Claims:
    """What a write gives up and takes of unique values, and what must be so for that to be right."""

    __slots__ = ("claimed", "condition", "released")

    def __init__(
        self,
        meta: Options,
        key: Key,
        before: Mapping[str, Wire],
        after: Mapping[str, Wire],
        *,
        whole: bool = True,
    ) -> None:
        """Compare two items, either of which may be empty: there is none then.

        :param whole: the item is replaced or deleted; otherwise just what differs is written.
        """
        had = claims(meta, before, key) if before else {}
        has = claims(meta, after, key) if after else {}
        self.released: list[Claim]
        self.claimed: list[Claim]
        self.released, self.claimed = difference(had, has)
        names = {
            attribute: None
            for constraint in meta.constraints
            if whole or has_moved(constraint.attributes, before, after)
            for attribute in constraint.attributes
        }
        self.condition = Condition()
        """Holds where the item is as *before* in all that decides on its unique values."""
        if names:
            self.condition = meta.taken & as_it_was(names, before) if before else meta.missing


class Guarding(Record):
    """What the verbs of instances have in common."""

    __slots__ = ()

    if TYPE_CHECKING:  # what it is a part of has these
        _meta: ClassVar[Options]
        DoesNotExist: ClassVar[type[exceptions.DoesNotExist]]
        AlreadyExists: ClassVar[type[exceptions.AlreadyExists]]
        _using: ClassVar[str | None]

        @property
        def _link(self) -> Connection: ...
        @property
        def _table(self) -> str: ...
        @property
        def persisted(self) -> bool: ...
        @classmethod
        def _options(cls) -> Options: ...

    # -- what is stored ------------------------------------------------------------------------

    def _stored_wires(self) -> WireItem:
        stored: WireItem = {} if self._stored is None else from_json(self._stored)
        return stored

    def _stored_key(self, stored: Mapping[str, Wire]) -> Key:
        for field in self._meta.keys:
            if field.attribute not in stored:
                raise ValidationError(
                    {field.name: ["it is part of the key, and was not loaded"]},
                    model=self._meta.name,
                )
        return {field.attribute: as_sent(stored[field.attribute]) for field in self._meta.keys}

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

    def _key(self) -> Key:
        """Return the key on the wire, which is the one that it was loaded from, if it was."""
        known: Key | None = self.__dict__.get("_known_as")
        if known is not None:
            return known
        options = self._options()
        composing = options.composing
        if composing is None:
            values = {field.name: getattr(self, field.name) for field in options.keys}
        else:
            values = composing.key_of(self)
        key = options.key((), values)
        if self._stored is None:
            return key
        stored = self._stored_wires()
        self._check_key(stored, key)
        return self._stored_key(stored)  # another writer may have spelled it otherwise

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

    # -- locks ---------------------------------------------------------------------------------

    def _lock(self, stored: Mapping[str, Wire], atomic: bool | None) -> Lock | None:
        """Return what must be as it was loaded for a write to be right, if anything."""
        meta = self._meta
        if self._stored is None:
            return lock_of_none(meta) if is_atomic(meta, atomic) else None
        if meta.version is not None and meta.version.attribute in self._unknown():
            raise FieldNotLoaded(
                f"{meta.version.label} was not fetched with this instance, so that nobody knows "
                "whether it is stale: refresh_from_db() first"
            )
        if is_atomic(meta, atomic):
            return lock_of_all(meta, stored, self._unknown())
        return lock_of_version(meta, stored)

    def _inserts(self, atomic: bool | None) -> bool:
        """Tell whether this, which was never loaded, expects that there is no item."""
        return self._stored is None and (
            self._meta.version is not None or is_atomic(self._meta, atomic)
        )

    # -- what went wrong -----------------------------------------------------------------------

    def _told(
        self, error: ConditionFailed, *, insert: bool = False, more: bool = False
    ) -> Exception:
        """Return what a failed condition means for this instance.

        With *insert*, it was that the key is free, and with *more* something else too.
        """
        current: Any = error.current
        if isinstance(current, Mapping):
            wires = cast("Mapping[str, Any]", current)
            try:
                found = type(self).from_db(wires)
            except UnreadableValue:  # of a kind that no class has: this is about something else
                found = type(self)._load_key(wires)
            if "_using" in self.__dict__:
                found.__dict__["_using"] = self._using
            error.current = found
            if insert:
                return narrow_error(error, self.AlreadyExists)
            gone = self._stored is not None and is_other(self._meta, wires)
            return self._gone() if gone else error
        if insert:  # without an item the key is free, but for engines that never send one
            return error if more else narrow_error(error, self.AlreadyExists)
        return error if self._stored is None else self._gone()

    def _told_of_lock(
        self, error: ConditionFailed, lock: Lock | None, stored: Mapping[str, Wire]
    ) -> Exception:
        """Return what a failed condition means, of which *lock* may have been a part."""
        current: Any = error.current
        now = dict(cast("Mapping[str, Wire]", current)) if isinstance(current, Mapping) else None
        told = self._told(error)
        if lock is None or now is None or told is not error or not lock.is_broken(stored, now):
            return told
        stale = narrow_error(error, StaleItem)
        if self._stored is None:
            expiry = self._meta.expiry
            if expiry is not None and expiry.hides_wires(now):
                return told
            stale.args = (
                f"{self!r} was never loaded, so that with atomic there must be no item with its key, "
                "and there is one; nothing was written",
            )
            return stale
        names = [
            field.name if (field := self._fields.by_attribute.get(name)) is not None else name
            for name in sorted(lock.watched)
            if has_moved([name], stored, now)
        ]
        stale.args = (
            f"{self!r} is stale: another writer changed {', '.join(names)} since it was loaded; "
            "nothing was written",
        )
        return stale

    def _gone(self) -> exceptions.DoesNotExist:
        return self.DoesNotExist(
            f"{self!r} is no longer there: it was deleted since it was loaded", missing=[self]
        )

    # -- sending -------------------------------------------------------------------------------

    def _carry(self, pending: Pending) -> Flow[None]:
        """Carry a write out, or give it to the transaction that collects."""
        collector = COLLECTOR.get()
        if collector is not None:
            collector.add(pending)
        else:
            token = "" if pending.is_alone else new_token()
            yield from carried_out(pending, pending.link.retries, token)

    def _is_collected(self) -> bool:
        """Tell whether the transaction that collects has a write of this instance already."""
        collector = COLLECTOR.get()
        return collector is not None and collector.holds(self)

    def _adapting(
        self,
        make: Callable[[Mapping[str, Wire]], Pending],
        before: Mapping[str, Wire] | None,
        names: Iterable[str],
    ) -> Flow[None]:
        """Carry out what *make* makes of the item as it stands, anew where others changed it meanwhile.

        :param make: is given the item, or nothing where there is none.
        :param before: the item as far as it is known; None to read it.
        :param names: the attributes that matter to *make*.
        """
        if before is None:
            item = yield from GetItem(self._table, self._key(), True)
            before = cast("WireItem", {} if item is None else from_json(item))
        for left in reversed(range(TRIES)):
            try:
                yield from self._carry(make(before))
            except ConditionFailed as error:
                if not left or isinstance(error, (AlreadyExists, StaleItem)):
                    raise
                current: Any = error.current
                now: WireItem = {} if current is None else current._stored_wires()
                if not has_moved(names, before, now) and bool(now) == bool(before):
                    raise
                before = now
            else:
                return

    def _names_that_matter(self) -> list[str]:
        """Return the attributes of what is unique, and the version."""
        meta = self._meta
        names = meta.unique_beside()
        return names if meta.version is None else [*names, meta.version.attribute]
