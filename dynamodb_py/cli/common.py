"""Arguments of all commands: the model, and the connection."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import Any

from ..connections import DEFAULT, connect
from ..models.model import Model


class UsageError(Exception):
    """The command line is wrong."""


def add_model(parser: argparse.ArgumentParser, *, workers: int) -> None:
    """Add the argument for the model, the options for its connection, and ``--workers``."""
    parser.add_argument("model", metavar="MODULE:MODEL", help="the model, as shop.models:User")
    group = parser.add_argument_group(
        "connection",
        "By default that of the module's connect(), else boto3's defaults. With any of these "
        "options, the model's connection has these options only.",
    )
    group.add_argument("--endpoint-url", metavar="URL", help="a server that speaks DynamoDB's API")
    group.add_argument("--region", metavar="NAME", dest="region_name", help="the AWS region")
    group.add_argument(
        "--profile", metavar="NAME", dest="profile_name", help="a profile of AWS's configuration"
    )
    group.add_argument("--table-prefix", metavar="TEXT", help="the beginning of all table names")
    parser.add_argument(
        "--workers",
        type=int,
        default=workers,
        metavar="N",
        help=f"the most requests at once ({workers})",
    )


def model_of(chosen: argparse.Namespace) -> type[Model]:
    """Return the model of the command line, connected by its options; raise UsageError for none."""
    if chosen.workers < 1:
        raise UsageError(f"--workers {chosen.workers}: it must be at least 1")
    model = _import_model(chosen.model)
    names = ("endpoint_url", "region_name", "profile_name", "table_prefix")
    given: dict[str, Any] = {
        name: value for name in names if (value := getattr(chosen, name)) is not None
    }
    if given:
        connect(model._meta.using or DEFAULT, **given)
    return model


def _import_model(text: str) -> type[Model]:
    module, _, name = text.partition(":")
    if not module or not name:
        raise UsageError(f"{text!r} names no model: write module:Model, as shop.models:User")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module)
    except Exception as error:  # of any code in the module
        raise UsageError(f"{module} cannot be imported: {type(error).__name__}: {error}") from error
    try:
        for part in name.split("."):
            found = getattr(found, part)
    except AttributeError:
        raise UsageError(f"{module} has no {name}") from None
    if not (isinstance(found, type) and issubclass(found, Model)):
        raise UsageError(f"{text} is no model but {found!r}")
    if "_meta" not in vars(found):
        raise UsageError(f"{text} is abstract: it has no table")
    return found


def print_line(line: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
