"""Relations rely on complete indexes alone, and a class whose relation has none is refused."""

from __future__ import annotations

import itertools
from datetime import date

import pytest

from dynamodb_py import (
    CASCADE,
    NULLIFY,
    PROTECT,
    CharField,
    DateField,
    ForeignKey,
    GlobalIndex,
    LocalIndex,
    ManyToManyField,
    Model,
    ModelDefinitionError,
    OneToOneField,
    QueryError,
    UUIDField,
)
from dynamodb_py.models.shared_tables.shared_table import SharedTable

_NUMBERS = itertools.count()
_KEPT: list[type] = []  # a name means a class as long as that lives
KEY = {"id": CharField(hash_key=True)}


def define(scope, name, /, *bases, **body):
    """Return a model that is defined in the function *scope*, a name of the test's own."""
    names = {"__module__": __name__, "__qualname__": f"{scope}.<locals>.{name}"}
    _KEPT.append(type(name, bases or (Model,), {**names, **body}))
    return _KEPT[-1]


@pytest.fixture
def scope():
    yield f"scope{next(_NUMBERS)}"
    _KEPT.clear()


def index(*keys, **options):
    hash_key, *more = keys
    return GlobalIndex(hash_key=hash_key, range_key=more or None, **options)


COMPLETE = {
    "the reference alone": {"by_author": index("author")},
    "the table's own key": {"by_author": index("author", "id")},
    "a required field": {
        "published": DateField(required=True),
        "by_author": index("author", "published"),
    },
    "declared complete": {
        "published": DateField(),
        "by_author": index("author", "published", complete=True),
    },
    "one of two": {
        "published": DateField(),
        "by_date": index("author", "published"),
        "by_id": index("author", "id"),
    },
    "a template of required parts": {
        "published": DateField(required=True),
        "sort": CharField(template="{published}#{id}"),
        "by_author": index("author", "sort"),
    },
    "a template with the reference": {
        "published": DateField(required=True),
        "sort": CharField(template="{published}#{author_id}"),
        "by_author": index("author", "sort"),
    },
    "the reference in a template": {
        "place": CharField(template="AUTHOR#{author_id}"),
        "sort": CharField(template="BOOK"),
        "by_author": index("place", "sort"),
    },
}
SPARSE = {
    "an optional field": {"published": DateField(), "by_author": index("author", "published")},
    "a field with a default": {
        "published": CharField(default="never"),
        "by_author": index("author", "published"),
    },
    "an automatic field": {
        "published": DateField(auto_now_add=True),
        "by_author": index("author", "published"),
    },
    "the last of several": {
        "published": DateField(),
        "by_author": index("author", "id", "published"),
    },
    "a template of an optional part": {
        "published": DateField(),
        "sort": CharField(template="{published}#{id}"),
        "by_author": index("author", "sort"),
    },
}
OPTIONS = {
    "related_name": {"related_name": "books"},
    "protect": {"on_delete": PROTECT},
    "cascade": {"on_delete": CASCADE},
    "nullify": {"on_delete": NULLIFY},
}


def make_author(scope):
    return define(scope, "Author", **KEY)


def make_book(scope, fields, kind=ForeignKey, **options):
    return define(scope, "Book", **KEY, author=kind("Author", **options), **fields)


def make_all(makers, order):
    return {model.__name__: model for model in [makers[at]() for at in order]}


