"""The commands, a file each; ``dynamodb_py/lazy`` has their names."""
