"""A job that goes through a whole table at night, at a rate, and continues where it was interrupted.

It closes the accounts that nobody has used for a year. The place that it has reached is an item of its own.
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
    """Close unused accounts; return how many accounts were looked at, those before an interruption too.

    :param every: after how many accounts the place is noted: these may be looked at twice.
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
    job.delete()  # the next night begins anew
    return seen


def close(account: Account, limit: datetime) -> None:
    """Close an account, unless it was used since it was read."""
    with suppress(ConditionFailed):
        account.update(closed=True, condition=Account.used < limit)
