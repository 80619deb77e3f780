"""PartiQL: statements, converted to the conditions, updates and writes of the other operations."""
