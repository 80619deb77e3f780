"""What other packages need of models and documents: JSON Schema, pydantic's schemas, problems with paths."""
