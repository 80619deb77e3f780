"""Meta, the older spelling, inheritance, and what ``Model._meta`` knows."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    BooleanField,
    CharField,
    Document,
    Field,
    GlobalIndex,
    IntegerField,
    LocalIndex,
    Model,
    ModelDefinitionError,
    UUIDField,
    ValidationError,
)
from dynamodb_py.models.persistence.stored import encode_item


class Test(Model):
    __test__ = False
    __table_name__ = "test"
    ReadCapacityUnits = 100
    WriteCapacityUnits = 120

    name = CharField(name="n", hash_key=True)
    score = IntegerField(range_key=True)
    wins = IntegerField()


class Score(Model):
    class Meta:
        table_name = "scores"
        using = "replica"
        billing_mode = "PROVISIONED"
        read_capacity = 5
        write_capacity = 6
        indexes = [GlobalIndex("by_title", hash_key="title", range_key="points")]

    user = CharField(hash_key=True)
    title = CharField(range_key=True)
    points = IntegerField(name="p")
    by_points = LocalIndex(range_key="points")


class Code(Field[str, str]):
    """Refuses some texts as keys; *late* looks at a key's bytes first, as Field does."""

    kind = "S"

    def __init__(self, *, late=False, **more):
        super().__init__(**more)
        self.late = late

    def find_key_problem(self, wire, /):
        usual = super().find_key_problem(wire) if self.late else None
        if usual is None and wire["S"].endswith("13"):
            return "it is cursed"
        return usual or super().find_key_problem(wire)


class Room(Model):
    house = Code(hash_key=True)
    floor = Code(range_key=True)
    guest = Code()
    late = Code(late=True)
    bed = Code()

    by_guest = GlobalIndex(hash_key="guest", range_key="bed")
    by_late = GlobalIndex(hash_key="late", range_key="bed")
    by_bed = LocalIndex(range_key="bed")


def schema(model):
    found = model._meta.schema
    return (found.name, found.billing_mode, found.read_capacity, found.write_capacity)


def test_the_older_spelling_says_the_same_as_meta():
    assert schema(Test) == ("test", "PROVISIONED", 100, 120)
    assert schema(Score) == ("scores", "PROVISIONED", 5, 6)
    assert Score._meta.using == "replica"


def test_a_table_is_called_as_its_class_and_billed_on_demand_by_default():
    class Plain(Model):
        k = CharField(hash_key=True)

    assert schema(Plain) == ("Plain", "PAY_PER_REQUEST", None, None)


def test_a_model_without_a_key_gets_a_random_uuid():
    class Plain(Model):
        text = CharField()

    one, other = Plain(text="a"), Plain(text="a")
    assert isinstance(one.id, uuid.UUID)
    assert one.id != other.id
    assert one.id.version == 4
    assert Plain._meta.hash_key is Plain.id
    assert (Plain._meta.schema.hash_key.name, Plain._meta.schema.hash_key.type) == ("id", "S")
    assert [field.name for field in Plain._meta.fields] == ["id", "text"]
    assert isinstance(Plain.id, UUIDField)


def test_meta_knows_fields_keys_and_indexes():
    meta = Score._meta
    assert [field.name for field in meta.fields] == ["user", "title", "points"]
    assert (meta.hash_key.name, meta.range_key.name) == ("user", "title")
    assert [field.name for field in meta.keys] == ["user", "title"]
    assert meta.get_field("points").attribute == "p"
    assert sorted(index.name for index in meta.indexes) == ["by_points", "by_title"]
    assert {key.name for index in meta.schema.indexes for key in index.range_key} == {"p"}
    assert (meta.model, meta.name, repr(meta)) == (Score, "Score", "<Options of Score>")
    with pytest.raises(TypeError, match="Score has no field p: its fields are user, title, points"):
        meta.get_field("p")


# -- inheritance ---------------------------------------------------------------------------------


class Stamped:
    """A mixin that is no model."""

    made_by = CharField(default="me")


class Base(Model):
    class Meta:
        abstract = True
        table_name = "base"
        billing_mode = "PROVISIONED"
        read_capacity = 1
        write_capacity = 2
        using = "replica"

    k = CharField(hash_key=True)
    n = IntegerField(default=1)
    by_n = GlobalIndex("by_n", hash_key="n")


class Child(Stamped, Base):
    n = IntegerField(default=2, name="number")
    extra_field = BooleanField()


class Grandchild(Child):
    class Meta:
        table_name = "grand"
        read_capacity = 9

    by_n = None
    made_by = None


def names(model):
    return [field.name for field in model._meta.fields]


def test_fields_and_indexes_are_inherited_and_can_be_replaced_and_dropped():
    assert set(names(Child)) == {"k", "n", "made_by", "extra_field"}
    assert Child().n == 2
    assert Child.n.attribute == "number"
    assert Child.n.label == "Child.n"
    assert Base.n.label == "Base.n"
    assert [index.name for index in Child._meta.indexes] == ["by_n"]
    assert Child._meta.schema.indexes[0].hash_key[0].name == "number"
    assert set(names(Grandchild)) == {"k", "n", "extra_field"}
    assert (Grandchild._meta.indexes, Grandchild.made_by) == ([], None)
    with pytest.raises(TypeError, match="Grandchild has no field made_by"):
        Grandchild(made_by="x")


