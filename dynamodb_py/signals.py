"""The signals of models, and ``receiver``, which connects functions to them."""

from .models.signals import *  # noqa: F403
from .models.signals import __all__ as __all__
