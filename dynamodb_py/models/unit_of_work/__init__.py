"""Pending writes: each is sent alone, or several as one TransactWriteItems.

``transaction.atomic()``, which users call, is in ``transaction/``; the writes are made in
``persistence/``; batches are in ``bulk/``.
"""
