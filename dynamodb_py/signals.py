"""The signals of models, and ``receiver``, which connects functions to them."""

from .models.signals import *  # noqa: F403 - type checkers read __all__
from .models.signals import __all__ as __all__
