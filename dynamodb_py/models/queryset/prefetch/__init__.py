"""Prefetching: it reads the items that many instances refer to, by few requests."""
