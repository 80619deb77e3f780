"""References on the engines: what is read and written for them, and by how many requests."""

from __future__ import annotations

import logging
import time
from uuid import uuid4

import pytest

from dynamodb_py import (
    CharField,
    Document,
    DoesNotExist,
    EmbeddedField,
    FieldNotLoaded,
    GlobalIndex,
    IntegerField,
    ListField,
    Model,
    QueryError,
    SetField,
    options,
    transaction,
)
from dynamodb_py.cli import main
from dynamodb_py.exceptions import ProtectedError
from dynamodb_py.models.foreign_keys.field import ForeignKey, OneToOneField
from dynamodb_py.models.foreign_keys.on_delete import CASCADE, NULLIFY, PROTECT
from dynamodb_py.models.maintenance.denormalized import refresh_copies
from dynamodb_py.models.queryset.prefetch.levels import prefetch
from dynamodb_py.models.relations.many_to_many import ManyToManyField
from dynamodb_py.models.relations.reverse import RelatedSet

from ..eventually import eventually


class Country(Model):
    class Meta:
        table_name = "rel-countries"

    code = CharField(hash_key=True)


class Publisher(Model):
    class Meta:
        table_name = "rel-publishers"

    id = CharField(hash_key=True)
    country = ForeignKey(Country)


class Author(Model):
    class Meta:
        table_name = "rel-authors"

    id = CharField(hash_key=True)
    name = CharField()
    publisher = ForeignKey(Publisher)
    tags = ManyToManyField("Tag", through="AuthorTag", related_name="authors")
    books: RelatedSet[Book]
    profile: Profile


class Book(Model):
    class Meta:
        table_name = "rel-books"

    isbn = CharField(hash_key=True)
    shelf = IntegerField(range_key=True)
    title = CharField()
    author = ForeignKey(Author, related_name="books", denormalize=["name"])
    by_author = GlobalIndex(hash_key="author")
    tags = ManyToManyField("Tag", through="BookTag", related_name="books")


class Tag(Model):
    class Meta:
        table_name = "rel-tags"

    word = CharField(hash_key=True)


class BookTag(Model):
    class Meta:
        table_name = "rel-book-tags"

    id = CharField(hash_key=True, default=lambda: fresh())
    tag = ForeignKey(Tag, required=True)
    book = ForeignKey(Book, required=True)
    by_tag = GlobalIndex(hash_key="tag")
    by_book = GlobalIndex(hash_key="book_isbn", range_key="book_shelf")


class AuthorTag(Model):
    class Meta:
        table_name = "rel-author-tags"

    author = ForeignKey(Author, hash_key=True)
    tag = ForeignKey(Tag, range_key=True)
    note = CharField()
    by_tag = GlobalIndex(hash_key="tag", projection="keys")


class Profile(Model):
    class Meta:
        table_name = "rel-profiles"

    author = OneToOneField(Author, hash_key=True, related_name="profile")
    text = CharField()


class Line(Document):
    product = ForeignKey(Book)
    qty = IntegerField(default=1)


class Order(Model):
    class Meta:
        table_name = "rel-orders"

    id = CharField(hash_key=True)
    lines = ListField(EmbeddedField(Line))
    watched = ListField(ForeignKey(Author))
    liked = SetField(ForeignKey(Author))
    pets = ListField(ForeignKey("Animal"))


class Animal(Model):
    class Meta:
        table_name = "rel-animals"
        discriminator = "kind"

    id = CharField(hash_key=True)
    owner = ForeignKey(Author, related_name="pets")
    friend = ForeignKey("self")
    by_owner = GlobalIndex(hash_key="owner")


class Dog(Animal):
    bark = CharField()


class Herd(Model):
    class Meta:
        table_name = "rel-herds"

    id = CharField(hash_key=True)
    animals = SetField(ForeignKey(Animal))


class Album(Model):
    class Meta:
        table_name = "rel-albums"

    id = CharField(hash_key=True)


class Song(Model):
    class Meta:
        table_name = "rel-songs"

    id = CharField(hash_key=True)
    album = ForeignKey(Album, related_name="songs", on_delete=CASCADE, index="by_album")
    by_album = GlobalIndex(hash_key="album")


