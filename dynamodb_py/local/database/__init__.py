"""The database: values, keys, tables, their storage in SQLite, and the engine that carries out operations."""
