"""Tests with unittest."""

import unittest

from models import Customer, Order

from dynamodb_py.testing import DynamoDBTestCase


class OrderTests(DynamoDBTestCase):
    tables = [Order, Customer]
    fixtures = ["orders.jsonl"]

    @classmethod
    def setUpTestData(cls):
        cls.bob = Customer.create(id="bob", name="Bob")

    def test_a_customer_can_order(self):
        Order.create(id="z", customer=self.bob)
        self.assertEqual(Order.objects.count(), 2)

    def test_each_test_finds_the_same(self):
        self.assertEqual(Order.objects.get().customer.name, "Ann")


class AsyncOrderTests(DynamoDBTestCase, unittest.IsolatedAsyncioTestCase):
    tables = [Order]

    async def test_an_order_is_open(self):
        order = await Order.objects.acreate(id="a", customer_id="ann")
        self.assertEqual(order.status, "open")
