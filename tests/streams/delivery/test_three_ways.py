"""The same receiver is called by the runner, by AWS Lambda, and in tests."""

import json

import pytest

from dynamodb_py import CharField, IntegerField, Model, StreamRunner, stream_handler
from dynamodb_py.signals import item_changed, receiver
from dynamodb_py.testing import EmbeddedEngine


class Order(Model):
    class Meta:
        table_name = "orders"
        stream = "new_and_old_images"

    id = CharField(hash_key=True)
    total = IntegerField(default=0)


def call(engine: EmbeddedEngine, operation: str, **payload):
    status, body = engine.local.call(operation, json.dumps(payload).encode())
    assert status == 200, body
    return json.loads(body)


def make_event(engine: EmbeddedEngine) -> dict:
    """Return what Lambda's poller would hand over: the answer of GetRecords, with the ARN of the stream."""
    [stream] = call(engine, "ListStreams")["Streams"]
    place = {"StreamArn": stream["StreamArn"]}
    [shard] = call(engine, "DescribeStream", **place)["StreamDescription"]["Shards"]
    place |= {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    records = call(engine, "GetRecords", **call(engine, "GetShardIterator", **place))["Records"]
    arn = {"eventSourceARN": stream["StreamArn"]}
    return json.loads(json.dumps({"Records": [each | arn for each in records]}))


@pytest.mark.parametrize("way", ["runner", "lambda", "test"])
def test_one_receiver_is_called_alike_in_all_ways(way):
    seen = []

    @receiver(item_changed, sender=Order)
    def look(sender, record, **kwargs):
        assert sender is Order
        seen.append((record.kind, record.key, record.changes(), record.sequence_number, record.at))
        if len(seen) == 3:
            runner.stop()

    with EmbeddedEngine() as engine:
        engine.create_tables(Order)
        order = Order.create(id="a", total=1)
        order.total = 2
        order.save()
        order.delete()
        runner = StreamRunner(Order, name="test", poll=0.05)
        if way == "runner":
            runner.run()
        elif way == "lambda":
            handler = stream_handler(Order)
            assert handler(make_event(engine), None) == {"batchItemFailures": []}
        else:
            assert engine.deliver_changes(Order) == 3
        expected = make_event(engine)["Records"]
    assert [each[:3] for each in seen] == [
        ("insert", {"id": "a"}, {"id": (None, "a"), "total": (None, 1)}),
        ("modify", {"id": "a"}, {"total": (1, 2)}),
        ("remove", {"id": "a"}, {"id": ("a", None), "total": (2, None)}),
    ]
    changes = [each["dynamodb"] for each in expected]
    assert [(number, at.timestamp()) for *_, number, at in seen] == [
        (each["SequenceNumber"], each["ApproximateCreationDateTime"]) for each in changes
    ]
