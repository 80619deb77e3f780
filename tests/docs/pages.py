"""The pages of the documentation, as text and as parsed."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

PAGES = [
    *(ROOT / name for name in ("README.rst", "CHANGELOG.rst", "CONTRIBUTING.rst")),
    *sorted(path for path in ROOT.glob("docs/**/*.rst") if "reference" not in path.parent.parts),
]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_lines(text: str) -> list[tuple[int, str]]:
    """Return the lines of the code blocks of a page, numbered from 1, without the indentation of the block."""
    found: list[tuple[int, str]] = []
    around: int | None = None  # the indentation of the line that begins a block
    inside: int | None = None  # that of the block
    for number, line in enumerate(text.splitlines(), 1):
        indentation = len(line) - len(line.lstrip())
        if around is not None and line.strip() and indentation <= around:
            around = inside = None
        if around is None:
            if re.match(r" *\.\. (code-block|code)::|(?! *\.\.)(?! *>>>).*::$", line):
                around = indentation
        elif line.strip() and not (inside is None and re.match(r" +:[\w-]+:", line)):
            inside = indentation if inside is None else inside
            found.append((number, line[inside:]))
    return found
