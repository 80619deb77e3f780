"""Proxies: tunnels for TLS, whole URLs for plain HTTP, and none where NO_PROXY says so."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from contextlib import suppress

import pytest
import trustme

from dynamodb_py.credentials.endpoints import parse_endpoint
from dynamodb_py.credentials.proxies import Proxy, find_proxy, parse_proxy
from dynamodb_py.exceptions import ConfigurationError, ConnectionFailed, ConnectTimeout

from ..callers import Echo
from ..faulty import FaultyServer


class TunnelProxy:
    """A proxy that opens tunnels, says *refusal* instead, or with b"" nothing at all."""

    def __init__(self, refusal: bytes | None = None) -> None:
        self.refusal = refusal
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error):
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(near)
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near):
        with suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                more = near.recv(4096)
                if not more:
                    return
                head += more
            self.asked.append(head.decode())
            if self.refusal is not None:
                near.sendall(self.refusal)
                near.recv(1)
                return
            host, _, port = head.split()[1].decode().rpartition(":")
            far = socket.create_connection((host, int(port)))
            self._open.append(far)
            near.sendall(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")
            threading.Thread(target=pump, args=(far, near), daemon=True).start()
            pump(near, far)


def pump(source, sink):
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def secure(authority, tmp_path, monkeypatch):
    """Return a server with TLS whose authority is in AWS_CA_BUNDLE."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with FaultyServer(tls=context) as server:
        yield server


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"])
def test_tls_goes_through_a_tunnel_that_is_kept(caller, secure, monkeypatch, variable):
    with TunnelProxy() as proxy:
        monkeypatch.setenv(variable, proxy.url.replace("//", "//us%40er:pass%3Aword@"))
        client = caller(secure.url)
        assert [client.send(Echo(key)) for key in "abc"] == ["a", "b", "c"]
        [asked] = proxy.asked
        client.close()
        assert secure.wait_until_empty()
    assert asked.startswith(f"CONNECT 127.0.0.1:{secure.port} HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic dXNAZXI6cGFzczp3b3Jk\r\n" in asked  # us@er:pass:word
    assert secure.accepted == 1
    assert "proxy-authorization" not in secure.received[0].headers


def test_plain_http_is_sent_to_the_proxy_with_the_whole_url(caller, monkeypatch):
    with FaultyServer() as proxy:  # it answers in the endpoint's place
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//u:p@"))
        client = caller("http://dynamodb.invalid:8000")
        assert client.send(Echo("k")) == "k"
        [request] = proxy.received
    assert request.line == "POST http://dynamodb.invalid:8000/ HTTP/1.1"
    assert request.headers["host"] == "dynamodb.invalid:8000"
    assert request.headers["proxy-authorization"] == "Basic dTpw"


@pytest.mark.parametrize("no_proxy", ["127.0.0.1", "*", "example.com,127.0.0.1"])
def test_no_proxy_is_honoured(caller, secure, monkeypatch, no_proxy):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert caller(secure.url).send(Echo("k")) == "k"


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n", "status 407. Put user:password@ into"),
        (b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", "refused a tunnel with status 403"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "does not speak HTTP/1.1"),
    ],
)
def test_a_proxy_that_refuses_is_a_connection_failure(caller, secure, monkeypatch, refusal, words):
    with TunnelProxy(refusal) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        said = caller(secure.url).outcome(Echo("k"))
    assert isinstance(said, ConnectionFailed)
    assert words in str(said)
    assert secure.accepted == 0


def test_a_proxy_that_says_nothing_is_a_connect_timeout(caller, secure, monkeypatch):
    with TunnelProxy(b"") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        said = caller(secure.url, connect_timeout=0.2).outcome(Echo("k"))
        assert type(said) is ConnectTimeout
        assert "the proxy 127.0.0.1" in str(said)


def test_no_proxy_there_is_a_connection_failure_that_names_it(caller, secure, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    said = caller(secure.url).outcome(Echo("k"))
    assert type(said) is ConnectionFailed
    assert f"the proxy 127.0.0.1:{port}" in str(said)


def test_the_certificate_is_checked_through_a_tunnel_too(caller, secure, monkeypatch):
    monkeypatch.delenv("AWS_CA_BUNDLE")
    with TunnelProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        said = caller(secure.url).outcome(Echo("k"))
    assert "certificate of 127.0.0.1 cannot be trusted" in str(said)
    assert secure.received == []


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p:1"}, Proxy("p", 1)),
        ({"HTTP_PROXY": "http://p:1"}, None),
        ({"ALL_PROXY": "http://p:1"}, None),
        ({"HTTPS_PROXY": ""}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "amazonaws.com"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example.com"}, Proxy("p", 1)),
    ],
)
def test_the_environment_names_the_proxy(monkeypatch, environ, expected):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    endpoint = parse_endpoint("https://dynamodb.eu-west-1.amazonaws.com", "eu-west-1")
    assert find_proxy(endpoint) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://p:3128", Proxy("p", 3128)),
        ("http://p", Proxy("p", 80)),
        ("p:3128", Proxy("p", 3128)),
        ("//p:3128", Proxy("p", 3128)),
        ("http://[::1]:3128/", Proxy("::1", 3128)),
        ("http://u@p:1", Proxy("p", 1, "Basic dTo=")),
    ],
)
def test_a_proxy_is_read_from_its_url(url, expected):
    assert parse_proxy(url) == expected


@pytest.mark.parametrize("url", ["https://p:1", "socks5://p:1", "http://p:x", "http://"])
def test_what_is_no_proxy_of_ours_is_said(url):
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY or HTTP_PROXY"):
        parse_proxy(url)
