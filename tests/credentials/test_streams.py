"""The endpoint of streams: as boto3 finds it, and beside the tables of an engine."""

from __future__ import annotations

import asyncio
from typing import Any

import boto3
import pytest

from dynamodb_py.connections import Connection, connect
from dynamodb_py.credentials.settings import STREAMS, Settings
from dynamodb_py.credentials.streams import is_of_aws, make_streams_settings
from dynamodb_py.credentials.targets import find_target
from dynamodb_py.exceptions import ConfigurationError
from dynamodb_py.flows import arun, run
from dynamodb_py.observing import Observer
from dynamodb_py.operations.streams import DescribeStream

from ..callers import Echo
from ..faulty import FaultyServer, Visit, respond
from ..scripted import Script, scripted_connection
from ..streams.fake import ARN
from .test_targets import KEYS, REGION, surroundings

__all__ = ["surroundings"]

AMAZON = "https://streams.dynamodb.eu-west-1.amazonaws.com/"
OWN, SPECIFIC = "AWS_ENDPOINT_URL_DYNAMODB_STREAMS", "AWS_ENDPOINT_URL_DYNAMODB"
SECTION = "[default]\nservices = mine\n[services mine]\n"


@pytest.mark.parametrize(
    ("variables", "given", "config", "url"),
    [
        ({}, {}, "", AMAZON),
        ({OWN: "http://h:1"}, {}, "", "http://h:1/"),
        ({"AWS_ENDPOINT_URL": "http://h:2"}, {}, "", "http://h:2/"),
        ({OWN: "http://h:1", "AWS_ENDPOINT_URL": "http://h:2"}, {}, "", "http://h:1/"),
        ({SPECIFIC: "http://h:3"}, {}, "", "http://h:3/"),
        ({SPECIFIC: "http://h:3", "AWS_ENDPOINT_URL": "http://h:2"}, {}, "", "http://h:2/"),
        ({SPECIFIC: "https://dynamodb.us-east-1.amazonaws.com"}, {}, "", AMAZON),
        ({}, {"endpoint_url": "http://h:4"}, "", "http://h:4/"),
        ({"AWS_ENDPOINT_URL": "http://h:2"}, {"endpoint_url": "http://h:4"}, "", "http://h:4/"),
        ({OWN: "http://h:1"}, {"endpoint_url": "http://h:4"}, "", "http://h:1/"),
        ({}, {"endpoint_url": "https://dynamodb.eu-west-1.amazonaws.com"}, "", AMAZON),
        ({OWN: "http://h:1"}, {"streams_endpoint_url": "http://h:5"}, "", "http://h:5/"),
        (
            {},
            {"endpoint_url": "http://h:4", "streams_endpoint_url": "http://h:5"},
            "",
            "http://h:5/",
        ),
        (
            {OWN: "http://h:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            {"endpoint_url": "http://h:4"},
            "",
            "http://h:4/",
        ),
        ({}, {}, f"{SECTION}dynamodb_streams =\n  endpoint_url = http://h:6\n", "http://h:6/"),
        ({}, {}, f"{SECTION}dynamodb =\n  endpoint_url = http://h:7\n", "http://h:7/"),
        ({}, {}, "[default]\nendpoint_url = http://h:8\n", "http://h:8/"),
        ({}, {}, "[default]\noutput = json\n", AMAZON),
        (
            {"AWS_USE_FIPS_ENDPOINT": "true"},
            {"region_name": "us-gov-west-1"},
            "",
            "https://streams.dynamodb.us-gov-west-1.amazonaws.com/",
        ),
        (
            {},
            {"region_name": "cn-north-1"},
            "",
            "https://streams.dynamodb.cn-north-1.amazonaws.com.cn/",
        ),
    ],
)
def test_the_endpoint_is_the_first_that_is_set(surroundings, variables, given, config, url):
    surroundings(KEYS | REGION | variables, config)
    assert find_target(make_streams_settings(Settings(**given))).endpoint.url == url


@pytest.mark.parametrize(
    ("variables", "config"),
    [
        ({}, ""),
        ({OWN: "http://h:1", "AWS_ENDPOINT_URL": "http://h:2"}, ""),
        ({"AWS_ENDPOINT_URL": "http://h:2"}, ""),
        ({}, f"{SECTION}dynamodb_streams =\n  endpoint_url = http://h:6\n"),
        ({"AWS_DEFAULT_REGION": "us-gov-east-1"}, ""),
        ({"AWS_DEFAULT_REGION": "cn-north-1"}, ""),
    ],
)
def test_boto3_finds_the_same_where_nothing_is_set_for_tables(surroundings, variables, config):
    surroundings(KEYS | REGION | variables, config)
    client = boto3.Session().client("dynamodbstreams")
    found = find_target(make_streams_settings(Settings())).endpoint.url
    assert found.rstrip("/") == client.meta.endpoint_url.rstrip("/")
    client.close()


@pytest.mark.parametrize("how", ["client", "resource", "session"])
def test_clients_and_sessions_lead_to_the_same_places(surroundings, how):
    surroundings(KEYS | REGION)
    session = boto3.Session()
    for url, expected in ((None, AMAZON.rstrip("/")), ("http://h:4", "http://h:4")):
        if how == "session":
            given: dict[str, Any] = {"session": session, "endpoint_url": url}
            settings = make_streams_settings(Settings(**given))
            assert settings.session is session
            assert settings.endpoint_url == url
            continue
        client = getattr(session, how)("dynamodb", endpoint_url=url)
        made = make_streams_settings(Settings(client=client)).client
        assert made.meta.service_model.service_name == STREAMS.name
        assert made.meta.endpoint_url == expected
        assert made.meta.region_name == "eu-west-1"
        assert made._request_signer._credentials.access_key == "AKENV"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://vpce-1-a.dynamodb.us-east-1.vpce.amazonaws.com", True),
        ("https://dynamodb.eu-west-1.api.aws/", True),
        ("https://DYNAMODB.us-east-1.amazonaws.com:443/path", True),
        ("https://user:amazonaws.com@h", False),
        ("http://localhost.localstack.cloud:4566", False),
        ("http://amazonaws.com.example.org", False),
        ("http://[::1]:8000", False),
    ],
)
def test_hosts_of_aws_are_known(url, expected):
    assert is_of_aws(url) is expected


