"""Projections: which attributes to read."""

from __future__ import annotations

from collections.abc import Iterable

from .names import Names, check_length
from .paths import Path, check_apart


def render_projection(paths: Iterable[Path], names: Names) -> str:
    """Return the ProjectionExpression of *paths*; "" without paths.

    DynamoDB rejects a path within another one, so it is left out: ``doc`` and ``doc["a"]`` read ``doc``.

    >>> render_projection([Path(("doc", "a")), Path(("name",)), Path(("doc",))], Names())
    '#0, #1'
    """
    unique = dict.fromkeys(paths)
    kept = [path for path in unique if not _is_covered(path, unique)]
    check_apart(kept)
    spelled = ", ".join(path.render(names) for path in kept)
    return check_length(spelled, "projection", "read fewer attributes, or all of them")


def _is_covered(path: Path, paths: dict[Path, None]) -> bool:
    """Tell whether one of *paths* is a beginning of *path*."""
    return any(Path(path.parts[:end]) in paths for end in range(1, len(path.parts)))
