"""Items for tests, made by factory_boy."""

import pytest
from factories import CustomerFactory, OrderFactory
from models import Customer, Order

from dynamodb_py import AlreadyExists
from dynamodb_py.testing import assert_requests

pytestmark = pytest.mark.dynamodb_engine(tables=[Customer, Order])


def test_an_order_comes_with_its_customer():
    order = OrderFactory(customer__name="Ann")
    assert Order.objects.get(id=order.id).customer.name == "Ann"


def test_what_is_only_built_is_not_written():
    order = OrderFactory.build(sent=True)
    assert (order.status, order.persisted) == ("sent", False)
    assert Order.objects.count() == Customer.objects.count() == 0


def test_an_item_that_is_there_is_not_replaced():
    CustomerFactory(id="ann")
    with pytest.raises(AlreadyExists):
        CustomerFactory(id="ann")


def test_a_batch_takes_few_requests():
    with assert_requests(BatchWriteItem=2):
        orders = OrderFactory.create_batch(20, sent=True)
    assert Order.by_status.filter(status="sent").count() == 20
    assert {each.customer.id for each in orders} == {each.id for each in Customer.objects.all()}
