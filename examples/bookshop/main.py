"""A day in the bookshop, with four tables and then with one.

It runs on the embedded database, in this process, and needs no AWS account: ``python examples/bookshop/main.py``.
"""

from __future__ import annotations

import sys
from typing import Any

import shop
import single
import tables
from documents import Address

from dynamodb_py import connect


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")


def day(models: Any) -> None:
    """Open the shop, sell some books, and close it."""
    shop.open_shop(models)
    authors = [
        models.Author(author_id="austen", name="Jane Austen"),
        models.Author(author_id="eliot", name="George Eliot"),
    ]
    titles = [
        ("1", "Emma", "austen", 900),
        ("2", "Persuasion", "austen", 800),
        ("3", "Middlemarch", "eliot", 1200),
    ]
    by_id = {author.author_id: author for author in authors}
    books = [
        models.Book(isbn=isbn, title=title, genre="novel", price=price, stock=2, author=by_id[who])
        for isbn, title, who, price in titles
    ]
    shop.stock_up(models, authors, books)
    for title, name in shop.shelf(models, "novel"):
        say(f"  on the shelf: {title} by {name}")
    say(f"  by Jane Austen: {', '.join(shop.bibliography(models, 'austen'))}")

    home = Address(name="Ann", street="1 High Street", city="Bath", country="GB")
    shop.sign_up(models, "ann", "Ann", home)
    shop.order(models, "ann", {"1": 1, "3": 2})
    shop.order(models, "ann", {"2": 1})
    try:
        shop.order(models, "ann", {"3": 1})
    except shop.SoldOut as error:
        say(f"  refused: {error}")
    shop.redirect(models, "ann", 1, "London")
    shop.cancel(models, "ann", 2)
    shop.send(models, "ann", 1)
    say("  " + shop.statement(models, "ann").replace("\n", "\n  "))
    shop.close_shop(models)


def main() -> None:
    """Run the day twice, on the default connection."""
    connect(region_name="us-east-1")
    for models in (tables, single):
        say(f"{models.__name__}:")
        day(models)


if __name__ == "__main__":
    from dynamodb_py.testing import EmbeddedEngine

    with EmbeddedEngine():
        main()
