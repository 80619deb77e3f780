"""``full_clean()``: the fields' own checks, ``clean_<field>`` and ``clean()``, in that order, on every write."""

from __future__ import annotations

from functools import partial

import pytest

from dynamodb_py import (
    CharField,
    DateTimeField,
    DictField,
    Document,
    EmbeddedField,
    FieldNotLoaded,
    IntegerField,
    ItemTooLarge,
    ListField,
    MapField,
    Model,
    ModelDefinitionError,
    SetField,
    ValidationError,
)
from dynamodb_py.models.persistence.stored import encode_item, make_put, stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write
from dynamodb_py.models.records.attributes import describe_largest
from dynamodb_py.models.records.encoding import encode_fields
from dynamodb_py.models.records.validation import clean_value


def lower(value):
    return value and value.strip().lower()


class Address(Document):
    city = CharField(required=True, max_length=8)
    zip = CharField(name="z")
    country = CharField(default="FR")

    def clean_city(self, value):
        if value == "Nowhere":
            raise ValueError("there is no such city")
        return value.strip().title()

    def clean(self):
        if self.country == "FR" and self.zip is not None and len(self.zip) != 5:
            raise ValidationError({"zip": ["French ones have five digits"]})


class Line(Document):
    sku = CharField(required=True)
    qty = IntegerField(min_value=1)

    def clean_qty(self, value):
        if value == 13:
            raise ValueError("13 is bad luck")
        return value

    def clean(self):
        if self.sku == "void":
            raise ValueError("a void line")


class Order(Model):
    k = CharField(hash_key=True)
    email = CharField(name="e", max_length=20)
    low = IntegerField(required=True, default=0)
    high = IntegerField(default=10, max_value=100)
    home = EmbeddedField(Address)
    lines = ListField(Line)
    by_name = DictField(Line)
    mapped = MapField({"line": EmbeddedField(Line), "must": CharField(required=True)})
    slug = CharField()
    updated = DateTimeField(auto_now=True)

    def clean_email(self, value):
        if value == "nobody":
            raise ValidationError("somebody must get it")
        return lower(value)

    def clean(self):
        if self.low > self.high:
            raise ValidationError({"low": ["it is above high"], "": ["the bounds are crossed"]})
        self.slug = f"{self.low}-{self.high}"


class Plain(Model):
    k = CharField(hash_key=True)
    n = IntegerField(max_value=3)
    home = EmbeddedField(Address)
    tags = SetField(str)


def errors_of(call, *args, **kwargs):
    """Return what a ValidationError says of a call, {} where it goes through."""
    try:
        call(*args, **kwargs)
    except ValidationError as error:
        return error.errors
    return {}


# -- what is called, and in which order ----------------------------------------------------------


def test_the_order_is_own_checks_then_documents_then_fields_then_the_whole():
    seen = []

    def noted(name):
        def validator(value):
            seen.append(name)

        return validator

    class Inner(Document):
        a = CharField(validators=noted("inner a, own"))

        def clean_a(self, value):
            seen.append("inner clean_a")
            return value

        def clean(self):
            seen.append("inner clean")

    class Outer(Model):
        k = CharField(hash_key=True, validators=noted("k, own"))
        inner = EmbeddedField(Inner, validators=noted("inner, own"))
        z = CharField(validators=noted("z, own"))

        def clean_z(self, value):
            seen.append("clean_z")
            return value

        def clean_inner(self, value):
            seen.append("clean_inner")
            return value

        def clean(self):
            seen.append("clean")

    Outer(k="a", inner=Inner(a="b"), z="c").full_clean()
    assert seen == [
        "k, own",
        "inner a, own",
        "inner, own",
        "z, own",
        "inner clean_a",
        "inner clean",
        "clean_inner",
        "clean_z",
        "clean",
    ]  # and no validator twice, since nothing was changed
    seen.clear()
    assert encode_item(Outer(k="a", inner=Inner(a="b"), z="c"))
    assert len(seen) == len(set(seen)) == 9


def test_what_clean_field_returns_is_kept_and_stored():
    order = Order(k="a", email="  ANN ")
    order.full_clean()
    assert (order.email, order.slug) == ("ann", "0-10")
    assert order.updated is None  # it is set on saving
    item = encode_fields(Order(k="a", email=" ANN", home=Address(city=" lyon ")), adding=True)
    assert (item["e"], item["slug"]) == ({"S": "ann"}, {"S": "0-10"})
    assert item["home"] == {"M": {"city": {"S": "Lyon"}, "country": {"S": "FR"}}}
    assert "updated" in item


