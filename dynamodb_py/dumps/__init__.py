r"""Dumping whole tables to files, and loading the files into tables; also DynamoDB's own exports to S3.

A file has a line of DynamoDB JSON for each item, ``{"Item": {"id": {"S": "a"}, "n": {"N": "1"}}}``
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html). No model and no field
converts the items, so every attribute keeps its type and its digits.

>>> import io
>>> from dynamodb_py import CharField, Model, Table, connect
>>> class Note(Model):
...     id = CharField(hash_key=True)
>>> connection = connect("memory://", alias="notes")
>>> description = Table(Note, using="notes").create()
>>> note, output = Note(id="a").save(using="notes"), io.BytesIO()
>>> dump_table("Note", output, using="notes")
DumpReport(items=1, continued=0)
>>> output.getvalue()
b'{"Item":{"id":{"S":"a"}}}\n'
>>> load_table("Note", io.BytesIO(output.getvalue()), using="notes")
LoadReport(items=1, continued=0)
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
