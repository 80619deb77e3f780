"""Streams: what writes record, and how readers go through it."""

from __future__ import annotations

from typing import Any

import pytest

from .database import Database, to_item

DAY = 24 * 3600


@pytest.fixture
def database() -> Database:
    return Database()


def make_streamed(database: Database, view: str = "NEW_AND_OLD_IMAGES", name: str = "tab") -> str:
    specification = {"StreamEnabled": True, "StreamViewType": view}
    database.make_table(name, StreamSpecification=specification)
    arn: str = database("DescribeTable", TableName=name)["Table"]["LatestStreamArn"]
    return arn


def find_shard(database: Database, arn: str) -> dict[str, Any]:
    description = database("DescribeStream", StreamArn=arn)["StreamDescription"]
    (shard,) = description["Shards"]
    return shard


def make_iterator(database: Database, arn: str, kind: str = "TRIM_HORIZON", **members: Any) -> str:
    shard = find_shard(database, arn)["ShardId"]
    return database(
        "GetShardIterator", StreamArn=arn, ShardId=shard, ShardIteratorType=kind, **members
    )["ShardIterator"]


def read_all(database: Database, arn: str) -> list[dict[str, Any]]:
    return database("GetRecords", ShardIterator=make_iterator(database, arn))["Records"]


def put_some(database: Database, count: int) -> None:
    database.put(*(to_item(h="a", r=n) for n in range(count)))


def test_each_kind_of_change_is_recorded_in_order_with_its_images(database):
    arn = make_streamed(database)
    first, second = to_item(h="a", r=1, x="one"), to_item(h="a", r=1, x="two")
    key = to_item(h="a", r=1)
    database.put(first, second)
    database("DeleteItem", TableName="tab", Key=key)
    records = read_all(database, arn)
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    images = [
        (record["dynamodb"].get("OldImage"), record["dynamodb"].get("NewImage"))
        for record in records
    ]
    assert images == [(None, first), (first, second), (second, None)]
    assert all(record["dynamodb"]["Keys"] == key for record in records)
    assert records[1]["dynamodb"]["SizeBytes"] == 5 + 2 * 9
    assert records[0]["dynamodb"]["ApproximateCreationDateTime"] == 1_700_000_000
    assert len({record["eventID"] for record in records}) == 3
    assert {"eventVersion", "eventSource", "awsRegion"} < records[0].keys()


def test_sequence_numbers_grow_and_have_the_length_that_clients_accept(database):
    arn = make_streamed(database)
    put_some(database, 12)
    numbers = [record["dynamodb"]["SequenceNumber"] for record in read_all(database, arn)]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == 12
    assert all(21 <= len(number) <= 40 and number.isdigit() for number in numbers)
    assert find_shard(database, arn)["SequenceNumberRange"]["StartingSequenceNumber"] <= numbers[0]


