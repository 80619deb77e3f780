"""Signals and hooks: functions and methods that are called around saves, deletes and commits.

``model`` has the hook ``class_prepared()``; ``transaction/`` has ``transaction.on_commit()``.
"""

from ...dispatching import Signal, item_changed, receiver
from .events import (
    class_prepared,
    post_batch_write,
    post_delete,
    post_init,
    post_save,
    pre_batch_write,
    pre_delete,
    pre_init,
    pre_save,
    request_sent,
    transaction_committed,
)

__all__ = [
    "Signal",
    "class_prepared",
    "item_changed",
    "post_batch_write",
    "post_delete",
    "post_init",
    "post_save",
    "pre_batch_write",
    "pre_delete",
    "pre_init",
    "pre_save",
    "receiver",
    "request_sent",
    "transaction_committed",
]
