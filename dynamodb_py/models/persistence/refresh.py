"""Reads an instance again; changes numbers and time stamps without reading the item."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any

from ...codec import from_json, to_json
from ...connections import choose_connection, is_consistent
from ...exceptions import DoesNotExist, QueryError, ValidationError
from ...expressions import Action, Add, Path, Set, Value
from ...flows import Flow
from ...operations.base import WireItem
from ...operations.items import GetItem
from ...operations.read_expressions import Expressions
from ..foreign_keys.unloaded import is_stub
from ..instance import Instance, M, is_elsewhere, options_of, pin_connection, table_of
from ..keys.computed import ComputedField
from ..visibility import filter_item
from .stored import (
    check_names,
    key_of,
    mark_fetched,
    replace_stored,
    reset_fields,
    stored_wires,
)
from .update import update_instance


def refresh_instance(
    instance: Instance,
    *,
    fields: Iterable[str] | None = None,
    consistent: bool | None = None,
    using: str | None = None,
) -> Flow[None]:
    """Read all fields from the table again; changes that were not saved are lost.

    >>> score = Score.objects.get("ann", 1)
    >>> done = Score.objects.filter(player="ann", game=1).update(points=51)
    >>> score.refresh_from_db()
    >>> score.points
    51

    :param fields: read only these fields of an instance that was loaded or saved: all others keep
        their values, with the changes that were not saved.
    :param consistent: True makes a strongly consistent read, at twice the price. The default is that of
        ``options()``.
    :param using: the alias of a connection; by default, the instance's own. The instance belongs to it
        from then on.
    :raises DoesNotExist: there is no item with this key.
    :raises TypeError: *fields* has a name that no field has; nothing was sent.
    :raises QueryError: *fields* is given for an instance that was never loaded or saved, or together
        with another connection; nothing was sent.
    """
    if fields is not None:
        yield from _refresh_fields(instance, fields, consistent, using)
        return
    pin_connection(instance)
    key, table = key_of(instance), table_of(instance, using)
    link = instance._link if using is None else choose_connection(using)
    get = GetItem(table, key, is_consistent(consistent, link))
    item = filter_item(instance._meta, (yield from get))
    if item is None:
        raise _make_missing_error(instance)
    if using is not None and is_elsewhere(instance, using):
        instance.__dict__["_using"] = using
    replace_stored(instance, item)


def _make_missing_error(instance: Instance) -> DoesNotExist:
    return instance.DoesNotExist(
        f"{instance._meta.name} has no item with the key {instance.primary_key!r}",
        missing=[instance],
    )


def _refresh_fields(
    instance: Instance, names: Iterable[str], consistent: bool | None, using: str | None
) -> Flow[None]:
    """Read only the fields *names* again."""
    meta, fields = options_of(type(instance)), instance._fieldset
    chosen = check_names(instance, "refresh_from_db(fields=...)", names)
    pin_connection(instance)
    if instance._stored is None or (using is not None and is_elsewhere(instance, using)):
        raise QueryError(
            f"{meta.name}: refresh_from_db(fields=...) is for an instance that was loaded from, or "
            "saved to, the same connection: refresh_from_db() without fields reads all of the item"
        )
    attributes = fields.find_attributes(chosen)
    if fields.computed is not None:  # some parts are stored only inside a computed key
        made = [each for each in fields.computed.all if _holds_any(each, chosen)]
        attributes |= {each.field.attribute for each in made}
    paths = [Path((name,)) for name in (*attributes, *(field.attribute for field in meta.keys))]
    if meta.kind is not None:
        paths.append(meta.kind.path)
    if meta.item_filter is not None:
        paths += meta.item_filter.paths
    expressions = Expressions.of(projection=dict.fromkeys(paths))
    consistent = is_consistent(consistent, instance._link)
    get = GetItem(table_of(instance), key_of(instance), consistent, expressions)
    item = filter_item(meta, (yield from get))
    if item is None:
        raise _make_missing_error(instance)
    now: WireItem = from_json(item)
    stored = {n: wire for n, wire in stored_wires(instance).items() if n not in attributes}
    stored.update((name, now[name]) for name in attributes if name in now)
    if not instance._decoded:
        instance._decode()  # the others, as they were
    instance._stored = to_json(stored)
    mark_fetched(instance, attributes)
    reset_fields(instance, chosen, stored)


def _holds_any(made: ComputedField, names: Collection[str]) -> bool:
    """Tell whether one of the fields *names* is the computed field *made*, or a part of it."""
    return made.field.name in names or any(part.name in names for part in made.parts)


def touch_instance(instance: M) -> Flow[M]:
    """Write the current time to the fields with ``auto_now``, increase the version, and write nothing else.

    It is an ``update()``: no hook is called, and changes that were not saved wait for the next save.

    >>> from dynamodb_py import CharField, DateTimeField, Model, Table
    >>> class Session(Model):
    ...     token = CharField(hash_key=True)
    ...     seen_at = DateTimeField(auto_now=True)
    >>> description = Table(Session).create()
    >>> session = Session.create(token="t1")
    >>> before = session.seen_at
    >>> session.touch().seen_at >= before
    True

    :return: the instance itself.
    :raises DoesNotExist: there is no item with this key.
    :raises StaleItem: the stored version differs from the instance's.
    :raises QueryError: no field has ``auto_now``; nothing was sent.
    """
    meta, actions = options_of(type(instance)), list[Action]()
    for field in meta.field_set.stamping:
        stamped = field.pre_save(None, adding=False)
        if stamped is not None and (wire := field.to_wire(stamped)) is not None:
            actions.append(Set(field._path(), Value(wire)))
    if not actions:
        raise QueryError(
            f"{meta.name}: touch() has nothing to write: no field sets itself with each write, as "
            "DateTimeField(auto_now=True) does"
        )
    yield from update_instance(instance, *actions, must_exist=True)
    return instance


def fetch_instance(instance: M) -> Flow[M]:
    """Read this item if only its key is known; return the instance.

    Unloaded references and instances from :meth:`~dynamodb_py.Model.by_key` know only their key. For any
    other instance, nothing is sent.

    >>> score = Score.by_key("ann", 1)
    >>> score.fetch().points
    50

    :return: the instance itself.
    :raises DoesNotExist: there is no item with this key.
    """
    if is_stub(instance):
        yield from refresh_instance(instance)
        if instance._stored is not None:
            # Only the loaded item shows which subclass it belongs to.
            instance.__class__ = instance._load(instance._stored).__class__
    return instance


def increment(instance: M, /, **amounts: float) -> Flow[M]:
    """Add to number fields in one request, without reading: changes of other writers are kept.

    A field without a value counts as 0. If this instance was never saved or loaded and there is no item,
    the item is created. Afterwards the instance has the new values.

    >>> Score.objects.get("ann", 1).incr(points=2).points
    52

    :param amounts: the amounts to add, by field name.
    :return: the instance itself.
    :raises ValidationError: a field is not a number field, or belongs to the key; or an amount is not a number.
    :raises DoesNotExist: the item was loaded or saved, and has been deleted since.
    :raises ConnectionFailed: no response came. The request is not sent again: it may have been
        executed, and would count twice.
    """
    actions: list[Action] = []
    for name, amount in amounts.items():
        field = options_of(type(instance)).get_field(name)
        if field.kind != "N" or field.is_key:
            raise ValidationError(
                {name: ["only number fields can be added to"]}, model=instance._meta.name
            )
        wire = field.encode(_check_amount(instance, name, amount))
        assert wire is not None
        actions.append(Add(field._path(), Value(wire)))
    if not actions:
        return instance
    yield from update_instance(instance, *actions)
    return instance


def decrement(instance: M, /, **amounts: float) -> Flow[M]:
    """Subtract from number fields; otherwise like :meth:`incr`.

    >>> Score.objects.get("ann", 1).decr(points=2).points
    48

    :param amounts: the amounts to subtract, by field name.
    :return: the instance itself.
    """
    taken = {name: _negate(_check_amount(instance, name, each)) for name, each in amounts.items()}
    yield from increment(instance, **taken)
    return instance


def _check_amount(instance: Instance, name: str, amount: float) -> float:
    """Return *amount* if it is a number; raise ValidationError."""
    if isinstance(amount, bool) or not isinstance(amount, (int, float, Decimal)):
        problem = f"{amount!r} is not a number to add or subtract"
        raise ValidationError({name: problem}, model=instance._meta.name)
    return amount


def _negate(amount: Any) -> Any:
    # The minus of a Decimal rounds it to the precision of the caller's context.
    return amount.copy_negate() if isinstance(amount, Decimal) else -amount
