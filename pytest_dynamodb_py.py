"""The fixtures of dynamodb_py for pytest, a plugin that pytest loads by itself if the package is installed.

It imports no other module of the package before a test uses a fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from dynamodb_py.schema import HasOptions
    from dynamodb_py.testing import EmbeddedEngine, Faults

MARKER = "dynamodb_engine"


class CreateTables(Protocol):
    """The type of the fixture ``dynamodb_tables``: ``dynamodb_tables(Order, Customer)``."""

    def __call__(self, *models: type[HasOptions], using: str | None = None) -> None: ...


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(tables=[], fixtures=[], using=None): run the test on an empty embedded database "
        "of dynamodb_py, with the tables of these models and the items of these files",
    )


@pytest.fixture(autouse=True)
def _dynamodb_marked(request: pytest.FixtureRequest) -> None:
    """Open a database for a test with the marker, before its other fixtures."""
    # Outer markers first: the files of a function may have items for the tables of its class.
    for mark in reversed(list(request.node.iter_markers(MARKER))):
        if mark.args or mark.kwargs.keys() - {"tables", "fixtures", "using"}:
            raise pytest.UsageError(
                f"the marker {MARKER} takes tables=[...], fixtures=[...] and using=..., not {mark!r}"
            )
        engine: EmbeddedEngine = request.getfixturevalue(MARKER)
        tables, using = mark.kwargs.get("tables", ()), mark.kwargs.get("using")
        engine.create_tables(*tables, using=using)
        for path in mark.kwargs.get("fixtures", ()):
            engine.load(path, *tables, using=using)


@pytest.fixture
def dynamodb_engine() -> Iterator[EmbeddedEngine]:
    """A new, empty embedded database for the test; all connections lead to it."""
    with _open() as engine:
        yield engine


@pytest.fixture
def dynamodb_file_engine(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    """An embedded database for the test in a file, which child processes can share."""
    with _open(tmp_path / "dynamodb.db") as engine:
        yield engine


@pytest.fixture(scope="module")
def dynamodb_module_engine() -> Iterator[EmbeddedEngine]:
    """An embedded database for all tests of a module."""
    with _open() as engine:
        yield engine


@pytest.fixture(scope="session")
def dynamodb_session_engine() -> Iterator[EmbeddedEngine]:
    """An embedded database for all tests of a process; under pytest-xdist, each worker has its own."""
    with _open() as engine:
        yield engine


@pytest.fixture
def dynamodb_rollback(request: pytest.FixtureRequest) -> Iterator[EmbeddedEngine]:
    """Undo the test's writes to ``dynamodb_module_engine``, or without that, to ``dynamodb_session_engine``."""
    names = ("dynamodb_module_engine", "dynamodb_session_engine")
    name = next((each for each in names if each in request.fixturenames), names[-1])
    engine: EmbeddedEngine = request.getfixturevalue(name)
    before = engine.snapshot()
    yield engine
    engine.faults.clear()
    engine.clock.reset()
    engine.restore(before)


@pytest.fixture
def dynamodb_tables(dynamodb_engine: EmbeddedEngine) -> CreateTables:
    """A function that creates tables in ``dynamodb_engine``: ``dynamodb_tables(Order, Customer)``."""
    return dynamodb_engine.create_tables


@pytest.fixture
def dynamodb_faults(dynamodb_engine: EmbeddedEngine) -> Faults:
    """The faults of ``dynamodb_engine``: ``with dynamodb_faults.throttle(nth=1): ...``."""
    return dynamodb_engine.faults


@pytest.fixture
def dynamodb_server(dynamodb_engine: EmbeddedEngine) -> Iterator[str]:
    """The HTTP address of ``dynamodb_engine``, to which boto3 is redirected too."""
    with dynamodb_engine.serve() as url:
        yield url


def _open(path: Path | None = None) -> EmbeddedEngine:
    from dynamodb_py.testing import EmbeddedEngine  # the plugin itself must not load the package

    return EmbeddedEngine(path)
