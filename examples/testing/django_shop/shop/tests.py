"""Tests of the shop. DynamoDBTestCase comes before a test case of Django in the bases."""

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import SimpleTestCase, TestCase

from dynamodb_py.testing import DynamoDBTestCase, assert_requests

from .models import Order


class OrderTests(DynamoDBTestCase, SimpleTestCase):
    """Tests of code that uses only DynamoDB."""

    tables = [Order]

    def setUp(self):
        super().setUp()
        Order.create(user=1, id="a")

    async def test_a_view_awaits(self):
        response = await self.async_client.get("/1/orders/a")
        self.assertEqual(response.json(), {"status": "open"})

    async def test_an_order_that_is_not_there_is_404(self):
        response = await self.async_client.get("/1/orders/nobody")
        self.assertEqual((response.status_code, response.json()), (404, {"detail": "not found"}))

    def test_the_command_leaves_what_is_there(self):
        call_command("dynamodb")
        self.assertEqual(Order.objects.count(), 1)

    def test_what_a_test_writes_is_gone(self):
        Order.create(user=1, id="b")
        self.assertEqual(Order.objects.count(), 2)


class UserTests(DynamoDBTestCase, TestCase):
    """Tests of code that also uses SQL: Django undoes the changes there, the kit those in DynamoDB."""

    tables = [Order]
    fixtures = ["users.json"]  # of Django

    @classmethod
    def setUpTestData(cls):
        cls.dynamodb.load("orders.jsonl", Order)
        cls.latest = Order.create(user=User.objects.get().pk, id="z")

    def test_1_the_orders_of_a_user_are_listed_by_one_request(self):
        with assert_requests(Query=1), self.assertNumQueries(1):
            response = self.client.get("/ann/orders")
        self.assertEqual(response.json(), {"orders": ["a", "z"]})
        self.latest.update(status="sent")
        User.objects.all().delete()

    def test_2_each_test_begins_alike(self):
        self.assertEqual(User.objects.count(), 1)
        self.assertEqual(Order.objects.get(user=1, id="z").status, self.latest.status)
