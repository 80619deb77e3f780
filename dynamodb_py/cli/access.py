"""The connection of a command, and the options for it."""

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
    """A parser of argparse, or an object that converts the same calls to options of click."""

    def add_argument(self, *names: str, **options: Any) -> Any:
        """Add an option, or an argument for a name without dashes."""
        ...


class Access(NamedTuple):
    """The connection that the command line names."""

    using: str | None = None
    """The alias of a connection that a module of the user defines."""
    modules: tuple[str, ...] = ()
    """Modules to import first."""
    options: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it
    """Arguments for ``connect()``. If empty, the connection is that of a module, or has boto3's defaults."""


def add_connection(parser: Parser) -> None:
    """Add the options of the connection to *parser*."""

    def add(name: str, metavar: str, text: str, **options: Any) -> None:
        parser.add_argument(name, metavar=metavar, help=text, **options)

    add("--region", "NAME", "The AWS region.", dest="region_name")
    add("--endpoint-url", "URL", "A server that speaks DynamoDB's API.", dest="endpoint_url")
    add("--profile", "NAME", "A profile of AWS's configuration.", dest="profile_name")
    add("--address", "URL", "An embedded database, such as sqlite:///app.db.", dest="address")
    add("--table-prefix", "TEXT", "The beginning of all table names.", dest="table_prefix")
    add(
        "--using",
        "ALIAS",
        "A connection of a module's connect(), for models that name none.",
        dest="using",
    )
    add("--import", "MODULE", "A module to import first.", dest="modules", action="append")


def gather(values: dict[str, Any]) -> dict[str, Any]:
    """Replace the options of the connection in *values*, if it has them, by an ``Access`` with the name *access*.

    :raises UsageError: two of the options exclude each other.
    """
    if "modules" not in values:
        return values
    rest = {name: value for name, value in values.items() if name not in _TAKEN}
    using = values["using"]
    given = {name: values[name] for name in _OPTIONS if values[name] is not None}
    if using is not None and given:
        raise UsageError(
            f"--using {using} is a connection of your own, and {_OPTIONS[next(iter(given))]} creates another: "
            "give one of them"
        )
    return {**rest, "access": Access(using, tuple(values["modules"] or ()), given)}


@contextmanager
def connected(access: Access, models: Iterable[type[Model]] = ()) -> Generator[None]:
    """Let ``get_connection()`` and *models* use the connection of *access* within a block.

    If *access* has options, all defined connections get these options, so no request goes to another place.
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
