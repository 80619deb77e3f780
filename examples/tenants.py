"""Tenants with their own tables and the same models: each request uses its tenant's connection.

Here, tenants differ by the prefix of their tables. They can also differ by credentials, region or endpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dynamodb_py import CharField, IntegerField, Model, Table, connect, options


class Invoice(Model):
    class Meta:
        table_name = "invoices"

    number = IntegerField(hash_key=True)
    customer = CharField(required=True)
    cents = IntegerField(required=True)


def add_tenant(name: str, address: str | None = None, **settings: Any) -> None:
    """Define the connection of a tenant, and create the tables that are missing.

    The address and the settings are arguments of ``connect()``.
    """
    connect(address, alias=name, **{"table_prefix": f"{name}-", **settings})
    Table(Invoice, using=name).create(if_not_exists=True)


@contextmanager
def on_behalf_of(tenant: str) -> Iterator[None]:
    """Make the block use the tenant's tables, only in this thread or task.

    ``contrib.fastapi.use_connection`` and ``contrib.flask.use_connection`` do the same for a request.
    """
    with options(using=tenant):
        yield


def bill(tenant: str, number: int, customer: str, cents: int) -> Invoice:
    with on_behalf_of(tenant):
        return Invoice.create(number=number, customer=customer, cents=cents)


def total(tenant: str) -> int:
    with on_behalf_of(tenant):
        return sum(each.cents for each in Invoice.objects.only("cents"))


def move(number: int, source: str, target: str) -> None:
    """Move an invoice to another tenant."""
    invoice = Invoice.objects.using(source).get(number=number)
    invoice.save(using=target)
    Invoice.objects.using(source).filter(number=number).delete()
