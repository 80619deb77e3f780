"""Inheritance: what classes take from their bases, and several classes in one table by their kinds."""

from __future__ import annotations

import enum
import pickle
import warnings

import pytest

from dynamodb_py import (
    CharField,
    DateTimeField,
    EnumField,
    GlobalIndex,
    IntegerField,
    Model,
    ModelDefinitionError,
    Table,
    TimestampField,
    UnreadableValue,
    ValidationError,
    VersionField,
)
from dynamodb_py.codec import from_json
from dynamodb_py.models.fields.model_key import make_stub
from dynamodb_py.models.persistence.stored import encode_item, stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write
from dynamodb_py.models.queryset.execution import direct_query
from dynamodb_py.models.records.base import get_fetched_fields
from dynamodb_py.models.signals.events import post_init


class Animal(Model):
    class Meta:
        table_name = "animals"
        discriminator = "kind"

    id = CharField(hash_key=True)
    name = CharField()
    legs = IntegerField(default=4)


class Dog(Animal):
    class Meta:
        kind = "dog"

    bark = IntegerField()
    owner = CharField()
    by_owner = GlobalIndex(hash_key="owner")


class Puppy(Dog):
    weeks = IntegerField()


class Cat(Animal):
    class Meta:
        kind = "cat"

    lives = IntegerField(default=9)


def item(kind=None, **attributes):
    """Return an item as DynamoDB spells it."""
    message = {} if kind is None else {"kind": {"S": kind}}
    return {"id": {"S": "a"}, **message, **attributes}


def wires(instance):
    return from_json(encode_item(instance))


def filter_of(queryset):
    """Return the filter of what a query set would send, with its names and values in place."""
    payload = queryset.operation().payload()
    text = payload.get("FilterExpression", "")
    for short, name in payload.get("ExpressionAttributeNames", {}).items():
        text = text.replace(short, name)
    for short, value in payload.get("ExpressionAttributeValues", {}).items():
        text = text.replace(short, next(iter(value.values())))
    return text.removeprefix("(").removesuffix(")") if text.startswith("(") else text


# --- as in Python ---


class Timestamped(Model):
    class Meta:
        abstract = True
        billing_mode = "PROVISIONED"
        read_capacity = 3
        write_capacity = 2

    made = DateTimeField(auto_now_add=True)


class Named:
    """A mixin that is no model."""

    name = CharField(required=True)
    note = CharField()

    def shout(self):
        return self.name.upper()


def test_a_mixin_and_an_abstract_base_give_fields_options_and_methods():
    class Page(Named, Timestamped):
        path = CharField(hash_key=True)

    assert [field.name for field in Page._meta.fields] == ["made", "name", "note", "path"]
    assert Page(path="/", name="start").shout() == "START"
    assert Page._meta.schema.read_capacity == 3
    assert (Page._meta.table_name, Page._meta.abstract) == ("Page", False)
    assert Page.name.label == "Page.name"
    assert issubclass(Page.DoesNotExist, Timestamped.DoesNotExist)


def test_an_abstract_class_below_an_abstract_one_adds_to_it_and_says_meta_anew():
    class Audited(Timestamped):
        class Meta:
            abstract = True
            write_capacity = 7

        by = CharField()

    class Page(Audited):
        path = CharField(hash_key=True)

    assert [field.name for field in Page._meta.fields] == ["made", "by", "path"]
    schema = Page._meta.schema
    assert (schema.read_capacity, schema.write_capacity) == (3, 7)


def test_a_meta_may_inherit_from_that_of_a_base():
    class Page(Timestamped):
        class Meta(Timestamped.Meta):
            read_capacity = 9

        path = CharField(hash_key=True)

    assert not Page._meta.abstract
    assert (Page._meta.schema.read_capacity, Page._meta.schema.write_capacity) == (9, 2)


def test_a_field_is_replaced_or_taken_away_by_the_class_that_says_so_last():
    class Page(Named, Timestamped):
        path = CharField(hash_key=True)
        name = IntegerField()
        note = None

    assert isinstance(Page._meta.get_field("name"), IntegerField)
    assert "note" not in Page._fieldset.by_name
    with pytest.raises(TypeError, match="no field note"):
        Page(path="/", note="x")


