"""No repr, message, log line or frame of a traceback shows a secret key, a token or a password."""

from __future__ import annotations

import asyncio
import logging

import boto3
import pytest

from dynamodb_py import CharField, DynamoDBError, ForeignKey, Model, connect, connections, prefetch
from dynamodb_py.credentials.endpoints import parse_endpoint
from dynamodb_py.credentials.keys import Keys, Refreshable, find_static_keys
from dynamodb_py.credentials.proxies import parse_proxy
from dynamodb_py.credentials.settings import Secret, SecretBytes, Settings, Url
from dynamodb_py.http.codec import connect_request

from ..faulty import FaultyServer, error, garbage
from ..scripted import Script, scripted_connection

SECRET, TOKEN, PASSWORD, CURSOR_KEY = "s3cr3t-key", "s3ssi0n-t0ken", "p4ssw0rd", "cursor-s3cr3t"
HIDDEN = (SECRET, TOKEN, PASSWORD, CURSOR_KEY)
KEYS = {
    "region_name": "eu-west-1",
    "aws_access_key_id": "AK",
    "aws_secret_access_key": SECRET,
    "aws_session_token": TOKEN,
    "cursor_key": CURSOR_KEY,
}


class Thing(Model):
    class Meta:
        table_name = "things"

    id = CharField(hash_key=True)
    other = ForeignKey("Thing", null=True)


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Begin without connections; give the secrets in the environment too."""
    monkeypatch.setattr(connections, "_connections", {})
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "AK"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", TOKEN),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
    ):
        monkeypatch.setenv(name, value)


def find_shown(failure: BaseException | None) -> list[str]:
    """Return the secrets that an error, its causes or their frames show, outside of this file."""
    found: list[str] = []
    while failure is not None:
        found += [f"the message of {type(failure).__name__}" for s in HIDDEN if s in str(failure)]
        step = failure.__traceback__
        while step is not None:
            frame = step.tb_frame
            if frame.f_code.co_filename != __file__:
                for name, value in frame.f_locals.items():
                    found += [f"{frame.f_code.co_name}: {name}" for s in HIDDEN if s in repr(value)]
            step = step.tb_next
        failure = failure.__cause__ or failure.__context__
    return found


def ask(given, *, environment=()):
    """Connect with the secrets and send a request, blocking and by asyncio."""

    def blocking(monkeypatch):
        for name, value in dict(environment).items():
            monkeypatch.setenv(name, value)
        connect(retries=1, **given)
        Thing.get("a")

    def waiting(monkeypatch):
        for name, value in dict(environment).items():
            monkeypatch.setenv(name, value)
        connect(retries=1, **given)
        asyncio.run(Thing.aget("a"))

    return [blocking, waiting]


REFUSED = "http://127.0.0.1:1"
BY_PROXY = {"HTTPS_PROXY": f"http://me:{PASSWORD}@127.0.0.1:1"}
TLS = "https://127.0.0.1:1"
BAD_URL = f"http://me:{PASSWORD}@h:1/"
FAILURES = {
    "refused": ask({"endpoint_url": REFUSED, **KEYS}),
    "refused, keys of the environment": ask({"endpoint_url": REFUSED}),
    "proxy refused": ask({"endpoint_url": TLS, **KEYS}, environment=BY_PROXY),
    "proxy's URL": ask({"endpoint_url": TLS}, environment={"HTTPS_PROXY": f"ftp://u:{PASSWORD}@h"}),
    "proxy's host": ask({"endpoint_url": TLS}, environment={"HTTPS_PROXY": f"http://u:{PASSWORD}@[:"}),
    "endpoint": ask({"endpoint_url": BAD_URL, **KEYS}),
    "endpoint of the environment": ask({}, environment={"AWS_ENDPOINT_URL": BAD_URL}),
    "endpoint and profile": ask({"endpoint_url": BAD_URL, "profile_name": "none", **KEYS}),
    "profile": ask({"profile_name": "none", **KEYS}),
    "token with a line end": ask({**KEYS, "aws_session_token": TOKEN + "\n"}),
    "secret with a surrogate": ask({**KEYS, "aws_secret_access_key": SECRET + "\udc80"}),
    "half of a pair": ask({"aws_secret_access_key": SECRET}),
    "region": ask({**KEYS, "region_name": "no region", "endpoint_url": REFUSED}),
    "certificates": ask({**KEYS, "endpoint_url": TLS, "verify": "/no/such/file"}),
}  # fmt: skip


@pytest.mark.parametrize(
    "call", [pytest.param(c, id=f"{k}, {c.__name__}") for k, cs in FAILURES.items() for c in cs]
)
def test_no_frame_and_no_message_shows_a_secret(call, monkeypatch):
    with pytest.raises(DynamoDBError) as caught:
        call(monkeypatch)
    assert find_shown(caught.value) == []


@pytest.mark.parametrize("fault", [error("ValidationException"), garbage], ids=["error", "garbage"])
@pytest.mark.parametrize("call", [0, 1], ids=["blocking", "asyncio"])
def test_no_frame_shows_a_secret_after_an_answer(fault, call, monkeypatch):
    with FaultyServer(fault) as server:
        given = {"endpoint_url": server.url, **KEYS}
        with pytest.raises(DynamoDBError) as caught:
            ask(given)[call](monkeypatch)
    assert find_shown(caught.value) == []


def test_no_frame_shows_the_key_of_cursors():
    connect(endpoint_url=REFUSED, **KEYS)
    with pytest.raises(DynamoDBError) as caught:
        Thing.objects.filter(id="a").page(cursor="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    assert find_shown(caught.value) == []


def test_no_frame_shows_refreshed_keys_that_are_invalid():
    class Source:
        def get_frozen_credentials(self):
            session = boto3.Session("AK", SECRET, TOKEN + "\n")
            return session.get_credentials().get_frozen_credentials()

    with pytest.raises(DynamoDBError) as caught:
        Refreshable(Source()).keys()
    assert find_shown(caught.value) == []


def test_no_repr_shows_a_secret():
    connection = connect(endpoint_url=BAD_URL, **KEYS)
    settings = connection.settings
    target_url = f"http://me:{PASSWORD}@10.0.0.1:3128"
    objects = [
        connection, settings, vars(connection), vars(connection.transport), Keys("AK", SECRET, TOKEN),
        find_static_keys(settings), find_static_keys(Settings()), parse_proxy(target_url),
        connect_request("h", 1, parse_proxy(target_url).authorization), Url(target_url),
    ]  # fmt: skip
    text = "\n".join(map(repr, objects))
    assert [each for each in (*HIDDEN, "bWU6") if each in text] == []
    assert "http://h:1/" in repr(connection)


def test_hidden_values_are_what_they_hide():
    assert (Secret("a"), SecretBytes(b"a"), Url("b")) == ("a", b"a", "b")
    assert f"{Secret('a')}{Secret('b')!s}" == "ab"
    assert repr(Url("user:pw@h:1")) == "'h:1'"
    assert repr(Url("http://h:1/")) == "'http://h:1/'"
    assert parse_endpoint("http://h:1", "eu-west-1").url == "http://h:1/"


@pytest.mark.parametrize("shown", [False, True], ids=["by default", "log_keys"])
def test_log_lines_have_keys_only_if_the_connection_says_so(shown, caplog, monkeypatch):
    script = Script([b"{}", b'{"Responses":{"things":[]}}'])
    connection = scripted_connection(script, log_keys=shown)
    monkeypatch.setitem(connections._connections, "default", connection)
    caplog.set_level(logging.DEBUG, "dynamodb_py")
    thing = Thing(id="a", other="the-k3y")
    with pytest.raises(Thing.DoesNotExist):
        thing.other  # noqa: B018
    prefetch([Thing(id="b", other="the-k3y")], "other")
    assert len(caplog.records) == 2
    assert [("the-k3y" in record.getMessage()) for record in caplog.records] == [shown] * 2
