"""Support for pydantic, FastAPI, Flask and OpenTelemetry: each is an extra, and only programs that use it import it."""
