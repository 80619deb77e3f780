"""Query sets: building them, reading their rows, and writing to all items that match.

The class QuerySet is in ``managers/queryset.py``, beside the manager; the planner is in ``planning/``.
"""
