"""The expressions of requests: conditions, filters, key conditions, projections and updates."""
