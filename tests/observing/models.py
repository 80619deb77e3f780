"""The models of these tests."""

from __future__ import annotations

from dynamodb_py import CharField, ForeignKey, GlobalIndex, IntegerField, Model


class Author(Model):
    class Meta:
        table_name = "authors"

    name = CharField(hash_key=True)


class Book(Model):
    class Meta:
        table_name = "books"
        indexes = (GlobalIndex("by_author", hash_key="author", range_key="year"),)

    isbn = CharField(hash_key=True)
    author = ForeignKey(Author, required=True, related_name="books")
    year = IntegerField(required=True)
