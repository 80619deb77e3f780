"""A table that two programs write at the same time: an older one with PynamoDB, a new one with dynamodb_py.

``python examples/shared_with_pynamodb.py`` plays both programs, on the embedded database.
"""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from typing import Any

from pynamodb.attributes import (
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
    VersionAttribute,
)
from pynamodb.models import Model as PynamoModel

from dynamodb_py import CharField, F, IntegerField, Model, Table, VersionField, compat


class OldThread(PynamoModel):
    """A thread of a forum, as the older program declares it."""

    class Meta:
        table_name = "threads"
        region = "us-east-1"

    forum: Any = UnicodeAttribute(hash_key=True)
    opened: Any = UTCDateTimeAttribute(range_key=True)
    views: Any = NumberAttribute(default=0)
    settings: Any = JSONAttribute(null=True)
    version: Any = VersionAttribute()


class Thread(Model):
    """The same thread, with fields of ``compat`` where PynamoDB has its own format."""

    class Meta:
        table_name = "threads"

    forum = CharField(hash_key=True)
    opened = compat.pynamodb.UTCDateTimeField(range_key=True)
    views = IntegerField(default=0)
    settings = compat.pynamodb.JSONField()
    version = VersionField()


def main() -> list[str]:
    """Let both models write one item in turns; return the values that each of them reads."""
    noon = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
    Table(Thread).create()
    OldThread("python", noon, settings={"pinned": True}).save()

    thread = Thread.objects.get("python", noon)
    seen = [f"here: {thread.settings} {thread.version}"]
    thread.update(views=F("views") + 1)

    old = OldThread.get("python", noon)
    seen.append(f"there: {old.views} view, version {old.version}")
    old.settings = {"pinned": False}
    old.save()  # checks and raises the version that both models share

    thread.refresh_from_db()
    seen.append(f"here: {thread.settings} {thread.version}")
    return seen


if __name__ == "__main__":
    from dynamodb_py.testing import EmbeddedEngine

    with EmbeddedEngine() as engine, engine.serve():
        sys.stdout.write("\n".join([*main(), ""]))
