"""Signals and hooks: what is called around saving, deleting and committing."""

from .dispatcher import Signal, receiver
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
    transaction_committed,
)

__all__ = [
    "Signal",
    "class_prepared",
    "post_batch_write",
    "post_delete",
    "post_init",
    "post_save",
    "pre_batch_write",
    "pre_delete",
    "pre_init",
    "pre_save",
    "receiver",
    "transaction_committed",
]
