"""The test case of unittest, sync and with coroutines: what each test finds, and leaves behind."""

from __future__ import annotations

import time
import unittest

import pytest

from dynamodb_py import ConfigurationError, Throttled, connect, connections
from dynamodb_py.testing import DynamoDBTestCase

from .models import Customer, Order


def run(*cases: type[unittest.TestCase]) -> unittest.TestResult:
    result = unittest.TestResult()
    for case in cases:
        unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
        # As a suite does between two classes, and at its end.
        case.tearDownClass()
        case.doClassCleanups()
    return result


def check(result: unittest.TestResult, tests: int) -> None:
    assert result.testsRun == tests
    assert [*result.failures, *result.errors] == []


class Filled(DynamoDBTestCase):
    __test__ = False  # the tests below run it
    tables = (Order, Customer)

    @classmethod
    def setUpTestData(cls):
        Order.create(id="a")

    def test_1_begins_with_the_test_data(self):
        assert Order.objects.count() == 1
        Order.create(id="b")
        Customer.create(id="b", email="b")
        self.dynamodb.clock.tick(3600)
        self.rule = self.dynamodb.faults.throttle()
        self.rule.__enter__()
        with pytest.raises(Throttled):
            Order.objects.count()

    def test_2_begins_as_the_first_did(self):
        assert (Order.objects.count(), Customer.objects.count()) == (1, 0)
        assert abs(self.dynamodb.clock() - time.time()) < 60
        Customer.create(id="b", email="b")


class Asynchronous(DynamoDBTestCase, unittest.IsolatedAsyncioTestCase):
    __test__ = False
    tables = (Order,)

    async def asyncSetUp(self):
        await Order.objects.acreate(id="own")

    async def test_1_awaits(self):
        await Order.objects.acreate(id="a")
        assert await Order.objects.acount() == 2

    async def test_2_begins_anew(self):
        assert await Order.objects.acount() == 1

    def test_3_is_sync(self):
        assert Order.objects.count() == 1


@pytest.mark.parametrize(("case", "tests"), [(Filled, 2), (Asynchronous, 3)])
def test_what_a_test_writes_is_undone_before_the_next(case, tests):
    connect(region_name="eu-west-1", retries=1)
    before = connections.get_connection()
    check(run(case), tests)
    assert connections.get_connection() is before
    with pytest.raises(ConfigurationError, match="is not open"):
        _ = case.dynamodb.local


def test_files_are_loaded_once_for_the_class(tmp_path):
    path = tmp_path / "orders.jsonl"
    path.write_text('{"Item": {"id": {"S": "a"}, "number": {"N": "1"}}}')

    class Loaded(DynamoDBTestCase):
        tables = (Order,)
        fixtures = (path,)

        def test_it(self):
            assert [each.id for each in Order.objects.all()] == ["a"]

    check(run(Loaded), 1)


def test_an_error_in_the_class_closes_the_database():
    class Broken(DynamoDBTestCase):
        @classmethod
        def setUpTestData(cls):
            raise ZeroDivisionError

        def test_it(self): ...

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Broken).run(result)
    assert "ZeroDivisionError" in result.errors[0][1]
    assert connections.get_registry().redirected_to is None
