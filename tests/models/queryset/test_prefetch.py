"""What is prefetched is what one would read reference by reference, and costs what its targets cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import CharField, ForeignKey, IntegerField, Model, Prefetch, connections, prefetch
from dynamodb_py.batching import identify_key
from dynamodb_py.codec import to_json

from ...scripted import Script, scripted_connection
from ..test_growth import count_calls


class Author(Model):
    class Meta:
        table_name = "authors"

    id = CharField(hash_key=True)
    name = CharField()


class Lower(CharField):
    """Texts that are read otherwise than they are stored."""

    def to_db(self, value):
        return value

    def to_python(self, stored):
        return stored.lower()


class Shelf(Model):
    class Meta:
        table_name = "shelves"

    room = CharField(hash_key=True)
    number = IntegerField(range_key=True)
    width = IntegerField()


class Tag(Model):
    class Meta:
        table_name = "tags"

    word = Lower(hash_key=True)
    size = IntegerField()


class Book(Model):
    class Meta:
        table_name = "books"

    id = CharField(hash_key=True)
    author = ForeignKey(Author)
    shelf = ForeignKey(Shelf)
    tag = ForeignKey(Tag)


class Store(Script):
    """Answers reads by key from a list of items."""

    def __init__(self, items) -> None:
        super().__init__()
        self.items = items
        self.keys: list[object] = []

    def answer(self, operation):
        self.sent.append(operation)
        payload = operation.payload()
        if operation.api == "GetItem":
            found = self._find(payload["TableName"], payload["Key"])
            return to_json({} if found is None else {"Item": found})
        assert operation.api == "BatchGetItem"
        responses = {}
        for table, request in payload["RequestItems"].items():
            self.keys += [(table, identify_key(key)) for key in request["Keys"]]
            found = [self._find(table, key) for key in request["Keys"]]
            responses[table] = [each for each in found if each is not None]
        return to_json({"Responses": responses})

    def _find(self, table, key):
        for name, item in self.items:
            own = {each: item[each] for each in key if each in item}
            if (
                name == table
                and own.keys() == key.keys()
                and identify_key(own) == identify_key(key)
            ):
                return item
        return None


@pytest.fixture
def connect(monkeypatch):
    def connect(store):
        monkeypatch.setattr(connections, "_connections", {"default": scripted_connection(store)})
        return store

    return connect


NUMBERS = [{"N": "1"}, {"N": "1.0"}, {"N": "2"}, {"N": "-3"}]
WORDS = [{"S": "a"}, {"S": "A"}, {"S": "b"}]
ITEMS = [
    ("authors", {"id": {"S": "a"}, "name": {"S": "Ann"}}),
    ("authors", {"id": {"S": "A"}, "name": {"S": "Abe"}}),
    ("shelves", {"room": {"S": "a"}, "number": {"N": "1"}, "width": {"N": "5"}}),
    ("shelves", {"room": {"S": "A"}, "number": {"N": "1"}, "width": {"N": "6"}}),
    ("shelves", {"room": {"S": "a"}, "number": {"N": "2"}, "width": {"N": "7"}}),
    ("tags", {"word": {"S": "a"}, "size": {"N": "1"}}),
    ("tags", {"word": {"S": "A"}, "size": {"N": "2"}}),
]
BOOKS = st.lists(
    st.fixed_dictionaries(
        {"id": st.just({"S": "x"})},
        optional={
            "author": st.sampled_from([*WORDS, {"S": ""}]),
            "shelf_room": st.sampled_from(WORDS),
            "shelf_number": st.sampled_from(NUMBERS),
            "tag": st.sampled_from(WORDS),
        },
    ),
    max_size=12,
)
NAMES = ["author", "shelf", "tag"]


def outcome(book, name):
    try:
        found = getattr(book, name)
    except Exception as error:
        return type(error), str(error)
    return None if found is None else found.to_dict()


@given(books=BOOKS, assigned=st.integers(0, 20), read=st.integers(0, 20), given=st.booleans())
def test_what_is_prefetched_is_what_one_would_read(books, assigned, read, given):
    with pytest.MonkeyPatch.context() as patch:
        store = Store(ITEMS)
        patch.setattr(connections, "_connections", {"default": scripted_connection(store)})

        def load():
            loaded = [Book._load(to_json(each)) for each in books]
            if assigned < len(loaded):
                loaded[assigned].author, loaded[assigned].shelf = "a", ("a", 2)
            if read < len(loaded):
                outcome(loaded[read], "author")
            return loaded

        alone, together = load(), load()
        wanted = [[outcome(book, name) for name in NAMES] for book in alone]
        store.sent.clear()
        paths = [Prefetch("author", Author.objects.all()), *NAMES[1:]] if given else NAMES
        prefetch(together, *paths)
        assert len(store.keys) == len(set(store.keys))
        sent = len(store.sent)
        found = [[outcome(book, name) for name in NAMES] for book in together]
        assert found == wanted
        missing = sum(isinstance(each, tuple) for row in wanted for each in row)
        assert len(store.sent) - sent <= (missing if given else 0)


def make_books(count, targets):
    return [
        Book._load(to_json({"id": {"S": str(at)}, "author": {"S": f"a{at % targets}"}}))
        for at in range(count)
    ]


@pytest.mark.parametrize("targets", [1, 10, 300])
def test_references_to_one_item_are_prefetched_as_one(connect, monkeypatch, targets):
    items = [("authors", {"id": {"S": f"a{at}"}, "name": {"S": "x"}}) for at in range(targets)]
    store, made = connect(Store(items)), []
    spell_key, stubs = ForeignKey.spell_key, []
    monkeypatch.setattr(
        ForeignKey, "spell_key", lambda *given: made.append(given) or spell_key(*given)
    )
    monkeypatch.setattr(ForeignKey, "make_stub", lambda *given: stubs.append(given))
    books = make_books(600, targets)
    assert prefetch(books, "author") == []
    assert len(made) == len(store.keys) == targets
    assert stubs == []  # an item that is read at once needs no instance of its key
    assert len({id(book.author) for book in books}) == targets
    assert all(book.author.id == f"a{at % targets}" for at, book in enumerate(books))


def test_each_further_target_costs_as_many_calls(connect):
    items = {f"a{at}": {"id": {"S": f"a{at}"}, "name": {"S": "x"}} for at in range(400)}
    store = connect(Store([]))
    store._find = lambda _, key: items[key["id"]["S"]]

    def count(targets):
        books = make_books(400, targets)
        for book in books:
            assert book.id
        calls, dangling = count_calls(lambda: prefetch(books, "author"))
        assert dangling == []
        return calls

    count(100)
    few, more, most = count(100), count(200), count(400)
    assert most - more == 2 * (more - few)


def test_each_reference_to_a_missing_item_is_reported(connect):
    connect(Store([]))
    books = make_books(7, 2)
    dangling = prefetch(books, "author")
    assert sorted((each.owner.id, each.key) for each in dangling) == [
        (str(at), f"a{at % 2}") for at in range(7)
    ]


def test_items_of_two_spellings_stay_two_items(connect):
    store = connect(Store(ITEMS))
    books = [Book._load(to_json({"id": {"S": "x"}, "tag": {"S": word}})) for word in "aAaA"]
    prefetch(books, "tag")
    assert [book.tag.size for book in books] == [1, 2, 1, 2]
    assert len(store.keys) == 2
