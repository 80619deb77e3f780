"""The settings of transports: endpoint, credentials and timeouts."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct
from msgspec.structs import force_setattr

from .addresses import Address


class Secret(str):
    """A text that repr() hides, so that no traceback, log or error reporter shows it.

    >>> Secret("wJalrXUtnFEMI"), str(Secret("x"))
    (<hidden>, 'x')
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "<hidden>"


class SecretBytes(bytes):
    """Bytes that repr() hides: a signing key, or a request with its session token."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} bytes, hidden>"


class Url(str):
    """A URL whose user and password repr() leaves out.

    >>> Url("http://me:secret@10.0.0.1:3128")
    'http://10.0.0.1:3128'
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(re.sub(r"^(\w+://|//)?.*@", r"\1", self, flags=re.DOTALL))


class Service(Struct, frozen=True):
    """An API of DynamoDB with its own endpoint: that of tables or that of streams."""

    name: str
    """Its name in botocore."""
    target: str
    """The prefix of the header X-Amz-Target."""
    host: str
    """The beginning of its hosts at AWS, before the region."""
    setting: str
    """Its name in shared configuration files, and in upper case in the environment."""
    example: str
    """One of its calls that needs no arguments."""

    @property
    def variable(self) -> str:
        """The environment variable that sets its endpoint."""
        return f"AWS_ENDPOINT_URL_{self.setting.upper()}"


TABLES = Service("dynamodb", "DynamoDB_20120810.", "dynamodb", "dynamodb", "ListTables")
STREAMS = Service(
    "dynamodbstreams",
    "DynamoDBStreams_20120810.",
    "streams.dynamodb",
    "dynamodb_streams",
    "ListStreams",
)


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of one pair of transports; None means boto3's default.

    ``connect_timeout`` and ``read_timeout`` are seconds; the second is for a whole response.
    ``pool_size`` is the number of connections to keep open. With asyncio there are never more; threads may
    open more for a moment. ``verify`` is True, False (certificates are not checked: never in production) or
    the path of a file or directory with certificate authorities.

    ``session`` is a boto3 or botocore session, ``client`` a boto3 client or resource for DynamoDB. With
    either, requests go through botocore with its hooks. ``through_instrumented_botocore`` decides whether
    requests go through botocore while a tool instruments it; None: they do not, and a log line says so.
    """

    region_name: str | None = None
    endpoint_url: str | None = None
    profile_name: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = None
    aws_session_token: str | None = None
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    pool_size: int = 64
    verify: bool | str = True
    session: Any = None
    client: Any = None
    through_instrumented_botocore: bool | None = None
    address: Address | None = None
    """The address of an embedded database, which uses no other setting."""
    streams_endpoint_url: str | None = None
    """The endpoint of streams; None: see :func:`~dynamodb_py.credentials.streams.make_streams_settings`."""
    service: Service = TABLES

    def __post_init__(self) -> None:
        for name in ("aws_secret_access_key", "aws_session_token"):
            if (value := getattr(self, name)) is not None:
                force_setattr(self, name, Secret(value))
        for name in ("endpoint_url", "streams_endpoint_url"):
            if (url := getattr(self, name)) is not None:
                force_setattr(self, name, Url(url))