class Note(Model):
    class Meta:
        table_name = "rel-notes"

    id = CharField(hash_key=True)
    song = ForeignKey(Song, related_name="notes", on_delete=NULLIFY)
    by_song = GlobalIndex(hash_key="song")


class License(Model):
    class Meta:
        table_name = "rel-licenses"

    id = CharField(hash_key=True)
    song = ForeignKey(Song, on_delete=PROTECT)
    by_song = GlobalIndex(hash_key="song", projection="keys")


TABLES = [
    Country, Publisher, Author, Book, Tag, BookTag, AuthorTag, Animal, Herd, Profile, Order, Album, Song, Note, License
]  # fmt: skip


def fresh() -> str:
    return uuid4().hex[:12]


@pytest.fixture
def author(engine):
    return Author.create(id=fresh(), name="Ann")


def apis(sent) -> list[str]:
    return [operation.api for operation in sent]


def settled(do, rows, count):
    """Return the rows, as soon as the index has *count* of them: it is eventually consistent."""
    return eventually(lambda: do.list(rows()), lambda found: len(found) == count)


class TestForward:
    def test_a_reference_is_stored_as_the_key(self, author, put, client, engine, stored):
        book = Book.create(isbn=fresh(), shelf=1, author=author)
        assert stored(book)["author"] == {"S": author.id}
        assert book.author_id == author.id

    def test_it_is_fetched_once_on_demand(self, author, sent, caplog):
        key = (fresh(), 1)
        Book.create(isbn=key[0], shelf=1, author=author.id)
        book = Book.objects.get(*key)
        sent.clear()
        with caplog.at_level(logging.DEBUG, logger="dynamodb_py.relations"):
            assert book.author.name == "Ann"
            assert book.author is book.author
        assert apis(sent) == ["GetItem"]
        assert "Book.author" in caplog.text

    def test_in_asyncio_it_knows_its_key_and_is_fetched_by_awaiting(self, author, do):
        if do.mode == "sync":
            pytest.skip("asyncio alone")
        book = Book(isbn=fresh(), shelf=1, author=author.id)

        async def look():
            assert book.author.id == author.id
            with pytest.raises(FieldNotLoaded, match="afetch"):
                book.author.name  # noqa: B018
            assert (await book.author.afetch()).name == "Ann"
            return book.author.name

        assert do.run(look()) == "Ann"

    def test_a_dangling_reference_raises_on_access(self, engine):
        book = Book(isbn=fresh(), shelf=1, author="nobody")
        with pytest.raises(Author.DoesNotExist, match=r"Book.author refers to Author 'nobody'"):
            book.author  # noqa: B018

    def test_none_is_none_and_sends_nothing(self, sent):
        assert Book(isbn="x", shelf=1).author is None
        assert not sent

    def test_assigning_saves_the_key_alone(self, author, do, sent):
        book = do(Book.objects.create, isbn=fresh(), shelf=1)
        book.author = author
        sent.clear()
        do(book.save)
        assert apis(sent) == ["UpdateItem"]
        again = do(Book.objects.get, book.isbn, 1)
        assert (again.author_id, again.author_name) == (author.id, "Ann")

    def test_updates_take_instances(self, author, do):
        book = do(Book.objects.create, isbn=fresh(), shelf=1)
        do(book.update, author=author)
        assert do(Book.objects.get, book.isbn, 1).author_id == author.id

    def test_a_key_that_changes_is_another_item(self, author, engine):
        other = Author.create(id=fresh(), name="Bob")
        book = Book(isbn=fresh(), shelf=1, author=author)
        book.author_id = other.id
        assert book.author.name == "Bob"

    def test_a_reference_to_two_keys_is_two_attributes(self, engine, do, stored, sent):
        book = do(Book.objects.create, isbn=fresh(), shelf=3, title="T")
        tag = Tag(word=fresh())
        row = do(BookTag.objects.create, tag=tag, book=book)
        assert stored(row) == {
            "id": {"S": row.id},
            "tag": {"S": tag.word},
            "book_isbn": {"S": book.isbn},
            "book_shelf": {"N": "3"},
        }
        assert settled(do, lambda: BookTag.objects.filter(book=book), 1) == [row]
        assert do.list(BookTag.objects.filter(book=(book.isbn, 3))) == [row]
        found = do(BookTag.objects.get, row.id)
        sent.clear()
        assert found.book.title == "T"
        assert apis(sent) == ["GetItem"]


