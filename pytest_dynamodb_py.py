"""The fixtures of dynamodb_py for pytest, which finds them by itself where the package is installed.

Nothing of the package is imported before a fixture is used.
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
    """The fixture ``dynamodb_tables``: ``dynamodb_tables(Order, Customer)``."""

    def __call__(self, *models: type[HasOptions], using: str | None = None) -> None: ...


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(tables=[], fixtures=[], using=None): run the test on an empty embedded database "
        "with the tables of these models of dynamodb_py, and the items of these files",
    )


@pytest.fixture(autouse=True)
def _dynamodb_marked(request: pytest.FixtureRequest) -> None:
    """Open a database for a test with the marker, before its other fixtures."""
    # From the outermost on: the files of a function may belong to the tables of its class.
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
    """A new, empty embedded database for the test: all connections lead to it."""
    with _open() as engine:
        yield engine


@pytest.fixture
def dynamodb_file_engine(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    """Like ``dynamodb_engine``, in a file, which processes of the test can share."""
    with _open(tmp_path / "dynamodb.db") as engine:
        yield engine


@pytest.fixture(scope="module")
def dynamodb_module_engine() -> Iterator[EmbeddedEngine]:
    """A database for all tests of a module."""
    with _open() as engine:
        yield engine


@pytest.fixture(scope="session")
def dynamodb_session_engine() -> Iterator[EmbeddedEngine]:
    """A database for all tests of a process: under xdist, each worker has its own."""
    with _open() as engine:
        yield engine


@pytest.fixture
def dynamodb_rollback(request: pytest.FixtureRequest) -> Iterator[EmbeddedEngine]:
    """Undo what the test writes to ``dynamodb_module_engine``, if it has that, else to the session's."""
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
    """Create tables in ``dynamodb_engine``: ``dynamodb_tables(Order, Customer)``."""
    return dynamodb_engine.create_tables


@pytest.fixture
def dynamodb_faults(dynamodb_engine: EmbeddedEngine) -> Faults:
    """What goes wrong in ``dynamodb_engine``: ``with dynamodb_faults.throttle(nth=1): ...``."""
    return dynamodb_engine.faults


@pytest.fixture
def dynamodb_server(dynamodb_engine: EmbeddedEngine) -> Iterator[str]:
    """Lead boto3 to ``dynamodb_engine`` too; the value is its address for HTTP."""
    with dynamodb_engine.serve() as url:
        yield url


def _open(path: Path | None = None) -> EmbeddedEngine:
    from dynamodb_py.testing import EmbeddedEngine  # the first use of the package in this process

    return EmbeddedEngine(path)
