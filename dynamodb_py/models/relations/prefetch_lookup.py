"""Prefetch: a relation to prefetch, with the query set that reads it and an attribute for its items."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, cast

from msgspec.structs import replace

from ...batching import identify_key
from ...exceptions import ConfigurationError, QueryError
from ...flows import Flow
from ..fields.model_key import alias_of
from ..persistence.stored import key_of
from ..queryset.base import (
    DEFAULT_OPTIONS,
    EMPTY_QUESTION,
    BaseQuerySet,
    clone,
    limit_of,
    with_options,
)
from ..queryset.builders import Builders
from ..queryset.execution import complete_rows
from ..queryset.prefetch.wants import Objects, Selection
from ..queryset.reads import get_in_bulk, keep_shown


class Prefetch(Selection):
    """A relation for ``prefetch_related()`` and ``prefetch()``, read by your own query set.

    ::

        recent = Book.objects.filter(year__gt=2020).only("title")
        Author.objects.filter(id="ann").prefetch_related(
            Prefetch("books", recent, to_attr="recent")
        )

    :param lookup: the path of the relation, as for ``prefetch_related()``. The query set and *to_attr*
        apply to its last part; other paths may continue from *to_attr*.
    :param queryset: a query set of the relation's model, by default all items of the relation. It may have
        conditions, ``only()``, its own ``prefetch_related()``, and for a reverse relation an order. A
        reference whose item it excludes stays unread.
    :param to_attr: the attribute for the result: a list, or for a reference the item or None. By default
        the relation itself gets the result, as if there were no other items.
    :raises QueryError: the query set has a limit, a cursor, or rows that are not instances.
    """

    def __init__(self, lookup: str, queryset: Any = None, to_attr: str | None = None) -> None:
        if not isinstance(cast("object", lookup), str):
            raise QueryError(f"Prefetch({lookup!r}): it takes the name of a relation")
        self.path, self.queryset, self.to_attr = lookup, queryset, to_attr
        if queryset is not None:
            self._check_queryset(queryset)
        if to_attr is not None and not _is_public_name(to_attr):
            raise self._make_error(
                f"to_attr={to_attr!r}: give the name of an attribute, without _ at its start and end, and "
                "without __"
            )

    def _check_queryset(self, queryset: Any) -> None:
        if not isinstance(queryset, BaseQuerySet):
            raise self._make_error(
                f"queryset={queryset!r}: give a query set, such as objects.all()"
            )
        options = cast("BaseQuerySet[Any, Any]", queryset)._read_options
        if options.parts:
            raise self._make_error("a union cannot read a relation: give one query set")
        if (
            limit_of(cast("BaseQuerySet[Any, Any]", queryset)) is not None
            or options.start is not None
        ):
            raise self._make_error(
                "a slice, limit() or after() would apply to all owners together: drop it, and cut the lists "
                "that were read"
            )
        if options.shape is not None:
            raise self._make_error("a relation has instances, and values() returns none: drop it")

    def _make_error(self, problem: str) -> QueryError:
        return QueryError(f"Prefetch({self.path!r}): {problem}")

    def __repr__(self) -> str:
        return f"<Prefetch {self.path!r}>"

    def check(self, target: Any, *, by_key: bool) -> None:
        if self.queryset is None:
            return
        model, question = self.queryset.model, self.queryset._question
        if target is not None and model is not target:
            raise self._make_error(
                f"the relation leads to {target.__name__}, and the query set is of {model.__name__}: give a "
                f"query set of {target.__name__}"
            )
        if by_key and (question.order or question.backward or question.index or question.scan):
            raise self._make_error(
                f"each {model.__name__} is read by its key: drop order_by(), reverse(), index() and scan()"
            )

    def read_by_key(self, stubs: Objects) -> Flow[tuple[Mapping[Hashable, Any], Objects]]:
        queryset = bind_connection(self.queryset, stubs[0])
        question, options = queryset._question, queryset._read_options
        bare = clone(
            queryset,
            replace(EMPTY_QUESTION, wanted=question.wanted, along=question.along),
            replace(
                DEFAULT_OPTIONS,
                using=options.using,
                consistent=options.consistent,
                fetched=options.fetched,
            ),
        )
        wanted = {identify_key(key_of(each)): each for each in stubs}
        found = yield from get_in_bulk(bare, wanted.values())
        shown = yield from keep_shown(queryset, list(found.values()))
        yield from complete_rows(queryset, shown)
        return {identify_key(key_of(each)): each for each in found.values()}, shown


def bind_connection(queryset: Builders[Any, Any], owner: Any) -> Builders[Any, Any]:
    """Return *queryset* on the connection of *owner*; refuse a query set on another one."""
    alias = alias_of(owner)
    if queryset._alias is None and alias is not None:
        return with_options(queryset, using=alias)
    if queryset._alias is not None and queryset._link is not owner._link:
        raise ConfigurationError(
            f"Prefetch: the query set of {queryset.model.__name__} is on the connection {queryset._alias!r}, "
            f"and {owner!r} on {owner._link.alias!r}: prefetch from one connection at a time"
        )
    return queryset


def _is_public_name(name: object) -> bool:
    return (
        isinstance(name, str)
        and name.isidentifier()
        and "__" not in name
        and not name.startswith("_")
        and not name.endswith("_")
    )
