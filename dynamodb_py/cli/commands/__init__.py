"""The commands, each in its own file; ``dynamodb_py/lazy`` has their names."""
