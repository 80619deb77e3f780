"""Delivery: receivers of ``item_changed`` are called, by a runner, by AWS Lambda, and in tests.

The runner is one or many workers, which share the shards by leases.
"""
