"""The order of class definitions does not matter, and errors name the class at fault."""

from __future__ import annotations

import itertools

import pytest

from dynamodb_py import (
    CASCADE,
    NULLIFY,
    PROTECT,
    CharField,
    Document,
    ForeignKey,
    GlobalIndex,
    ManyToManyField,
    Model,
    ModelDefinitionError,
    ProtectedError,
)

from ...scripted import checked

_NUMBERS = itertools.count()
_KEPT: list[type] = []  # a name means a class as long as that lives


def define(scope, name, **body):
    """Return a model that is defined in the function *scope*, a name of the test's own."""
    names = {"__module__": __name__, "__qualname__": f"{scope}.<locals>.{name}"}
    _KEPT.append(type(name, (Model,), {**names, **body}))
    return _KEPT[-1]


@pytest.fixture
def scope():
    yield f"scope{next(_NUMBERS)}"
    _KEPT.clear()


# -- many-to-many --------------------------------------------------------------------------------


def make_book(scope):
    tags = ManyToManyField("Tag", through="BookTag", related_name="books")
    return define(scope, "Book", id=CharField(hash_key=True), tags=tags)


def make_tag(scope):
    return define(scope, "Tag", word=CharField(hash_key=True))


def make_pair(scope):
    return define(
        scope,
        "BookTag",
        book=ForeignKey("Book", hash_key=True),
        tag=ForeignKey("Tag", range_key=True),
        by_tag=GlobalIndex(hash_key="tag", range_key="book", projection="keys"),
    )


MAKERS = {"Book": make_book, "Tag": make_tag, "BookTag": make_pair}


@pytest.mark.parametrize("order", list(itertools.permutations(MAKERS)), ids="-".join)
def test_both_sides_are_there_once_all_three_are_defined(scope, order):
    made = {name: MAKERS[name](scope) for name in order}
    assert made["Tag"]("x").books.rows().operation().index == "by_tag"
    assert made["Book"]("1").tags.rows().model is made["BookTag"]


def make_wrong_pair(scope):
    return define(
        scope,
        "Friendship",
        a=ForeignKey("Person", hash_key=True),
        b=ForeignKey("Person", range_key=True),
        by_b=GlobalIndex(hash_key="b", range_key="a"),
    )


def make_person(scope, **options):
    friends = ManyToManyField("self", through="Friendship", related_name="fans", **options)
    return define(scope, "Person", id=CharField(hash_key=True), friends=friends)


def test_a_wrong_model_between_is_refused_itself_and_no_later_one(scope):
    make_person(scope)
    with pytest.raises(ModelDefinitionError, match="Friendship has several references to Person"):
        make_wrong_pair(scope)
    make_tag(scope)
    with pytest.raises(ModelDefinitionError, match="Friendship has several references"):
        make_wrong_pair(scope)
    make_tag(scope)


def test_a_wrong_field_is_refused_with_its_own_class(scope):
    make_wrong_pair(scope)
    with pytest.raises(ModelDefinitionError, match=r"Person\.friends: Friendship has several"):
        make_person(scope)
    make_tag(scope)
    make_wrong_pair(scope)
    person = make_person(scope, through_fields=("a", "b"))
    assert person("1").fans.rows().operation().index == "by_b"


def test_a_model_that_is_corrected_takes_the_place_of_the_refused_one(scope):
    book = make_book(scope)
    make_tag(scope)
    with pytest.raises(ModelDefinitionError, match="BookTag has no reference to Tag"):
        define(scope, "BookTag", book=ForeignKey("Book", hash_key=True))
    pair = make_pair(scope)
    assert book("1").tags.rows().model is pair