def test_a_clean_field_that_returns_none_empties_the_field():
    class Test(Model):
        k = CharField(hash_key=True)
        note = CharField()
        need = CharField(required=True, default="x")

        def clean_note(self, value):
            return value or None

        def clean_need(self, value):
            return None if value == "drop" else value

    assert "note" not in encode_fields(Test(k="a", note=""), adding=True)
    assert errors_of(Test(k="a", need="drop").full_clean) == {
        "need": ["it is required: give it a value"]
    }


def test_what_a_hook_returns_is_checked_as_what_was_given():
    class Test(Model):
        k = CharField(hash_key=True)
        n = IntegerField(max_value=10)
        text = CharField(max_length=3)

        def clean_n(self, value):
            return value * 10

        def clean(self):
            if self.text == "more":
                return
            self.text = "longer" if self.n == 10 else 7

    for check in (Test.full_clean, encode_item):
        assert errors_of(partial(check, Test(k="a", n=2))) == {
            "n": ["20 is greater than max_value 10"],
            "text": ["7 is an int, not text"],
        }
        assert errors_of(check, Test(k="a", n=1)) == {
            "text": ["its length 6 is greater than max_length 3"]
        }


def test_everything_that_is_wrong_is_told_at_once_with_its_path():
    wrong = Order(
        k="",
        email="nobody",
        low=11,
        high=101,
        home=Address(city="Nowhere", zip="1"),
        lines=[Line(sku="a", qty=1), Line(sku="void", qty=13), Line(qty=0), Line(sku="void")],
        by_name={"x": Line(sku="a", qty=13)},
        mapped={"line": Line(sku="void"), "must": "m"},
    )
    assert errors_of(wrong.full_clean) == {
        "k": ["it is empty, which DynamoDB allows everywhere but in a key"],
        "high": ["101 is greater than max_value 100"],
        "lines[2].sku": ["it is required: give it a value"],
        "lines[2].qty": ["0 is less than min_value 1"],
        "email": ["somebody must get it"],
        "home.city": ["there is no such city"],
        "home.zip": ["French ones have five digits"],
        "lines[1].qty": ["13 is bad luck"],
        "lines[1]": ["a void line"],
        "lines[3]": ["a void line"],
        "by_name.x.qty": ["13 is bad luck"],
        "mapped.line": ["a void line"],
    }
    # A required value is missing further down: clean() is spared that.
    wrong.lines, wrong.low = [], 102
    found = errors_of(partial(encode_item, wrong))
    assert (found["low"], found[""]) == (["it is above high"], ["the bounds are crossed"])
    assert found["high"] == ["101 is greater than max_value 100"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"low": "text"},
        {"low": None},
        {"high": 1.5},
        {"home": Address()},
        {"home": Address(city=7)},
        {"lines": [Line(sku="a", qty="b")]},
        {"mapped": {}},
        {"email": 7},
    ],
    ids=repr,
)
def test_clean_and_clean_field_are_spared_values_of_another_type(wrong):
    found = errors_of(Order(**{"k": "a", **wrong}).full_clean)  # no TypeError out of a hook
    assert len(found) == 1


def test_clean_is_called_in_spite_of_what_a_validator_refuses():
    class Test(Model):
        k = CharField(hash_key=True, max_length=1)

        def clean(self):
            raise ValueError(f"clean() has seen {self.k!r}")

    assert errors_of(Test(k="ab").full_clean) == {
        "k": ["its length 2 is greater than max_length 1"],
        "": ["clean() has seen 'ab'"],
    }


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ValueError("said"), {"home": ["said"]}),
        (ValueError(), {"home": ["ValueError()"]}),
        (ValidationError("said"), {"home": ["said"]}),
        (ValidationError({"": ["one", "two"]}), {"home": ["one", "two"]}),
        (ValidationError({".city": ["said"], "n": ["other"]}), {"home.city": ["said"], "n": ["other"]}),
        (ValidationError({"tags[0]": ["said"]}), {"tags[0]": ["said"]}),
    ],
    ids=repr,
)  # fmt: skip
def test_what_a_hook_raises_is_told_where_it_says(raised, expected):
    class Test(Plain):
        def clean_home(self, value):
            raise raised

    assert errors_of(Test(k="a").full_clean) == expected


