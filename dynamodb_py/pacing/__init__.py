"""Pacing: a verb consumes no more capacity units per second than a rate, for reads and for writes each.

``buckets`` computes how long a request has to wait, ``flows`` lets the requests of a flow wait.
"""