# -- protection ----------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations(["products", "orders", "cards"])))
@pytest.mark.parametrize("action", [CASCADE, NULLIFY], ids=lambda each: each.name)
@pytest.mark.parametrize("flipped", [False, True])
def test_protection_is_of_the_items_that_stay(scope, script, order, action, flipped):
    """A line protects its product; it goes with its order, or stays with none."""
    shop = define(scope, "Shop", id=CharField(hash_key=True))
    made = {
        name: define(
            scope,
            name,
            id=CharField(hash_key=True),
            shop=ForeignKey(shop, related_name=name, on_delete=CASCADE),
            by_shop=GlobalIndex(hash_key="shop"),
        )
        for name in order
    }
    references = {
        "product": ForeignKey(made["products"], related_name="lines", on_delete=PROTECT),
        "order": ForeignKey(made["orders"], related_name="lines", on_delete=action),
    }
    if flipped:
        references = dict(reversed(references.items()))
    by = {f"by_{name}": GlobalIndex(hash_key=name) for name in references}
    line = define(scope, "Line", id=CharField(hash_key=True), **references, **by)
    row = {name: {"S": "1"} for name in ("id", "product", "order")}
    rows = {name: [{"id": {"S": "1"}, "shop": {"S": "s"}}] for name in order}

    def answer(operation):
        found = [row] if operation.table == "Line" else rows[operation.table]
        return {"Items": found, "Count": 1, "ScannedCount": 1}

    script.answers += [answer] * 5
    if action is NULLIFY:
        with pytest.raises(ProtectedError, match=r"Line\.product"):
            shop("s").delete()
        return
    script.answers.append({})
    shop("s").delete()
    members = checked(script.sent[-1])["TransactItems"]
    assert sorted(each["Delete"]["TableName"] for each in members) == sorted(
        ["Shop", "Line", *order]
    )
    assert line.__name__ == "Line"


# -- inherited fields ----------------------------------------------------------------------------

CHOICES = {"base": ["new"], "strict": ["open", "paid"], "loud": ["OPEN"]}


def bases_of(root, names):
    """Return a base, and classes below it, of which some declare its field again."""
    body = {"__module__": __name__}
    if root is Model:
        body["Meta"] = type("Meta", (), {"abstract": True})
    base = type("Base", (root,), {**body, "status": CharField(choices=CHOICES["base"])})
    made = {
        "silent": type("Silent", (base,), {**body, "who": CharField()}),
        "strict": type("Strict", (base,), {**body, "status": CharField(choices=CHOICES["strict"])}),
        "loud": type("Loud", (base,), {**body, "status": CharField(choices=CHOICES["loud"])}),
        "below": None,
        "dropped": type("Dropped", (base,), {**body, "status": None}),
    }
    made["below"] = type("Below", (made["silent"],), {**body, "more": CharField()})
    return [made[name] for name in names]


@pytest.mark.parametrize("root", [Model, Document])
@pytest.mark.parametrize(
    "names",
    [
        names
        for count in (2, 3)
        for names in itertools.permutations(["below", "silent", "strict", "loud", "dropped"], count)
        if "below" not in names[1:]
        or "silent" not in names  # Python refuses a base before its subclass
    ],
    ids="-".join,
)
def test_a_field_is_the_one_that_the_mro_names(root, names):
    bases = bases_of(root, names)
    body = {"__module__": __name__}
    if root is Model:
        body["id"] = CharField(hash_key=True)
    found = type("Order", tuple(bases), body)
    expected = next(
        (each for each in names if each in ("strict", "loud", "dropped")),
        "base",
    )
    if expected == "dropped":
        assert "status" not in found._fieldset.by_name
    else:
        assert found._fieldset.by_name["status"].choices == CHOICES[expected]
        assert found.status.choices == CHOICES[expected]
    again = type("Again", (found,), {"__module__": __name__})
    assert set(again._fieldset.by_name) == set(found._fieldset.by_name)
    assert [f.choices for f in again._fieldset] == [f.choices for f in found._fieldset]


def test_a_field_of_another_class_can_be_declared_again():
    class Base(Document):
        status = CharField(choices=["a"])

    class Below(Base):
        pass

    class Taken(Document):
        state = Below.status

    class Mixed:
        status = Below.status

    class With(Mixed, Document):
        pass

    assert Taken._fieldset.by_name["state"].choices == ["a"]
    assert With._fieldset.by_name["status"].choices == ["a"]
