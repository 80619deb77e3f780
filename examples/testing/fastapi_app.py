"""A small shop in FastAPI, with the verbs for asyncio."""

from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from models import Order

from dynamodb_py import connect


@asynccontextmanager
async def lifespan(app):
    connection = connect(region_name="eu-west-1")
    yield
    await connection.aclose()


app = FastAPI(lifespan=lifespan)


@app.get("/orders/{key}")
async def show(key: str):
    order = await Order.objects.aget_or_none(id=key)
    if order is None:
        raise HTTPException(404)
    return {"id": order.id, "total": order.total, "status": order.status}


@app.get("/orders")
async def list_by_status(status: str):
    return [order.id async for order in Order.by_status.filter(status=status)]


@app.post("/orders/{key}/send", status_code=204)
async def send(key: str):
    await Order(id=key).aupdate(status="sent", condition=Order.status == "open")