def test_of_two_bases_the_first_counts_as_in_python_also_in_a_diamond():
    class Left(Timestamped):
        class Meta:
            abstract = True

        size = IntegerField(default=1)

    class Right(Timestamped):
        class Meta:
            abstract = True
            allow_scan = True

        size = CharField(default="big")
        right = CharField()

    class Both(Left, Right):
        key = CharField(hash_key=True)

    assert [field.name for field in Both._meta.fields] == ["made", "size", "right", "key"]
    assert (Both(key="a").size, Both._meta.declared["allow_scan"]) == (1, True)


def test_a_subclass_of_a_model_without_a_discriminator_has_a_table_of_its_own():
    class Plain(Model):
        key = CharField(hash_key=True)

    class Special(Plain):
        size = IntegerField()

    assert Special._meta.table_name == "Special"
    assert Special._meta.kind is None
    assert type(Plain.from_db({"key": {"S": "a"}})) is Plain


# --- the table and the kinds ---


def test_subclasses_share_the_table_the_key_and_the_fields_of_the_root():
    assert {m._meta.table_name for m in (Animal, Dog, Puppy, Cat)} == {"animals"}
    assert [f.name for f in Puppy._meta.fields] == [
        "id", "name", "legs", "kind", "bark", "owner", "weeks",
    ]  # fmt: skip
    assert [m._meta.kind.value for m in (Animal, Dog, Puppy, Cat)] == [
        "Animal", "dog", "Puppy", "cat",
    ]  # fmt: skip


def test_each_instance_is_written_with_its_kind():
    assert wires(Puppy(id="a", weeks=3)) == {
        "id": {"S": "a"}, "legs": {"N": "4"}, "kind": {"S": "Puppy"}, "weeks": {"N": "3"},
    }  # fmt: skip
    assert wires(Animal(id="a"))["kind"] == {"S": "Animal"}
    assert Cat(id="a").kind == "cat"


def test_an_instance_without_a_value_for_the_kind_gets_it_on_writing():
    assert wires(Dog(id="a", kind=None))["kind"] == {"S": "dog"}


@pytest.mark.parametrize(
    ("instance", "message"),
    [
        (Dog(id="a", kind="cat"), "the kind of Dog is 'dog', not 'cat': make an instance of Cat"),
        (Animal(id="a", kind="dog"), "of Animal is 'Animal', not 'dog': make an instance of Dog"),
        (Animal(id="a", kind="zebra"), "not 'zebra': leave it out"),
    ],
)
def test_another_kind_than_that_of_the_class_is_refused(instance, message):
    with pytest.raises(ValidationError, match=message) as caught:
        encode_item(instance)
    assert list(caught.value.errors) == ["kind"]


@pytest.mark.parametrize("asked", [Animal, Dog])
def test_plain_values_make_an_instance_of_the_class_that_their_kind_says(asked):
    dog = Animal.from_db(item("dog"))
    again = asked.from_dict(dog.to_dict())
    assert (type(again), again.to_dict()) == (Dog, dog.to_dict())
    values = {name: value for name, value in dog.to_dict().items() if name != "kind"}
    assert type(Dog.from_dict(values)) is Dog


def test_plain_values_make_the_class_that_their_kind_says_while_somebody_hears_of_it_and_after():
    heard: list[type[Model]] = []

    def hear(sender, **event):
        heard.append(sender)

    values = Dog(id="a").to_dict()
    post_init.connect(hear)
    try:
        assert type(Animal.from_dict(values)) is Dog
    finally:
        post_init.disconnect(hear)
    assert type(Animal.from_dict(values)) is Dog
    assert heard == [Dog]


