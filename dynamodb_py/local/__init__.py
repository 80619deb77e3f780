"""A DynamoDB in this process: operations as the service answers them, kept by SQLite.

Nothing here knows of models. :class:`~dynamodb_py.local.engine.Engine` takes an operation's name and
the JSON of its payload, and returns the status and the body of the answer.
"""

from . import handlers

__all__ = ["handlers"]
