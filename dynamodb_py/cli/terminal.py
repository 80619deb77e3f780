"""Tables and bars in a terminal, by rich."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write *rows* under *columns*."""
    table = Table(*columns)
    for row in rows:
        table.add_row(*map(Text, row))  # Text, because cells must not be read as markup
    Console().print(table)


@contextmanager
def draw_bar(what: str) -> Generator[Callable[[int, int], None]]:
    """Draw a bar on standard error while a block runs; the block gets the function that moves the bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)
