"""Change the table and its items while programs read and write them. Every deployment runs this; it takes effect once.

``python examples/schema_change/migrate.py`` runs it on the embedded database.
"""

from __future__ import annotations

import sys
from pathlib import Path

from customers import Customer

from dynamodb_py import CharField, Model, Table, migrations

FOLDER = Path(__file__).parent / "migrations"


class OldCustomer(Model):
    """The model before the change."""

    class Meta:
        table_name = "customers"

    id = CharField(hash_key=True)
    name = CharField()
    city = CharField()


def deploy() -> list[str]:
    """Run the pending migrations, and return their names. Another deployment at the same time waits for this one."""
    return [each.name for each in migrations.run(FOLDER, wait=60)]


def main() -> None:
    Table(OldCustomer).create()
    OldCustomer.create(id="1", name="Ann Miller", city="Bath")
    sys.stdout.write(f"{migrations.plan(FOLDER)}\n")
    sys.stdout.write(f"first deployment: {deploy()}\nsecond: {deploy()}\n")
    for each in Customer.by_city.filter(city="Bath"):
        sys.stdout.write(f"{each.last}, {each.first}\n")


if __name__ == "__main__":
    from dynamodb_py.testing import EmbeddedEngine

    with EmbeddedEngine():
        main()
