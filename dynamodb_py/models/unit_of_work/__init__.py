"""Pending writes: each is sent alone, or several as one TransactWriteItems.

``persistence/`` makes the writes. ``transaction/`` has ``transaction.atomic()``, which users call;
``bulk/`` has the batches.
"""
