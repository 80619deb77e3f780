"""Models whose keys are made of templates: what is stored, what is read, and what is asked."""

import datetime as dt
import functools
import operator
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    DateTimeField,
    GlobalIndex,
    IntegerField,
    Model,
    ModelDefinitionError,
    QueryError,
    ScanRequired,
    UnreadableValue,
    ValidationError,
    VersionField,
)
from dynamodb_py.codec import from_json
from dynamodb_py.models.fields.containers.composite import CompositeField
from dynamodb_py.models.persistence.stored import key_of, make_put, stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write
from dynamodb_py.models.queryset.execution import plan_query
from dynamodb_py.planning import Question

from ...expressions import reference

UTC = dt.timezone.utc
DAY = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Order(Model):
    class Meta:
        table_name = "orders"

    pk = CharField(hash_key=True, template="USER#{user_id}")
    sk = CharField(range_key=True, template="ORDER#{created:%Y-%m-%d}#{number:08d}")
    user_id = IntegerField()
    created = DateTimeField()
    number = IntegerField()
    status = CharField(required=True, default="open")
    note = CharField()
    queue = CharField(template="STATUS#{status}")
    place = CharField(template="{number:08d}")

    by_status = GlobalIndex(hash_key="queue", range_key="place")


class Event(Model):
    """Whose key loses nothing of its parts."""

    key = CompositeField("user", "kind", "id", width={"id": 6}, hash_key=True)
    at = CharField(range_key=True, template="{when}#{place}")
    user = CharField()
    kind = CharField()
    id = IntegerField()
    when = DateTimeField()
    place = CharField()
    count = IntegerField(default=0)


class Line(Model):
    order = CharField(hash_key=True)
    key = CharField(range_key=True, template="L#{page:03d}#{row:03d}#{text}")
    page = IntegerField()
    row = IntegerField()
    text = CharField()
    qty = IntegerField()


class Kept(Model):
    pk = CharField(hash_key=True, template="K#{name}", store_parts=True)
    name = CharField(name="n")


ORDER = {"user_id": 7, "created": DAY, "number": 3}
STORED = {
    "pk": {"S": "USER#7"},
    "sk": {"S": "ORDER#2026-01-02#00000003"},
    "created": {"S": "2026-01-02T03:04:05.000000+00:00"},
    "status": {"S": "open"},
    "queue": {"S": "STATUS#open"},
    "place": {"S": "00000003"},
}


def put_of(instance):
    return from_json(make_put(instance, "t").item)


def asked(query):
    """Return the request as its payload, without names: the key condition, the filter, the index."""
    operation = query.operation()
    payload = operation.payload()
    names = payload.get("ExpressionAttributeNames", {})
    values = payload.get("ExpressionAttributeValues", {})

    def spelled(text):
        for placeholder in sorted({**names, **values}, key=len, reverse=True):
            said = names.get(placeholder) or next(iter(values[placeholder].values()))
            text = text.replace(placeholder, str(said))
        return text

    if "Key" in payload:
        return {name: next(iter(wire.values())) for name, wire in payload["Key"].items()}
    said = [spelled(payload.get("KeyConditionExpression", ""))]
    if payload.get("FilterExpression"):
        said.append(spelled(payload["FilterExpression"]))
    if payload.get("IndexName"):
        said.append(payload["IndexName"])
    return said


# -- writing ---------------------------------------------------------------------------------------


def test_keys_are_made_of_their_parts_which_are_not_stored_twice():
    assert put_of(Order(**ORDER)) == STORED
    event = Event(user="ann", kind="a#b", id=7, when=DAY, place="x")
    assert put_of(event) == {
        "key": {"S": "ann#a$Sb#000007"},
        "at": {"S": "2026-01-02T03:04:05.000000+00:00#x"},
        "count": {"N": "0"},
    }


def test_parts_are_stored_too_where_that_is_asked_for():
    assert put_of(Kept(name="a")) == {"pk": {"S": "K#a"}, "n": {"S": "a"}}


def test_a_key_can_be_looked_at_and_follows_its_parts():
    order = Order(user_id=7)
    assert (order.pk, order.sk) == ("USER#7", None)
    order.created, order.number = DAY, 12
    assert order.sk == "ORDER#2026-01-02#00000012"
    assert order.primary_key == ("USER#7", "ORDER#2026-01-02#00000012")
    order.number = 13
    assert order.sk == "ORDER#2026-01-02#00000013"
    assert order == Order(user_id=7, created=DAY, number=13)
    assert hash(order) == hash(Order(user_id=7, created=DAY, number=13))


