"""Tests of the shop in FastAPI, with its test client and with httpx2."""

import pytest
from factories import OrderFactory
from fastapi.testclient import TestClient
from fastapi_app import app
from httpx2 import ASGITransport, AsyncClient
from models import Customer, Order

pytestmark = pytest.mark.dynamodb_engine(tables=[Customer, Order])


@pytest.fixture
def client():
    with TestClient(app) as client:  # runs the lifespan, whose connect() uses the engine
        yield client


def test_an_order_is_shown(client):
    order = OrderFactory(total=3)
    assert client.get(f"/orders/{order.id}").json() == {
        "id": order.id,
        "total": 3,
        "status": "open",
    }
    assert client.get("/orders/nobody").status_code == 404


@pytest.fixture
def anyio_backend():
    return "asyncio"  # anyio comes with FastAPI, and runs coroutines as tests


@pytest.fixture
async def async_client(anyio_backend):
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=ASGITransport(app), base_url="http://shop") as client,
    ):
        yield client


@pytest.mark.anyio
async def test_what_is_sent_is_no_longer_open(async_client):
    first, second = OrderFactory.create_batch(2)
    assert (await async_client.post(f"/orders/{first.id}/send")).status_code == 204
    found = await async_client.get("/orders", params={"status": "open"})
    assert found.json() == [second.id]
    assert (await Order.objects.aget(id=first.id)).status == "sent"
