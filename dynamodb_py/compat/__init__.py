"""Fields that store what other mappers store, for tables that are shared with them.

One module for each mapper: ``compat.pynamodb``, ``compat.bloop``, ``compat.flywheel`` and
``compat.dynamoid``. A type of theirs that no field here is for is stored as the usual field stores it.

>>> from dynamodb_py import compat
>>> compat.pynamodb.LegacyBinaryField().encode(b"raw")
{'B': b'cmF3'}
"""

from . import bloop, dynamoid, flywheel, pynamodb

__all__ = ["bloop", "dynamoid", "flywheel", "pynamodb"]
