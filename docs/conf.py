"""Sphinx: how the pages are built."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # the pages are of this checkout

import dynamodb_py

# A method is made of a flow, and has its signature: what it returns is the flow's value.
made = (
    dynamodb_py.Model,
    dynamodb_py.QuerySet,
    dynamodb_py.Manager,
    dynamodb_py.RawQuery,
    dynamodb_py.Table,
)
for thing in (dynamodb_py, *(base for each in made for base in each.__mro__)):
    for method in vars(thing).values():
        said = getattr(getattr(method, "__wrapped__", None), "__annotations__", {})
        if str(said.get("return")).startswith("Flow["):
            said["return"] = said["return"][len("Flow[") : -1]

project = "dynamodb_py"
author = "The dynamodb_py authors"
copyright = "2026, The dynamodb_py authors"
version = release = dynamodb_py.__version__

extensions = ["sphinx.ext.autodoc"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
default_role = "any"
nitpicky = False

html_theme = "furo"
html_title = f"dynamodb_py {release}"
