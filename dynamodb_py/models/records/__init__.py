"""The common parts of models and documents: fields, values, validation, loading, rows of query sets.

Saving is in ``persistence/``, the classes of fields are in ``fields/``, the options of a model in
``options``.
"""
