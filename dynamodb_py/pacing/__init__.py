"""No more capacity units per second than a rate, of reads and of writes each.

``buckets`` has the values that tell how long a request has to wait, ``flows`` what drives a flow by them.
"""
