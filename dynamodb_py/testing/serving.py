"""A server for an embedded database, to which boto3 is redirected and other programs can send HTTP."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from botocore.endpoint import Endpoint

from ..local import Engine
from ..local.server import Server

_SERVICES = ("dynamodb", "streams.dynamodb")

_urls: list[str] = []
"""The addresses of the blocks that have begun and not ended; the last one is in force."""
_own: list[Callable[..., Any]] = []
"""The replaced function of botocore, within blocks."""
_lock = threading.Lock()


@contextmanager
def serve_engine(engine: Engine) -> Generator[str, None, None]:
    """Serve *engine* at a free port, and redirect all requests of boto3 for DynamoDB there."""
    with Server(engine, port=0) as server:
        before = _set_environment(server.url)
        _begin(server.url)
        try:
            yield server.url
        finally:
            _end(server.url)
            _put_back(before)


def _begin(url: str) -> None:
    with _lock:
        _urls.append(url)
        if not _own:
            _own.append(Endpoint.prepare_request)
            # boto3 reads the address in the environment once per client; some clients exist before the test.
            setattr(Endpoint, "prepare_request", _redirect(Endpoint.prepare_request))  # noqa: B010


def _end(url: str) -> None:
    with _lock:
        _urls.remove(url)
        if not _urls:
            setattr(Endpoint, "prepare_request", _own.pop())  # noqa: B010


def _redirect(prepare: Callable[..., Any]) -> Callable[..., Any]:
    """Return botocore's function *prepare*, changed so that requests for DynamoDB go to the last server."""

    def prepare_request(self: Any, request: Any) -> Any:
        prepared = prepare(self, request)
        if _urls and self._endpoint_prefix in _SERVICES:
            prepared.url = f"{_urls[-1]}/"
        return prepared

    return prepare_request


def _set_environment(url: str) -> dict[str, str | None]:
    """Set the variables that new clients need, in child processes too; return their values before."""
    settings = {
        "AWS_ENDPOINT_URL_DYNAMODB": url,
        "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    if "AWS_DEFAULT_REGION" not in os.environ:
        settings["AWS_DEFAULT_REGION"] = "us-east-1"
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    return before


def _put_back(before: dict[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
