"""Prefetching: what instances refer to, read for many of them at once."""
