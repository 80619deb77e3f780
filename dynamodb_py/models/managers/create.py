"""Creates one item, or updates the item that exists."""

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
from ..fields.refusals import with_article
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
    """The values by field that a new item needs to be in the set."""
    condition: Condition
    """The condition on stored items that are in the set."""
    holds: Callable[[Any], bool]
    """A function that returns whether an instance is in the set."""


class _NotGiven:
    """The default of *overwrite*: reads as False, and differs from a False that a caller passes for a field."""

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

    :param overwrite: True replaces an item that has the same key.
    :param condition: write only if it holds for the stored item.
    :param values: the values of the fields; the other fields get their defaults.
    :raises AlreadyExists: without *overwrite*, an item has this key; ``current`` is that item. Nothing
        was written.
    :raises ConditionFailed: the stored item does not match *condition*. Nothing was written.
    :raises ValidationError: values cannot be stored; nothing was sent.
    :raises TypeError: the model has a field with the name of an option that is given; nothing was sent.
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
    """Insert *instance* and return it, as ``instance.save(force_insert=True)`` does.

    Type checkers check the values that a constructor of a ``TypedModel`` takes; those of ``create()``
    may be of any type.

    >>> Score.objects.insert(Score(player="cat", game=1, points=5))
    Score(player='cat', game=1, points=5)

    :param condition: write only if it holds; as no item has the key, every attribute is missing.
    :raises AlreadyExists: an item has this key; ``current`` is that item. Nothing was written.
    :raises ConditionFailed: the stored item does not match *condition*. Nothing was written.
    :raises ValidationError: values cannot be stored, or *instance* is of another model; nothing was sent.
    """
    if not isinstance(instance, bound.model):
        given: object = instance
        raise ValidationError(
            f"{given!r:.80} is not {with_article(bound.model)}: pass an instance to insert()"
        )
    checked = check_connection(bound, instance)
    return (yield from save_instance(checked, force_insert=True, condition=condition))


def _refuse_field(bound: BoundModel[Any], option: str) -> None:
    """Raise TypeError if the model has a field called *option*."""
    meta = options_of(bound.model)
    if option in meta.field_set.by_name:
        raise TypeError(
            f"{meta.name}: create({option}=...) may mean the field or the option: "
            f"create the instance first, {meta.name}({option}=...).save(...)"
        )


def get_or_create_one(
    bound: BoundModel[M], /, defaults: Mapping[str, Any] | None = None, **key: Any
) -> Flow[tuple[M, bool]]:
    """Return the item with this key and False; if there is none, create it, and return it and True.

    If several processes do this at the same time, one of them creates the item. Reads are strongly
    consistent.

    >>> score, created = Score.objects.get_or_create(player="ann", game=1)
    >>> score.points, created
    (50, False)

    :param defaults: the values of the other fields of a new item; callables are called.
    :param key: the fields of the key, or ``pk``.
    :raises ValidationError: values of a new item cannot be stored.
    :raises AlreadyExists: another item has a unique value of the new one: ``fields`` has its name.
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
            raise  # an item of another class has the key, or another item the unique value
        if error.current is not None and not _hides(bound, error.current):
            return error.current, False
        there = yield from _get_or_none(bound, key)
        if there is None:
            raise
        return there, False
    return new, True


def _get_or_none(bound: BoundModel[M], key: Mapping[str, Any]) -> Flow[M | None]:
    """Return the item with this key, by a strongly consistent read; None if there is none."""
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
    """Update the item with this key, and return it and False; if there is none, create it, and return True.

    One request updates an item that exists, without reading it first; the instance has the values of
    the updated item. If there is none, one more request creates it. If several processes do this at the
    same time, one of them creates the item, and the others update it.

    >>> score, created = Score.objects.update_or_create({"points": 9}, player="ann", game=1)
    >>> score.points, created
    (9, False)

    :param defaults: new values by field, as for ``update()``: plain values, or expressions such as
        ``F("wins") + 1``; None removes the attribute. Callables are called. Without *defaults*, a
        strongly consistent read returns the item.
    :param create_defaults: the values of a new item, in place of *defaults*. It is required if these
        have an expression, as a new item has no values to compute with. Callables are called only if
        there is no item; the values are then validated after the first request.
    :param key: the fields of the key, or ``pk``.
    :raises ValidationError: values of the update or of a new item cannot be stored; nothing was sent.
    :raises QueryError: the values of a new item have an expression; nothing was sent.
    :raises AlreadyExists: another item has a unique value of this one (``fields`` has its name), or
        other processes deleted and created this item again in every attempt.
    """
    return (yield from update_or_create_among(bound, None, defaults, create_defaults, key))


def update_or_create_among(
    bound: BoundModel[M],
    members: Members | None,
    defaults: Mapping[str, Any] | None,
    create_defaults: Mapping[str, Any] | None,
    key: dict[str, Any],
) -> Flow[tuple[M, bool]]:
    """Like :func:`update_or_create_one`, for the items of the set *members* if it is not None.

    :raises AlreadyExists: the item with this key is not in the set, or for the reasons given there.
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
    calls = any(map(callable, creation.values()))  # called only for a new item
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
    """Refuse *defaults* that no new item can have: unknown fields, expressions, fields of the key."""
    meta = options_of(bound.model)
    fields = meta.field_set
    if unknown := [n for n in defaults if n not in fields.by_name and n not in fields.references]:
        raise fields.make_unknown_error(unknown)
    for name, value in defaults.items():
        if isinstance(value, (Computable, Action)):
            raise QueryError(
                f"{meta.name}: update_or_create({name}={value!r}): a new item has no values to "
                "compute with: add create_defaults= with the values of a new item"
            )
        if name in key:
            raise ValidationError(
                {name: ["it is part of the key that you gave: leave it out of the defaults"]},
                model=meta.name,
            )


def _make_new(bound: BoundModel[Any], defaults: Mapping[str, Any], key: Mapping[str, Any]) -> Any:
    """Return a new instance with *defaults*, whose callables are called, after validating it."""
    new: Any = make_instance(bound, {**_call_all(defaults), **key})
    make_put(new)  # raises for values that cannot be stored
    return new


def _change(
    bound: BoundModel[Any], key: Key, actions: tuple[Action, ...], members: Members | None
) -> Flow[StoredItem | None]:
    """Apply *actions* to the item with this key; return the updated item, None if there is none."""
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
    except AlreadyExists:  # another item has the unique value
        raise
    except (ConditionFailed, DoesNotExist):
        return None
    item = filter_item(meta, (yield from GetItem(table_name(bound), key, True)))
    if item is None or (scope is None and members is None):
        return item
    return None if _hides(bound, bound.model._load(item), members) else item


def _is_about(error: AlreadyExists, new: Instance) -> bool:
    """Tell whether the key of *new* caused *error*, and not a unique value, or a receiver."""
    if error.fields or not isinstance(error, new.AlreadyExists):
        return False
    return error.current is None or bool(error.current == new)


def _call_all(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return *values* with the results of the callables among them."""
    return {
        name: value() if callable(value) and not isinstance(value, (Computable, Action)) else value
        for name, value in (values or {}).items()
    }
