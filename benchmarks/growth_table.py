"""The growth table: what each case of ``growth.py`` costs, of one checkout or of two, and its aim."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import report
from processes import inherited

PROGRAM = Path(__file__).with_name("growth.py")
PROCESSES = 3  # of each case; the least counts

Figures = Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Row:
    """One figure: the case of growth.py, which of its figures, the unit, and the most it should be."""

    title: str
    case: str
    figure: str | Callable[[Figures], float]
    unit: str
    aim: float | None  # None: it is flat already, or stands beside another one

    def value(self, figures: Figures) -> float:
        """Return the figure in its unit."""
        scale = {"us": 1e6, "ms": 1e3, "times": 1}[self.unit]
        seconds = figures[self.figure] if isinstance(self.figure, str) else self.figure(figures)
        return seconds * scale


def as_depth_doubles(figures: Figures) -> float:
    """Return how often what 28 levels add is what 14 levels add: 2 is linear, 4 the square."""
    one = figures["1 levels"]
    return (figures["29 levels"] - one) / (figures["15 levels"] - one)


ROWS = (
    Row("a model, of 200", "plain_models", "each", "ms", None),
    Row("a model in a shared table, the 50th", "shared_models", "50th", "ms", 0.7),
    Row("a model in a shared table, the 200th", "shared_models", "200th", "ms", 0.7),
    Row("a kind of one root, the 50th", "kinds", "50th", "ms", 0.4),
    Row("a kind of one root, the 200th", "kinds", "200th", "ms", 0.4),
    Row("a model while 200 wait for another", "waiting_models", "further", "ms", 0.4),
    Row("query set of a plain model", "shapes_of_queries", "plain", "us", None),
    Row("query set with a key template", "templates", "hash key", "us", 15),
    Row("query set with two key templates", "templates", "both keys", "us", 15),
    Row("prefetch_related, 10 targets, a row", "prefetching", "10 targets", "us", 5),
    Row("prefetch_related, 1,000 targets, a row", "prefetching", "1000 targets", "us", 5),
    Row("hash key in 10 values, a value", "hash_keys", "10", "us", 20),
    Row("hash key in 100 values, a value", "hash_keys", "100", "us", 20),
    Row("only()", "shapes_of_queries", "only", "us", 15),
    Row("values_list()", "shapes_of_queries", "values_list", "us", 15),
    Row("exclude()", "shapes_of_queries", "exclude", "us", 15),
    Row("Q or Q", "shapes_of_queries", "Q or Q", "us", 15),
    Row("order_by()[:10]", "shapes_of_queries", "slice", "us", 15),
    Row("list edited in place, to begin with", "lists", "begin", "us", 30),
    Row("list edited in place, an element", "lists", "element", "us", 0.5),
    Row("a key of a free document of 300 KB", "documents", "300 KB", "ms", 2),
    Row("the innermost of 29 levels", "documents", "29 levels", "us", None),
    Row("... as the depth doubles", "documents", as_depth_doubles, "times", 2.5),
    Row("save of 2 of 300 fields, all read", "wide_items", "save", "us", 150),
)


def measure(case: str, env: Mapping[str, str], *, samples: int = 20) -> dict[str, float]:
    """Run a case of growth.py in a process of its own; return its figures in seconds."""
    command = [sys.executable, str(PROGRAM), case, str(samples)]
    done = subprocess.run(command, env=dict(env), stdout=subprocess.PIPE, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def table(folders: Mapping[str, Path], names: Sequence[str]) -> report.Rows:
    """Return the table for the checkouts in *folders*, each under its name, the header first.

    They take turns, a process each. The last column says whether the last of them meets the aim.
    """
    least: dict[tuple[str, str], dict[str, float]] = {}
    for case in dict.fromkeys(row.case for row in ROWS):
        for _ in range(PROCESSES):
            for name in names:
                env = {**inherited(), "PYTHONPATH": str(folders[name])}
                before = least.setdefault((case, name), {})
                for figure, seconds in measure(case, env).items():
                    before[figure] = min(seconds, before.get(figure, seconds))
    rows = [["what grows", "unit", *names, "aim", ""]]
    for row in ROWS:
        values = [row.value(least[row.case, name]) for name in names]
        aim = ["", ""]
        if row.aim is not None:
            aim = [f"{row.aim:g}", "met" if values[-1] <= row.aim else "NOT MET"]
        rows.append([row.title, row.unit, *map(report.number, values), *aim])
    return rows
