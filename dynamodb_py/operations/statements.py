"""PartiQL: ExecuteStatement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from .base import Operation, Payload, Wire
from .items import StoredItem


class _StatementOutput(Struct):
    Items: list[Raw] = []
    NextToken: str | None = None


_read_statement = msgspec.json.Decoder(_StatementOutput).decode


class Rows(Struct, frozen=True):
    """What a statement gave, and the request for the rest, if there is more."""

    items: list[StoredItem]
    """Whole items, or what a statement projects of them; none where it only writes."""
    next_token: str | None = None
    rest: ExecuteStatement | None = None
    """The request for the rest; None at the end."""


class ExecuteStatement(Operation[Rows], frozen=True):
    """Carry out one PartiQL statement; *parameters* stand for its question marks.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html
    """

    api: ClassVar[str] = "ExecuteStatement"

    statement: str
    parameters: Sequence[Wire] = ()
    consistent: bool = False
    limit: int | None = None
    """How many items to read at most, before conditions that are no key's."""
    next_token: str | None = None
    table: str = ""
    """The table that the statement speaks of, for messages; it is not sent."""

    @property
    def repeatable(self) -> bool:
        return self.reads

    @property
    def reads(self) -> bool:
        """Whether it only reads: of the statements, SELECT alone does."""
        return self.statement.lstrip()[:6].upper() == "SELECT"

    def payload(self) -> Payload:
        payload: Payload = {"Statement": self.statement}
        if self.parameters:  # DynamoDB refuses an empty list
            payload["Parameters"] = self.parameters
        if self.consistent:
            payload["ConsistentRead"] = True
        if self.limit is not None:
            payload["Limit"] = self.limit
        if self.next_token is not None:
            payload["NextToken"] = self.next_token
        return payload

    def parse(self, outcome: bytes, /) -> Rows:
        rows = _read_statement(outcome)
        token = rows.NextToken or None
        rest = None if token is None else replace(self, next_token=token)
        return Rows(list(map(bytes, rows.Items)), token, rest)