def test_meta_is_inherited_but_for_the_tables_name_and_being_abstract():
    assert schema(Child) == ("Child", "PROVISIONED", 1, 2)
    assert schema(Grandchild) == ("grand", "PROVISIONED", 9, 2)
    assert Grandchild._meta.using == "replica"


def test_a_meta_class_may_inherit_from_any_class():
    class Common:
        table_name = "common"
        using = "replica"

    class One(Model):
        class Meta(Common):
            using = "other"

        k = CharField(hash_key=True)

    class Two(Base):
        class Meta(Base.Meta):
            read_capacity = 3

    assert (One._meta.table_name, One._meta.using) == ("common", "other")
    assert schema(Two) == ("Two", "PROVISIONED", 3, 2)  # neither abstract nor of Base's table


def test_the_key_of_a_base_class_is_inherited_the_default_one_too():
    class Plain(Model):
        text = CharField()

    class More(Plain):
        number = IntegerField()

    assert set(names(More)) == {"id", "text", "number"}
    assert Plain.from_db({"id": {"S": str(uuid.UUID(int=1))}}).id == uuid.UUID(int=1)


def test_mixins_of_a_diamond_count_by_the_order_of_the_classes():
    class Left(Base):
        class Meta:
            abstract = True

        n = IntegerField(default=10)

    class Right(Base):
        class Meta:
            abstract = True

        n = IntegerField(default=20)
        side = CharField(default="right")

    class Both(Left, Right):
        pass

    assert (Both().n, Both().side) == (10, "right")


def test_one_field_object_may_stand_for_several_attributes():
    shared = CharField(default="x")

    class Own(Model):
        k = CharField(hash_key=True)
        a = shared
        b = shared

    assert (Own(k="k", b="y").a, Own.a.attribute, Own.b.attribute) == ("x", "a", "b")


ASKED = {
    "query": lambda model: model.objects.all().operation(),
    "positions": lambda model: model("a"),
    "save": lambda model: model().save(),
    "get": lambda model: model.objects.get("a"),
    "hash": lambda model: hash(model()),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_an_abstract_model_has_no_table(ask):
    class Below(Child):  # abstract, though a base class is not
        class Meta:
            abstract = True

    for model in (Base, Below, Model):
        with pytest.raises(TypeError, match=f"{model.__name__} is abstract, so it has no table"):
            ask(model)


def test_a_class_is_told_when_it_is_complete():
    seen = []

    class Registered(Model):
        class Meta:
            abstract = True

        @classmethod
        def class_prepared(cls):
            seen.append((cls.__name__, cls._meta.table_name))

    class One(Registered):
        pass

    class Two(One):
        pass

    assert seen == [("One", "One"), ("Two", "Two")]


def test_documents_inherit_fields_too():
    class Line(Document):
        text = CharField()
        qty = IntegerField(default=1)

    class Priced(Line):
        qty = None
        price = IntegerField(default=5)

    assert Priced(text="a").to_dict() == {"text": "a", "price": 5}


# -- fields that are added later -----------------------------------------------------------------


def test_a_field_can_be_added_to_a_complete_class():
    class Own(Model):
        k = CharField(hash_key=True)

    assert Own.from_db({"k": {"S": "a"}, "late": {"N": "1"}}).k == "a"  # its reader is compiled
    Own.add_field("late", IntegerField(default=0))
    assert names(Own) == ["k", "late"]
    assert (Own(k="a").late, Own.from_db({"k": {"S": "a"}, "late": {"N": "1"}}).late) == (0, 1)


@pytest.mark.parametrize(
    ("name", "field", "message"),
    [
        ("save", CharField(), "Own.save would hide Model.save"),
        ("a__b", CharField(), "no two in a row"),
        ("other", CharField(hash_key=True), "Own has 2 hash keys, k and other"),
        ("other", IntegerField(default="x"), "Own.other: default='x' cannot be stored"),
        ("k", IntegerField(name="n"), "Own has a range key"),
    ],
)
def test_a_field_that_cannot_be_added_leaves_the_class_as_it_was(name, field, message):
    class Own(Model):
        k = CharField(hash_key=True)
        n = IntegerField()

    if message == "Own has a range key":
        message = "both stored as 'n'"
    with pytest.raises(ModelDefinitionError, match=message):
        Own.add_field(name, field)
    assert names(Own) == ["k", "n"]
    assert encode_item(Own(k="a", n=1)) == b'{"k":{"S":"a"},"n":{"N":"1"}}'
    assert callable(Own.save)


# -- keys ----------------------------------------------------------------------------------------

KEY = {"n": {"S": "a"}, "score": {"N": "0"}}


@pytest.mark.parametrize(
    "given", [{"name": "a", "score": 0}, ("a", 0), Test("a", 0), Test.from_db(KEY)]
)
def test_a_key_is_given_as_a_dict_a_pair_or_an_instance(given):
    assert Test._meta.key_of(given) == KEY
    assert list(Test._meta.key_of(given)) == ["n", "score"]


@pytest.mark.parametrize(
    ("args", "named", "message"),
    [
        ((), {}, "the key of Test is name and score, not nothing"),
        (("a",), {}, r"the key of Test is name and score, not name"),
        ((), {"name": "a"}, "the key of Test is name and score, not name"),
        ((), {"name": "a", "wins": 1}, "the key of Test is name and score, not name, wins"),
        ((), {"name": "a", "score": 1, "wins": 1}, "the key of Test is name and score, not name, score, wins"),
        (("a", 1, 2), {}, r"the key of Test is name and score, not \('a', 1, 2\)"),
        (("a",), {"score": 1}, r"the key of Test is name and score, not \('a',\) and \{'score': 1\}"),
    ],
)  # fmt: skip
def test_what_is_not_the_key_is_a_type_error(args, named, message):
    with pytest.raises(TypeError, match=message):
        Test._meta.key(args, named)


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        (("a", None), {"score": ["it is required: give it a value"]}),
        (("", 1), {"name": ["it is empty, which DynamoDB allows everywhere but in a key"]}),
        (("a", True), {"score": ["True is a bool, not an int: convert it with int() or round()"]}),
        ((5, 1), {"name": ["5 is an int, not text"]}),
    ],
)  # fmt: skip
def test_values_that_no_key_can_have_are_validation_errors(given, errors):
    with pytest.raises(ValidationError) as caught:
        Test._meta.key_of(given)
    assert (caught.value.errors, caught.value.model) == (errors, "Test")