def test_an_attribute_of_an_index_is_left_out_without_its_parts():
    class Post(Model):
        id = CharField(hash_key=True)
        author = CharField()
        by = CharField(template="A#{author}")
        by_author = GlobalIndex(hash_key="by")

    assert put_of(Post(id="a")) == {"id": {"S": "a"}}
    assert put_of(Post(id="a", author="b"))["by"] == {"S": "A#b"}


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"user_id": 7, "created": DAY}, "number", "it is required"),
        ({**ORDER, "number": 123456789}, "number", "has more than 8 digits"),
        ({**ORDER, "number": -1}, "number", "is negative"),
        ({**ORDER, "number": "3"}, "number", "not an int"),
        ({**ORDER, "user_id": None}, "user_id", "it is required"),
    ],
)
@pytest.mark.parametrize("validate", [True, False])
def test_what_cannot_be_in_the_key_is_refused(values, field, said, validate):
    with pytest.raises(ValidationError) as caught:
        make_put(Order(**values), "t", validate=validate)
    assert said in caught.value.errors[field][0]
    if validate:
        with pytest.raises(ValidationError, match=field):
            key_of(Order(**values))


def test_a_key_that_is_too_long_is_refused():
    with pytest.raises(ValidationError, match=r"pk: it is longer than the 2048 bytes.*name"):
        put_of(Kept(name="x" * 2048))


def test_a_template_field_cannot_be_assigned():
    order = Order(**ORDER)
    order.pk = "USER#8"
    with pytest.raises(ValidationError, match="pk: it is made of user_id, and cannot be assigned"):
        put_of(order)
    loaded = Order.from_db(STORED)
    loaded.queue = "STATUS#paid"
    with pytest.raises(ValidationError, match="queue: it is made of status"):
        changes_to_write(loaded, stored_wires(loaded), validate=True)


def test_the_text_of_a_key_gives_its_parts():
    event = Event("ann#a$Sb#000007", "2026-01-02T03:04:05.000000+00:00#x")
    assert (event.user, event.kind, event.id, event.when, event.place) == (
        "ann", "a#b", 7, DAY, "x",
    )  # fmt: skip
    assert Event.from_dict(event.to_dict()) == event
    assert Order.from_dict(Order(**ORDER).to_dict()) == Order(**ORDER)
    with pytest.raises(ValidationError, match="does not match the template"):
        Event(key="ann")
    with pytest.raises(ValidationError, match="is not the value that user, kind, id make"):
        Event(key="ann#b#000007", id=8)


def test_an_unknown_name_is_told_as_ever():
    with pytest.raises(TypeError, match="Order has no field colour"):
        Order(pk="USER#7", colour=1)


# -- reading ---------------------------------------------------------------------------------------


def test_parts_are_read_from_the_key():
    order = Order.from_db(STORED)
    assert (order.user_id, order.number, order.created) == (7, 3, DAY)
    assert (order.pk, order.sk, order.queue) == (
        "USER#7", "ORDER#2026-01-02#00000003", "STATUS#open",
    )  # fmt: skip
    assert repr(order).startswith("Order(user_id=7, created=")
    assert pickle.loads(pickle.dumps(order)) == order
    assert order.extra == {}
    assert not order.is_changed


def test_what_is_stored_of_a_part_counts_before_the_key():
    assert Order.from_db({**STORED, "number": {"N": "9"}}).number == 9


def test_a_key_that_is_none_of_the_template_makes_its_parts_unreadable():
    item = {**STORED, "sk": {"S": "PROFILE"}, "note": {"S": "x"}}
    order = Order.from_db(item)
    assert (order.user_id, order.note, order.sk) == (7, "x", "PROFILE")
    with pytest.raises(
        UnreadableValue, match="the stored sk 'PROFILE' is not a key of the template"
    ):
        _ = order.number
    order.note = "y"
    assert changes_to_write(order, stored_wires(order), validate=True) == {"note": {"S": "y"}}
    assert key_of(order) == {"pk": {"S": "USER#7"}, "sk": {"S": "PROFILE"}}
    whole = put_of(order)
    assert {**item, "note": {"S": "y"}}.items() >= {**whole}.items() >= {"sk": item["sk"]}.items()


