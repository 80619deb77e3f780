"""What a transport must be told: where requests go, with whose credentials, and how patiently."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of one pair of transports; what is None is found as boto3 finds it.

    ``connect_timeout`` and ``read_timeout`` are seconds; the second is for a whole answer.
    ``pool_size`` is how many connections are kept open: for asyncio also the most that are open at
    once, while threads may open more for a moment. ``verify`` is True, False (certificates are not
    checked: never in production) or the path of a file or directory with certificate authorities.

    ``session`` is a boto3 or botocore session, ``client`` a boto3 client or resource of DynamoDB's;
    with either, requests go through botocore, with all of its hooks.
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
