"""What every test and every example of the documentation runs in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import dynamodb_py  # noqa: F401 - else pytest executes the first module with doctests twice
from tests.engines import ACCESS_KEY, EMBEDDED, ENGINES, REGION, SECRET_KEY, is_chosen

HARMLESS = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}

pytest_plugins = ["pytest_dynamodb_py"]  # by name, as the checkout need not be installed

# FastAPI's test client sends by httpx2, which needs Python 3.11.
collect_ignore = (
    []
    if find_spec("httpx2")
    else ["docs/fastapi.rst", "docs/tutorial/service.rst", "dynamodb_py/contrib/fastapi.py"]
)

WITH_BOTO3 = {"connections.rst", "existing_tables.rst", "other_mappers.rst"}
"""The pages whose examples look at the tables with boto3, or from several regions: moto runs them."""


REFERENCE = {"scores": "Score", "library": "Author|Book|Tag", "app": "App"}
"""By module of ``examples``: the models that examples in docstrings use without making them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engines",
        default=EMBEDDED,
        metavar="NAMES",
        help=f"run the tests on these engines: all, or some of {','.join(ENGINES)}",
    )


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run a single module in this process: a module's tests are one worker's anyway."""
    modules = {Path(argument.partition("::")[0]) for argument in config.args}
    if len(modules) == 1 and modules.pop().is_file():
        return 0
    return None  # as many as there are cores


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests of other engines; refuse ids that differ from process to process.

    The module that takes longest comes first.
    """
    if others := [item for item in items if not is_chosen(item)]:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if is_chosen(item)]
    if found := [item.nodeid for item in items if re.search(r"\bat 0x[0-9a-f]{6}", item.nodeid)]:
        raise pytest.UsageError("these ids hold addresses; give them others by ids=", *found)
    items.sort(key=lambda item: not item.nodeid.startswith("tests/test_typing.py"))


@pytest.fixture(scope="session", autouse=True)
def environment() -> Iterator[None]:
    """Keep the developer's own AWS settings, and credentials, out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in HARMLESS.items():
            patch.setenv(name, value)
        yield


def _give_models(item: pytest.DoctestItem) -> None:
    """Give an example in a docstring the models of the reference that it uses, and their items."""
    code = "".join(each.source for each in item.dtest.examples)
    for module, names in REFERENCE.items():
        used = re.search(rf"\b({names})\b", code) and not re.search(rf"class ({names})\b", code)
        if item.path.suffix == ".py" and used:
            models = import_module(f"examples.{module}")
            models.fill()
            members = vars(models).items()
            own = {name: each for name, each in members if getattr(each, "_meta", None) is not None}
            item.dtest.globs.update(own)


@pytest.fixture(autouse=True)
def example_engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the examples of the documentation talk to an empty database, by the default connection."""
    if not isinstance(request.node, pytest.DoctestItem):
        yield
        return
    from dynamodb_py import connect, connections
    from dynamodb_py.testing import EmbeddedEngine

    before = dict(connections._connections)
    connections._connections.clear()
    if request.node.path.name in WITH_BOTO3:
        from moto import mock_aws

        with mock_aws():
            connection = connect(region_name=REGION)
            yield
            connection.close()
    elif request.node.path.name == "embedded.rst":
        yield  # it connects itself, in several ways
    else:
        with EmbeddedEngine():
            _give_models(request.node)
            yield
    connections._connections.clear()
    connections._connections.update(before)