def test_items_read_in_part_have_the_parts_of_their_key():
    keys = {name: STORED[name] for name in ("pk", "sk")}
    order = Order._load_partially(frozenset(keys))(
        b'{"pk":{"S":"USER#7"},"sk":{"S":"ORDER#2026-01-02#00000003"}}'
    )
    assert (order.user_id, order.number) == (7, 3)
    query = Order.objects.filter(user_id=7).only("number", "note")
    assert {str(path) for path in query._question.wanted} == {"sk", "note"}
    assert {str(path) for path in Order.objects.values("user_id")._question.wanted} == {"pk"}


# -- changing --------------------------------------------------------------------------------------


def changes_of(instance):
    return changes_to_write(instance, stored_wires(instance), validate=True)


def test_a_change_of_a_part_changes_what_is_made_of_it():
    order = Order.from_db(STORED)
    order.status = "paid"
    assert changes_of(order) == {"status": {"S": "paid"}, "queue": {"S": "STATUS#paid"}}
    assert order.changes() == {"status": ("open", "paid")}


def test_a_change_of_a_key_is_refused_by_its_parts():
    order = Order.from_db(STORED)
    order.number = 4
    with pytest.raises(
        ValidationError,
        match="number: it is part of the key sk, which cannot change, and was 3 when loaded",
    ):
        changes_of(order)
    with pytest.raises(ValidationError):
        put_of(order)
    with pytest.raises(ValidationError):
        key_of(order)


def test_a_part_can_change_as_far_as_the_key_does_not():
    order = Order.from_db(STORED)
    order.created = DAY + dt.timedelta(hours=1)
    assert changes_of(order) == {"created": {"S": "2026-01-02T04:04:05.000000+00:00"}}
    order.created = DAY + dt.timedelta(days=1)
    with pytest.raises(ValidationError, match="created: it is part of the key sk"):
        changes_of(order)


def test_update_fields_takes_no_parts_of_the_key():
    order = Order.from_db(STORED)
    with pytest.raises(QueryError, match="number is part of the key"):
        order.save(update_fields=["number"])


def updates(actions, key=None, **values):
    from dynamodb_py.models.persistence.update_actions import build_update

    found = build_update(Order._meta, actions, values, key=key)
    return {
        action.path.parts[0]: getattr(getattr(action, "value", None), "wire", None)
        for action in found
    }


def test_an_update_of_a_part_changes_what_is_made_of_it():
    assert updates((), status="paid") == {"status": {"S": "paid"}, "queue": {"S": "STATUS#paid"}}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"number": 4}, "number: it is part of the key sk"),
        (
            {"created": DAY},
            "created: the key sk contains a part of it: load the item and save() it",
        ),
        ({"queue": "x"}, "queue: it is made of status"),
        ({"sk": "x"}, "sk: it is part of the key"),
    ],
)
def test_an_update_cannot_change_what_is_made(values, said):
    with pytest.raises(ValidationError) as caught:
        updates((), **values)
    assert said in str(caught.value)


def test_an_update_needs_all_that_something_is_made_of():
    class Task(Model):
        id = IntegerField(hash_key=True)
        team = CharField()
        rank = IntegerField()
        sort = CharField(template="{team}#{rank:04d}#{part}")
        pk = CharField(range_key=True, template="P#{part}")
        part = CharField()

    from dynamodb_py import F
    from dynamodb_py.models.persistence.update_actions import build_update

    key = {"id": {"N": "1"}, "pk": {"S": "P#x"}}
    found = build_update(Task._meta, (), {"team": "a", "rank": 3}, key=key)
    assert [a.value.wire for a in found if a.path.parts == ("sort",)] == [{"S": "a#0003#x"}]
    with pytest.raises(ValidationError, match="team: sort is made of it and of rank: give all"):
        build_update(Task._meta, (), {"team": "a"}, key=key)
    with pytest.raises(ValidationError, match="and of part: give all"):
        build_update(Task._meta, (), {"team": "a", "rank": 3})
    with pytest.raises(ValidationError, match="rank: sort is made of it: give the value itself"):
        build_update(Task._meta, (), {"team": "a", "rank": F("rank") + 1}, key=key)
    removed = build_update(Task._meta, (), {"team": None}, key=key)
    assert sorted(str(action.path.parts[0]) for action in removed) == ["sort", "team"]


# -- keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "named"),
    [
        ((), ORDER),
        (("USER#7", "ORDER#2026-01-02#00000003"), {}),
        ((), {"pk": "USER#7", "sk": "ORDER#2026-01-02#00000003"}),
        ((), {"user_id": 7, "sk": "ORDER#2026-01-02#00000003"}),
    ],
)
def test_an_item_is_named_by_parts_or_texts(key, named):
    assert Order._meta.key(key, named) == {name: STORED[name] for name in ("pk", "sk")}
    assert not named or Order._meta.is_key(named)


