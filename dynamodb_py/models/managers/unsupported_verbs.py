"""Verbs of Django's query sets that DynamoDB has nothing for, and what to do instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from ...exceptions import QueryError

_ADVICE = {
    "distinct": "it does not compare items: each item comes once anyway, and union() gives none twice; "
    "for the values of a field, set(queryset.values_list('title', flat=True))",
    "annotate": "it computes nothing of items: compute in Python what was read, or store it as a field "
    "that each save sets, in before_save()",
    "aggregate": "it counts, and has no sums, averages or extremes: count(), latest('score') where a "
    "range key orders them, sum(queryset.values_list('score', flat=True)), or a total kept "
    "in an item of its own by update(total=F('total') + 1)",
    "select_related": "it has no joins: prefetch_related('author') reads the items that a page refers to, "
    "each once, a hundred to a request",
}


def refuse(verb: str) -> Callable[..., NoReturn]:
    """Return the method *verb* of query sets, which raises QueryError with what to do instead."""
    text = f"DynamoDB has no {verb}(): {_ADVICE[verb]}"

    def refused(self: Any, /, *args: Any, **kwargs: Any) -> NoReturn:
        raise QueryError(f"{self.model.__name__}: {text}")

    refused.__name__, refused.__doc__ = verb, f"Raise QueryError: {text}."
    return refused
