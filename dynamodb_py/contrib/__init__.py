"""What other packages need of this one: OpenTelemetry. Each is an extra, imported by its users alone."""
