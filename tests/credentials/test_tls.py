"""TLS: certificates are checked, against the authorities that were named."""

from __future__ import annotations

import socket
import ssl
import threading

import pytest
import trustme

from dynamodb_py.credentials.tls import _find_bundled_authorities, find_authorities, make_context
from dynamodb_py.exceptions import ConfigurationError, ConnectionFailed, ConnectTimeout, ReadTimeout

from .. import faulty
from ..callers import Echo
from ..faulty import FaultyServer


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(scope="module")
def other_bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("other") / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return str(path)


def tls(authority, *names):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("127.0.0.1",))).configure_cert(context)
    return context


def test_a_trusted_server_is_spoken_to_over_one_connection(caller, authority, bundle):
    with FaultyServer(tls=tls(authority)) as server:
        client = caller(server.url, verify=bundle)
        assert [client.send(Echo(str(i))) for i in range(10)] == [str(i) for i in range(10)]
        assert server.accepted == 1
        client.close()
        assert server.wait_until_empty()


def test_aws_ca_bundle_is_honoured(caller, authority, bundle, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", bundle)
    with FaultyServer(tls=tls(authority)) as server:
        assert caller(server.url).send(Echo("k")) == "k"


def test_a_bundle_of_the_config_file_is_honoured(caller, authority, bundle, monkeypatch, tmp_path):
    config = tmp_path / "config"
    config.write_text(f"[default]\nca_bundle = {bundle}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with FaultyServer(tls=tls(authority)) as server:
        assert caller(server.url).send(Echo("k")) == "k"


@pytest.mark.parametrize("trust", ["another authority", "the system's authorities"])
def test_a_server_that_nobody_vouches_for_is_refused(caller, authority, other_bundle, trust):
    verify = other_bundle if trust == "another authority" else True
    with FaultyServer(tls=tls(authority)) as server:
        said = caller(server.url, verify=verify).outcome(Echo("k"))
        assert server.received == []
    assert type(said) is ConnectionFailed
    assert "certificate of 127.0.0.1 cannot be trusted" in str(said)
    assert "AWS_CA_BUNDLE" in str(said)


def test_a_certificate_for_another_name_is_refused(caller, authority, bundle):
    with FaultyServer(tls=tls(authority, "dynamodb.example")) as server:
        said = caller(server.url, verify=bundle).outcome(Echo("k"))
        assert server.received == []
    assert type(said) is ConnectionFailed
    assert "cannot be trusted" in str(said)


def test_verification_can_be_switched_off(caller, authority):
    with FaultyServer(tls=tls(authority, "dynamodb.example")) as server:
        assert caller(server.url, verify=False).send(Echo("k")) == "k"


def test_a_server_without_tls_is_a_connection_failure(caller, bundle):
    def answer(listener):
        opened, _ = listener.accept()
        with opened:
            opened.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        port = listener.getsockname()[1]
        said = caller(f"https://127.0.0.1:{port}", verify=bundle).outcome(Echo("k"))
        thread.join()
    assert type(said) is ConnectionFailed
    assert f"No connection to 127.0.0.1:{port}" in str(said)


def test_plain_http_to_a_server_with_tls_is_a_connection_failure(caller, authority):
    with FaultyServer(tls=tls(authority)) as server:
        said = caller(server.url.replace("https", "http")).outcome(Echo("k"))
    assert isinstance(said, ConnectionFailed)


def test_a_handshake_that_stands_still_is_a_connect_timeout(caller, bundle):
    with FaultyServer() as server:  # waits for a request that never comes
        url = server.url.replace("http", "https")
        said = caller(url, verify=bundle, connect_timeout=0.2).outcome(Echo("k"))
        assert type(said) is ConnectTimeout
        assert server.wait_until_empty()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faulty.stall, ReadTimeout),
        (faulty.stall_in_body, ReadTimeout),
        (faulty.trickle, ReadTimeout),
        (faulty.close_after_request, ConnectionFailed),
        (faulty.half_body, ConnectionFailed),
    ],
)
def test_faults_within_tls_are_the_same(caller, authority, bundle, fault, kind):
    with FaultyServer(fault, fault, fault, tls=tls(authority)) as server:
        client = caller(server.url, verify=bundle, read_timeout=0.5 if kind is ReadTimeout else 10)
        assert isinstance(client.outcome(Echo("k")), kind)
        assert client.run(Echo("k")) == "k"
        client.close()
        assert server.wait_until_empty()


def test_a_long_answer_arrives_whole(caller, authority, bundle):
    with FaultyServer(tls=tls(authority)) as server:
        text = "é" * 1_000_000
        assert caller(server.url, verify=bundle).send(Echo(text)) == text


def test_an_idle_connection_that_the_server_closed_is_not_used(caller, authority, bundle):
    with FaultyServer(tls=tls(authority)) as server:
        client = caller(server.url, verify=bundle)
        client.send(Echo("a"))
        client.send(Echo("b"))
        assert server.accepted == 1
        server.drop()
        assert server.wait_until_empty()
        assert client.run(Echo("c")) == "c"
        assert server.accepted == 2


@pytest.mark.parametrize(
    ("verify", "environ", "configured", "expected"),
    [
        (True, {}, None, True),
        (True, {"REQUESTS_CA_BUNDLE": "r"}, None, "r"),
        (True, {"REQUESTS_CA_BUNDLE": "r"}, "c", "c"),
        (True, {"AWS_CA_BUNDLE": "a", "REQUESTS_CA_BUNDLE": "r"}, "c", "a"),
        ("v", {"AWS_CA_BUNDLE": "a"}, "c", "v"),
        (False, {"AWS_CA_BUNDLE": "a"}, "c", False),
    ],
)
def test_who_is_trusted(monkeypatch, verify, environ, configured, expected):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert find_authorities(verify, configured) == expected


def test_what_is_no_bundle_says_so(tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing\n")
    for path in (str(empty), str(tmp_path / "missing.pem")):
        with pytest.raises(ConfigurationError, match="verify= and AWS_CA_BUNDLE"):
            make_context(path)


def test_certificates_are_checked_unless_told_otherwise(bundle, tmp_path):
    for verify in (True, bundle, str(tmp_path)):
        context = make_context(verify)
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname
    assert make_context(False).verify_mode == ssl.CERT_NONE


def test_a_system_without_authorities_has_those_that_come_with_botocore(monkeypatch):
    monkeypatch.setattr("dynamodb_py.credentials.tls._system_has_authorities", lambda paths: False)
    assert str(_find_bundled_authorities()).endswith("cacert.pem")
    assert len(make_context(True).get_ca_certs()) > 50
