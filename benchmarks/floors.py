"""The floors that a version must stand on, for ``run.py --check``, in the regime ``spinning``."""

from __future__ import annotations

import dataclasses

import report
from report import BARE, PROJECT, QUERYSET, Results


@dataclasses.dataclass(frozen=True)
class Floor:
    """The most that a ratio to a rival may be; without a rival, the most that the figure may be.

    Where the goal was not reached, *reached* is the floor, and *why* says what stands in the way.
    """

    measure: str
    rival: str
    goal: float
    reached: float | None = None
    why: str = ""

    @property
    def most(self) -> float:
        """Return what a version is held to."""
        return self.goal if self.reached is None else self.reached


FLOORS = (
    Floor("get", "boto3", 0.045),
    Floor("get", "pydynox", 0.17),
    Floor("put", "boto3", 0.06),
    Floor("put", "pydynox", 0.25),
    Floor("create", "boto3", 0.065),
    Floor("create", "pydynox", 0.27),
    Floor("update", "boto3", 0.06),
    Floor("update", "pydynox", 0.33),
    Floor("query", "boto3", 0.105),
    Floor("query", "pydynox", 0.19),
    Floor("query_unread", "boto3", 0.022),
    Floor("query_unread", "pydynox", 0.045),
    Floor("batch_get", "boto3", 0.14),
    Floor("batch_get", "pydynox", 0.25),
    Floor("batch_write_100", "boto3", 0.12),
    Floor("batch_write_100", "pydynox", 0.8),
    Floor("transaction_10", "boto3", 0.2),
    Floor("transaction_10", "pydynox", 0.65),
    Floor("aget", "aiodynamo", 0.25),
    Floor("aget", "pydynox", 0.14),
    Floor("aget_64", "aiodynamo", 0.22),
    Floor("aget_64", "pydynox", 0.15),
    Floor("import", "boto3", 0.45),
    Floor("import", "pydynox", 0.75),
    Floor("cold", "boto3", 0.30),
    Floor("cold", "pydynox", 0.75),
    Floor("memory", "", 1_229),  # 1.2 KB
    Floor("memory_read", "", 3_072),  # 3.0 KB
    Floor("first", BARE, 1.25),
    Floor("first_filtered", BARE, 1.25),
    Floor("query_unread", BARE, 1.2),
)

MEASURES = tuple(dict.fromkeys(floor.measure for floor in FLOORS))
RIVALS = tuple(dict.fromkeys(floor.rival for floor in FLOORS if floor.rival not in ("", BARE)))
# What each rival is measured at: where it has no floor, its time is not worth it.
STEPS = {rival: {floor.measure for floor in FLOORS if floor.rival == rival} for rival in RIVALS}


def check(
    results: Results, titles: dict[str, str], measures: list[str]
) -> tuple[report.Rows, list[str], bool]:
    """Return a row for each floor of *measures*, header first, the reasons, and whether all are met.

    A floor is left out where its measure or its rival was not to be measured. The columns beside the
    ratio are the quartiles of the ratios within the rounds, and the standard error of their median.
    """
    rows = [["floor", "of", "ratio", "25 %", "75 %", "+-", "floor", "goal", ""]]
    reasons, all_met = [], True
    for floor in FLOORS:
        if floor.measure not in measures or floor.rival not in (*results.contenders, BARE, ""):
            continue
        value, spread = _figure(results, floor)
        met = value is not None and value <= floor.most
        all_met = all_met and met
        word = "met" if met else "NOT MEASURED" if value is None else "NOT MET"
        limits = [_shown(floor.most), _shown(floor.goal) if floor.reached is not None else ""]
        name = titles[floor.rival] if floor.rival else "bytes"
        rows.append([floor.measure, name, _shown(value), *spread, *limits, word])
        if floor.why:
            reasons.append(f"{floor.measure} of {name}, goal {_shown(floor.goal)}: {floor.why}")
    return rows, reasons, all_met


def _figure(results: Results, floor: Floor) -> tuple[float | None, list[str]]:
    """Return what is held against the floor, and how far it spreads."""
    if not floor.rival:
        return results.median(floor.measure, PROJECT), ["", "", ""]
    ours = QUERYSET if floor.rival == BARE else PROJECT
    spread = results.spread_of_ratio(floor.measure, ours, floor.rival)
    ratio = results.ratio(floor.measure, ours, floor.rival)
    return ratio, ["-" if each is None else f"{each:.3f}" for each in spread]


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return report.number(value) if value >= 10 else f"{value:.3f}"
