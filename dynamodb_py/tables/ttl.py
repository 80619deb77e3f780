"""The TTL of a live table: its difference from the model's, and the request that changes it.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-how-to.html
"""

from __future__ import annotations

from collections.abc import Iterator

from ..exceptions import InvalidRequest, TableInUse, TableMismatch
from ..flows import Flow
from ..operations.tables import DescribeTimeToLive, TimeToLive, UpdateTimeToLive
from ..waiting import wait_or_raise


def describe_difference(wanted: str, live: TimeToLive) -> str | None:
    """Return the difference of the TTL *live* from TTL by the attribute *wanted*, or None if there is none."""
    if live.is_on:
        if live.attribute == wanted:
            return None
        found = f"is on by the attribute {live.attribute!r}"
    else:
        found = "is being switched off" if live.status == "DISABLING" else "is off"
    return f"TTL: the model has it by the attribute {wanted!r}; the TTL of the table {found}"


def make_change(table: str, wanted: str, live: TimeToLive) -> UpdateTimeToLive | None:
    """Return the request that enables TTL by the attribute *wanted*, or None if that is impossible now."""
    return UpdateTimeToLive(table, wanted) if live.status == "DISABLED" else None


def describe_remedy(table: str, live: TimeToLive) -> str:
    """Return the remedy for a TTL that cannot be enabled now."""
    if not live.is_on:
        return "wait until that is done, up to an hour, and update() again"
    return (
        "DynamoDB changes the attribute in two steps: switch it off (aws dynamodb "
        f"update-time-to-live --table-name {table} --time-to-live-specification "
        f"AttributeName={live.attribute},Enabled=false), and update() an hour later; or name that "
        "attribute in the model"
    )


def find_change(table: str, wanted: str) -> Flow[UpdateTimeToLive | None]:
    """Return the request that enables TTL by the attribute *wanted*, or None if it is enabled.

    :raises TableMismatch: it is impossible now: TTL is enabled by another attribute, or is being disabled.
    """
    live = yield from DescribeTimeToLive(table)
    problem = describe_difference(wanted, live)
    if problem is None:
        return None
    change = make_change(table, wanted, live)
    if change is None:
        raise TableMismatch(
            f"the table {table} has another TTL than the model. {problem}. "
            f"{describe_remedy(table, live)}",
            [problem],
        )
    return change


def switch_on(change: UpdateTimeToLive, waits: Iterator[float]) -> Flow[None]:
    """Send *change*; accept that another program made the same change first.

    DynamoDB takes up to an hour to enable TTL; this function does not wait for that.

    :param waits: the pauses between attempts.
    """
    while True:
        try:
            yield from change
        except InvalidRequest:
            # Another program made the change, or an earlier attempt whose response was lost.
            if (yield from find_change(change.table, change.attribute)) is not None:
                raise
        except TableInUse as error:
            yield from wait_or_raise(waits, error)
            continue
        return


def ensure(table: str, wanted: str | None, waits: Iterator[float]) -> Flow[None]:
    """Enable TTL by the attribute *wanted*, unless it is enabled already or *wanted* is None."""
    if wanted is None:
        return
    change = yield from find_change(table, wanted)
    if change is not None:
        yield from switch_on(change, waits)
