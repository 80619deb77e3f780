"""Streams: the changes of a table's items, as records with instances of models.

This room has the records, the shards of a stream with the order of reading them, and the readers. The requests
are in ``operations/streams.py``, and the endpoint is in ``credentials/streams.py``. This room does not import
models: a Protocol describes what it uses of them.
"""
