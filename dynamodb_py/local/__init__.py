"""A DynamoDB in this process: operations as the service answers them, kept by SQLite.

Nothing here knows of models. :class:`Engine` takes an operation's name and
the JSON of its payload, and returns the status and the body of the answer.
"""

from . import handlers as handlers  # the engine finds operations by it
from .database.engine import Engine
from .database.faults import Rule

__all__ = ["Engine", "Rule"]