CURSED = "it is cursed"


def too_long(limit, role):
    return f"it is longer than the {limit} bytes that a {role} key may have"


@pytest.mark.parametrize(
    ("attribute", "value", "problem"),
    [
        ("house", "12", None),
        ("house", "13", CURSED),
        ("house", "x" * 2048, None),
        ("house", "x" * 2049, too_long(2048, "hash")),
        ("floor", "13", CURSED),
        ("floor", "x" * 1025, too_long(1024, "range")),
        ("bed", "13", CURSED),
        ("bed", "x" * 1024, None),
        ("bed", "x" * 1025, too_long(1024, "range")),
        ("guest", "12", None),
        ("guest", "13", CURSED),
        ("guest", "x" * 2000 + "13", CURSED),
        ("guest", "x" * 2048, None),
        ("guest", "x" * 2049, too_long(2048, "hash")),
        ("guest", "\u00fc" * 1024, None),
        ("guest", "\u00fc" * 1025, too_long(2048, "hash")),
        ("guest", "", "it is empty, which DynamoDB allows everywhere but in a key"),
        ("late", "13", CURSED),
        ("late", "x" * 2000 + "13", CURSED),
        ("late", "x" * 2000, None),
    ],
)
def test_a_field_has_its_own_say_about_values_of_a_key(attribute, value, problem):
    question = {attribute: value}
    if attribute in ("floor", "bed"):
        question |= {"house": "a"}
    rows = Room.objects.filter(**question)
    if attribute in ("guest", "late"):
        rows = rows.index(f"by_{attribute}")
    if problem is None:
        rows.explain()
        return
    with pytest.raises(ValidationError) as raised:
        rows.explain()
    assert raised.value.errors == {attribute: [problem]}


def test_the_field_itself_stays_what_it_is():
    Room.by_guest.filter(guest="x" * 1500).explain()
    assert not Room._meta.get_field("guest").hash_key


def test_a_key_is_stored_and_checked_by_overridden_methods_of_its_field():
    class Capitals(CharField):
        def to_db(self, value, /):
            return value.upper()

    class Negative(IntegerField):
        def to_wire(self, value, depth=0, /):
            return super().to_wire(-value, depth)

    class Strict(CharField):
        def find_key_problem(self, wire, /):
            return "it is cursed" if wire["S"] == "13" else super().find_key_problem(wire)

    class Test(Model):
        name = Capitals(hash_key=True)
        score = Negative(range_key=True)

    class Other(Model):
        name = Strict(hash_key=True)

    assert Test._meta.key(("a", 5), {}) == {"name": {"S": "A"}, "score": {"N": "-5"}}
    with pytest.raises(ValidationError, match="it is cursed"):
        Other._meta.key(("13",), {})


KEY_VALUES = (
    st.text(max_size=8)
    | st.sampled_from([None, True, 1.5, b"x", "x" * 1024, "x" * 1025, "x" * 2049, "\ud800"])
    | st.integers()
    | st.sampled_from([10**38 - 1, 10**38, -(10**38)])
)


@given(KEY_VALUES, KEY_VALUES, st.booleans())
def test_the_compiled_key_is_what_each_field_makes_of_its_value(name, score, in_order):
    meta = Test._meta

    def outcome(encode):
        try:
            return encode()
        except ValidationError as error:
            return str(error)

    values = {"name": name, "score": score}
    expected = outcome(lambda: {f.attribute: meta.key_value(f, values[f.name]) for f in meta.keys})
    key = ((name, score), {}) if in_order else ((), values)
    assert outcome(lambda: meta.key(*key)) == expected
