"""Relations: many-to-many fields, reverse relations, cascades of deletes.

``foreign_keys/`` has the references themselves, ``queryset/prefetch`` the prefetching.
"""
