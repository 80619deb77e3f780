"""Deletes an item by its key."""

from __future__ import annotations

from typing import Any

from ...exceptions import ConditionFailed
from ...expressions import Condition
from ...flows import Flow
from ...operations.items import DeleteItem
from ..bulk.bound_model import BoundModel, bind_connection, instance_of_key, table_name
from ..foreign_keys.referrers import find_restricting_references
from ..instance import options_of
from ..persistence.delete import remove_item, restrict_to_class
from ..unit_of_work.collector import COLLECTOR


def delete_by_key(
    bound: BoundModel[Any], /, *key: Any, condition: Condition | None = None, **named: Any
) -> Flow[None]:
    """Delete the item with this key, without reading it; a missing item is not an error.

    >>> Score.objects.delete("ann", 1)
    >>> Score.objects.get_or_none("ann", 1) is None
    True

    :param key: the values of the hash key and the range key, in order.
    :param condition: delete only if it holds for the stored item.
    :param named: the values of the key by field name.
    :raises ConditionFailed: the item does not match *condition*; ``current`` is the stored item, None if
        there is none.
    :raises TypeError: a value of the key is missing, or a name is not a field of the key.
    """
    model = bound.model
    meta = options_of(model)
    wire, expected = meta.check_own_key(meta.key(key, named)), meta.condition(condition)
    if find_restricting_references(model, below=True):
        instance: Any = instance_of_key(bound, wire)
        yield from instance._delete_for_good(condition=condition, atomic=False)
        return
    if meta.constraints or COLLECTOR.get() is not None:
        yield from remove_item(instance_of_key(bound, wire), expected, atomic=False)
        return
    try:
        yield from DeleteItem(table_name(bound), wire, restrict_to_class(meta, expected))
    except ConditionFailed as error:
        if expected is None or expected.is_empty:
            return  # the item is of another class, so this class has none
        if error.current is not None:
            error.current = bind_connection(bound, model.from_db(error.current))
        raise
