"""What other packages need of this one: pydantic, FastAPI, Flask, OpenTelemetry. Each is an extra, imported by its users alone."""
