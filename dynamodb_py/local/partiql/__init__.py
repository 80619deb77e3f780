"""PartiQL: statements become the conditions, updates and writes of the other operations."""
