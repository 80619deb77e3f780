"""Query sets: conditions and options, how they are read, and bulk writes by query.

The class QuerySet is in ``managers/queryset``, beside the manager; the planner is in ``dynamodb_py/planning``.
"""
