"""Verbs and arguments that users of Django look for: what they send, and what they say instead."""

from __future__ import annotations

import pytest

from dynamodb_py import (
    BinaryField,
    CharField,
    DoesNotExist,
    F,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    Manager,
    Model,
    Q,
    QueryError,
    QuerySet,
    ScanRequired,
    SharedTable,
    ValidationError,
)


class Score(Model):
    class Meta:
        table_name = "scores"

    player = CharField(name="p", hash_key=True)
    game = IntegerField(range_key=True)
    title = CharField(required=True)
    wins = IntegerField(required=True)
    by_title = GlobalIndex(hash_key="title", range_key="wins")


class One(Model):
    class Meta:
        table_name = "ones"

    name = CharField(hash_key=True)
    raw = BinaryField()


class WithField(Model):
    name = CharField(hash_key=True)
    pk = IntegerField()


class WithReference(Model):
    name = CharField(hash_key=True)
    pk = ForeignKey(One)


class WithAttribute(Model):
    name = CharField(hash_key=True)
    pk = "mine"


class WithProperty(Model):
    name = CharField(hash_key=True)

    @property
    def pk(self) -> str:
        return self.name.upper()


class Below(WithField):
    more = CharField()


class Made(Model):
    key = CharField(hash_key=True, template="USER#{uid}")
    uid = CharField()


class Shop(SharedTable):
    class Meta:
        table_name = "shop"

    pk = CharField(hash_key=True)
    sk = CharField(range_key=True)


class Customer(Model):
    class Meta:
        table = Shop
        keys = {"pk": "C#{uid}", "sk": "C"}

    uid = CharField()


class Referring(Model):
    one = ForeignKey(One, hash_key=True)


# -- pk ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instance", "expected"),
    [
        (Score("a", 1), ("a", 1)),
        (One("a"), "a"),
        (Made(uid="7"), "USER#7"),
        (Referring(one="a"), "a"),
        (WithField("a", pk=3), 3),
        (Below("a", pk=3), 3),
        (WithAttribute("a"), "mine"),
        (WithProperty("a"), "A"),
        (Customer(uid="7"), "C#7"),
    ],
)
def test_pk_is_the_key_unless_something_has_that_name(instance, expected):
    assert instance.pk == expected


def test_a_reference_may_be_called_pk():
    assert WithReference("a", pk="b").pk_id == "b"
    assert WithReference.objects.filter(name="a", pk="b").explain().condition == (
        WithReference.objects.filter(name="a", pk_id="b").explain().condition
    )


def test_pk_is_not_assigned():
    with pytest.raises(AttributeError, match=r"Score\.pk is the value of player and game"):
        Score("a", 1).pk = ("b", 2)
    assert not hasattr(Score, "pk")


SAME = [
    (Score.objects.filter(pk=("a", 1)), Score.objects.filter(player="a", game=1)),
    (Score.objects.filter(pk=["a", 1]), Score.objects.filter(player="a", game=1)),
    (Score.objects.filter(pk={"player": "a", "game": 1}), Score.objects.filter(player="a", game=1)),
    (Score.objects.filter(Q(pk=("a", 1))), Score.objects.filter(player="a", game=1)),
    (Score.objects.filter(pk__in=[("a", 1)]), Score.objects.filter(player="a", game=1)),
    (Score.objects.filter(pk__in=[]), Score.objects.none()),
    (Score.objects.filter(player="a").order_by("-pk"), Score.objects.filter(player="a").order_by("-player", "-game")),
    (One.objects.filter(pk="a"), One.objects.filter(name="a")),
    (One.objects.filter(pk__in=["a", "b"]), One.objects.filter(name__in=["a", "b"])),
    (One.objects.scan().filter(pk__startswith="a"), One.objects.scan().filter(name__startswith="a")),
    (One.objects.scan().exclude(pk="a"), One.objects.scan().exclude(name="a")),
    (One.objects.filter(pk="a").only("pk"), One.objects.filter(name="a").only("name")),
    (Made.objects.filter(pk="USER#7"), Made.objects.filter(key="USER#7")),
    (Referring.objects.filter(pk="a"), Referring.objects.filter(one="a")),
    (WithField.objects.filter(name="a", pk=3), WithField.objects.filter(name="a").filter(WithField.pk == 3)),
    (WithField.objects.scan().filter(pk__gt=3), WithField.objects.scan().filter(WithField.pk > 3)),
    (Customer.objects.filter(pk="C#7"), Customer.objects.filter(Customer.pk == "C#7")),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME, ids=range(len(SAME)))
def test_pk_in_lookups_is_the_key(one, other):
    sent, expected = one.explain().operations, other.explain().operations
    assert [each.payload() for each in sent] == [each.payload() for each in expected]


def test_pk_in_values_is_a_column():
    rows = One.objects.filter(name="a").values("pk")
    assert [column.name for column in rows._read_options.shape.columns] == ["pk"]


def test_f_pk_is_an_attribute():
    plan = One.objects.scan().filter(F("pk") == 1).explain()
    assert plan.operations[0].expressions.names == {"#0": "pk"}