def test_plain_values_may_say_their_kind_by_an_enum():
    class Sort(enum.Enum):
        THING = "Thing"
        TOY = "Toy"

    class Thing(Model):
        class Meta:
            discriminator = "kind"

        id = CharField(hash_key=True)
        kind = EnumField(Sort)

    class Toy(Thing):
        size = IntegerField()

    toy = Toy(id="a", size=3)
    assert type(Thing.from_dict(toy.to_dict())) is Toy
    assert type(Thing.from_dict({**toy.to_dict(), "kind": "Toy"})) is Toy


@pytest.mark.parametrize("value", ["cat", None, "Puppy"])
def test_the_kind_of_a_loaded_instance_does_not_change(value):
    dog = Animal.from_db(item("dog"))
    dog.kind = value
    with pytest.raises(ValidationError, match="it distinguishes the classes of the table"):
        changes_to_write(dog, stored_wires(dog), validate=True)
    with pytest.raises(ValidationError, match="kind"):
        dog.update(kind="cat")
    with pytest.raises(ValidationError, match="the kind of the item, which cannot change"):
        dog.update(Dog.kind.set("cat"))


def test_what_is_loaded_keeps_its_kind_when_it_is_written_whole():
    with pytest.warns(UserWarning, match="of the kind 'okapi'"):
        strange = Animal.from_db(item("okapi"))
    assert wires(strange)["kind"] == {"S": "okapi"}
    assert wires(Animal.from_db(item()))["kind"] == {"S": "Animal"}


@pytest.mark.parametrize(
    ("asked", "stored", "expected"),
    [
        (Animal, item("dog"), Dog),
        (Animal, item("Puppy"), Puppy),
        (Dog, item("Puppy"), Puppy),
        (Animal, item("Animal"), Animal),
        (Dog, item("cat"), Cat),
        (Animal, item(), Animal),
        (Dog, item(), Dog),
    ],
)
def test_an_item_is_loaded_as_the_class_that_it_is(asked, stored, expected):
    loaded = asked.from_db(stored)
    assert type(loaded) is expected
    assert loaded.id == "a"
    assert loaded.persisted
    assert "kind" not in loaded.extra
    assert pickle.loads(pickle.dumps(loaded)) == loaded


def test_an_item_that_was_fetched_in_part_is_of_its_class_where_the_kind_was_fetched():
    held = frozenset({"id", "kind", "bark"})
    load = Animal._load_partially(held)
    dog = load(b'{"id": {"S": "a"}, "kind": {"S": "dog"}, "bark": {"N": "3"}}')
    assert type(dog) is Dog
    assert get_fetched_fields(dog) == {"id", "kind", "bark"}
    cat = load(b'{"id": {"S": "b"}, "kind": {"S": "cat"}}')
    assert type(cat) is Cat
    assert get_fetched_fields(cat) == {"id", "kind"}
    unknown = Animal._load_partially(frozenset({"id"}))(b'{"id": {"S": "a"}}')
    assert (type(unknown), get_fetched_fields(unknown)) == (Animal, {"id"})


def test_what_is_no_item_is_told_when_it_is_read():
    with pytest.raises(UnreadableValue, match="is not JSON of attributes"):
        Animal.from_db("{broken").name  # noqa: B018


def test_a_kind_that_no_class_has_is_told_once_and_read_as_the_root():
    class Thing(Model):
        class Meta:
            discriminator = "kind"

    with pytest.warns(
        UserWarning, match="Thing: an item is of the kind 'lamp'.*'Thing'.*import the"
    ):
        assert type(Thing.from_db(item("lamp"))) is Thing
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert type(Thing.from_db(item("lamp"))) is Thing
    with pytest.warns(UserWarning, match="of the kind None"):
        Thing.from_db({"id": {"S": "a"}, "kind": {"N": "3"}})


def test_a_kind_that_no_class_has_raises_where_meta_says_so():
    class Thing(Model):
        class Meta:
            discriminator = "kind"
            unknown_kind = "raise"

    class Lamp(Thing):
        pass

    assert type(Thing.from_db(item("Lamp"))) is Lamp
    with pytest.raises(
        UnreadableValue, match="of the kind 'lamp', and the classes are of the kinds"
    ):
        Thing.from_db(item("lamp"))


