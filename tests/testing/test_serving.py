"""boto3 beside models: its requests lead to the same database, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack

import boto3
import pytest
from botocore.config import Config
from botocore.endpoint import Endpoint
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from dynamodb_py import CharField, ConfigurationError, Model
from dynamodb_py.testing import EmbeddedEngine, assert_requests

ELSEWHERE = "http://127.0.0.1:9"  # nobody answers there
NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")


class Order(Model):
    class Meta:
        table_name = "orders"

    id = CharField(hash_key=True)


@pytest.fixture
def engine():
    with EmbeddedEngine() as engine:
        engine.create_tables(Order)
        yield engine


def ids(client):
    return sorted(item["id"]["S"] for item in client.scan(TableName="orders")["Items"])


def make_client(**given):
    return boto3.client("dynamodb", region_name="eu-west-1", **given)


@pytest.mark.parametrize("given", [{}, {"endpoint_url": ELSEWHERE}])
@pytest.mark.parametrize("early", [True, False])
def test_clients_of_boto3_and_models_see_the_same_items(engine, early, given):
    client = make_client(**given) if early else None
    with engine.serve():
        client = client or make_client(**given)
        Order.create(id="a")
        client.put_item(TableName="orders", Item={"id": {"S": "b"}})
        assert ids(client) == sorted(each.id for each in Order.objects.all()) == ["a", "b"]
        table = boto3.resource("dynamodb", region_name="eu-west-1", **given).Table("orders")
        assert table.get_item(Key={"id": "a"})["Item"] == {"id": "a"}
        boto3.client("dynamodbstreams", **given).list_streams()
        with pytest.raises(ClientError, match="ConditionalCheckFailed"):
            client.put_item(
                TableName="orders",
                Item={"id": {"S": "b"}},
                ConditionExpression="attribute_not_exists(id)",
            )
        client.close()


def test_a_client_that_stays_reaches_the_database_of_each_test():
    client = make_client()
    for given in "ab":
        with EmbeddedEngine() as engine, engine.serve():
            engine.create_tables(Order)
            client.put_item(TableName="orders", Item={"id": {"S": given}})
            assert ids(client) == [given]
    client.close()


def test_the_innermost_block_counts(engine):
    client = make_client()
    with engine.serve():
        Order.create(id="outer")
        with EmbeddedEngine() as inner, inner.serve():
            inner.create_tables(Order)
            assert ids(client) == []
        assert ids(client) == ["outer"]
    client.close()


def test_a_process_needs_no_settings_of_its_own_and_reaches_it_too(engine, monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name)
    script = "import boto3; print(boto3.client('dynamodb').list_tables()['TableNames'])"
    with engine.serve():
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "['orders']\n", done.stderr


def fail():
    assert os.environ["AWS_ACCESS_KEY_ID"] == "testing"
    raise ZeroDivisionError


def test_after_the_block_everything_is_as_it_was(engine):
    before, prepare = dict(os.environ), Endpoint.prepare_request
    with pytest.raises(ZeroDivisionError), engine.serve():
        fail()
    assert dict(os.environ) == before
    assert Endpoint.prepare_request is prepare
    client = make_client(endpoint_url=ELSEWHERE, config=Config(retries={"total_max_attempts": 1}))
    with pytest.raises(EndpointConnectionError):
        client.list_tables()
    client.close()


def test_a_region_that_is_set_stays(engine, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    with engine.serve():
        assert boto3.client("dynamodb").meta.region_name == "eu-north-1"


@pytest.mark.parametrize("mock_first", [True, False])
def test_other_services_may_stay_with_moto(engine, mock_first):
    early = make_client()
    blocks = [mock_aws, engine.serve] if mock_first else [engine.serve, mock_aws]
    with ExitStack() as stack:
        for block in blocks:
            stack.enter_context(block())
        bucket = boto3.client("s3", region_name="us-east-1")
        bucket.create_bucket(Bucket="reports")
        bucket.put_object(Bucket="reports", Key="k", Body=b"1")
        Order.create(id="a")
        late = make_client()
        assert ids(early) == ids(late) == ["a"]
        assert bucket.get_object(Bucket="reports", Key="k")["Body"].read() == b"1"
        late.close()
    early.close()


def test_assertions_count_the_requests_of_models_alone(engine):
    with engine.serve(), assert_requests(PutItem=1, Scan=0):
        Order.create(id="a")
        client = make_client()
        assert ids(client) == ["a"]
        client.close()


def test_an_engine_that_is_not_open_cannot_be_served():
    with pytest.raises(ConfigurationError, match="this EmbeddedEngine is not open"):
        EmbeddedEngine().serve()


def test_rules_of_faults_hold_for_boto3(engine):
    with engine.serve():
        client = make_client()
        with engine.faults.throttle("ListTables", nth=1) as rule:
            client.list_tables()
        assert rule.matched == 2
