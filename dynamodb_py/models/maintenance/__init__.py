"""Jobs that read whole tables and repair them: sentinels of unique values, denormalized copies.

The constraints are in ``constraints``, copies are written by ``foreign_keys/``, the command line is
in ``cli/``.
"""