def test_post_init_is_sent_with_the_class_that_an_item_is():
    heard = []

    def hear(sender, instance, **_):
        heard.append((sender, type(instance)))

    post_init.connect(hear)
    try:
        Animal.from_db(item("dog"))
    finally:
        post_init.disconnect(hear)
    assert heard == [(Dog, Dog)]
    assert type(Animal.from_db(item("cat"))) is Cat


# --- the field of the kind ---


def test_a_declared_field_holds_the_kind_under_its_own_name():
    class Shape(Model):
        class Meta:
            discriminator = "what"

        key = CharField(hash_key=True)
        what = CharField(name="w")

    class Circle(Shape):
        pass

    assert wires(Circle(key="a")) == {"key": {"S": "a"}, "w": {"S": "Circle"}}
    assert type(Shape.from_db({"key": {"S": "a"}, "w": {"S": "Circle"}})) is Circle


def test_an_enum_may_hold_the_kind():
    class What(enum.Enum):
        SHAPE = "Shape"
        ROUND = "round"

    class Shape(Model):
        class Meta:
            discriminator = "what"

        key = CharField(hash_key=True)
        what = EnumField(What)

    class Circle(Shape):
        class Meta:
            kind = "round"

    assert Circle(key="a").what is What.ROUND
    with pytest.raises(ModelDefinitionError, match="it cannot store 'Square', the kind of Square"):

        class Square(Shape):
            pass


def test_a_name_that_no_field_can_have_is_kept_by_a_field_called_kind():
    class Shape(Model):
        class Meta:
            discriminator = "#type"

        key = CharField(hash_key=True)

    assert wires(Shape(key="a")) == {"key": {"S": "a"}, "#type": {"S": "Shape"}}
    assert Shape(key="a").kind == "Shape"


def test_new_classes_and_fields_count_at_once():
    class Thing(Model):
        class Meta:
            discriminator = "kind"

        id = CharField(hash_key=True)

    class Lamp(Thing):
        pass

    assert filter_of(Lamp.objects.filter(id="a")) == "kind = Lamp"

    class Candle(Lamp):
        pass

    assert filter_of(Lamp.objects.filter(id="a")) == "kind IN (Candle, Lamp)"
    Thing.add_field("size", IntegerField())
    assert type(Thing.from_db(item("Candle"))) is Candle
    assert Thing.objects.model._meta.kind.hierarchy is Candle._meta.kind.hierarchy


def test_a_class_that_is_defined_again_takes_the_place_of_the_first():
    class Thing(Model):
        class Meta:
            discriminator = "kind"

    def define():
        class Lamp(Thing):
            pass

        return Lamp

    first, second = define(), define()
    assert first is not second
    assert type(Thing.from_db(item("Lamp"))) is second


def test_classes_that_share_a_base_each_have_their_own_subtree_in_a_diamond():
    class Thing(Model):
        class Meta:
            discriminator = "kind"

    class Light(Thing):
        pass

    class Toy(Thing):
        pass

    class Lantern(Light, Toy):
        pass

    assert Light._meta.kind.values == ["Lantern", "Light"]
    assert Toy._meta.kind.values == ["Lantern", "Toy"]


def test_an_abstract_class_in_between_is_no_kind():
    class Thing(Model):
        class Meta:
            table_name = "things"
            discriminator = "kind"

    class Light(Thing):
        class Meta:
            abstract = True

        watts = IntegerField()

    class Lamp(Light):
        pass

    assert Lamp._meta.table_name == "things"
    assert list(Thing._meta.kind.hierarchy.metas) == ["Thing", "Lamp"]
    assert [field.name for field in Lamp._meta.fields] == ["id", "kind", "watts"]


def test_an_abstract_base_may_name_the_discriminator_for_several_tables():
    class Sorted(Model):
        class Meta:
            abstract = True
            discriminator = "kind"

    class Fruit(Sorted):
        pass

    class Apple(Fruit):
        pass

    class Stone(Sorted):
        pass

    assert (Apple._meta.table_name, Stone._meta.table_name) == ("Fruit", "Stone")
    assert Apple._meta.kind.hierarchy is not Stone._meta.kind.hierarchy
    with pytest.raises(ModelDefinitionError, match="inherits from classes of several tables"):

        class Peach(Fruit, Stone):
            pass