@pytest.mark.parametrize(
    ("view", "members"),
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
def test_a_record_has_the_images_of_the_view(database, view, members):
    arn = make_streamed(database, view)
    database.put(to_item(h="a", r=1, x="one"), to_item(h="a", r=1, x="two"))
    found = read_all(database, arn)[1]["dynamodb"]
    assert found.keys() & {"NewImage", "OldImage"} == members
    assert found["StreamViewType"] == view


def test_a_write_that_changes_nothing_or_fails_records_nothing(database):
    arn = make_streamed(database)
    key, item = to_item(h="a", r=1), to_item(h="a", r=1, x="one")
    database.put(item, item)
    database("DeleteItem", TableName="tab", Key=to_item(h="none", r=1))
    database("UpdateItem", TableName="tab", Key=key)
    database.refuse(
        "TransactWriteItems",
        TransactItems=[
            {"Put": {"TableName": "tab", "Item": to_item(h="b", r=1)}},
            {"Delete": {"TableName": "tab", "Key": to_item(h="b")}},
        ],
    )
    assert len(read_all(database, arn)) == 1


def test_batches_and_transactions_are_recorded(database):
    arn = make_streamed(database)
    puts = [{"PutRequest": {"Item": to_item(h="a", r=n)}} for n in range(3)]
    database("BatchWriteItem", RequestItems={"tab": puts})
    database(
        "TransactWriteItems",
        TransactItems=[
            {"Put": {"TableName": "tab", "Item": to_item(h="b", r=1)}},
            {"Delete": {"TableName": "tab", "Key": to_item(h="a", r=1)}},
        ],
    )
    names = [record["eventName"] for record in read_all(database, arn)]
    assert names == ["INSERT"] * 4 + ["REMOVE"]


@pytest.mark.parametrize(
    ("kind", "number", "expected"),
    [
        ("TRIM_HORIZON", None, [0, 1, 2, 3]),
        ("LATEST", None, []),
        ("AT_SEQUENCE_NUMBER", 1, [1, 2, 3]),
        ("AFTER_SEQUENCE_NUMBER", 1, [2, 3]),
        ("AFTER_SEQUENCE_NUMBER", 3, []),
    ],
)
def test_an_iterator_begins_where_its_kind_says(database, kind, number, expected):
    arn = make_streamed(database)
    put_some(database, 4)
    records = read_all(database, arn)
    members = {}
    if number is not None:
        members["SequenceNumber"] = records[number]["dynamodb"]["SequenceNumber"]
    iterator = make_iterator(database, arn, kind, **members)
    answer = database("GetRecords", ShardIterator=iterator)
    assert answer["Records"] == [records[n] for n in expected]
    database.put(to_item(h="later", r=1))
    following = database("GetRecords", ShardIterator=answer["NextShardIterator"])["Records"]
    assert [record["dynamodb"]["Keys"]["h"]["S"] for record in following] == ["later"]


def test_an_iterator_at_a_time_begins_with_the_first_record_since_then(database):
    arn = make_streamed(database)
    for number in range(3):
        database.put(to_item(h="a", r=number))
        database.now += 10
    iterator = make_iterator(database, arn, "AT_TIMESTAMP", Timestamp=1_700_000_010)
    assert len(database("GetRecords", ShardIterator=iterator)["Records"]) == 2


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_pages_of_any_size_have_all_records_once(database, limit):
    arn = make_streamed(database)
    put_some(database, 7)
    found, iterator = [], make_iterator(database, arn)
    while True:
        answer = database("GetRecords", ShardIterator=iterator, Limit=limit)
        if not answer["Records"]:
            break
        assert len(answer["Records"]) <= limit
        found += answer["Records"]
        iterator = answer["NextShardIterator"]
    assert found == read_all(database, arn)


def test_a_page_has_one_megabyte_at_most(database):
    arn = make_streamed(database)
    database.put(*(to_item(h="a", r=n, x="x" * 390_000) for n in range(3)))
    answer = database("GetRecords", ShardIterator=make_iterator(database, arn))
    assert len(answer["Records"]) == 2
    assert len(database("GetRecords", ShardIterator=answer["NextShardIterator"])["Records"]) == 1


def test_records_are_kept_for_a_day(database):
    arn = make_streamed(database)
    database.put(to_item(h="old", r=1))
    old = read_all(database, arn)[0]["dynamodb"]["SequenceNumber"]
    database.now += DAY / 2
    database.put(to_item(h="new", r=1))
    iterator = make_iterator(database, arn)
    database.now += DAY / 2 + 1
    assert [each["dynamodb"]["Keys"]["h"]["S"] for each in read_all(database, arn)] == ["new"]
    kind = "AT_SEQUENCE_NUMBER"
    with pytest.raises(Exception, match="TrimmedDataAccessException"):
        make_iterator(database, arn, kind, SequenceNumber=old)
    assert "ExpiredIteratorException" in database.refuse("GetRecords", ShardIterator=iterator)


def test_an_iterator_whose_record_was_trimmed_is_refused(database):
    arn = make_streamed(database)
    database.put(to_item(h="old", r=1))
    database.now += DAY - 10
    iterator = make_iterator(database, arn)
    database.now += 20
    assert "TrimmedDataAccessException" in database.refuse("GetRecords", ShardIterator=iterator)


def test_what_is_trimmed_leaves_the_database(database):
    make_streamed(database)
    put_some(database, 450)
    database.now += DAY + 10
    for _ in range(3):
        database("ListTables")
    with database.engine.store.read() as snapshot:
        assert snapshot.run("SELECT count(*) FROM records").fetchone() == (0,)


def test_streams_are_listed_by_table_and_in_pages(database):
    arns = sorted(make_streamed(database, name=name) for name in ("one", "two", "three"))
    database.make_table("none")
    assert [each["StreamArn"] for each in database("ListStreams")["Streams"]] == arns
    (two,) = database("ListStreams", TableName="two")["Streams"]
    assert two["TableName"] == "two"
    assert database("ListStreams", TableName="none") == {"Streams": []}
    page = database("ListStreams", Limit=2)
    assert page["LastEvaluatedStreamArn"] == arns[1]
    rest = database("ListStreams", ExclusiveStartStreamArn=page["LastEvaluatedStreamArn"])
    assert [each["StreamArn"] for each in page["Streams"] + rest["Streams"]] == arns
    assert "LastEvaluatedStreamArn" not in rest


@pytest.mark.parametrize("how", ["disabled", "deleted"])
def test_an_ended_stream_can_be_read_to_its_end_for_a_day(database, how):
    arn = make_streamed(database)
    put_some(database, 2)
    database.now += 5
    if how == "disabled":
        off = {"StreamEnabled": False}
        database("UpdateTable", TableName="tab", StreamSpecification=off)
        database.put(to_item(h="later", r=1))
    else:
        database("DeleteTable", TableName="tab")
    description = database("DescribeStream", StreamArn=arn)["StreamDescription"]
    assert description["StreamStatus"] == "DISABLED"
    assert "EndingSequenceNumber" in description["Shards"][0]["SequenceNumberRange"]
    answer = database("GetRecords", ShardIterator=make_iterator(database, arn))
    assert len(answer["Records"]) == 2
    assert "NextShardIterator" not in answer
    database.now += DAY + 1
    assert "ResourceNotFoundException" in database.refuse("DescribeStream", StreamArn=arn)
    assert database("ListStreams") == {"Streams": []}


def test_a_stream_that_is_enabled_again_is_another(database):
    arn = make_streamed(database)
    database.now += 1
    database("UpdateTable", TableName="tab", StreamSpecification={"StreamEnabled": False})
    database.now += 1
    again = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    database("UpdateTable", TableName="tab", StreamSpecification=again)
    other = database("DescribeTable", TableName="tab")["Table"]["LatestStreamArn"]
    assert other != arn
    put_some(database, 1)
    assert (len(read_all(database, arn)), len(read_all(database, other))) == (0, 1)
    assert find_shard(database, arn)["ShardId"] != find_shard(database, other)["ShardId"]


def test_shards_are_described_in_pages_and_without_children(database):
    arn = make_streamed(database)
    shard = find_shard(database, arn)["ShardId"]
    assert 28 <= len(shard) <= 65
    for members in (
        {"ExclusiveStartShardId": shard},
        {"ShardFilter": {"Type": "CHILD_SHARDS", "ShardId": shard}},
    ):
        found = database("DescribeStream", StreamArn=arn, **members)["StreamDescription"]
        assert found["Shards"] == []


UNKNOWN = "arn:aws:dynamodb:local:000000000000:table/none/stream/x"


@pytest.mark.parametrize(
    ("operation", "members", "message"),
    [
        ("DescribeStream", {}, "'streamArn' failed to satisfy constraint: Member must not be null"),
        ("DescribeStream", {"StreamArn": UNKNOWN}, "ResourceNotFoundException: Requested resource"),
        ("DescribeStream", {"StreamArn": "x"}, "length greater than or equal to 37"),
        ("GetRecords", {"ShardIterator": "x"}, "Invalid ShardIterator"),
        ("GetRecords", {"ShardIterator": "x|1|WzEsMl0="}, "ExpiredIteratorException"),
        ("GetRecords", {"ShardIterator": "x|1|W10="}, "Invalid ShardIterator"),
        ("GetRecords", {"ShardIterator": "x|1|WzEsMTcwMDAwMDAwMF0="}, "ResourceNotFoundException"),
        ("GetRecords", {"ShardIterator": "x", "Limit": 1001}, "less than or equal to 1000"),
        ("ListStreams", {"Limit": 0}, "greater than or equal to 1"),
    ],
)
def test_a_wrong_request_is_refused(database, operation, members, message):
    assert message in database.refuse(operation, **members)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"ShardIteratorType": "OTHER"}, "Member must satisfy enum value set"),
        ({"ShardIteratorType": "AT_SEQUENCE_NUMBER"}, "SequenceNumber must be provided"),
        ({"ShardIteratorType": "AT_TIMESTAMP"}, "Timestamp must be provided"),
        (
            {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": "9" * 24},
            "Invalid SequenceNumber",
        ),
        (
            {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": "1"},
            "length greater than or equal to 21",
        ),
        (
            {"ShardIteratorType": "LATEST", "ShardId": "shardId-00000000000000000000-0000"},
            "ResourceNotFoundException: Requested resource not found: Shard",
        ),
    ],
)
def test_a_wrong_iterator_is_refused(database, members, message):
    arn = make_streamed(database)
    shard = find_shard(database, arn)["ShardId"]
    request = {"StreamArn": arn, "ShardId": shard, **members}
    assert message in database.refuse("GetShardIterator", **request)
