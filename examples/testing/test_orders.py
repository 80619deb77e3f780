"""Tests with pytest."""

import pytest
from models import Customer, Order

from dynamodb_py.testing import assert_requests


@pytest.mark.dynamodb_engine(tables=[Order, Customer])
def test_an_order_is_open():
    ann = Customer.create(id="ann", name="Ann")
    with assert_requests(PutItem=1):
        order = Order.create(id="a", customer=ann)
    assert order.status == "open"


def test_a_customer_has_a_name(dynamodb_tables):
    dynamodb_tables(Customer)
    assert Customer.get(id="ann") is None  # each test has its own database
    Customer.create(id="ann", name="Ann")
    assert Customer.get(id="ann").name == "Ann"
