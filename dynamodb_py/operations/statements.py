"""PartiQL: ExecuteStatement, BatchExecuteStatement and ExecuteTransaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import replace

from ..exceptions import QueryError, ResponseCorrupted, ServiceError, make_service_error
from ..limits import MAX_BATCH_STATEMENTS, MAX_TRANSACTION
from .base import Operation, Payload, Wire, as_item
from .items import StoredItem
from .transactions import check_token


class _StatementOutput(Struct):
    Items: list[Raw] = []
    NextToken: str | None = None


class _Error(Struct):
    Code: str = ""
    Message: str = ""
    Item: dict[str, Any] | None = None


class _Response(Struct):
    Item: Raw | UnsetType = UNSET
    Error: _Error | None = None
    TableName: str = ""


class _ResponsesOutput(Struct):
    Responses: list[_Response] = []


_read_statement = msgspec.json.Decoder(_StatementOutput).decode
_read_responses = msgspec.json.Decoder(_ResponsesOutput).decode


class Rows(Struct, frozen=True):
    """The result of a statement, and the request for the rest, if any."""

    items: list[StoredItem]
    """Whole or projected items; none for a statement that only writes."""
    next_token: str | None = None
    rest: ExecuteStatement | None = None
    """The request for the rest; None at the end."""


class ExecuteStatement(Operation[Rows], frozen=True):
    """Execute one PartiQL statement; *parameters* replace its question marks.

    An UPDATE or a DELETE whose condition fails asks for the item as it is stored now.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html
    """

    api: ClassVar[str] = "ExecuteStatement"

    statement: str
    parameters: Sequence[Wire] = ()
    consistent: bool = False
    limit: int | None = None
    """The most items to read, before conditions on attributes outside of the key."""
    next_token: str | None = None
    table: str = ""
    """The table of the statement, for messages; it is not sent."""

    @property
    def repeatable(self) -> bool:
        return self.reads

    @property
    def verb(self) -> str:
        """The verb of the statement: ``"SELECT"``, ``"INSERT"``, ``"UPDATE"``, ``"DELETE"`` or ``"EXISTS"``."""
        return self.statement.lstrip()[:6].upper()

    @property
    def reads(self) -> bool:
        """Whether the statement only reads, as a SELECT does."""
        return self.verb == "SELECT"

    def payload(self) -> Payload:
        payload: Payload = {"Statement": self.statement}
        if self.parameters:  # DynamoDB rejects an empty list
            payload["Parameters"] = self.parameters
        if self.consistent:
            payload["ConsistentRead"] = True
        if self.limit is not None:
            payload["Limit"] = self.limit
        if self.next_token is not None:
            payload["NextToken"] = self.next_token
        if self.verb in ("UPDATE", "DELETE"):
            payload["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return payload

    def parse(self, outcome: bytes, /) -> Rows:
        rows = _read_statement(outcome)
        token = rows.NextToken or None
        rest = None if token is None else replace(self, next_token=token)
        return Rows(list(map(bytes, rows.Items)), token, rest)


def check_alike(statements: Sequence[ExecuteStatement], what: str) -> None:
    """Raise QueryError for reads beside writes, which DynamoDB rejects in one request."""
    kinds = [each.reads for each in statements]
    if len(set(kinds)) > 1:
        raise QueryError(
            f"{what} of statements either reads or writes: statement {kinds.index(True) + 1} is a SELECT, "
            f"and statement {kinds.index(False) + 1} is not: split it into two"
        )


def _check_several(statements: Sequence[ExecuteStatement], what: str, most: int) -> None:
    if not 1 <= len(statements) <= most:
        raise QueryError(f"{what} has 1 to {most} statements, not {len(statements)}")
    check_alike(statements, what)


class BatchExecuteStatement(Operation["list[StoredItem | ServiceError | None]"], frozen=True):
    """Execute up to 25 statements of any tables, each on its own; each is about one item.

    The result has, in their order, the item that a statement returns, None, or its error. Raises QueryError
    for no statements, more than 25, or reads beside writes. DynamoDB rejects two statements on one item.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
    """

    api: ClassVar[str] = "BatchExecuteStatement"

    statements: Sequence[ExecuteStatement]

    def __post_init__(self) -> None:
        _check_several(self.statements, "a batch", MAX_BATCH_STATEMENTS)

    @property
    def tables(self) -> Sequence[str]:
        return _list_tables(self.statements)

    @property
    def repeatable(self) -> bool:
        return self.reads

    @property
    def reads(self) -> bool:
        """Whether all of it only reads."""
        return self.statements[0].reads

    def payload(self) -> Payload:
        return {"Statements": [each.payload() for each in self.statements]}

    def parse(self, outcome: bytes, /) -> list[StoredItem | ServiceError | None]:
        responses = _read_responses(outcome).Responses
        _check_count(responses, self.statements)
        return [
            self._make_error(each.Error, each.TableName or one.table)
            if each.Error is not None
            else _find_item(each)
            for each, one in zip(responses, self.statements, strict=True)
        ]

    def _make_error(self, found: _Error, table: str) -> ServiceError:
        """Return the error that the statement would raise by itself."""
        body = None if found.Item is None else {"Item": found.Item}
        status = 500 if found.Code == "InternalServerError" else 400
        error = make_service_error(_name_code(found.Code), found.Message, status=status, body=body)
        error.operation, error.table = self.api, table
        return error


_UNCHANGED = frozenset({"InternalServerError", "RequestLimitExceeded"})


def _name_code(code: str) -> str:
    """Return DynamoDB's code of an error for its shorter name in a batch.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html

    >>> _name_code("ThrottlingError"), _name_code("DuplicateItem")
    ('ThrottlingException', 'DuplicateItemException')
    """
    return code if code in _UNCHANGED else f"{code.removesuffix('Error')}Exception"


class ExecuteTransaction(Operation["list[StoredItem | None]"], frozen=True):
    """Execute up to 100 statements of any tables, all or none; two must not be on the same item.

    The result has the item of each SELECT, in order, or None for each write. The *token* makes writes
    repeatable, as that of TransactWriteItems does. Raises QueryError for no statements, more than 100, reads
    beside writes, or a token that is empty or over 36 characters.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteTransaction.html
    """

    api: ClassVar[str] = "ExecuteTransaction"

    statements: Sequence[ExecuteStatement]
    token: str
    """ClientRequestToken: a new one for each transaction, the same for all its attempts; not sent with reads."""

    def __post_init__(self) -> None:
        _check_several(self.statements, "a transaction", MAX_TRANSACTION)
        check_token(self.token)

    @property
    def tables(self) -> Sequence[str]:
        return _list_tables(self.statements)

    @property
    def reads(self) -> bool:
        """Whether all of it only reads."""
        return self.statements[0].reads

    def payload(self) -> Payload:
        # A transaction reads a snapshot, and DynamoDB rejects ConsistentRead in it.
        payloads = [replace(each, consistent=False).payload() for each in self.statements]
        payload: Payload = {"TransactStatements": payloads}
        if not self.reads:
            payload["ClientRequestToken"] = self.token
        return payload

    def parse(self, outcome: bytes, /) -> list[StoredItem | None]:
        responses = _read_responses(outcome).Responses
        if not self.reads:
            return [None] * len(self.statements)
        _check_count(responses, self.statements)
        return list(map(_find_item, responses))


def _list_tables(statements: Sequence[ExecuteStatement]) -> Sequence[str]:
    return tuple(dict.fromkeys(each.table for each in statements))


def _check_count(responses: Sequence[_Response], statements: Sequence[ExecuteStatement]) -> None:
    if len(responses) != len(statements):
        raise ResponseCorrupted(f"{len(responses)} responses came for {len(statements)} statements")


def _find_item(response: _Response) -> StoredItem | None:
    """Return the item of a response; None if there is none."""
    return None if response.Item is UNSET else as_item(response.Item)
