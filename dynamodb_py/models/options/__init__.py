"""``Model._meta``: the options that a model class declares, and the table, keys and indexes made of them."""