class TestKinds:
    def test_what_is_referred_to_is_of_its_own_class(self, author, do, sent):
        rex = do(Dog.objects.create, id=fresh(), bark="wau", owner=author)
        cat = do(Animal.objects.create, id=fresh(), friend=rex)
        found = do(Animal.objects.prefetch_related("friend").get, cat.id)
        assert (type(found.friend), found.friend.bark) == (Dog, "wau")
        if do.mode == "sync":
            assert Animal.objects.get(cat.id).friend.bark == "wau"
        assert [type(pet) for pet in settled(do, author.pets.all, 1)] == [Dog]

    def test_in_lists_too(self, author, do):
        dog = do(Dog.objects.create, id=fresh(), bark="wuff")
        order = Order(id=fresh(), pets=[dog.id, dog.id])
        do(order.save)
        found = do(Order.objects.get, order.id)
        assert do(found.pets[1].fetch).bark == "wuff"
        prefetch([found], "pets")
        assert [type(pet) for pet in found.pets] == [Dog, Dog]
        assert [pet.bark for pet in found.pets] == ["wuff", "wuff"]

    def test_in_sets_too(self, author, do):
        dog = do(Dog.objects.create, id=fresh(), bark="wuff")
        herd = do(Herd.objects.create, id=fresh(), animals={dog})
        found = do(Herd.objects.get, herd.id)
        (one,) = found.animals
        assert do(one.fetch).bark == "wuff"
        assert one in found.animals
        assert found.animals == {dog}
        assert not found.is_changed


class TestReverse:
    def test_it_is_a_query_set_over_the_index(self, author, do, sent):
        for at in range(3):
            do(Book.objects.create, isbn=fresh(), shelf=at, author=author, title=f"t{at}")
        settled(do, author.books.all, 3)
        sent.clear()
        assert {book.shelf for book in do.list(author.books)} == {0, 1, 2}
        assert [(o.api, o.index) for o in sent] == [("Query", "by_author")]
        assert do(author.books.count) == 3
        assert [b.shelf for b in do.list(author.books.filter(title="t1"))] == [1]

    def test_add_writes_in_one_transaction(self, author, do, sent):
        books = [Book(isbn=fresh(), shelf=1) for _ in range(3)]
        do(author.books.add, *books)
        assert apis(sent)[-1:] == ["TransactWriteItems"]
        assert len(settled(do, author.books.all, 3)) == 3
        assert all(book.persisted for book in books)

    def test_more_than_a_transaction_takes_are_several(self, author, do, sent):
        books = [Book(isbn=fresh(), shelf=1) for _ in range(101)]
        sent.clear()
        do(author.books.add, *books)
        assert [len(o.writes) for o in sent] == [100, 1]
        settled(do, author.books.all, 101)

    def test_create_remove_clear_and_set(self, author, do):
        first = do(author.books.create, isbn=fresh(), shelf=1)
        second = do(author.books.create, isbn=fresh(), shelf=2)
        settled(do, author.books.all, 2)
        do(author.books.remove, first)
        assert first.author_id is None
        assert settled(do, author.books.all, 1) == [second]
        with pytest.raises(Book.DoesNotExist, match="does not refer"):
            do(author.books.remove, first)
        third = Book(isbn=fresh(), shelf=3)
        do(author.books.set, [first, third])
        isbns = {first.isbn, third.isbn}
        eventually(lambda: {each.isbn for each in do.list(author.books.all())}, isbns.__eq__)
        assert do(Book.objects.get, second.isbn, 2).author_id is None
        do(author.books.clear)
        assert settled(do, author.books.all, 0) == []

    def test_changes_go_into_the_callers_transaction(self, author, sent):
        book = Book.create(isbn=fresh(), shelf=1)
        sent.clear()
        with transaction.atomic():
            author.books.add(book)
            author.name = "Anna"
            author.save()
        assert [len(o.writes) for o in sent] == [2]


