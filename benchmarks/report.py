"""Tables of what was measured: text for the terminal, reStructuredText for the README."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

PROJECT = "dynamodb_py"
RIVALS = ("boto3", "pydynox")
# What query sets cost is measured beside the project's own requests, spelled by hand.
QUERYSET, BARE = "queryset", "bare"

STARTS = ("import", "cold")  # a process for each sample
# Measured on this project alone: the case of growth.py, and which of its figures.
GROWTH = {
    "model_class": ("plain_models", "each"),
    "shared_model_class": ("shared_models", "each"),
    "template_query": ("templates", "both keys"),
    "prefetch_related": ("prefetching", "10 targets"),
}

# The measures of the README's table.
README = (
    "get",
    "put",
    "create",
    "update",
    "save",
    "delete",
    "query",
    "query_unread",
    "values_list",
    "batch_get",
    "batch_write_100",
    "transaction_10",
    "aget",
    "aget_64",
    *STARTS,
    "memory",
    "memory_read",
)


@dataclasses.dataclass(frozen=True)
class Measure:
    """Something that is measured: how it is called, and the unit that its samples are shown in."""

    name: str
    title: str
    unit: str
    scale: float  # a sample times this is a number of units


MEASURES = (
    Measure("get", "get, every attribute read", "us", 1e6),
    Measure("put", "put", "us", 1e6),
    Measure("create", "create, unless it is there", "us", 1e6),
    Measure("update", "update of two attributes", "us", 1e6),
    Measure("save", "save of a changed attribute", "us", 1e6),
    Measure("save_list", "save of a changed list", "us", 1e6),
    Measure("save_list_shift", "save of a list shifted by one", "us", 1e6),
    Measure("delete", "delete of a loaded instance", "us", 1e6),
    Measure("query", "query of 100, every attribute read", "us", 1e6),
    Measure("query_unread", "query of 100, nothing read", "us", 1e6),
    Measure("values_list", "values_list of 2 fields of 100", "us", 1e6),
    Measure("first", "first of a query, read", "us", 1e6),
    Measure("first_filtered", "first that a filter leaves, read", "us", 1e6),
    Measure("slice", "last 10 of a query, nothing read", "us", 1e6),
    Measure("batch_get", "batch_get of 100, read", "us", 1e6),
    Measure("batch_get_1", "batch_get of one, read", "us", 1e6),
    Measure("batch_write_25", "batch_write of 25", "us", 1e6),
    Measure("batch_write_100", "batch_write of 100", "us", 1e6),
    Measure("transaction_10", "transaction of 10 creates", "us", 1e6),
    Measure("aget", "get under asyncio, one at a time", "us", 1e6),
    Measure("aget_64", "get under asyncio, 64 at once", "us", 1e6),
    Measure("import", "import, over a bare interpreter", "ms", 1e3),
    Measure("cold", "first read of a fresh process", "ms", 1e3),
    Measure("model_class", "a model class, of 200", "ms", 1e3),
    Measure("shared_model_class", "the same in one shared table", "ms", 1e3),
    Measure("template_query", "query set with two key templates", "us", 1e6),
    Measure("prefetch_related", "prefetch_related, a row", "us", 1e6),
    Measure("memory", "a loaded instance, unread", "bytes", 1),
    Measure("memory_read", "a loaded instance, read", "bytes", 1),
)


@dataclasses.dataclass
class Results:
    """The samples of one run: (measure, contender) -> one sample per round."""

    contenders: list[str]
    rounds: int = 1  # of a step in one process
    samples: dict[tuple[str, str], list[float]] = dataclasses.field(default_factory=dict)

    def add(self, measure: str, contender: str, sample: float) -> None:
        """Add the sample of one round."""
        self.samples.setdefault((measure, contender), []).append(sample)

    def median(self, measure: str, contender: str) -> float | None:
        """Return the median sample, None where nothing was measured."""
        samples = self.samples.get((measure, contender))
        return statistics.median(samples) if samples else None

    def ratio(self, measure: str, contender: str, rival: str, base: str = "") -> float | None:
        """Return the median of the ratios within each round."""
        ratios = self.ratios(measure, contender, rival, base)
        return statistics.median(ratios) if ratios else None

    def ratios(self, measure: str, contender: str, rival: str, base: str = "") -> list[float]:
        """Return the ratio within each round, with a *base* of what both cost on top of that."""
        ours, theirs = (self.samples.get((measure, name), []) for name in (contender, rival))
        below = self.samples.get((measure, base), []) if base else [0.0] * len(ours)
        rounds = zip(ours, theirs, below, strict=False)
        return [(a - c) / (b - c) for a, b, c in rounds if b > c]

    def error(self, measure: str, contender: str, rival: str, base: str = "") -> float | None:
        """Return the standard error of the ratio, by how the medians of the processes differ.

        Rounds within a process are not independent: a process stays some per cent faster than the next.
        """
        ratios = self.ratios(measure, contender, rival, base)
        rounds = 1 if measure in (*STARTS, *GROWTH) else self.rounds  # a process each
        medians = [
            statistics.median(ratios[start : start + rounds])
            for start in range(0, len(ratios), rounds)
        ]
        if len(medians) < 3:
            return None
        return 1.25 * statistics.stdev(medians) / math.sqrt(len(medians))

    def spread_of_ratio(
        self, measure: str, contender: str, rival: str, base: str = ""
    ) -> list[float | None]:
        """Return the quartiles of the ratios within the rounds, and the standard error."""
        ratios = self.ratios(measure, contender, rival, base)
        low, _, high = statistics.quantiles(ratios, n=4) if len(ratios) > 2 else (None, None, None)
        return [low, high, self.error(measure, contender, rival, base)]

    def measures(self) -> list[Measure]:
        """Return what was measured, in the order of the report."""
        measured = {name for name, _ in self.samples}
        return [measure for measure in MEASURES if measure.name in measured]


def number(value: float | None) -> str:
    """Write *value* with the digits that mean something."""
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def fraction(value: float | None) -> str:
    """Write a ratio."""
    if value is None:
        return "-"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


Rows = list[list[str]]


def over_bare(results: Results, titles: dict[str, str]) -> Rows:
    """Return what query sets cost over requests that are spelled by hand, its header first.

    The header is alone where that was not measured.
    """
    rows = [["Query sets, nothing read", "unit", titles[QUERYSET], titles[BARE], "ratio"]]
    for measure in results.measures():
        ours, bare = (results.median(measure.name, name) for name in (QUERYSET, BARE))
        if ours is not None and bare is not None:
            ratio = results.ratio(measure.name, QUERYSET, BARE)
            shown = [number(each * measure.scale) for each in (ours, bare)]
            rows.append([measure.title, measure.unit, *shown, fraction(ratio)])
    return rows


def medians(results: Results, titles: dict[str, str]) -> Rows:
    """Return the table of medians, its header first."""
    rows = [["CPU, median", "unit", *(titles[name] for name in results.contenders)]]
    for measure in results.measures():
        values = [results.median(measure.name, name) for name in results.contenders]
        shown = [number(None if value is None else value * measure.scale) for value in values]
        rows.append([measure.title, measure.unit, *shown])
    return rows


def ratios(results: Results, titles: dict[str, str], rival: str) -> Rows:
    """Return the table of ratios against *rival*, its header first."""
    rows = [[f"ratio to {titles[rival]}", *(titles[name] for name in results.contenders)]]
    for measure in results.measures():
        values = [results.ratio(measure.name, name, rival) for name in results.contenders]
        if any(value is not None for value in values):
            rows.append([measure.title, *(fraction(value) for value in values)])
    return rows


def beside(results: Results, new: str, old: str) -> Rows:
    """Return the medians of two commits and the ratios within the rounds, the header first.

    The last columns are the quartiles of the ratios, and the standard error of their median.
    """
    rows = [["new beside old", "unit", new, old, "new/old", "25 %", "75 %", "+-"]]
    for measure in results.measures():
        ratio = results.ratio(measure.name, new, old)
        if ratio is None:
            continue
        spread = results.spread_of_ratio(measure.name, new, old)
        medians = [results.median(measure.name, name) for name in (new, old)]
        rows.append(
            [
                measure.title,
                measure.unit,
                *(number(None if value is None else value * measure.scale) for value in medians),
                *("-" if value is None else f"{value:.3f}" for value in (ratio, *spread)),
            ]
        )
    return rows


def spreads(results: Results, titles: dict[str, str]) -> Rows:
    """Return the table of interquartile ranges over medians, its header first."""
    rows = [["spread of the samples", *(titles[name] for name in results.contenders)]]
    for measure in results.measures():
        samples = [results.samples.get((measure.name, name), []) for name in results.contenders]
        if any(len(each) >= 3 for each in samples):
            rows.append([measure.title, *map(_share, samples)])
    return rows


def _share(samples: list[float]) -> str:
    return f"{_relative_range(samples):.1%}" if len(samples) >= 3 else "-"


def _relative_range(samples: list[float]) -> float:
    low, _, high = statistics.quantiles(samples, n=4)
    return (high - low) / statistics.median(samples)


def text(rows: Rows) -> str:
    """Lay *rows* out in columns: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def rst(rows: Rows) -> str:
    """Return *rows* as a reStructuredText simple table."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = "  ".join("=" * width for width in widths)
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def readme(results: Results, titles: dict[str, str]) -> str:
    """Return the README's table: one measure a line, the project's ratios at the end."""
    rivals = [name for name in RIVALS if name in results.contenders]
    rows = medians(results, titles)
    rows[0][0] = "CPU per operation"
    if PROJECT in results.contenders:
        rows[0] += [f"of {titles[rival]}" for rival in rivals]
        for row, measure in zip(rows[1:], results.measures(), strict=True):
            row += [fraction(results.ratio(measure.name, PROJECT, rival)) for rival in rivals]
    return rst([[row[0], *(_joined(row))] for row in rows])


def _joined(row: Sequence[str]) -> list[str]:
    """Leave the unit's column as it is, and a cell that was not measured empty in words."""
    return [cell if cell != "-" else "\\-" for cell in row[1:]]


def spread(results: Results, titles: dict[str, str]) -> str:
    """Return a sentence on how much the samples vary from round to round."""
    spreads = []
    for (measure, contender), samples in results.samples.items():
        if len(samples) >= 3:
            spreads.append((_relative_range(samples), f"{measure} of {titles[contender]}"))
    if not spreads:
        return "Too few rounds to say how much the samples vary."
    spreads.sort()
    middle, (worst, where) = spreads[len(spreads) // 2][0], spreads[-1]
    return (
        f"Interquartile range over median: {middle:.0%} in the middle, {worst:.0%} at worst "
        f"({where}). Ratios are medians of the ratios within each round: compare these; "
        "microseconds drift with the machine."
    )
