"""Models of tables that exist: what ``inspect`` samples, and the code that it writes.

>>> from dynamodb_py import connect, get_connection
>>> connection = connect("memory://", alias="inspect")
>>> inspect_table("no_such_table", using="inspect")
Traceback (most recent call last):
    ...
dynamodb_py.exceptions.TableNotFound: DescribeTable on no_such_table failed...
"""

from .checking import CheckReport, Misfit, check_table
from .models import Inspection, inspect_table
from .observing import Observation
from .sampling import Sample

__all__ = [
    "CheckReport",
    "Inspection",
    "Misfit",
    "Observation",
    "Sample",
    "check_table",
    "inspect_table",
]
