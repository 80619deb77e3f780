"""An instance stays with the connection that it was read from, at every depth."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest

from dynamodb_py import (
    CharField,
    ConditionFailed,
    Document,
    EmbeddedField,
    ForeignKey,
    GlobalIndex,
    ListField,
    ManyToManyField,
    MapField,
    Model,
    SetField,
    connect,
    connections,
    options,
    transaction,
)


class Author(Model):
    id = CharField(hash_key=True)
    name = CharField()


class Part(Document):
    author = ForeignKey(Author)
    others = ListField(Author)


class Chapter(Document):
    part = EmbeddedField(Part)


class Book(Model):
    id = CharField(hash_key=True)
    title = CharField()
    author = ForeignKey(Author, related_name="books")
    listed = ListField(Author)
    grouped = SetField(Author)
    named = MapField({"first": ForeignKey(Author)})
    nested = ListField(ListField(Author))
    parts = ListField(Part)
    chapter = EmbeddedField(Chapter)
    by_author = GlobalIndex(hash_key="author")
    tags = ManyToManyField("Tag", through="BookTag", related_name="books")


class Tag(Model):
    word = CharField(hash_key=True)


class BookTag(Model):
    book = ForeignKey(Book, hash_key=True)
    tag = ForeignKey(Tag, range_key=True)
    by_tag = GlobalIndex(hash_key="tag", range_key="book", projection="keys")


class Own(Model):
    class Meta:
        using = "own"

    id = CharField(hash_key=True)
    author = ForeignKey(Author)


A: dict[str, Any] = {"S": "a"}
PART: dict[str, Any] = {"M": {"author": A, "others": {"L": [A]}}}
ITEM: dict[str, Any] = {
    "id": A,
    "word": A,
    "title": A,
    "name": A,
    "author": A,
    "book": A,
    "tag": A,
    "listed": {"L": [A]},
    "grouped": {"SS": ["a"]},
    "named": {"M": {"first": A}},
    "nested": {"L": [{"L": [A]}]},
    "parts": {"L": [PART]},
    "chapter": {"M": {"part": PART}},
}


class Recorder:
    """Answers every request with the same item, and records the alias that it went to."""

    def __init__(self, alias: str, log: list[str]) -> None:
        self.alias, self.log = alias, log

    def send(self, operation: Any) -> bytes:
        self.log.append(self.alias)
        payload = msgspec.json.decode(msgspec.json.encode(operation.payload()))
        answer: dict[str, Any] = {}
        if operation.api == "GetItem":
            answer = {"Item": ITEM}
        elif operation.api in ("Query", "Scan"):
            answer = {"Items": [ITEM], "Count": 1, "ScannedCount": 1}
        elif operation.api == "BatchGetItem":
            answer = {"Responses": {name: [ITEM] for name in payload["RequestItems"]}}
        elif operation.api == "TransactGetItems":
            answer = {"Responses": [{"Item": ITEM} for _ in payload["TransactItems"]]}
        elif operation.api == "UpdateItem":
            answer = {"Attributes": ITEM}
        return msgspec.json.encode(answer)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def log(monkeypatch):
    """Return the aliases of the requests, in order."""
    monkeypatch.setattr(connections, "_connections", {})
    found: list[str] = []
    for alias in ("default", "eu", "us", "own"):
        connect(alias, region_name="x").transport = Recorder(alias, found)
    return found


def using_block(alias):
    return contextlib.nullcontext() if alias is None else options(using=alias)


READS = {
    "get": lambda: Book.get("a"),
    "get_one": lambda: Book.objects.get("a"),
    "first": lambda: Book.objects.filter(id="a").first(),
    "loop": lambda: next(iter(Book.objects.filter(id="a"))),
    "last": lambda: Book.objects.filter(id="a").last(),
    "full": lambda: next(iter(Book.objects.filter(author="a").full())),
    "index": lambda: next(iter(Book.objects.filter(author="a"))),
    "only": lambda: next(iter(Book.objects.filter(id="a").only("title", "listed", "parts"))),
    "scan": lambda: next(iter(Book.objects.scan())),
    "slice": lambda: Book.objects.filter(id="a")[0],
    "page": lambda: Book.objects.filter(id="a").page(1).items[0],
    "batch_get": lambda: Book.batch_get("a")[0],
    "in_bulk": lambda: Book.objects.in_bulk(["a"])["a"],
    "snapshot": lambda: transaction.get([(Book, "a")])[0],
    "prefetched": lambda: next(iter(Book.objects.filter(id="a").prefetch_related("author"))),
    "created": lambda: Book.create(id="a", title="x", author="a"),
    "saved": lambda: Book(id="a", title="x", author="a").save(),
    "updated": lambda: Book(id="a").update(title="x"),
    "refreshed": lambda: _refreshed(Book(id="a")),
}


def _refreshed(book):
    book.refresh_from_db()
    return book


def _save(book):
    book.title = "other"
    book.save()


VERBS = {
    "save": _save,
    "update": lambda book: book.update(title="b"),
    "refresh": lambda book: book.refresh_from_db(),
    "delete": lambda book: book.delete(),
    "reference": lambda book: book.author.name,
    "related": lambda book: list(book.author.books),
    "tags": lambda book: list(book.tags),
    "tag": lambda book: book.tags.add("b"),
    "transaction.get": lambda book: transaction.get([book]),
}


@pytest.mark.parametrize("there", [None, "us"])
@pytest.mark.parametrize("here", [None, "eu"])
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("read", READS)
def test_every_verb_goes_where_the_instance_was_read(log, read, verb, here, there):
    with using_block(here):
        book = READS[read]()
        if read in ("created", "saved", "updated", "only", "index"):
            book.refresh_from_db()
    with using_block(there):
        VERBS[verb](book)
    assert log
    assert set(log) == {here or "default"}


DEPTHS = {
    "list": lambda book: book.listed[0],
    "set": lambda book: next(iter(book.grouped)),
    "map": lambda book: book.named["first"],
    "nested list": lambda book: book.nested[0][0],
    "document": lambda book: book.parts[0].others[0],
    "nested document": lambda book: book.chapter.part.others[0],
}


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("there", [None, "us"])
@pytest.mark.parametrize("here", [None, "eu"])
@pytest.mark.parametrize("where", DEPTHS)
def test_references_at_every_depth_go_where_the_item_was_read(log, where, here, there, explicit):
    if explicit:
        book = Book.objects.using(here or "default").get("a")
    else:
        with using_block(here):
            book = Book.get("a")
    with using_block(there):
        author = DEPTHS[where](book)
        author.fetch()
        author.update(name="b")
        author.delete()
    assert len(log) == 4
    assert set(log) == {here or "default"}
    assert not book.is_changed


@pytest.mark.parametrize("there", [None, "us"])
@pytest.mark.parametrize("here", [None, "eu"])
@pytest.mark.parametrize("inside", [lambda b: b.parts[0], lambda b: b.chapter.part], ids=range(2))
def test_a_reference_of_a_document_is_fetched_where_the_item_was_read(log, inside, here, there):
    with using_block(here):
        book = Book.get("a")
    with using_block(there):
        assert inside(book).author.name == "a"
    assert set(log) == {here or "default"}


@pytest.mark.parametrize(
    "rows",
    [
        lambda q: q.values("listed"),
        lambda q: q.values_list("listed", flat=True),
        lambda q: q.values_list("parts__0__others", flat=True),
    ],
    ids=range(3),
)
def test_references_in_rows_keep_the_connection(log, rows):
    with options(using="eu"):
        [row] = list(rows(Book.objects.filter(id="a")))
    [author] = row["listed"] if isinstance(row, dict) else row
    author.fetch()
    assert set(log) == {"eu"}


QUERY_SETS = {
    "filter": lambda: Book.objects.filter(id="a"),
    "all": lambda: Book.objects.scan(),
    "chain": lambda: Book.objects.filter(id="a").only("title"),
    "related": lambda: Author("a").books.all(),
}


@pytest.mark.parametrize("there", [None, "us"])
@pytest.mark.parametrize("which", QUERY_SETS)
def test_a_query_set_keeps_the_connection_of_the_block_that_made_it(log, which, there):
    with options(using="eu"):
        rows = QUERY_SETS[which]()
    with using_block(there):
        for row in rows:
            row.update(title="b")
    assert len(log) == 2
    assert set(log) == {"eu"}


def test_a_manager_that_was_first_used_in_a_block_does_not_keep_its_connection(log):
    class Fresh(Model):
        id = CharField(hash_key=True)

    with options(using="eu"):
        Fresh.objects.filter(id="a").first()
    Fresh.objects.filter(id="a").first()
    Fresh.objects.get("a")
    assert log == ["eu", "default", "default"]


@pytest.mark.parametrize("there", [None, "us"])
def test_the_connection_of_a_model_goes_before_that_of_a_block(log, there):
    with options(using="eu"):
        own = Own.get("a")
    with using_block(there):
        own.update(author="b")
        assert log == ["own", "own"]
        own.author.fetch()
    assert log[2:] == ["eu"]


def test_an_instance_that_a_transaction_saves_keeps_the_connection(log):
    with transaction.atomic(), options(using="eu"):
        book = Book(id="a", title="x").save()
    book.update(title="b")
    assert log == ["eu", "eu"]


def test_a_deleted_instance_stays_with_its_connection(log):
    book = Book.get("a")
    with options(using="eu"):
        book.delete()
        book.save()
    assert set(log) == {"default"}


def test_the_item_that_stood_in_the_way_keeps_the_connection(log, monkeypatch):
    error = ConditionFailed("no")
    error.current = ITEM
    sent = Recorder.send

    def refuse(self, operation):
        if operation.api == "PutItem":
            raise error
        return sent(self, operation)

    monkeypatch.setattr(Recorder, "send", refuse)
    with options(using="eu"), pytest.raises(ConditionFailed):
        Book(id="a").save(condition=Book.title == "b")
    error.current.update(title="b")
    assert set(log) == {"eu"}


@pytest.mark.parametrize("verb", ["save", "update", "delete", "refresh_from_db"])
@pytest.mark.parametrize("alias", ["eu", None])
def test_an_instance_of_from_db_belongs_to_the_block_that_made_it(log, verb, alias):
    with options(using=alias):
        book = Book.from_db(ITEM)
        book.title = "b"
    with options(using="own"):
        getattr(book, verb)(**({"title": "c"} if verb == "update" else {}))
    assert set(log) == {alias or "default"}
