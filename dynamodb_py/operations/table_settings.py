"""Settings of tables that have their own requests: point-in-time recovery and tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from .. import limits
from .base import Operation, Payload
from .tables import TableCall


class Backups(Struct, frozen=True):
    """The point-in-time recovery of a table."""

    PointInTimeRecoveryStatus: str = "DISABLED"
    RecoveryPeriodInDays: int | None = None

    @property
    def days(self) -> int | None:
        """The number of past days from which the table can be restored; None if it cannot be restored."""
        if self.PointInTimeRecoveryStatus != "ENABLED":
            return None
        return self.RecoveryPeriodInDays or limits.MAX_BACKUP_DAYS


class _Backups(Struct):
    PointInTimeRecoveryDescription: Backups = Backups()


class _BackupsOutput(Struct):
    ContinuousBackupsDescription: _Backups


_read_backups = msgspec.json.Decoder(_BackupsOutput).decode


class DescribeContinuousBackups(TableCall[Backups], frozen=True):
    """Read the point-in-time recovery of a table.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeContinuousBackups.html
    """

    api: ClassVar[str] = "DescribeContinuousBackups"

    def parse(self, outcome: bytes, /) -> Backups:
        return _read_backups(outcome).ContinuousBackupsDescription.PointInTimeRecoveryDescription


class UpdateContinuousBackups(TableCall[None], frozen=True):
    """Switch the point-in-time recovery of a table on or off, or change the number of days to keep.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateContinuousBackups.html
    """

    api: ClassVar[str] = "UpdateContinuousBackups"

    recovery: bool | int
    """True, False, or the number of days."""

    def payload(self) -> Payload:
        specification: dict[str, Any] = {"PointInTimeRecoveryEnabled": self.recovery is not False}
        if not isinstance(self.recovery, bool):
            specification["RecoveryPeriodInDays"] = self.recovery
        return {**super().payload(), "PointInTimeRecoverySpecification": specification}

    def parse(self, outcome: bytes, /) -> None:
        del outcome  # it repeats the request


class _Tag(Struct):
    Key: str
    Value: str


class _TagsOutput(Struct):
    Tags: list[_Tag] = []
    NextToken: str | None = None


_read_tags = msgspec.json.Decoder(_TagsOutput).decode


class TagPage(Struct, frozen=True):
    """Some tags of a table, and the request for the rest, if there is more."""

    tags: dict[str, str]
    rest: ListTagsOfResource | None


class ListTagsOfResource(Operation[TagPage], frozen=True):
    """Read the tags of a table, by its ARN, after *token*.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTagsOfResource.html
    """

    api: ClassVar[str] = "ListTagsOfResource"

    table: str
    arn: str
    token: str | None = None

    def payload(self) -> Payload:
        token = {} if self.token is None else {"NextToken": self.token}
        return {"ResourceArn": self.arn, **token}

    def parse(self, outcome: bytes, /) -> TagPage:
        page = _read_tags(outcome)
        rest = ListTagsOfResource(self.table, self.arn, page.NextToken) if page.NextToken else None
        return TagPage({tag.Key: tag.Value for tag in page.Tags}, rest)


class TagResource(Operation[None], frozen=True):
    """Add *tags* to a table, by its ARN, or change their values.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TagResource.html
    """

    api: ClassVar[str] = "TagResource"

    table: str
    arn: str
    tags: Mapping[str, str]

    def payload(self) -> Payload:
        tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        return {"ResourceArn": self.arn, "Tags": tags}

    def parse(self, outcome: bytes, /) -> None:
        """Return None: the response is empty."""
