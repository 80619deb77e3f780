"""boto3's resource and paginators, and other mappers' own models, on the embedded database over HTTP."""

from __future__ import annotations

import importlib
from datetime import datetime, timezone
from decimal import Decimal

import pytest

from dynamodb_py.local.database.engine import Engine
from dynamodb_py.local.server import Server

from ..engines import ACCESS_KEY, REGION, SECRET_KEY, boto3_client
from ..integration.mappers import import_bloop

STAMP = datetime(2026, 11, 30, 12, 30, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def url():
    engine = Engine()
    with Server(engine, port=0) as server:
        yield server.url
    engine.close()


@pytest.fixture(scope="module")
def client(url):
    client = boto3_client(url)
    yield client
    client.close()


@pytest.fixture(scope="module")
def resource(url):
    import boto3

    session = boto3.Session(
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=REGION
    )
    resource = session.resource("dynamodb", endpoint_url=url)
    yield resource
    resource.meta.client.close()


@pytest.fixture(scope="module")
def table(resource):
    table = resource.create_table(
        TableName="movies",
        KeySchema=[
            {"AttributeName": "year", "KeyType": "HASH"},
            {"AttributeName": "title", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "year", "AttributeType": "N"},
            {"AttributeName": "title", "AttributeType": "S"},
            {"AttributeName": "rating", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_rating",
                "KeySchema": [
                    {"AttributeName": "year", "KeyType": "HASH"},
                    {"AttributeName": "rating", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    table.wait_until_exists()
    with table.batch_writer() as batch:
        for n in range(60):
            batch.put_item({"year": 2000 + n % 2, "title": f"m{n:02}", "rating": Decimal(n) / 10})
    return table


def test_the_resource_writes_finds_and_changes_items(table):
    from boto3.dynamodb.conditions import Attr, Key
    from botocore.exceptions import ClientError

    item = {
        "year": 1999,
        "title": "Matrix",
        "actors": ["Keanu", {"as": "Neo"}],
        "tags": {"sci-fi", "action"},
        "numbers": {Decimal(1), Decimal("2.5")},
        "blob": b"\x00\xff",
        "seen": None,
        "good": True,
    }
    key = {"year": 1999, "title": "Matrix"}
    table.put_item(Item=item)
    found = table.get_item(Key=key, ConsistentRead=True)["Item"]
    assert {**found, "blob": bytes(found["blob"])} == item
    changed = table.update_item(
        Key=key,
        UpdateExpression="SET rating = :r ADD tags :t REMOVE actors[0]",
        ConditionExpression=Attr("good").eq(True) & Attr("rating").not_exists(),
        ExpressionAttributeValues={":r": Decimal("8.7"), ":t": {"classic"}},
        ReturnValues="ALL_NEW",
    )["Attributes"]
    assert (changed["actors"], changed["rating"]) == ([{"as": "Neo"}], Decimal("8.7"))
    query = table.query(
        IndexName="by_rating",
        KeyConditionExpression=Key("year").eq(1999) & Key("rating").between(8, 9),
    )
    assert query["Items"] == [{**key, "rating": Decimal("8.7")}]
    filtered = table.scan(FilterExpression=Attr("tags").contains("classic"))
    assert [each["title"] for each in filtered["Items"]] == ["Matrix"]
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        table.put_item(Item=key, ConditionExpression=Attr("title").not_exists())
    with pytest.raises(table.meta.client.exceptions.ConditionalCheckFailedException):
        table.delete_item(Key=key, ConditionExpression=Attr("rating").lt(5))
    assert table.delete_item(Key=key, ReturnValues="ALL_OLD")["Attributes"]["rating"]


def test_the_paginators_give_every_item_once(client, table):
    pages = client.get_paginator("query").paginate(
        TableName="movies",
        KeyConditionExpression="#y = :y",
        ExpressionAttributeNames={"#y": "year"},
        ExpressionAttributeValues={":y": {"N": "2000"}},
        PaginationConfig={"PageSize": 7},
    )
    titles = [item["title"]["S"] for page in pages for item in page["Items"]]
    assert titles == [f"m{n:02}" for n in range(0, 60, 2)]
    scanned = []
    for segment in range(3):
        pages = client.get_paginator("scan").paginate(
            TableName="movies", Segment=segment, TotalSegments=3, PaginationConfig={"PageSize": 4}
        )
        scanned += [item["title"]["S"] for page in pages for item in page["Items"]]
    assert sorted(scanned) == [f"m{n:02}" for n in range(60)]
    names = client.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 1})
    assert "movies" in [name for page in names for name in page["TableNames"]]


def test_transactions_batches_and_statements_go_through_the_client(client, table):
    keys = [{"year": {"N": "1"}, "title": {"S": title}} for title in "ab"]
    client.transact_write_items(
        TransactItems=[{"Put": {"TableName": "movies", "Item": key}} for key in keys]
    )
    with pytest.raises(client.exceptions.TransactionCanceledException) as info:
        client.transact_write_items(
            TransactItems=[
                {"Delete": {"TableName": "movies", "Key": keys[0]}},
                {
                    "ConditionCheck": {
                        "TableName": "movies",
                        "Key": keys[1],
                        "ConditionExpression": "attribute_exists(rating)",
                    }
                },
            ]
        )
    reasons = info.value.response["CancellationReasons"]
    assert [each["Code"] for each in reasons] == ["None", "ConditionalCheckFailed"]
    found = client.batch_get_item(RequestItems={"movies": {"Keys": keys}})
    assert sorted(item["title"]["S"] for item in found["Responses"]["movies"]) == ["a", "b"]
    gets = [{"Get": {"TableName": "movies", "Key": key}} for key in keys]
    answer = client.transact_get_items(TransactItems=gets)
    assert [each["Item"] for each in answer["Responses"]] == keys


def test_a_stream_is_read_by_the_other_client(url, client, table):
    streams = boto3_client(url, "dynamodbstreams")
    arn = client.describe_table(TableName="movies")["Table"]["LatestStreamArn"]
    shards = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shards[0]["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    streams.close()
    assert records[0]["eventName"] == "INSERT"
    assert records[0]["dynamodb"]["NewImage"]["title"]["S"].startswith("m")
    numbers = [int(each["dynamodb"]["SequenceNumber"]) for each in records]
    assert numbers == sorted(set(numbers))


def test_pynamodb_makes_its_table_and_uses_it(url):
    from pynamodb.attributes import (
        ListAttribute,
        NumberAttribute,
        UnicodeAttribute,
        UTCDateTimeAttribute,
        VersionAttribute,
    )
    from pynamodb.connection import Connection
    from pynamodb.exceptions import PutError, TransactWriteError
    from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
    from pynamodb.models import Model
    from pynamodb.transactions import TransactWrite

    options = {"host": url, "region": REGION}
    keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}

    class ByScore(GlobalSecondaryIndex):
        class Meta:
            projection = AllProjection()

        group = UnicodeAttribute(hash_key=True)
        score = NumberAttribute(range_key=True)

    class Player(Model):
        Meta = type(
            "Meta",
            (),
            {"table_name": "players", "billing_mode": "PAY_PER_REQUEST", **options, **keys},
        )
        name = UnicodeAttribute(hash_key=True)
        group = UnicodeAttribute()
        score = NumberAttribute(default=0)
        seen = UTCDateTimeAttribute(null=True)
        log = ListAttribute(default=list)
        version = VersionAttribute()
        by_score = ByScore()

    Player.create_table(wait=True)
    with Player.batch_write() as batch:
        for n in range(30):
            batch.save(Player(f"p{n:02}", group="x", score=n, version=1))
    assert Player.count() == 30
    found = Player.by_score.query("x", Player.score >= 25, scan_index_forward=False, page_size=2)
    assert [player.score for player in found] == [29, 28, 27, 26, 25]
    player, other = Player.get("p03"), Player.get("p03")
    player.update(
        [Player.score.add(100), Player.log.set(Player.log.append(["a"])), Player.seen.set(STAMP)]
    )
    assert (player.score, player.log, player.seen) == (103, ["a"], STAMP)
    with pytest.raises(PutError):
        other.save()
    connection = Connection(**options)
    connection.session.set_credentials(ACCESS_KEY, SECRET_KEY)
    writing = TransactWrite(connection=connection)
    writing.delete(Player.get("p04"))
    writing.condition_check(Player, "p05", condition=Player.score == 0)
    with pytest.raises(TransactWriteError):
        writing._commit()
    assert [each.name for each in Player.scan(Player.log.contains("a"))] == ["p03"]
    assert len(list(Player.batch_get([f"p{n:02}" for n in range(30)]))) == 30
    Player.delete_table()


def test_bloop_makes_its_table_and_uses_it(url, client):
    bloop = import_bloop()
    importlib.import_module("bloop.conditions")

    class User(bloop.BaseModel):
        class Meta:
            table_name = "bloop_users"
            stream = {"include": ["new", "old"]}
            ttl = {"column": "until"}

        id = bloop.Column(bloop.String, hash_key=True)
        email = bloop.Column(bloop.String)
        tags = bloop.Column(bloop.Set(bloop.String))
        until = bloop.Column(bloop.Timestamp)
        by_email = bloop.GlobalSecondaryIndex(projection="all", hash_key="email")

    streams = boto3_client(url, "dynamodbstreams")
    engine = bloop.Engine(dynamodb=client, dynamodbstreams=streams)
    engine.bind(User)
    until = datetime(2099, 1, 1, tzinfo=timezone.utc)
    user = User(id="a", email="a@x", tags={"t"}, until=until)
    engine.save(user, condition=User.id.is_(None))
    with pytest.raises(bloop.ConstraintViolation):
        engine.save(User(id="a"), condition=User.id.is_(None))
    found = engine.query(User.by_email, key=User.email == "a@x").one()
    assert (found.id, found.tags, found.until) == ("a", {"t"}, until)
    loaded = User(id="a")
    engine.load(loaded, consistent=True)
    assert loaded.email == "a@x"
    with engine.transaction() as writing:
        writing.delete(user, condition=User.email == "a@x")
        writing.save(User(id="b", email="b@x"))
    assert [each.id for each in engine.scan(User)] == ["b"]
    stream = engine.stream(User, "trim_horizon")
    records = [record for record in (next(stream) for _ in range(8)) if record]
    assert [
        (each["old"] and each["old"].id, each["new"] and each["new"].id) for each in records
    ] in (
        [(None, "a"), ("a", None), (None, "b")],
        [(None, "a"), (None, "b"), ("a", None)],
    )
    streams.close()


def test_flywheel_makes_its_table_and_uses_it(client):
    import dynamo3
    import flywheel

    class Tweet(flywheel.Model):
        __metadata__ = {
            "_name": "tweets",
            "global_indexes": [flywheel.GlobalIndex.all("by_likes", "userid", "likes")],
        }
        userid = flywheel.Field(hash_key=True)
        id = flywheel.Field(range_key=True)
        likes = flywheel.Field(type=int, default=0)
        tags = flywheel.Field(type=flywheel.fields.set_(str))

    engine = flywheel.Engine(dynamo3.DynamoDBConnection(client))
    engine.register(Tweet)
    engine.create_schema()
    engine.save([Tweet(userid="a", id=f"{n}", likes=n) for n in range(9)])
    found = engine.query(Tweet).filter(Tweet.userid == "a", Tweet.likes > 5).all()
    assert sorted(tweet.likes for tweet in found) == [6, 7, 8]
    tweet = engine.get(Tweet, userid="a", id="3")
    tweet.incr_(likes=10)
    tweet.add_(tags="x")
    tweet.sync()
    tweet = engine.get(Tweet, userid="a", id="3", consistent=True)
    assert (tweet.likes, tweet.tags) == (13, {"x"})
    engine.delete(tweet)
    assert engine.scan(Tweet).filter(Tweet.likes > 0).count() == 7
    engine.delete_schema()
