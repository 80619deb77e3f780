"""Defaults are not data: what is written into an item that may be there was given, and nothing else."""

from __future__ import annotations

import copy
import re
from enum import Enum
from typing import Any

import pytest

from dynamodb_py import (
    CharField,
    CounterField,
    DateTimeField,
    DictField,
    Document,
    EmbeddedField,
    EnumField,
    GlobalIndex,
    IntegerField,
    ListField,
    Model,
    SetField,
    ValidationError,
    VersionField,
)
from dynamodb_py.exceptions import make_service_error


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Address(Document):
    city = CharField(default="Lyon")


class User(Model):
    class Meta:
        table_name = "users"

    id = CharField(hash_key=True)
    points = IntegerField(default=0)
    email = CharField()
    status = CharField(default="new", choices=["new", "old"])
    color = EnumField(Color, default=Color.RED)
    made = CharField(default=lambda: "".join(["m", "ade"]))
    nothing = CharField(null=True)
    hits = CounterField()
    tags = SetField(str)
    items = ListField(default=list)
    doc = DictField(default=dict)
    address = EmbeddedField(Address, default=Address)
    created = DateTimeField(auto_now_add=True)


class Versioned(User):
    class Meta:
        table_name = "users"

    version = VersionField()


KEPT: dict[str, Any] = {
    "id": {"S": "a"},
    "points": {"N": "5"},
    "email": {"S": "a@example.com"},
    "status": {"S": "old"},
    "tags": {"SS": ["t"]},
    "doc": {"M": {"k": {"N": "1"}}},
    "version": {"N": "3"},
}

# A value for each field, the default among them: whether it is data depends on its being given.
VALUES: dict[str, list[Any]] = {
    "points": [0, 7],
    "email": [None, "b@example.com"],
    "status": ["new", "old"],
    "color": [Color.RED, Color.BLUE],
    "made": ["made", "other"],
    "nothing": [None, "x"],
    "hits": [0, 3],
    "tags": [set(), {"x"}],
    "items": [[], [1]],
    "doc": [{}, {"a": 1}],
    "address": [Address(), Address(city="Rome")],
}


def by_dict(model: Any, values: dict[str, Any]) -> Any:
    return {"id": "a", **values}


def by_constructor(model: Any, values: dict[str, Any]) -> Any:
    return model(id="a", **values)


def by_assignment(model: Any, values: dict[str, Any]) -> Any:
    user = model(id="a")
    for name, value in values.items():
        setattr(user, name, value)
    return user


def by_assignment_after_reading(model: Any, values: dict[str, Any]) -> Any:
    user = model(id="a")
    repr(user)
    user.to_dict()
    user.full_clean()
    for name, value in values.items():
        setattr(user, name, value)
    repr(user)
    return user


def by_copy(model: Any, values: dict[str, Any]) -> Any:
    return copy.deepcopy(by_assignment(model, values))


GIVING = [by_dict, by_constructor, by_assignment, by_assignment_after_reading, by_copy]


def taken(_: Any) -> Any:
    return make_service_error("ConditionalCheckFailedException", "no", body={"Item": KEPT})


def written(payload: dict[str, Any]) -> dict[str, Any]:
    """Return what an update sets, by attribute; None for what it removes."""
    names = payload["ExpressionAttributeNames"]
    values = payload.get("ExpressionAttributeValues", {})
    found: dict[str, Any] = {}
    for clause in re.split(r" (?=REMOVE|SET)", payload.get("UpdateExpression", "")):
        for term in filter(None, re.split(r", (?=#\d+(?: =|,|$))", clause.partition(" ")[2])):
            path, _, value = term.partition(" = ")
            found[names[path]] = values.get(value, value or None)
    found.pop("version", None)
    return found


def upsert(do: Any, script: Any, model: Any, given: Any) -> dict[str, Any]:
    """Return what bulk_create(update_conflicts=True) writes into an item that is there."""
    script.answers = [taken, {"Attributes": KEPT}]
    if model is Versioned:
        script.answers += [{"Item": KEPT}]
    do(model.objects.bulk_create, [given], update_conflicts=True)
    if len(script.sent) == 1:
        return {}
    return written(script.payloads[1])