@pytest.mark.parametrize("raised", [TypeError("a bug"), KeyError("a bug"), FieldNotLoaded("gone")])
def test_what_is_no_verdict_falls_through(raised):
    class Test(Plain):
        def clean(self):
            raise raised

    with pytest.raises(type(raised)):
        Test(k="a").full_clean()


# -- exclude -------------------------------------------------------------------------------------


def test_excluded_fields_are_left_out_of_the_fields_checks_but_clean_is_called():
    order = Order(k="a", email="nobody", high=101)
    order.full_clean(exclude=["email", "high"])
    assert (order.email, order.slug) == ("nobody", "0-101")
    with pytest.raises(TypeError, match="Order has no field emial: its fields are k, email"):
        order.full_clean(exclude=["emial"])


def test_full_clean_without_any_method_looks_at_the_options():
    assert errors_of(Plain(n=4).full_clean) == {
        "k": ["it is required: give it a value"],
        "n": ["4 is greater than max_value 3"],
    }
    assert errors_of(Address(city="far too long").full_clean) == {
        "city": ["its length 12 is greater than max_length 8"]
    }
    Plain(k="a", n=3).full_clean()


# -- loaded instances ----------------------------------------------------------------------------

STORED = {
    "k": {"S": "a"},
    "e": {"S": "NOBODY ELSE"},
    "low": {"N": "1"},
    "high": {"N": "2"},
    "lines": {"L": [{"M": {"sku": {"S": "a"}, "qty": {"N": "0"}}}]},
    "home": {"M": {"city": {"S": "lyon"}, "z": {"S": "69001"}}},
    "updated": {"S": "2020-01-01T00:00:00.000000+00:00"},
}


def changes_of(instance, **options):
    return changes_to_write(instance, stored_wires(instance), **{"validate": True, **options})


def test_nothing_is_called_where_nothing_changed():
    order = Order.from_db(STORED)
    assert changes_of(order) == {}
    assert (order.email, order.home.city, order.slug) == ("NOBODY ELSE", "lyon", None)
    assert changes_of(order) == {}  # now that it was read


def test_of_a_loaded_instance_the_changed_fields_are_cleaned_and_then_the_whole():
    order = Order.from_db(STORED)
    order.high = 5
    changes = changes_of(order)
    assert changes.pop("updated")
    assert changes == {"high": {"N": "5"}, "slug": {"S": "1-5"}}
    assert order.email == "NOBODY ELSE"  # not cleaned: it did not change

    order = Order.from_db(STORED)
    order.email = " ANN"
    assert changes_of(order)["e"] == {"S": "ann"}

    order = Order.from_db(STORED)
    order.low = 3
    assert errors_of(changes_of, order) == {
        "low": ["it is above high"],
        "": ["the bounds are crossed"],
    }
    assert set(changes_of(order, validate=False)) == {"low", "updated"}


def test_a_document_that_changed_is_cleaned_in_a_loaded_instance():
    order = Order.from_db(STORED)
    order.home.zip = "1"
    assert errors_of(changes_of, order) == {"home.zip": ["French ones have five digits"]}
    order.home.zip = "75001"
    assert changes_of(order)["home"] == {"M": {"city": {"S": "Lyon"}, "z": {"S": "75001"}}}


def test_what_clean_changes_in_another_field_is_checked_too_and_it_may_be_mended():
    class Test(Model):
        k = CharField(hash_key=True)
        n = IntegerField()
        m = IntegerField(max_value=10)

        def clean(self):
            self.m = self.n * 2

    test = Test.from_db({"k": {"S": "a"}})
    test.n = 6
    assert errors_of(changes_of, test) == {"m": ["12 is greater than max_value 10"]}
    test.n = 5
    assert changes_of(test) == {"n": {"N": "5"}, "m": {"N": "10"}}


def test_a_clean_field_can_undo_a_change():
    order = Order.from_db({**STORED, "e": {"S": "ann"}, "slug": {"S": "1-2"}})
    order.email = " ANN "
    assert changes_of(order) == {}


def test_of_a_partial_instance_what_was_not_fetched_is_not_judged():
    order = Order._load_partially(frozenset({"k", "low", "high"}))(
        b'{"k":{"S":"a"},"low":{"N":"1"},"high":{"N":"2"}}'
    )
    order.full_clean()
    order.high = 5
    assert set(changes_of(order)) >= {"high", "slug"}


