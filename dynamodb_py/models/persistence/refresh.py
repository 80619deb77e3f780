"""Reads an instance again, and counts its numbers up and down."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ...connections import is_consistent
from ...exceptions import ValidationError
from ...expressions import Action, Add, Value
from ...flows import Flow
from ...operations.items import GetItem
from ..foreign_keys.unloaded import is_stub
from ..instance import Instance, M, is_elsewhere, options_of, pin_connection, table_of
from ..visibility import filter_item
from .stored import key_of, replace_stored
from .update import update_instance


def refresh_instance(
    instance: Instance, *, consistent: bool | None = None, using: str | None = None
) -> Flow[None]:
    """Read all fields again; changes that were not saved are lost.

    :param consistent: True sees every write before it; by default as ``options()`` says.
    :param using: the alias of the connection to read from; the instance belongs to it from then on.
    :raises DoesNotExist: there is no item with this key.
    """
    pin_connection(instance)
    key, table = key_of(instance), table_of(instance, using)
    item = filter_item(instance._meta, (yield from GetItem(table, key, is_consistent(consistent))))
    if item is None:
        raise instance.DoesNotExist(
            f"{instance._meta.name} has no item {instance.primary_key!r}", missing=[instance]
        )
    if using is not None and is_elsewhere(instance, using):
        instance.__dict__["_using"] = using
    replace_stored(instance, item)


def fetch_instance(instance: M) -> Flow[M]:
    """Read this item, if all that is known of it is the key that a reference has; return it.

    :raises DoesNotExist: there is no item with this key.
    """
    if is_stub(instance):
        yield from refresh_instance(instance)
        if instance._stored is not None:
            # The key does not tell the class.
            instance.__class__ = instance._load(instance._stored).__class__
    return instance


def increment(instance: M, /, **amounts: float) -> Flow[M]:
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
    """Take from number fields; the rest is as for ``incr``."""
    taken = {name: _negate(_check_amount(instance, name, each)) for name, each in amounts.items()}
    yield from increment(instance, **taken)
    return instance


def _check_amount(instance: Instance, name: str, amount: float) -> float:
    """Return *amount* if it is a number; raise ValidationError."""
    if isinstance(amount, bool) or not isinstance(amount, (int, float, Decimal)):
        problem = f"{amount!r} is no number that can be added or taken"
        raise ValidationError({name: problem}, model=instance._meta.name)
    return amount


def _negate(amount: Any) -> Any:
    # The minus of a Decimal rounds it to the precision of the caller's context.
    return amount.copy_negate() if isinstance(amount, Decimal) else -amount
