"""Looking sends nothing: the ``repr`` of everything that can read, and of the locals of each frame of an error."""

from __future__ import annotations

import asyncio
import pprint

import pytest

from dynamodb_py import (
    CharField,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    Manager,
    ManyToManyField,
    Model,
    SharedTable,
    Table,
    load,
    prefetch,
    transaction,
)
from dynamodb_py.exceptions import ServiceError, make_service_error


class Link(Model):
    owner = ForeignKey("Author", hash_key=True)
    other = ForeignKey("Author", range_key=True)


class Author(Model):
    id = CharField(hash_key=True)
    friends = ManyToManyField("Author", through=Link, through_fields=("owner", "other"))


class Book(Model):
    isbn = CharField(hash_key=True)
    pages = IntegerField(range_key=True)
    author = ForeignKey(Author, related_name="books")
    by_author = GlobalIndex(hash_key="author", range_key="pages")

    good = Manager()


class Shop(SharedTable):
    pk = CharField(hash_key=True)
    sk = CharField(range_key=True)


class Order(Model):
    class Meta:
        table = Shop
        keys = {"pk": "SHOP#{shop}", "sk": "ORDER#{number}"}

    shop = CharField()
    number = IntegerField()


ANN = Author(id="ann")
ROWS = Book.objects.filter(isbn="1")
READERS = {
    "query set": lambda: ROWS,
    "query set of everything": lambda: Book.objects.all(),
    "query set of nothing": lambda: ROWS.none(),
    "query set of a scan": lambda: Book.objects.filter(pages__gt=3).scan(4),
    "query set that only a scan could answer": lambda: Book.objects.filter(pages__gt=3),
    "query set by condition": lambda: Book.objects.filter(Book.pages > 3, isbn="1"),
    "query set of a key": lambda: Book.objects.filter(isbn="1", pages=3),
    "slice": lambda: ROWS[:3],
    "values": lambda: ROWS.values("pages"),
    "values_list": lambda: ROWS.values_list("pages", flat=True),
    "as_dicts": lambda: ROWS.as_dicts(),
    "union": lambda: ROWS.union(Book.objects.filter(isbn="2")),
    "with relations": lambda: ROWS.prefetch_related("author"),
    "manager": lambda: Book.objects,
    "manager of ones own": lambda: Book.good,
    "index": lambda: Book.by_author,
    "query set of an index": lambda: Book.by_author.filter(author="ann"),
    "related set": lambda: ANN.books,
    "query set of a related set": lambda: ANN.books.all(),
    "many-to-many set": lambda: ANN.friends,
    "rows of a many-to-many set": lambda: ANN.friends.rows(),
    "item that is referred to": lambda: Book(isbn="1", author=ANN),
    "item that is not read": lambda: Book(isbn="1", author="bob"),
    "iterator": lambda: ROWS.iterator(),
    "pages": lambda: ROWS.pages(),
    "collection": lambda: Shop.collection(shop="1"),
    "table": lambda: Table(Book),
    "batch": lambda: Book.batch_write(),
    "plan": lambda: ROWS.explain(),
}
LOOKS = {
    "repr": repr,
    "str": str,
    "format": "{0} {0!r}".format,
    "pprint": pprint.pformat,
    "in a list": lambda value: repr([value, {"a": value}]),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("under", ["no loop", "a loop"])
def test_looking_sends_nothing(script, reader, look, under):
    value = READERS[reader]()

    async def look_inside():
        return LOOKS[look](value)

    text = LOOKS[look](value) if under == "no loop" else asyncio.run(look_inside())
    assert text
    assert LOOKS[look](value) == text
    assert script.sent == []


def books(count):
    items = [
        {"isbn": {"S": "1"}, "pages": {"N": str(n)}, "author": {"S": "ann"}} for n in range(count)
    ]
    return {"Items": items, "Count": count, "ScannedCount": count}


@pytest.mark.parametrize("count", [0, 1, 20, 21])
def test_rows_that_are_there_are_shown(script, do, count):
    shown = min(count, 20)
    rows, author = ROWS.all(), Author(id="ann")
    script.answers = [books(count), books(count)]
    assert len(do.list(rows)) == count
    do(prefetch, [author], "books")
    for text in (repr(rows), repr(author.books), repr(author.books.all())):
        assert text.count("Book(isbn='1', pages=") == shown
        assert ("remaining elements truncated" in text) == (count > 20)
    assert len(script.sent) == 2
    assert "Book(" not in repr(ROWS.all())


def test_items_of_a_many_to_many_set_that_are_there_are_shown(script, do):
    links = [{"owner": {"S": "ann"}, "other": {"S": "bob"}}]
    bob = {"id": {"S": "bob"}}
    script.answers = [
        {"Items": links, "Count": 1, "ScannedCount": 1},
        {"Responses": {Author._meta.table_name: [bob]}},
    ]
    friends = ANN.friends.all()
    assert [each.id for each in do(friends.fetch)] == ["bob"]
    assert repr(friends) == "<Authors of Author(id='ann') by Link: [Author(id='bob')]>"
    assert [each.id for each in do.list(friends.all())] == ["bob"]
    assert len(script.sent) == 2


VERBS = {
    "get": (Book.get, ("1", 2), {}),
    "objects.get": (Book.objects.get, ("1", 2), {}),
    "get by lookups": (Book.objects.get, (), {"isbn": "1", "pages__gt": 1}),
    "get_or_none": (Book.objects.get_or_none, ("1", 2), {}),
    "get_or_create": (Book.objects.get_or_create, (), {"isbn": "1", "pages": 2}),
    "update_or_create": (Book.objects.update_or_create, (), {"isbn": "1", "pages": 2}),
    "create": (Book.objects.create, (), {"isbn": "1", "pages": 2}),
    "first": (ROWS.first, (), {}),
    "last": (ROWS.last, (), {}),
    "count": (ROWS.count, (), {}),
    "exists": (ROWS.exists, (), {}),
    "page": (ROWS.page, (), {}),
    "in_bulk": (Book.objects.in_bulk, ([("1", 2)],), {}),
    "batch_get": (Book.objects.batch_get, (("1", 2),), {}),
    "first of a union": (ROWS.union(ROWS).first, (), {}),
    "first of a scan": (Book.objects.scan(3).first, (), {}),
    "update": (ROWS.update, (), {"author": "bob"}),
    "update of one": (ROWS.filter(pages=1).update, (), {"author": "bob"}),
    "modify": (ROWS.filter(pages=1).modify, (), {"author": "bob"}),
    "delete": (ROWS.delete, (), {}),
    "delete, checked": (ROWS.delete, (), {"checked": True}),
    "bulk_create": (Book.objects.bulk_create, ([Book(isbn="1", pages=1)],), {}),
    "bulk_delete": (Book.objects.bulk_delete, ([("1", 2)],), {}),
    "batch_write": (Book.objects.batch_write, ([Book(isbn="1", pages=1)],), {}),
    "related count": (ANN.books.count, (), {}),
    "related create": (ANN.books.create, (), {"isbn": "1", "pages": 1}),
    "many-to-many fetch": (ANN.friends.fetch, (), {}),
    "many-to-many add": (ANN.friends.add, ("bob",), {}),
    "load": (load, ([Author(id="x")],), {}),
    "transaction.get": (transaction.get, ([(Author, "x")],), {}),
    "save": (Author(id="x").save, (), {}),
}


@pytest.mark.parametrize("verb", VERBS)
def test_looking_at_the_locals_of_an_error_sends_nothing(script, do, verb):
    function, arguments, named = VERBS[verb]
    script.answers = [make_service_error("AccessDeniedException", "no")]
    with pytest.raises(ServiceError) as caught:
        do(function, *arguments, **named)
    sent = len(script.sent)
    error, seen = caught.value, 0
    while error is not None:
        traceback = error.__traceback__
        while traceback is not None:
            seen += sum(bool(repr(value)) for value in list(traceback.tb_frame.f_locals.values()))
            traceback = traceback.tb_next
        error = error.__cause__ or error.__context__
    assert seen
    assert len(script.sent) == sent
