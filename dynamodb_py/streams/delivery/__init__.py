"""Delivery: a runner, a handler for AWS Lambda, or a test calls the receivers of ``item_changed``.

A runner has one worker or many, which share the shards by leases.
"""
