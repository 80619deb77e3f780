"""Streams of changes: what writes record of them, and the operations that read it."""
