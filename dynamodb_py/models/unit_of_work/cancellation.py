"""The reasons of a cancelled transaction, by call."""

from __future__ import annotations

from collections.abc import Iterable

from ...exceptions import CancellationReason, ConditionFailed, TransactionCanceled
from ..constraints import make_already_exists
from .pending import PendingWrite
from .sentinels import Sentinel
from .transaction_items import CONDITION_FAILED, Member


def reason_of(
    call: PendingWrite,
    results: Iterable[tuple[Member | Sentinel, CancellationReason]],
    error: TransactionCanceled,
) -> CancellationReason:
    """Return the cancellation reason of *call*: that of its item, else of a unique value, else "None"."""
    for each, raw in results:
        if raw.is_to_blame and any(own is call for own in each.calls):
            break
    else:
        return CancellationReason("None", instance=call.instance, verb=call.verb)
    reason = CancellationReason(
        raw.code, raw.message, raw.item, instance=call.instance, verb=call.verb
    )
    if raw.code != CONDITION_FAILED:
        return reason
    failed = make_failure(raw, error)
    if isinstance(each, Sentinel):
        claim = each.claimed or each.released
        assert claim is not None
        reason.error = make_already_exists(call.meta, claim, raw.item, failed)
    else:
        reason.error = call.explain(failed)
        reason.current = getattr(reason.error, "current", None)
    return reason


def make_failure(reason: CancellationReason, error: TransactionCanceled) -> ConditionFailed:
    """Return the error that the call would raise if it were sent alone."""
    failed = ConditionFailed(reason.message or reason.code)
    failed.code, failed.message, failed.status = reason.code, reason.message, error.status
    failed.operation, failed.table = error.operation, error.table
    failed.request_id = error.request_id  # the token made earlier attempts idempotent
    failed.current = None if reason.item is None else dict(reason.item)
    return failed
