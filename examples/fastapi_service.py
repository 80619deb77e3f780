"""A service for orders in FastAPI, fully async.

``uvicorn fastapi_service:app`` runs it with boto3's usual settings. ``connect()`` in ``lifespan`` gives other settings.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Response

from dynamodb_py import (
    CharField,
    DateTimeField,
    DecimalField,
    Document,
    IntegerField,
    ListField,
    Model,
    VersionField,
    get_connection,
)
from dynamodb_py.contrib.fastapi import (
    IfMatch,
    Pager,
    add_error_handlers,
    aget_object_or_404,
    make_pager,
    set_etag,
)
from dynamodb_py.contrib.pydantic import pydantic_model


class Line(Document):
    sku = CharField(required=True)
    quantity = IntegerField(default=1, min_value=1)
    price = DecimalField(required=True, places=2)


class Order(Model):
    class Meta:
        table_name = "orders"

    customer = CharField(hash_key=True)
    number = IntegerField(range_key=True, min_value=1)
    status = CharField(default="open", choices=["open", "sent", "cancelled"])
    lines = ListField(Line, required=True, min_length=1)
    created = DateTimeField(auto_now_add=True)
    version = VersionField()


NewOrder: Any = pydantic_model(Order, exclude=["customer", "status"], name="NewOrder")
OrderChanges: Any = pydantic_model(Order, partial=True)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield
    await get_connection().aclose()


app = FastAPI(lifespan=lifespan)
add_error_handlers(app)


@app.get("/customers/{customer}/orders")
async def list_orders(
    customer: str, pager: Annotated[Pager, Depends(make_pager(size=10))]
) -> list[Order]:
    return await pager.apage(Order.objects.filter(customer=customer).reverse())


@app.post("/customers/{customer}/orders", status_code=201)
async def place(customer: str, order: NewOrder, response: Response) -> Order:
    placed = await Order.acreate(customer=customer, **order.model_dump())
    set_etag(response, placed)
    return placed


@app.get("/customers/{customer}/orders/{number}")
async def show(customer: str, number: int, response: Response) -> Order:
    order = await aget_object_or_404(Order, customer, number)
    set_etag(response, order)
    return order


@app.patch("/customers/{customer}/orders/{number}")
async def change(
    customer: str,
    number: int,
    changes: OrderChanges,
    if_match: Annotated[IfMatch, Depends()],
    response: Response,
) -> Order:
    order = await aget_object_or_404(Order, customer, number)
    if_match.check(order, required=True)
    await order.aupdate(**changes.model_dump(exclude_unset=True))
    set_etag(response, order)
    return order