class TestPrefetch:
    @pytest.fixture
    def shop(self, author):
        country = Country.create(code=fresh())
        publisher = Publisher.create(id=fresh(), country=country)
        authors = [Author.create(id=fresh(), name=f"n{at}", publisher=publisher) for at in range(3)]
        isbn = fresh()
        books = [
            Book(isbn=isbn, shelf=at, author=authors[at % 3], title=f"t{at}") for at in range(100)
        ]
        Book.batch_write(books)
        until = time.monotonic() + 60
        while sum(each.books.count() for each in authors) < 100:
            assert time.monotonic() < until
        return isbn, authors, publisher

    def test_a_page_and_what_it_refers_to_are_two_requests(self, shop, do, sent):
        isbn, _authors, _ = shop
        sent.clear()
        page = do(Book.objects.filter(isbn=isbn).prefetch_related("author").page, 100)
        assert len(page) == 100
        assert {book.author.name for book in page} == {"n0", "n1", "n2"}
        assert apis(sent) == ["Query", "BatchGetItem"]
        assert len({id(book.author) for book in page}) == 3

    def test_a_chain_of_three_is_four_requests(self, shop, do, sent):
        isbn, _, publisher = shop
        sent.clear()
        rows = do.list(
            Book.objects.filter(isbn=isbn).prefetch_related("author__publisher__country")
        )
        assert {b.author.publisher.country.code for b in rows} == {publisher.country_id}
        assert apis(sent) == ["Query", "BatchGetItem", "BatchGetItem", "BatchGetItem"]

    @pytest.mark.parametrize("verb", ["first", "get", "iterator", "pages", "last"])
    def test_every_way_to_read_takes_along_what_is_referred_to(self, shop, do, sent, verb):
        isbn, _, _ = shop
        rows = Book.objects.prefetch_related("author")
        sent.clear()
        if verb == "get":
            found = [do(rows.get, isbn, 5)]
        elif verb == "iterator":
            found = do.list(rows.filter(isbn=isbn).page_size(60).iterator())
        elif verb == "pages":
            found = [b for page in do.list(rows.filter(isbn=isbn).pages()) for b in page]
        else:
            found = [do(getattr(rows.filter(isbn=isbn), verb))]
        assert apis(sent).count("BatchGetItem") == (2 if verb == "iterator" else 1)
        sent.clear()
        assert all(book.author.name for book in found)
        assert not sent

    def test_a_dangling_reference_is_reported_not_fatal(self, author, do, caplog, sent):
        isbn = fresh()
        do(Book.objects.create, isbn=isbn, shelf=1, author=author)
        do(Book.objects.create, isbn=isbn, shelf=2, author="gone")
        rows = do.list(Book.objects.filter(isbn=isbn).prefetch_related("author"))
        assert "1 references to items that do not exist: Book.author: Author" in caplog.text
        assert "gone" not in caplog.text
        sent.clear()
        assert rows[0].author.name == "Ann"
        with pytest.raises(Author.DoesNotExist):
            rows[1].author  # noqa: B018
        assert not sent

    def test_what_leads_back_takes_a_query_for_each(self, shop, do, sent):
        _isbn, authors, _ = shop
        sent.clear()
        dangling = do(prefetch, authors, "books")
        assert dangling == []
        assert apis(sent) == ["Query"] * 3
        sent.clear()
        assert [len(do.list(each.books)) for each in authors] == [34, 33, 33]
        assert all(book.author is authors[0] for book in authors[0].books.all())
        assert not sent

    def test_references_in_documents_and_lists(self, author, do, sent, caplog):
        books = [do(Book.objects.create, isbn=fresh(), shelf=at, author=author) for at in (1, 2)]
        gone = fresh()
        lines = [Line(product=books[0]), Line(product=books[1], qty=2), Line(product=books[0])]
        key = fresh()
        do(
            Order.objects.create,
            id=key,
            lines=lines,
            watched=[author, Author(id=gone), author],
            liked={author},
        )
        sent.clear()
        rows = Order.objects.prefetch_related("lines__product__author", "watched", "liked")
        order = do(rows.get, key)
        assert apis(sent) == ["GetItem", "BatchGetItem", "BatchGetItem"]
        assert sorted(map(len, sent[1].keys.values())) == [2, 2]
        sent.clear()
        assert [line.product.shelf for line in order.lines] == [1, 2, 1]
        assert order.lines[0].product is order.lines[2].product
        assert order.lines[0].product.author.name == "Ann"
        assert [each.id for each in order.watched] == [author.id, gone, author.id]
        assert order.watched[0].name == order.watched[2].name == "Ann"
        with pytest.raises(FieldNotLoaded, match="has only its key"):
            order.watched[1].name  # noqa: B018
        assert {each.name for each in order.liked} == {"Ann"}
        assert not sent
        assert "Order.watched: Author" in caplog.text
        assert gone not in caplog.text
        do(order.save)
        assert not sent  # reading what is referred to changes nothing

    def test_references_of_two_keys(self, author, do, sent):
        word = fresh()
        for at in (1, 2):
            book = do(Book.objects.create, isbn=fresh(), shelf=at, author=author)
            do(BookTag.objects.create, tag=word, book=book)
        settled(do, lambda: BookTag.objects.filter(tag=word), 2)
        sent.clear()
        rows = do.list(BookTag.objects.filter(tag=word).prefetch_related("book__author"))
        assert apis(sent) == ["Query", "BatchGetItem", "BatchGetItem"]
        assert [row.book.author.name for row in rows] == ["Ann", "Ann"]


