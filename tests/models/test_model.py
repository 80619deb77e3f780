"""What is declared wrongly raises when the class is made, and says which class, which field, and the mend."""

from __future__ import annotations

import enum
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest

from dynamodb_py import (
    BinaryField,
    BooleanField,
    CharField,
    CounterField,
    DateField,
    DateTimeField,
    DecimalField,
    DictField,
    Document,
    EmbeddedField,
    EnumField,
    Field,
    FloatField,
    GlobalIndex,
    IntegerField,
    ListField,
    LocalIndex,
    MapField,
    Model,
    ModelDefinitionError,
    SetField,
    TimeDeltaField,
    TimeField,
    TimestampField,
    UUIDField,
)


class Empty(enum.Enum):
    pass


class Colour(enum.Enum):
    RED = "r"


class Address(Document):
    city = CharField()


class Abstract(Model):
    class Meta:
        abstract = True


class NoKind(Field[int]):
    pass


def define(base=Model, /, **members):
    """Make a class called Test; a model gets the key ``k`` where it says none."""
    return type("Test", (base,), members)


def meta(**message):
    return type("Meta", (), message)


K = CharField(hash_key=True)

KEYS = [
    ({"a": CharField(hash_key=True), "b": CharField(hash_key=True)},
     "Test has 2 hash keys, a and b: keep hash_key=True on one"),
    ({"k": K, "a": CharField(range_key=True), "b": CharField(range_key=True)},
     "Test has 2 range keys, a and b: keep range_key=True on one"),
    ({"a": IntegerField(range_key=True)},
     "Test.a is a range key, but there is no hash key: declare one field with hash_key=True"),
    ({"a": CharField(hash_key=True, range_key=True)},
     "Test.a: it cannot be both hash_key and range_key: declare two fields, or drop one"),
    ({"id": CharField(), "a": CharField()},
     "Test has a field id but no key: give one field hash_key=True"),
    ({"a": CharField(hash_key=True, null=True)},
     "Test.a: a key always has a value: drop null=True"),
    ({"k": K, "a": DateTimeField(range_key=True, auto_now=True)},
     "Test.a: an item's key cannot change: use auto_now_add=True"),
    ({"a": CharField(hash_key=True, name="n" * 256)},
     "Test: the attribute 'nnnnnnnnnnnnnnnnnnnn'... is a key, and the name of a key has at most 255 bytes: "
     "give the field a shorter name="),
    *[
        ({"k": K, "a": field},
         f"Test.a: {type(field).__name__} cannot be the range key: DynamoDB's keys are text, "
         "numbers or bytes; use a CharField, a number field, a BinaryField, or another field that is "
         "stored as text, a number or bytes")
        for field in (BooleanField(range_key=True), ListField(range_key=True),
                      DictField(range_key=True), SetField(range_key=True),
                      EmbeddedField(Address, range_key=True), MapField({}, range_key=True))
    ],
    ({"a": BooleanField(hash_key=True)},
     "Test.a: BooleanField cannot be the hash key: DynamoDB's keys are text, numbers or bytes; use "
     "a CharField, a number field, a BinaryField, or another field that is stored as text, a number or bytes"),
]  # fmt: skip

NAMES = [
    *[
        ({"k": K, name: CharField()},
         f"Test.{name} would hide Model.{name}: rename the field, and keep the attribute by name='{name}'")
        for name in ("save", "objects", "delete", "get", "create", "extra", "persisted", "to_dict",
                     "from_db", "refresh_from_db", "incr", "asave", "batch_get", "DoesNotExist",
                     "primary_key", "class_prepared")
    ],
    *[
        ({"k": K, name: CharField()},
         f"Test.{name}: a field's name has no underscore at its start or end, and no two in a row, "
         f"which separate lookups: rename it, and keep the attribute by name='{name}'")
        for name in ("_private", "class_", "a__b", "__x")
    ],
    ({"k": K, "a": CharField(name="x"), "b": CharField(name="x")},
     "Test: the fields a and b are both stored as 'x': give one of them another name="),
    ({"k": K, "a": CharField(name="k")},
     "Test: the fields k and a are both stored as 'k': give one of them another name="),
    ({"a": CharField(name="id")},
     "Test: the fields id and a are both stored as 'id': give one of them another name="),
    ({"k": K, "a": CharField(name="")},
     "Test.a: name='': it takes the attribute's name in DynamoDB, a text that is not empty"),
    ({"k": K, "a": CharField(name=5)},
     "Test.a: name=5: it takes the attribute's name in DynamoDB, a text that is not empty"),
    ({"k": K, "a": IntegerField},
     "Test.a is the class IntegerField: write IntegerField()"),
    ({"k": K, "a": NoKind()},
     "Test.a: NoKind has no kind of attribute: give the class a kind, one of S, N, B, BOOL, "
     "M, L, SS, NS, BS"),
]  # fmt: skip

