"""The services of ``examples/``, in FastAPI and in Flask, by the test clients of the frameworks."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from dynamodb_py import Table

from .loading import load_example

LINES = [{"sku": "tea", "price": "3.10"}, {"sku": "cup", "quantity": 2, "price": 7}]


@pytest.fixture
def orders(engine):
    """A client of the service in FastAPI."""
    pytest.importorskip("httpx2", reason="FastAPI's test client needs it, and Python 3.11")
    from fastapi.testclient import TestClient

    service = load_example("fastapi_service.py")
    Table(service.Order).create()
    with TestClient(service.app) as client:
        yield client


def place(orders, number, lines=LINES):
    return orders.post("/customers/ann/orders", json={"number": number, "lines": lines})


def test_an_order_is_placed_once_and_exact(orders):
    placed = place(orders, 1)
    assert placed.status_code == 201
    assert placed.headers["ETag"] == '"1"'
    assert place(orders, 1).status_code == 409
    shown = orders.get("/customers/ann/orders/1")
    assert shown.json() == placed.json()
    created = shown.json()["created"]
    assert shown.json() == {
        "customer": "ann",
        "number": 1,
        "status": "open",
        "lines": [
            {"sku": "tea", "quantity": 1, "price": "3.10"},
            {"sku": "cup", "quantity": 2, "price": "7.00"},
        ],
        "created": created,
        "version": 1,
    }
    assert orders.get("/customers/ann/orders/2").status_code == 404


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"number": 0, "lines": LINES}, {("number",): "value_error"}),
        ({"number": 1, "lines": []}, {("lines",): "value_error"}),
        ({"number": 1, "lines": [{"sku": "a"}]}, {("lines", 0, "price"): "missing"}),
        ({"lines": LINES}, {("number",): "missing"}),
        (
            {"number": 1, "lines": LINES, "version": 7, "status": "sent"},
            {("version",): "extra_forbidden", ("status",): "extra_forbidden"},
        ),
        (
            {
                "number": 1,
                "lines": [{"sku": "a", "price": "1.005"}, {"sku": "a", "price": 1, "x": 2}],
            },
            {("lines", 0, "price"): "value_error", ("lines", 1, "x"): "extra_forbidden"},
        ),
    ],
)
def test_what_is_wrong_with_an_order_is_422_with_paths(orders, body, wrong):
    refused = orders.post("/customers/ann/orders", json=body)
    assert refused.status_code == 422
    found = {tuple(each["loc"]): each["type"] for each in refused.json()["detail"]}
    assert found == {("body", *path): kind for path, kind in wrong.items()}


def test_an_order_is_changed_by_who_has_read_it(orders):
    tag = place(orders, 1).headers["ETag"]
    path = "/customers/ann/orders/1"
    assert orders.patch(path, json={"status": "sent"}).status_code == 428
    changed = orders.patch(path, json={"status": "sent"}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["status"]) == (200, "sent")
    assert changed.json()["lines"] == orders.get(path).json()["lines"]
    again = orders.patch(path, json={"status": "cancelled"}, headers={"If-Match": tag})
    assert again.status_code == 412
    both = f"{tag}, {changed.headers['ETag']}"
    wrong = orders.patch(path, json={"status": "lost"}, headers={"If-Match": both})
    assert wrong.json()["detail"][0]["loc"] == ["body", "status"]


def test_orders_come_in_pages(orders):
    for number in range(1, 8):
        place(orders, number)
    url, seen = "/customers/ann/orders?size=3", []
    while url:
        page = orders.get(url)
        seen.append([each["number"] for each in page.json()])
        url = page.links.get("next", {}).get("url")
    assert seen == [[7, 6, 5], [4, 3, 2], [1]]
    back = orders.get(page.links["prev"]["url"])
    assert [each["number"] for each in back.json()] == [4, 3, 2]
    assert orders.get("/customers/ann/orders?size=1000").status_code == 422
    altered = orders.get("/customers/ann/orders?cursor=abc")
    assert (altered.status_code, altered.json()["detail"][0]["loc"]) == (422, ["query", "cursor"])


def test_the_documentation_of_the_service_knows_the_models(orders):
    schema = orders.get("/openapi.json").json()
    assert {"NewOrder", "OrderPatch", "Order"} <= {
        name.partition("-")[0] for name in schema["components"]["schemas"]
    }


@pytest.fixture
def notes(engine):
    """A client of the service in Flask."""
    service = load_example("flask_service.py")
    service.app.testing = True
    Table(service.Note).create()
    with service.app.test_client() as client:
        yield client


def test_a_note_is_added_shown_changed_and_removed(notes):
    added = notes.post("/ann/notes", json={"text": "one", "tags": ["b", "a"]})
    assert added.status_code == 201
    path = f"/ann/notes/{added.json['id']}"
    shown = notes.get(path)
    assert shown.json == added.json
    assert (shown.json["tags"], shown.headers["ETag"]) == (["a", "b"], '"1"')
    tag = {"If-Match": shown.headers["ETag"]}
    changed = notes.patch(path, json={"text": "two"}, headers=tag)
    assert (changed.json["text"], changed.headers["ETag"]) == ("two", '"2"')
    assert notes.patch(path, json={"text": "three"}, headers=tag).status_code == 412
    assert notes.patch(path, json={"text": "three"}).status_code == 428
    assert notes.delete(path).status_code == 204
    assert notes.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {("text",): "missing"}),
        ({"text": "a", "nope": 1}, {("nope",): "extra_forbidden"}),
        ({"text": "a" * 1001, "tags": "x"}, {("text",): "value_error", ("tags",): "value_error"}),
    ],
)
def test_what_is_wrong_with_a_note_is_422_with_paths(notes, body, wrong):
    refused = notes.post("/ann/notes", json=body)
    assert refused.status_code == 422
    found = {tuple(each["loc"]): each["type"] for each in refused.json["detail"]}
    assert found == {("body", *path): kind for path, kind in wrong.items()}


def test_wrong_changes_of_a_note_are_422_with_paths(notes):
    path = f"/ann/notes/{notes.post('/ann/notes', json={'text': 'one'}).json['id']}"
    refused = notes.patch(path, json={"text": None, "version": 3}, headers={"If-Match": "*"})
    assert refused.status_code == 422
    assert [each["loc"] for each in refused.json["detail"]] == [
        ["body", "text"],
        ["body", "version"],
    ]


def test_notes_come_in_pages(notes):
    for text in "abcde":
        notes.post("/ann/notes", json={"text": text})
    url, seen = "/ann/notes?size=2", []
    while url:
        page = notes.get(url)
        seen.append("".join(each["text"] for each in page.json))
        links = {
            part.partition("; rel=")[2].strip('"'): part.partition(">")[0].strip("< ")
            for part in page.headers.get("Link", "").split(",")
        }
        url = "?".join(urlsplit(links["next"])[2:4]) if "next" in links else None
    assert seen == ["ab", "cd", "e"]
    assert notes.get("/ann/notes?size=x").status_code == 400
    assert notes.get("/ann/notes?cursor=abc").status_code == 422
