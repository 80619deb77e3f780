"""The measures of the embedded database run, and a figure is held to its aim."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "benchmarks"))  # a directory of scripts, not a package

import embedded  # noqa: E402


@pytest.mark.parametrize("kind", embedded.KINDS)
def test_an_engine_gives_the_cost_of_each_measure(monkeypatch, kind):
    pytest.importorskip(kind if kind == "moto" else "sqlite3")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    figures = embedded.apart("compare", kind=kind, samples=1, seconds=0.0)
    assert list(figures) == list(embedded.MEASURES)
    assert all(figure["clock"] > 0 for figure in figures.values())


def test_a_filled_table_is_opened_queried_and_written(tmp_path):
    paths, items = [str(tmp_path / name) for name in ("small.db", "large.db")], [40, 110]
    for path, count in zip(paths, items, strict=True):
        embedded.fill(path, count)
        assert embedded.opening(path, count) > 0
    found = embedded.grown(paths, [40, 100], rounds=1)
    assert all(len(costs) == 2 for rounds in found.values() for costs in rounds)


def test_costs_are_held_to_their_aims(monkeypatch):
    seconds = {"moto": 9e-3, "memory": 1e-3, "normal": 2e-3, "full": 3e-3}
    monkeypatch.setattr(
        embedded,
        "apart",
        lambda task, kind: {
            name: {"clock": seconds[kind], "cpu": seconds[kind] + (name == "get")}
            for name in embedded.MEASURES
        },
    )
    rows = embedded.comparison()
    assert rows[1] == ["put", "111", "1,000", "500", "333", "9.0 times", "NOT MET"]
    assert rows[4][-1] == ""
