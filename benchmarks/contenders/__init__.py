"""The libraries that are measured, one module each; what they have in common is here.

A contender does for its library what an application would write by hand, in the library's own
idiom, with its default settings: nothing is switched off and nothing is prepared ahead that
an application could not prepare ahead.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import shapes

# dynamodb_py as it is in this checkout, where it is not installed
sys.path.append(str(Path(__file__).resolve().parents[2]))

REGION = "eu-west-1"
ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

OPTIONAL = ("save", "save_list", "save_list_shift", "delete", "slice", "values_list")
NAMES = (
    "dynamodb_py",
    "boto3",
    "boto3_values",
    "pynamodb",
    "pydynox",
    "aiodynamo",
    "bare_exchange",
)
ON_DEMAND = ("dynamodb_py_otel", "dynamodb_py_spans", "boto3_otel")  # run where they are named


class Contender:
    """One library at work on the items of :mod:`shapes`.

    Where :attr:`asynchronous` is true, every operation is a coroutine function. :meth:`aget` is
    one for every contender that has an asyncio API, and is None for the others. So are the
    operations of :data:`OPTIONAL` for a contender that does not have them.
    """

    title: str
    distribution = ""  # its name on PyPI, for the version in the report; empty: it has none
    also: tuple[str, ...] = ()  # what else has to be installed for its imports and its cold program
    asynchronous = False
    aget: Any = None
    slice: Any = (
        None  # the last items of the page, above a range key, in descending order, as a list
    )
    save: Any = None  # the quantity of a loaded item changed, to another number at each call
    save_list: Any = None  # the first of its scores changed
    save_list_shift: Any = None  # a new score put before its scores, and the last one dropped
    values_list: Any = None  # of the page, two attributes of each item, and no more read
    exchanges: Mapping[
        str, Callable[[], Any]
    ] = {}  # of bare_exchange: its steps, which read nothing
    delete: Any = None  # a loaded item deleted
    bare: ClassVar[Mapping[str, tuple[str, str]]] = {}
    """Of dynamodb_py_bare: steps, the method of each, and that of its twin without a query set."""
    sets_as_lists = False  # a known fault: its models store a string set as a list
    note = ""  # what a reader of the table should know
    imports = ""  # what an application imports; empty: that is not measured
    cold = ""  # a whole program: one item read, everything else from the environment

    def __init__(self, endpoint: str) -> None:
        """Connect to *endpoint* with credentials that are given in the code."""
        raise NotImplementedError

    async def open(self) -> None:
        """Open what has to be opened inside the event loop."""

    async def close(self) -> None:
        """Close what :meth:`open` opened."""

    @functools.cached_property
    def numbers(self) -> Iterator[int]:
        """Values that no item has had yet."""
        return itertools.count(shapes.NEW)

    @functools.cached_property
    def loaded(self) -> Any:
        """The item that is changed and saved again and again."""
        return self.get()

    @functools.cached_property
    def deleted(self) -> Any:
        """The item that is deleted again and again."""
        return self.get()

    def get(self) -> Any:
        """Read item 0 by its key."""
        raise NotImplementedError

    def put(self) -> Any:
        """Build item 1 from its Python values and store it."""
        raise NotImplementedError

    def create(self) -> Any:
        """Build item 1 from its Python values and store it, unless there is one with its key."""
        raise NotImplementedError

    def transaction(self) -> Any:
        """Create the first ten items, in one transaction."""
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

    def batch_get(self, number: int = shapes.PAGE) -> Any:
        """Read the first *number* items of the page by their keys, and return a list of them."""
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