REFUSED = [
    (lambda: Score.objects.filter(pk="a"), QueryError, r"pk='a': the key is player and game: give a pair"),
    (lambda: Score.objects.filter(pk=("a", 1, 2)), QueryError, "give a pair"),
    (lambda: Score.objects.filter(pk={"player": "a"}), QueryError, "give a pair"),
    (lambda: Score.objects.filter(pk__gt=("a", 1)), QueryError, r"pk__gt=: .*pk= and pk__in= take pairs"),
    (lambda: Score.objects.filter(pk__in="ab"), QueryError, r"pk__in='ab': give a list of pairs"),
    (lambda: Score.objects.filter(pk__in=7), QueryError, r"pk__in=7: give a list of pairs"),
    (lambda: Score.objects.get(pk=("a", 1), player="b"), QueryError, "pk= and player= both give a value of the key"),
    (lambda: Score.objects.filter(player="a").values("pk"), QueryError, "pk is player and game: name one"),
    (lambda: Score.objects.filter(player="a").only("pk"), QueryError, "pk is player and game: name one"),
    (lambda: One.objects.filter(pk="a").update(pk="b"), ValidationError, "part of the key"),
    (lambda: One(pk="a"), TypeError, "One has no field pk"),
    # contains, latest and earliest
    (lambda: Score.objects.contains(One("a")), QueryError, r"contains\(One\(name='a'\)\): it is no Score"),
    (lambda: Score.objects.values().contains(Score("a", 1)), QueryError, "for instances"),
    (lambda: Score.objects.contains(Score("a")), ValidationError, "game: it is required"),
    (lambda: One.objects.latest(), QueryError, r"latest\(\): One has no range key"),
    (lambda: One.objects.earliest(), QueryError, r"earliest\(\): One has no range key"),
    (lambda: Score.objects.latest(), ScanRequired, "filter by player"),
    (lambda: Score.objects.filter(player="a").latest("title"), QueryError, "DynamoDB cannot answer this"),
    (lambda: Score.objects.filter(player="a")[:3].latest(), QueryError, r"say latest\(\) before it"),
    # pages and places
    (lambda: Score.objects.filter(player="a").iterator(0), QueryError, "a page has at least one item"),
    (lambda: Score.objects.filter(player="a").iterator("9"), QueryError, "it takes an int"),
    (lambda: Score.objects.after(7), QueryError, r"after\(7\): it takes a cursor, a Score, or the key"),
    (lambda: Score.objects.after(One("a")), QueryError, "it takes a cursor, a Score"),
    (lambda: Score.objects.after(Score("a")), ValidationError, "game: it is required"),
    (lambda: list(Score.objects.filter(player="b").after(("a", 1))), QueryError, "its p is another"),
    (lambda: list(Score.objects.filter(title="t").after(("a", 1))), QueryError, "given without title, wins"),
    (lambda: list(Score.objects.filter(title="t").after(Score("a", 1))), QueryError, "index by_title goes on behind"),
    (lambda: list(Score.objects.filter(player__in=["a", "b"]).after(("a", 1))), QueryError, "one Query or Scan"),
    (lambda: list(Score.objects.filter(pk=("a", 1)).after(("a", 1))), QueryError, "one Query or Scan"),
    (lambda: list(Score.objects.scan(3).after(("a", 1))), QueryError, "one Query or Scan"),
    # batch_size
    (lambda: One.objects.bulk_create([One("a")], batch_size=26), QueryError, r"bulk_create\(batch_size=26\): DynamoDB takes 1 to 25"),
    (lambda: One.objects.bulk_create([One("a")], batch_size=0), QueryError, "1 to 25"),
    (lambda: One.objects.bulk_create([One("a")], batch_size=True), QueryError, "1 to 25"),
    (lambda: One.objects.bulk_update([One("a")], ["raw"], batch_size=100), QueryError, r"bulk_update\(batch_size=100\)"),
    (lambda: Score.objects.filter(player="a").values("title").defer(None), QueryError, r"defer\(\) beside values"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "error", "text"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_is_refused_before_anything_is_sent(script, make, error, text):
    with pytest.raises(error, match=text):
        make()
    assert script.sent == []


# -- what DynamoDB has not -----------------------------------------------------------------------


class Own(QuerySet["Score"]):
    def annotate(self):
        return self


@pytest.mark.parametrize(
    ("verb", "advice"),
    [
        ("distinct", r"each item comes once anyway.*set\(queryset.values_list"),
        ("annotate", "compute in Python"),
        ("aggregate", r"count\(\).*sum\(queryset"),
        ("aaggregate", r"count\(\).*sum\(queryset"),
        ("select_related", r"prefetch_related\('author'\)"),
    ],
)
@pytest.mark.parametrize("rows", [Score.objects, Score.objects.all(), Score.objects.values()])
def test_verbs_that_dynamodb_has_not_say_what_to_do_instead(rows, verb, advice):
    name = "aggregate" if verb == "aaggregate" else verb
    with pytest.raises(QueryError, match=rf"Score: DynamoDB has no {name}\(\): .*{advice}"):
        getattr(rows, verb)("title", total=1)


def test_a_query_set_of_ones_own_may_have_them():
    rows = Own(Score)
    assert rows.annotate() is rows
    assert Manager.from_queryset(Own)(Score).annotate().model is Score


# -- what is cleared -----------------------------------------------------------------------------


def test_defer_none_reads_all_fields_again():
    rows = Score.objects.filter(player="a")
    for part in (rows.only("title"), rows.defer("title"), rows.only("title").defer("wins")):
        again = part.defer(None)
        assert again.operation().payload() == rows.operation().payload()
        assert again._read_options == rows._read_options


def test_latest_does_not_find_what_is_not_there(script, do):
    script.answers = [{"Items": [], "Count": 0, "ScannedCount": 0}] * 2
    for verb in ("latest", "earliest"):
        with pytest.raises(Score.DoesNotExist, match="no Score matches <Condition: p = 'a'>"):
            do(getattr(Score.objects.filter(player="a"), verb))
    assert issubclass(Score.DoesNotExist, DoesNotExist)
    assert [each.forward for each in script.sent] == [False, True]


def test_batches_are_as_large_as_was_said(script, do):
    script.answers = [{}] * 3
    items = [One(str(at)) for at in range(25)]
    do(One.objects.bulk_create, items, overwrite=True, batch_size=10)
    assert [len(each.writes) for each in script.sent] == [10, 10, 5]
