"""What FastAPI and Flask get from the package, by their test clients."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any

import pytest

from dynamodb_py import (
    CharField,
    ConfigurationError,
    IntegerField,
    Model,
    Table,
    VersionField,
    connect,
    get_connection,
    options,
)
from dynamodb_py.contrib.pydantic import pydantic_model
from dynamodb_py.testing import EmbeddedEngine

TENANTS = ("north", "south")


class Item(Model):
    """A thing."""

    id = CharField(hash_key=True)
    count = IntegerField(default=0, max_value=9)
    version = VersionField()


def make_fastapi_client():
    from fastapi import Body, Depends, FastAPI, Header, Response
    from fastapi.testclient import TestClient

    from dynamodb_py.contrib import fastapi as ours

    async def choose(x_tenant: Annotated[str | None, Header()] = None) -> str:
        return x_tenant or "default"

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        for alias in ("default", *TENANTS):
            with suppress(ConfigurationError):  # most tests have no tenants
                await get_connection(alias).aclose()

    app = FastAPI(dependencies=[Depends(ours.use_connection(choose))], lifespan=lifespan)
    ours.add_error_handlers(app)

    @app.get("/items/{key}")
    def show(key: str) -> Item:
        return ours.get_object_or_404(Item, key)

    @app.get("/async/{key}")
    async def ashow(key: str) -> Item:
        return await ours.aget_object_or_404(Item.objects.filter(count__lt=5), id=key)

    @app.get("/items")
    def show_all(pager: Annotated[Any, Depends(ours.make_pager(2, most=3))]) -> list[Item]:
        return pager.page(Item.objects.all())

    @app.post("/items")
    async def add(item: Annotated[Item, Body()]) -> Item:
        return await item.asave(force_insert=True)

    @app.put("/items/{key}")
    async def put(
        key: str, count: int, match: Annotated[ours.IfMatch, Depends()], response: Response
    ) -> Item:
        item = await ours.aget_object_or_404(Item, key)
        match.check(item)
        await Item.objects.filter(id=key).aupdate(count=count - 1)  # somebody else
        item.count = count
        return await item.asave()

    @app.get("/public", response_model=list[pydantic_model(Item, include=["count"], name="Count")])
    async def show_public() -> Any:
        return [item async for item in Item.objects.all()]

    @app.get("/fault")
    async def fault() -> Item:
        return await Item.objects.filter(count=1).aget()

    return TestClient(app, raise_server_exceptions=False)


def make_flask_client():
    from flask import Flask, request

    from dynamodb_py.contrib import flask as ours

    app = Flask(__name__)
    ours.add_error_handlers(app)
    ours.use_connection(app, lambda: request.headers.get("X-Tenant", "default"))

    @app.get("/items/<key>")
    def show(key):
        return ours.get_object_or_404(Item, key).to_dict(mode="json")

    @app.get("/async/<key>")
    def show_some(key):
        return ours.get_object_or_404(Item.objects.filter(count__lt=5), id=key).to_dict(mode="json")

    @app.get("/items")
    def show_all():
        return [each.to_dict(mode="json") for each in ours.get_page(Item.objects.all(), 2, most=3)]

    @app.post("/items")
    def add():
        item = Item.from_json(request.get_data(), strict=True)
        return item.save(force_insert=True).to_dict(mode="json")

    @app.put("/items/<key>")
    def put(key):
        item = ours.get_object_or_404(Item, key)
        ours.check_if_match(item)
        item.count = int(request.args["count"])
        Item.objects.filter(id=key).update(count=item.count - 1)  # somebody else
        return item.save().to_dict(mode="json")

    @app.get("/public")
    def show_public():
        made = pydantic_model(Item, include=["count"])
        return [made.model_validate(each).model_dump() for each in Item.objects.all()]

    @app.get("/fault")
    def fault():
        return Item.objects.filter(count=1).get().to_dict()

    return Adapted(app.test_client())


class Adapted:
    """Flask's client in the manner of FastAPI's."""

    def __init__(self, client):
        self.client = client

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __getattr__(self, verb):
        def send(*args, **kwargs):
            response = getattr(self.client, verb)(*args, **kwargs)
            response.__class__ = type(
                "Response", (response.__class__,), {"json": lambda r: r.get_json()}
            )
            return response

        return send


MAKERS = {"flask": make_flask_client, "fastapi": make_fastapi_client}


@pytest.fixture(params=["flask", "fastapi"])
def client(request):
    if request.param == "fastapi":
        pytest.importorskip("httpx2", reason="FastAPI's test client needs it, and Python 3.11")
    with MAKERS[request.param]() as client:
        yield client


@pytest.fixture
def database():
    """The embedded database, with faults to order."""
    with EmbeddedEngine() as engine:
        engine.create_tables(Item)
        yield engine


def test_one_object_is_found_or_is_404(engine, client):
    Table(Item).create()
    Item.create(id="a", count=7)
    expected = {"id": "a", "count": 7, "version": 1}
    assert client.get("/items/a").json() == expected
    assert client.get("/items/b").status_code == 404
    assert client.get("/async/a").status_code == 404


def test_a_model_is_a_body(engine, client):
    Table(Item).create()
    assert client.post("/items", json={"id": "a"}).json() == {"id": "a", "count": 0, "version": 1}
    assert client.post("/items", json={"id": "a"}).status_code == 409
    refused = client.post("/items", json={"count": 10, "x": 1})
    assert refused.status_code == 422
    found = {tuple(each["loc"]): each["type"] for each in refused.json()["detail"]}
    assert found == {
        ("body", "x"): "extra_forbidden",
        ("body", "id"): "missing",
        ("body", "count"): "value_error",
    }


def test_a_write_between_the_check_and_the_save_is_found(engine, client):
    Table(Item).create()
    Item.create(id="a")
    late = client.put("/items/a?count=5", headers={"If-Match": '"1"'})
    assert (late.status_code, late.json()["detail"]) == (412, "somebody else changed it meanwhile")
    assert client.put("/items/a?count=5").status_code == 409
    assert client.put("/items/a?count=5", headers={"If-Match": '"1"'}).status_code == 412
    assert Item.get("a").count == 4


def test_pages_have_links_and_a_most(engine, client):
    Table(Item).create()
    Item.batch_write([{"id": str(n)} for n in range(3)])
    page = client.get("/items?tag=a&tag=b")
    assert len(page.json()) == 2
    assert "tag=a&tag=b" in page.headers["Link"]
    assert "cursor=" in page.headers["Link"]
    assert 'rel="next"' in page.headers["Link"]
    assert "size=3" not in page.headers["Link"]
    whole = client.get("/items?size=3")
    assert len(whole.json()) == 3
    assert "Link" not in whole.headers
    for size in (0, 4, "x", "9" * 5000):
        assert client.get(f"/items?size={size}").status_code in (400, 422)
    assert client.get("/items?cursor=x").json()["detail"][0]["loc"] == ["query", "cursor"]


def test_a_response_has_the_fields_that_its_model_names(engine, client):
    Table(Item).create()
    Item.create(id="a", count=7)
    assert client.get("/public").json() == [{"count": 7}]


def test_throttling_is_503_with_retry_after(database, client):
    connect("default", retries=1)
    with database.faults.throttle("GetItem"):
        busy = client.get("/items/a")
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "1")


def test_a_fault_of_the_program_is_500(database, client):
    assert client.get("/fault").status_code == 500


def test_each_request_has_the_connection_of_its_tenant(engine, client):
    for tenant in TENANTS:
        connect(
            engine.address, alias=tenant, **engine.access, table_prefix=f"{engine.prefix}{tenant}-"
        )
        Table(Item, using=tenant).create()
    for tenant, count in (("north", 1), ("south", 2)):
        sent = client.post("/items", json={"id": "a", "count": count}, headers={"X-Tenant": tenant})
        assert sent.status_code == 200
    for tenant, count in (("south", 2), ("north", 1)):
        for path in ("/items/a", "/async/a"):
            assert client.get(path, headers={"X-Tenant": tenant}).json()["count"] == count
    with options(using="north"):
        assert Item.get("a").count == 1
    for tenant in TENANTS:
        get_connection(tenant).close()