NO_INT = "is a str, not an int: convert it with int() or round()"

OPTIONS = [
    (IntegerField(default="x"), f"default='x' cannot be stored: 'x' {NO_INT}"),
    (IntegerField(default=True), "default=True cannot be stored: True is a bool, not an int: convert it with int() or round()"),
    (IntegerField(default=7.5), "default=7.5 cannot be stored: 7.5 is a float, not an int: convert it with int() or round()"),
    (IntegerField(default=9, max_value=5), "default=9 cannot be stored: 9 is greater than max_value 5"),
    (IntegerField(default="x", max_value=5), f"default='x' cannot be stored: 'x' {NO_INT}"),
    (CharField(default="no", choices=["yes"]), "default='no' cannot be stored: 'no' is not one of 'yes'"),
    (CharField(default="no", validators=str.isupper), "default='no' cannot be stored: 'no' is refused by isupper"),
    (CharField(range_key=True, default=""), "default='' cannot be stored: it is empty, which DynamoDB allows everywhere but in a key"),
    (FloatField(default=float("nan")), "default=nan cannot be stored: NaN is not a number that DynamoDB can hold"),
    (DecimalField(default=0.1), "default=0.1 cannot be stored: 0.1 is a float, not a Decimal: write Decimal('0.1')"),
    (ListField(default={}), "default={} cannot be stored: {} is a dict, not a list"),
    (ListField(int, default=["a"]), f"default=['a'] cannot be stored: 'a' {NO_INT}"),
    (DictField(default=[]), "default=[] cannot be stored: [] is a list, not a dict"),
    (SetField(default=["a"]), "default=['a'] cannot be stored: ['a'] is a list, not a set"),
    (EnumField(Colour, default="r"), "default='r' cannot be stored: 'r' is a str, not a member of Colour"),
    (CharField(choices=[]), "choices= is empty: no value could ever be stored"),
    (IntegerField(choices=["1"]), f"choices='1' cannot be stored: '1' {NO_INT}"),
    (IntegerField(choices=[("1", "one")]), f"choices='1' cannot be stored: '1' {NO_INT}"),
    (CharField(validators=[5]), "validators= holds 5: it takes callables of one argument"),
    (IntegerField(min_value="1"), f"min_value='1' cannot be stored: '1' {NO_INT}"),
    (DecimalField(max_value=0.5), "max_value=0.5 cannot be stored: 0.5 is a float, not a Decimal: write Decimal('0.5')"),
    (DateField(min_value=datetime(2026, 1, 1)), "min_value=datetime.datetime(2026, 1, 1, 0, 0) cannot be stored: datetime.datetime(2026, 1, 1, 0, 0) is a datetime, not a date: take its .date()"),
    (IntegerField(min_value=5, max_value=1), "min_value=5 is greater than max_value=1, or cannot be compared with it: no value could be stored"),
    (CharField(min_length=5, max_length=1), "min_length=5 is greater than max_length=1, or cannot be compared with it: no value could be stored"),
    (CharField(max_length=-1), "max_length=-1: a length is an int of 0 or more"),
    (CharField(max_length="5"), "max_length='5': a length is an int of 0 or more"),
    (CharField(min_length=True), "min_length=True: a length is an int of 0 or more"),
    *[(field(min_value=1), f"min_value= means nothing for {field.__name__}: leave it out") for field in (CharField, BooleanField, BinaryField, UUIDField, ListField, DictField, SetField)],
    *[(field(max_length=1), f"max_length= means nothing for {field.__name__}: leave it out") for field in (IntegerField, FloatField, BooleanField, UUIDField, DateTimeField, DateField, TimeDeltaField)],
    (EnumField(Colour, max_length=1), "max_length= means nothing for EnumField: leave it out"),
    (EmbeddedField(Address, max_length=1), "max_length= means nothing for EmbeddedField: leave it out"),
    *[(field(auto_now=True, auto_now_add=True), "auto_now sets it on every save, auto_now_add on the first: keep one of them") for field in (DateTimeField, DateField, TimestampField)],
    (DateTimeField(auto_now=True, default=datetime(2026, 1, 1)), "auto_now and auto_now_add give the value themselves: drop default="),
    (DateField(auto_now_add=True, default=date.today), "auto_now and auto_now_add give the value themselves: drop default="),
    (DateTimeField(tz="Nowhere"), "tz='Nowhere' is not a time zone: name one of pytz.all_timezones"),
    (TimeDeltaField(storage="hours"), "storage='hours': it takes \"iso\" or \"seconds\""),
    (EnumField(Empty), "EnumField takes an Enum class with members, not <enum 'Empty'>"),
    (EnumField(int), "EnumField takes an Enum class with members, not <class 'int'>"),
    (EnumField(["a"]), "EnumField takes an Enum class with members, not ['a']"),
    (EmbeddedField(int), "EmbeddedField takes a Document class, not <class 'int'>"),
    (EmbeddedField("Address"), "EmbeddedField takes a Document class, not 'Address'"),
    (EmbeddedField(Address()), "EmbeddedField takes a Document class, not Address()"),
    (SetField(ListField()), "a set holds texts, numbers or bytes, not ListField: use a ListField"),
    (SetField(bool), "a set holds texts, numbers or bytes, not BooleanField: use a ListField"),
    (SetField(Address), "a set holds texts, numbers or bytes, not EmbeddedField: use a ListField"),
    (SetField(None), "a set needs a type of elements: SetField(str), SetField(int), ..."),
    *[(field, f"of={field.of!r}: it takes a field, one of str, int, float, bool, bytes, Decimal, a Document class or a Model class") for field in (ListField(object), ListField([int]), ListField("int"), DictField(date), SetField(list))],
    (MapField({"a": object}), "the schema has 'a': <class 'object'>: it takes texts as keys, and fields or types as values"),
    (MapField({5: CharField()}), "the schema has 5: <CharField CharField>: it takes texts as keys, and fields or types as values"),
    (MapField(5), "MapField takes a dict of fields by key, not 5"),
]  # fmt: skip

