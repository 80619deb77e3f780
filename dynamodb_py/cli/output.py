"""Output of commands: JSON, tables, progress bars, and questions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from .printing import print_line
from .statuses import UsageError

if TYPE_CHECKING:
    from . import terminal
else:
    from ..lazy import terminal

_ANSWERS = {"y": True, "yes": True, "n": False, "no": False, "": False}

_encode = msgspec.json.Encoder(decimal_format="number", order="deterministic", enc_hook=str).encode


def print_json(value: Any) -> None:
    """Write *value* as one line of JSON: numbers are exact, bytes are in base64, sets are sorted lists."""
    print_line(_encode(value).decode())


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write *rows* under *columns*: with lines and colours in a terminal, else aligned with spaces."""
    texts = [[str(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        terminal.print_table(columns, texts)
        return
    widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
    for row in (columns, *texts):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print_line("  ".join(cells).rstrip())


@contextmanager
def show_progress(what: str) -> Generator[Callable[[int, int], None]]:
    """Draw a bar while a block runs, if standard error is a terminal.

    The block gets a function that takes the number of things that are done, and the number of all, or 0 if unknown.
    """
    if sys.stderr.isatty():
        with terminal.draw_bar(what) as report:
            yield report
    else:
        yield lambda done, total: None


def confirm(question: str, *, yes: bool) -> bool:
    """Return True with ``--yes``; else ask *question* in the terminal, and tell whether the answer is yes.

    :raises UsageError: standard input is not a terminal.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(f"{question} There is no terminal to answer in: give --yes")
    while True:
        sys.stderr.write(f"{question} [y/N]: ")
        sys.stderr.flush()
        answer = sys.stdin.readline().strip().lower()
        if answer in _ANSWERS:
            return _ANSWERS[answer]
