"""The lease: one run at a time, and nothing is written by one that lost it."""

from __future__ import annotations

import threading
import time

import pytest

from dynamodb_py import Table, migrations
from dynamodb_py.exceptions import LeaseLost, MigrationsLocked
from dynamodb_py.flows import Flow, run
from dynamodb_py.migrations.ledger import Lease, Ledger, make_model
from dynamodb_py.migrations.runner import keep_lease
from dynamodb_py.operations.base import Call, Pause

from ..eventually import eventually
from .models import hooks, write

ENGINES = pytest.mark.engines("dynoxide", "extenddb")
LEDGER = "dynamodb_py_migrations"


def expire():
    """Let the time of the lease be over."""
    make_model(LEDGER).objects.filter(id="lease").update(expires=1.0)


@pytest.fixture
def folder(tmp_path):
    hooks.clear()
    hooks["calls"] = []
    text = "def f(): models.hooks['calls'].append(1); models.hooks['f']()"
    write(tmp_path / "m", "0001_a", f"{text}\noperations = [RunPython(f)]")
    return tmp_path / "m"


@pytest.fixture
def ledger(engine):
    ledger = Ledger(LEDGER, None)
    run(ledger.create(), ledger.link)
    return ledger


def take(ledger, seconds=60.0, wait=0.0):
    lease = Lease(ledger, seconds)
    run(lease.acquire(wait), ledger.link)
    return lease


@ENGINES
def test_a_second_run_is_refused_while_the_first_one_runs(engine, do, folder):
    def again():
        with pytest.raises(MigrationsLocked, match=r"process \d+.*; its lease ends in \d+ seconds"):
            migrations.run(folder)

    hooks["f"] = again
    do(migrations.run, folder)
    assert hooks["calls"] == [1]
    assert [each.state for each in migrations.status(folder)] == ["applied"]


@ENGINES
def test_a_second_run_waits_for_the_first_one_and_then_has_nothing_to_do(engine, do, folder):
    found = []
    second = threading.Thread(target=lambda: found.append(migrations.run(folder, wait=60)))
    hooks["f"] = second.start
    [first] = do(migrations.run, folder)
    second.join()
    assert (first.state, len(found[0]), hooks["calls"]) == ("applied", 0, [1])


@ENGINES
def test_a_run_that_fails_gives_the_lease_back(engine, do, folder):
    hooks["f"] = lambda: 1 / 0
    for _ in range(2):
        with pytest.raises(migrations.verbs.MigrationError, match="division"):
            do(migrations.run, folder)
    hooks["f"] = lambda: None
    assert len(do(migrations.run, folder)) == 1


@ENGINES
def test_a_run_whose_lease_was_taken_writes_nothing_more(engine, do, folder):
    def other():
        expire()
        hooks["f"] = lambda: None
        [done] = migrations.run(folder)
        hooks["done"] = done

    hooks["f"] = other
    with pytest.raises(LeaseLost, match="another run has taken the lease"):
        do(migrations.run, folder)
    assert hooks["calls"] == [1, 1]
    assert migrations.status(folder)[:] == (hooks["done"],)


@ENGINES
def test_numbers_grow_with_each_holder(ledger):
    leases = []
    for _ in range(3):
        leases.append(take(ledger))
        run(leases[-1].release(), ledger.link)
    assert [lease.number for lease in leases] == [1, 2, 3]


@ENGINES
def test_a_stale_holder_writes_nothing_renews_nothing_and_releases_nothing(ledger):
    stale = take(ledger)
    expire()
    holder = take(ledger)
    entry = ledger.model(id="0001", name="0001_a")
    for flow in (stale.write(entry), stale.renew()):
        with pytest.raises(LeaseLost):
            run(flow, ledger.link)
    run(stale.release(), ledger.link)
    entries = run(ledger.read(), ledger.link)
    assert entries.keys() == {"lease"}
    assert (entries["lease"].number, entries["lease"].holder) == (2, holder.holder)
    assert entries["lease"].expires > time.time()
    run(holder.write(entry), ledger.link)
    assert run(ledger.read(), ledger.link)["0001"].number == 2


