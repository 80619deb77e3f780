"""The grammar of projections."""

from __future__ import annotations

from .grammar import Grammar, PathName


class ProjectionGrammar(Grammar[PathName]):
    """A parser of paths with commas between them."""

    keywords = frozenset[str]()
    order = ("reserved", "depth", "position")

    def parse(self) -> tuple[PathName, ...]:
        """Read the whole expression."""
        paths = [self.parse_path()]
        while self.words.accept(","):
            paths.append(self.parse_path())
        self.finish()
        return tuple(paths)
