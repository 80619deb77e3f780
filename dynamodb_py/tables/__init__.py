"""Tables of models: made, described, compared, changed and deleted.

Items are in the rooms of ``models``, not here.
"""
