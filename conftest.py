"""What every test and every example of the documentation runs in."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.engines import ACCESS_KEY, REGION, SECRET_KEY

HARMLESS = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@pytest.fixture(scope="session", autouse=True)
def environment() -> Iterator[None]:
    """Keep the developer's own AWS settings, and credentials, out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in HARMLESS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(autouse=True)
def example_engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the examples of the documentation talk to an empty moto, by the default connection."""
    if not isinstance(request.node, pytest.DoctestItem):
        yield
        return
    from moto import mock_aws

    from dynamodb_py import connect, connections

    before = dict(connections._connections)
    connections._connections.clear()
    with mock_aws():
        connection = connect(region_name=REGION)
        yield
        connection.close()
    connections._connections.clear()
    connections._connections.update(before)