@pytest.mark.parametrize("named", [{}, {"user_id": 7}, {**ORDER, "note": 1}, {**ORDER, "pk": "a"}])
def test_what_names_no_item_is_told(named):
    assert not Order._meta.is_key(named)
    with pytest.raises(
        TypeError, match="the key of Order is user_id and created and number, or pk"
    ):
        Order._meta.key((), named)


# -- asking ----------------------------------------------------------------------------------------


def test_a_range_key_gives_its_order_though_it_is_a_part_of_another_key():
    class Page(Model):
        book = CharField(hash_key=True)
        number = IntegerField(range_key=True)
        place = CharField(template="P#{number:04d}")
        by_place = GlobalIndex(hash_key="place")

    query = Page.objects.filter(book="a").order_by("-number")
    assert asked(query) == ["book = a"]
    assert not query.operation().forward


DAY_KEY = "2026-01-02T00:00:00.000000+00:00"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Order.objects.filter(user_id=7), ["pk = USER#7"]),
        (
            Order.objects.filter(user_id=7, created__gte=DAY),
            [
                "(pk = USER#7 AND sk BETWEEN ORDER#2026-01-02# AND ORDER$)",
                "created >= 2026-01-02T03:04:05.000000+00:00",
            ],
        ),
        (
            Order.objects.filter(user_id=7, created=DAY),
            [
                "(pk = USER#7 AND begins_with(sk, ORDER#2026-01-02#))",
                "created = 2026-01-02T03:04:05.000000+00:00",
            ],
        ),
        (
            Order.objects.filter(**ORDER),
            [
                "(pk = USER#7 AND sk = ORDER#2026-01-02#00000003)",
                "created = 2026-01-02T03:04:05.000000+00:00",
            ],
        ),
        (Order.objects.filter(status="open"), ["queue = STATUS#open", "by_status"]),
        (
            Order.objects.filter(status="open", number__gt=3),
            ["(queue = STATUS#open AND place BETWEEN 00000004 AND 99999999)", "by_status"],
        ),
        (
            Order.objects.filter(status="open", number__between=(3, 5)),
            ["(queue = STATUS#open AND place BETWEEN 00000003 AND 00000005)", "by_status"],
        ),
        (
            Order.objects.filter(status="open", user_id=7, number=3, created=DAY),
            [
                "(pk = USER#7 AND sk = ORDER#2026-01-02#00000003)",
                "(status = open AND created = 2026-01-02T03:04:05.000000+00:00)",
            ],
        ),
        (
            Order.objects.filter(status="open", user_id=7).index("by_status"),
            ["queue = STATUS#open", "pk = USER#7", "by_status"],
        ),
        (Line.objects.filter(order="a", page=2), ["(order = a AND begins_with(key, L#002#))"]),
        (
            Line.objects.filter(order="a", page=2, row__lt=5),
            ["(order = a AND key BETWEEN L#002# AND L#002#005#)"],
        ),
        (
            Line.objects.filter(order="a", page=2, row=5, text__startswith="x"),
            ["(order = a AND begins_with(key, L#002#005#x))"],
        ),
        (
            Line.objects.filter(Line.page > 1, Line.page <= 4, order="a", qty=1),
            ["(order = a AND key BETWEEN L#001$ AND L#004$)", "qty = 1"],
        ),
        (Line.objects.filter(order="a", page=2, row=5, text="x"), {"order": "a", "key": "L#002#005#x"}),
        (
            Event.objects.filter(user="a", kind="b", id=1, when__lt=DAY),
            ["(key = a#b#000001 AND at < 2026-01-02T03:04:05.000000+00:00#)"],
        ),
    ],
)  # fmt: skip
def test_conditions_on_parts_are_asked_of_the_key(query, expected):
    assert asked(query) == expected


