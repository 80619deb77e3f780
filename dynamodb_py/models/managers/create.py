"""What creates one item, or changes it where it is there: a part of managers and query sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ...exceptions import AlreadyExists, ConditionFailed, DoesNotExist, QueryError, ValidationError
from ...expressions import Action, Computable, Condition
from ...flows import Flow, awaiting, blocking
from ...operations.items import GetItem, Key, StoredItem, UpdateItem
from ..bulk.bound_model import Belonging
from ..persistence.update_actions import RACES, changes, unique_among, without_automatic
from ..unit_of_work.collector import check_outside
from ..visibility import filter_item, is_of_other_class

if TYPE_CHECKING:
    from ..model import Model


M = TypeVar("M", bound="Model")


class Creating(Belonging[M], Generic[M]):
    """Creates items one by one."""

    __slots__ = ()

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
        yield from instance._save(
            force_insert=not overwrite, overwrite=overwrite, condition=condition
        )
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
        :raises AlreadyExists: another item has a value that is unique: ``fields`` has its name.
        """
        self._meta.key((), key)
        instance = yield from self._get_or_none(consistent=True, **key)
        if instance is not None:
            return instance, False
        new = self._new({**_called(defaults), **key})
        try:
            yield from new._save(force_insert=True)
        except AlreadyExists as error:
            if is_of_other_class(self._meta, error.current) or not _is_about(error, new):
                raise  # an item of another class has the key, or it is another's value
            if error.current is not None and not self._hides(error.current):
                return error.current, False
            there = yield from self._get_or_none(consistent=True, **key)
            if there is None:
                raise
            return there, False
        return new, True

    get_or_create = blocking(_get_or_create)
    aget_or_create = awaiting(_get_or_create)

    def _update_or_create(
        self,
        /,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **key: Any,
    ) -> Flow[tuple[M, bool]]:
        """Update the item with this key and return it and False, or a new one and True.

        An item that is there is changed by one request, without reading it; the instance has all of
        it as it is then. Where there is none, one more request makes it. Safe against others who
        do the same.

        :param defaults: new values by field, as for ``update()``: values, ``F("wins") + 1`` and the
            like; None removes. Callables are called. Without any, the item is read, consistently.
        :param create_defaults: the values of a new item, in place of *defaults*. There is nothing to
            compute with then, so that *defaults* with an ``F`` need them.
        :raises ValidationError: values cannot be stored, of an update or a new item; nothing was sent.
        :raises QueryError: a new item would be made of an ``F``; nothing was sent.
        :raises AlreadyExists: another item has a value that is unique (``fields`` has its name), or
            others kept deleting and making this one.
        """
        if not defaults and not create_defaults:
            return (yield from self._get_or_create(**key))
        check_outside("update_or_create()")
        wire = self._meta.key((), key)
        new = self._to_make(defaults if create_defaults is None else create_defaults, key)
        actions = (
            changes(self._meta, (), _called(defaults), claims=True, key=wire) if defaults else ()
        )
        for left in reversed(range(RACES)):
            item = yield from self._changed(wire, actions)
            if item is not None:
                return self._load(item), False
            try:
                yield from new._save(force_insert=True)
            except AlreadyExists as error:
                current = error.current
                hidden = current is not None and self._hides(current)
                mine = _is_about(error, new) and not is_of_other_class(self._meta, current)
                if not left or hidden or not mine:
                    raise
            else:
                return new, True
        raise AssertionError("the last try returns or raises")

    update_or_create = blocking(_update_or_create)
    aupdate_or_create = awaiting(_update_or_create)

    def _to_make(self, defaults: Mapping[str, Any] | None, key: Mapping[str, Any]) -> M:
        """Return the instance that *defaults* make, checked."""
        for name, value in (defaults or {}).items():
            if isinstance(value, (Computable, Action)):
                raise QueryError(
                    f"{self._meta.name}: update_or_create({name}={value!r}): where there is no item, "
                    "there is nothing to compute with: give create_defaults= for a new one"
                )
            if name in key:
                raise ValidationError(
                    {name: ["it is part of the key, which is given by itself: drop it here"]},
                    model=self._meta.name,
                )
        new = self._new({**_called(defaults), **key})
        new._as_put()  # what is wrong with it is told now
        return new

    def _besides(self, condition: Condition | None) -> Condition | None:
        """Return *condition* and what else must hold of an item that counts as there."""
        return condition

    def _hides(self, instance: Any) -> bool:
        """Tell whether this manager or query set does not show an item that is there."""
        del instance
        return False

    def _changed(self, key: Key, actions: tuple[Action, ...]) -> Flow[StoredItem | None]:
        """Change the item with this key; return all of it as it is then, None where there is none."""
        meta, expiry = self._meta, self._meta.expiry
        fresh = None if expiry is None else expiry.unexpired()
        fresh = self._besides(fresh)
        try:
            if actions and not unique_among(meta, actions):
                asked = meta.present if fresh is None else meta.present & fresh
                return (yield from UpdateItem(self._table, key, actions, asked, "ALL_NEW"))
            if actions:
                own = without_automatic(meta, actions)
                yield from self._keyed(key)._update(*own, condition=fresh, must_exist=True)
        except AlreadyExists:  # another item has a value that is unique
            raise
        except (ConditionFailed, DoesNotExist):
            return None
        return filter_item(meta, (yield from GetItem(self._table, key, True)))


def _is_about(error: AlreadyExists, new: Model) -> bool:
    """Tell whether *error* says that the key of *new* is taken.

    It may say that a unique value is, or come from a receiver, about something else.
    """
    if error.fields or not isinstance(error, new.AlreadyExists):
        return False
    return error.current is None or bool(error.current == new)


def _called(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return *values* with what the callables among them give."""
    return {
        name: value() if callable(value) and not isinstance(value, (Computable, Action)) else value
        for name, value in (values or {}).items()
    }
