"""``export``: the infrastructure that models need, as CloudFormation and IAM have it."""

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
    "--ledger", metavar="TABLE", help="The ledger of migrations too, as dynamodb_py_migrations."
)


@click.group()
def export() -> None:
    """Print templates and policies for models."""


@export.command()
@models_argument
@click.option("--no-retain", is_flag=True, help="Let the tables be deleted with the stack.")
@_ledger
@connection_options
def cloudformation(
    models: tuple[str, ...], no_retain: bool, ledger: str | None, access: Access
) -> None:
    """Print a template with the tables of MODELS.

    They are as tables create makes them.

    They have their keys, indexes, billing, TTL and options; those of unique values are among them. Nothing is sent.
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
@click.option("--partiql", is_flag=True, help="Allow statements in PartiQL too.")
@click.option("--streams", is_flag=True, help="Allow to read the streams of the tables too.")
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

    It has the actions that their verbs need.

    read is for their reads, write for their writes too, admin also for creating and changing tables, migrations
    and repairs. The region is the connection's, or any. With --cloudformation, region and account are the
    stack's. Nothing is sent.
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
