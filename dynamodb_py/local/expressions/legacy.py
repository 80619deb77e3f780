"""The parameters that expressions replaced, as the same conditions, projections and updates."""

from __future__ import annotations

from ..tables import Keyed
from .conditions import Condition
from .key_conditions import KeyCondition
from .projections import Projection
from .updates import Update


def make_expected(expected: object, operator: object = None) -> Condition:
    """Return the condition of Expected, joined by ConditionalOperator."""
    raise NotImplementedError


def make_filter(filters: object, operator: object = None, kind: str = "ScanFilter") -> Condition:
    """Return the condition of ScanFilter or QueryFilter, joined by ConditionalOperator."""
    raise NotImplementedError


def make_key_condition(conditions: object, keyed: Keyed) -> KeyCondition:
    """Return the key condition of KeyConditions."""
    raise NotImplementedError


def make_update(updates: object) -> Update:
    """Return the update of AttributeUpdates."""
    raise NotImplementedError


def make_projection(names: object) -> Projection:
    """Return the projection of AttributesToGet."""
    raise NotImplementedError
