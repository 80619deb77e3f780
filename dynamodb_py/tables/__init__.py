"""Creating, describing, comparing, changing and deleting the tables of models.

The rooms of ``models`` read and write items, not this one.
"""