INSIDE = [
    (ListField(CharField(hash_key=True)), "n[]", "a key is an attribute of the item: it cannot be inside another"),
    (MapField({"a": CharField(range_key=True)}), "n.a", "a key is an attribute of the item: it cannot be inside another"),
    (DictField(CharField(name="x")), "n[]", "name= means nothing inside a DictField: leave it out"),
    (MapField({"a": CharField(name="x")}), "n.a", "name= means nothing inside a MapField: leave it out"),
    (ListField(IntegerField(default=3)), "n[]", "default= means nothing inside a ListField: leave it out, or declare a Document"),
    (MapField({"a": IntegerField(default=0)}), "n.a", "default= means nothing inside a MapField: leave it out, or declare a Document"),
    (MapField({"a": DateTimeField(auto_now=True)}), "n.a", "a DateTimeField can set itself in a model or a Document, not inside a MapField: declare a Document"),
    (ListField(IntegerField(max_length=3)), "n[]", "max_length= means nothing for IntegerField: leave it out"),
    (ListField(ListField(EnumField(Empty))), "n[][]", "EnumField takes an Enum class with members, not <enum 'Empty'>"),
]  # fmt: skip


def told(base=Model, /, **members):
    with pytest.raises(ModelDefinitionError) as caught:
        define(base, **members)
    return str(caught.value)


@pytest.mark.parametrize(("members", "message"), KEYS, ids=range(len(KEYS)))
def test_keys_that_cannot_be_are_told(members, message):
    assert told(**members) == message


@pytest.mark.parametrize(("members", "message"), NAMES, ids=range(len(NAMES)))
def test_names_that_cannot_be_are_told(members, message):
    assert told(**members) == message


@pytest.mark.parametrize(("field", "message"), OPTIONS, ids=range(len(OPTIONS)))
def test_options_that_cannot_be_are_told_of_models_and_of_documents(field, message):
    if not field.range_key:
        assert told(Document, n=field) == f"Test.n: {message}"
    assert told(k=K, n=field) == f"Test.n: {message}"


@pytest.mark.parametrize(("field", "where", "message"), INSIDE, ids=range(len(INSIDE)))
def test_what_a_field_cannot_be_inside_another_is_told(field, where, message):
    assert told(k=K, n=field) == f"Test.{where}: {message}"


