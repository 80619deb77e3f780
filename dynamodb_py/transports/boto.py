"""The transports that send through a botocore client, with all hooks of botocore."""

from __future__ import annotations

import copy
import re
import sys
import time
from typing import Any, cast

import msgspec

from ..credentials.endpoints import Endpoint, parse_endpoint
from ..credentials.sessions import explain
from ..exceptions import (
    ConfigurationError,
    ConnectionFailed,
    ConnectTimeout,
    DynamoDBError,
    ReadTimeout,
    RequestError,
    ResponseCorrupted,
    make_service_error,
)
from ..http.binaries import with_bytes
from ..metering import payload_of
from ..observing.log import get_debug_logger, log_answer
from ..operations.base import Operation
from .integrity import check_responses

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

# botocore's exceptions by name, as it is not imported; of the bases of an exception the first one here counts.
_CONNECTION: dict[str, tuple[type[ConnectionFailed], str]] = {
    "ConnectTimeoutError": (ConnectTimeout, "No connection in time"),
    "ReadTimeoutError": (ReadTimeout, "No response in time"),
    "ResponseParserError": (ResponseCorrupted, "The response cannot be read"),
    "ResponseStreamingError": (ResponseCorrupted, "The response was cut short"),
    "IncompleteReadError": (ResponseCorrupted, "The response was cut short"),
    "ChecksumError": (ResponseCorrupted, "The response does not match its checksum"),
    "FlexibleChecksumError": (ResponseCorrupted, "The response does not match its checksum"),
    "HTTPClientError": (ConnectionFailed, "No response"),
    "ConnectionError": (ConnectionFailed, "No connection"),
}

# Members of requests that older supported versions of botocore do not know: the option of Meta that sends the
# member, and the first version that knows it.
_NEW_MEMBERS = {
    "OnDemandThroughput": ("on_demand_maximum", "1.34.97"),
    "WarmThroughput": ("warm_throughput", "1.35.60"),
    "RecoveryPeriodInDays": ("point_in_time_recovery", "1.35.94"),
}

# The handlers of boto3's resources, which convert Python values.
_RESOURCE_HANDLERS = (
    ("provide-client-params.dynamodb", "dynamodb-create-params-copy"),
    ("before-parameter-build.dynamodb", "dynamodb-condition-expression"),
    ("before-parameter-build.dynamodb", "dynamodb-attr-value-input"),
    ("after-call.dynamodb", "dynamodb-attr-value-output"),
)


class BotoTransport:
    """Sends operations through *client*, a boto3 client or the client of a boto3 resource.

    :param owned: whether this package created the client, and so closes it.
    :param configured: a text that names the setting of the environment with the client's endpoint; moto does
        not mock such an endpoint. Empty if there is none.
    """

    def __init__(self, client: Any, *, owned: bool = False, configured: str = "") -> None:
        meta = client.meta
        self._client = getattr(meta, "client", client)
        self._owned, self._configured = owned, configured

    def send(self, operation: Operation[Any], /) -> bytes:
        """Send *operation* and return the body of its response.

        A client of the user's own may send it several times, by its own retries.
        """
        params = with_bytes(_decode(_encode(payload_of(operation))))
        self.check_mock()
        client = _without_resource_handlers(self._client)
        started = time.perf_counter()
        try:
            with check_responses(self._client):
                response = client._make_api_call(operation.api, params)
        except Exception as error:
            found = translate(error, operation.api)
            if isinstance(found, RequestError):
                found.operation, found.table = operation.api, ", ".join(operation.tables)
            if found is None or found is error:
                raise
            raise found from error
        metadata = response.pop("ResponseMetadata", {})
        logger = get_debug_logger()
        if logger is not None:
            seconds = time.perf_counter() - started
            log_answer(logger, operation, metadata.get("HTTPStatusCode"), seconds, None)
        return _encode(_with_seconds(response))

    @property
    def endpoint(self) -> Endpoint:
        """Where requests go."""
        meta = self._client.meta
        return parse_endpoint(meta.endpoint_url, meta.region_name)

    def check_mock(self) -> None:
        """Let moto's mock, if it is active, answer requests; raise ConfigurationError if it cannot."""
        register_mock(self._client, self._configured)

    def close(self) -> None:
        """Close the client's connections, unless the client is the user's own."""
        if self._owned:
            self._client.close()


class AsyncBotoTransport:
    """The same for asyncio, in threads of the event loop; a cancelled request goes on there to its end."""

    def __init__(self, client: Any, *, owned: bool = False) -> None:
        self._sync = BotoTransport(client, owned=owned)

    async def send(self, operation: Operation[Any], /) -> bytes:
        """Send *operation* and return the body of its response."""
        from asyncio import to_thread  # it copies the context, so that traces stay whole

        return await to_thread(self._sync.send, operation)

    async def close(self) -> None:
        """Close the client's connections, unless the client is the user's own."""
        self._sync.close()


