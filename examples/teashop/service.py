"""The shop as a web service: ``uvicorn teashop.service:app`` runs it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from dynamodb_py.contrib.fastapi import Pager, add_error_handlers, get_object_or_404, make_pager

from . import cart
from .models import Cart, Order, Product

app = FastAPI()
add_error_handlers(app)

Pages = Annotated[Pager, Depends(make_pager(size=10))]


class Line(BaseModel):
    """A product and a quantity for the cart."""

    sku: str = Field(min_length=1)
    count: int = Field(1, ge=1, le=100)


@app.exception_handler(cart.SoldOut)
def answer_sold_out(_: Request, error: cart.SoldOut) -> JSONResponse:
    return JSONResponse({"detail": "sold out", "products": error.args[0]}, 409)


@app.get("/products")
def list_products(category: str, pages: Pages) -> list[Product]:
    return pages.page(Product.objects.filter(category=category))


@app.get("/products/{sku}")
def show_product(sku: str) -> Product:
    return get_object_or_404(Product, sku)


@app.post("/customers/{customer}/cart")
def put(customer: str, line: Line) -> Cart:
    get_object_or_404(Product, line.sku)
    return cart.put(customer, line.sku, line.count)


@app.post("/customers/{customer}/orders", status_code=201)
def check_out(customer: str) -> Order:
    return cart.check_out(get_object_or_404(Cart, customer))


@app.get("/customers/{customer}/orders")
def list_orders(customer: str, pages: Pages) -> list[Order]:
    return pages.page(Order.objects.filter(customer=customer).reverse())
