"""Transactions that others were in the way of are tried again."""

from __future__ import annotations

from typing import TypeVar

from ..exceptions import TransactionCanceled
from ..flows import Flow
from ..operations.base import Operation, Pause
from ..retries import Retries

T = TypeVar("T")

# DynamoDB cancels a transaction at once where another is at the item: it takes more attempts than
# what is slow or broken.
_MORE = 2


def patiently(operation: Operation[T], retries: Retries) -> Flow[T]:
    """Carry out a transaction, again where other writes under way canceled it.

    It is tried twice as often as *retries* says for other errors, unless that is once.
    """
    most = 1 if retries.attempts == 1 else retries.attempts * _MORE
    attempts = 1
    while True:
        try:
            return (yield from operation)
        except TransactionCanceled as error:
            if attempts >= most or not is_conflict(error):
                error.attempts = max(attempts, error.attempts)
                raise
            seconds = retries.pause(error, attempts)
        yield from Pause(seconds)
        attempts += 1


def is_conflict(error: TransactionCanceled) -> bool:
    """Tell whether other transactions or writes under way, and nothing else, canceled this one."""
    codes = {reason.code for reason in error.reasons if reason.is_to_blame}
    return codes == {"TransactionConflict"}
