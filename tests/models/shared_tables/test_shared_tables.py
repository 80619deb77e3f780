"""Shared tables: how models are placed in one, and what is asked of each."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from dynamodb_py import (
    CharField,
    DateField,
    DateTimeField,
    GlobalIndex,
    IntegerField,
    Model,
    ModelDefinitionError,
    QueryError,
    Table,
    TimestampField,
    UniqueConstraint,
    ValidationError,
)
from dynamodb_py.models.persistence.stored import complete_item
from dynamodb_py.models.queryset.execution import plan_query
from dynamodb_py.models.shared_tables.shared_table import SharedTable

from ...expressions.reference import holds


class App(SharedTable):
    class Meta:
        table_name = "app"
        read_capacity = 5
        write_capacity = 6

    pk = CharField(hash_key=True, name="PK")
    sk = CharField(range_key=True, name="SK")
    gsi1pk = CharField()
    gsi1sk = CharField()
    by_gsi1 = GlobalIndex(hash_key="gsi1pk", range_key="gsi1sk")


class User(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{user_id}", "sk": "PROFILE"}

    user_id = IntegerField()
    name = CharField()


class Order(Model):
    class Meta:
        table = App
        keys = {
            "pk": "USER#{user_id}",
            "sk": "ORDER#{number:08d}",
            "gsi1pk": "PRODUCT#{product}",
            "gsi1sk": "ORDER#{placed:%Y-%m-%d}",
        }

    user_id = IntegerField()
    number = IntegerField()
    product = CharField()
    placed = DateField()
    total = IntegerField(default=0)


class Line(Model):
    """Its keys begin as those of orders do."""

    class Meta:
        table = App
        keys = {"pk": "USER#{user_id}", "sk": "ORDER#{number:08d}#LINE#{line:03d}"}

    user_id = IntegerField()
    number = IntegerField()
    line = IntegerField()


class Product(Model):
    class Meta:
        table = App
        keys = {
            "pk": "PRODUCT#{product}",
            "sk": "PRODUCT",
            "gsi1pk": "PRODUCTS",
            "gsi1sk": "{title}",
        }

    product = CharField()
    title = CharField(required=True)


class Review(Model):
    class Meta:
        table = App
        keys = {
            "pk": "PRODUCT#{product}",
            "sk": "REVIEW#{at}",
            "gsi1pk": "USER#{user_id}",
            "gsi1sk": "REVIEW#{at}",
        }

    product = CharField()
    at = DateTimeField()
    user_id = IntegerField(required=True)


def request(queryset):
    """Return what the one request of a query set says."""
    payload = queryset.operation().payload()
    names = payload.get("ExpressionAttributeNames", {})
    values = payload.get("ExpressionAttributeValues", {})

    def spelled(expression):
        if expression is None:
            return None
        for name, meant in sorted(names.items(), key=lambda each: -len(each[0])):
            expression = expression.replace(name, meant)
        for name, wire in sorted(values.items(), key=lambda each: -len(each[0])):
            expression = expression.replace(name, repr(next(iter(wire.values()))))
        return expression[1:-1] if expression[0] == "(" else expression

    return (
        queryset.operation().api,
        payload.get("IndexName"),
        spelled(payload.get("KeyConditionExpression")),
        spelled(payload.get("FilterExpression")),
    )


# -- placing ---------------------------------------------------------------------------------------


def test_a_model_is_in_the_table_with_the_keys_that_its_templates_make():
    order = Order(user_id=7, number=12, product="tea", placed=date(2026, 11, 1))
    assert order.pk == "USER#7"
    assert order.sk == "ORDER#00000012"
    assert (order.gsi1pk, order.gsi1sk) == ("PRODUCT#tea", "ORDER#2026-11-01")
    assert Order._meta.table_name == "app"


def test_the_table_knows_its_models():
    assert App.models() == [User, Order, Line, Product, Review]


def test_a_model_has_the_indexes_that_it_has_keys_of():
    assert [index.name for index in Order._meta.schema.indexes] == ["by_gsi1"]
    assert Order.by_gsi1.filter(gsi1pk="PRODUCT#tea").operation().index == "by_gsi1"
    assert Line._meta.schema.indexes == ()
    assert not hasattr(Line, "by_gsi1")


def test_an_item_has_its_keys_and_its_kind():
    wires = complete_item(
        Order(user_id=7, number=12, product="tea", placed=date(2026, 11, 1)), validate=True
    )
    assert wires == {
        "PK": {"S": "USER#7"},
        "SK": {"S": "ORDER#00000012"},
        "gsi1pk": {"S": "PRODUCT#tea"},
        "gsi1sk": {"S": "ORDER#2026-11-01"},
        "product": {"S": "tea"},
        "placed": {"S": "2026-11-01"},
        "total": {"N": "0"},
        "_kind": {"S": "Order"},
    }


def test_without_a_part_of_an_index_key_an_item_is_not_in_the_index():
    wires = complete_item(Order(user_id=7, number=12, placed=date(2026, 11, 1)), validate=True)
    assert "gsi1pk" not in wires


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"pk": "USER#{user_id}"}, "no template for its key sk: declare the templates, such as"),
        ({}, "no template for its key pk"),
        ({"pk": "A#{user_id}", "sk": "B", "gsi2pk": "C"}, "'gsi2pk' is not a key of App"),
        ({"pk": "A#{user_id}", "sk": 7}, "Meta.keys['sk'] is 7: it takes a template"),
        ({"pk": "A#{nobody}", "sk": "B"}, "there is no such field"),
        ("USER#{user_id}", "it takes a dict of templates"),
    ],
)
def test_templates_that_cannot_be_are_refused_with_the_class(keys, message):
    with pytest.raises(ModelDefinitionError, match="Wrong") as caught:
        type(
            "Wrong",
            (Model,),
            {
                "Meta": type("Meta", (), {"table": App, "keys": keys}),
                "user_id": IntegerField(),
            },
        )
    assert message in str(caught.value)
    assert "Wrong" not in [model.__name__ for model in App.models()]


@pytest.mark.parametrize(
    ("members", "options", "message"),
    [
        ({}, {"table_name": "other"}, "Meta.table_name: Wrong is in the shared table App"),
        ({}, {"billing_mode": "PROVISIONED"}, "declare it in App.Meta"),
        ({}, {"unique_table": "u"}, "declare it in App.Meta"),
        ({}, {"indexes": [GlobalIndex("i", hash_key="user_id")]}, "declare it in App"),
        ({"i": GlobalIndex(hash_key="user_id")}, {}, "declares the index i"),
        ({"user_id": IntegerField(hash_key=True)}, {}, "name it in their templates"),
        ({"gsi1pk": IntegerField()}, {}, "is stored as N, and App.gsi1pk"),
        ({}, {"discriminator": "type"}, "that of the shared table App is '_kind'"),
        ({}, {"kind": "Order"}, "both have the kind 'Order' in App"),
    ],
)
def test_what_is_the_tables_is_refused_in_a_model(members, options, message):
    keys = {"pk": "WRONG#{user_id}", "sk": "B"}
    with pytest.raises(ModelDefinitionError, match="Wrong") as caught:
        type(
            "Wrong",
            (Model,),
            {
                "user_id": IntegerField(),
                "Meta": type("Meta", (), {"table": App, "keys": keys, **options}),
                **members,
            },
        )
    assert message in str(caught.value)


@pytest.mark.parametrize("table", ["app", Model, User, object(), SharedTable])
def test_a_table_that_is_no_shared_table_is_refused(table):
    with pytest.raises(ModelDefinitionError, match="it takes a subclass of SharedTable"):
        type("Wrong", (Model,), {"Meta": type("Meta", (), {"table": table})})


def test_keys_without_a_shared_table_are_refused():
    with pytest.raises(ModelDefinitionError, match="is for models in a shared table"):

        class Wrong(Model):
            class Meta:
                keys = {"pk": "USER#{user_id}"}

            pk = CharField(hash_key=True)
            user_id = CharField()


def test_a_field_called_kind_is_the_models_own():
    class Shelf(SharedTable):
        pk = CharField(hash_key=True)

    class Book(Model):
        class Meta:
            table = Shelf
            keys = {"pk": "BOOK#{isbn}"}

        isbn = CharField()
        kind = CharField()

    book = Book(isbn="1", kind="novel")
    assert (book.kind, book.item_kind) == ("novel", "Book")
    assert complete_item(book, validate=True)["_kind"] == {"S": "Book"}


def test_a_field_can_be_added_to_a_model_of_the_table():
    class Shelf(SharedTable):
        pk = CharField(hash_key=True)

    class Book(Model):
        class Meta:
            table = Shelf
            keys = {"pk": "BOOK#{isbn}"}

        isbn = CharField()

    Book.add_field("title", CharField())
    assert Shelf.models() == [Book]
    assert complete_item(Book(isbn="1", title="a"), validate=True) == {
        "pk": {"S": "BOOK#1"},
        "title": {"S": "a"},
        "_kind": {"S": "Book"},
    }


def test_a_model_may_declare_its_key_fields_itself():
    class Shelf(SharedTable):
        pk = CharField(hash_key=True)
        sk = CharField(range_key=True)

    class Book(Model):
        class Meta:
            table = Shelf

        pk = CharField(hash_key=True, template="BOOK#{isbn}")
        sk = CharField(range_key=True, template="BOOK")
        isbn = CharField()

    assert Book(isbn="1").pk == "BOOK#1"
    with pytest.raises(ModelDefinitionError, match="no template for its key sk"):

        class Other(Model):
            class Meta:
                table = Shelf

            pk = CharField(hash_key=True, template="OTHER#{isbn}")
            sk = CharField(range_key=True)
            isbn = CharField()

    with pytest.raises(ModelDefinitionError, match="declare it once"):

        class Twice(Model):
            class Meta:
                table = Shelf
                keys = {"pk": "T#{isbn}", "sk": "T"}

            pk = CharField(hash_key=True, template="OTHER#{isbn}")
            isbn = CharField()


def test_templates_of_an_abstract_base_are_completed_by_the_models():
    class Shelf(SharedTable):
        pk = CharField(hash_key=True)
        sk = CharField(range_key=True)

    class OfTenant(Model):
        class Meta:
            abstract = True
            table = Shelf
            keys = {"pk": "TENANT#{tenant}"}

        tenant = CharField()

    class Invoice(OfTenant):
        class Meta:
            keys = {"sk": "INVOICE#{number:06d}"}

        number = IntegerField()

    class Note(OfTenant):
        class Meta:
            keys = {"sk": "NOTE#{number:06d}"}

        number = IntegerField()

    assert Invoice(tenant="a", number=1).sk == "INVOICE#000001"
    assert Note(tenant="a", number=1).pk == "TENANT#a"
    assert Shelf.models() == [Invoice, Note]


# -- collisions ------------------------------------------------------------------------------------


def test_keys_that_two_models_could_both_have_are_refused():
    with pytest.raises(ModelDefinitionError) as caught:

        class Draft(Model):
            class Meta:
                table = App
                keys = {"pk": "USER#{user_id}", "sk": "ORDER#{name}"}

            user_id = IntegerField()
            name = CharField()

    message = str(caught.value)
    assert "Draft and Order are both in App, and an item of each could have the same key" in message
    assert "differ in its literal text before the first part of varying length" in message
    assert '"ORDER#{name}"' in message
    assert App.models() == [User, Order, Line, Product, Review]


def test_one_key_that_differs_is_enough():
    class Shelf(SharedTable):
        pk = CharField(hash_key=True)
        sk = CharField(range_key=True)

    class One(Model):
        class Meta:
            table = Shelf
            keys = {"pk": "ONE#{id}", "sk": "{name}"}

        id = CharField()
        name = CharField()

    class Two(Model):
        class Meta:
            table = Shelf
            keys = {"pk": "TWO#{id}", "sk": "{name}"}

        id = CharField()
        name = CharField()

    assert Shelf.models() == [One, Two]


def test_a_class_that_is_defined_again_takes_the_place_of_the_first():
    class Shelf(SharedTable):
        pk = CharField(hash_key=True)

    def define():
        class Book(Model):
            class Meta:
                table = Shelf
                keys = {"pk": "BOOK#{isbn}"}

            isbn = CharField()

        return Book

    define()
    again = define()
    assert Shelf.models() == [again]


# -- asking for one kind ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("queryset", "sent"),
    [
        (
            lambda: Order.objects.filter(user_id=7, number=3),
            ("GetItem", None, None, None),
        ),
        (
            lambda: Order.objects.filter(user_id=7, number__gte=3),
            (
                "Query",
                None,
                "PK = 'USER#7' AND SK BETWEEN 'ORDER#00000003' AND 'ORDER#99999999'",
                "_kind = 'Order'",
            ),
        ),
        (
            lambda: User.objects.filter(user_id=7),  # its whole key, as the rest of it is known
            ("GetItem", None, None, None),
        ),
        (
            lambda: Review.objects.filter(product="tea"),
            ("Query", None, "PK = 'PRODUCT#tea' AND begins_with(SK, 'REVIEW#')", None),
        ),
        # Lines begin as orders do: the key does not tell them apart.
        (
            lambda: Order.objects.filter(user_id=7),
            ("Query", None, "PK = 'USER#7' AND begins_with(SK, 'ORDER#')", "_kind = 'Order'"),
        ),
        (
            lambda: Line.objects.filter(user_id=7, number=3),
            (
                "Query",
                None,
                "PK = 'USER#7' AND begins_with(SK, 'ORDER#00000003#LINE#')",
                "_kind = 'Line'",
            ),
        ),
        # No other model makes such a key of the index.
        (
            lambda: Review.objects.filter(user_id=7),
            ("Query", "by_gsi1", "gsi1pk = 'USER#7'", None),
        ),
        (
            lambda: Order.by_gsi1.filter(product="tea"),
            ("Query", "by_gsi1", "gsi1pk = 'PRODUCT#tea'", None),
        ),
        # A key without parts is known.
        (lambda: Product.objects.all(), ("Query", "by_gsi1", "gsi1pk = 'PRODUCTS'", None)),
        (lambda: User.objects.all(), ("Scan", None, None, "_kind = 'User'")),
        (lambda: Order.objects.scan(), ("Scan", None, None, "_kind = 'Order'")),
        (
            lambda: Order.objects.filter(total=3).scan(),
            ("Scan", None, None, "total = '3' AND _kind = 'Order'"),
        ),
    ],
)
def test_each_manager_asks_for_its_own_kind(queryset, sent):
    assert request(queryset()) == sent


def items():
    """Return items of all models that are as like each other as can be."""
    numbers, day = (0, 3, 12), date(2026, 11, 1)
    found = [
        *(User(user_id=u, name="a") for u in (0, 7)),
        *(Order(user_id=u, number=n, product=p, placed=day, total=n)
          for u in (0, 7) for n in numbers for p in ("tea", None)),
        *(Line(user_id=u, number=n, line=k) for u in (0, 7) for n in numbers for k in (1, 2)),
        *(Product(product=p, title=t) for p in ("tea", "7") for t in ("ORDER#3", "b")),
        *(Review(product=p, at=datetime(2026, 11, d), user_id=u)
          for p in ("tea", "7") for d in (1, 2) for u in (0, 7)),
    ]  # fmt: skip
    return [(each, complete_item(each, validate=True)) for each in found]


ASKED = [
        (lambda: User.objects.filter(user_id=7), lambda x: x.user_id == 7),
        (lambda: User.objects.filter(user_id__in=[0, 7]), lambda x: True),
        (lambda: Order.objects.filter(user_id=7), lambda x: x.user_id == 7),
        (lambda: Order.objects.filter(user_id=7, number=3), lambda x: (x.user_id, x.number) == (7, 3)),
        (
            lambda: Order.objects.filter(user_id=7, number__lte=3),
            lambda x: x.user_id == 7 and x.number <= 3,
        ),
        (
            lambda: Order.objects.filter(user_id=7, number__between=(1, 12), total__gt=3),
            lambda x: x.user_id == 7 and 3 < x.number <= 12,
        ),
        (lambda: Order.objects.filter(user_id=7).exclude(number=3), lambda x: x.user_id == 7 and x.number != 3),
        (lambda: Order.by_gsi1.filter(product="tea"), lambda x: x.product == "tea"),
        (lambda: Order.objects.filter(pk="USER#7", sk__gte="ORDER#00000003"), lambda x: x.user_id == 7 and x.number >= 3),
        (lambda: Order.objects.filter(pk="PRODUCT#tea"), lambda x: False),
        (lambda: Order.objects.filter(pk__in=["PRODUCT#tea", "USER#7"]), lambda x: x.user_id == 7),
        (lambda: Order.objects.filter(total=3).scan(), lambda x: x.total == 3),
        (lambda: Line.objects.filter(user_id=7), lambda x: x.user_id == 7),
        (lambda: Line.objects.filter(user_id=7, number=3), lambda x: (x.user_id, x.number) == (7, 3)),
        (lambda: Line.objects.all(), lambda x: True),
        (lambda: Product.objects.all(), lambda x: True),
        (lambda: Product.objects.filter(product="7"), lambda x: x.product == "7"),
        (lambda: Product.by_gsi1.filter(title="b"), lambda x: x.title == "b"),
        (lambda: Review.objects.filter(product="tea"), lambda x: x.product == "tea"),
        (lambda: Review.objects.filter(user_id=7), lambda x: x.user_id == 7),
        (
            lambda: Review.objects.filter(user_id=7, at__gt=datetime(2026, 11, 1)),
            lambda x: x.user_id == 7 and x.at.day > 1,
        ),

]  # fmt: skip


@pytest.mark.parametrize(("queryset", "wanted"), ASKED, ids=[str(at) for at in range(len(ASKED))])
def test_what_is_asked_finds_just_the_items_of_the_model_that_match(queryset, wanted):
    """The conditions are looked at by themselves, so that it does not matter which way is taken."""
    asked = queryset()
    condition = plan_query(asked, explained=True).condition
    found = [item for instance, item in items() if holds(condition, item)]
    assert found == [
        item for each, item in items() if isinstance(each, asked.model) and wanted(each)
    ]


def test_what_the_key_tells_apart_needs_no_filter_so_that_a_limit_reads_no_more():
    first = Review.objects.filter(product="tea").limit(1).operation()
    assert first.limit == 1


def test_a_model_that_comes_later_is_left_out_of_queries_that_were_asked_before():
    class Shelf(SharedTable):
        pk = CharField(hash_key=True)
        sk = CharField(range_key=True)

    class Book(Model):
        class Meta:
            table = Shelf
            keys = {"pk": "BOOK#{isbn}", "sk": "BOOK"}

        isbn = CharField()

    def asked():
        return request(Book.objects.filter(isbn="1"))

    assert asked() == ("Query", None, "pk = 'BOOK#1'", None) or asked()[3] is None

    class Copy(Model):
        class Meta:
            table = Shelf
            keys = {"pk": "BOOK#{isbn}", "sk": "COPY#{number:04d}"}

        isbn = CharField()
        number = IntegerField()

    assert request(Copy.objects.filter(isbn="1"))[2:] == (
        "pk = 'BOOK#1' AND begins_with(sk, 'COPY#')",
        None,
    )
    assert Book.objects.filter(isbn="1").explain().held is None


@pytest.mark.parametrize(
    ("queryset", "message"),
    [
        (
            lambda: Review.objects.filter(product="tea"),
            "only Review, of the models in App: selected by the key",
        ),
        (
            lambda: Order.objects.filter(user_id=7),
            "only Order, of the models in App: selected by a filter on _kind",
        ),
        (lambda: User.objects.all(), "selected by a filter on _kind"),
    ],
)
def test_explain_says_what_leaves_out_the_others(queryset, message):
    assert message in str(queryset().explain())


# -- collections -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"user_id": 7}, ("Query", None, "PK = 'USER#7'", None)),
        ({"pk": "USER#7"}, ("Query", None, "PK = 'USER#7'", None)),
        ({"product": "tea"}, ("Query", None, "PK = 'PRODUCT#tea'", None)),
        (
            {"user_id": 7, "sk__startswith": "ORDER#"},
            ("Query", None, "PK = 'USER#7' AND begins_with(SK, 'ORDER#')", None),
        ),
        (
            {"user_id": 7, "only": [Order, Line]},
            ("Query", None, "PK = 'USER#7' AND begins_with(SK, 'ORDER#')", None),
        ),
        (
            {"user_id": 7, "only": [Line]},
            (
                "Query",
                None,
                "PK = 'USER#7' AND begins_with(SK, 'ORDER#')",
                "_kind = 'Line'",
            ),
        ),
        (
            {"user_id": 7, "only": [User, Order]},
            ("Query", None, "PK = 'USER#7'", "_kind IN ('User', 'Order')"),
        ),
        (
            {"index": "by_gsi1", "product": "tea"},
            ("Query", "by_gsi1", "gsi1pk = 'PRODUCT#tea'", None),
        ),
        ({"index": "by_gsi1"}, ("Query", "by_gsi1", "gsi1pk = 'PRODUCTS'", None)),
    ],
)
def test_a_collection_is_one_query(asked, sent):
    assert request(App.collection(**asked)._queryset) == sent


def test_a_collection_says_how_it_is_read():
    operation = (
        App.collection(user_id=7, reverse=True, consistent=True, limit=3).plan().operations[0]
    )
    assert (operation.forward, operation.consistent, operation.limit) == (False, True, 3)
    assert "USER#7" in str(App.collection(user_id=7).explain())


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        (
            {"nobody": 1},
            TypeError,
            "no pk is made of nobody: give user_id (User, Order, Line)",
        ),
        ({}, TypeError, "no pk is made of nothing"),
        ({"pk": "USER#7", "user_id": 7}, TypeError, "pk is the whole hash key: drop user_id"),
        ({"user_id": "x"}, ValidationError, "user_id"),
        ({"user_id": None}, ValidationError, "user_id"),
        ({"user_id": 7, "only": []}, QueryError, "only= names no model"),
        ({"user_id": 7, "only": [SharedTable]}, QueryError, "SharedTable is not in App"),
        ({"user_id": 7, "index": "by_nothing"}, QueryError, "has no index 'by_nothing'"),
        ({"user_id": 7, "model": Product}, TypeError, "give product (Product)"),
    ],
)
def test_a_collection_that_cannot_be_is_refused_before_anything_is_sent(asked, error, message):
    with pytest.raises(error) as caught:
        App.collection(**asked)
    assert message in str(caught.value)


def test_parts_that_make_several_keys_are_refused_until_one_is_chosen():
    class Shelf(SharedTable):
        pk = CharField(hash_key=True)

    class One(Model):
        class Meta:
            table = Shelf
            keys = {"pk": "ONE#{id}"}

        id = CharField()

    class Two(Model):
        class Meta:
            table = Shelf
            keys = {"pk": "TWO#{id}"}

        id = CharField()

    with pytest.raises(QueryError, match="make several keys, 'ONE#a' of One, 'TWO#a' of Two"):
        Shelf.collection(id="a")
    chosen = Shelf.collection(id="a", model=Two).plan().operations[0]
    assert chosen.payload()["Key"] == {"pk": {"S": "TWO#a"}}


# -- the table -------------------------------------------------------------------------------------


def test_the_table_is_one_whichever_model_it_is_asked_of():
    schemas = {Table(each).schema.name for each in (App, User, Order)}
    assert schemas == {"app"}
    assert [index.name for index in Table(Line).schema.indexes] == ["by_gsi1"]
    assert Table(Line).schema.read_capacity == 5


def test_the_table_has_the_ttl_and_the_sentinels_of_its_models():
    class Shelf(SharedTable):
        class Meta:
            table_name = "shelf"

        pk = CharField(hash_key=True)

    assert Table(Shelf).companions == ()

    class Loan(Model):
        class Meta:
            table = Shelf
            keys = {"pk": "LOAN#{id}"}

        id = CharField()
        until = TimestampField(ttl=True)
        code = CharField(unique=True)

    assert Table(Shelf).schema.ttl == "until"
    assert [each.name for each in Table(Shelf).companions] == ["shelf-unique"]
    assert [each.name for each in Table(Loan).companions] == ["shelf-unique"]

    with pytest.raises(ModelDefinitionError, match="a table has one TTL attribute"):

        class Hold(Model):
            class Meta:
                table = Shelf
                keys = {"pk": "HOLD#{id}"}

            id = CharField()
            ends = TimestampField(ttl=True)


def test_what_is_unique_is_so_within_its_model():
    class Shelf(SharedTable):
        class Meta:
            table_name = "shelf"

        pk = CharField(hash_key=True)

    def model(name):
        return type(
            name,
            (Model,),
            {
                "Meta": type(
                    "Meta",
                    (),
                    {
                        "table": Shelf,
                        "keys": {"pk": f"{name}#{{id}}"},
                        "constraints": [UniqueConstraint("code")],
                    },
                ),
                "id": CharField(),
                "code": CharField(),
            },
        )

    one, two = model("One"), model("Two")
    texts = {each._meta.constraints[0].text({"code": {"S": "x"}}) for each in (one, two)}
    assert texts == {'["One/code","x"]', '["Two/code","x"]'}


def test_a_table_may_have_no_discriminator_where_the_keys_are_enough():
    class Shelf(SharedTable):
        class Meta:
            discriminator = None

        pk = CharField(hash_key=True)
        sk = CharField(range_key=True)

    class Book(Model):
        class Meta:
            table = Shelf
            keys = {"pk": "BOOK#{isbn}", "sk": "BOOK"}

        isbn = CharField()

    class Copy(Model):
        class Meta:
            table = Shelf
            keys = {"pk": "BOOK#{isbn}", "sk": "COPY#{number:04d}"}

        isbn = CharField()
        number = IntegerField()

    assert complete_item(Copy(isbn="1", number=2), validate=True) == {
        "pk": {"S": "BOOK#1"},
        "sk": {"S": "COPY#0002"},
    }
    assert request(Copy.objects.all())[3] == "begins_with(pk, 'BOOK#') AND begins_with(sk, 'COPY#')"

    with pytest.raises(ModelDefinitionError, match="discriminator = None"):

        class Loan(Model):
            class Meta:
                table = Shelf
                keys = {"pk": "BOOK#{isbn}", "sk": "COPY#{number:04d}#LOAN#{at}"}

            isbn = CharField()
            number = IntegerField()
            at = DateTimeField()


def test_the_shared_table_is_a_model_of_its_items_as_they_are():
    item = App.from_db({"PK": {"S": "USER#7"}, "SK": {"S": "x"}, "more": {"N": "1"}})
    assert (item.pk, item.sk, dict(item.extra)) == ("USER#7", "x", {"more": 1})


def test_a_moment_in_a_key_reads_back():
    review = Review.from_db(
        complete_item(Review(product="tea", at=datetime(2026, 11, 1, 12), user_id=7), validate=True)
    )
    assert (review.product, review.at.year, review.user_id) == ("tea", 2026, 7)
