"""What other packages need of this one: pydantic, FastAPI and Flask. Each is an extra, imported by its users alone."""
