"""Projections: the parts of an item that a request returns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from ..database.values import Item
from .paths import Path, make_tree, project
from .placeholders import Placeholders
from .syntax.grammar import PathName
from .syntax.lexer import check_text
from .syntax.projections import ProjectionGrammar

_KIND = "ProjectionExpression"


class Selection(Protocol):
    """A choice of parts of items: a projection, or the columns of a statement."""

    @property
    def names(self) -> frozenset[str]:
        """The top-level attributes that the selection reads."""
        ...

    def project(self, item: Item, /) -> Item:
        """Return a new item with the chosen parts of *item*."""
        ...


class Projection:
    """A choice of parts of items, by paths.

    >>> projection = parse_projection("a.b, c[1]", Placeholders(None, None))
    >>> projection.project({"a": {"M": {"b": {"S": "x"}, "d": {"S": "y"}}}})
    {'a': {'M': {'b': {'S': 'x'}}}}
    """

    __slots__ = ("_flat", "_tree", "names", "nested", "paths")

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = tuple(paths)
        self.names = frozenset(str(path[0]) for path in paths)
        """The top-level attributes of the paths."""
        self.nested = {str(path[0]) for path in paths if len(path) > 1}
        """The attributes with paths to their elements or members."""
        self._tree = make_tree(paths, _KIND)
        self._flat = None if self.nested else [str(path[0]) for path in paths]

    def project(self, item: Item) -> Item:
        """Return a new item with the values of *item* at the paths."""
        if self._flat is not None:  # the usual case
            return {name: item[name] for name in self._flat if name in item}
        return project(item, self._tree)


def parse_projection(text: object, placeholders: Placeholders) -> Projection:
    """Return the projection in *text*; raise a ValidationException if it is not valid."""
    placeholders.serve()
    paths = _parse(check_text(text, _KIND))
    return Projection([placeholders.resolve_path(path, _KIND) for path in paths])


@lru_cache(maxsize=1024)
def _parse(text: str) -> tuple[PathName, ...]:
    return ProjectionGrammar(text, _KIND).parse()
