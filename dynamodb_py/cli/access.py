"""How a command reaches DynamoDB: the options of its connection."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from ..connections import Connection, connect, get_registry, options, set_registry
from ..exceptions import ConfigurationError
from ..models.model import Model
from .naming import import_module
from .statuses import UsageError

_ALIAS = "command line"
_OPTIONS = {
    "region_name": "--region",
    "endpoint_url": "--endpoint-url",
    "profile_name": "--profile",
    "address": "--address",
    "table_prefix": "--table-prefix",
}
_TAKEN = {*_OPTIONS, "using", "modules"}


class Parser(Protocol):
    """argparse's parser, or what makes options of click from the same calls."""

    def add_argument(self, *names: str, **options: Any) -> Any:
        """Add an option, or an argument for a name without dashes."""
        ...


class Access(NamedTuple):
    """The connection that the command line names."""

    using: str | None = None
    """The alias of a connection that a module of the user defines."""
    modules: tuple[str, ...] = ()
    """Modules to import first."""
    options: dict[str, Any] = {}  # noqa: RUF012 - of a tuple
    """Arguments for ``connect()``; empty: the connection is the module's, or boto3's defaults."""


def add_connection(parser: Parser) -> None:
    """Add the options of the connection to *parser*."""

    def add(name: str, metavar: str, text: str, **options: Any) -> None:
        parser.add_argument(name, metavar=metavar, help=text, **options)

    add("--region", "NAME", "The AWS region.", dest="region_name")
    add("--endpoint-url", "URL", "A server that speaks DynamoDB's API.", dest="endpoint_url")
    add("--profile", "NAME", "A profile of AWS's configuration.", dest="profile_name")
    add("--address", "URL", "An embedded database, as sqlite:///app.db.", dest="address")
    add("--table-prefix", "TEXT", "The beginning of all table names.", dest="table_prefix")
    add(
        "--using",
        "ALIAS",
        "A connection of a module's connect(), for models that name none.",
        dest="using",
    )
    add("--import", "MODULE", "A module to import first.", dest="modules", action="append")


def gather(values: dict[str, Any]) -> dict[str, Any]:
    """Return *values* with an ``Access`` as *access* in place of the options of the connection, if it has them.

    :raises UsageError: they exclude each other.
    """
    if "modules" not in values:
        return values
    rest = {name: value for name, value in values.items() if name not in _TAKEN}
    using = values["using"]
    given = {name: values[name] for name in _OPTIONS if values[name] is not None}
    if using is not None and given:
        raise UsageError(
            f"--using {using} is a connection of your own, and {_OPTIONS[next(iter(given))]} makes another: "
            "give one of them"
        )
    return {**rest, "access": Access(using, tuple(values["modules"] or ()), given)}


@contextmanager
def connected(access: Access, models: Iterable[type[Model]] = ()) -> Generator[None]:
    """Let ``get_connection()`` and *models*, which are imported, have the connection of *access* in a block.

    With options, all connections that are known have these options, so that no request goes elsewhere.
    """
    for module in access.modules:
        import_module(module)
    before = get_registry()
    alias = access.using
    made: list[Connection] = []
    try:
        if access.options:
            alias = _ALIAS
            set_registry(before._replace(connections=dict(before.connections)))
            own = filter(None, (model._meta.using for model in models))
            made += [_connect(each, access) for each in {_ALIAS, *before.connections, *own}]
        with options(using=alias):
            yield
    finally:
        set_registry(before)
        for connection in made:
            connection.close()


def _connect(alias: str, access: Access) -> Connection:
    address, given = access.options.get("address"), access.options.items()
    try:
        return connect(address, alias=alias, **{k: v for k, v in given if k != "address"})
    except ConfigurationError as error:
        raise UsageError(str(error)) from None