def update(do: Any, script: Any, model: Any, given: Any) -> dict[str, Any]:
    """Return what bulk_update() of all fields writes."""
    script.answers = [{}]
    do(model.objects.bulk_update, [given], [*VALUES, "created"])
    return written(script.payloads[0])


def update_unchecked(do: Any, script: Any, model: Any, given: Any) -> dict[str, Any]:
    """Return what bulk_update() of all fields writes without validation."""
    script.answers = [{}]
    do(model.objects.bulk_update, [given], [*VALUES, "created"], validate=False)
    return written(script.payloads[0])


WRITES = [upsert, update, update_unchecked]


@pytest.mark.parametrize("model", [User, Versioned])
@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("give", GIVING)
@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("at", [0, 1], ids=["default", "other"])
def test_what_was_given_is_written_and_no_default(script, do, name, at, give, write, model):
    value = copy.deepcopy(VALUES[name][at])
    wire = User._fieldset.by_name[name].to_wire_or_null(value)
    found = write(do, script, model, give(model, {name: value}))
    assert found == {name: wire}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    ("edit", "name", "wire"),
    [
        (lambda user: user.tags.add("x"), "tags", {"SS": ["x"]}),
        (lambda user: user.items.append(1), "items", {"L": [{"N": "1"}]}),
        (lambda user: user.doc.update(a=1), "doc", {"M": {"a": {"N": "1"}}}),
        (
            lambda user: setattr(user.address, "city", "Rome"),
            "address",
            {"M": {"city": {"S": "Rome"}}},
        ),
        (lambda user: delattr(user, "email"), "email", None),
        (lambda user: delattr(user, "points"), "points", None),
    ],
)
def test_a_default_that_was_edited_or_deleted_is_data(script, do, write, edit, name, wire):
    user = User(id="a")
    edit(user)
    assert write(do, script, User, user) == {name: wire}


@pytest.mark.parametrize("model", [User, Versioned])
def test_update_fields_choose_among_what_was_given(script, do, model):
    script.answers = [taken, {"Attributes": KEPT}]
    if model is Versioned:
        script.answers += [{"Item": KEPT}]
    given = {"id": "a", "points": 1, "email": None}
    do(
        model.objects.bulk_create,
        [given],
        update_conflicts=True,
        update_fields=["email", "status", "doc"],
    )
    assert written(script.payloads[1]) == {"email": None}


def test_nothing_is_sent_where_none_of_the_fields_was_given(script, do):
    done = do(User.objects.bulk_update, [{"id": "a", "points": 1}], ["email", "doc"])
    assert [each.status for each in done.outcomes] == ["unchanged"]
    assert script.sent == []


def test_a_new_item_has_its_defaults(script, do):
    script.answers = [{}]
    [user] = do(User.objects.bulk_create, [{"id": "a", "points": 1}], update_conflicts=True)
    item = script.payloads[0]["Item"]
    assert item["status"], item["color"] == ({"S": "new"}, {"S": "RED"})
    assert (user.status, user.tags, user.doc, user.is_changed) == ("new", set(), {}, False)


def test_a_create_that_failed_gives_nothing(script, do):
    user = User(id="a", points=1)
    script.answers = [taken]
    with pytest.raises(User.AlreadyExists):
        do(user.save, force_insert=True)
    script.sent.clear()
    assert upsert(do, script, User, user) == {"points": {"N": "1"}}


def test_of_a_loaded_instance_all_that_it_has_is_data(script, do):
    user = User.from_db(KEPT)
    user.points = 9
    found = upsert(do, script, User, user)
    assert found == {
        "points": {"N": "9"},
        **{name: KEPT[name] for name in ("email", "status", "tags", "doc")},
    }


# -- key templates -------------------------------------------------------------------------------


class Ticket(Model):
    class Meta:
        table_name = "tickets"

    key = CharField(hash_key=True, template="T#{number}")
    number = IntegerField()
    status = CharField(default="new")
    owner = CharField()
    queue = CharField(template="{status}#{owner}")
    by_queue = GlobalIndex(hash_key="queue")


