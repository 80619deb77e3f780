"""Fields that store values as other mappers do, for tables that are shared with their programs.

Each mapper has a module: ``compat.pynamodb``, ``compat.bloop``, ``compat.flywheel`` and ``compat.dynamoid``. If a
type of a mapper has no field in its module, use the usual field, which stores values in the same way.

>>> from dynamodb_py import compat
>>> compat.pynamodb.LegacyBinaryField().encode(b"raw")
{'B': b'cmF3'}
"""

from . import bloop, dynamoid, flywheel, pynamodb

__all__ = ["bloop", "dynamoid", "flywheel", "pynamodb"]
