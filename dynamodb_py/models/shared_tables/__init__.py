"""Several models in one table: its layout, its filter, its item collections.

The discriminator attribute is written by ``inheritance/discriminator``.
"""
