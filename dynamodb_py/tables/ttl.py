"""The TTL of a live table: how it differs from the model's, and the change to it.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-how-to.html
"""

from __future__ import annotations

from collections.abc import Iterator

from ..exceptions import InvalidRequest, TableInUse, TableMismatch
from ..flows import Flow
from ..operations.tables import DescribeTimeToLive, TimeToLive, UpdateTimeToLive
from ..waiting import wait_or_raise


def describe_difference(wanted: str, live: TimeToLive) -> str | None:
    """Return how the TTL of a table, *live*, differs from TTL by the attribute *wanted*, or None."""
    if live.is_on:
        if live.attribute == wanted:
            return None
        found = f"is on by the attribute {live.attribute!r}"
    else:
        found = "is being switched off" if live.status == "DISABLING" else "is off"
    return f"TTL: the model has it by the attribute {wanted!r}; that of the table {found}"


def make_change(table: str, wanted: str, live: TimeToLive) -> UpdateTimeToLive | None:
    """Return the request that switches TTL on by the attribute *wanted*; None if that is impossible now."""
    return UpdateTimeToLive(table, wanted) if live.status == "DISABLED" else None


def describe_remedy(table: str, live: TimeToLive) -> str:
    """Return what to do about a TTL that cannot be switched on now."""
    if not live.is_on:
        return "wait until that is done, up to an hour, and update() again"
    return (
        "DynamoDB changes the attribute in two steps: switch it off (aws dynamodb "
        f"update-time-to-live --table-name {table} --time-to-live-specification "
        f"AttributeName={live.attribute},Enabled=false), and update() an hour later; or name that "
        "attribute in the model"
    )


def find_change(table: str, wanted: str) -> Flow[UpdateTimeToLive | None]:
    """Return the request that switches TTL on by the attribute *wanted*; None if it is on.

    Raises TableMismatch if that is impossible now: TTL is on by another attribute, or being switched
    off.
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
    """Send *change*, unless another program is first; *waits* are pauses.

    DynamoDB takes up to an hour to enable TTL; this does not wait for it.
    """
    while True:
        try:
            yield from change
        except InvalidRequest:
            # Another program made the change, or an earlier attempt whose answer was lost.
            if (yield from find_change(change.table, change.attribute)) is not None:
                raise
        except TableInUse as error:
            yield from wait_or_raise(waits, error)
            continue
        return


def ensure(table: str, wanted: str | None, waits: Iterator[float]) -> Flow[None]:
    """Switch TTL on by the attribute *wanted*, unless it is on or *wanted* is None."""
    if wanted is None:
        return
    change = yield from find_change(table, wanted)
    if change is not None:
        yield from switch_on(change, waits)
