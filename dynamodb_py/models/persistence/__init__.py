"""The item of one instance: save, update, delete, refresh.

Many items at once are in ``bulk/``, those that a query matches in ``queryset/writes``.
"""
