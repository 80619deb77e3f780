"""Each row of the growth table is measured: its case runs, and gives the figure."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "benchmarks"))  # a directory of scripts, not a package

import growth_table  # noqa: E402
import report  # noqa: E402


@pytest.mark.parametrize("case", dict.fromkeys(row.case for row in growth_table.ROWS))
def test_a_case_gives_the_figures_of_its_rows(case):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    figures = growth_table.measure(case, env, samples=1)
    for row in growth_table.ROWS:
        if row.case == case:
            row.value(figures)  # which may be below nothing: one sample is no measure
    for measure, (wanted, figure) in report.GROWTH.items():
        assert wanted != case or figure in figures, measure


def test_two_checkouts_stand_side_by_side_and_the_last_is_held_to_the_aim(monkeypatch):
    row = growth_table.Row("rows", "case", "a row", "us", 5)
    seconds = {"old": [9e-6, 8e-6, 7e-6], "new": [4e-6, 6e-6, 5e-6]}
    monkeypatch.setattr(growth_table, "ROWS", (row,))
    monkeypatch.setattr(
        growth_table,
        "measure",
        lambda case, env: {"a row": seconds[env["PYTHONPATH"]].pop()},
    )
    table = growth_table.table({"old": Path("old"), "new": Path("new")}, ["old", "new"])
    assert table[1] == ["rows", "us", "7.00", "4.00", "5", "met"]


def test_costs_that_grow_with_the_square_of_the_depth_are_seen():
    for power, expected in ((1, 2), (2, (29**2 - 1) / (15**2 - 1))):
        figures = {f"{depth} levels": float(depth**power) for depth in (1, 15, 29)}
        times = growth_table.as_depth_doubles(figures)
        assert times == pytest.approx(expected)