def test_lists_of_parts_are_lists_of_keys():
    plan = plan_query(Line.objects.filter(order="a", page=1, row=2, text__in=["x", "y"]))
    assert plan.kind == "batch_get"
    assert [key["key"]["S"] for key in plan.keys] == ["L#001#002#x", "L#001#002#y"]
    plan = plan_query(Order.objects.filter(user_id__in=[1, 2]))
    assert [lane.requests[0].payload()["ExpressionAttributeValues"] for lane in plan.lanes] == [
        {":0": {"S": "USER#1"}}, {":0": {"S": "USER#2"}},
    ] or len(plan.lanes) == 2  # fmt: skip
    plan = plan_query(Line.objects.filter(order="a", page__in=[1, 3]))
    assert sum(len(lane.requests) for lane in plan.lanes) == 2
    users = Order.objects.filter(user_id__in=range(2_000))
    assert sum(len(lane.requests) for lane in plan_query(users).lanes) == 2_000
    with pytest.raises(QueryError, match="this asks for 998001 keys"):
        plan_query(
            Line.objects.filter(order="a", page__in=range(999), row__in=range(999), text="x")
        )


def test_alternatives_are_asked_one_by_one():
    query = Line.objects.filter((Line.page == 1) | (Line.page == 3) & (Line.row > 5), order="a")
    requests = [r for lane in plan_query(query).lanes for r in lane.requests]
    assert len(requests) == 2
    query = Event.objects.filter(
        ((Event.user == "a") | (Event.user == "b")) & (Event.kind == "x"), id=1
    )
    assert sum(len(lane.requests) for lane in plan_query(query).lanes) == 2


def test_what_is_excluded_is_left_out_of_the_key():
    query = Line.objects.filter(order="a", page=2).exclude(row=5)
    requests = [r for lane in plan_query(query).lanes for r in lane.requests]
    assert len(requests) == 2


@pytest.mark.parametrize(
    ("query", "error", "said"),
    [
        (
            Line.objects.filter(order="a", row=5),
            QueryError,
            "row is stored in key alone, behind page",
        ),
        (
            Order.objects.filter(number=3),
            QueryError,
            "number is stored in sk alone, behind created",
        ),
        (Event.objects.filter(user="a"), ScanRequired, "is not fixed"),
        (Line.objects.filter(order="a", text__contains="x"), QueryError, "cannot answer this"),
        (Line.objects.filter(Line.row == Line.qty, order="a"), QueryError, "cannot answer this"),
        (Line.objects.filter(order="a", page__gt=1000), ValidationError, "has more than 3 digits"),
        (Line.objects.filter(order="a").order_by("row"), QueryError, "in order of page, row, text"),
        (
            Line.objects.filter(order="a").order_by("page", "-row"),
            QueryError,
            "in order of row, text",
        ),
        (Order.objects.filter(user_id=7).order_by("created"), QueryError, "order of their key"),
    ],
)
def test_what_the_key_cannot_say_is_refused(query, error, said):
    with pytest.raises(error) as caught:
        plan_query(query)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("names", "forward"),
    [(("page",), True), (("-page",), False), (("page", "row"), True), (("-page", "-row"), False)],
)
def test_the_order_of_parts_is_that_of_the_key(names, forward):
    operation = Line.objects.filter(order="a").order_by(*names).operation()
    assert operation.forward is forward


def test_parts_that_are_fixed_do_not_count_for_the_order():
    query = Line.objects.filter(order="a", page=2).order_by("page", "-row")
    assert query.operation().forward is False


def test_a_plan_says_what_its_keys_are_made_of():
    said = str(Order.objects.filter(user_id=7, created__gte=DAY).explain())
    assert "pk is made of user_id" in said
    assert "sk is made of created, number" in said


def test_conditions_of_writes_are_asked_of_the_key():
    meta = Line._meta
    said = meta.condition((Line.page == 2) & (Line.row > 3) & (Line.qty == 1))
    assert (
        said.describe()
        == ("(qty = 1 AND begins_with(key, 'L#002#') AND (key >= 'L#002#004' AND key < 'L#002$'))")
        or "begins_with(key, 'L#002#')" in said.describe()
    )
    with pytest.raises(QueryError, match="row is stored in key alone"):
        meta.condition(Line.row == 3)


def test_a_model_without_templates_has_nothing_of_it():
    class Plain(Model):
        id = CharField(hash_key=True)

    assert Plain._meta.computed is None
    assert Plain._meta.part_conditions is None
    assert Plain._fieldset.computed is None


# -- declaring -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"pk": "{a}", "a": CharField(null=True)}, "null=True"),
        ({"pk": "{b}"}, "names b, and there is no such field"),
        ({"pk": "{sk}", "sk": CharField(template="{a}"), "a": CharField()}, "made of a template"),
        ({"pk": "{a}", "a": DateTimeField(auto_now=True)}, "every save sets anew"),
        ({"pk": "{a}", "a": VersionField()}, "the version"),
        ({"pk": "{a"}, "cannot be read"),
    ],
)
def test_what_cannot_be_is_told_at_class_creation(fields, said):
    members = {**fields, "pk": CharField(hash_key=True, template=fields["pk"])}
    with pytest.raises(ModelDefinitionError, match=r"Wrong\.pk") as caught:
        type("Wrong", (Model,), members)
    assert said in str(caught.value)


