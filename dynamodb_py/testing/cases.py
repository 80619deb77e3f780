"""A test case of unittest with an embedded database."""

from __future__ import annotations

import os
import unittest
from collections.abc import Sequence
from typing import ClassVar

from ..schema import HasOptions
from .engines import EmbeddedEngine, Snapshot


class DynamoDBTestCase(unittest.TestCase):
    """Tests whose models use an embedded database, with the same contents for each test.

    ::

        class OrderTests(DynamoDBTestCase):
            tables = [Order, Customer]
            fixtures = ["tests/orders.jsonl"]

            def test_total(self): ...

    The database is opened once for the class; what a test writes is undone before the next one, and so are its
    changes of the clock and its faults. For coroutines, put it before
    :class:`unittest.IsolatedAsyncioTestCase`, and with Django before its test case. What overrides ``setUp``
    or ``setUpClass`` calls that of ``super()`` first.

    In a ``TestCase`` of Django's, it is Django that reads ``fixtures``, for its own models, and calls
    ``setUpTestData()``, once, with the tables there: that may call ``cls.dynamodb.load()``.
    """

    tables: ClassVar[Sequence[type[HasOptions]]] = ()
    """The models whose tables there are."""
    fixtures: ClassVar[Sequence[str | os.PathLike[str]]] = ()
    """Files that :meth:`EmbeddedEngine.load` reads."""
    dynamodb: ClassVar[EmbeddedEngine]
    """The database."""
    _contents: ClassVar[Snapshot]

    @classmethod
    def setUpClass(cls) -> None:
        cls.dynamodb = EmbeddedEngine()
        cls.dynamodb.__enter__()
        cls.addClassCleanup(cls.dynamodb.__exit__)
        cls.dynamodb.create_tables(*cls.tables)
        super().setUpClass()  # with the tables there: Django's calls setUpTestData()
        if not hasattr(super(), "fixtures"):
            for path in cls.fixtures:
                cls.dynamodb.load(path, *cls.tables)
        if not hasattr(super(), "setUpTestData"):
            cls.setUpTestData()
        cls._contents = cls.dynamodb.snapshot()

    @classmethod
    def setUpTestData(cls) -> None:
        """Write what all tests of the class begin with; by default nothing."""

    def setUp(self) -> None:
        super().setUp()
        self.dynamodb.clock.reset()
        self.dynamodb.faults.clear()
        self.dynamodb.restore(self._contents)