META = [
    (meta(tabel_name="x"), "Test.Meta.tabel_name is unknown: Meta takes table_name, abstract, using, indexes, billing_mode, read_capacity, write_capacity"),
    (meta(table_name=5), "Test: the table's name is a str"),
    (meta(indexes=GlobalIndex("i", hash_key="k")), "Test.Meta.indexes is <GlobalIndex i>: it takes a list of indexes"),
    (meta(indexes=["k"]), "Test.Meta.indexes holds 'k': it takes GlobalIndex and LocalIndex"),
    (meta(indexes=[GlobalIndex("by_x", hash_key="x")]), "Test: index 'by_x': hash_key: there is no field 'x': the fields are k, r, n, t"),
    (meta(indexes=[GlobalIndex("by_t", hash_key="t")]), "Test: index 'by_t': hash_key: 't' is stored as SS, and a key is text, a number or bytes (S, N or B): choose a field of one of these types"),
    (meta(indexes=[GlobalIndex(hash_key="n")]), "Test: an index has no name: give it one as the first argument, or as an attribute"),
    (meta(indexes=[GlobalIndex("i_n", hash_key="n"), GlobalIndex("i_n", hash_key="n")]), "Test: index 'i_n': 2 indexes have this name: give each one of its own"),
    (meta(indexes=[LocalIndex("i_r", range_key="r")]), "Test: index 'i_r': its range_key 'r' is the table's own range key: choose another field"),
    (meta(read_capacity=5), "a provisioned table needs both read_capacity and write_capacity"),
    (meta(read_capacity=0, write_capacity=1), "0"),
    (meta(billing_mode="CHEAP"), "CHEAP"),
    (meta(billing_mode="PROVISIONED"), "a provisioned table needs both read_capacity and write_capacity"),
    ({"table_name": "x"}, "Test.Meta is {'table_name': 'x'}: write class Meta: ..."),
]  # fmt: skip


@pytest.mark.parametrize(("Meta", "message"), META, ids=range(len(META)))
def test_a_meta_that_cannot_be_is_told(Meta, message):
    found = told(k=K, r=IntegerField(range_key=True), n=IntegerField(), t=SetField(), Meta=Meta)
    assert message in found
    assert found.startswith("Test")


def test_a_local_index_needs_a_range_key():
    message = "Test: index 'i_n': a local index needs a table with a range key: give the model one, or declare a GlobalIndex"
    assert (
        told(k=K, n=IntegerField(), Meta=meta(indexes=[LocalIndex("i_n", range_key="n")]))
        == message
    )


@pytest.mark.parametrize("key", [CharField(hash_key=True), IntegerField(range_key=True)])
def test_a_document_has_no_keys(key):
    assert told(Document, a=key) == "Test.a: a document has no key: declare it in the model"


def test_a_document_has_no_templates():
    message = "Test.a: its template makes a key, and a document has none: declare it in the model"
    assert told(Document, b=CharField(), a=CharField(template="X#{b}")) == message


@pytest.mark.parametrize("name", ["extra", "from_db", "from_dict", "to_dict"])
def test_a_field_of_a_document_hides_nothing_of_it(name):
    message = f"Test.{name} would hide Document.{name}: rename the field, and keep the attribute by name='{name}'"
    assert told(Document, **{name: CharField()}) == message
    assert define(Document, save=CharField()).save.name == "save"  # what only models have


@pytest.mark.parametrize("model", [Model, Abstract])
def test_an_abstract_model_cannot_be_referred_to(model):
    with pytest.raises(ModelDefinitionError) as caught:
        ListField(model)
    assert str(caught.value) == (
        f"{model.__name__} is abstract, so it has no items: refer to one of its subclasses"
    )


def test_an_unknown_option_of_a_field_is_a_type_error():
    with pytest.raises(TypeError, match="max_len"):
        CharField(max_len=5)


def test_what_could_be_taken_for_a_mistake_is_none():
    class Test(Model):
        a = CharField(hash_key=True, default="x", max_length=0x10)
        b = IntegerField(range_key=True, required=True, choices=[(1, "one"), (2, "two")])
        c = TimeField(min_value=time(9), max_value=time(9), default=time(9))
        d = DecimalField(min_value=0, max_value=Decimal("0.5"), default=Decimal("0.5"))
        e = FloatField(min_value=0, max_value=0.5, default=0)
        f = TimeDeltaField(storage="seconds", max_value=timedelta(1))
        g = MapField({"hits": CounterField()}, default=dict)
        h = ListField(ListField(Address), default=[[Address(city="Lyon")]])
        i = CharField(choices=("a",), validators=(), null=True, required=True)
        j = DateTimeField(
            min_value=datetime(2026, 1, 1), max_value=datetime(2027, 1, 1, tzinfo=timezone.utc)
        )
        save_ = None

    assert Test().h[0][0].city == "Lyon"
