"""The shop of the tutorial: its own tests, and its models on each engine."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from teashop import cart
from teashop.models import MODELS, Cart, Order, Product

from dynamodb_py import Table

from ..eventually import eventually
from .loading import EXAMPLES


def test_its_own_tests_pass():
    pytest.importorskip("httpx2", reason="FastAPI's test client needs it, and Python 3.11")
    options = ["-q", "-n0", "-p", "no:cacheprovider", "-p", "pytest_dynamodb_py"]
    command = [sys.executable, "-m", "pytest", *options, "examples/teashop/test_shop.py"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=EXAMPLES.parent,
        env={**os.environ, "PYTHONPATH": str(EXAMPLES.parent), "PYTEST_ADDOPTS": ""},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\n9 passed" in done.stdout


@pytest.fixture
def stocked(engine):
    for model in MODELS:
        Table(model).create()
    Product.create(sku="assam", title="Assam", category="tea", price=900, stock=5)
    Product.create(sku="bancha", title="Bancha", category="tea", price=600, stock=1)


def test_teas_are_listed_by_price(stocked):
    teas = Product.objects.filter(category="tea")
    found = eventually(
        lambda: [each.sku for each in teas.all()],  # a query set keeps the rows that it has read
        lambda found: len(found) == 2,
    )
    assert found == ["bancha", "assam"]


def test_a_checkout_changes_all_or_nothing(stocked):
    cart.put("ann", "assam", 2)
    with pytest.raises(cart.SoldOut) as caught:
        cart.check_out(cart.put("ann", "bancha", 2))
    assert caught.value.args[0] == ["bancha"]
    assert Cart.get("ann").lines == {"assam": 2, "bancha": 2}
    cart.put("ann", "bancha", -1)
    order = cart.check_out(Cart.get("ann"))
    assert order.total == 2400
    assert [each.stock for each in Product.batch_get("assam", "bancha")] == [3, 0]
    assert Cart.get("ann") is None
    assert Order.objects.filter(customer="ann").get().lines == {"assam": 2, "bancha": 1}
