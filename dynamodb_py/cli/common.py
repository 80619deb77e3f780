"""What the commands have in common: which model, and how DynamoDB is reached."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import Any

from ..connections import DEFAULT, connect
from ..models.model import Model


class Misused(Exception):
    """The command line names something that is not there."""


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names a model, and the options that say how DynamoDB is reached."""
    parser.add_argument("model", metavar="MODULE:MODEL", help="the model, as shop.models:User")
    reached = parser.add_argument_group(
        "connection",
        "By default what the module says by connect(), else boto3's defaults. With any of these "
        "options, the model's connection is made up of them alone.",
    )
    reached.add_argument(
        "--endpoint-url", metavar="URL", help="a server that speaks DynamoDB's API"
    )
    reached.add_argument("--region", metavar="NAME", dest="region_name", help="the AWS region")
    reached.add_argument(
        "--profile", metavar="NAME", dest="profile_name", help="a profile of AWS's configuration"
    )
    reached.add_argument("--table-prefix", metavar="TEXT", help="what tables' names begin with")


def model_of(chosen: argparse.Namespace) -> type[Model]:
    """Return the model that was named, connected as it was asked for.

    Raises Misused where there is none.
    """
    model = _found(chosen.model)
    names = ("endpoint_url", "region_name", "profile_name", "table_prefix")
    given: dict[str, Any] = {
        name: value for name in names if (value := getattr(chosen, name)) is not None
    }
    if given:
        connect(model._meta.using or DEFAULT, **given)
    return model


def _found(text: str) -> type[Model]:
    module, _, name = text.partition(":")
    if not module or not name:
        raise Misused(f"{text!r} names no model: write module:Model, as shop.models:User")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module)
    except Exception as error:  # whatever the user's module does
        raise Misused(f"{module} cannot be imported: {type(error).__name__}: {error}") from error
    try:
        for part in name.split("."):
            found = getattr(found, part)
    except AttributeError:
        raise Misused(f"{module} has no {name}") from None
    if not (isinstance(found, type) and issubclass(found, Model)):
        raise Misused(f"{text} is no model but {found!r}")
    if "_meta" not in vars(found):
        raise Misused(f"{text} is abstract: it has no table")
    return found
