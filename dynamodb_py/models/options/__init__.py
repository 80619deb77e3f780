"""``Model._meta``: what a model class declares, and what that comes to."""
