"""Several models in one table: the table's layout, the filter of each model, item collections.

``inheritance/discriminator`` writes the discriminator attribute.
"""