@pytest.mark.parametrize("option", ["default", "unique", "null", "choices", "required"])
def test_a_template_field_takes_no_options_of_a_value(option):
    value = "x" if option == "default" else ["x"] if option == "choices" else True
    with pytest.raises(ModelDefinitionError, match=f"made of its template: drop {option}="):
        type(
            "Wrong",
            (Model,),
            {"id": CharField(hash_key=True), "a": CharField(template="{id}", **{option: value})},
        )


@pytest.mark.parametrize(
    ("parts", "options", "said"),
    [
        ((), {}, "takes the names of fields"),
        (("a b",), {}, "takes the names of fields"),
        (("a",), {"separator": ""}, "give a text such as '#'"),
        (("a",), {"width": {"b": 1}}, "width= names b, which is not among its parts"),
    ],
)
def test_a_composite_field_is_checked(parts, options, said):
    with pytest.raises(ModelDefinitionError, match=said):
        CompositeField(*parts, **options)


def test_a_composite_field_is_a_template():
    assert CompositeField("a", "b", separator="{", prefix="}").template == "}}{a}{{{b}"


def test_subclasses_have_templates_of_their_own_fields():
    class Base(Model):
        class Meta:
            abstract = True

        pk = CharField(hash_key=True, template="X#{id}")

    class One(Base):
        id = IntegerField()

    class Two(Base):
        id = CharField()

    assert put_of(One(id=1)) == {"pk": {"S": "X#1"}}
    assert put_of(Two(id="1")) == {"pk": {"S": "X#1"}}
    assert One.from_db({"pk": {"S": "X#1"}}).id == 1
    assert Two.from_db({"pk": {"S": "X#1"}}).id == "1"


# -- what is asked of keys means what was asked of parts --------------------------------------------

NUMBERS = st.integers(0, 3)
WORDS = st.sampled_from(["", "a", "ab", "a b", "a#", "b"])
LINES = st.builds(Line, order=st.just("o"), page=NUMBERS, row=NUMBERS, text=WORDS, qty=NUMBERS)


def comparisons(fields, depth=2):
    """Conditions on parts, of those that a key can say by itself."""
    signs = ("__eq__", "__lt__", "__le__", "__gt__", "__ge__", "__ne__")

    def leaf(field):
        values = WORDS if field is Line.text else NUMBERS
        simple = st.builds(
            lambda sign, value: getattr(field, sign)(value), st.sampled_from(signs), values
        )
        listed = st.lists(values, min_size=1, max_size=3, unique=True).map(field.is_in)
        between = st.tuples(values, values).map(lambda pair: field.between(*sorted(pair)))
        return st.one_of(simple, listed, between)

    base = st.one_of([leaf(field) for field in fields])
    if not depth:
        return base
    inner = comparisons(fields, depth - 1)
    return st.one_of(
        base,
        st.lists(inner, min_size=2, max_size=3).map(
            lambda all_: functools.reduce(operator.and_, all_)
        ),
        st.lists(inner, min_size=2, max_size=3).map(
            lambda any_: functools.reduce(operator.or_, any_)
        ),
        inner.map(operator.invert),
    )


@given(
    line=LINES,
    known=st.integers(0, 3),
    data=st.data(),
)
def test_a_question_of_the_key_holds_for_what_the_question_of_its_parts_holds_for(
    line, known, data
):
    parts = [Line.page, Line.row, Line.text][:known]
    free = [*[Line.page, Line.row, Line.text, Line.qty][known : known + 1], Line.qty]
    said = Line.order == "o"
    for part in parts:
        said &= part == data.draw(WORDS if part is Line.text else NUMBERS)
    said &= data.draw(comparisons(free))
    item = {field.attribute: field.encode(getattr(line, field.name)) for field in Line._fieldset}
    stored = put_of(line)
    rewritten = Line._meta.part_conditions.rewrite(Question(said)).condition
    assert reference.holds(rewritten, stored) == reference.holds(said, item)
    assert not {"page", "row", "text"} & {path.parts[0] for path in rewritten.paths()}
    written = Line._meta.part_conditions.rewrite_condition(said)
    assert reference.holds(written, stored) == reference.holds(said, item)
