"""Relations: many-to-many fields, reverse relations, cascades of deletes.

The references themselves are in ``foreign_keys/``, prefetching is in ``queryset/prefetch``.
"""
