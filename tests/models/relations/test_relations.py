"""References as they are declared, assigned and asked for; what is sent is in integration/."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    DateTimeField,
    Document,
    EmbeddedField,
    F,
    FieldNotLoaded,
    GlobalIndex,
    IntegerField,
    ListField,
    Model,
    ModelDefinitionError,
    QueryError,
    SetField,
    UUIDField,
    ValidationError,
    signals,
)
from dynamodb_py.models.foreign_keys.field import ForeignKey, OneToOneField
from dynamodb_py.models.foreign_keys.on_delete import CASCADE, NULLIFY
from dynamodb_py.models.foreign_keys.unloaded import is_stub
from dynamodb_py.models.persistence.stored import key_of, stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write
from dynamodb_py.models.records.encoding import encode_fields
from dynamodb_py.models.relations.many_to_many import ManyToManyField
from dynamodb_py.models.relations.reverse import RelatedSet


class Author(Model):
    id = CharField(hash_key=True)
    name = CharField()
    books: RelatedSet[Book]


class Shelf(Model):
    room = CharField(hash_key=True)
    number = IntegerField(range_key=True)


class Book(Model):
    isbn = CharField(hash_key=True)
    author = ForeignKey(Author, related_name="books", denormalize=["name"])
    shelf = ForeignKey(Shelf)
    sequel = ForeignKey("self")
    by_author = GlobalIndex(hash_key="author")


ANN, A3 = Author(id="ann", name="Ann"), Shelf(room="a", number=3)


def wires(instance):
    return encode_fields(instance, adding=True)


# -- values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [ANN, "ann"])
def test_a_reference_takes_an_instance_or_its_key(given):
    by_name, assigned = Book(isbn="1", author=given), Book(isbn="1")
    assigned.author = given
    assert wires(by_name)["author"] == wires(assigned)["author"] == {"S": "ann"}
    assert by_name.author_id == assigned.author_id == "ann"


@pytest.mark.parametrize("given", [A3, ("a", 3)])
def test_a_key_of_two_parts_is_two_attributes(given):
    book = Book(isbn="1", shelf=given)
    assert wires(book) == {"isbn": {"S": "1"}, "shelf_room": {"S": "a"}, "shelf_number": {"N": "3"}}
    assert (book.shelf_room, book.shelf_number) == ("a", 3)


def test_the_instance_that_was_assigned_is_given_back():
    assert Book(isbn="1", author=ANN, shelf=A3).shelf is A3
    assert Book(isbn="1", author=ANN).author is ANN


def test_copies_are_taken_of_what_is_loaded_and_of_no_key():
    book = Book(isbn="1", author=ANN)
    assert book.author_name == "Ann"
    assert wires(book)["author_name"] == {"S": "Ann"}
    book.author = "bob"
    assert book.author_name is None
    assert Book(isbn="1", author="ann", author_name="message").author_name == "message"


def test_none_takes_the_key_away():
    book = Book(isbn="1", author=ANN, shelf=A3)
    book.author = book.shelf = None
    assert wires(book) == {"isbn": {"S": "1"}}
    assert (book.author, book.shelf) == (None, None)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("author", A3, "is a Shelf, not an Author"),
        ("author", Author(), "has no key yet"),
        ("author", ("a", "b"), "is not a key of an Author"),
        ("shelf", "a", "give a Shelf, or a tuple of these"),
        ("shelf", ("a", None), "is not a key of a Shelf"),
    ],
)
def test_what_is_no_instance_and_no_key_is_refused(name, value, message):
    with pytest.raises(ValidationError, match=message) as raised:
        Book(isbn="1", **{name: value})
    assert list(raised.value.errors) == [name]


def test_a_key_of_another_type_is_refused_on_writing():
    with pytest.raises(ValidationError, match="author_id: 7 is an int, not text"):
        wires(Book(isbn="1", author=7))


def test_a_key_said_twice_is_refused():
    with pytest.raises(TypeError, match="two values for author: author_id is its key"):
        Book(isbn="1", author=ANN, author_id="bob")
    with pytest.raises(TypeError, match="no field nonsense"):
        Book(isbn="1", author=ANN, nonsense=1)


def test_a_required_reference_is_asked_for():
    class Page(Model):
        book = ForeignKey(Book, required=True)

    with pytest.raises(ValidationError, match="book_id: it is required"):
        wires(Page())


def test_instances_with_references_pickle_copy_and_compare():
    book = Book(isbn="1", author=ANN, shelf=A3)
    for other in (pickle.loads(pickle.dumps(book)), copy.deepcopy(book)):
        assert other == book
        assert other.author == ANN
    assert Book.from_dict(book.to_dict()).author_id == "ann"
    assert "author_id='ann'" in repr(book)


def test_loading_decodes_the_key_and_saving_it_changes_nothing():
    item = {"isbn": {"S": "1"}, "author": {"S": "ann"}, "shelf_room": {"S": "a"}}
    book = Book.from_db(item)
    assert book.author_id == "ann"
    assert book.shelf is None  # half a key is none
    assert not changes_to_write(book, stored_wires(book), validate=True)
    book.author = "bob"
    assert changes_to_write(book, stored_wires(book), validate=True)["author"] == {"S": "bob"}


@given(room=st.text(min_size=1, max_size=20), number=st.integers(-(10**30), 10**30))
def test_any_key_comes_back_as_it_was(room, number):
    book = Book(isbn="1", shelf=Shelf(room=room, number=number))
    try:
        item = wires(book)
    except ValidationError:
        return  # no Unicode text
    again = Book.from_db(item)
    assert Book.shelf.read_key(again) == (room, number)
    assert Book.shelf.make_stub(again, (room, number)).primary_key == (room, number)


def test_keys_of_all_kinds_are_stored_as_in_their_table():
    class Event(Model):
        id = UUIDField(hash_key=True)
        at = DateTimeField(range_key=True, auto_now_add=True)

    class Seat(Model):
        event = ForeignKey(Event, name="e")

    event = Event(id=uuid.UUID(int=7), at=dt.datetime(2024, 1, 2, tzinfo=dt.timezone.utc))
    item = wires(Seat(event=event))
    assert item["e_id"] == wires(event)["id"]
    assert item["e_at"] == wires(event)["at"]
    assert Seat(event=None).event_at is None  # nothing sets itself


# -- stubs -----------------------------------------------------------------------------------------


def test_an_instance_of_a_reference_alone_says_how_it_is_fetched():
    stub = Book.author.make_stub(Book(isbn="1"), ("ann",))
    assert is_stub(stub)
    assert stub.id == "ann"
    assert stub == ANN
    with pytest.raises(
        FieldNotLoaded, match=r"Author.name was not fetched .* has only its key: fetch\(\)"
    ):
        stub.name  # noqa: B018


# -- questions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "same"),
    [
        ({"author": ANN}, Book.author == "ann"),
        ({"author": "ann"}, Book.author == ANN),
        ({"author__in": [ANN, "bob"]}, Book.author.is_in([ANN, "bob"])),
        ({"author__ne": ANN}, Book.author != ANN),
        ({"author__isnull": True}, Book.author == None),  # noqa: E711
        ({"author__startswith": "a"}, Book.author.begins_with("a")),
        ({"author_id": "ann"}, Book.author == ANN),
        ({"shelf": A3}, Book.shelf == ("a", 3)),
        ({"shelf__in": [A3, ("b", 4)]}, Book.shelf.is_in([A3, ("b", 4)])),
    ],
)
def test_lookups_and_operators_take_instances_and_keys(asked, same):
    query = Book.objects.filter(**asked)
    assert repr(query._question.condition) == repr(Book.objects.filter(same)._question.condition)


def test_what_dynamodb_cannot_ask_of_a_reference_is_refused():
    with pytest.raises(QueryError, match="shelf_room, shelf_number"):
        Book.objects.filter(shelf__gt="a")
    with pytest.raises(QueryError, match="DynamoDB has no joins"):
        Book.objects.filter(author__publisher__name="x")
    with pytest.raises(QueryError, match="shelf_room, shelf_number"):
        Book.shelf.exists()


def test_names_of_references_stand_for_their_fields():
    assert Book.objects.only("author")._read_options.fetched == (
        "author_id",
        "author_name",
    )
    assert Book._meta.get_field("author").name == "author_id"
    assert F("author") is not None
    assert repr(Book._meta.condition(F("author") == "ann")) == repr(Book.author == "ann")


def test_related_items_are_asked_of_the_index():
    plan = ANN.books.filter(isbn__startswith="9").explain()
    assert plan.index == "by_author"


# -- declarations ----------------------------------------------------------------------------------


def declared(**fields):
    return type("Thing", (Model,), {"id": CharField(hash_key=True), **fields})


class Base(Model):
    class Meta:
        abstract = True


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"a": ForeignKey(int)}, "is not a model"),
        ({"a": ForeignKey(Base)}, "Base is abstract"),
        ({"a": ForeignKey(Author, on_delete="cascade")}, "it takes DO_NOTHING, PROTECT"),
        ({"a": ForeignKey(Author, required=True, on_delete=NULLIFY)}, "drop required=True"),
        (
            {"a": ForeignKey(Author, related_name="things")},
            r'no index of Thing begins with a: add by_a = GlobalIndex\(hash_key="a"\)',
        ),
        (
            {"a": ForeignKey(Shelf, on_delete=CASCADE)},
            r'GlobalIndex\(hash_key="a_room", range_key="a_number"\)',
        ),
        ({"a": ForeignKey(Author, related_name="x", index="no")}, "its indexes are none"),
        ({"a": ForeignKey(Author, index="no")}, "which needs a related_name= or an on_delete="),
        (
            {"a": ForeignKey(Author, related_name="name"), "by_a": GlobalIndex(hash_key="a")},
            "Author has that already",
        ),
        ({"a": ForeignKey(Author), "a_id": IntegerField()}, "declared as IntegerField"),
        ({"a": ForeignKey(Author), "a_id": lambda self: 1}, "it needs a field a_id"),
        ({"a": ForeignKey(Author, required=True), "a_id": CharField()}, "set it there"),
        ({"a": ForeignKey(Shelf, unique=True)}, "for references of one attribute"),
        ({"a": ForeignKey(Author, denormalize=["age"])}, "has no such field"),
        ({"a": ForeignKey(Author, denormalize=["id"])}, "a field of the key"),
        ({"a": SetField(ForeignKey(Shelf))}, "a set holds texts, numbers or bytes"),
        ({"a": SetField(ForeignKey("Shelf"))}, "'Shelf' does not give the type of its key"),
        (
            {"a": SetField(ForeignKey("self"))},
            "does not give the type of its key: give .* or use a ListField",
        ),
        ({"a": ListField(ForeignKey(Author, related_name="x"))}, "no index of elements"),
    ],
)
def test_what_cannot_be_is_told_when_the_class_is_made(fields, message):
    with pytest.raises(ModelDefinitionError, match=message):
        declared(**fields)


def test_an_unknown_option_is_refused():
    with pytest.raises(TypeError, match="takes no max_length"):
        ForeignKey(Author, max_length=3)


def test_documents_have_no_way_back():
    with pytest.raises(ModelDefinitionError, match="there is no reverse relation"):
        type("Line", (Document,), {"a": ForeignKey(Author, related_name="lines")})
    with pytest.raises(ModelDefinitionError, match="a document has no key"):
        type("Line", (Document,), {"a": ForeignKey(Author, hash_key=True)})


def test_a_field_that_is_declared_holds_the_key():
    class Review(Model):
        author_id = CharField(hash_key=True)
        at = IntegerField(range_key=True)
        author = ForeignKey(Author, related_name="reviews")

    review = Review(author=ANN, at=1)
    assert wires(review) == {"author_id": {"S": "ann"}, "at": {"N": "1"}}
    assert ANN.reviews.all().explain().index is None


def test_a_reference_can_be_the_key():
    class Account(Model):
        author = OneToOneField(Author, hash_key=True, related_name="account")

    assert Account._meta.hash_key.attribute == "author"
    assert not Account._meta.constraints
    assert Account(ANN.id).author_id == "ann"
    assert Account._meta.key((), {"author": ANN}) == {"author": {"S": "ann"}}


def test_one_to_one_is_unique():
    class Desk(Model):
        author = OneToOneField(Author)
        shelf = OneToOneField(Shelf)

    assert [each.attributes for each in Desk._meta.constraints] == [
        ("author",),
        ("shelf_room", "shelf_number"),
    ]


def test_of_a_key_that_a_template_makes_the_parts_are_stored():
    class Customer(Model):
        pk = CharField(hash_key=True, template="CUSTOMER#{number}")
        sk = CharField(range_key=True, template="PROFILE")
        number = IntegerField(required=True)

    class Purchase(Model):
        pk = CharField(hash_key=True, template="CUSTOMER#{customer_id}")
        sk = CharField(range_key=True, template="PURCHASE#{id}")
        customer = ForeignKey(Customer, related_name="purchases", required=True)
        id = CharField(required=True)

    anna = Customer(number=7)
    purchase = Purchase(customer=anna, id="1")
    assert purchase.customer_id == 7
    assert Purchase._meta.key_of(purchase)["pk"] == {"S": "CUSTOMER#7"}
    stub = Purchase._fieldset.references["customer"].make_stub(purchase, (7,))
    assert key_of(stub) == {"pk": {"S": "CUSTOMER#7"}, "sk": {"S": "PROFILE"}}
    assert stub.number == 7
    [request] = anna.purchases.all().explain().operations
    assert request.payload()["ExpressionAttributeValues"][":0"] == {"S": "CUSTOMER#7"}


def test_an_index_of_a_reference_of_two_keys_is_of_both():
    class Box(Model):
        shelf = ForeignKey(Shelf, related_name="boxes")
        by_shelf = GlobalIndex(hash_key="shelf")

    [index] = Box._meta.schema.indexes
    assert [key.name for key in index.hash_key] == ["shelf_room", "shelf_number"]


def test_abstract_bases_hand_references_on():
    class Owned(Model):
        class Meta:
            abstract = True

        author = ForeignKey(Author, related_name="%(class)ss")
        by_author = GlobalIndex(hash_key="author")

    class Pen(Owned):
        pass

    class Cup(Owned):
        pass

    assert Pen(author=ANN).author_id == "ann"
    assert (ANN.pens.model, ANN.cups.model) == (Pen, Cup)


def test_a_subclass_can_take_another_target_or_none():
    class Draft(Book):
        author = ForeignKey(Shelf)
        sequel = None

    assert [part.name for part in Draft._fieldset.references["author"].parts] == [
        "author_room",
        "author_number",
    ]
    assert "sequel_id" not in Draft._fieldset.by_name
    assert "author_id" in Book._fieldset.by_name


def test_fields_can_be_added_later():
    class Mug(Model):
        id = CharField(hash_key=True)

    Mug.add_field("author", ForeignKey(Author))
    assert Mug(id="1", author=ANN).author_id == "ann"


# -- names -----------------------------------------------------------------------------------------


def test_a_class_may_be_named_before_it_is_made():
    heard: list[type[Model]] = []

    def hear(sender, **kwargs):
        heard.append(sender)

    signals.class_prepared.connect(hear, weak=False)
    try:

        class Wheel(Model):
            id = CharField(hash_key=True)
            car = ForeignKey("Car", related_name="wheels")
            by_car = GlobalIndex(hash_key="car")

        assert Wheel not in heard

        class Car(Model):
            plate = IntegerField(hash_key=True)
            spare = ForeignKey("Wheel")

        assert heard.count(Wheel) == heard.count(Car) == 1
    finally:
        signals.class_prepared.disconnect(hear)
    assert wires(Wheel(id="w", car=Car(plate=3)))["car"] == {"N": "3"}
    assert Car(plate=3).wheels.all().explain().index == "by_car"
    assert wires(Car(plate=3, spare="w"))["spare"] == {"S": "w"}


def test_a_name_that_nothing_has_is_told_when_it_is_needed():
    class Orphan(Model):
        id = CharField(hash_key=True)
        parent = ForeignKey("Nobody54")

    for use in (
        lambda: Orphan(id="1", parent="x"),
        lambda: Orphan.objects.filter(parent="x"),
        lambda: Orphan._meta.schema,
    ):
        with pytest.raises(ModelDefinitionError, match="no model of that name"):
            use()


def test_a_name_that_several_have_is_told_with_all_of_them():
    def make():
        return type("Twin54", (Model,), {"__qualname__": f"scope{len(made)}.Twin54"})

    made = []
    for _ in range(2):
        made.append(make())

    class Friend(Model):
        id = CharField(hash_key=True)
        twin = ForeignKey("Twin54")

    with pytest.raises(ModelDefinitionError, match=r"scope0.Twin54, .*scope1.Twin54"):
        Friend(id="1", twin="x")

    class Other(Model):
        id = CharField(hash_key=True)
        twin = ForeignKey(f"{__name__}.scope1.Twin54")

    assert Other._fieldset.references["twin"].target is made[1]


def test_a_class_can_refer_to_itself():
    book = Book(isbn="2", sequel=Book(isbn="1"))
    assert book.sequel_id == "1"
    assert book.sequel.isbn == "1"


def test_documents_and_lists_wait_for_names_too():
    class Entry(Document):
        thing = ForeignKey("Gadget54")

    class Cart(Model):
        id = CharField(hash_key=True)
        entries = ListField(EmbeddedField(Entry))
        things = ListField(ForeignKey("Gadget54"))

    class Gadget54(Model):
        number = IntegerField(hash_key=True)

    gadget = Gadget54(number=5)
    cart = Cart(id="1", entries=[Entry(thing=gadget)], things=[gadget, 6])
    assert wires(cart) == {
        "id": {"S": "1"},
        "entries": {"L": [{"M": {"thing": {"N": "5"}}}]},
        "things": {"L": [{"N": "5"}, {"N": "6"}]},
    }
    again = Cart.from_db(wires(cart))
    assert [each.number for each in again.things] == [5, 6]
    assert again.entries[0].thing_id == 5


# -- prefetching and many to many, before anything is sent -----------------------------------------


@pytest.mark.parametrize("path", ["isbn", "nothing", "author__books__nothing", "author__name"])
def test_a_path_that_leads_nowhere_is_refused(path):
    with pytest.raises(QueryError, match="leads to no other item"):
        Book.objects.prefetch_related(path)


def test_values_have_no_relations():
    with pytest.raises(QueryError, match="for instances"):
        Book.objects.prefetch_related("author").values("isbn")
    with pytest.raises(QueryError, match="for instances"):
        Book.objects.all().values("isbn").prefetch_related("author")


def test_a_model_between_that_lacks_a_reference_is_told():
    class Link(Model):
        book = ForeignKey(Book, hash_key=True)

    with pytest.raises(ModelDefinitionError, match="Link has no reference to"):
        declared(authors=ManyToManyField(Author, through=Link))


def test_the_way_back_cannot_be_assigned():
    with pytest.raises(AttributeError, match=r"books.set\(\[...\]\)"):
        ANN.books = []
