"""Whole tables as files of lines in DynamoDB JSON, as DynamoDB's own exports to S3 have them, and back.

A line is ``{"Item": {"id": {"S": "a"}, "n": {"N": "1"}}}``
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html). Items go through as
they are: no model and no field reads them, and every attribute keeps its type and its digits.

>>> from dynamodb_py import connect
>>> connection = connect("memory://", alias="dumps")
>>> is_empty("no_such_table", using="dumps")
Traceback (most recent call last):
    ...
dynamodb_py.exceptions.TableNotFound: DescribeTable on no_such_table failed...
"""

from .checkpoints import name_checkpoint
from .dump import DumpReport, dump_table
from .load import LoadReport, is_empty, load_table

__all__ = [
    "DumpReport",
    "LoadReport",
    "dump_table",
    "is_empty",
    "load_table",
    "name_checkpoint",
]
