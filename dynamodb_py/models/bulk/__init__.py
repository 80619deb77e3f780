"""Many items by key: batches, bulk_create and the like, and the outcome of each.

``in_bulk()`` is in ``queryset/reads``, ``objects.delete(key)`` in ``managers/manager``.
"""
