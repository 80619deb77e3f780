from __future__ import annotations

from typing_extensions import assert_type

from dynamodb_py import CharField, Document, GlobalIndex, IntegerField, ListField, Model, QuerySet
from dynamodb_py.expressions import Condition
from dynamodb_py.models.foreign_keys.field import ForeignKey, OneToOneField
from dynamodb_py.models.foreign_keys.on_delete import CASCADE
from dynamodb_py.models.maintenance.denormalized import CopiesReport, refresh_copies
from dynamodb_py.models.queryset.prefetch.levels import aprefetch, prefetch
from dynamodb_py.models.queryset.prefetch.wants import Dangling
from dynamodb_py.models.relations.many_set import ManySet
from dynamodb_py.models.relations.many_to_many import ManyToManyField
from dynamodb_py.models.relations.reverse import RelatedSet


class Tag(Model):
    word = CharField(hash_key=True)


class Author(Model):
    id = CharField(hash_key=True)
    name = CharField(required=True)
    books: RelatedSet[Book]
    profile: Profile


class Book(Model):
    isbn = CharField(hash_key=True)
    author = ForeignKey(Author, related_name="books", required=True, on_delete=CASCADE)
    editor = ForeignKey(Author)
    sequel: ForeignKey[Book, Book | None] = ForeignKey("self")
    readers: ListField[Author, list[Author]] = ListField(ForeignKey(Author), required=True)
    tags = ManyToManyField(Tag, through="BookTag")
    by_author = GlobalIndex(hash_key="author")
    author_id: str


class Profile(Model):
    author = OneToOneField(Author, hash_key=True, related_name="profile")


class Line(Document):
    product = ForeignKey(Book, required=True)
    qty = IntegerField(default=1)


class Order(Model):
    id = CharField(hash_key=True)
    lines = ListField(Line, required=True)


author, book, order = Author(id="a"), Book(isbn="b"), Order(id="o")

# The item, not its key.
assert_type(book.author, Author)
assert_type(book.editor, "Author | None")
assert_type(book.sequel, "Book | None")
assert_type(book.author.name, str)
assert_type(book.author_id, str)
assert_type(book.readers[0].name, str)
assert_type(Profile(author=author).author, Author)
assert_type(order.lines[0].product, Book)
assert_type(order.lines[0].qty, int)
book.author = author
book.author = "ann"
book.editor = None
book.author = order  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
book.author = None  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]

# Conditions of instances and of keys.
assert_type(Book.author == author, Condition)
assert_type(Book.author == "ann", Condition)
assert_type(Book.editor != None, Condition)  # noqa: E711
assert_type(Book.author.is_in([author, "ann"]), Condition)

# The way back.
assert_type(author.books, RelatedSet[Book])
assert_type(author.books.filter(isbn="b"), QuerySet[Book])
assert_type(author.books.all(), QuerySet[Book])
assert_type(author.books.get(isbn="b"), Book)
assert_type(author.books.create(isbn="c"), Book)
assert_type(author.books.get_or_create(isbn="c"), tuple[Book, bool])
assert_type(author.books.update_or_create({"isbn": "c"}, isbn="c"), tuple[Book, bool])
assert_type(author.books.contains(book), bool)
assert_type(author.books.count(), int)
author.books.add(book)
author.books.add(order)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
author.books.set([book])
assert_type(author.profile, Profile)
for each in author.books:
    assert_type(each, Book)

# Many to many.
assert_type(book.tags, ManySet[Tag])
assert_type(book.tags.fetch(), list[Tag])
assert_type(book.tags.create(word="w"), Tag)
book.tags.add(Tag(word="w"), "x")
for tag in book.tags:
    assert_type(tag, Tag)

assert_type(Book.objects.prefetch_related("author", "tags"), QuerySet[Book])
assert_type(prefetch([book], "author"), list[Dangling])
assert_type(refresh_copies(Book), CopiesReport)
assert_type(author.fetch(), Author)


async def awaited() -> None:
    assert_type(await author.afetch(), Author)
    assert_type(await book.author.afetch(), Author)
    assert_type(await author.books.acreate(isbn="c"), Book)
    assert_type(await aprefetch([book], "author"), list[Dangling])
    assert_type(await book.tags.afetch(), list[Tag])
    async for each in author.books:
        assert_type(each, Book)
