"""Query sets of one shape about parts of keys: a recipe fills in what rewriting would say."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    DateTimeField,
    GlobalIndex,
    IntegerField,
    Model,
    QueryError,
    SharedTable,
    TimestampField,
    ValidationError,
)
from dynamodb_py.models import expiry
from dynamodb_py.models.keys.rewriting import PartConditions
from dynamodb_py.models.keys.template import BoundTemplate
from dynamodb_py.models.queryset.execution import direct_query
from dynamodb_py.models.shared_tables.visibility import SharedTableFilter


class App(SharedTable):
    pk = CharField(hash_key=True)
    sk = CharField(range_key=True)
    gpk = CharField()
    gsk = CharField()
    by_g = GlobalIndex(hash_key="gpk", range_key="gsk")


class Order(Model):
    class Meta:
        table = App
        keys = {
            "pk": "USER#{user}",
            "sk": "ORDER#{number:08d}",
            "gpk": "STATE#{state}",
            "gsk": "{city}#{number:08d}",
        }

    user = IntegerField()
    number = IntegerField()
    state = CharField(required=True)
    city = CharField(required=True)
    total = IntegerField()


class Visit(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{user}", "sk": "VISIT#{at:%Y-%m-%d}#{page}"}

    user = IntegerField()
    at = DateTimeField()
    page = CharField()


class Note(Model):
    """Its keys begin as those of no other model: no filter is needed."""

    class Meta:
        table = App
        keys = {"pk": "NOTES#{title}", "sk": "{city}#{page}zz{number}"}
        ttl = "gone"
        hide_expired = True

    title = CharField()
    city = CharField()
    page = CharField()
    number = IntegerField()
    gone = TimestampField()


class Any(Model):
    """No literal begins its range keys, so items beside it are told by their kind."""

    class Meta:
        table = App
        keys = {"pk": "LIST#{title}", "sk": "{number:08d}"}

    title = CharField()
    number = IntegerField()


class Beside(Model):
    class Meta:
        table = App
        keys = {"pk": "LIST#{title}", "sk": "{number:06d}"}

    title = CharField()
    number = IntegerField()


class Owned(Model):
    pk = CharField(hash_key=True, template="USER#{user}")
    sk = CharField(range_key=True, template="{page}#{number:08d}")
    user = IntegerField()
    page = CharField()
    number = IntegerField()
    total = IntegerField()


class Shape(Model):
    class Meta:
        discriminator = "kind"
        ttl = "gone"
        hide_expired = True

    pk = CharField(hash_key=True, template="SHAPE#{user}")
    sk = CharField(range_key=True, template="{page}")
    user = IntegerField()
    page = CharField()
    gone = TimestampField()


class Circle(Shape):
    number = IntegerField()


START = datetime(2026, 1, 1, tzinfo=timezone.utc)

SHAPES = {
    "the hash key": lambda s, n: Order.objects.filter(user=n),
    "a bound": lambda s, n: Order.objects.filter(user=1, number__gte=n),
    "above": lambda s, n: Order.objects.filter(user=n, number__gt=n),
    "below": lambda s, n: Order.objects.filter(user=n, number__lt=n),
    "from to": lambda s, n: Order.objects.filter(user=1, number__gte=n, number__lte=900),
    "a filter": lambda s, n: Order.objects.filter(user=1, total__gte=n),
    "a filter of text": lambda s, n: Order.objects.filter(user=n, state=s),
    "in order": lambda s, n: Order.objects.filter(user=n).order_by("-number"),
    "limited": lambda s, n: Order.objects.filter(user=n, number__gt=n).limit(3),
    "the index": lambda s, n: Order.objects.filter(state=s),
    "the index and its first part": lambda s, n: Order.objects.filter(state=s, city=s),
    "the index and a bound": lambda s, n: Order.objects.filter(state="a", city=s, number__lt=n),
    "the index and a bound of text": lambda s, n: Order.objects.filter(state="a", city__gt=s),
    "the index and a beginning": lambda s, n: Order.objects.filter(state="a", city__startswith=s),
    "the index of its name": lambda s, n: Order.objects.index("by_g").filter(state=s, number=n),
    "a day": lambda s, n: Visit.objects.filter(user=1, at=START + timedelta(hours=n % 99999)),
    "since": lambda s, n: Visit.objects.filter(user=n, at__gte=START + timedelta(hours=n % 99999)),
    "escaped": lambda s, n: Note.objects.filter(title=s, city=s),
    "not escaped": lambda s, n: Note.objects.filter(title="a", city="b", page=s),
    "by kind": lambda s, n: Any.objects.filter(title=s),
    "by kind and key": lambda s, n: Any.objects.filter(title="a", number=n),
    "by kind and bound": lambda s, n: Any.objects.filter(title=s, number__lt=n),
    "its own table": lambda s, n: Owned.objects.filter(user=n),
    "its own table and a bound": lambda s, n: Owned.objects.filter(user=1, page=s, number__gt=n),
    "its own table and a filter": lambda s, n: Owned.objects.filter(user=n, total=n),
    "the key itself": lambda s, n: Owned.objects.filter(pk=s, page=s),
    "the key itself, shared": lambda s, n: Order.objects.filter(pk=s, number__lt=n),
    "twice": lambda s, n: Order.objects.filter(user=1, number__gte=1).filter(number__gte=n),
    "equal twice": lambda s, n: Order.objects.filter(user=1).filter(user=n),
    "one of several": lambda s, n: Order.objects.filter(user=n, number__in=[n, 3]),
    "another": lambda s, n: Order.objects.filter(user=n, number__ne=n),
    "root": lambda s, n: Shape.objects.filter(user=n, page__gte=s),
    "kind": lambda s, n: Circle.objects.filter(user=n, number=n),
}
SLOW = {
    "below",  # the planner drops the item with the bound itself
    "from to",
    "the index and a bound",
    "since",
    "twice",
    "the key itself, shared",
    "equal twice",
    "one of several",
    "another",
    "by kind and key",
}

texts = st.one_of(
    st.text("abz#$/ é", max_size=4), st.text(st.characters(codec="utf-8"), max_size=9)
)
numbers = st.one_of(st.integers(-3, 12), st.integers(0, 10**9))


@pytest.fixture(scope="module", autouse=True)
def _standing_clock():
    """The moment in the values is the same for both ways."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expiry, "time", lambda: 1_790_000_000)
        yield


