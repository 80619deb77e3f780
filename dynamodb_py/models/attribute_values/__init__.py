"""Attribute values as DynamoDB spells them: equality, paths, differences; nothing of models."""
