"""The models of the examples about relations in the reference, and their items."""

from dynamodb_py import CharField, ForeignKey, GlobalIndex, ManyToManyField, Model, Table


class Author(Model):
    name = CharField(hash_key=True)


class Tag(Model):
    name = CharField(hash_key=True)


class Book(Model):
    title = CharField(hash_key=True)
    author = ForeignKey(Author, related_name="books")
    tags = ManyToManyField(Tag, through="BookTag", related_name="books")

    by_author = GlobalIndex(hash_key="author")


class BookTag(Model):
    book = ForeignKey(Book, hash_key=True)
    tag = ForeignKey(Tag, range_key=True)

    by_tag = GlobalIndex(hash_key="tag", range_key="book")


def fill() -> None:
    """Make the tables, with two books of ann, one of bob, and two tags."""
    for model in (Author, Tag, Book, BookTag):
        Table(model).create()
    ann, bob = Author.create(name="ann"), Author.create(name="bob")
    Tag.batch_write([Tag(name="crime"), Tag(name="love")])
    for title, author in {"Ashes": ann, "Bread": ann, "Clouds": bob}.items():
        Book.create(title=title, author=author).tags.add("crime")