def test_equality_is_by_class_and_key():
    assert Dog(id="a") == Animal.from_db(item("dog"))
    assert Animal(id="a") != Dog(id="a")
    assert issubclass(Puppy.DoesNotExist, Animal.DoesNotExist)


@pytest.mark.parametrize(
    ("stub", "loaded", "equal"),
    [
        (Animal, Animal, True),
        (Animal, Dog, True),
        (Animal, Puppy, True),
        (Dog, Puppy, True),
        (Dog, Animal, False),
        (Puppy, Dog, False),
    ],
)
def test_a_reference_that_is_not_loaded_equals_an_item_of_a_subclass(stub, loaded, equal):
    unread, instance = make_stub(stub, {"id": {"S": "a"}}), loaded(id="a")
    assert (unread == instance, instance == unread) == (equal, equal)
    assert unread != loaded(id="b")
    assert ({unread} & {instance} != set()) is equal


# --- what cannot be ---


def define(base=Animal, name="Wrong", meta=None, **members):
    message = {} if meta is None else {"Meta": type("Meta", (), meta)}
    return type(name, (base,), {"__module__": __name__, **message, **members})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: define(meta={"kind": "dog"}), "Wrong and Dog both have the kind 'dog' of Animal"),
        (lambda: define(meta={"kind": ""}), r"Wrong\.Meta\.kind is '': it takes a text"),
        (lambda: define(meta={"kind": 3}), r"Wrong\.Meta\.kind is 3"),
        (lambda: define(meta={"table_name": "others"}), "is a kind of Animal, whose table is 'animals'"),
        (lambda: define(meta={"unique_table": "others"}), "drop the option"),
        (lambda: define(meta={"discriminator": "type"}), "set it there alone"),
        (lambda: define(meta={"unknown_kind": "raise"}), "set it there alone"),
        (lambda: define(meta={"abstract": True, "kind": "x"}), "the class is abstract"),
        (lambda: define(Model, meta={"kind": "x"}), "needs Meta.discriminator"),
        (lambda: define(Model, meta={"discriminator": 3}), "is 3: it takes the name of a field"),
        (lambda: define(Model, meta={"discriminator": "k", "unknown_kind": "x"}), '"warn" or "raise"'),
        (lambda: define(Model, meta={"discriminator": "k"}, k=IntegerField()), "declare a CharField"),
        (lambda: define(Model, meta={"discriminator": "_k"}, kind=CharField()), "declare one, such as"),
        (lambda: define(range=IntegerField(range_key=True)), "its key differs"),
        (lambda: define(meta={"billing_mode": "PROVISIONED", "read_capacity": 1, "write_capacity": 1}),
         "its billing or throughput differs"),
        (lambda: define(version=VersionField()), "all kinds have the same VersionField, or none"),
        (lambda: define(chip=CharField(unique=True)), "all kinds have the same unique fields"),
        (lambda: define(by_owner=GlobalIndex(hash_key="name")), "both declare the index 'by_owner'"),
        (lambda: define(owner=IntegerField()), "is in the key of an index of the table, as S"),
    ],
    ids=range(19),
)  # fmt: skip
def test_what_does_not_go_together_is_refused_when_the_class_is_made(make, message):
    before = dict(Animal._meta.kind.hierarchy.metas)
    with pytest.raises(ModelDefinitionError, match=message):
        make()
    assert Animal._meta.kind.hierarchy.metas == before


def test_one_ttl_is_for_all_kinds():
    class Thing(Model):
        class Meta:
            discriminator = "kind"

    class Lamp(Thing):
        until = TimestampField(ttl=True)

    assert Table(Thing).schema.ttl == "until"
    with pytest.raises(ModelDefinitionError, match="share a table, which has one TTL"):

        class Candle(Thing):
            burnt = TimestampField(ttl=True)


