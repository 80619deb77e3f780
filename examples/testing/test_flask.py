"""Tests of the shop in Flask, with Flask's test client."""

import pytest
from factories import CustomerFactory, OrderFactory
from flask_app import create_app
from models import Customer, Order


@pytest.fixture
def app(dynamodb_engine):
    app = create_app(table_prefix="test-")  # its connect() uses the engine
    app.testing = True
    dynamodb_engine.create_tables(Customer, Order)  # after connect(), which sets the prefix
    return app


@pytest.fixture
def client(app):
    with app.test_client() as client:
        yield client


def test_an_order_is_shown(client):
    order = OrderFactory(total=3)
    assert client.get(f"/orders/{order.id}").json == {"id": order.id, "total": 3, "status": "open"}


def test_an_order_that_is_not_there_is_not_found(client):
    assert client.get("/orders/nobody").status_code == 404


def test_an_order_is_placed_once(client):
    sent = {"id": "a", "customer": CustomerFactory().id}
    assert client.post("/orders", json=sent).status_code == 201
    assert client.post("/orders", json=sent).status_code == 409
    assert Order.objects.get(id="a").customer.id == sent["customer"]
