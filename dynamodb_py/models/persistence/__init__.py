"""The item of one instance: save, update, delete, refresh.

``bulk/`` writes many items at once, ``queryset/writes`` the items that a query matches.
"""
