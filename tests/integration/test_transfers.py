"""Money and versions among many writers, over a network that drops answers: nothing lost, nothing twice.

The proxy drops connections after the engine has carried a request out, and does other harm, while
threads or tasks move money between the same few accounts for some seconds.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from dynamodb_py import (
    CharField,
    ConnectionFailed,
    F,
    IntegerField,
    ListField,
    Model,
    Throttled,
    TransactionCanceled,
    VersionField,
    transaction,
)
from dynamodb_py.exceptions import ServiceUnavailable, StaleItem

from .proxy import INTERNAL, THROTTLE, close, error, reset

# moto is not reached over a network, and loses updates of threads.
pytestmark = pytest.mark.engines("dynoxide", "extenddb")

SECONDS, MOST_SECONDS = 3.0, 60.0
ACCOUNTS, START, MOST = 20, 100, 90
NO, CONFLICT = "ConditionalCheckFailed", "TransactionConflict"


class Account(Model):
    class Meta:
        table_name = "accounts"

    name = CharField(hash_key=True)
    balance = IntegerField(name="b", default=0)


class Transfer(Model):
    class Meta:
        table_name = "transfers"

    run = CharField(hash_key=True)
    id = CharField(range_key=True)
    source = CharField()
    target = CharField()
    amount = IntegerField()


class Ledger(Model):
    class Meta:
        table_name = "ledgers"

    name = CharField(hash_key=True)
    entries = ListField(default=[])
    count = IntegerField(default=0)
    version = VersionField()


TABLES = [Account, Transfer, Ledger]


def conflict(visit):
    """Answer as DynamoDB does where another transaction is at the first item; the engines wait."""
    count = len(visit.request.payload["TransactItems"])
    reasons = [{"Code": CONFLICT, "Message": "busy"}, *[{"Code": "None"}] * (count - 1)]
    return error("TransactionCanceledException", CancellationReasons=reasons)(visit)


class Run:
    """One run: who has moved what to whom, as far as the movers were told."""

    def __init__(self, key, proxy):
        self.key = key
        self.names = [f"{key}-{n}" for n in range(ACCOUNTS)]
        self.proxy = proxy
        self.began = time.monotonic()
        self.told = {}
        self.sums = []

    def __bool__(self):
        """Tell whether to go on: for some seconds, and on a busy machine until enough was seen."""
        seconds = time.monotonic() - self.began
        return seconds < SECONDS or (seconds < MOST_SECONDS and not self.is_enough())

    def is_enough(self):
        ends = Counter(list(self.told.values()))
        struck = self.proxy.struck["TransactWriteItems"]
        return ends["done"] >= 50 and ends["poor"] > 0 and struck > 20 and len(self.sums) >= 3

    def order(self, chance):
        """Return a transfer that is to be made."""
        source, target = chance.sample(self.names, 2)
        own = str(uuid.UUID(int=chance.getrandbits(128)))
        amount = chance.randint(1, MOST)
        return Transfer(run=self.key, id=own, source=source, target=target, amount=amount)

    def judge(self, order, failure):
        """Note what became of a transfer; raise what must not happen."""
        if failure is None:
            self.told[order.id] = "done"
        elif isinstance(failure, TransactionCanceled):
            first, *others = failure.reasons
            # The transfer itself is new: that it exists already would be an answer to ourselves.
            assert [each.code for each in others] == ["None", "None"], str(failure)
            assert first.code in (NO, CONFLICT), str(failure)
            assert (first.verb, first.instance.name) == ("update", order.source)
            self.told[order.id] = "poor" if first.code == NO else "conflict"
        elif isinstance(failure, (Throttled, ServiceUnavailable, ConnectionFailed)):
            self.told[order.id] = "unknown"
        else:
            raise failure

    def look(self, accounts):
        self.sums.append(sum(account.balance for account in accounts))


# A canceled snapshot, too, comes of what the proxy says.
READING = (ConnectionFailed, ServiceUnavailable, Throttled, TransactionCanceled)


def move(run, order):
    with transaction.atomic():
        source, target = Account(order.source), Account(order.target)
        source.update(
            balance=F("balance") - order.amount, condition=Account.balance >= order.amount
        )
        target.update(balance=F("balance") + order.amount)
        order.save(force_insert=True)


async def amove(run, order):
    async with transaction.atomic():
        source, target = Account(order.source), Account(order.target)
        await source.aupdate(
            balance=F("balance") - order.amount, condition=Account.balance >= order.amount
        )
        await target.aupdate(balance=F("balance") + order.amount)
        await order.asave(force_insert=True)


def mover(run, seed):
    chance = random.Random(seed)
    while run:
        order = run.order(chance)
        try:
            move(run, order)
        except Exception as failure:
            run.judge(order, failure)
        else:
            run.judge(order, None)


async def amover(run, seed):
    chance = random.Random(seed)
    while run:
        order = run.order(chance)
        try:
            await amove(run, order)
        except Exception as failure:
            run.judge(order, failure)
        else:
            run.judge(order, None)


def reader(run):
    while run:
        try:
            run.look(transaction.get([(Account, name) for name in run.names]))
        except READING:
            continue


async def areader(run):
    while run:
        try:
            run.look(await transaction.aget([(Account, name) for name in run.names]))
        except READING:
            continue


def by_threads(*work):
    """Run each of *work*, a function and its arguments, in a thread; raise what one of them raised."""
    contexts = [copy_context() for _ in work]
    with ThreadPoolExecutor(len(work)) as pool:
        ends = [
            pool.submit(context.run, *each) for context, each in zip(contexts, work, strict=True)
        ]
        for end in ends:
            end.result()


async def by_tasks(*work):
    tasks = (function(*arguments) for function, *arguments in work)
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, BaseException):  # only now: none is left behind
            raise outcome


def test_money_is_neither_lost_nor_made_and_no_transfer_is_made_twice(
    engine, do, proxy, faulty, put, client, key
):
    run = Run(key, proxy)
    for name in run.names:
        put(Account, {"name": {"S": name}, "b": {"N": str(START)}})
    lost = proxy.taken(close), proxy.taken(reset), proxy.taken(INTERNAL)
    proxy.strike(*lost, *lost, close, THROTTLE, conflict, rate=0.25)
    if do.mode == "sync":
        by_threads((reader, run), *((mover, run, seed) for seed in range(8)))
    else:
        do.run(by_tasks((areader, run), *((amover, run, seed) for seed in range(64))))
    proxy.strike()

    ends = Counter(run.told.values())
    assert ends["done"] >= 50, ends
    assert ends["poor"] > 0, ends
    assert proxy.struck["TransactWriteItems"] > 20
    assert len(run.sums) >= 3
    assert set(run.sums) == {ACCOUNTS * START}, "a reader saw half of a transfer"

    made = {each.id: each for each in Transfer.objects.filter(run=key).consistent()}
    done = {own for own, end in run.told.items() if end == "done"}
    unknown = {own for own, end in run.told.items() if end == "unknown"}
    assert done <= made.keys() <= done | unknown
    wanted = dict.fromkeys(run.names, START)
    for each in made.values():
        wanted[each.source] -= each.amount
        wanted[each.target] += each.amount
    found = {each.name: each.balance for each in transaction.get([(Account, n) for n in run.names])}
    assert found == wanted
    assert min(found.values()) >= 0
    assert sum(found.values()) == ACCOUNTS * START


# -- versions --------------------------------------------------------------------------------------

WRITERS, EACH = 8, 12
TRIES = 1000


def note(ledger, entry):
    """Add an entry, unless it is there; tell whether it was not."""
    if entry in ledger.entries:
        return False
    ledger.entries.append(entry)
    ledger.count += 1
    return True


def check_stale(ledger, stale):
    # What was written by an earlier attempt, whose answer was lost, may be our own.
    assert stale.current.version > ledger.version
    assert stale.attempts > 1 or ledger.entries[-1] not in stale.current.entries


def writer(key, number, ends):
    for n in range(EACH):
        entry = f"{number}-{n}"
        for _ in range(TRIES):
            try:
                ledger = Ledger.objects.consistent().get(name=key)
                if not note(ledger, entry):
                    break
                ledger.save()
            except StaleItem as stale:
                check_stale(ledger, stale)
                ends["stale"] += 1
            except (ConnectionFailed, ServiceUnavailable, Throttled):
                ends["unknown"] += 1
            else:
                ends["done"] += 1
                break
        else:
            pytest.fail(f"{entry} was never written")


async def awriter(key, number, ends):
    for n in range(EACH):
        entry = f"{number}-{n}"
        for _ in range(TRIES):
            try:
                ledger = await Ledger.objects.consistent().aget(name=key)
                if not note(ledger, entry):
                    break
                await ledger.asave()
            except StaleItem as stale:
                check_stale(ledger, stale)
                ends["stale"] += 1
            except (ConnectionFailed, ServiceUnavailable, Throttled):
                ends["unknown"] += 1
            else:
                ends["done"] += 1
                break
        else:
            pytest.fail(f"{entry} was never written")


def test_what_is_read_changed_and_saved_by_many_loses_no_change(engine, do, proxy, faulty, key):
    do(Ledger.create, name=key)
    ends = Counter()
    lost = proxy.taken(close), proxy.taken(reset)
    proxy.strike(*lost, close, THROTTLE, calls=["UpdateItem"], rate=0.1)
    if do.mode == "sync":
        by_threads(*((writer, key, number, ends) for number in range(WRITERS)))
    else:
        do.run(by_tasks(*((awriter, key, number, ends) for number in range(WRITERS))))
    proxy.strike()
    ledger = do(Ledger.objects.consistent().get, name=key)
    wanted = [f"{number}-{n}" for number in range(WRITERS) for n in range(EACH)]
    assert sorted(ledger.entries) == sorted(wanted)
    assert (ledger.count, ledger.version) == (len(wanted), 1 + len(wanted))
    assert ends["stale"] > 0, ends
    assert ends["done"] > len(wanted) // 2, ends