def test_the_table_has_the_indexes_of_all_classes_whichever_is_given():
    assert [index.name for index in Animal._meta.schema.indexes] == []
    for model in (Animal, Cat, Puppy):
        assert [index.name for index in Table(model).schema.indexes] == ["by_owner"]


# --- what is asked ---


@pytest.mark.parametrize(
    ("queryset", "expected"),
    [
        (Animal.objects.filter(id="a"), ""),
        (Puppy.objects.filter(id="a"), "kind = Puppy"),
        (Dog.objects.filter(id="a"), "kind IN (Puppy, dog)"),
        (Dog.objects.filter(id="a", bark=3), "bark = 3 AND kind IN (Puppy, dog)"),
        (Dog.objects.all(), "kind IN (Puppy, dog)"),
        (Dog.by_owner.filter(owner="x"), "kind IN (Puppy, dog)"),
        (Animal.objects.filter(id="a", kind="dog"), "kind = dog"),
        (Animal.objects.filter(Dog.bark == 3, id="a"), "bark = 3"),
    ],
)
def test_the_managers_of_subclasses_ask_for_their_kinds(queryset, expected):
    assert filter_of(queryset) == expected


def test_query_sets_of_one_shape_ask_so_too_and_follow_new_classes():
    class Thing(Model):
        class Meta:
            discriminator = "kind"

        id = CharField(hash_key=True)

    class Lamp(Thing):
        pass

    def values(wanted):
        request = direct_query(Lamp.objects.filter(id=wanted))
        return request and sorted(
            v["S"] for v in request.payload()["ExpressionAttributeValues"].values()
        )

    before = Lamp.objects.filter(id="a")
    assert direct_query(before) is not None
    assert values("b") == ["Lamp", "b"]

    class Candle(Lamp):
        pass

    assert values("c") == ["Candle", "Lamp", "c"]
    assert direct_query(before) is None  # what was learned no longer holds
    assert filter_of(before) == "kind IN (Candle, Lamp)"


class Post(Model):
    """With its kind in keys."""

    class Meta:
        table_name = "posts"
        discriminator = "kind"

    thread = CharField(hash_key=True)
    kind = CharField(range_key=True)
    at = IntegerField(required=True)
    by_kind = GlobalIndex(hash_key="kind", range_key="at")


class Reply(Post):
    pass


class Quote(Reply):
    pass


class Poll(Post):
    pass


def test_where_a_key_holds_the_kind_it_is_asked_by_the_key():
    one = Poll.objects.filter(thread="a").explain()
    assert one.kind == "get"
    assert "only Poll: kind is selected by the key" in str(one)
    assert one.get.key == {"thread": {"S": "a"}, "kind": {"S": "Poll"}}
    several = Reply.objects.filter(thread="a").explain()
    assert several.kind == "batch_get"
    assert [key["kind"]["S"] for key in several.keys] == ["Quote", "Reply"]


def test_all_of_a_class_are_read_by_the_index_that_has_the_kind_for_its_hash_key():
    plan = Poll.objects.all().explain()
    assert (plan.kind, plan.index) == ("query", "by_kind")
    assert "by the key" in str(plan)
    assert len(Reply.objects.all().explain().operations) == 2
    # A global index cannot be read consistently: the table is, then.
    assert Poll.objects.all().consistent().explain().kind == "scan"
    assert Poll.objects.filter(at__gt=3).explain().index == "by_kind"


def test_explain_says_that_a_filter_leaves_the_others_out():
    message = str(Dog.objects.filter(id="a").explain())
    assert (
        "note: only Dog, Puppy: kind is selected by a filter, as no key that is read holds it"
        in message
    )
    assert "after reading: " in message
    assert "only" not in str(Animal.objects.filter(id="a").explain())


def test_the_kind_is_read_along_with_what_only_names():
    payload = Animal.objects.filter(id="a").only("name").operation().payload()
    assert "kind" in payload["ExpressionAttributeNames"].values()
    payload = Animal.objects.filter(id="a").values("name").operation().payload()
    assert "kind" not in payload["ExpressionAttributeNames"].values()
