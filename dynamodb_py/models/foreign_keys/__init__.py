"""References to items of other models: the field, the fields of its key, conditions, on_delete.

Reverse and many-to-many relations, and cascades, are in ``relations/``.
"""
