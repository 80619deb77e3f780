"""Writing the code of models for a table that exists, from a sample of its items.

>>> from dynamodb_py import CharField, IntegerField, Model, Table, connect
>>> class Note(Model):
...     id = CharField(hash_key=True)
...     likes = IntegerField()
>>> connection = connect("memory://", alias="inspected notes")
>>> description = Table(Note, using="inspected notes").create()
>>> note = Note(id="a", likes=3).save(using="inspected notes")
>>> found = inspect_table("Note", using="inspected notes")
>>> print(found.source[found.source.index("class") :].replace('"' * 3, "'''").rstrip())
class Note(Model):
    '''An item of the table.'''
<BLANKLINE>
    class Meta:
        table_name = "Note"
<BLANKLINE>
    id = CharField(hash_key=True)  # 1 of 1
    likes = IntegerField()  # 1 of 1
>>> found.attributes["likes"].types
{'N': 1}
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
