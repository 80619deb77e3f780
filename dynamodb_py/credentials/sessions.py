"""botocore's sessions and clients for settings; the first one imports botocore."""

from __future__ import annotations

import os
from typing import Any, cast

from ..exceptions import ConfigurationError
from .endpoints import has_shared_files, parse_endpoint
from .settings import STREAMS, Service, Settings, Url


def make_session(settings: Settings) -> Any:
    """Return the session of the settings, else a new session of botocore.

    Raises :class:`~dynamodb_py.exceptions.ConfigurationError` if the profile is unknown or a configuration
    file cannot be read.
    """
    if settings.session is not None:
        return settings.session
    from botocore.exceptions import BotoCoreError  # 90 ms, rarely needed
    from botocore.session import Session

    try:
        session: Any = Session(profile=settings.profile_name)
        if settings.aws_access_key_id or settings.aws_secret_access_key:
            session.set_credentials(
                settings.aws_access_key_id,
                settings.aws_secret_access_key,
                settings.aws_session_token,
            )
        session.get_scoped_config()  # raises for an unknown profile
    except (BotoCoreError, OSError, ValueError) as error:
        raise ConfigurationError(f"boto3's configuration cannot be used: {error}") from error
    return session


def find_region(session: Any, settings: Settings) -> str | None:
    """Return the region of the settings, else the one that boto3 finds, else AWS_REGION (set in Lambda)."""
    inner = getattr(session, "_session", session)  # boto3's session wraps botocore's
    found = settings.region_name or inner.get_config_variable("region")
    return found or os.environ.get("AWS_REGION") or None


def make_client(settings: Settings, session: Any = None, *, boto3_default: bool = False) -> Any:
    """Return a new client for the service of the settings, without retries: the driver retries.

    With *boto3_default* the client comes from ``boto3.client``, which moto replaces if it runs as a
    server. Raises :class:`~dynamodb_py.exceptions.ConfigurationError` if the settings are invalid.
    """
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    session = session or make_session(settings)
    config: Any = Config(
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        max_pool_connections=settings.pool_size,
        parameter_validation=False,
        retries={"total_max_attempts": 1, "mode": "standard"},
        **_list_options(settings.service),
    )
    given: dict[str, Any] = {
        "region_name": find_region(session, settings),
        "config": config,
        # None instead of True, so that AWS_CA_BUNDLE and the config file count.
        "verify": None if settings.verify is True else settings.verify,
    }
    if settings.endpoint_url is not None:
        parse_endpoint(settings.endpoint_url, "any")  # botocore's own message would show a password
        given["endpoint_url"] = settings.endpoint_url
    if settings.aws_access_key_id is not None:
        given["aws_access_key_id"] = settings.aws_access_key_id
        given["aws_secret_access_key"] = settings.aws_secret_access_key
        given["aws_session_token"] = settings.aws_session_token
    make: Any = getattr(session, "client", None) or session.create_client
    if boto3_default and settings.session is None and settings.profile_name is None:
        import boto3

        make = cast("Any", boto3).client
    try:
        return make(settings.service.name, **given)
    except (BotoCoreError, ValueError) as error:  # a ValueError for an invalid endpoint URL
        raise ConfigurationError(explain(error)) from error


def make_client_like(client: Any, service: Service, endpoint_url: str | None) -> Any:
    """Return a client for *service* with the credentials, region and configuration of *client*.

    :param client: one of the user's own, or a resource; its event hooks are not in the new one.
    """
    from botocore.config import Config
    from botocore.session import Session

    inner = getattr(client.meta, "client", client)
    config: Any = Config(parameter_validation=False, **_list_options(service))
    session: Any = Session()
    session._credentials = inner._request_signer._credentials
    return session.create_client(
        service.name,
        region_name=inner.meta.region_name,
        endpoint_url=endpoint_url,
        config=inner.meta.config.merge(config),
        verify=inner._endpoint.http_session._verify,
    )


def _list_options(service: Service) -> dict[str, Any]:
    """Return the options of a client that depend on its service."""
    from botocore.config import Config

    # From the ARN of a stream botocore makes an endpoint of the account, which moto does not know. Older
    # versions of botocore have no such option.
    name = "account_id_endpoint_mode"
    has_accounts = service is STREAMS and name in cast("Any", Config).OPTION_DEFAULTS
    return {name: "disabled"} if has_accounts else {}


def describe_configured_endpoint(service: Service, client: Any, session: Any = None) -> str:
    """Return a text that names what sets the endpoint of *client*: a variable or a file; "" if none does.

    :param session: the session that created the client; None for the user's own client, which may have
        another endpoint.
    """
    where, url = find_configured_endpoint(service, session)
    if not url or (
        session is None and url != getattr(client.meta, "client", client).meta.endpoint_url
    ):
        return ""
    return f"{where} sets the endpoint {Url(url)!r}"


def find_configured_endpoint(service: Service, session: Any = None) -> tuple[str, str]:
    """Return the variable or file that sets the endpoint of *service*, and the endpoint; else two "".

    The order is botocore's.

    :param session: the session whose profile is read; None for a new one.
    """
    names = (service.variable, "AWS_ENDPOINT_URL")
    if not any(map(os.getenv, names)) and not has_shared_files():
        return "", ""
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    made = session or Session()
    inner: Any = getattr(made, "_session", made)  # boto3's session wraps botocore's
    try:
        if str(inner.get_config_variable("ignore_configured_endpoint_urls")).lower() == "true":
            return "", ""
        for name in names:
            if url := os.getenv(name):
                return name, url
        return "endpoint_url in the shared configuration file", _read_endpoint(inner, service)
    except (BotoCoreError, OSError, ValueError):  # the user's own client may not need these files
        return "", ""


def _read_endpoint(session: Any, service: Service) -> str:
    """Return the endpoint that the profile of *session* sets; "" if it sets none."""
    profile: dict[str, Any] = session.get_scoped_config()
    sections: dict[str, Any] = session.full_config.get("services") or {}
    services: dict[str, Any] = sections.get(profile.get("services") or "") or {}
    own: Any = services.get(service.setting)
    own = own if hasattr(own, "get") else {}
    return own.get("endpoint_url") or profile.get("endpoint_url") or ""


def explain(error: Exception) -> str:
    """Return the message for an *error* of botocore, with advice if there is some."""
    advice = {
        "NoRegionError": NO_REGION,
        "NoCredentialsError": NO_CREDENTIALS,
        "PartialCredentialsError": f"{error}. {NO_CREDENTIALS}",
    }
    default = f"boto3's configuration cannot be used: {error}"
    return advice.get(type(error).__name__, default)


NO_REGION = (
    "No AWS region is known. Give region_name to connect(), or set AWS_DEFAULT_REGION, or a region "
    "in ~/.aws/config. connect('memory://') needs none: it is a database in this process."
)
NO_CREDENTIALS = (
    "No AWS credentials are known. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in "
    "~/.aws/config (and AWS_PROFILE or profile_name), or give the keys to connect(); an engine on "
    "this machine takes any keys."
)
