"""The endpoint of streams: beside the one of tables, wherever that is."""

from __future__ import annotations

from msgspec.structs import replace

from .endpoints import has_shared_files
from .sessions import find_configured_endpoint, make_client_like, make_session
from .settings import STREAMS, TABLES, Settings

# The domains of AWS: of each partition, and those of its dual-stack endpoints.
_OF_AWS = (
    ".amazonaws.com .amazonaws.com.cn .amazonaws.eu .api.aws .api.amazonwebservices.com.cn "
    ".api.amazonwebservices.eu .c2s.ic.gov .sc2s.sgov.gov .csp.hci.ic.gov .cloud.adc-e.uk"
)


def make_streams_settings(settings: Settings) -> Settings:
    """Return the settings for the streams of a connection with *settings*.

    The endpoint is the first that there is of: ``streams_endpoint_url``, ``AWS_ENDPOINT_URL_DYNAMODB_STREAMS``,
    that of the connection's tables, and what the environment and shared files set, for streams as boto3
    reads them, else for tables. Engines serve streams beside tables, and no request of theirs may go to AWS;
    AWS has an endpoint for each, so that one of tables means AWS's own endpoint of streams.

    Reads the environment, and files if there are some.
    """
    client, url = settings.client, _find_endpoint(settings)
    if client is not None:
        client = make_client_like(client, STREAMS, url)
    return replace(settings, service=STREAMS, endpoint_url=url, client=client)


def _find_endpoint(settings: Settings) -> str | None:
    """Return the endpoint to give to botocore; None: it finds it, as the package does in plain cases."""
    if settings.streams_endpoint_url is not None:
        return settings.streams_endpoint_url
    session = settings.session
    if session is None and settings.client is None and has_shared_files():
        session = make_session(settings)
    where, configured = find_configured_endpoint(STREAMS, session)
    given = settings.endpoint_url
    if settings.client is not None:
        given = getattr(settings.client.meta, "client", settings.client).meta.endpoint_url
    if where == STREAMS.variable:
        return None
    if given is None and not configured:
        _, given = find_configured_endpoint(TABLES, session)
    return None if not given or is_of_aws(given) else given


def is_of_aws(url: str) -> bool:
    """Tell whether *url* is an endpoint of AWS.

    >>> is_of_aws("https://dynamodb.eu-west-1.amazonaws.com/"), is_of_aws("http://127.0.0.1:8000")
    (True, False)
    """
    host = url.partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0]
    return host.lower().endswith(tuple(_OF_AWS.split()))
