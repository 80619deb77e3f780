"""The testing kit: an empty embedded database for a test, its clock, its faults, its contents.

``import dynamodb_py`` does not load it. The fixtures of pytest are in the module ``pytest_dynamodb_py``.
"""

from .cases import DynamoDBTestCase
from .clock import Clock
from .engines import EmbeddedEngine, Snapshot
from .faults import Faults

__all__ = ["Clock", "DynamoDBTestCase", "EmbeddedEngine", "Faults", "Snapshot"]
