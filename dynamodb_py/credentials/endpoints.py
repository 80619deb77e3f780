"""Endpoints: given explicitly, made from the name of a region, or found by botocore's rules."""

from __future__ import annotations

import os
import re
from typing import Any

from msgspec import Struct

from ..exceptions import ConfigurationError
from .keys import find_static_keys
from .settings import Settings, Url

# Regions of the partitions "aws" and "aws-cn"; names of other partitions' regions have one more part.
_PLAIN_REGION = re.compile(r"[a-z]{2}-[a-z]+-[0-9]{1,2}")

# urllib.parse would cost the first request 2 ms.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!$-.0-;=@-Z_a-z~/%]*)?"
)

# With any of these, boto3 chooses another endpoint, or reads a file first.
_NEEDS_BOTOCORE = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_ACCOUNT_ID",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE",
    "AWS_DATA_PATH",
)


class Endpoint(Struct, frozen=True):
    """The parts of an endpoint's URL, and the region that requests to it are signed for."""

    region: str
    scheme: str
    host: str
    port: int
    path: str = "/"

    @property
    def authority(self) -> str:
        """Host and port, without the default port of the scheme."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole URL."""
        return f"{self.scheme}://{self.authority}{self.path}"


def parse_endpoint(url: str, region: str) -> Endpoint:
    """Return the endpoint of *url*; raise ConfigurationError for an invalid one.

    >>> parse_endpoint("http://127.0.0.1:8000", "eu-west-1").authority
    '127.0.0.1:8000'
    """
    url = Url(url)
    found = _URL.fullmatch(url)
    port = int(found["port"] or 0) if found else 0
    if found is None or port > 65535:
        raise ConfigurationError(
            f"endpoint_url {url!r} is not an endpoint: give a scheme, a host, and if need be a port "
            "and a path, as in http://127.0.0.1:8000."
        )
    if not re.fullmatch(r"[A-Za-z0-9-]+", region):
        raise ConfigurationError(
            f"The AWS region {region!r} is not the name of a region; give one such as eu-west-1."
        )
    scheme, host = found["scheme"], found["host"].strip("[]").lower()
    usual = 443 if scheme == "https" else 80
    return Endpoint(region, scheme, host, port or usual, found["path"] or "/")


def find_plain_endpoint(settings: Settings) -> Endpoint | None:
    """Return the endpoint if it is known without botocore, else None.

    It is if the settings or the environment have keys and a region, and no shared file of AWS can change
    anything. In doubt, botocore decides.
    """
    getenv = os.getenv  # a local os.environ would show the secret key in tracebacks
    region = settings.region_name or getenv("AWS_DEFAULT_REGION") or getenv("AWS_REGION")
    if not region or settings.profile_name or find_static_keys(settings) is None:
        return None
    if getenv("AWS_PROFILE") or getenv("AWS_DEFAULT_PROFILE"):
        return None
    given, service = settings.endpoint_url, settings.service
    if given is not None:
        endpoint = parse_endpoint(given, region)
        # A shared file may name a bundle of certificate authorities.
        trusted = settings.verify is not True or getenv("AWS_CA_BUNDLE")
        plain = endpoint.scheme == "http" or trusted or not has_shared_files()
        return endpoint if plain else None
    if has_shared_files():
        return None
    if getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() != "true":
        url = Url(getenv(service.variable) or getenv("AWS_ENDPOINT_URL") or "")
        if url:
            return parse_endpoint(url, region)
    if any(getenv(name) for name in _NEEDS_BOTOCORE) or not _PLAIN_REGION.fullmatch(region):
        return None
    suffix = ".cn" if region.startswith("cn-") else ""
    return parse_endpoint(f"https://{service.host}.{region}.amazonaws.com{suffix}", region)


def has_shared_files() -> bool:
    """Tell whether there is a config or credentials file that boto3 would read."""
    named = (
        os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config",
        os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials",
    )
    return any(os.path.isfile(os.path.expanduser(name)) for name in named)


def resolve_endpoint(client: Any, call: str) -> Endpoint:
    """Return the endpoint of *call* by botocore's rules for *client*'s region and account."""
    context: dict[str, Any] = {
        "client_region": client.meta.region_name,
        "client_config": client.meta.config,
    }
    model = client.meta.service_model.operation_model(call)
    url, _, _ = client._resolve_endpoint_ruleset(model, {}, context)
    signing: dict[str, Any] = context.get("signing") or {}
    return parse_endpoint(url, signing.get("region") or client.meta.region_name)