@pytest.mark.parametrize("give", [lambda **values: values, Ticket], ids=["dict", "instance"])
@pytest.mark.parametrize(
    "write",
    [
        lambda do, given: do(Ticket.objects.bulk_create, [given], update_conflicts=True),
        lambda do, given: do(
            Ticket.objects.bulk_create, [given], update_conflicts=True, update_fields=["owner"]
        ),
        lambda do, given: do(Ticket.objects.bulk_update, [given], ["owner", "status"]),
        lambda do, given: do(
            Ticket.objects.bulk_update, [given], ["owner", "status"], validate=False
        ),
    ],
    ids=["upsert", "update_fields", "bulk_update", "unchecked"],
)
def test_no_template_is_made_of_a_default(script, do, give, write):
    with pytest.raises(ValidationError, match="queue is made of it and of status: give all"):
        write(do, give(number=1, owner="o"))
    assert script.sent == []


def test_a_template_is_made_of_what_was_given(script, do):
    given = {"number": 1, "owner": "o", "status": "new"}
    wanted = {"owner": {"S": "o"}, "status": {"S": "new"}, "queue": {"S": "new#o"}}
    there = {"key": {"S": "T#1"}}
    script.answers = [
        make_service_error("ConditionalCheckFailedException", "no", body={"Item": there}),
        {"Attributes": there},
        {},
        {},
    ]
    do(Ticket.objects.bulk_create, [given], update_conflicts=True)
    do(Ticket.objects.bulk_update, [given], ["owner", "status"])
    do(Ticket.objects.bulk_update, [given], ["owner", "status"], validate=False)
    assert [written(each) for each in script.payloads[1:]] == [wanted] * 3


def test_a_new_item_has_the_templates_of_its_defaults(script, do):
    script.answers = [{}]
    ticket = do(Ticket.create, number=1, owner="o")
    assert script.payloads[0]["Item"]["queue"] == {"S": "new#o"}
    assert (ticket.queue, Ticket(number=2, owner="p").queue) == ("new#o", "new#p")


# -- update_or_create and get_or_create ----------------------------------------------------------


class Drawn:
    """Draws numbers, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> int:
        self.count += 1
        return self.count


ABSENT = make_service_error("ConditionalCheckFailedException", "no", body={})
UPDATE_OR_CREATE: dict[str, tuple[list[Any], int]] = {
    "there": ([{"Attributes": KEPT}], 0),
    "absent": ([ABSENT, {}], 1),
    "made by another meanwhile": ([ABSENT, taken, {"Attributes": KEPT}], 1),
}


@pytest.mark.parametrize(("answers", "drawn"), UPDATE_OR_CREATE.values(), ids=UPDATE_OR_CREATE)
def test_callables_of_create_defaults_are_called_where_there_is_no_item(script, do, answers, drawn):
    draw, script.answers = Drawn(), [*answers]
    do(
        User.objects.update_or_create,
        id="a",
        defaults={"status": "old"},
        create_defaults={"points": draw},
    )
    assert draw.count == drawn


@pytest.mark.parametrize(("item", "drawn"), [({"Item": KEPT}, 0), ({}, 1)])
@pytest.mark.parametrize(
    "call",
    [
        lambda draw, do: do(User.objects.get_or_create, id="a", defaults={"points": draw}),
        lambda draw, do: do(
            User.objects.update_or_create, id="a", create_defaults={"points": draw}
        ),
    ],
    ids=["get_or_create", "update_or_create without changes"],
)
def test_callables_of_defaults_are_called_where_there_is_no_item(script, do, call, item, drawn):
    draw, script.answers = Drawn(), [item, *[{}] * drawn]
    call(draw, do)
    assert draw.count == drawn


def test_callables_of_defaults_are_called_once(script, do):
    draw, script.answers = Drawn(), [ABSENT, {}]
    user, created = do(User.objects.update_or_create, id="a", defaults={"points": draw})
    assert (user.points, created, draw.count) == (1, True, 1)


@pytest.mark.parametrize("defaults", [{"points": "x"}, {"unheard_of": 1}, {"unheard_of": Drawn()}])
def test_create_defaults_that_cannot_be_stored_are_refused_before_anything_is_sent(
    script, do, defaults
):
    with pytest.raises((ValidationError, TypeError)):
        do(
            User.objects.update_or_create,
            id="a",
            defaults={"status": "old"},
            create_defaults=defaults,
        )
    assert script.sent == []
