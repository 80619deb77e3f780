"""Models and documents for other packages: JSON Schema, pydantic's schemas, problems with paths."""
