"""Parsing expressions. The result does not depend on the request's placeholders, nor on an item."""
