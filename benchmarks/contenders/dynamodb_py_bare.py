"""The bare twins of dynamodb_py's steps: each sends the same Query, spelled by hand.

A module of its own, because it uses names that are not public: another commit may not have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import shapes

from contenders import dynamodb_py
from contenders.dynamodb_py import Item
from dynamodb_py.connections import get_connection
from dynamodb_py.flows import run
from dynamodb_py.operations.queries import Expressions, Query


class Contestant(dynamodb_py.Contestant):
    """dynamodb_py, with query sets and without."""

    # What a query set costs is what it costs over these.
    bare: ClassVar[Mapping[str, tuple[str, str]]] = {
        "first": ("first", "bare_first"),
        "first_filtered": ("first_filtered", "bare_first_filtered"),
        "query_unread": ("query", "bare_query"),
    }

    def bare_first(self) -> Any:
        said = Expressions("#0 = :0", names={"#0": "pk"}, values={":0": {"S": shapes.PK}})
        page = run(iter(Query(shapes.TABLE, said, limit=1)), get_connection())
        return Item._load(page.items[0])

    def bare_first_filtered(self) -> Any:
        said = Expressions(
            "(#0 = :0 AND #1 > :1)",
            "#2 > :2",
            names={"#0": "pk", "#1": "sk", "#2": "quantity"},
            values={
                ":0": {"S": shapes.PK},
                ":1": {"N": str(self.sort_key - 1)},
                ":2": {"N": "2"},
            },
        )
        page = run(iter(Query(shapes.TABLE, said)), get_connection())
        return Item._load(page.items[0])

    def bare_query(self) -> list[Any]:
        said = Expressions("#0 = :0", names={"#0": "pk"}, values={":0": {"S": shapes.PK}})
        page = run(iter(Query(shapes.TABLE, said)), get_connection())
        return list(map(Item._load, page.items))
