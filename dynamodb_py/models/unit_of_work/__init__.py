"""Writes that wait to be sent: each alone, or many as one TransactWriteItems.

``transaction.atomic()``, which users call, is in ``transaction/``.
"""
