"""Creates one item, or changes the one that exists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from ...exceptions import AlreadyExists, ConditionFailed, DoesNotExist, QueryError, ValidationError
from ...expressions import Action, And, Computable, Condition
from ...expressions.conditions import join
from ...flows import Flow
from ...operations.items import GetItem, Key, StoredItem, UpdateItem
from ..bulk.bound_model import (
    BoundModel,
    M,
    check_connection,
    instance_of_key,
    load_item,
    make_instance,
    table_name,
)
from ..instance import Instance, options_of
from ..persistence.save import save_instance
from ..persistence.stored import make_put
from ..persistence.update import update_instance
from ..persistence.update_actions import RACES, build_update, unique_among, without_automatic
from ..queryset.builders import Builders
from ..queryset.reads import get_by_key
from ..unit_of_work.collector import check_outside
from ..visibility import filter_item, is_of_other_class


class Members(Struct):
    """The items of a set, such as those that refer to an instance."""

    values: Mapping[str, Any]
    """What a new item of the set has."""
    condition: Condition
    """Holds if an item is in the set."""
    holds: Callable[[Any], bool]
    """Tells whether an instance is in the set."""


class _NotGiven:
    """The default of an option that a model may have a field for: False, and yet not the same."""

    def __repr__(self) -> str:
        return "False"


_NOT_GIVEN: Any = _NotGiven()


def create_one(
    bound: BoundModel[M],
    /,
    *,
    overwrite: bool = _NOT_GIVEN,
    condition: Condition | None = None,
    **values: Any,
) -> Flow[M]:
    """Insert an item and return it.

    >>> Score.objects.create(player="cat", game=1, points=5)
    Score(player='cat', game=1, points=5)

    :param overwrite: replace an item that has the same key; otherwise it is an error.
    :param condition: write only where it holds.
    :param values: the values of the fields; defaults stand for the others.
    :raises AlreadyExists: an item has this key; ``current`` is that item. Nothing was written.
    :raises ValidationError: values cannot be stored; nothing was sent.
    :raises TypeError: an option is given that is the name of a field too; nothing was sent.
    """
    if overwrite is _NOT_GIVEN:
        overwrite = False
    else:
        _refuse_field(bound, "overwrite")
    if condition is not None:
        _refuse_field(bound, "condition")
    instance: Any = make_instance(bound, values)
    yield from save_instance(
        instance, force_insert=not overwrite, overwrite=bool(overwrite), condition=condition
    )
    made: M = instance
    return made


def insert_one(bound: BoundModel[M], instance: M, *, condition: Condition | None = None) -> Flow[M]:
    """Insert *instance*, made by its constructor, and return it: ``save(force_insert=True)``.

    Type checkers check its values, where its class is a ``TypedModel``; those of ``create()`` are any.

    :param condition: write only where it holds.
    :raises AlreadyExists: an item has this key; ``current`` is that item. Nothing was written.
    :raises ValidationError: values cannot be stored, or it is of another model; nothing was sent.
    """
    if not isinstance(instance, bound.model):
        given: object = instance
        name = options_of(bound.model).name
        raise ValidationError(f"insert() takes an instance of {name}, not {given!r:.80}")
    checked = check_connection(bound, instance)
    return (yield from save_instance(checked, force_insert=True, condition=condition))


def _refuse_field(bound: BoundModel[Any], option: str) -> None:
    """Raise TypeError if *option*, which was given, is the name of a field too."""
    meta = options_of(bound.model)
    if option in meta.field_set.by_name:
        raise TypeError(
            f"create({option}=...) would mean both the field and the option: "
            f"make the instance first, {meta.name}({option}=...).save(...)"
        )


def get_or_create_one(
    bound: BoundModel[M], /, defaults: Mapping[str, Any] | None = None, **key: Any
) -> Flow[tuple[M, bool]]:
    """Return the item with this key and False, or a new one and True.

    Safe against others who do the same: of several, one creates. It reads consistently.

    >>> score, created = Score.objects.get_or_create(player="ann", game=1)
    >>> score.points, created
    (50, False)

    :param defaults: the values of the other fields of a new item; callables are called.
    :raises AlreadyExists: another item has a value that is unique: ``fields`` has its name.
    """
    meta = options_of(bound.model)
    key = dict(meta.expand_pk(key))
    meta.key((), key)
    instance = yield from _get_or_none(bound, key)
    if instance is not None:
        return instance, False
    new: Any = make_instance(bound, {**_call_all(defaults), **key})
    try:
        yield from save_instance(new, force_insert=True)
    except AlreadyExists as error:
        if is_of_other_class(meta, error.current) or not _is_about(error, new):
            raise  # an item of another class has the key, or another item has a unique value
        if error.current is not None and not _hides(bound, error.current):
            return error.current, False
        there = yield from _get_or_none(bound, key)
        if there is None:
            raise
        return there, False
    return new, True


def _get_or_none(bound: BoundModel[M], key: Mapping[str, Any]) -> Flow[M | None]:
    """Return the item with this key, read consistently."""
    owner: Any = bound
    queryset = owner if isinstance(bound, Builders) else owner.get_queryset()
    return (yield from get_by_key(queryset, options_of(bound.model), (), key, True))[0]


def _hides(bound: BoundModel[Any], instance: Any, members: Members | None = None) -> bool:
    if members is not None and not members.holds(instance):
        return True
    return bound._scope is not None and bound._scope.hides(instance)


def update_or_create_one(
    bound: BoundModel[M],
    /,
    defaults: Mapping[str, Any] | None = None,
    create_defaults: Mapping[str, Any] | None = None,
    **key: Any,
) -> Flow[tuple[M, bool]]:
    """Update the item with this key and return it and False, or a new one and True.

    An item that exists is changed by one request, without reading it; the instance has all of it
    as it is then. Where there is none, one more request makes it. Safe against others who do the
    same.

    >>> score, created = Score.objects.update_or_create({"points": 9}, player="ann", game=1)
    >>> score.points, created
    (9, False)

    :param defaults: new values by field, as for ``update()``: values, ``F("wins") + 1`` and the
        like; None removes. Callables are called. Without any, the item is read, consistently.
    :param create_defaults: the values of a new item, in place of *defaults*; required if those have
        an ``F``, as a new item has nothing to compute with. Callables are called where there is no
        item, and values are checked with theirs then.
    :raises ValidationError: values cannot be stored, of an update or a new item; nothing was sent.
    :raises QueryError: a new item would be made of an ``F``; nothing was sent.
    :raises AlreadyExists: another item has a value that is unique (``fields`` has its name), or
        others kept deleting and making this one.
    """
    return (yield from update_or_create_among(bound, None, defaults, create_defaults, key))


def update_or_create_among(
    bound: BoundModel[M],
    members: Members | None,
    defaults: Mapping[str, Any] | None,
    create_defaults: Mapping[str, Any] | None,
    key: dict[str, Any],
) -> Flow[tuple[M, bool]]:
    """Like :func:`update_or_create_one`, of the items of a set alone, if one is given.

    :raises AlreadyExists: the item with this key is in another set, or as there.
    """
    if not defaults and not create_defaults and members is None:
        return (yield from get_or_create_one(bound, **key))
    check_outside("update_or_create()")
    meta = options_of(bound.model)
    key = dict(meta.expand_pk(key))
    wire = meta.key((), key)
    changes = _call_all(defaults)
    creation = changes if create_defaults is None else create_defaults
    _check_creation(bound, creation, key)
    if members is not None:
        creation = {**creation, **members.values}
    calls = any(map(callable, creation.values()))  # which are called for a new item alone
    new = None if calls else _make_new(bound, creation, key)
    actions = build_update(meta, (), changes, claims=True, key=wire) if changes else ()
    for left in reversed(range(RACES)):
        item = yield from _change(bound, wire, actions, members)
        if item is not None:
            return load_item(bound, item), False
        if new is None:
            new = _make_new(bound, creation, key)
        try:
            yield from save_instance(new, force_insert=True)
        except AlreadyExists as error:
            current = error.current
            hidden = current is not None and _hides(bound, current, members)
            own = _is_about(error, new) and not is_of_other_class(meta, current)
            if not left or hidden or not own:
                raise
        else:
            return new, True
    raise AssertionError("the last try returns or raises")


def _check_creation(
    bound: BoundModel[Any], defaults: Mapping[str, Any], key: Mapping[str, Any]
) -> None:
    """Refuse *defaults* of which no item can be made."""
    meta = options_of(bound.model)
    fields = meta.field_set
    if unknown := [n for n in defaults if n not in fields.by_name and n not in fields.references]:
        raise fields.make_unknown_error(unknown)
    for name, value in defaults.items():
        if isinstance(value, (Computable, Action)):
            raise QueryError(
                f"{meta.name}: update_or_create({name}={value!r}): where there is no item, "
                "there is nothing to compute with: give create_defaults= for a new one"
            )
        if name in key:
            raise ValidationError(
                {name: ["it is part of the key, which is given by itself: drop it here"]},
                model=meta.name,
            )


def _make_new(bound: BoundModel[Any], defaults: Mapping[str, Any], key: Mapping[str, Any]) -> Any:
    """Return the instance that *defaults* make, checked; callables are called."""
    new: Any = make_instance(bound, {**_call_all(defaults), **key})
    make_put(new)  # raises for values that cannot be stored
    return new


def _change(
    bound: BoundModel[Any], key: Key, actions: tuple[Action, ...], members: Members | None
) -> Flow[StoredItem | None]:
    """Change the item with this key; return all of it then, None if there is none."""
    meta, scope = options_of(bound.model), bound._scope
    needed = [] if meta.expiry is None else [meta.expiry.require_unexpired()]
    needed += [] if scope is None else [scope.condition(bound.model)]
    needed += [] if members is None else [members.condition]
    expected = join(And, *needed) if needed else None
    try:
        if actions and not unique_among(meta, actions):
            condition = meta.present if expected is None else meta.present & expected
            return (yield from UpdateItem(table_name(bound), key, actions, condition, "ALL_NEW"))
        if actions:
            own = without_automatic(meta, actions)
            instance: Any = instance_of_key(bound, key)
            yield from update_instance(instance, *own, condition=expected, must_exist=True)
    except AlreadyExists:  # another item has a value that is unique
        raise
    except (ConditionFailed, DoesNotExist):
        return None
    item = filter_item(meta, (yield from GetItem(table_name(bound), key, True)))
    if item is None or (scope is None and members is None):
        return item
    return None if _hides(bound, bound.model._load(item), members) else item


def _is_about(error: AlreadyExists, new: Instance) -> bool:
    """Tell whether *error* is about the key of *new*, not a unique value, or from a receiver."""
    if error.fields or not isinstance(error, new.AlreadyExists):
        return False
    return error.current is None or bool(error.current == new)


def _call_all(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return *values* with the results of the callables among them."""
    return {
        name: value() if callable(value) and not isinstance(value, (Computable, Action)) else value
        for name, value in (values or {}).items()
    }
