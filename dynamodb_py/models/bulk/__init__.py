"""Many items by key: batches, ``bulk_create()`` and the like, and the outcome of each item.

``in_bulk()`` is in ``queryset/reads.py``, ``objects.delete(key)`` in ``managers/delete_by_key.py``.
"""
