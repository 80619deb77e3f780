"""Items past their TTL are deleted in time, and marked in streams."""

from __future__ import annotations

import pytest

from dynamodb_py.local.database.expiry import MOST, TOKEN_LIFE, TOO_OLD

from .database import Database, to_item

NOW = 1_700_000_000


@pytest.fixture
def database() -> Database:
    return Database()


def make_expiring(database: Database, **members) -> None:
    database.make_table(**members)
    enable(database)


def enable(database: Database, attribute: str = "ttl", *, enabled: bool = True) -> None:
    specification = {"AttributeName": attribute, "Enabled": enabled}
    database("UpdateTimeToLive", TableName="tab", TimeToLiveSpecification=specification)


def list_items(database: Database) -> set[str]:
    return {item["h"]["S"] for item in database("Scan", TableName="tab")["Items"]}


def pass_time(database: Database, seconds: float) -> None:
    database.now += seconds


@pytest.mark.parametrize(
    ("ttl", "is_gone"),
    [
        ({"N": str(NOW + 50)}, True),
        ({"N": str(NOW - 1000)}, True),
        ({"N": str(NOW + 50) + ".75"}, True),
        ({"N": str(NOW + 200)}, False),
        ({"N": "9" * 30}, False),
        ({"N": "1" + "0" * 100}, False),
        ({"N": "1"}, False),
        ({"N": str(NOW - TOO_OLD - 1)}, False),
        ({"N": "-5"}, False),
        ({"S": str(NOW + 50)}, False),
        ({"NULL": True}, False),
        (None, False),
    ],
)
def test_an_item_goes_when_its_number_of_seconds_has_passed(database, ttl, is_gone):
    make_expiring(database)
    item = to_item(h="it", r=1)
    database.put(item if ttl is None else {**item, "ttl": ttl})
    pass_time(database, 100)
    assert list_items(database) == (set() if is_gone else {"it"})


def test_the_last_value_counts(database):
    make_expiring(database)
    database.put(to_item(h="later", r=1, ttl=NOW + 10), to_item(h="later", r=1, ttl=NOW + 1000))
    database.put(to_item(h="sooner", r=1, ttl=NOW + 1000), to_item(h="sooner", r=1, ttl=NOW + 10))
    database.put(to_item(h="never", r=1, ttl=NOW + 10), to_item(h="never", r=1))
    database.put(to_item(h="again", r=1, ttl=NOW + 10))
    database("DeleteItem", TableName="tab", Key=to_item(h="again", r=1))
    database.put(to_item(h="again", r=1))
    pass_time(database, 100)
    assert list_items(database) == {"later", "never", "again"}


def test_items_that_are_older_than_the_setting_go_too_and_none_without_it(database):
    database.make_table()
    database.put(to_item(h="a", r=1, ttl=NOW + 10, other=NOW + 100))
    pass_time(database, 50)
    assert list_items(database) == {"a"}
    enable(database)
    enable(database, enabled=False)
    pass_time(database, 10)
    assert list_items(database) == {"a"}
    enable(database, "other")
    pass_time(database, 10)
    assert list_items(database) == {"a"}
    pass_time(database, 100)
    assert list_items(database) == set()


def test_a_deletion_by_ttl_is_marked_in_the_stream_and_leaves_the_indexes(database):
    view = {"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"}
    index = {"by_x": ("x:S", {"ProjectionType": "ALL"})}
    make_expiring(database, StreamSpecification=view, gsi=index)
    item = to_item(h="a", r=1, ttl=NOW + 10, x="x")
    database.put(item, to_item(h="b", r=1, x="x"))
    database("DeleteItem", TableName="tab", Key=to_item(h="b", r=1))
    pass_time(database, 100)
    assert database("Scan", TableName="tab", IndexName="by_x")["Count"] == 0
    arn = database("ListStreams")["Streams"][0]["StreamArn"]
    shard = database("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = database(
        "GetShardIterator", StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    *_, by_user, by_ttl = database("GetRecords", ShardIterator=iterator)["Records"]
    assert "userIdentity" not in by_user
    assert by_ttl["userIdentity"] == {
        "PrincipalId": "dynamodb.amazonaws.com",
        "Type": "Service",
    }
    assert (by_ttl["eventName"], by_ttl["dynamodb"]["OldImage"]) == ("REMOVE", item)


def test_one_sweep_deletes_some_and_the_next_request_goes_on(database):
    make_expiring(database)
    count = MOST + 50
    database.put(*(to_item(h=str(n), r=n, ttl=NOW + 10) for n in range(count)))
    pass_time(database, 100)
    assert len(list_items(database)) == 50
    assert len(list_items(database)) == 0


def test_sweeps_are_rare(database):
    make_expiring(database)
    database.put(to_item(h="a", r=1, ttl=NOW + 1))
    pass_time(database, 2)
    assert list_items(database) == {"a"}
    pass_time(database, 5)
    assert list_items(database) == set()


def test_a_deleted_table_leaves_nothing_to_expire(database):
    make_expiring(database)
    database.put(to_item(h="a", r=1, ttl=NOW + 10))
    database("DeleteTable", TableName="tab")
    database.make_table()
    pass_time(database, 100)
    assert list_items(database) == set()
    with database.engine.store.read() as snapshot:
        assert snapshot.run("SELECT count(*) FROM expiries").fetchone() == (0,)


def test_old_tokens_of_transactions_leave_the_database(database):
    database.make_table()
    put = {"Put": {"TableName": "tab", "Item": to_item(h="a", r=1)}}
    database("TransactWriteItems", TransactItems=[put], ClientRequestToken="token")
    pass_time(database, TOKEN_LIFE + 10)
    database("ListTables")
    with database.engine.store.read() as snapshot:
        assert snapshot.run("SELECT count(*) FROM tokens").fetchone() == (0,)


def test_expired_items_go_after_the_clock_was_set_back(database):
    make_expiring(database)
    pass_time(database, -100_000)
    database.put({**to_item(h="it", r=1), "ttl": {"N": str(int(database.now) + 50)}})
    pass_time(database, 100)
    assert list_items(database) == set()
