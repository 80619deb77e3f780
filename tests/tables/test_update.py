"""Live tables that are changed: late indexes, options, interruptions, other runs at the same time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

import dynamodb_py
from dynamodb_py import (
    CharField,
    GlobalIndex,
    IntegerField,
    Model,
    Table,
    TableMismatch,
    TimestampField,
)
from dynamodb_py.exceptions import InvalidRequest, TableInUse, make_service_error
from dynamodb_py.operations.tables import AddIndex, ChangeOptions, DropIndex, UpdateTable
from dynamodb_py.schema import TableSchema

from ..eventually import eventually
from .test_options import Offline, described, model
from .test_table import apis, play, refused


def declare(name: str, *indexes: Any, **meta: Any) -> type[Any]:
    class Score(Model):
        Meta = type("Meta", (), {"table_name": name, "indexes": list(indexes), **meta})

        player = CharField(hash_key=True)
        title = CharField()
        points = IntegerField(default=0)
        expires = TimestampField(name="e")

    return Score


def by_title() -> Any:
    return GlobalIndex("by_title", hash_key="title", range_key="points")


NEW = {"ttl": "expires", "stream": "new_and_old_images", "tags": {"team": "games"}}


# --- on engines ---


@pytest.mark.engines("dynoxide", "extenddb")
def test_a_late_index_is_added_filled_and_removed(engine, do):
    old = declare("scores")
    do(Table(old).create)
    do(old.batch_write, [{"player": f"p{n}", "title": "t", "points": n} for n in range(30)])
    table = Table(declare("scores", by_title()))
    steps: list[tuple[int, int]] = []
    assert len(do(table.update, dry_run=True)) == 1
    assert TableSchema.parse(do(table.info)).indexes == ()

    described = do(table.update, progress=lambda done, total: steps.append((done, total)))

    assert [each["IndexStatus"] for each in described["GlobalSecondaryIndexes"]] == ["ACTIVE"]
    assert (steps[0], steps[-1]) == ((0, 1), (1, 1))
    found = eventually(
        lambda: table.model.objects.index("by_title").filter(title="t").count(),
        lambda counted: counted == 30,
    )
    assert found == 30
    assert not do(table.plan)

    assert do(Table(old).plan).notes
    do(Table(old).update)  # it is left
    assert TableSchema.parse(do(table.info)).indexes
    do(Table(old).update, drop_indexes=True)
    assert TableSchema.parse(do(table.info)).indexes == ()


@pytest.mark.engines("moto", embedded=False)
def test_an_engine_that_accepts_an_option_and_drops_it_is_reported_after_the_rest(engine, do):
    do(Table(declare("scores")).create)
    table = Table(declare("scores", by_title(), table_class="standard_infrequent_access"))
    with pytest.raises(TableMismatch, match="did not keep them: set table_class to") as raised:
        do(table.update)
    [difference] = raised.value.differences
    assert difference.startswith("table_class: the model has")
    assert [step.part for step in do(table.plan)] == ["table_class"]


@pytest.mark.engines("dynoxide", "extenddb")
def test_the_table_of_the_sentinels_is_in_the_plan(engine, do):
    class User(Model):
        name = CharField(hash_key=True)
        email = CharField(unique=True)

    table = Table(User)
    do(table.create)
    assert not do(table.plan)
    sentinels = engine.table_name("User-unique")
    engine.boto3().delete_table(TableName=sentinels)
    eventually(lambda: engine.boto3().list_tables()["TableNames"], lambda n: sentinels not in n)
    [step] = do(table.plan)
    assert (step.table, step.part) == (sentinels, "uniqueness")
    assert do(table.update, dry_run=True) == do(table.plan)
    do(table.update)
    assert not do(table.plan)


@pytest.mark.engines("dynoxide", "extenddb")
def test_another_index_takes_two_runs_under_a_new_name(engine, do):
    do(Table(declare("scores", by_title())).create)
    changed = GlobalIndex("by_title", hash_key="title")
    with pytest.raises(TableMismatch, match=r'declare it as GlobalIndex\("by_title_2", \.\.\.\)'):
        do(Table(declare("scores", changed)).update, drop_indexes=True)
    renamed = Table(declare("scores", GlobalIndex("by_title_2", hash_key="title")))
    for options, names in [
        ({}, {"by_title", "by_title_2"}),
        ({"drop_indexes": True}, {"by_title_2"}),
    ]:
        do(renamed.update, **options)
        assert {each.name for each in TableSchema.parse(do(renamed.info)).indexes} == names


class Killed(Exception):
    """The end of a run: its process was killed."""


class Killer:
    """Lets requests through to a transport, until the run is killed after one of them."""

    def __init__(self, connection: Any, after: int) -> None:
        self.left = after
        self.inner, self.async_inner = connection.transport, connection.async_transport
        connection.transport, connection.async_transport = self, AsyncKiller(self)

    def send(self, operation: Any, /) -> bytes:
        body: bytes = self.inner.send(operation)
        self.count()
        return body

    def count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed

    def close(self) -> None:
        self.inner.close()


class AsyncKiller:
    """The same, awaited."""

    def __init__(self, killer: Killer) -> None:
        self.killer = killer

    async def send(self, operation: Any, /) -> bytes:
        body: bytes = await self.killer.async_inner.send(operation)
        self.killer.count()
        return body

    async def close(self) -> None:
        await self.killer.async_inner.close()


def kill_after(engine: Any, do: Any, table: Table, requests: int) -> bool:
    """Update *table* until the run is killed after so many *requests*; tell whether it was."""
    connection = dynamodb_py.connect(
        engine.address, alias="killed", **engine.access, table_prefix=engine.prefix
    )
    Killer(connection, requests)
    try:
        do(Table(table.model, using="killed").update)
    except Killed:
        return True
    finally:
        if do.mode == "async":
            do.run(connection.async_transport.close())
        connection.transport.close()
    return False


@contextmanager
def writers(old: type[Any]) -> Iterator[list[str]]:
    """Have items written in another thread; their keys are in the list when the block is over."""
    written: list[str] = []
    stop = threading.Event()

    def write() -> None:
        for number in count():
            if stop.is_set():
                return
            key = f"writer-{number}"
            old.objects.create(player=key, title="t", points=number)
            written.append(key)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        stop.set()
        thread.join()


def check_whole(do: Any, table: Table, expected: set[str]) -> None:
    """Check that the plan is empty, and that the table and its index have all items."""
    assert not do(table.plan), str(do(table.plan))
    assert do(table.diff) == []
    objects = table.model.objects
    assert {item.player for item in objects.all()} == expected
    indexed = eventually(
        lambda: {item.player for item in objects.index("by_title").filter(title="t")},
        lambda found: len(found) >= len(expected),
    )
    assert indexed == expected


@pytest.mark.engines("dynoxide", "extenddb")
def test_a_run_that_is_killed_after_any_request_is_continued_by_the_next(engine, do):
    for requests in count(1):
        name = f"scores{requests}"
        old, table = declare(name), Table(declare(name, by_title(), **NEW))
        Table(old).create()
        keys = {f"p{n}" for n in range(10)}
        old.batch_write([{"player": key, "title": "t"} for key in keys])
        with writers(old) as written:
            killed = kill_after(engine, do, table, requests)
            do(table.update)
        check_whole(do, table, keys | {*written})
        Table(old).delete()
        if not killed:
            assert requests > 10
            return


@pytest.mark.engines("dynoxide", "extenddb")
@pytest.mark.parametrize("size", [200, pytest.param(20_000, marks=pytest.mark.slow)])
def test_runs_that_are_killed_one_after_the_other_get_to_the_end(engine, do, size):
    old, table = declare("scores"), Table(declare("scores", by_title(), **NEW))
    Table(old).create()
    keys = {f"p{n}" for n in range(size)}
    old.batch_write(({"player": key, "title": "t"} for key in keys), workers=4)
    with writers(old) as written:
        requests = 1
        while kill_after(engine, do, table, requests):
            requests += 1
    check_whole(do, table, keys | {*written})


@pytest.mark.engines("dynoxide", "extenddb")
def test_runs_at_the_same_time_do_no_harm(engine, do):
    old, table = declare("scores"), Table(declare("scores", by_title(), **NEW))
    Table(old).create()
    old.batch_write([{"player": f"p{n}", "title": "t"} for n in range(50)])
    errors: list[BaseException] = []

    def update() -> None:
        try:
            table.update()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=update) for _ in range(4)]
    for thread in threads:
        thread.start()
    do(table.update)
    for thread in threads:
        thread.join()
    assert errors == []
    check_whole(do, table, {f"p{n}" for n in range(50)})


# --- each step, without an engine ---


def with_index(status: str = "ACTIVE", **more: Any) -> dict[str, Any]:
    schema = INDEXED._meta.schema
    [index] = schema.encode()["GlobalSecondaryIndexes"]
    attributes = schema.encode()["AttributeDefinitions"]
    indexes = [{**index, "IndexStatus": status, **more}]
    return described(GlobalSecondaryIndexes=indexes, AttributeDefinitions=attributes)


PLAIN = model()
INDEXED = model([GlobalIndex("by_title", hash_key="title")])


def test_an_index_is_waited_for_until_it_is_filled():
    answers = [
        described(),
        with_index("CREATING"),
        with_index("CREATING", Backfilling=True),
        with_index("ACTIVE", Backfilling=True),
        with_index(),
    ]
    value, asked, pauses = play(Offline(INDEXED)._update(), *answers)
    assert value["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE"
    assert [type(each) for each in asked if each.api == "UpdateTable"] == [AddIndex]
    assert len(pauses) == 2


def test_when_the_time_is_over_the_error_says_how_far_the_index_is():
    answers = [described(), with_index("CREATING", Backfilling=True)]
    flow = Offline(INDEXED)._update(timeout=0.0)
    with pytest.raises(TableInUse, match=r"index by_title CREATING \(backfilling\)"):
        play(flow, *answers, with_index("CREATING", Backfilling=True))


@pytest.mark.parametrize("code", ["ResourceInUseException", "LimitExceededException"])
def test_an_index_waits_for_the_change_of_another_run(code):
    answers = [described(), refused(code), described(), with_index("CREATING"), with_index()]
    _, asked, pauses = play(Offline(INDEXED)._update(), *answers)
    assert apis(asked).count("UpdateTable") == 2
    assert len(pauses) == 1


@pytest.mark.parametrize(
    "code", ["ResourceInUseException", "LimitExceededException", "ValidationException"]
)
def test_an_index_that_another_run_has_made_meanwhile_is_fine(code):
    answers = [described(), refused(code), with_index("CREATING"), with_index()]
    _, asked, _ = play(Offline(INDEXED)._update(), *answers)
    assert apis(asked).count("UpdateTable") == 1


def test_an_index_that_another_run_has_removed_meanwhile_is_fine():
    flow = Offline(PLAIN)._update(drop_indexes=True)
    gone = make_service_error("ResourceNotFoundException", "Index: by_title not found")
    _, asked, _ = play(flow, with_index(), gone, described())
    assert [type(each) for each in asked if each.api == "UpdateTable"] == [DropIndex]


def test_a_limit_of_the_day_is_an_error_at_once():
    changed = Offline(model(table_class="standard_infrequent_access"))
    with pytest.raises(dynamodb_py.LimitExceeded):
        play(changed._update(), described(), refused("LimitExceededException"))


def test_a_description_that_is_old_is_looked_at_again_before_it_counts():
    changed = Offline(model(deletion_protection=True))
    new = described(DeletionProtectionEnabled=True)
    answers = [described(), new, described(), described(), new]
    _, asked, pauses = play(changed._update(), *answers)
    assert [type(each) for each in asked if each.api == "UpdateTable"] == [ChangeOptions]
    assert len(pauses) == 2


def test_an_error_in_the_middle_leaves_the_rest_to_the_next_run():
    changed = Offline(model(deletion_protection=True, stream="keys_only"))
    protected = described(DeletionProtectionEnabled=True)
    lost = refused("ValidationException")
    with pytest.raises(InvalidRequest) as raised:
        play(changed._update(), described(), protected, protected, lost, protected)
    assert raised.value is lost


def test_without_waiting_the_first_step_is_sent_and_no_other():
    changed = Offline(model(deletion_protection=True, stream="keys_only"))
    updating = described(DeletionProtectionEnabled=True, TableStatus="UPDATING")
    value, asked, _ = play(changed._update(wait=False), described(), updating)
    assert (value["TableStatus"], apis(asked)) == ("UPDATING", ["DescribeTable", "UpdateTable"])


def test_a_dry_run_changes_nothing_and_refuses_what_is_impossible():
    steps, asked, _ = play(Offline(INDEXED)._update(dry_run=True), described())
    assert ([type(each.operation) for each in steps], apis(asked)) == (
        [AddIndex],
        ["DescribeTable"],
    )
    other = model([GlobalIndex("by_title", hash_key="title", projection="keys")])
    with pytest.raises(TableMismatch, match="takes two runs"):
        play(Offline(other)._update(dry_run=True), with_index())
    wanted = Offline(PLAIN)._update(dry_run=True, read_capacity=1, write_capacity=1)
    assert isinstance(play(wanted, described())[0][0].operation, UpdateTable)
