"""The endpoint of streams, which belongs to the endpoint of tables."""

from __future__ import annotations

from msgspec.structs import replace

from .endpoints import has_shared_files
from .sessions import find_configured_endpoint, make_client_like, make_session
from .settings import STREAMS, TABLES, Settings

# The domains of AWS: those of each partition, and of its dual-stack endpoints.
_OF_AWS = (
    ".amazonaws.com .amazonaws.com.cn .amazonaws.eu .api.aws .api.amazonwebservices.com.cn "
    ".api.amazonwebservices.eu .c2s.ic.gov .sc2s.sgov.gov .csp.hci.ic.gov .cloud.adc-e.uk"
)


def make_streams_settings(settings: Settings) -> Settings:
    """Return the settings for the streams of a connection with *settings*.

    The first of these that is set is the endpoint:

    1. ``streams_endpoint_url``;
    2. ``AWS_ENDPOINT_URL_DYNAMODB_STREAMS``;
    3. the endpoint of the connection's tables;
    4. the endpoint that the environment and shared files set for streams, as boto3 reads them;
    5. the one that they set for tables.

    An engine serves tables and streams at one endpoint, and its requests must not go to AWS. AWS has two
    endpoints: one of AWS for tables is replaced by that of AWS for streams.

    Reads the environment, and shared files if there are any.
    """
    client, url = settings.client, _find_endpoint(settings)
    if client is not None:
        client = make_client_like(client, STREAMS, url)
    return replace(settings, service=STREAMS, endpoint_url=url, client=client)


def _find_endpoint(settings: Settings) -> str | None:
    """Return the endpoint to give to botocore; None if botocore, or the package without it, finds it."""
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
