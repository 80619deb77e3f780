"""Signatures: byte for byte those of botocore, on requests that say what they should."""

from __future__ import annotations

import datetime as dt
from unittest.mock import patch

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py.credentials.endpoints import parse_endpoint
from dynamodb_py.credentials.keys import Keys
from dynamodb_py.credentials.settings import TABLES
from dynamodb_py.credentials.signing import CONTENT_TYPE, Signer

NOW = 1_795_000_000


def signer(url: str, region: str = "eu-west-1") -> Signer:
    endpoint = parse_endpoint(url, region)
    return Signer(region=region, host=endpoint.authority, path=endpoint.path)


def parsed(request: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    return line, dict(one.split(": ", 1) for one in lines), body


def botocores(url: str, region: str, api: str, body: bytes, keys: Keys, now: int) -> str:
    """Return the Authorization header that botocore makes."""
    headers = {"X-Amz-Target": TABLES.target + api, "Content-Type": CONTENT_TYPE}
    request = AWSRequest("POST", url, headers=headers, data=body)
    credentials = ReadOnlyCredentials(keys.access_key, keys.secret_key, keys.token)
    moment = dt.datetime.fromtimestamp(now, dt.timezone.utc)
    with patch("botocore.auth.get_current_datetime", return_value=moment):
        SigV4Auth(credentials, "dynamodb", region).add_auth(request)
    return str(request.headers["Authorization"])


words = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789/+", min_size=1, max_size=40)
calls = st.sampled_from(["GetItem", "BatchWriteItem"])
urls = st.sampled_from(
    [
        "https://dynamodb.eu-west-1.amazonaws.com",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "https://proxy.example:443/dynamodb/",
        "http://proxy.example:80/a%20b/~c",
        "http://proxy.example/a;b=c@d:e+f,g",
    ]
)


@given(
    url=urls,
    region=st.sampled_from(["eu-west-1", "us-gov-west-1", "local"]),
    api=calls,
    body=st.binary(max_size=200),
    access_key=words,
    secret_key=words | st.text(min_size=61, max_size=80),  # longer than HMAC's block
    token=st.none() | words,
    now=st.integers(0, 4_000_000_000),
)
def test_signatures_are_those_of_botocore(
    url, region, api, body, access_key, secret_key, token, now
):
    keys = Keys(access_key, secret_key, token)
    request = signer(url, region).request(api, body, keys, now)
    _, headers, sent = parsed(request)
    expected = botocores(url, region, api, body or b"", keys, now)
    assert headers["Authorization"] == expected
    assert sent == body


def test_the_request_says_what_dynamodb_wants_to_hear():
    request = signer("http://127.0.0.1:8000").request("GetItem", b"{}", Keys("AK", "SK", "T"), NOW)
    line, headers, body = parsed(request)
    assert line == "POST / HTTP/1.1"
    authorization = headers.pop("Authorization")
    assert headers == {
        "Host": "127.0.0.1:8000",
        "User-Agent": "dynamodb_py",
        "Accept-Encoding": "identity",
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Date": "20261118T110640Z",
        "X-Amz-Security-Token": "T",
        "X-Amz-Target": "DynamoDB_20120810.GetItem",
        "Content-Length": "2",
    }
    assert authorization.startswith(
        "AWS4-HMAC-SHA256 Credential=AK/20261118/eu-west-1/dynamodb/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature="
    )
    assert body == b"{}"


@pytest.mark.parametrize(
    ("keys", "now"),
    [
        pytest.param(Keys("AK", "SK"), NOW + 1, id="the next second"),
        pytest.param(Keys("AK", "SK"), NOW + 86_400, id="the next day"),
        pytest.param(Keys("AK", "other"), NOW, id="another secret"),
        pytest.param(Keys("other", "SK"), NOW, id="another key"),
        pytest.param(Keys("AK", "SK", "token"), NOW, id="a token"),
    ],
)
def test_what_is_kept_from_one_request_is_not_used_for_another(keys, now):
    one = signer("http://127.0.0.1:8000")
    one.request("GetItem", b"{}", Keys("AK", "SK"), NOW)
    _, headers, _ = parsed(one.request("PutItem", b"{ }", keys, now))
    expected = botocores("http://127.0.0.1:8000", "eu-west-1", "PutItem", b"{ }", keys, now)
    assert headers["Authorization"] == expected


@given(
    st.lists(
        st.tuples(
            calls,
            st.binary(max_size=100),
            st.sampled_from([Keys("AK", "SK"), Keys("AK", "SK", "token"), Keys("AK", "other")]),
            st.sampled_from([NOW, NOW + 1]),
        ),
        max_size=8,
    )
)
def test_what_was_hashed_ahead_signs_as_a_new_signer_does(requests):
    one = signer("http://127.0.0.1:8000")
    for request in requests:
        assert one.request(*request) == signer("http://127.0.0.1:8000").request(*request)


def test_the_second_request_of_a_call_and_second_hashes_its_body_alone():
    one, keys, hashed = signer("http://127.0.0.1:8000"), Keys("AK", "SK"), []
    one.request("GetItem", b"{}", keys, NOW)
    new = one._sha256
    one._sha256 = lambda data: hashed.append(data) or new(data)
    one.request("GetItem", b"{ }", keys, NOW)
    assert hashed == [b"{ }"]
