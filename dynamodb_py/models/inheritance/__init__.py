"""Classes that share a table, or a field, told apart by a discriminator."""
