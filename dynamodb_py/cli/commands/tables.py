"""``tables``: create, compare, change and delete the tables of models."""

from __future__ import annotations

import click

from ...tables.many import Tables
from ..access import Access, connected
from ..naming import list_models
from ..options import connection_options, json_option, models_argument
from ..output import print_json
from ..printing import print_line


@click.group()
def tables() -> None:
    """Create, compare, change and delete the tables of models."""


@tables.command()
@models_argument
@connection_options
@json_option
def plan(models: tuple[str, ...], access: Access, as_json: bool) -> bool:
    """Print the steps from the live tables to what MODELS declare, and change nothing."""
    found = list_models(models)
    with connected(access, found):
        steps = Tables(found).plan()
    if as_json:
        print_json([str(step) for step in steps])
    else:
        print_line(str(steps))
    return bool(steps)
