"""The block of a transaction: who collects what, when it is sent, and what is told of it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading

import pytest

from dynamodb_py import (
    CharField,
    ConfigurationError,
    ConnectionFailed,
    DictField,
    F,
    IntegerField,
    Model,
    QueryError,
    Retries,
    StaleItem,
    VersionField,
    capacity,
    connections,
    delete_all,
    options,
    save_all,
    transaction,
)
from dynamodb_py.exceptions import (
    ConditionFailed,
    InvalidRequest,
    TransactionCanceled,
    make_service_error,
)
from dynamodb_py.expressions import Condition
from dynamodb_py.models.signals.events import post_save, pre_save, transaction_committed

from ...scripted import Script, checked, scripted_connection


class Account(Model):
    name = CharField(hash_key=True)
    balance = IntegerField(default=0)


class Blob(Model):
    name = CharField(hash_key=True)
    text = CharField()


class Page(Model):
    name = CharField(hash_key=True)
    a = IntegerField(default=0)
    version = VersionField()


class User(Model):
    name = CharField(hash_key=True)
    email = CharField(unique=True)
    doc = DictField()


FAILED = "ConditionalCheckFailed"


def canceled(*reasons):
    body = {
        "CancellationReasons": [
            each if isinstance(each, dict) else {"Code": each} for each in reasons
        ]
    }
    return make_service_error("TransactionCanceledException", "canceled", body=body)


def account(name="x", balance=1):
    return Account.from_db({"name": {"S": name}, "balance": {"N": str(balance)}})


def collect(tx, *steps):
    """Do *steps*, functions of no arguments, in the block of *tx*."""
    with tx:
        for step in steps:
            step()


# -- the block -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["atomic", "aatomic"])
def test_a_block_of_asyncio_collects_what_its_task_writes(script, name):
    async def main():
        async with getattr(transaction, name)() as tx:
            await Account.acreate(name="a")
            Account.create(name="b")
            assert len(tx) == 2
            assert not script.sent
        return tx

    script.answers.append({})
    assert asyncio.run(main()).state == "committed"
    [operation] = script.sent
    assert len(checked(operation)["TransactItems"]) == 2


def test_the_request_can_be_seen_before_it_is_sent(script):
    script.answers.append({})
    with transaction.atomic(token="mine") as tx:
        assert tx.operation() is None
        Account.create(name="a")
        assert checked(tx.operation()) == {
            "ClientRequestToken": "mine",
            "TransactItems": [
                {
                    "Put": {
                        "TableName": "Account",
                        "Item": {"name": {"S": "a"}, "balance": {"N": "0"}},
                        "ConditionExpression": "attribute_not_exists(#0)",
                        "ExpressionAttributeNames": {"#0": "name"},
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                }
            ],
        }
    assert script.payloads[0]["ClientRequestToken"] == "mine"
    assert repr(tx) == "<transaction mine: 1 calls, committed>"


@pytest.mark.parametrize("token", ["", "x" * 37])
def test_a_token_that_dynamodb_would_refuse_is_refused_at_once(token):
    with pytest.raises(QueryError, match="1 to 36 characters"):
        transaction.atomic(token=token)


def test_each_transaction_has_a_token_of_its_own():
    tokens = {transaction.atomic().token for _ in range(5)}
    assert len(tokens) == 5
    assert {len(each) for each in tokens} == {36}


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_block_inside_another_is_refused_and_the_outer_one_goes_on(script, mode):
    async def inner():
        async with transaction.atomic():
            raise AssertionError("not reached")

    script.answers.append({})
    with transaction.atomic() as tx:
        Account.create(name="a")
        step = (lambda: asyncio.run(inner())) if mode == "async" else collect
        given = () if mode == "async" else (transaction.atomic(),)
        with pytest.raises(QueryError, match="no nested transactions"):
            step(*given)
        Account.create(name="b")
    assert len(tx) == 2


def test_a_transaction_is_used_once_and_takes_nothing_after_its_block(script):
    script.answers.append({})
    with transaction.atomic() as tx:
        Account.create(name="a")
    with pytest.raises(QueryError, match="the transaction is committed: make a new one"), tx:
        pass
    with pytest.raises(QueryError, match=r"check of Account\('a'\): the transaction is committed"):
        tx.check((Account, "a"), Account.balance > 0)
    with pytest.raises(QueryError, match=r"on_commit\(\): the transaction is committed"):
        tx.on_commit(print)


def test_after_a_block_that_failed_writes_are_sent_at_once_again(script):
    with contextlib.suppress(LookupError), transaction.atomic() as tx:
        Account.create(name="a")
        raise LookupError
    assert tx.state == "rolled back"
    script.answers.append({})
    Account.create(name="b")
    assert [each.api for each in script.sent] == ["PutItem"]


# -- threads and tasks -----------------------------------------------------------------------------


def test_another_thread_saves_by_itself(script):
    script.answers += [{}, {}]
    with transaction.atomic() as tx:
        thread = threading.Thread(target=lambda: Account.create(name="t"))
        thread.start()
        thread.join()
        Account.create(name="a")
    assert [each.api for each in script.sent] == ["PutItem", "TransactWriteItems"]
    assert len(tx) == 1


def test_tasks_have_blocks_of_their_own(script):
    async def one(name):
        async with transaction.atomic() as tx:
            await asyncio.sleep(0)
            await Account.acreate(name=name)
            await asyncio.sleep(0)
        return len(tx)

    async def main():
        return await asyncio.gather(*(one(str(n)) for n in range(5)))

    script.answers += [{}] * 5
    assert asyncio.run(main()) == [1] * 5
    assert {len(each.writes) for each in script.sent} == {1}


def test_child_tasks_and_threads_of_asyncio_collect_into_the_block(script):
    async def main():
        async with transaction.atomic() as tx:
            await asyncio.gather(*(Account.acreate(name=str(n)) for n in range(20)))
            await asyncio.gather(
                *(asyncio.to_thread(Account.create, name=f"t{n}") for n in range(20))
            )
        return len(tx)

    script.answers.append({})
    assert asyncio.run(main()) == 40


def test_a_task_that_outlives_the_block_is_told_and_writes_nothing(script):
    async def late(gate):
        await gate.wait()
        told = []
        for write in (Account("late").asave, Account("late").adelete, Account("late").aupdate):
            given = {"balance": 1} if write.__name__ == "aupdate" else {}
            with pytest.raises(
                QueryError, match=r"the transaction is committed, .* outlives"
            ) as raised:
                await write(**given)
            told.append(str(raised.value))
        with pytest.raises(QueryError):
            await Account.objects.abatch_write([Account("late")])
        async with transaction.atomic():  # of its own
            await Account.acreate(name="own")
        return told

    async def main():
        gate = asyncio.Event()
        async with transaction.atomic():
            await Account.acreate(name="a")
            task = asyncio.create_task(late(gate))
            free = contextvars.Context().run(asyncio.create_task, Account("free").asave())
            await free
        gate.set()
        return await task

    script.answers += [{}, {}, {}]
    told = asyncio.run(main())
    assert [each.split(":")[0] for each in told] == [
        "save of Account('late')",
        "delete of Account('late')",
        "update of Account('late')",
    ]
    calls = ["PutItem", "TransactWriteItems", "TransactWriteItems"]
    assert [each.api for each in script.sent] == calls


def test_a_block_that_is_left_in_another_context_sends_nothing_and_says_so(script):
    def block():
        with transaction.atomic() as tx:
            yield tx

    generator = block()
    tx = contextvars.copy_context().run(next, generator)
    with pytest.raises(QueryError, match="ends in another thread or task"):
        next(generator)
    assert tx.state == "rolled back"
    assert not script.sent


def test_a_generator_that_is_dropped_does_not_end_the_block_of_another(script):
    def block():
        with transaction.atomic():
            yield

    generator = block()
    contextvars.copy_context().run(next, generator)
    script.answers.append({})
    with transaction.atomic() as tx:
        generator.close()
        Account.create(name="a")
    assert len(tx) == 1


def test_a_task_that_is_cancelled_while_it_commits_leaves_the_instances_as_they_were(script):
    async def main():
        sending = asyncio.Event()

        class Slow:
            async def send(self, operation):
                sending.set()
                await asyncio.sleep(60)

        connections._connections["default"].async_transport = Slow()
        tx, new, loaded = transaction.atomic(), Account("a"), account()
        loaded.balance = 5

        async def commit():
            async with tx:
                await new.asave()
                await loaded.asave()

        task = asyncio.create_task(commit())
        await sending.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return tx, new, loaded

    tx, new, loaded = asyncio.run(main())
    assert tx.state == "unknown"
    assert (new.persisted, loaded.is_changed) == (False, True)


# -- what fits -------------------------------------------------------------------------------------


def test_too_many_and_too_much_is_refused_and_leaves_the_transaction_as_it_was(script):
    script.answers.append({})
    big = [Blob(str(n), text="x" * 390_000) for n in range(10)]
    with transaction.atomic() as tx:
        for each in big:
            each.save()
        last = Blob("last", text="x" * 390_000)
        with pytest.raises(QueryError, match=r"save of Blob\('last'\): .* bytes together"):
            last.save()
        assert (len(tx), last.persisted) == (10, False)
        for n in range(90):
            Account.create(name=str(n))
        with pytest.raises(QueryError, match=r"create of Account\('no'\): .* have 101 items"):
            Account.create(name="no")
        with pytest.raises(QueryError, match="have 101 items"):
            tx.check((Account, "no"), Account.balance > 0)
        Account("5").delete()  # of one that is there already
        assert len(tx.operation().writes) == 100


def test_the_sentinels_of_unique_values_count(script):
    script.answers.append({})
    with transaction.atomic() as tx:
        for n in range(50):
            User.create(name=str(n), email=f"{n}@example.com")
        with pytest.raises(QueryError, match=r"have 102 items.*the sentinels"):
            User.create(name="no", email="no@example.com")
        with pytest.raises(QueryError, match="another item of this transaction"):
            User.create(name="no", email="7@example.com")
        assert len(tx) == 50


def test_a_transaction_is_of_one_connection(script):
    other = Script([{}])
    connections._connections["other"] = scripted_connection(other, "other", table_prefix="o-")
    with options(using="other"), transaction.atomic() as tx:
        Account.create(name="a")
        with (
            options(using="default"),
            pytest.raises(ConfigurationError, match=r"'default'.*'other'"),
        ):
            Account.create(name="b")
        with pytest.raises(ConfigurationError, match="a transaction has one connection"):
            Account.objects.using("default").create(name="b")
    assert len(tx) == 1
    assert other.payloads[0]["TransactItems"][0]["Put"]["TableName"] == "o-Account"


SENT_AT_ONCE = {
    "batch_write": lambda: Account.objects.batch_write([Account("a")]),
    "bulk_create": lambda: Account.objects.bulk_create([Account("a")]),
    "bulk_update": lambda: Account.objects.bulk_update([account()], ["balance"]),
    "bulk_delete": lambda: Account.objects.bulk_delete(["a"]),
    "save_all": lambda: save_all([Account("a")]),
    "delete_all": lambda: delete_all([account()]),
    "delete_by_query": lambda: Account.objects.filter(name="a").delete(),
    "update_by_query": lambda: Account.objects.all().update(balance=1),
    "modify": lambda: Account.objects.filter(name="a").modify(balance=1),
    "update_or_create": lambda: Account.objects.update_or_create(name="a", defaults={"balance": 1}),
    "returning": lambda: account().update(balance=1, returning="new"),
    "create_parents": lambda: User("a").update(F("doc__a").add(1), create_parents=True),
    "by_key_returning": lambda: Account.objects.filter(name="a").update(balance=1, returning="new"),
}


@pytest.mark.parametrize("call", SENT_AT_ONCE.values(), ids=SENT_AT_ONCE)
def test_what_cannot_be_a_part_of_it_is_refused(script, call):
    with transaction.atomic() as tx:
        with pytest.raises(QueryError):
            call()
        assert len(tx) == 0
    assert not script.sent


def test_what_is_wrong_is_refused(script):
    with pytest.raises(QueryError, match=r"inside transaction.atomic\(\) only"):
        transaction.check((Account, "a"), Account.balance > 1)
    with transaction.atomic() as tx:
        with pytest.raises(QueryError, match="has no condition"):
            transaction.check((Account, "a"), Condition())
        with pytest.raises(TypeError, match="takes a condition"):
            transaction.check((Account, "a"), True)
        with pytest.raises(TypeError, match="takes a callable"):
            transaction.on_commit("print")
    assert len(tx) == 0


# -- by key ----------------------------------------------------------------------------------------


def members(script):
    return script.payloads[-1]["TransactItems"]


def test_updates_and_deletes_by_key_are_collected(script):
    script.answers.append({})
    with transaction.atomic():
        done = Account.objects.filter(name="a", balance__gt=5).update(balance=F("balance") - 5)
        Account.objects.filter(name="b").update(balance=1)
        Account.objects.filter(name="c").update(balance=1, must_exist=False)
        Account.objects.delete("d", condition=Account.balance == 0)
        Account("e").incr(balance=2)
    assert (done.matched, done.changed) == (1, 1)
    asked = [next(iter(each.values())).get("ConditionExpression") for each in members(script)]
    assert asked == [
        "(attribute_exists(#1) AND #0 > :1)",
        "attribute_exists(#1)",
        None,
        "#0 = :0",
        None,
    ]
    assert [next(iter(each)) for each in members(script)] == ["Update"] * 3 + ["Delete", "Update"]


def test_an_update_by_key_that_does_not_hold_is_told_as_that(script):
    script.answers.append(canceled({"Code": FAILED}))
    with pytest.raises(TransactionCanceled) as raised, transaction.atomic():
        Account.objects.filter(name="a").update(balance=1)
    assert type(raised.value.reasons[0].error) is Account.DoesNotExist


def test_get_or_create_reads_at_once_and_collects_what_it_makes(script):
    script.answers += [{"Item": {"name": {"S": "a"}}}, {}, {}]
    with transaction.atomic() as tx:
        found, made = Account.objects.get_or_create(name="a")
        new, made_too = Account.objects.get_or_create(name="b")
        assert (made, made_too, found.persisted, new.persisted) == (False, True, True, False)
    assert len(tx) == 1
    assert [each.api for each in script.sent] == ["GetItem", "GetItem", "TransactWriteItems"]


# -- what is told ----------------------------------------------------------------------------------


def test_reasons_are_in_the_order_of_the_calls_with_what_each_alone_would_have_raised(script):
    stored = {"name": {"S": "p"}, "a": {"N": "9"}, "version": {"N": "4"}}
    new, page, gone, poor, fine = (
        Account("new"),
        Page.from_db({**stored, "version": {"N": "3"}}),
        account("gone"),
        Account("poor"),
        Account("fine"),
    )
    user = User("u", email="e")
    page.a = gone.balance = 5
    sentinel = {"value": {"S": '["email","e"]'}, "owner": {"M": {"name": {"S": "other"}}}}
    script.answers += [
        canceled(
            {"Code": FAILED, "Item": {"name": {"S": "new"}}},
            "None",
            {"Code": FAILED, "Item": stored},
            {"Code": FAILED},
            {"Code": FAILED, "Item": {"name": {"S": "poor"}, "balance": {"N": "3"}}},
            "None",
            {"Code": FAILED, "Item": {"name": {"S": "limit"}, "balance": {"N": "7"}}},
            {"Code": FAILED, "Item": sentinel},
        )
    ]
    tx = transaction.atomic()
    with pytest.raises(TransactionCanceled) as raised:
        collect(
            tx,
            lambda: new.save(force_insert=True),
            fine.save,
            page.save,
            gone.save,
            lambda: poor.update(balance=F("balance") - 5, condition=Account.balance >= 5),
            lambda: user.save(force_insert=True),
            lambda: tx.check((Account, "limit"), Account.balance < 5),
        )
    reasons = raised.value.reasons
    assert [each.verb for each in reasons] == [
        "create", "save", "save", "save", "update", "create", "check",
    ]  # fmt: skip
    limit = Account("limit")
    assert [each.instance for each in reasons] == [new, fine, page, gone, poor, user, limit]
    assert [type(each.error) for each in reasons] == [
        Account.AlreadyExists,
        type(None),
        StaleItem,
        Account.DoesNotExist,
        ConditionFailed,
        User.AlreadyExists,
        ConditionFailed,
    ]
    assert reasons[5].error.fields == ("email",)
    assert reasons[5].error.owner == "other"
    assert [each.is_to_blame for each in reasons] == [True, False, True, True, True, True, True]
    assert (reasons[2].current.a, reasons[4].current.balance, reasons[6].current.balance) == (
        9,
        3,
        7,
    )
    assert "reasons[0], create of Account('new'): ConditionalCheckFailed" in str(raised.value)
    assert tx.state == "not committed"
    assert [each.persisted for each in (new, fine, user)] == [False] * 3
    assert (page.is_changed, page.version, gone.is_changed) == (True, 3, True)


def test_two_calls_for_one_item_have_its_reason_both(script):
    script.answers.append(canceled({"Code": FAILED}, "None"))
    item = account()
    steps = [lambda: item.update(balance=5), lambda: Account.create(name="y"), item.delete]
    with pytest.raises(TransactionCanceled) as raised:
        collect(transaction.atomic(), *steps)
    assert [each.code for each in raised.value.reasons] == [FAILED, "None", FAILED]


def test_what_dynamodb_finds_wrong_with_one_write_is_told_with_it(script):
    script.answers.append(canceled("None", {"Code": "ValidationError", "Message": "no number"}))
    steps = [lambda: Account.create(name="a"), lambda: account().update(F("balance").add(1))]
    with pytest.raises(TransactionCanceled) as raised:
        collect(transaction.atomic(), *steps)
    assert [(each.code, each.error) for each in raised.value.reasons] == [
        ("None", None),
        ("ValidationError", None),
    ]
    assert "update of Account('x'): ValidationError (no number)" in str(raised.value)


# -- trying again ----------------------------------------------------------------------------------


def test_a_conflict_is_tried_again_with_the_same_token_up_to_a_limit(script):
    script.answers += [canceled("TransactionConflict"), canceled("TransactionConflict"), {}]
    with transaction.atomic() as tx:
        Account.create(name="a")
    assert tx.state == "committed"
    assert {each.token for each in script.sent} == {tx.token}
    script.sent.clear()
    script.answers += [canceled("TransactionConflict") for _ in range(8)]
    with pytest.raises(TransactionCanceled) as raised, transaction.atomic() as tx:
        Account.create(name="b")
    assert (len(script.sent), raised.value.attempts) == (8, 8)
    assert {each.token for each in script.sent} == {tx.token}
    assert raised.value.reasons[0].code == "TransactionConflict"


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (ConnectionFailed("reset"), "unknown"),
        (make_service_error("InternalServerError", "x", status=500), "unknown"),
        (InvalidRequest("no"), "not committed"),
        (make_service_error("ThrottlingException", "x", status=400), "not committed"),
        (make_service_error("TransactionInProgressException", "x", status=400), "unknown"),
        (make_service_error("TransactionConflictException", "x", status=400), "not committed"),
        (canceled("None"), "not committed"),
    ],
    ids=["reset", "500", "invalid", "throttled", "in progress", "conflict", "canceled"],
)
def test_the_state_says_whether_it_may_have_been_carried_out(script, monkeypatch, error, state):
    monkeypatch.setattr(connections._connections["default"], "retries", Retries(attempts=1))
    script.answers.append(error)
    new = Account("a")
    with pytest.raises(type(error)), transaction.atomic() as tx:
        new.save()
    assert tx.state == state
    assert not new.persisted


def test_a_sentinel_that_is_another_items_is_left_alone_and_the_rest_carried_out(script):
    stored = {"name": {"S": "u"}, "email": {"S": "twice"}}
    user = User.from_db(stored)
    script.answers += [canceled("None", {"Code": FAILED, "Item": {"value": {"S": "v"}}}), {}]
    with transaction.atomic(token="mine") as tx:
        user.delete()
    assert [len(each.writes) for each in script.sent] == [2, 1]
    first, second = (each.token for each in script.sent)
    assert (first, tx.state) == ("mine", "committed")
    script.answers += [canceled("None", {"Code": FAILED, "Item": {"value": {"S": "v"}}}), {}]
    with transaction.atomic(token="mine"):
        User.from_db(stored).delete()
    assert script.sent[-1].token == second != first


# -- after the commit ------------------------------------------------------------------------------


def test_callbacks_come_after_the_commit_in_order_and_not_without_one(script):
    told = []
    script.answers.append({})
    with transaction.atomic() as tx:
        new = Account.create(name="a")
        transaction.on_commit(lambda: told.append((new.persisted, tx.state)))
        tx.on_commit(lambda: told.append("second"))
        assert told == []
    assert told == [(True, "committed"), "second"]
    with contextlib.suppress(LookupError), transaction.atomic():
        transaction.on_commit(lambda: told.append("never"))
        raise LookupError
    script.answers.append(canceled({"Code": FAILED}))
    with contextlib.suppress(TransactionCanceled), transaction.atomic():
        Account.create(name="a")
        transaction.on_commit(lambda: told.append("never"))
    assert len(told) == 2
    transaction.on_commit(lambda: told.append("at once"))
    assert told[2:] == ["at once"]


@pytest.mark.parametrize(
    ("answer", "error", "state", "called"),
    [
        (None, LookupError, "rolled back", ["rollback", "rollback"]),
        (canceled({"Code": FAILED}), TransactionCanceled, "not committed", ["rollback"] * 2),
        ({}, None, "committed", ["commit"]),
        (ConnectionFailed("no answer"), ConnectionFailed, "unknown", []),
    ],
)
@pytest.mark.parametrize("asks", [False, True], ids=["plain", "async"])
def test_what_is_called_is_about_how_the_block_ended(
    script, do, asks, answer, error, state, called
):
    told = []

    async def later():
        await asyncio.sleep(0)
        told.append("rollback")

    script.answers += [] if answer is None else [answer] * (4 if state == "unknown" else 1)
    tx = transaction.atomic()

    def steps():
        Account.create(name="a")
        transaction.on_commit(lambda: told.append("commit"))
        transaction.on_rollback(later if asks else lambda: told.append("rollback"))
        tx.on_rollback(lambda: told.append("rollback"))
        if answer is None:
            raise LookupError

    async def main():
        async with tx:
            await Account.acreate(name="b")
            transaction.on_commit(lambda: told.append("commit"))
            transaction.on_rollback(later if asks else lambda: told.append("rollback"))
            tx.on_rollback(lambda: told.append("rollback"))
            if answer is None:
                raise LookupError

    def block():
        if do.mode == "async":
            do.run(main())
        else:
            with tx:
                steps()

    if error is None:
        block()
    else:
        with pytest.raises(error):
            block()
    assert (tx.state, told) == (state, called)


def test_a_rollback_calls_nothing_outside_of_a_block_and_writes_are_sent_there(script):
    told = []
    transaction.on_rollback(lambda: told.append("never"))
    with pytest.raises(TypeError, match="takes a callable"):
        transaction.on_rollback("print")
    script.answers.append({})
    with contextlib.suppress(LookupError), transaction.atomic() as tx:
        Account.create(name="a")
        transaction.on_rollback(lambda: Account.create(name="failed"))
        raise LookupError
    assert [each.api for each in script.sent] == ["PutItem"]
    with pytest.raises(QueryError, match=r"on_rollback\(\): the transaction is rolled back"):
        tx.on_rollback(print)
    assert told == []


def test_an_async_callback_for_a_rollback_is_refused_before_anything_is_sent(script):
    async def later():
        raise AssertionError

    async def main():
        with transaction.atomic() as tx:
            Account.create(name="a")
            tx.on_rollback(later)

    with pytest.raises(QueryError, match="has to be awaited"):
        asyncio.run(main())
    assert script.sent == []


def test_a_callback_that_raises_is_raised_and_the_transaction_is_committed(script):
    told = []

    def fail():
        told.append("mail")
        raise LookupError

    script.answers.append({})
    tx, new = transaction.atomic(), Account("a")
    steps = [new.save, lambda: tx.on_commit(fail), lambda: tx.on_commit(told.clear)]
    with pytest.raises(LookupError):
        collect(tx, *steps)
    assert (tx.state, new.persisted, told) == ("committed", True, ["mail"])


def test_async_callbacks_are_awaited_or_refused_before_anything_is_sent(script):
    told = []

    async def later():
        await asyncio.sleep(0)
        told.append("later")

    async def main(kind):
        if kind == "async":
            async with transaction.atomic() as tx:
                await Account.acreate(name="a")
                tx.on_commit(later)
        else:
            with transaction.atomic() as tx:
                Account.create(name="a")
                tx.on_commit(later)

    script.answers += [{}, {}]
    asyncio.run(main("async"))
    with transaction.atomic() as tx:
        Account.create(name="a")
        tx.on_commit(later)
    assert told == ["later", "later"]
    with pytest.raises(QueryError, match=r"later, given to on_commit\(\), has to be awaited"):
        asyncio.run(main("sync"))
    assert len(script.sent) == 2


def test_receivers_hear_of_saves_after_the_commit_and_then_of_the_transaction(script):
    told = []

    def saving(instance, **_):
        told.append(("pre_save", instance.persisted))

    def saved(instance, **_):
        told.append(("post_save", instance.persisted))

    def committed(transaction, instances, **_):
        told.append(("committed", transaction.state, instances))

    signals = [(pre_save, saving), (post_save, saved), (transaction_committed, committed)]
    for signal, function in signals:
        signal.connect(function)
    try:
        script.answers.append({})
        with transaction.atomic() as tx:
            new = Account.create(name="a")
            transaction.check((Account, "b"), Account.balance > 1)
            tx.on_commit(lambda: told.append("callback"))
        expected = [("pre_save", False), ("post_save", True), ("committed", "committed", (new,))]
        assert told == [*expected, "callback"]
        told.clear()
        script.answers.append(canceled({"Code": FAILED}))
        with contextlib.suppress(TransactionCanceled), transaction.atomic():
            Account.create(name="a")
        assert told == [("pre_save", False)]
    finally:
        for signal, function in signals:
            signal.disconnect(function)


def test_what_it_costs_is_counted(script):
    script.answers.append({"ConsumedCapacity": [{"TableName": "Account", "CapacityUnits": 4.0}]})
    with capacity() as used, transaction.atomic():
        Account.create(name="a")
        Account.create(name="b")
    assert (used.write_units, used.requests) == (4.0, 1)
