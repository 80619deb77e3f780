"""Jobs that read whole tables and repair them: sentinels of unique values, denormalized copies.

``constraints`` has the constraints, ``foreign_keys/`` writes the copies, ``cli/`` has the commands.
"""
