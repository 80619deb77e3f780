"""Transactions: TransactGetItems reads a snapshot, TransactWriteItems writes several items or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from ..exceptions import QueryError, ResponseCorrupted
from ..expressions import Action, Condition, Names
from ..limits import MAX_TOKEN, MAX_TRANSACTION
from .base import Operation, Payload, as_item
from .items import Key, StoredItem, add_condition, add_update, make_put
from .read_expressions import Expressions


class _Got(Struct):
    Item: Raw | UnsetType = UNSET


class _Output(Struct):
    Responses: list[_Got] = []


_read = msgspec.json.Decoder(_Output).decode


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_TRANSACTION:
        raise QueryError(
            f"a transaction has 1 to {MAX_TRANSACTION} items, not {count}: "
            f"{'pass some' if count < 1 else 'split it into several'}"
        )


def check_token(token: str) -> None:
    """Raise QueryError for a token that DynamoDB would reject."""
    if not 1 <= len(token) <= MAX_TOKEN:
        raise QueryError(
            f"the token of a transaction has 1 to {MAX_TOKEN} characters, not {len(token)}: a UUID "
            "will do"
        )


class TransactGetItems(Operation["list[StoredItem | None]"], frozen=True):
    """Read up to 100 items of any tables in one snapshot, in order; None for a missing item.

    Raises QueryError for no items or more than 100. DynamoDB rejects two reads of one item, and items
    that are over 4 MB together.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
    """

    api: ClassVar[str] = "TransactGetItems"

    gets: Sequence[tuple[str, Key]]
    """Tables and keys."""
    expressions: Sequence[Expressions | None] = ()
    """The projection of each item; by default whole items."""

    def __post_init__(self) -> None:
        _check_count(len(self.gets))
        if self.expressions and len(self.expressions) != len(self.gets):
            raise QueryError(
                f"{len(self.expressions)} projections for {len(self.gets)} items: "
                "pass one for each, None for a whole item"
            )

    @property
    def tables(self) -> Sequence[str]:
        return tuple(dict.fromkeys(table for table, _ in self.gets))

    def payload(self) -> Payload:
        gets: list[Payload] = [{"TableName": table, "Key": key} for table, key in self.gets]
        for get, expressions in zip(gets, self.expressions, strict=False):  # () means None for all
            if expressions is not None:
                expressions.into(get)
        return {"TransactItems": [{"Get": get} for get in gets]}

    def parse(self, outcome: bytes, /) -> list[StoredItem | None]:
        found = _read(outcome).Responses
        if len(found) != len(self.gets):
            raise ResponseCorrupted(f"{len(found)} responses came for {len(self.gets)} items")
        return [None if each.Item is UNSET else as_item(each.Item) for each in found]


class Put(Struct, frozen=True):
    """An item to write whole, in a transaction."""

    table: str
    item: StoredItem
    condition: Condition | None = None

    def request(self) -> Payload:
        """Return the TransactWriteItem."""
        return {"Put": make_put(self.table, self.item, self.condition)}


class Update(Struct, frozen=True):
    """Attributes to change in one item, in a transaction; there is at least one action."""

    table: str
    key: Key
    actions: Sequence[Action]
    condition: Condition | None = None

    def __post_init__(self) -> None:
        if not self.actions:
            raise QueryError(
                f"an update of {self.table} without actions: use Check for a condition alone"
            )

    def request(self) -> Payload:
        """Return the TransactWriteItem."""
        payload: Payload = {"TableName": self.table, "Key": self.key}
        return {"Update": add_update(payload, self.actions, self.condition)}


class Delete(Struct, frozen=True):
    """The key of an item to delete, in a transaction."""

    table: str
    key: Key
    condition: Condition | None = None

    def request(self) -> Payload:
        """Return the TransactWriteItem."""
        payload: Payload = {"TableName": self.table, "Key": self.key}
        return {"Delete": add_condition(payload, self.condition, Names())}


class Check(Struct, frozen=True):
    """A condition on an item that the transaction does not change."""

    table: str
    key: Key
    condition: Condition

    def request(self) -> Payload:
        """Return the TransactWriteItem; raise QueryError for an empty condition."""
        names = Names()
        payload: Payload = {"TableName": self.table, "Key": self.key}
        add_condition(payload, self.condition, names)
        if "ConditionExpression" not in payload:
            raise QueryError(f"a check of {self.table} without a condition: pass one")
        return {"ConditionCheck": payload}


Write: TypeAlias = "Put | Update | Delete | Check"


class TransactWriteItems(Operation[None], frozen=True):
    """Execute up to 100 writes and checks of any tables, all or none; two must not be on the same item.

    The *token* makes the transaction repeatable (idempotent), even with an ADD: for ten minutes, DynamoDB
    responds to a request with a known token as before, and changes nothing.

    Raises QueryError for no writes, more than 100, or a token that is empty or over 36 characters.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """

    api: ClassVar[str] = "TransactWriteItems"

    writes: Sequence[Write]
    token: str
    """ClientRequestToken: a new one for each transaction, the same for all its attempts."""

    def __post_init__(self) -> None:
        _check_count(len(self.writes))
        check_token(self.token)

    @property
    def tables(self) -> Sequence[str]:
        return tuple(dict.fromkeys(write.table for write in self.writes))

    def payload(self) -> Payload:
        return {
            "TransactItems": [write.request() for write in self.writes],
            "ClientRequestToken": self.token,
        }

    def parse(self, outcome: bytes, /) -> None:
        _read(outcome)  # raises if the response is not JSON