def test_a_rule_over_what_was_not_fetched_says_what_to_load():
    order = Order._load_partially(frozenset({"k", "high"}))(b'{"k":{"S":"a"},"high":{"N":"2"}}')
    order.high = 5
    with pytest.raises(FieldNotLoaded) as caught:
        changes_of(order)
    assert str(caught.value).startswith(
        "Order.clean() reads a field that was not fetched: Order.low was not"
    )
    assert "refresh_from_db()" in str(caught.value)
    assert "validate=False" in str(caught.value)
    assert changes_of(order, validate=False)["high"] == {"N": "5"}


def test_what_cannot_be_read_is_left_alone():
    order = Order.from_db({**STORED, "e": {"N": "7"}})
    order.full_clean(exclude=["lines"])
    order.high = 7
    assert "e" not in changes_of(order)


# -- documents -----------------------------------------------------------------------------------


def test_documents_in_a_model_without_methods_are_cleaned():
    plain = Plain(k="a", home=Address(city=" lyon"))
    assert encode_fields(plain, adding=True)["home"]["M"]["city"] == {"S": "Lyon"}
    assert errors_of(partial(encode_item, Plain(k="a", home=Address(city="Nowhere")))) == {
        "home.city": ["there is no such city"]
    }


def test_a_narrower_document_is_cleaned_by_its_own_methods():
    class Base(Document):
        a = CharField()

    class Test(Model):
        k = CharField(hash_key=True)
        held = ListField(Base)

    class Narrow(Base):
        def clean_a(self, value):
            raise ValueError("narrow")

    assert errors_of(partial(encode_item, Test(k="a", held=[Base(a="b"), Narrow(a="b")]))) == {
        "held[1].a": ["narrow"]
    }


def test_documents_in_documents_are_cleaned():
    class Parcel(Document):
        to = EmbeddedField(Address)

    class Post(Model):
        k = CharField(hash_key=True)
        parcels = ListField(Parcel)

    post = Post(k="a", parcels=[Parcel(to=Address(city="Nowhere"))])
    assert errors_of(post.full_clean) == {"parcels[0].to.city": ["there is no such city"]}
    assert errors_of(post.parcels[0].full_clean) == {"to.city": ["there is no such city"]}


def test_a_document_that_nobody_touched_is_not_read():
    plain = Plain.from_db({"k": {"S": "a"}, "home": {"M": {"city": {"S": "Nowhere"}}}})
    plain.n = 1
    assert changes_of(plain) == {"n": {"N": "1"}}
    home = plain.home
    assert make_put(plain, table="t").item
    assert not home._decoded


def test_the_value_of_an_update_is_cleaned_as_far_as_it_is_documents():
    errors = {}
    wire = clean_value(Plain.home, Address(city=" lyon"), errors)
    assert (wire, errors) == ({"M": {"city": {"S": "Lyon"}, "country": {"S": "FR"}}}, {})
    assert clean_value(Plain.n, 4, errors) is not None
    clean_value(Plain.home, Address(city="Nowhere", zip="1"), errors)
    assert errors == {
        "n": ["4 is greater than max_value 3"],
        "home.city": ["there is no such city"],
        "home.zip": ["French ones have five digits"],
    }


def test_comparing_with_a_document_cleans_nothing():
    assert Plain.home.encode(Address(city="lyon"))["M"]["city"] == {"S": "lyon"}


# -- inheritance and definitions -----------------------------------------------------------------


def test_methods_are_inherited_and_super_can_be_called():
    class Mixin:
        def clean_email(self, value):
            return lower(value)

        def clean_phone(self, value):
            return value

        def clean(self):
            super().clean()
            self.seen = ["mixin"]

    class Base(Mixin, Model):
        class Meta:
            abstract = True

        email = CharField(hash_key=True)

        def clean_note(self, value):  # a field of some subclasses
            return f"{value}!"

        def clean(self):
            super().clean()
            self.seen.append("base")

    class With(Base):
        note = CharField()

        def clean(self):
            super().clean()
            self.seen.append("with")

    class Without(Base):
        clean_email = None

    instance = With(email="ANN", note="a")
    instance.full_clean()
    assert (instance.email, instance.note, instance.seen) == (
        "ann",
        "a!",
        ["mixin", "base", "with"],
    )
    other = Without(email="ANN")
    other.full_clean()
    assert (other.email, other.seen) == ("ANN", ["mixin", "base"])


