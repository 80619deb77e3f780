"""What models and documents have in common: fields, values, validation, loading.

The rows of query sets are made in ``records/rows``; saving is in ``persistence/``.
"""
