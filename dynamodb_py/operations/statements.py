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
    """The result of a statement, and the request for the rest, if any."""

    items: list[StoredItem]
    """Whole or projected items; none for a statement that only writes."""
    next_token: str | None = None
    rest: ExecuteStatement | None = None
    """The request for the rest; None at the end."""


class ExecuteStatement(Operation[Rows], frozen=True):
    """Execute one PartiQL statement; *parameters* replace its question marks.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html
    """

    api: ClassVar[str] = "ExecuteStatement"

    statement: str
    parameters: Sequence[Wire] = ()
    consistent: bool = False
    limit: int | None = None
    """The most items to read, before conditions on other attributes than keys."""
    next_token: str | None = None
    table: str = ""
    """The table of the statement, for messages; it is not sent."""

    @property
    def repeatable(self) -> bool:
        return self.reads

    @property
    def reads(self) -> bool:
        """Whether it only reads: it is a SELECT."""
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
