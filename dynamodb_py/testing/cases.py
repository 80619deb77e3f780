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

    The class opens one database. Before each test, it undoes the previous test's writes, changes of the clock
    and faults. List this class before :class:`unittest.IsolatedAsyncioTestCase`, for tests that are coroutines,
    and before Django's ``TestCase``. A ``setUp`` or ``setUpClass`` of your own calls that of ``super()`` first.

    With Django's ``TestCase``, Django reads ``fixtures``, for its own models. It calls ``setUpTestData()`` once,
    after the tables are created; load items there with ``cls.dynamodb.load()``.
    """

    tables: ClassVar[Sequence[type[HasOptions]]] = ()
    """The models whose tables are created."""
    fixtures: ClassVar[Sequence[str | os.PathLike[str]]] = ()
    """Paths of files with items, which :meth:`EmbeddedEngine.load` reads."""
    dynamodb: ClassVar[EmbeddedEngine]
    """The database of the class."""
    _contents: ClassVar[Snapshot]

    @classmethod
    def setUpClass(cls) -> None:
        cls.dynamodb = EmbeddedEngine()
        cls.dynamodb.__enter__()
        cls.addClassCleanup(cls.dynamodb.__exit__)
        cls.dynamodb.create_tables(*cls.tables)
        super().setUpClass()  # after the tables, because Django's calls setUpTestData()
        if not hasattr(super(), "fixtures"):
            for path in cls.fixtures:
                cls.dynamodb.load(path, *cls.tables)
        if not hasattr(super(), "setUpTestData"):
            cls.setUpTestData()
        cls._contents = cls.dynamodb.snapshot()

    @classmethod
    def setUpTestData(cls) -> None:
        """Write the items that every test of the class begins with; by default none.

        >>> class CountTests(DynamoDBTestCase):
        ...     tables = [Score]
        ...
        ...     @classmethod
        ...     def setUpTestData(cls):
        ...         Score.create(player="eve", game=1)
        ...
        ...     def test_count(self):
        ...         self.assertEqual(Score.objects.count(), 1)
        >>> unittest.TestSuite([CountTests("test_count")]).debug()  # raises if the test fails
        """

    def setUp(self) -> None:
        super().setUp()
        self.dynamodb.clock.reset()
        self.dynamodb.faults.clear()
        self.dynamodb.restore(self._contents)
