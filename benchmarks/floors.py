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
    ours: str = PROJECT
    """The contender that is held to it."""
    base: str = ""
    """The contender whose figure both are counted on top of; empty: none."""

    @property
    def most(self) -> float:
        """Return what a version is held to."""
        return self.goal if self.reached is None else self.reached


_EXCHANGE = "the bare exchange is 0.010 of it; framing, signing and checks take 9 us, the verb 7 to 8, 12 values read 8 to 12"
_WRITE = "the keywords of 12 values are copied three times by Python (2 us), encoding takes 7, the wire 16 besides the exchange"
_UPDATE = "decoding the item takes 3 us, finding what changed 4, the request and the merged item 4, the wire 16"
_ROW = "7 us a row: msgspec's parse 3, the free map 1.2, the glue of 12 fields 1.1; pydynox takes 0.48 of boto3 here, 0.55 where the goals were set"
_PAGE = "80 us are msgspec's parse of the page, 22 its checksum, 0.3 a row is loaded: __delattr__ makes slots slow"
_KEYS = "700 us are reading the items, 122 finding their keys in the answer, 85 encoding 100 keys"
_BATCH = "of 15 us an item encoding takes 7 and the constructor 2; SHA-256 of 100 KB is 180; pydynox takes dicts"
_ASYNC = "asyncio's own part is 15 us, 12 are flows and manager, reading runs colder than in a loop"
_MEMORY = "the bytes of the item 962, its values 1,395, its map 500, instance and dict 280"
_PLAN = "building the query set takes 2.4 us, parsing and the request 2, the page 1"
_TRACED = "dynamodb_py_otel"

FLOORS = (
    Floor("get", "boto3", 0.045, 0.057, _EXCHANGE),
    Floor("get", "pydynox", 0.17),
    Floor("put", "boto3", 0.06, 0.068, _WRITE),
    Floor("put", "pydynox", 0.25),
    Floor("create", "boto3", 0.065, 0.075, _WRITE),
    Floor("create", "pydynox", 0.27),
    Floor("update", "boto3", 0.06, 0.075, _UPDATE),
    Floor("update", "pydynox", 0.33),
    Floor("query", "boto3", 0.105, 0.125, _ROW),
    Floor("query", "pydynox", 0.19, 0.27, _ROW),
    Floor("query_unread", "boto3", 0.022, 0.026, _PAGE),
    Floor("query_unread", "pydynox", 0.045, 0.06, _PAGE),
    Floor("batch_get", "boto3", 0.14, 0.16, _KEYS),
    Floor("batch_get", "pydynox", 0.25, 0.35, _KEYS),
    Floor("batch_write_100", "boto3", 0.12, 0.145, _BATCH),
    Floor("batch_write_100", "pydynox", 0.8, 1.12, _BATCH),
    Floor("transaction_10", "boto3", 0.2),
    Floor("transaction_10", "pydynox", 0.65),
    Floor("aget", "aiodynamo", 0.25),
    Floor("aget", "pydynox", 0.14, 0.195, _ASYNC),
    Floor("aget_64", "aiodynamo", 0.22, 0.275, _ASYNC),
    Floor("aget_64", "pydynox", 0.15, 0.185, _ASYNC),
    Floor("import", "boto3", 0.45),
    Floor("import", "pydynox", 0.75),
    Floor("cold", "boto3", 0.30),
    Floor("cold", "pydynox", 0.75),
    Floor("memory", "", 1_229),  # 1.2 KB
    Floor("memory_read", "", 3_072, 3_450, _MEMORY),  # 3.0 KB
    Floor("first", BARE, 1.25, 1.34, _PLAN),
    Floor("first_filtered", BARE, 1.25, 1.37, _PLAN),
    Floor("query_unread", BARE, 1.2),
    Floor("get", "boto3_otel", 0.2, ours=_TRACED),
    Floor("get", "dynamodb_py_spans", 1.3, ours=_TRACED, base=PROJECT),
)

MEASURES = tuple(dict.fromkeys(floor.measure for floor in FLOORS))
RIVALS = tuple(
    dict.fromkeys(
        name
        for floor in FLOORS
        for name in (floor.ours, floor.rival)
        if name not in ("", BARE, PROJECT)
    )
)
# What each rival is measured at: where it has no floor, its time is not worth it.
STEPS = {
    rival: {floor.measure for floor in FLOORS if rival in (floor.ours, floor.rival)}
    for rival in RIVALS
}


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
        there = {*results.contenders, BARE, ""}
        if floor.measure not in measures or not {floor.ours, floor.rival, floor.base} <= there:
            continue
        value, spread = _figure(results, floor)
        met = value is not None and value <= floor.most
        all_met = all_met and met
        word = "met" if met else "NOT MEASURED" if value is None else "NOT MET"
        limits = [_shown(floor.most), _shown(floor.goal) if floor.reached is not None else ""]
        name = titles[floor.rival] if floor.rival else "bytes"
        name = f"{name}, both without {titles[floor.base]}" if floor.base else name
        rows.append([floor.measure, name, _shown(value), *spread, *limits, word])
        if floor.why:
            reasons.append(f"{floor.measure} of {name}, goal {_shown(floor.goal)}: {floor.why}")
    return rows, reasons, all_met


def _figure(results: Results, floor: Floor) -> tuple[float | None, list[str]]:
    """Return what is held against the floor, and how far it spreads."""
    if not floor.rival:
        return results.median(floor.measure, PROJECT), ["", "", ""]
    names = QUERYSET if floor.rival == BARE else floor.ours, floor.rival, floor.base
    spread = results.spread_of_ratio(floor.measure, *names)
    ratio = results.ratio(floor.measure, *names)
    return ratio, ["-" if each is None else f"{each:.3f}" for each in spread]


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return report.number(value) if value >= 10 else f"{value:.3f}"
