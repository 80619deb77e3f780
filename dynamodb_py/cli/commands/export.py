"""``export``: prints templates of CloudFormation and policies of IAM for models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import msgspec

from ...export import ACCESSES, make_policy, make_policy_template, make_template
from ...export import Access as Allowed
from ...migrations.ledger import make_model
from ..access import Access, connected
from ..naming import list_models
from ..options import connection_options, models_argument
from ..printing import print_line

_ledger = click.option(
    "--ledger",
    metavar="TABLE",
    help="The ledger of migrations too, such as dynamodb_py_migrations.",
)


@click.group()
def export() -> None:
    """Print templates and policies for models."""


@export.command()
@models_argument
@click.option("--no-retain", is_flag=True, help="Delete the tables together with the stack.")
@_ledger
@connection_options
def cloudformation(
    models: tuple[str, ...], no_retain: bool, ledger: str | None, access: Access
) -> None:
    """Print a template with the tables of MODELS.

    The tables are those that tables create would create.

    They have their keys, indexes, billing, TTL and options. The tables of unique values are included. The command
    sends no request.
    """
    _print(models, ledger, access, lambda found: make_template(found, retain=not no_retain))


@export.command()
@models_argument
@click.option(
    "--access",
    "allowed",
    type=click.Choice(ACCESSES),
    default="read",
    show_default=True,
    help="What to allow.",
)
@click.option("--account", default="*", metavar="NUMBER", help="The account of the tables (any).")
@click.option("--partition", default="aws", metavar="NAME", help="aws, aws-cn or aws-us-gov (aws).")
@click.option("--partiql", is_flag=True, help="Also allow statements in PartiQL.")
@click.option("--streams", is_flag=True, help="Also allow reading the streams of the tables.")
@click.option(
    "--cloudformation", "as_template", is_flag=True, help="Print a template with a managed policy."
)
@_ledger
@connection_options
def iam(
    models: tuple[str, ...],
    allowed: Allowed,
    account: str,
    partition: str,
    partiql: bool,
    streams: bool,
    as_template: bool,
    ledger: str | None,
    access: Access,
) -> None:
    """Print the policy of a program that uses MODELS.

    The policy allows the actions that the program needs, and no others.

    read allows reads. write also allows writes. admin also allows creating and changing tables, migrations and repairs.
    The region is that of the connection, or else any. With --cloudformation, region and account are those of the stack.
    The command sends no request.
    """

    def make(found: list[Any]) -> dict[str, Any]:
        if as_template:
            return make_policy_template(found, allowed, partiql=partiql, streams=streams)
        return make_policy(
            found,
            allowed,
            account=account,
            partition=partition,
            partiql=partiql,
            streams=streams,
        )

    _print(models, ledger, access, make)


def _print(
    models: tuple[str, ...],
    ledger: str | None,
    access: Access,
    make: Callable[[list[Any]], dict[str, Any]],
) -> None:
    found: list[Any] = list_models(models)
    if ledger is not None:
        found.append(make_model(ledger))
    with connected(access, found):
        print_line(msgspec.json.format(msgspec.json.encode(make(found)), indent=2).decode())