def test_requests_are_signed_for_streams_and_sent_there():
    visits: list[Visit] = []

    def describe(visit: Visit) -> bool:
        visits.append(visit)
        return respond(visit, b'{"StreamDescription": {"Shards": []}}')

    with FaultyServer() as tables, FaultyServer(describe, describe) as streams:
        connection = connect(
            alias="streams-endpoint",
            region_name="eu-west-1",
            endpoint_url=tables.url,
            streams_endpoint_url=streams.url,
            aws_access_key_id="AK",
            aws_secret_access_key="secret",
        )

        async def describe_and_close() -> None:
            await arun(iter(DescribeStream(ARN)), connection.streams)
            await connection.aclose()

        run(iter(DescribeStream(ARN)), connection.streams)
        assert run(iter(Echo("k")), connection.streams) == "k"  # of tables
        asyncio.run(describe_and_close())
        connection.close()
    for visit in visits:
        headers = {name.lower(): value for name, value in visit.request.headers.items()}
        assert headers["x-amz-target"] == "DynamoDBStreams_20120810.DescribeStream"
        assert "/eu-west-1/dynamodb/aws4_request" in headers["authorization"]
    assert len(visits) == 2


def test_requests_to_streams_are_observed_as_those_of_their_connection():
    connection = scripted_connection(
        Script([{"StreamDescription": {"Shards": []}}]), "streams-observed"
    )
    seen: list[str] = []
    observer = Observer(lambda request: seen.append(request.title), link=connection).begin()
    run(iter(DescribeStream(ARN)), connection.streams)
    observer.end()
    assert seen == ["DescribeStream numbers"]


def test_an_embedded_database_is_its_own_endpoint_of_streams():
    connection = Connection(Settings())
    embedded = connect("memory://", alias="streams-embedded")
    assert embedded.streams is embedded
    assert connection.streams is not connection
    with pytest.raises(ConfigurationError, match="streams_endpoint_url"):
        connect("memory://", alias="streams-embedded", streams_endpoint_url="http://h:1")
