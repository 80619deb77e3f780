"""A nightly job that reads a whole table at a limited rate, and continues where it was interrupted.

It closes the accounts that nobody has used for a year. An item of another table stores the place that it has reached.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta, timezone

from dynamodb_py import (
    BooleanField,
    CharField,
    ConditionFailed,
    DateTimeField,
    IntegerField,
    Model,
)

SEGMENTS = 2


class Account(Model):
    class Meta:
        table_name = "accounts"

    name = CharField(hash_key=True)
    used = DateTimeField(required=True)
    closed = BooleanField(default=False)


class Job(Model):
    class Meta:
        table_name = "jobs"

    name = CharField(hash_key=True)
    checkpoint = CharField()
    seen = IntegerField(default=0)


def close_unused(now: datetime | None = None, *, every: int = 100, rate: float = 200) -> int:
    """Close unused accounts; return the number of accounts that were read, including those before an interruption.

    :param every: the number of accounts between two checkpoints: so many may be read twice.
    :param rate: the read units per second.
    """
    limit = (now or datetime.now(timezone.utc)) - timedelta(days=365)
    job = Job.get("close unused") or Job("close unused").save()
    walk = Account.objects.scan(segments=SEGMENTS, rate=rate, checkpoint=job.checkpoint).iterator()
    for account in walk:
        if account.used < limit and not account.closed:
            close(account, limit)
        job.seen += 1
        if job.seen % every == 0:
            job.checkpoint = walk.checkpoint
            job.save()
    seen = job.seen
    job.delete()  # the next night starts at the beginning
    return seen


def close(account: Account, limit: datetime) -> None:
    """Close an account, unless somebody has used it since it was read."""
    with suppress(ConditionFailed):
        account.update(closed=True, condition=Account.used < limit)