@ENGINES
def test_a_holder_whose_time_is_over_goes_on_as_long_as_nobody_has_taken_it(ledger):
    lease = take(ledger)
    expire()
    run(lease.renew(), ledger.link)
    with pytest.raises(MigrationsLocked):
        take(ledger)


@ENGINES
def test_one_of_many_gets_the_lease(ledger):
    outcomes = []

    def attempt():
        try:
            outcomes.append(take(ledger).number)
        except MigrationsLocked:
            outcomes.append(None)

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=bool) == [None] * 7 + [1]


@ENGINES
def test_who_waits_takes_over_what_has_expired(ledger):
    take(ledger, seconds=0.3)
    assert take(ledger, wait=60).number == 2


# -- keeping it ------------------------------------------------------------------------------------


class Counted(Lease):
    """A lease that counts its renewals, and is lost after some."""

    def __init__(self, seconds: float, *, due: bool = False, lost_after: int = 1000) -> None:
        super().__init__(None, seconds)  # type: ignore[arg-type]
        self.renewals, self.due, self.lost_after = 0, due, lost_after

    @property
    def is_due(self) -> bool:
        return self.due

    def renew(self) -> Flow[None]:
        self.renewals += 1
        if self.renewals > self.lost_after:
            raise LeaseLost("lost")
        yield from ()


def drive(flow):
    """Return the seconds that *flow* pauses, none of which are waited for."""
    pauses, outcome = [], None
    while True:
        try:
            step = flow.throw(outcome) if isinstance(outcome, Exception) else flow.send(outcome)
        except StopIteration:
            return pauses
        outcome = None
        if isinstance(step, Pause):
            pauses.append(step.seconds)
        else:
            try:
                outcome = step.function()
            except Exception as error:
                outcome = error


def pausing(*seconds):
    for each in seconds:
        yield from Pause(each)


@pytest.mark.parametrize(
    ("seconds", "pauses", "renewals"),
    [
        ((), [], 0),
        ((5,), [5], 0),
        ((20,), [20], 0),
        ((50,), [20, 20, 10], 2),
        ((60,), [20, 20, 20], 2),
        ((1, 50, 1), [1, 20, 20, 10, 1], 2),
    ],
)
def test_a_long_pause_is_cut_by_renewals(seconds, pauses, renewals):
    lease = Counted(60)
    assert drive(keep_lease(pausing(*seconds), lease)) == pauses
    assert lease.renewals == renewals


def test_a_lease_that_is_due_is_renewed_before_the_next_step():
    lease = Counted(60, due=True)
    drive(keep_lease(pausing(1, 1, 1), lease))
    assert lease.renewals == 3


def test_what_is_kept_gets_its_errors_and_may_survive_them():
    def flow():
        with pytest.raises(ZeroDivisionError):
            yield from Call(lambda: 1 / 0)
        yield from Pause(1)

    assert drive(keep_lease(flow(), Counted(60))) == [1]


def test_what_is_kept_ends_where_the_lease_is_lost():
    ended = []

    def flow():
        try:
            yield from pausing(1, 1, 1, 1)
        finally:
            ended.append(True)

    with pytest.raises(LeaseLost):
        drive(keep_lease(flow(), Counted(60, due=True, lost_after=2)))
    assert ended


@ENGINES
def test_a_lease_is_renewed_while_a_backfill_runs(engine, do, folder):
    from .models import PlainUser, make_users

    make_users(20)
    expiries = []

    def note(user):
        [lease] = [e for e in make_model(LEDGER).objects.consistent() if e.id == "lease"]
        expiries.append(lease.expires)
        eventually(time.time, lambda now: now > expiries[0] - 0.2)  # a part of its time is over
        user.count += 1

    hooks["note"] = note
    text = "operations = [Backfill(PlainUser, models.hooks['note'], segments=1)]"
    write(folder, "0001_a", text)
    do(migrations.run, folder, lease=0.3)
    assert len(set(expiries)) > 1
    assert {user.count for user in PlainUser.objects.consistent()} == {1}
    assert Table(PlainUser).exists()
