"""Models: fields, options, managers, query sets, and what saves them."""
