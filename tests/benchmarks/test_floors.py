"""The floors of the benchmark's check: what a version is held to, and what is printed."""

import dataclasses
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))  # a directory of scripts, not a package

import contenders  # noqa: E402
import environments  # noqa: E402
import floors  # noqa: E402
import report  # noqa: E402
from floors import Floor  # noqa: E402

TITLES = {"boto3": "boto3 client", report.BARE: "bare request"}


@pytest.fixture
def checked(monkeypatch):
    """Check floors against a ratio of 0.5 to boto3 at get, and 1,000 bytes an instance."""

    def check(*table, measures=("get", "memory")):
        monkeypatch.setattr(floors, "FLOORS", table)
        results = report.Results(["dynamodb_py", "boto3"])
        for seconds in (1.0, 2.0, 3.0, 4.0):
            results.add("get", "dynamodb_py", seconds)
            results.add("get", "boto3", 2 * seconds)
        results.add("memory", "dynamodb_py", 1_000)
        rows, reasons, met = floors.check(results, TITLES, list(measures))
        return [(row[0], row[2], row[-1]) for row in rows[1:]], reasons, met

    return check


def test_a_ratio_at_or_below_its_floor_meets_it(checked):
    table = Floor("get", "boto3", 0.5), Floor("memory", "", 1_000)
    rows, _, met = checked(*table)
    assert met
    assert rows == [("get", "0.500", "met"), ("memory", "1,000", "met")]


def test_one_floor_that_is_not_met_fails_the_check(checked):
    rows, _, met = checked(Floor("get", "boto3", 0.49), Floor("memory", "", 1_000))
    assert not met
    assert [word for *_, word in rows] == ["NOT MET", "met"]


def test_a_figure_that_was_reached_stands_for_the_goal_and_says_why(checked):
    floor = Floor("get", "boto3", 0.4, reached=0.51, why="the socket alone takes 0.4")
    _, reasons, met = checked(floor)
    assert met
    assert reasons == ["get of boto3 client, goal 0.400: the socket alone takes 0.4"]
    assert not checked(dataclasses.replace(floor, reached=0.49))[2]


def test_what_was_to_be_measured_and_was_not_fails_the_check(checked):
    rows, _, met = checked(Floor("put", "boto3", 0.5), measures=["put"])
    assert not met
    assert rows == [("put", "-", "NOT MEASURED")]


def test_measures_and_rivals_that_were_not_asked_for_have_no_floor(checked):
    table = Floor("get", "boto3", 0.5), Floor("get", "pydynox", 0.1), Floor("put", "boto3", 0.1)
    rows, _, met = checked(*table)
    assert met
    assert [name for name, *_ in rows] == ["get"]


def test_the_spread_of_the_ratios_is_printed(monkeypatch):
    monkeypatch.setattr(floors, "FLOORS", (Floor("get", "boto3", 1.0),))
    results = report.Results(["dynamodb_py", "boto3"])  # a round is a process
    for ratio in (0.2, 0.4, 0.4, 0.4, 0.6):
        results.add("get", "dynamodb_py", ratio)
        results.add("get", "boto3", 1.0)
    (_, row), _, _ = floors.check(results, TITLES, ["get"])
    assert row[2:6] == ["0.400", "0.300", "0.500", "0.079"]


def test_each_floor_is_of_a_measure_and_a_rival_that_exist_and_a_lower_goal_has_a_reason():
    names = [measure.name for measure in report.MEASURES]
    for floor in floors.FLOORS:
        assert floor.measure in names
        names_of_contenders = (*contenders.NAMES, *contenders.ON_DEMAND, report.BARE, "")
        assert {floor.rival, floor.ours, floor.base} <= {*names_of_contenders}
        assert (floor.reached is None) == (not floor.why)
        assert floor.reached is None or floor.reached > floor.goal


def test_an_environment_has_the_library_and_its_own_packages_alone():
    find = contenders.find
    assert environments.requirements(find("boto3")) == ["boto3"]
    own = environments.requirements(find("dynamodb_py"))
    assert "msgspec >= 0.19" in own
    assert not any(each.startswith(("dynamodb", "pydynox")) for each in own)


def test_every_library_has_one_version_for_its_environment_and_for_the_others():
    pins = environments.PINS.read_text(encoding="utf-8")
    for name in ("boto3", "boto3_values", "pynamodb"):
        for requirement in environments.requirements(contenders.find(name)):
            assert f"{requirement}==" in pins


def test_a_floor_may_be_of_what_two_contenders_cost_on_top_of_a_third(monkeypatch):
    floor = Floor("get", "by_hand", 1.3, ours="traced", base="dynamodb_py")
    monkeypatch.setattr(floors, "FLOORS", (floor,))
    results = report.Results(["dynamodb_py", "traced", "by_hand"])
    for plain, traced, by_hand in ((10, 22, 20), (20, 34, 30), (10, 26, 20)):
        results.add("get", "dynamodb_py", plain)
        results.add("get", "traced", traced)
        results.add("get", "by_hand", by_hand)
    titles = {"by_hand": "spans by hand", "dynamodb_py": "dynamodb_py"}
    [_, row], _, met = floors.check(results, titles, ["get"])
    assert (row[:3], row[-1]) == (
        ["get", "spans by hand, both without dynamodb_py", "1.400"],
        "NOT MET",
    )
    assert not met
    results.contenders.remove("traced")
    assert floors.check(results, titles, ["get"])[0][1:] == []