class TestOnDelete:
    def test_cascade_nullify_and_the_item_go_in_one_transaction(self, do, sent):
        album = do(Album.objects.create, id=fresh())
        songs = [do(Song.objects.create, id=fresh(), album=album) for _ in range(2)]
        note = do(Note.objects.create, id=fresh(), song=songs[0])
        settled(do, album.songs.all, 2)
        settled(do, songs[0].notes.all, 1)
        sent.clear()
        do(album.delete)
        assert apis(sent)[-1] == "TransactWriteItems"
        assert len(sent[-1].writes) == 4
        assert apis(sent).count("TransactWriteItems") == 1
        assert do(Album.objects.get_or_none, album.id) is None
        assert all(do(Song.objects.get_or_none, song.id) is None for song in songs)
        assert do(Note.objects.get, note.id).song_id is None

    def test_protect_deletes_nothing(self, do, sent):
        album = do(Album.objects.create, id=fresh())
        song = do(Song.objects.create, id=fresh(), album=album)
        licence = do(License.objects.create, id=fresh(), song=song)
        settled(do, album.songs.all, 1)
        protecting = License.objects.index("by_song").filter(song=song).values("id")
        settled(do, protecting.all, 1)
        sent.clear()
        with pytest.raises(ProtectedError, match=r"License\.song") as raised:
            do(album.delete)
        assert [each.id for each in raised.value.objects] == [licence.id]
        assert set(apis(sent)) == {"Query"}
        assert do(Song.objects.get_or_none, song.id) is not None
        do(licence.delete)
        settled(do, protecting.all, 0)
        do(Album.objects.delete, album.id)
        assert do(Song.objects.get_or_none, song.id) is None

    def test_a_delete_by_key_is_compared_with_nothing(self, engine, do):
        album = do(Album.objects.create, id=fresh())
        with options(atomic=True):
            do(Album.objects.delete, album.id)
        assert do(Album.objects.get_or_none, album.id) is None

    def test_what_does_not_ask_is_refused(self, engine, sent):
        with pytest.raises(QueryError, match=r"Song.album \(CASCADE\)"):
            Album.objects.filter(id__in=["a", "b"]).delete()
        with pytest.raises(QueryError, match="delete_all"):
            Album.objects.batch_write([], delete=["a"])
        assert not sent


class TestCopies:
    def test_they_are_brought_up_to_date(self, author, do, engine):
        book = do(Book.objects.create, isbn=fresh(), shelf=1, author=author)
        other = do(Book.objects.create, isbn=fresh(), shelf=1, author="nobody")
        do(author.update, name="Anna")
        assert do(refresh_copies, Book, dry_run=True).changed >= 1
        assert do(Book.objects.get, book.isbn, 1).author_name == "Ann"
        said: list[str] = []
        report = do(refresh_copies, Book, on_change=said.append)
        assert report.changed == len(said) >= 1
        assert report.dangling >= 1
        assert do(Book.objects.get, book.isbn, 1).author_name == "Anna"
        assert do(Book.objects.get, other.isbn, 1).author_name is None
        assert do(refresh_copies, Book).changed == 0

    def test_the_command_does_it(self, author, capsys):
        book = Book.create(isbn=fresh(), shelf=1, author=author)
        author.update(name="Anna")
        name = f"{__name__}:Book"
        assert main(["denormalize", name, "--dry-run"]) == 1
        assert f"Book ('{book.isbn}', 1): author_name" in capsys.readouterr().out
        assert Book.objects.get(book.isbn, 1).author_name == "Ann"
        assert main(["denormalize", name, "--quiet"]) == 0
        assert " changed" in capsys.readouterr().out
        assert Book.objects.get(book.isbn, 1).author_name == "Anna"
        assert main(["denormalize", f"{__name__}:Song"]) == 2

    def test_a_model_without_copies_is_refused(self, engine, do):
        with pytest.raises(QueryError, match="none of its references has denormalize="):
            do(refresh_copies, Song)


