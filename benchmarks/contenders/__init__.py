"""The libraries that are measured, one module each; what they have in common is here.

A contender does for its library what an application would write by hand, in the library's own
idiom, with its default settings: nothing is switched off and nothing is prepared ahead that
an application could not prepare ahead.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import shapes

# dynamodb_py as it is in this checkout, where it is not installed
sys.path.append(str(Path(__file__).resolve().parents[2]))

REGION = "eu-west-1"
ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

NAMES = ("dynamodb_py", "boto3", "boto3_values", "pynamodb", "pydynox", "aiodynamo")


class Contender:
    """One library at work on the items of :mod:`shapes`.

    Where :attr:`asynchronous` is true, every operation is a coroutine function. :meth:`aget` is
    one for every contender that has an asyncio API, and is None for the others.
    """

    title: str
    distribution: str  # its name on PyPI, for the version in the report
    asynchronous = False
    aget: Any = None
    bare: ClassVar[Mapping[str, tuple[str, str]]] = {}
    """Of the project: steps, the method of each, and the one that sends the same without a query set."""
    sets_as_lists = False  # a known fault: its models store a string set as a list
    note = ""  # what a reader of the table should know
    imports: str  # what an application imports
    cold: str  # a whole program: one item read, everything else from the environment

    def __init__(self, endpoint: str) -> None:
        """Connect to *endpoint* with credentials that are given in the code."""
        raise NotImplementedError

    async def open(self) -> None:
        """Open what has to be opened inside the event loop."""

    async def close(self) -> None:
        """Close what :meth:`open` opened."""

    def get(self) -> Any:
        """Read item 0 by its key."""
        raise NotImplementedError

    def put(self) -> Any:
        """Build item 1 from its Python values and store it."""
        raise NotImplementedError

    def update(self) -> Any:
        """Change the title and the quantity of a stored item, to other values at each call."""
        raise NotImplementedError

    def query(self) -> Any:
        """Read the page of items with one hash key, and return a list of them."""
        raise NotImplementedError

    def first(self) -> Any:
        """Read the first of the items with one hash key, and no more than that."""
        raise NotImplementedError

    def first_filtered(self) -> Any:
        """Read the first item with one hash key, above a range key, that a filter leaves."""
        raise NotImplementedError

    def batch_get(self) -> Any:
        """Read the items of the page by their keys, and return a list of them."""
        raise NotImplementedError

    def batch_write(self, items: Sequence[Mapping[str, Any]]) -> Any:
        """Store *items*, given as Python values, in batches."""
        raise NotImplementedError

    @staticmethod
    def read(item: Any) -> tuple[Any, ...]:
        """Read every attribute of *item*, in the order of ``shapes.FIELDS``."""
        return (
            item.pk,
            item.sk,
            item.title,
            item.body,
            item.quantity,
            item.total,
            item.rating,
            item.active,
            item.created,
            item.tags,
            item.scores,
            item.address,
        )

    @staticmethod
    def plain(values: Sequence[Any]) -> list[Any]:
        """Bring what :meth:`read` gave into the form in which contenders are compared."""
        plain: list[Any] = shapes.plain(values)
        return plain


def read_keys(item: Mapping[str, Any]) -> tuple[Any, ...]:
    """Read every attribute of an item that is a dict."""
    return (
        item["pk"],
        item["sk"],
        item["title"],
        item["body"],
        item["quantity"],
        item["total"],
        item["rating"],
        item["active"],
        item["created"],
        item["tags"],
        item["scores"],
        item["address"],
    )


def find(name: str) -> type[Contender]:
    """Return the class of the contender *name*; ImportError where its library is missing."""
    contender: type[Contender] = importlib.import_module(f"contenders.{name}").Contestant
    return contender