def register_mock(client: Any, configured: str = "") -> None:
    """Register moto's active mock with *client*, which may have been created before the import of moto.

    Otherwise the client would send the request to the real AWS. Raises ConfigurationError if the endpoint
    is *configured* by the environment, as moto does not mock such requests.
    """
    models = sys.modules.get("moto.core.models")
    stubber = getattr(models, "botocore_stubber", None)
    if stubber is None or not stubber.enabled:
        return
    if configured and not _passes_dynamodb_through():
        raise ConfigurationError(
            f"moto's mock_aws is active, and {configured}: requests would go there, past the mock. Unset "
            "that while the mock is active, or give connect() the right endpoint_url="
        )
    emitter = getattr(client.meta.events, "_emitter", client.meta.events)
    if stubber not in emitter._handlers.prefix_search("before-send.dynamodb.GetItem"):
        client.meta.events.register("before-send", stubber)


def _passes_dynamodb_through() -> bool:
    """Tell whether ``mock_aws(config=...)`` excludes DynamoDB from the mock."""
    config = sys.modules.get("moto.core.config")
    passes = getattr(config, "passthrough_service", None)
    return passes is not None and bool(passes("dynamodb"))


def _without_resource_handlers(client: Any) -> Any:
    """Return *client*, or a copy that does not convert values if it is the client of a resource.

    The copy is a new one each time, as handlers such as the Stubber's may change at any time.
    """
    events = client.meta.events
    known = getattr(getattr(events, "_emitter", events), "_unique_id_handlers", None)
    if known is not None and "dynamodb-attr-value-input" not in known:
        return client
    # Its __getattr__ does not allow copy.copy().
    twin: Any = object.__new__(cast("type[Any]", type(client)))
    twin.__dict__.update(client.__dict__)
    twin.meta = copy.copy(client.meta)
    twin.meta.events = copy.copy(events)
    for event, name in _RESOURCE_HANDLERS:
        twin.meta.events.unregister(event, unique_id=name)
    return twin


def _with_seconds(value: Any) -> Any:
    """Return botocore's response with numbers of seconds for datetimes, as DynamoDB sends them."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {name: _with_seconds(inner) for name, inner in members.items()}
    if isinstance(value, list):
        return [_with_seconds(inner) for inner in cast("list[Any]", value)]
    return value.timestamp() if hasattr(value, "timestamp") else value


def translate(error: Exception, api: str) -> DynamoDBError | None:
    """Return the exception of this package for *error* of botocore; None for other errors.

    Errors of a Stubber are such others: they are the errors of a test.
    """
    if isinstance(error, DynamoDBError):
        return error
    names = [kind.__name__ for kind in type(error).__mro__ if "botocore" in kind.__module__]
    if isinstance(error, FileNotFoundError) or getattr(error, "operation_name", api) != api:
        # A provider of credentials failed: its call, such as AssumeRole, or its token file.
        return ConfigurationError(f"No AWS credentials could be obtained: {error}")
    if "ClientError" in names:
        return _service_error(error)
    if known := next(filter(None, map(_CONNECTION.get, names)), None):
        kind, text = known
        return kind(f"{text}: {error}")
    if "BotoCoreError" not in names or "StubResponseError" in names:
        return None
    if "ParamValidationError" in names:
        return _find_unknown_option(str(error)) or make_service_error(
            "ValidationException", str(error)
        )
    return ConfigurationError(explain(error))


def _find_unknown_option(report: str) -> ConfigurationError | None:
    """Return the error of an option of tables that the installed botocore does not know; else None."""
    for member, (option, version) in _NEW_MEMBERS.items():
        if re.search(f'Unknown parameter in [^:]*: "{member}"', report):
            return ConfigurationError(
                f"the installed botocore does not know {member}, for the option Meta.{option}: install "
                f"botocore {version} or newer, or leave the option out"
            )
    return None


def _service_error(error: Any) -> RequestError:
    response = error.response
    parsed: dict[str, Any] = response.get("Error") or {}
    metadata: dict[str, Any] = response.get("ResponseMetadata") or {}
    body = {n: v for n, v in response.items() if n not in ("Error", "ResponseMetadata")}
    # JSON and back gives the body the same form as over HTTP.
    code = str(parsed.get("Code") or "Unknown")
    found: RequestError
    try:
        found = make_service_error(
            code,
            str(parsed.get("Message") or response.get("message") or ""),
            status=metadata.get("HTTPStatusCode") or 400,
            body=with_bytes(_decode(_encode(_with_seconds(body)))),
        )
    except (ValueError, RecursionError) as failure:
        found = ResponseCorrupted(f"The response, a {code}, cannot be read: {failure}")
    found.request_id = metadata.get("RequestId") or ""
    return found
