"""Streams: the changes of a table's items, as records with instances of models.

Here: records, the shards of a stream and the order to read them in, and reading. The requests are in
``operations/streams.py``, the endpoint is in ``credentials/streams.py``. Models are known by a Protocol alone.
"""