def outcome(make):
    try:
        return make()
    except (QueryError, ValidationError) as error:
        return f"{type(error)}: {error}"


@pytest.mark.parametrize("shape", SHAPES)
@given(text=texts, number=numbers, first=st.tuples(texts, numbers))
def test_each_of_a_shape_sends_what_the_planner_says(shape, text, number, first):
    for values in (("first", 1), first, (text, number)):
        rows = outcome(lambda values=values: SHAPES[shape](*values))
        if isinstance(rows, str):
            continue  # refused before it is a question
        straight = outcome(lambda rows=rows: direct_query(rows))
        explained = outcome(lambda rows=rows: rows.explain().operations)
        if straight is not None:
            assert explained == (straight if isinstance(straight, str) else (straight,))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_usual_shapes_are_rewritten_once(shape, monkeypatch):
    direct_query(SHAPES[shape]("a", 1))
    counted = []
    for kind, verb in ((PartConditions, "rewrite"), (SharedTableFilter, "apply_to")):
        before = getattr(kind, verb)
        monkeypatch.setattr(
            kind, verb, lambda *given, before=before: counted.append(1) or before(*given)
        )
    assert (direct_query(SHAPES[shape]("b", 2)) is None) == (shape in SLOW)
    assert not counted


COMPOSED = {"the hash key": 1, "above": 2, "the index and its first part": 2, "its own table": 1}


@pytest.mark.parametrize("shape", COMPOSED)
def test_each_value_is_put_into_its_key_once_and_no_key_is_parsed(shape, monkeypatch):
    direct_query(SHAPES[shape]("a", 1))
    counted = []
    before = BoundTemplate._part_text
    monkeypatch.setattr(
        BoundTemplate, "_part_text", lambda *given: counted.append(1) or before(*given)
    )
    monkeypatch.setattr(BoundTemplate, "parse_wires", None)
    assert direct_query(SHAPES[shape]("b", 2)) is not None
    assert len(counted) == COMPOSED[shape]


def test_a_model_that_joins_the_table_later_is_left_out_by_shapes_that_are_known():
    class Later(SharedTable):
        pk = CharField(hash_key=True)
        sk = CharField(range_key=True)

    class First(Model):
        class Meta:
            table = Later
            keys = {"pk": "A#{number}", "sk": "{size:08d}"}

        number = IntegerField()
        size = IntegerField()

    rows = First.objects.filter(number=1)
    for _ in range(2):
        assert direct_query(rows).expressions.filter == ""

    class Second(Model):
        class Meta:
            table = Later
            keys = {"pk": "A#{number}", "sk": "{size:04d}"}

        number = IntegerField()
        size = IntegerField()

    assert direct_query(rows) is None  # made for other models
    for each in (rows, First.objects.filter(number=2)):
        request = direct_query(each)
        assert each.explain().operations == (request,)
        assert request.expressions.filter


def test_a_kind_that_is_made_later_is_read_by_shapes_that_are_known():
    rows = Circle.objects.filter(user=1)
    before = direct_query(rows)

    class Ring(Circle):
        pass

    for _ in range(2):
        request = direct_query(rows) or rows.explain().operations[0]
        assert {"S": "Ring"} in request.expressions.values.values()
        assert request != before
