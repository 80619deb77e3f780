"""Attribute values as requests and responses have them: equality, paths, differences; nothing about models."""