ORDERS = [(0, 1), (1, 0)]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", [ForeignKey, OneToOneField])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("fields", COMPLETE.values(), ids=COMPLETE)
def test_a_complete_index_serves_a_relation(scope, fields, options, kind, order):
    makers = [lambda: make_author(scope), lambda: make_book(scope, fields, kind, **options)]
    made = make_all(makers, order)
    book = made["Book"]
    assert book.objects.filter(author__in=["ann", "bob"]).operation().index == (
        "by_id" if "by_id" in fields else "by_author"
    )
    assert book.author.target is made["Author"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", [ForeignKey, OneToOneField])
@pytest.mark.parametrize("chosen", [None, "by_author"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("fields", SPARSE.values(), ids=SPARSE)
def test_a_sparse_index_is_refused_when_the_class_is_defined(
    scope, fields, options, chosen, kind, order
):
    makers = [
        lambda: make_author(scope),
        lambda: make_book(scope, fields, kind, index=chosen, **options),
    ]
    with pytest.raises(ModelDefinitionError) as raised:
        make_all(makers, order)
    text = str(raised.value)
    assert text.startswith("Book.author: ")
    assert "items that have no published are not in index by_author" in text
    assert text.endswith(
        "declare published with required=True, or index by_author with complete=True if every item "
        "has published"
    )


@pytest.mark.parametrize("fields", SPARSE.values(), ids=SPARSE)
def test_filter_refuses_the_same_indexes_with_both_cures_last(scope, fields):
    make_author(scope)
    book = make_book(scope, fields)
    with pytest.raises(QueryError, match="items that have no published are not in it") as raised:
        book.objects.filter(author="ann").operation()
    assert str(raised.value).endswith(
        "if every item has published, declare published with required=True, or index by_author with "
        "complete=True"
    )
    day = "2026-01-01" if type(book.published) is CharField else date(2026, 1, 1)
    where = {"author": "ann", "published__gte": day, "id": "1"}
    refused = book.objects.filter(**where).explain().explanation.others
    assert not any("items that have no" in each.why for each in refused)


def test_a_local_index_is_complete_by_the_same_rule(scope):
    body = {"shelf": CharField(hash_key=True), "isbn": CharField(range_key=True)}
    for fields, is_complete in [
        ({"year": CharField(), "by_year": LocalIndex(range_key="year")}, False),
        ({"year": CharField(required=True), "by_year": LocalIndex(range_key="year")}, True),
        ({"year": CharField(), "by_year": LocalIndex(range_key="year", complete=True)}, True),
    ]:
        book = define(scope, "Book", **body, **fields)
        plan = book.objects.filter(shelf="a").order_by("year").explain()
        assert plan.index == "by_year"
        others = book.objects.filter(shelf="a").explain().explanation.others
        assert any("items that have no year" in each.why for each in others) is not is_complete


# -- many to many ----------------------------------------------------------------------------------

PAIRS = {
    "the references alone": ({"by_book": index("book"), "by_tag": index("tag")}, None),
    "the other reference, which may be absent": (
        {"by_book": index("book", "tag"), "by_tag": index("tag", "book")},
        None,
    ),
    "a field that may be absent": (
        {"rank": CharField(), "by_book": index("book", "rank"), "by_tag": index("tag")},
        "by_book",
    ),
    "the same on the way back": (
        {"rank": CharField(), "by_book": index("book"), "by_tag": index("tag", "rank")},
        "by_tag",
    ),
    "a required field": (
        {
            "rank": CharField(required=True),
            "by_book": index("book", "rank"),
            "by_tag": index("tag"),
        },
        None,
    ),
}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize(("fields", "sparse"), PAIRS.values(), ids=PAIRS)
def test_a_many_to_many_relation_needs_complete_indexes(scope, fields, sparse, order):
    tags = ManyToManyField("Tag", through="BookTag", related_name="books")
    pair = {"id": UUIDField(hash_key=True, version=4), "book": ForeignKey("Book")}
    makers = [
        lambda: define(scope, "Book", **KEY, tags=tags),
        lambda: define(scope, "Tag", **KEY),
        lambda: define(scope, "BookTag", **pair, tag=ForeignKey("Tag"), **fields),
    ]
    if sparse is None:
        made = make_all(makers, order)
        assert made["Book"]("a").tags.rows().operation().index == "by_book"
        assert made["Tag"]("t").books.rows().operation().index == "by_tag"
        return
    with pytest.raises(ModelDefinitionError, match=f"no rank are not in index {sparse}") as raised:
        make_all(makers, order)
    assert str(raised.value).startswith("BookTag.")


# -- classes in one table --------------------------------------------------------------------------


def make_root(scope, **fields):
    class Meta:
        discriminator = "kind"

    make_author(scope)
    author = ForeignKey("Author", related_name="books")
    return define(scope, "Book", Meta=Meta, **KEY, author=author, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"published": DateField(required=True), "by_author": index("author", "published")},
        {
            "published": DateField(required=True),
            "sort": CharField(template="{published}"),
            "by_author": index("author", "sort"),
        },
    ],
)
def test_a_subclass_does_not_make_an_index_of_its_base_sparse(scope, fields):
    book = make_root(scope, **fields)
    with pytest.raises(ModelDefinitionError, match=r"^Novel: items without published would not be"):
        define(scope, "Novel", book, published=DateField())
    novel = define(scope, "Novel", book, published=DateField(required=True))
    assert book.objects.filter(author="ann").operation().index == "by_author"
    assert novel.objects.filter(author="ann").operation().index == "by_author"


def test_an_index_that_is_declared_complete_is_so_for_subclasses(scope):
    book = make_root(
        scope, published=DateField(), by_author=index("author", "published", complete=True)
    )
    novel = define(scope, "Novel", book, published=DateField())
    assert novel.objects.filter(author="ann").operation().index == "by_author"


@pytest.mark.parametrize(
    ("complete", "published", "accepted"),
    [
        (False, DateField(required=True), True),
        (False, DateField(), False),
        (True, DateField(), True),
    ],
)
def test_a_model_in_a_shared_table_is_held_to_the_rule(scope, complete, published, accepted):
    body = {
        "pk": CharField(hash_key=True),
        "sk": CharField(range_key=True),
        "gpk": CharField(),
        "gsk": CharField(),
        "by_gpk": index("gpk", "gsk", complete=complete),
    }
    app = define(scope, "App", SharedTable, **body)
    make_author(scope)

    class Meta:
        table = app
        keys = {
            "pk": "BOOK#{id}",
            "sk": "BOOK",
            "gpk": "AUTHOR#{author_id}",
            "gsk": "BOOK#{published}",
        }

    def make():
        author = ForeignKey("Author", on_delete=PROTECT)
        return define(scope, "Book", Meta=Meta, id=CharField(), author=author, published=published)

    if accepted:
        assert make().objects.filter(author="ann").operation().index == "by_gpk"
        return
    with pytest.raises(ModelDefinitionError, match="have no published are not in index by_gpk"):
        make()