class TestOneToOne:
    def test_it_leads_back_to_one_instance(self, author, do, sent):
        profile = do(Profile.objects.create, author=author, text="t")
        with pytest.raises(DoesNotExist):
            do(Profile.objects.get, author="nobody")
        assert do(Profile.objects.get, author=author) == profile
        again = do(Author.objects.prefetch_related("profile").get, author.id)
        assert again.profile.text == "t"
        assert again.profile.author is again
        sent.clear()
        if do.mode == "async":
            return
        assert author.profile.text == "t"
        assert author.profile is author.profile
        assert apis(sent) == ["GetItem"]

    def test_none_is_an_error(self, author):
        with pytest.raises(Profile.DoesNotExist, match="as its author"):
            author.profile  # noqa: B018


class TestManyToMany:
    def test_it_is_a_query_and_a_batch(self, author, do, sent):
        tags = [do(Tag.objects.create, word=fresh()) for _ in range(3)]
        sent.clear()
        do(author.tags.add, *tags)
        assert apis(sent) == ["BatchGetItem", "TransactWriteItems"]
        sent.clear()
        assert do.list(author.tags) == sorted(tags, key=lambda tag: tag.word)
        assert apis(sent) == ["Query", "BatchGetItem"]
        assert settled(do, tags[0].authors.all, 1) == [author]

    def test_what_is_in_it_already_stays_as_it_is(self, author, do):
        one, two = (do(Tag.objects.create, word=fresh()) for _ in range(2))
        do(author.tags.add, one, through={"note": "n"})
        do(author.tags.add, one, two.word)
        assert do(AuthorTag.objects.get, author=author, tag=one).note == "n"
        assert do(author.tags.count) == 2

    def test_remove_set_clear_and_create(self, author, do, sent):
        one, two, three = (do(Tag.objects.create, word=fresh()) for _ in range(3))
        do(author.tags.add, one, two)
        assert do(author.tags.contains, one)
        do(author.tags.remove, one)
        assert not do(author.tags.contains, one)
        sent.clear()
        do(author.tags.set, [one, three])
        assert apis(sent) == ["Query", "TransactWriteItems"]
        assert {tag.word for tag in do.list(author.tags)} == {one.word, three.word}
        made = do(author.tags.create, word=fresh())
        assert made.persisted
        assert do(author.tags.count) == 3
        do(author.tags.clear)
        assert not do(author.tags.exists)

    def test_the_model_between_may_have_a_key_of_its_own(self, engine, do):
        book = do(Book.objects.create, isbn=fresh(), shelf=1)
        one, two = (do(Tag.objects.create, word=fresh()) for _ in range(2))
        do(book.tags.add, one, two)
        settled(do, book.tags.rows, 2)
        do(book.tags.add, one)
        do(book.tags.remove, two.word)
        assert [row.tag_id for row in settled(do, book.tags.rows, 1)] == [one.word]
        assert settled(do, one.books.all, 1) == [book]

    def test_prefetched_for_many_it_is_one_batch(self, do, sent):
        tags = [do(Tag.objects.create, word=fresh()) for _ in range(2)]
        authors = [do(Author.objects.create, id=fresh()) for _ in range(3)]
        for author in authors:
            do(author.tags.add, *tags)
        sent.clear()
        do(prefetch, authors, "tags")
        assert apis(sent) == ["Query"] * 3 + ["BatchGetItem"]
        assert len(next(iter(sent[-1].keys.values()))) == 2
        sent.clear()
        assert all(set(do.list(each.tags)) == set(tags) for each in authors)
        assert not sent