def test_static_and_class_methods_and_the_key_that_is_given_will_do():
    class Test(Model):
        a = CharField()
        b = CharField()

        @staticmethod
        def clean_a(value):
            return value + "1"

        @classmethod
        def clean_b(cls, value):
            return value + cls.__name__

        def clean_id(self, value):
            return value

        def clean_up(self):
            """Not of a field, since it takes no value."""

    test = Test(a="a", b="b")
    test.full_clean()
    assert (test.a, test.b) == ("a1", "bTest")


def test_a_field_that_is_called_so_is_a_field():
    class Test(Model):
        k = CharField(hash_key=True)
        clean_k = CharField()

    assert encode_fields(Test(k="a", clean_k="b"), adding=True)["clean_k"] == {"S": "b"}


def takes_nothing(self):
    return None


def takes_two(self, value, other):
    return value


def takes_a_keyword(self, value, *, other):
    return value


def takes_value(self, value):
    return value


async def is_awaited(self, value):
    return value


async def cleans_awaited(self):
    return None


def yields(self, value):
    yield value


def returns_none(self, value) -> None:
    return None


DEFINITIONS = [
    ({"clean_emial": takes_value}, "Test.clean_emial() would never be called: there is no field emial"),
    ({"clean_email": takes_nothing}, "write def clean_email(self, value)"),
    ({"clean_email": takes_two}, "write def clean_email(self, value)"),
    ({"clean_email": takes_a_keyword}, "write def clean_email(self, value)"),
    ({"clean_email": is_awaited}, "Test.clean_email() is a coroutine or a generator"),
    ({"clean_email": yields}, "Test.clean_email() is a coroutine or a generator"),
    ({"clean_email": returns_none}, "return the value to keep, or the field becomes None"),
    ({"clean": takes_value}, "Test.clean() is called without arguments: write def clean(self)"),
    ({"clean": cleans_awaited}, "Test.clean() is a coroutine or a generator"),
    ({"clean": True}, "Test.clean is True: clean() is the method that checks several fields together"),
    ({"clean": CharField()}, "Test.clean would hide {}.clean: rename the field, and keep the attribute by name='clean'"),
    ({"full_clean": CharField()}, "Test.full_clean would hide {}.full_clean: rename the field"),
]  # fmt: skip


@pytest.mark.parametrize("base", [Model, Document])
@pytest.mark.parametrize(("members", "said"), DEFINITIONS, ids=range(len(DEFINITIONS)))
def test_a_method_that_cannot_be_meant_so_is_told_with_the_class(members, said, base):
    with pytest.raises(ModelDefinitionError) as caught:
        type("Test", (base,), {"email": CharField(), **members})
    assert said.format(base.__name__) in str(caught.value)


def test_only_models_without_a_key_have_an_id_to_clean():
    assert type("Test", (Model,), {"clean_id": takes_value})
    with pytest.raises(ModelDefinitionError, match="there is no field id"):
        type("Test", (Model,), {"clean_id": takes_value, "k": CharField(hash_key=True)})
    with pytest.raises(ModelDefinitionError, match="there is no field id"):
        type("Test", (Document,), {"clean_id": takes_value})


def test_a_field_that_is_added_later_gets_its_method_too():
    class Base(Model):
        class Meta:
            abstract = True

        k = CharField(hash_key=True)

        def clean_later(self, value):
            return value + "!"

    class Test(Base):
        pass

    assert encode_item(Test(k="a"))
    Test.add_field("later", CharField())
    assert encode_fields(Test(k="a", later="x"), adding=True)["later"] == {"S": "x!"}


def test_a_class_without_methods_is_found_so_once():
    assert encode_item(Order(k="a"))
    assert not Order._fieldset._clean_hooks.is_empty
    fields = type("Test", (Model,), {"k": CharField(hash_key=True)})
    assert encode_item(fields(k="a"))
    assert fields._fieldset._clean_hooks.is_empty


def test_validate_false_calls_nothing():
    item = encode_fields(
        Order(k="a", email="nobody", low=11, home=Address(city="Nowhere")),
        adding=True,
        validate=False,
    )
    assert item["e"] == {"S": "nobody"}
    assert item["home"]["M"]["city"] == {"S": "Nowhere"}


# -- sizes ---------------------------------------------------------------------------------------


def test_the_largest_fields_are_named_with_their_bytes():
    wires = encode_fields(Order(k="a", email="x" * 9, slug="y" * 4), adding=True, validate=False)
    wires["other"] = {"S": "z" * 20}
    assert describe_largest(Order(k="a"), wires) == (
        "updated (39 bytes), other (25 bytes), email (10 bytes)"
    )
    assert issubclass(ItemTooLarge, ValidationError)
