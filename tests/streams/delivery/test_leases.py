"""Leases of shards: who takes which, and what their table holds."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import get_connection
from dynamodb_py.exceptions import make_service_error
from dynamodb_py.flows import arun, run
from dynamodb_py.streams.delivery.leases import (
    Lease,
    LeasePlan,
    LeaseTable,
    Sightings,
    delete_lease,
    note_start,
    plan_leases,
    read_leases,
    take_lease,
    want_lease,
    write_lease,
)
from dynamodb_py.tables.creation import create_table
from dynamodb_py.waiting import pauses, wait_until_active

from ...scripted import Link, Script, checked


def plan(blockers, *leases: Lease, expired=(), worker="me") -> LeasePlan:
    by_shard = {each.shard: each for each in leases}
    return plan_leases(dict.fromkeys(blockers, ()), by_shard, expired, worker)


def lease(shard: str, owner: str = "", **given) -> Lease:
    return Lease(shard, given.pop("number", 1), owner, **given)


def shards(plan: LeasePlan) -> tuple[list[str], str | None, list[str]]:
    return (
        sorted(each.shard for each in plan.take),
        plan.want and plan.want.shard,
        sorted(each.shard for each in plan.give),
    )


@pytest.mark.parametrize(
    ("blockers", "leases", "expired", "expected"),
    [
        ("", [], "", ([], None, [])),
        ("ab", [], "", (["a", "b"], None, [])),
        ("ab", [lease("a", "me")], "", (["b"], None, [])),
        ("ab", [lease("a", "you")], "", (["b"], None, [])),
        ("a", [lease("a", "you")], "", ([], None, [])),
        ("a", [lease("a", "you")], "a", (["a"], None, [])),
        ("a", [lease("a", finished=True)], "", ([], None, [])),
        ("ab", [lease("a", "you"), lease("b", "you")], "", ([], "b", [])),
        ("ab", [lease("a", "you", wanted_by="me"), lease("b", "you")], "", ([], None, [])),
        ("ab", [lease("a", "you", wanted_by="he"), lease("b", "you")], "", ([], "b", [])),
        ("ab", [lease("a", "me", wanted_by="you"), lease("b", "you")], "", ([], None, [])),
        ("ab", [lease("a", "me", wanted_by="you"), lease("b", "me")], "", ([], None, ["a"])),
        (
            "abc",
            [lease("a", "me", wanted_by="you"), lease("b", "you"), lease("c", "me")],
            "",
            ([], None, []),
        ),
        (
            "abcd",
            [
                lease("a", "me", wanted_by="you"),
                lease("b", "me"),
                lease("c", "me"),
                lease("d", "you"),
            ],
            "",
            ([], None, ["a"]),
        ),
    ],
    ids=[
        "no shards",
        "alone, it takes all",
        "alone, it takes the rest",
        "another has its share",
        "another has the only one",
        "another is dead",
        "all is read",
        "another has two more",
        "that is wanted already",
        "a third one wants another",
        "one that has as many does not get it",
        "one that has none gets it",
        "one that would have more does not get it",
        "one that has fewer gets it",
    ],
)
def test_a_worker_plans(blockers, leases, expired, expected):
    assert shards(plan(blockers, *leases, expired=expired)) == expected


@pytest.mark.parametrize(
    ("finished", "expected"), [("", ["a", "x"]), ("a", ["b", "c", "x"]), ("ab", ["c", "x"])]
)
def test_a_shard_is_taken_when_those_before_it_are_read(finished, expected):
    blockers = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "x": ("gone",)}
    leases = {each: lease(each, finished=True) for each in finished}
    assert shards(plan_leases(blockers, leases, (), "me"))[0] == expected


class Simulation:
    """Workers that do what they plan, one after the other."""

    def __init__(self, count: int) -> None:
        self.blockers = {f"s{each}": () for each in range(count)}
        self.leases: dict[str, Lease] = {}

    def step(self, worker: str, dead: set[str]) -> bool:
        """Let *worker* act; tell whether it changed anything."""
        expired = {each.shard for each in self.leases.values() if each.owner in dead}
        plan = plan_leases(self.blockers, self.leases, expired, worker)
        for each in plan.give:
            each.owner, each.wanted_by = "", ""
        for each in plan.take:
            self.leases[each.shard] = Lease(each.shard, each.number + 1, worker)
        if plan.want:
            self.leases[plan.want.shard].wanted_by = worker
        return bool(plan.give or plan.take or plan.want)

    def settle(self, workers: list[str], dead: set[str]) -> None:
        for _ in range(200):
            if sum(self.step(each, dead) for each in workers) == 0:
                return
        raise AssertionError("they never agree")


@given(
    count=st.integers(0, 12),
    changes=st.lists(st.sampled_from("abcde"), min_size=1, max_size=8),
)
def test_workers_that_come_and_die_agree_and_share_evenly(count, changes):
    simulation, alive, dead = Simulation(count), set(), set()
    for each in changes:
        dead = dead | {each} if each in alive else dead - {each}
        alive ^= {each}
        simulation.settle(sorted(alive), dead)
        owners = [each.owner for each in simulation.leases.values()]
        if alive:
            held = [owners.count(worker) for worker in alive]
            assert sum(held) == count
            assert max(held) - min(held) <= 1


def test_a_lease_expires_by_the_local_clock():
    sightings, one = Sightings(30), lease("a", "you", renewed=5.0)
    assert sightings.find_expired([one], now=100) == set()
    assert sightings.find_expired([one], now=130) == set()
    assert sightings.find_expired([one], now=131) == {"a"}
    assert sightings.find_expired([lease("a", "you", renewed=6.0)], now=132) == set()
    assert sightings.find_expired([lease("a", "me", number=2, renewed=6.0)], now=170) == set()
    assert sightings.find_expired([], now=300) == set()


LEASES = LeaseTable("leases", "billing")


@pytest.fixture
def leases(engine, do) -> LeaseTable:
    place = LeaseTable(engine.table_name("leases"), "billing")

    def create():
        yield from create_table(place.table, place.schema, pauses(30), accept=True)
        yield from wait_until_active(place.table, appearing=True)

    drive(do, create())
    return place


def drive(do, flow):
    link = get_connection()
    return run(flow, link) if do.mode == "sync" else do.run(arun(flow, link))


def test_a_lease_is_taken_renewed_and_read(leases, do):
    taken = drive(do, take_lease(leases, Lease("a"), "one"))
    assert (taken.number, taken.owner) == (1, "one")
    assert drive(do, write_lease(leases, taken, checkpoint="17"))
    first = drive(do, note_start(leases, "orders", 12.5))
    assert (first.start, first.renewed) == (12.5, pytest.approx(time.time(), abs=60))
    assert drive(do, note_start(leases, "orders", 99.0)) == first
    other = LeaseTable(leases.table, "other")
    assert drive(do, take_lease(other, Lease("a"), "one"))
    found = drive(do, read_leases(leases))
    assert {each: found[each].checkpoint for each in found} == {"a": "17", "orders": ""}
    assert found["a"].renewed >= taken.renewed
    assert found["orders"] == first
    drive(do, delete_lease(leases, taken))
    assert drive(do, read_leases(leases)).keys() == {"orders"}


def test_attributes_of_later_versions_are_left_alone(leases, do, engine):
    taken = drive(do, take_lease(leases, Lease("a"), "one"))
    key = {"runner": {"S": "billing"}, "shard": {"S": "a"}}
    engine.boto3().update_item(
        TableName=leases.table,
        Key=key,
        UpdateExpression="SET color = :c",
        ExpressionAttributeValues={":c": {"S": "red"}},
    )
    assert drive(do, read_leases(leases)) == {"a": taken}
    assert drive(do, write_lease(leases, taken, checkpoint="17"))
    item = engine.boto3().get_item(TableName=leases.table, Key=key, ConsistentRead=True)["Item"]
    assert (item["color"], item["checkpoint"]) == ({"S": "red"}, {"S": "17"})


def test_one_that_lost_its_lease_writes_nothing(leases, do):
    late = drive(do, take_lease(leases, Lease("a"), "one"))
    assert drive(do, take_lease(leases, Lease("a"), "two")) is None
    new = drive(do, take_lease(leases, late, "two"))
    assert new.number == 2
    assert not drive(do, write_lease(leases, late, checkpoint="99", finished=True))
    drive(do, want_lease(leases, late, "three"))
    drive(do, delete_lease(leases, late))
    found = drive(do, read_leases(leases))["a"]
    assert found == new


def test_who_takes_a_lease_goes_on_from_its_checkpoint(leases, do):
    first = drive(do, take_lease(leases, Lease("a"), "one"))
    assert drive(do, write_lease(leases, first, checkpoint="17"))
    drive(do, want_lease(leases, first, "two"))
    found = drive(do, read_leases(leases))["a"]
    assert found.wanted_by == "two"
    second = drive(do, take_lease(leases, found, "two"))
    assert second.checkpoint == "17"
    assert drive(do, read_leases(leases))["a"] == second


CONDITION = "ConditionalCheckFailedException"


@pytest.mark.parametrize(
    ("item", "taken"),
    [
        ({"owner": {"S": "me"}, "number": {"N": "3"}}, True),
        ({"owner": {"S": "you"}, "number": {"N": "3"}}, False),
        ({"owner": {"S": "me"}, "number": {"N": "9"}}, False),
    ],
    ids=["its own", "another's", "its own, from another time"],
)
def test_a_lease_is_taken_although_the_answer_was_lost(item, taken):
    """The second attempt fails, because of what the first one wrote."""
    script = Script([make_service_error(CONDITION, "", body={"Item": item})])
    found = run(take_lease(LEASES, lease("a", "you", number=2), "me"), Link(script))
    assert (found is not None) == taken


def test_requests_are_what_dynamodb_takes():
    script = Script([{}] * 4)
    run(take_lease(LEASES, Lease("a"), "me"), Link(script))
    run(write_lease(LEASES, lease("a", "me"), checkpoint="1"), Link(script))
    run(delete_lease(LEASES, lease("a", "me")), Link(script))
    run(read_leases(LEASES), Link(script))
    for each in script.sent:
        checked(each)
    condition = script.payloads[1]["ConditionExpression"]
    assert condition == "#2 = :2", script.payloads[1]
