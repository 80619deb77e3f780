"""Tests of the shop, each on an empty database in its own process."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from dynamodb_py import StaleItem, Throttled, TransactionCanceled
from dynamodb_py.testing import Faults, assert_requests

from . import cart
from .models import MODELS, Cart, Order, Product
from .service import app

pytestmark = pytest.mark.dynamodb_engine(tables=MODELS)


@pytest.fixture(autouse=True)
def stock() -> None:
    Product.create(sku="assam", title="Assam", category="tea", price=900, stock=5)
    Product.create(sku="cup", title="Cup", category="china", price=700, stock=1)


def test_a_checkout_takes_from_the_stock_and_empties_the_cart() -> None:
    cart.put("ann", "assam", 2)
    order = cart.check_out(cart.put("ann", "cup", 1))
    assert order.total == 2500
    assert [each.stock for each in Product.batch_get("assam", "cup")] == [3, 0]
    assert Cart.get("ann") is None
    assert Order.objects.get(customer="ann").lines == {"assam": 2, "cup": 1}


def test_a_checkout_is_two_requests() -> None:
    full = cart.put("ann", "assam", 2)
    with assert_requests(2):
        cart.check_out(full)


def test_a_checkout_of_what_is_sold_out_changes_nothing() -> None:
    cart.put("ann", "assam", 2)
    with pytest.raises(cart.SoldOut, match="cup"):
        cart.check_out(cart.put("ann", "cup", 2))
    assert [each.stock for each in Product.batch_get("assam", "cup")] == [5, 1]
    assert Cart.objects.get(customer="ann").lines == {"assam": 2, "cup": 2}


def test_a_product_that_is_gone_is_not_sold() -> None:
    full = cart.put("ann", "cup", 1)
    Product.objects.get(sku="cup").delete()
    with pytest.raises(cart.SoldOut, match="cup"):
        cart.check_out(full)


def test_a_cart_is_not_bought_twice() -> None:
    cart.put("ann", "assam", 1)
    first, second = Cart.objects.get(customer="ann"), Cart.objects.get(customer="ann")
    cart.check_out(first)
    with pytest.raises(TransactionCanceled):
        cart.check_out(second)
    assert Product.objects.get(sku="assam").stock == 4


def test_two_devices_do_not_undo_each_other() -> None:
    cart.put("ann", "assam", 1)
    stale = Cart.objects.get(customer="ann")
    cart.put("ann", "cup", 1)
    stale.lines["assam"] = 9
    with pytest.raises(StaleItem):
        stale.save()


def test_throttling_does_not_look_like_an_empty_stock(dynamodb_faults: Faults) -> None:
    full = cart.put("ann", "assam", 1)
    with dynamodb_faults.throttle("TransactWriteItems"), pytest.raises(TransactionCanceled):
        cart.check_out(full)
    with dynamodb_faults.throttle("GetItem"), pytest.raises(Throttled):
        cart.put("ann", "assam", 1)


def test_the_service_sells_tea() -> None:
    client = TestClient(app)
    assert [each["sku"] for each in client.get("/products?category=tea").json()] == ["assam"]
    put = client.post("/customers/ann/cart", json={"sku": "assam", "count": 2})
    assert put.json()["lines"] == {"assam": 2}
    placed = client.post("/customers/ann/orders")
    assert (placed.status_code, placed.json()["total"]) == (201, 1800)
    assert client.get("/customers/ann/orders").json() == [placed.json()]
    assert client.post("/customers/ann/orders").status_code == 404  # the cart is gone


def test_the_service_refuses_what_is_not_there() -> None:
    client = TestClient(app)
    assert client.post("/customers/ann/cart", json={"sku": "gold"}).status_code == 404
    client.post("/customers/ann/cart", json={"sku": "cup", "count": 2})
    refused = client.post("/customers/ann/orders")
    assert (refused.status_code, refused.json()["products"]) == (409, ["cup"])
