"""Region, endpoint and credentials: found as boto3 finds them, and without it where that can be."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import subprocess
import sys
import textwrap
import threading
import time

import boto3
import pytest

from dynamodb_py.credentials.endpoints import find_plain_endpoint, parse_endpoint
from dynamodb_py.credentials.keys import Keys, Refreshable
from dynamodb_py.credentials.targets import LazyTarget, find_target
from dynamodb_py.exceptions import ConfigurationError
from dynamodb_py.transports import Settings, open_transports

from ..callers import Caller, Echo, settings
from ..faulty import FaultyServer, page

AMAZON = "https://dynamodb.eu-west-1.amazonaws.com/"


@pytest.fixture
def surroundings(monkeypatch, tmp_path):
    """Return a function that makes the environment exactly this, and files in a home of its own."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def make(variables=(), config="", credentials=""):
        for name, value in dict(variables).items():
            monkeypatch.setenv(name, value)
        for name, text in (("config", config), ("credentials", credentials)):
            if text:
                (tmp_path / ".aws").mkdir(exist_ok=True)
                (tmp_path / ".aws" / name).write_text(textwrap.dedent(text))

    return make


KEYS = {"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "secret"}
REGION = {"AWS_DEFAULT_REGION": "eu-west-1"}
OWN = {"aws_access_key_id": "AKOWN", "aws_secret_access_key": "own"}

# Variables, settings, endpoint, access key; none of these needs botocore.
PLAIN = [
    pytest.param(KEYS | REGION, {}, AMAZON, "AKENV", id="environment"),
    pytest.param(KEYS | {"AWS_REGION": "eu-west-1"}, {}, AMAZON, "AKENV", id="AWS_REGION"),
    pytest.param(
        KEYS | REGION | {"AWS_REGION": "us-east-1"}, {}, AMAZON, "AKENV", id="both regions"
    ),
    pytest.param(KEYS, {"region_name": "eu-west-1"}, AMAZON, "AKENV", id="region given"),
    pytest.param(
        KEYS | {"AWS_DEFAULT_REGION": "us-east-1"}, {"region_name": "eu-west-1"},
        AMAZON, "AKENV", id="region given and set",
    ),
    pytest.param(REGION, OWN, AMAZON, "AKOWN", id="keys given"),
    pytest.param(KEYS | REGION, OWN, AMAZON, "AKOWN", id="keys given and set"),
    pytest.param(
        KEYS, {"region_name": "cn-north-1"},
        "https://dynamodb.cn-north-1.amazonaws.com.cn/", "AKENV", id="China",
    ),
    pytest.param(
        KEYS | REGION, {"endpoint_url": "http://127.0.0.1:8000"},
        "http://127.0.0.1:8000/", "AKENV", id="endpoint given",
    ),
    pytest.param(
        KEYS | REGION | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, {},
        "http://127.0.0.1:1/", "AKENV", id="AWS_ENDPOINT_URL",
    ),
    pytest.param(
        KEYS | REGION
        | {"AWS_ENDPOINT_URL": "http://h:1", "AWS_ENDPOINT_URL_DYNAMODB": "http://h:2"},
        {}, "http://h:2/", "AKENV", id="AWS_ENDPOINT_URL_DYNAMODB",
    ),
    pytest.param(
        KEYS | REGION | {"AWS_ENDPOINT_URL_DYNAMODB": "http://h:2"},
        {"endpoint_url": "http://h:3"}, "http://h:3/", "AKENV", id="endpoint given and set",
    ),
    pytest.param(
        KEYS | REGION
        | {"AWS_ENDPOINT_URL": "http://h:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
        {}, AMAZON, "AKENV", id="AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    ),
    pytest.param(
        KEYS | {"AWS_DEFAULT_REGION": "local"}, {"endpoint_url": "http://127.0.0.1:8000"},
        "http://127.0.0.1:8000/", "AKENV", id="any region with an endpoint",
    ),
]  # fmt: skip

# Variables, settings, config file, credentials file, endpoint, access key; botocore is asked.
ASKED = [
    pytest.param(KEYS, {"region_name": "us-gov-west-1"}, "", "",
        "https://dynamodb.us-gov-west-1.amazonaws.com/", "AKENV", id="GovCloud"),
    pytest.param(KEYS | REGION | {"AWS_USE_FIPS_ENDPOINT": "true"}, {"region_name": "us-east-1"},
        "", "", "https://dynamodb-fips.us-east-1.amazonaws.com/", "AKENV", id="FIPS"),
    pytest.param(KEYS | REGION | {"AWS_USE_DUALSTACK_ENDPOINT": "true"}, {}, "", "",
        "https://dynamodb.eu-west-1.api.aws/", "AKENV", id="dual stack"),
    pytest.param(KEYS | REGION | {"AWS_ACCOUNT_ID": "123456789012"}, {}, "", "",
        "https://123456789012.ddb.eu-west-1.amazonaws.com/", "AKENV", id="account's endpoint"),
    pytest.param(KEYS | REGION | {"AWS_CREDENTIAL_EXPIRATION": "2099-01-01T00:00:00Z"}, {}, "", "",
        AMAZON, "AKENV", id="keys that will expire"),
    pytest.param(KEYS, {}, "[default]\nregion = eu-west-1\n", "", AMAZON, "AKENV",
        id="region of the config file"),
    pytest.param(KEYS | REGION, {}, "[default]\nregion = us-east-1\n", "", AMAZON, "AKENV",
        id="region set and in the config file"),
    pytest.param({}, {}, "[default]\nregion = eu-west-1\n",
        "[default]\naws_access_key_id = AKFILE\naws_secret_access_key = s\n",
        AMAZON, "AKFILE", id="files alone"),
    pytest.param({"AWS_PROFILE": "work"}, {}, "[profile work]\nregion = eu-west-1\n",
        "[work]\naws_access_key_id = AKWORK\naws_secret_access_key = s\n",
        AMAZON, "AKWORK", id="AWS_PROFILE"),
    pytest.param(KEYS, {"profile_name": "work"}, "[profile work]\nregion = eu-west-1\n",
        "[work]\naws_access_key_id = AKWORK\naws_secret_access_key = s\n",
        AMAZON, "AKWORK", id="a profile given goes before keys that are set"),
    pytest.param({}, OWN | {"profile_name": "work"}, "[profile work]\nregion = eu-west-1\n", "",
        AMAZON, "AKOWN", id="keys given go before those of a profile"),
    pytest.param(KEYS | REGION, {}, "[default]\nendpoint_url = http://h:5\n", "",
        "http://h:5/", "AKENV", id="endpoint of the config file"),
    pytest.param(KEYS | REGION, {},
        "[default]\nservices = mine\n[services mine]\ndynamodb =\n  endpoint_url = http://h:6\n",
        "", "http://h:6/", "AKENV", id="endpoint of a services section"),
    pytest.param(KEYS | REGION | {"AWS_ENDPOINT_URL": "http://h:7"}, {},
        "[default]\nignore_configured_endpoint_urls = true\n", "", AMAZON, "AKENV",
        id="endpoints ignored by the config file"),
    pytest.param(KEYS | {"AWS_REGION": "eu-west-1"}, {}, "[default]\noutput = json\n", "",
        AMAZON, "AKENV", id="AWS_REGION beside a config file"),
    pytest.param({}, {"endpoint_url": "http://127.0.0.1:8000", "region_name": "eu-west-1"}, "",
        "[default]\naws_access_key_id = AKFILE\naws_secret_access_key = s\n",
        "http://127.0.0.1:8000/", "AKFILE", id="endpoint given, keys in a file"),
]  # fmt: skip


@pytest.mark.parametrize(("variables", "given", "url", "access_key"), PLAIN)
def test_what_is_known_needs_no_botocore(surroundings, variables, given, url, access_key):
    surroundings(variables)
    assert find_plain_endpoint(Settings(**given)) is not None
    target = find_target(Settings(**given))
    assert (target.endpoint.url, target.credentials.keys().access_key) == (url, access_key)


@pytest.mark.parametrize(("variables", "given", "url", "access_key"), PLAIN)
def test_what_is_known_is_what_boto3_would_find(surroundings, variables, given, url, access_key):
    surroundings(variables)
    if "AWS_REGION" in variables and "AWS_DEFAULT_REGION" not in variables:
        surroundings({"AWS_DEFAULT_REGION": variables["AWS_REGION"]})  # boto3 knows only this one
    client = boto3.Session().client("dynamodb", **given)
    assert client.meta.endpoint_url.rstrip("/") == url.rstrip("/")
    client.close()


@pytest.mark.parametrize(
    ("variables", "given", "config", "credentials", "url", "access_key"), ASKED
)
def test_the_rest_is_asked_of_botocore(
    surroundings, variables, given, config, credentials, url, access_key
):
    surroundings(variables, config, credentials)
    assert find_plain_endpoint(Settings(**given)) is None
    target = find_target(Settings(**given))
    assert (target.endpoint.url, target.credentials.keys().access_key) == (url, access_key)


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ({"endpoint_url": "http://127.0.0.1:1"}, True),
        ({"endpoint_url": "https://127.0.0.1:1"}, False),  # the file may name a CA bundle
        ({"endpoint_url": "https://127.0.0.1:1", "verify": False}, True),
        ({}, False),
    ],
)
def test_a_config_file_is_read_unless_nothing_in_it_can_matter(surroundings, given, plain):
    surroundings(KEYS | REGION, "[default]\noutput = json\n")
    assert (find_plain_endpoint(Settings(**given)) is not None) is plain


@pytest.mark.parametrize(
    ("variables", "given", "token"),
    [
        (KEYS | {"AWS_SESSION_TOKEN": "T"}, {}, "T"),
        (KEYS | {"AWS_SECURITY_TOKEN": "S", "AWS_SESSION_TOKEN": "T"}, {}, "S"),
        (KEYS | {"AWS_SESSION_TOKEN": "T"}, OWN, None),
        ({}, OWN | {"aws_session_token": "G"}, "G"),
    ],
)
def test_the_session_token_belongs_to_its_keys(surroundings, variables, given, token):
    surroundings(variables | REGION)
    assert find_target(Settings(**given)).credentials.keys().token == token


@pytest.mark.parametrize(
    ("variables", "given", "config", "words"),
    [
        pytest.param(KEYS, {}, "", "Give region_name to connect.., or set AWS_DEFAULT", id="region"),
        pytest.param(REGION, {}, "", "Set AWS_ACCESS_KEY_ID and AWS_SECRET", id="credentials"),
        pytest.param({}, {}, "", "AWS_DEFAULT_REGION", id="nothing"),
        pytest.param(
            REGION | {"AWS_ACCESS_KEY_ID": "x"}, {}, "", "secret access key is missing", id="half"
        ),
        pytest.param(
            REGION, {"aws_access_key_id": "x"}, "", "secret access key is missing", id="half given"
        ),
        pytest.param(
            REGION, {"aws_secret_access_key": "x"}, "", "access key id is missing", id="other half"
        ),
        pytest.param(KEYS | REGION, {"profile_name": "none"}, "", "none", id="no such profile"),
        pytest.param(KEYS | REGION, {}, "no = section\n", "config", id="no config file"),
        pytest.param(KEYS | REGION, {"endpoint_url": "localhost:8000"}, "", "is not an endpoint", id="URL"),
        pytest.param(KEYS | REGION, {"endpoint_url": "http://h:x"}, "", "is not an endpoint", id="port"),
        pytest.param(KEYS | REGION, {"endpoint_url": "http://h/?a"}, "", "is not an endpoint", id="query"),
        pytest.param(KEYS | REGION, {"endpoint_url": "http://u@h/"}, "", "is not an endpoint", id="user"),
        pytest.param(
            KEYS | {"AWS_DEFAULT_REGION": "eu west"}, {"endpoint_url": "http://h"}, "",
            "not the name of a region", id="no region's name",
        ),
        pytest.param(
            REGION | KEYS | {"AWS_SESSION_TOKEN": "a\nHost: b"}, {}, "", "cannot be sent",
            id="a line end in the token",
        ),
        pytest.param(
            KEYS | REGION | {"AWS_CA_BUNDLE": "/no/such/file"}, {}, "", "AWS_CA_BUNDLE", id="bundle"
        ),
        pytest.param(
            KEYS | REGION | {"HTTPS_PROXY": "socks5://u:geheim@h:1"}, {}, "",
            "write it like http://host:3128", id="proxy",
        ),
    ],
)  # fmt: skip
def test_what_is_missing_or_wrong_is_said(surroundings, variables, given, config, words):
    surroundings(variables, config)
    door, adoor = open_transports(Settings(**given))  # nothing is looked at yet
    with pytest.raises(ConfigurationError, match=words) as caught:
        door.send(Echo("k"))
    assert "geheim" not in str(caught.value)
    with pytest.raises(ConfigurationError, match=words):
        asyncio.run(adoor.send(Echo("k")))


def test_the_environment_is_read_when_the_first_request_is_sent(caller, monkeypatch):
    with FaultyServer() as server:
        client = caller(region_name=None, aws_access_key_id=None, aws_secret_access_key=None)
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKLATE")
        assert client.send(Echo("k")) == "k"
        assert "AKLATE" in server.received[-1].headers["authorization"]


def test_what_is_missing_may_be_added_afterwards(surroundings):
    surroundings(KEYS)
    with FaultyServer() as server:
        client = Caller(Settings(endpoint_url=server.url))
        with pytest.raises(ConfigurationError):
            client.send(Echo("k"))
        surroundings(REGION)
        assert client.send(Echo("k")) == "k"
        client.end()


def test_both_doors_find_the_target_once():
    with FaultyServer() as server:
        client = Caller(settings(server.url))
        lazy = client.transport._wire._lazy
        threads = [threading.Thread(target=client.send, args=(Echo("k"),)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.async_transport._wire._lazy is lazy
        assert client.transport._wire._target is lazy.found
        client.end()


def process(script: str, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True, text=True, timeout=60,
        env={"HOME": "/nonexistent", "PYTHONPATH": os.getcwd(), **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


HEAVY = [
    "botocore",
    "boto3",
    "asyncio",
    "ssl",
    "socket",
    "logging",
    "urllib.request",
    "http.client",
]


def test_importing_and_connecting_loads_nothing_heavy():
    process(f"""
        import sys
        from dynamodb_py.transports import Settings, open_transports
        open_transports(Settings())
        loaded = set({HEAVY!r}) & set(sys.modules)
        assert not loaded, loaded
    """)


@pytest.mark.parametrize("awaited", [False, True])
def test_a_first_read_with_keys_in_the_environment_needs_no_botocore(awaited):
    with FaultyServer() as server:
        process(
            f"""
            import sys
            from dynamodb_py.transports import Settings, open_transports
            from dynamodb_py.operations.base import Operation
            class Read(Operation[bytes], frozen=True):
                api = "GetItem"
                def payload(self):
                    return {{"TableName": "t", "Key": {{"name": {{"S": "k"}}}}}}
            door, adoor = open_transports(Settings())
            if {awaited}:
                import asyncio
                body = asyncio.run(adoor.send(Read()))
            else:
                body = door.send(Read())
                assert "asyncio" not in sys.modules
                assert "ssl" not in sys.modules
                assert "logging" not in sys.modules
            assert body == b'{{"Item": {{"name": {{"S": "k"}}}}}}', body
            assert "botocore" not in sys.modules
            """,
            **KEYS,
            **REGION,
            AWS_ENDPOINT_URL_DYNAMODB=server.url,
        )


# Credentials that refresh themselves


def refreshable(expires_in: float, refresh):
    from botocore.credentials import RefreshableCredentials

    now = dt.datetime.now(dt.timezone.utc)

    def metadata(name, seconds):
        expiry = (now + dt.timedelta(seconds=seconds)).isoformat()
        return {"access_key": name, "secret_key": "s", "token": "T", "expiry_time": expiry}

    return RefreshableCredentials.create_from_metadata(
        metadata("OLD", expires_in), lambda: refresh(metadata), "test"
    )


def with_credentials(client: Caller, credentials: Refreshable) -> None:
    """Give the doors these credentials in place of their own."""
    import msgspec

    target = client.transport._wire._lazy.get()
    found = msgspec.structs.replace(target, credentials=credentials)
    for door in (client.transport, client.async_transport):
        door._wire._lazy.found = found


def test_keys_stay_the_same_object_until_they_change():
    credentials = Refreshable(refreshable(7200, lambda metadata: metadata("NEW", 7200)))
    assert credentials.keys() == Keys("OLD", "s", "T")
    assert credentials.keys() is credentials.keys()
    assert not credentials.due


def test_expiring_credentials_are_refreshed(caller):
    with FaultyServer() as server:
        client = caller(server.url)
        with_credentials(
            client, Refreshable(refreshable(60, lambda metadata: metadata("NEW", 7200)))
        )
        client.send(Echo("k"))
        headers = server.received[-1].headers
        assert "Credential=NEW/" in headers["authorization"]
        assert headers["x-amz-security-token"] == "T"


def test_a_refresh_that_fails_says_so(caller):
    def refresh(metadata):
        raise RuntimeError("the token service is down")

    client = caller("http://127.0.0.1:9")
    with_credentials(client, Refreshable(refreshable(60, refresh)))
    with pytest.raises(ConfigurationError, match="the token service is down"):
        client.send(Echo("k"))


def test_a_slow_refresh_does_not_hold_up_the_event_loop():
    released = threading.Event()

    def refresh(metadata):
        assert released.wait(10), "the loop stood still"
        return metadata("NEW", 7200)

    async def main(transport):
        request = asyncio.ensure_future(transport.send(Echo("k")))
        for _ in range(3):
            await asyncio.sleep(0)
        released.set()  # only a loop that still turns gets here
        await request

    with FaultyServer() as server:
        client = Caller(settings(server.url))
        with_credentials(client, Refreshable(refreshable(60, refresh)))
        asyncio.run(main(client.async_transport))
        client.end()


def test_asking_botocore_does_not_hold_up_the_event_loop(surroundings, monkeypatch):
    surroundings({}, "[default]\nregion = eu-west-1\n")
    turned = threading.Event()

    def find(given):
        assert turned.wait(10), "the loop stood still"
        raise ConfigurationError("found nothing")

    monkeypatch.setattr("dynamodb_py.credentials.targets.find_target", find)

    async def main():
        _, transport = open_transports(Settings())
        request = asyncio.ensure_future(transport.send(Echo("k")))
        for _ in range(3):
            await asyncio.sleep(0)
        turned.set()
        with pytest.raises(ConfigurationError, match="found nothing"):
            await request

    asyncio.run(main())


def test_a_child_process_is_not_stuck_with_a_lock_of_its_parents():
    lazy = LazyTarget(settings("http://127.0.0.1:1"))
    lazy._lock.acquire()
    lazy.after_fork()
    started = time.monotonic()
    assert lazy.get().endpoint.port == 1
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://h", "h", "/"),
        ("https://h:443/", "h", "/"),
        ("http://h:80", "h", "/"),
        ("http://h:443", "h:443", "/"),
        ("https://h:80", "h:80", "/"),
        ("http://[::1]:8000", "[::1]:8000", "/"),
        ("http://h:8000/a/b", "h:8000", "/a/b"),
        ("http://h/a%20b;c=d~e+f/", "h", "/a%20b;c=d~e+f/"),
    ],
)
def test_the_host_header_has_the_port_only_where_it_is_unusual(url, authority, path):
    endpoint = parse_endpoint(url, "eu-west-1")
    assert (endpoint.authority, endpoint.path) == (authority, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h:8000",
        "ftp://h",
        "http://",
        "http:///path",
        "http://h:",
        "http://h:65536",
        "http://h:123456",
        "http://u@h",
        "http://u:p@h:1",
        "http://h/a?b",
        "http://h/#a",
        "http://h/a b",
        "http://h/é",
        "http://é",
        "http://h/\r\nX: y",
        "http://h\n",
        "http://[::1",
        "http://::1:8000",
    ],
)
def test_what_is_no_endpoint_is_refused(url):
    with pytest.raises(ConfigurationError, match="is not an endpoint"):
        parse_endpoint(url, "eu-west-1")


@pytest.mark.parametrize("token", ["token", "no-such-token"], ids=["denied", "no token file"])
@pytest.mark.parametrize("mocked", [False, True], ids=["over the wire", "through botocore"])
def test_a_role_that_cannot_be_assumed(surroundings, tmp_path, token, mocked):
    (tmp_path / "token").write_text("jwt-token")
    with FaultyServer(page("403 Forbidden")) as sts:
        surroundings(
            REGION
            | {
                "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r",
                "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / token),
                "AWS_ENDPOINT_URL_STS": sts.url,
            }
        )
        session = boto3.Session() if mocked else None
        transport, _ = open_transports(Settings(session=session))
        with pytest.raises(ConfigurationError, match="credentials"):
            transport.send(Echo({}))
