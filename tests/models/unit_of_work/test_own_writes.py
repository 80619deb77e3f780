"""What the package adds to writes, stamps and cascades, does not make pairs collide in a transaction."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from dynamodb_py import (
    CASCADE,
    NULLIFY,
    PROTECT,
    CharField,
    DateField,
    Document,
    EmbeddedField,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    Model,
    ProtectedError,
    QueryError,
    SoftDelete,
    Timestamped,
    VersionField,
    transaction,
)

from ...scripted import checked

_COUNT = itertools.count()


class Changed(CharField):
    """A field that sets itself to another value with each write."""

    def pre_save(self, value, *, adding):
        del value, adding
        return f"change {next(_COUNT)}"


class PlainDocument(Document):
    x = IntegerField()
    y = IntegerField()


class StampedDocument(PlainDocument):
    changed = Changed()


class Plain(Model):
    name = CharField(hash_key=True)
    a = IntegerField(default=0)
    b = IntegerField(default=0)
    doc = EmbeddedField(PlainDocument)


class Own(Model):
    name = CharField(hash_key=True)
    a = IntegerField(default=0)
    b = IntegerField(default=0)
    doc = EmbeddedField(PlainDocument)
    changed = Changed()


class Timed(Timestamped, Model):
    name = CharField(hash_key=True)
    a = IntegerField(default=0)
    b = IntegerField(default=0)
    doc = EmbeddedField(PlainDocument)
    day = DateField(auto_now=True)


class Keyed(Model):
    name = CharField(hash_key=True)
    a = IntegerField(default=0)
    b = IntegerField(default=0)
    doc = EmbeddedField(PlainDocument)
    changed = Changed()
    sort = CharField(template="{name}#{changed}")
    by_change = GlobalIndex(hash_key="name", range_key="sort")


class Inside(Model):
    name = CharField(hash_key=True)
    a = IntegerField(default=0)
    b = IntegerField(default=0)
    doc = EmbeddedField(StampedDocument)


ITEM = {
    "name": {"S": "x"},
    "a": {"N": "1"},
    "b": {"N": "1"},
    "changed": {"S": "before"},
    "doc": {"M": {"x": {"N": "1"}, "y": {"N": "1"}, "changed": {"S": "before"}}},
}


def save(name, value):
    def step(item):
        setattr(item, name, value)
        item.save()

    return step


def save_document(name, value):
    def step(item):
        setattr(item.doc, name, value)
        item.save()

    return step


STEPS = {
    "save a": save("a", 5),
    "save b": save("b", 6),
    "save doc.x": save_document("x", 7),
    "save doc.y": save_document("y", 8),
    "update a": lambda item: item.update(a=5),
    "update b": lambda item: item.update(b=6),
    "incr a": lambda item: item.incr(a=1),
    "copy": lambda item: item.update(b=type(item).a + 1),
    "remove b": lambda item: item.update(b=None),
    "delete": lambda item: item.delete(),
    "check": lambda item: transaction.check(item, type(item).a == 1),
}


def written_by(request):
    """Return the paths and values that an update writes, without those of stamps, and its clauses."""
    text = request.get("UpdateExpression", "")
    for mark, name in request.get("ExpressionAttributeNames", {}).items():
        text = re.sub(rf"{mark}\b", name, text)
    for mark, wire in request.get("ExpressionAttributeValues", {}).items():
        text = re.sub(rf"{mark}\b", str(next(iter(wire.values()))), text)
    parts = re.split(r", | (?=REMOVE|ADD)", text.removeprefix("SET "))
    return sorted(each for each in parts if not OWN.intersection(re.split(r"[. ]", each)))


def outcome(model, first, second, *, twins):
    """Return what the transaction of both steps writes, without stamps; or "refused"."""
    item = model.from_db(ITEM)
    other = model.from_db(ITEM) if twins else item
    with pytest.raises(ZeroDivisionError), transaction.atomic() as tx:  # noqa: PT012
        try:
            STEPS[first](item)
            STEPS[second](other)
        except QueryError:
            found: Any = "refused"
        else:
            [member] = checked(tx.operation())["TransactItems"]
            [(kind, request)] = member.items()
            found = kind, *written_by(request)
        raise ZeroDivisionError
    return found


OWN = {"changed", "updated_at", "created_at", "day", "sort"}


@pytest.mark.parametrize("twins", [False, True])
@pytest.mark.parametrize("model", [Own, Timed, Keyed, Inside])
@pytest.mark.parametrize("second", STEPS)
@pytest.mark.parametrize("first", STEPS)
def test_fields_that_set_themselves_change_nothing_of_what_merges(first, second, model, twins):
    expected = outcome(Plain, first, second, twins=twins)
    found = outcome(model, first, second, twins=twins)
    assert found == expected


def test_the_later_stamp_counts(script):
    script.answers.append({})
    item = Keyed.from_db(ITEM)
    with transaction.atomic():
        item.update(a=2)
        item.update(b=3)
    [member] = script.payloads[0]["TransactItems"]
    values = [
        next(iter(w.values())) for w in member["Update"]["ExpressionAttributeValues"].values()
    ]
    assert item.changed in values
    assert f"x#{item.changed}" in values
    assert len([each for each in values if str(each).startswith("change ")]) == 1


# -- cascades ------------------------------------------------------------------------------------


def family(on_delete, *bases, **more):
    """Return a model whose items refer to items of itself."""
    body = {
        "__module__": __name__,
        "id": CharField(hash_key=True),
        "n": IntegerField(),
        "parent": ForeignKey("self", related_name="children", on_delete=on_delete),
        "by_parent": GlobalIndex(hash_key="parent"),
    }
    return type("Node", (*bases, Model), {**body, **more})


def move(child):
    child.parent = "other"
    child.save()


FIRST = {
    "delete": lambda child: child.delete(),
    "delete by key": lambda child: type(child).objects.delete("c"),
    "move": move,
    "move by update": lambda child: child.update(parent="other"),
    "clear": lambda child: child.update(parent=None),
    "put": lambda child: type(child)(id="c", parent="other").save(overwrite=True),
}
STILL = {
    "update": lambda child: child.update(n=2),
    "save": save("n", 2),
    "incr": lambda child: child.incr(n=1),
    "check": lambda child: transaction.check(child, type(child).n == 1),
}
KINDS = {
    "plain": ((), {}),
    "stamped": ((Timestamped,), {}),
    "version": ((), {"version": VersionField()}),
}


def run_pair(script, model, step):
    """Write a child by *step*, then delete its parent; return the members of the transaction."""
    row = {"id": {"S": "c"}, "parent": {"S": "p"}, "n": {"N": "1"}, "version": {"N": "1"}}
    parent = model.from_db({"id": {"S": "p"}, "version": {"N": "1"}})
    child = model.from_db(row)
    script.answers += [{"Items": [row], "Count": 1, "ScannedCount": 1}]
    script.answers += [{"Items": [], "Count": 0, "ScannedCount": 0}, {}]
    with transaction.atomic() as tx:
        step(child)
        parent.delete()
        members = checked(tx.operation())["TransactItems"]
        del script.answers[:-1]
    return {
        next(iter((r.get("Key") or r["Item"])["id"].values())): kind
        for each in members
        for kind, r in each.items()
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("on_delete", [CASCADE, NULLIFY, PROTECT], ids=lambda each: each.name)
@pytest.mark.parametrize("first", FIRST)
def test_a_cascade_leaves_alone_what_the_transaction_takes_away(script, first, on_delete, kind):
    bases, more = KINDS[kind]
    model = family(on_delete, *bases, **more)
    expected = {"c": "Update", "p": "Delete"}
    if first.startswith("delete"):
        expected["c"] = "Delete"
    elif first == "put":
        expected["c"] = "Put"
    assert run_pair(script, model, FIRST[first]) == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("on_delete", [CASCADE, NULLIFY], ids=lambda each: each.name)
@pytest.mark.parametrize("first", STILL)
def test_a_cascade_merges_with_a_change_of_a_referrer(script, first, on_delete, kind):
    bases, more = KINDS[kind]
    model = family(on_delete, *bases, **more)
    expected = {"c": "Delete" if on_delete is CASCADE else "Update", "p": "Delete"}
    assert run_pair(script, model, STILL[first]) == expected


@pytest.mark.parametrize("first", STILL)
def test_a_change_of_a_referrer_protects_as_before(script, first):
    with pytest.raises(ProtectedError):
        run_pair(script, family(PROTECT), STILL[first])
    script.answers.clear()


def test_a_referrer_that_the_transaction_deletes_softly_is_not_marked_again(script):
    model = family(CASCADE, SoftDelete)
    found = run_pair(script, model, lambda child: child.delete())
    assert found == {"c": "Update", "p": "Update"}
