"""Methods of Django's query sets that DynamoDB cannot do, and what to do instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from ...exceptions import QueryError

_ADVICE = {
    "distinct": "it does not compare items: a query set has each item once, as union() has; for the "
    "distinct values of a field, use set(queryset.values_list('title', flat=True))",
    "annotate": "it does not compute values: compute them in Python after reading, or store them in a "
    "field that before_save() sets",
    "aggregate": "it only counts items: use count(), latest('score') if a range key orders the items, "
    "sum(queryset.values_list('score', flat=True)), or keep a total in an item of its own by "
    "update(total=F('total') + 1)",
    "select_related": "it has no joins: prefetch_related('author') reads the items that a page refers to, "
    "each once, a hundred to a request",
}


def refuse(verb: str) -> Callable[..., NoReturn]:
    """Return the method *verb* of query sets, which raises QueryError with the alternative."""
    text = f"DynamoDB has no {verb}(): {_ADVICE[verb]}"

    def refused(self: Any, /, *args: Any, **kwargs: Any) -> NoReturn:
        raise QueryError(f"{self.model.__name__}: {text}")

    refused.__name__, refused.__doc__ = verb, f"Raise QueryError: {text}."
    return refused
