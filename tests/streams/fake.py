"""A stream whose shards split, end, are trimmed and vanish when a test says so."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from dynamodb_py.exceptions import make_service_error
from dynamodb_py.operations.base import Operation

from ..scripted import checked

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/numbers/stream/2026-01-01T00:00:00.000"
PAGE = 2
"""How many shards a description has, so that there are further pages."""


class Change(NamedTuple):
    number: int
    key: int
    value: int


class FakeShard:
    def __init__(self, name: str, parent: str | None, start: int) -> None:
        self.name, self.parent, self.start = name, parent, start
        self.changes: list[Change] = []
        self.children: list[str] = []
        self.closed = False
        self.trimmed = 0
        """How many of its changes are gone."""

    def find(self, number: int) -> int:
        """Return where the first change from *number* on is."""
        return next((i for i, each in enumerate(self.changes) if each.number >= number), self.end)

    @property
    def end(self) -> int:
        return len(self.changes)


def spell(number: int) -> str:
    return str(10**20 + number)


class FakeStream:
    """Answers DescribeTable and the calls on the stream of the table, as DynamoDB documents them.

    :param empty: how many answers without records each iterator leads through first.
    """

    def __init__(self, *, roots: int = 1, empty: int = 0) -> None:
        self.known: dict[str, FakeShard] = {}
        """All shards that there ever were."""
        self.shards: dict[str, FakeShard] = {}
        self.number = 0
        self.values: dict[int, int] = {}
        self.written: list[Change] = []
        self.sent: list[Any] = []
        self.status = "ENABLED"
        self.empty = empty
        self.time = 0
        """Moves on when all iterators expire."""
        self.hidden: set[str] = set()
        """Shards that are not listed yet."""
        self.faults: list[Exception] = []
        """What the next GetRecords are answered with."""
        self.roots = [self._add(None) for _ in range(roots)]

    def _add(self, parent: str | None) -> str:
        self.number += 1
        name = f"shardId-{len(self.known):020d}-fake0000"
        self.known[name] = self.shards[name] = FakeShard(name, parent, self.number)
        if parent is not None:
            self.known[parent].children.append(name)
        return name

    def find_leaf(self, key: int) -> FakeShard:
        names, depth = self.roots, 0
        while names:
            shard = self.known[names[(key >> depth) % len(names)]]
            names, depth = shard.children, depth + 1
        return shard

    def write(self, key: int) -> None:
        self.number += 1
        self.values[key] = self.values.get(key, -1) + 1
        change = Change(self.number, key, self.values[key])
        self.find_leaf(key).changes.append(change)
        self.written.append(change)

    @property
    def leaves(self) -> list[FakeShard]:
        return [each for each in self.shards.values() if not each.closed]

    def split(self, leaf: int, children: int = 2, *, hide: bool = False) -> None:
        """End a shard, which *children* continue, none of them listed yet with *hide*."""
        shard = self.leaves[leaf % len(self.leaves)]
        shard.closed = True
        added = [self._add(shard.name) for _ in range(children)]
        self.hidden |= set(added) if hide or shard.name in self.hidden else set()

    def close(self) -> None:
        """Switch the stream off."""
        self.status = "DISABLED"
        self.hidden = set()
        for shard in self.shards.values():
            shard.closed = True

    def trim(self, count: int) -> None:
        """Delete all but the latest changes, and forget the closed shards that have none left."""
        before = self.number if count >= len(self.written) else self.written[count].number - 1
        for shard in [*self.shards.values()]:
            shard.trimmed = shard.find(before + 1)
            if shard.closed and shard.trimmed == shard.end and shard.children:
                self.forget(shard.name)

    def forget(self, name: str) -> None:
        """Delete a closed shard, unless its parent is still there."""
        if self.shards[name].parent in self.shards:
            return  # DynamoDB forgets the oldest first
        del self.shards[name]

    # -- the answers -----------------------------------------------------------------------------

    def answer(self, operation: Operation[Any]) -> bytes:
        self.sent.append(operation)
        payload = checked(operation)
        answer: dict[str, Any] = getattr(self, f"_{operation.api}")(payload)
        return msgspec.json.encode(answer)

    def _DescribeTable(self, payload: dict[str, Any]) -> dict[str, Any]:
        return {"Table": {"TableName": payload["TableName"], "LatestStreamArn": ARN}}

    def _DescribeStream(self, payload: dict[str, Any]) -> dict[str, Any]:
        listed = [each for each in self.shards.values() if each.name not in self.hidden]
        after = payload.get("ExclusiveStartShardId", "")
        rest = [each for each in listed if each.name > after]
        description = {
            "StreamArn": ARN,
            "StreamStatus": self.status,
            "Shards": [
                {
                    "ShardId": each.name,
                    **({} if each.parent is None else {"ParentShardId": each.parent}),
                    "SequenceNumberRange": {"StartingSequenceNumber": spell(each.start)},
                }
                for each in rest[:PAGE]
            ],
        }
        if len(rest) > PAGE:
            description["LastEvaluatedShardId"] = rest[PAGE - 1].name
        return {"StreamDescription": description}

    def _GetShardIterator(self, payload: dict[str, Any]) -> dict[str, Any]:
        shard = self._find(payload["ShardId"])
        kind, number = payload["ShardIteratorType"], payload.get("SequenceNumber")
        at = {"TRIM_HORIZON": shard.trimmed, "LATEST": shard.end}.get(kind)
        if at is None:
            at = shard.find(int(number) - 10**20 + (kind == "AFTER_SEQUENCE_NUMBER"))
            if at < shard.trimmed:
                raise make_service_error("TrimmedDataAccessException", "too old")
        return {"ShardIterator": self._spell(shard, at, self.empty)}

    def _GetRecords(self, payload: dict[str, Any]) -> dict[str, Any]:
        if self.faults:
            raise self.faults.pop(0)
        name, at, left, time = payload["ShardIterator"].split("|")
        shard, at, left = self._find(name), int(at), int(left)
        if int(time) < self.time:
            raise make_service_error("ExpiredIteratorException", "too old")
        if at < shard.trimmed:
            raise make_service_error("TrimmedDataAccessException", "too old")
        if left:
            return {"Records": [], "NextShardIterator": self._spell(shard, at, left - 1)}
        found = shard.changes[at : at + payload.get("Limit", 1000)]
        answer: dict[str, Any] = {"Records": [make_record(each) for each in found]}
        if not shard.closed or at + len(found) < shard.end:
            answer["NextShardIterator"] = self._spell(shard, at + len(found), 0)
        return answer

    def _find(self, name: str) -> FakeShard:
        if name not in self.shards:
            raise make_service_error("ResourceNotFoundException", f"no shard {name}")
        return self.shards[name]

    def _spell(self, shard: FakeShard, at: int, left: int) -> str:
        return f"{shard.name}|{at}|{left}|{self.time}"


def make_record(change: Change) -> dict[str, Any]:
    key = {"key": {"N": str(change.key)}}
    return {
        "eventName": "MODIFY" if change.value else "INSERT",
        "dynamodb": {
            "ApproximateCreationDateTime": float(change.number),
            "Keys": key,
            "NewImage": {**key, "value": {"N": str(change.value)}},
            "SequenceNumber": spell(change.number),
            "StreamViewType": "NEW_IMAGE",
        },
    }
