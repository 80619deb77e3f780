"""Classes that share a table, or a field, distinguished by a discriminator."""
