"""A DynamoDB in this process: it answers operations as the service does, and stores items in SQLite.

This room does not import models. :class:`Engine` accepts the name of an operation and the JSON of its
payload, and returns the status and the body of the response.
"""

from . import handlers as handlers  # fills the engine's table of operations
from .database.engine import Engine
from .database.faults import Rule

__all__ = ["Engine", "Rule"]
