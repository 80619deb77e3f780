"""Prefetch(): relations that are read along by query sets of one's own, and attributes for their items."""

from __future__ import annotations

import pickle
import time
from uuid import uuid4

import pytest

from dynamodb_py import (
    CharField,
    Document,
    EmbeddedField,
    FieldNotLoaded,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    ListField,
    Manager,
    ManyToManyField,
    Model,
    OneToOneField,
    Prefetch,
    QueryError,
    QuerySet,
    prefetch,
)
from dynamodb_py.flows import arun, run
from dynamodb_py.models.queryset.prefetch.levels import prefetch_objects


class Publisher(Model):
    class Meta:
        table_name = "pre-publishers"

    id = CharField(hash_key=True)
    city = CharField()


class Writer(Model):
    class Meta:
        table_name = "pre-writers"

    id = CharField(hash_key=True)
    name = CharField()
    age = IntegerField()
    publisher = ForeignKey(Publisher)
    subjects = ManyToManyField("Subject", through="WriterSubject", related_name="writers")


class Live(Manager["Novel"]):
    def get_queryset(self):
        return super().get_queryset().filter(pages__gt=0)


class Novel(Model):
    class Meta:
        table_name = "pre-novels"

    id = CharField(hash_key=True)
    title = CharField(required=True)
    pages = IntegerField()
    writer = ForeignKey(Writer, related_name="novels")
    by_writer = GlobalIndex(hash_key="writer", range_key="title")

    objects = Live()
    every = Manager["Novel"]()


class Subject(Model):
    class Meta:
        table_name = "pre-subjects"

    word = CharField(hash_key=True)
    size = IntegerField()
    publisher = ForeignKey(Publisher)


class WriterSubject(Model):
    class Meta:
        table_name = "pre-writer-subjects"

    writer = ForeignKey(Writer, hash_key=True)
    subject = ForeignKey(Subject, range_key=True)
    by_subject = GlobalIndex(hash_key="subject", range_key="writer")


class Life(Model):
    class Meta:
        table_name = "pre-lives"

    writer = OneToOneField(Writer, hash_key=True, related_name="life")
    text = CharField()


class Chapter(Document):
    guest = ForeignKey(Writer)


class Volume(Model):
    class Meta:
        table_name = "pre-volumes"

    id = CharField(hash_key=True)
    chapters = ListField(EmbeddedField(Chapter))
    editors = ListField(ForeignKey(Writer))


TABLES = [Publisher, Writer, Novel, Subject, WriterSubject, Life, Volume]


def fresh() -> str:
    return uuid4().hex[:12]


@pytest.fixture
def shop(engine):
    """A writer, Ann, with three novels of 100, 200 and 300 pages, and one that is hidden."""
    publisher = Publisher.create(id=fresh(), city="Bern")
    ann = Writer.create(id=fresh(), name="Ann", age=60, publisher=publisher)
    for at, pages in enumerate([100, 200, 300, 0]):
        Novel.create(id=fresh(), title=f"t{at}", pages=pages, writer=ann)
    words = [Subject.create(word=fresh(), size=at, publisher=publisher) for at in range(3)]
    ann.subjects.add(*words)
    Life.create(writer=ann, text="long")
    until = time.monotonic() + 60
    while Novel.every.filter(writer=ann).count() < 4 or ann.subjects.count() < 3:
        assert time.monotonic() < until
    return ann, publisher, words


def titles(novels) -> list[str]:
    return [novel.title for novel in novels]


def test_a_set_is_read_by_the_query_set(shop, do, sent):
    ann = shop[0]
    novels = Novel.every.filter(pages__gte=200).order_by("-title")
    sent.clear()
    found = do(Writer.objects.prefetch_related(Prefetch("novels", novels)).get, ann.id)
    assert [each.api for each in sent] == ["GetItem", "Query"]
    assert titles(do.list(found.novels)) == ["t2", "t1"]
    assert titles(do.list(found.novels.all())) == ["t2", "t1"]
    assert [each.writer for each in found.novels.all()._result_cache] == [found, found]
    assert len(sent) == 2


def test_the_query_set_takes_the_place_of_that_of_objects(shop, do):
    ann = shop[0]
    rows = Writer.objects.prefetch_related(
        "novels", Prefetch("novels", Novel.every.all(), to_attr="all_novels")
    )
    found = do(rows.get, ann.id)
    assert titles(do.list(found.novels)) == ["t0", "t1", "t2"]
    assert titles(found.all_novels) == ["t0", "t1", "t2", "t3"]


def test_an_attribute_has_a_list_and_the_set_stays_unread(shop, do, sent):
    ann = shop[0]
    few = Prefetch("novels", Novel.objects.only("title").filter(pages=100), to_attr="few")
    found = do(Writer.objects.prefetch_related(few).get, ann.id)
    assert titles(found.few) == ["t0"]
    assert found.few[0].writer_id == ann.id
    with pytest.raises(FieldNotLoaded):
        found.few[0].pages  # noqa: B018
    sent.clear()
    assert len(do.list(found.novels)) == 3
    assert [each.api for each in sent] == ["Query"]


def test_a_reference_is_read_by_the_query_set(shop, do, sent):
    ann, publisher, _ = shop
    sent.clear()
    rows = Writer.objects.prefetch_related(
        Prefetch("publisher", Publisher.objects.filter(city="Bern"), to_attr="in_bern"),
        Prefetch("publisher", Publisher.objects.filter(city="Rome"), to_attr="in_rome"),
        Prefetch("publisher", to_attr="house"),
    )
    found = do(rows.get, ann.id)
    assert (found.in_bern, found.in_rome, found.house) == (publisher, None, publisher)
    assert found.in_bern.city == "Bern"


def test_a_reference_that_is_left_out_stays_unread(shop, do, sent):
    ann, publisher, _ = shop
    rows = Writer.objects.prefetch_related(
        Prefetch("publisher", Publisher.objects.filter(city="Rome"))
    )
    found = do(rows.get, ann.id)
    sent.clear()
    assert do(found.publisher.fetch) == publisher
    assert [each.api for each in sent][:1] == ["GetItem"]


def test_a_reference_is_read_in_part(shop, do):
    ann = shop[0]
    part = Prefetch("publisher", Publisher.objects.only("id"))
    found = do(Writer.objects.prefetch_related(part).get, ann.id)
    assert found.publisher.id == ann.publisher_id
    with pytest.raises(FieldNotLoaded):
        found.publisher.city  # noqa: B018


def test_a_reference_to_nothing_gives_none(engine, do):
    bob = do(Writer.objects.create, id=fresh())
    rows = Writer.objects.prefetch_related(Prefetch("publisher", to_attr="house"))
    assert do(rows.get, bob.id).house is None


def test_many_to_many_is_read_by_the_query_set(shop, do, sent):
    ann, _, words = shop
    big = Subject.objects.filter(size__gte=1).prefetch_related("publisher")
    rows = Writer.objects.prefetch_related(
        Prefetch("subjects", big),
        Prefetch("subjects", Subject.objects.filter(size__gte=1).only("size"), to_attr="sizes"),
    )
    found = do(rows.get, ann.id)
    assert {each.word for each in do.list(found.subjects)} == {each.word for each in words[1:]}
    assert sorted(each.size for each in found.sizes) == [1, 2]
    sent.clear()
    assert {each.publisher.city for each in do.list(found.subjects)} == {"Bern"}
    assert not sent
    back = do(
        Subject.objects.prefetch_related(Prefetch("writers", to_attr="who")).get, words[0].word
    )
    assert back.who == [ann]


def test_one_to_one_is_read_by_the_query_set(shop, do):
    ann = shop[0]
    rows = Writer.objects.prefetch_related(
        Prefetch("life", Life.objects.filter(text="long"), to_attr="long_life"),
        Prefetch("life", Life.objects.filter(text="short"), to_attr="short_life"),
    )
    found = do(rows.get, ann.id)
    assert (found.long_life.text, found.short_life) == ("long", None)


def test_paths_lead_on_from_attributes_and_through_query_sets(shop, do, sent):
    ann, _publisher, _ = shop
    rows = Publisher.objects.all()
    novel = do(Novel.objects.filter(writer=ann).first)
    few = Novel.objects.filter(pages=300)
    path = Prefetch("writer__novels", few, to_attr="long")
    found = do(
        Novel.every.prefetch_related(
            path, "writer__long__writer", Prefetch("writer__publisher", rows)
        ).get,
        novel.id,
    )
    sent.clear()
    assert titles(found.writer.long) == ["t2"]
    assert found.writer.long[0].writer.name == "Ann"
    assert found.writer.publisher.city == "Bern"
    assert not sent


def test_documents_on_the_way_are_entered(shop, do):
    ann = shop[0]
    volume = do(Volume.objects.create, id=fresh(), chapters=[Chapter(guest=ann)])
    old = Prefetch("chapters__guest", Writer.objects.filter(age__gt=50), to_attr="old")
    young = Prefetch("chapters__guest", Writer.objects.filter(age__lt=50), to_attr="young")
    found = do(Volume.objects.prefetch_related(old, young).get, volume.id)
    assert (found.chapters[0].old, found.chapters[0].young) == (ann, None)
    assert not found.is_changed


def test_prefetch_of_instances_takes_it(shop, do):
    ann = do(Writer.objects.get, shop[0].id)
    few = Prefetch("novels", Novel.objects.filter(pages=100))
    if do.mode == "sync":
        prefetch([ann], few)
    else:
        do.run(arun(prefetch_objects([ann], few), ann._link))
    assert titles(do.list(ann.novels)) == ["t0"]
    assert run  # the blocking way is prefetch() itself


def test_what_was_read_along_is_not_saved(shop, do, stored):
    ann = shop[0]
    found = do(Writer.objects.prefetch_related(Prefetch("novels", to_attr="few")).get, ann.id)
    before = stored(ann)
    assert not found.is_changed
    found.age = 61
    do(found.save)
    assert stored(ann) == {**before, "age": {"N": "61"}}


def test_in_bulk_reads_relations_along(shop, do, sent):
    ann = shop[0]
    sent.clear()
    rows = Writer.objects.prefetch_related("publisher", Prefetch("novels", to_attr="few"))
    found = do(rows.in_bulk, [ann.id, "nobody"])
    assert [each.api for each in sent] == ["BatchGetItem", "BatchGetItem", "Query"]
    assert list(found) == [ann.id]
    assert found[ann.id].publisher.city == "Bern"
    assert titles(found[ann.id].few) == ["t0", "t1", "t2"]


def test_none_reads_nothing_along(shop, do, sent):
    rows = Writer.objects.prefetch_related("publisher").prefetch_related(None)
    sent.clear()
    do(rows.get, shop[0].id)
    assert [each.api for each in sent] == ["GetItem"]


def test_a_query_set_with_it_is_pickled(shop, do):
    rows = Writer.objects.prefetch_related(Prefetch("novels", Novel.every.filter(pages=0), "gone"))
    again = pickle.loads(pickle.dumps(rows))
    assert titles(do(again.get, shop[0].id).gone) == ["t3"]


WRONG = [
    (lambda: Prefetch(3), "it takes the name of a relation"),
    (lambda: Prefetch("novels", Novel), "give a query set, such as objects"),
    (lambda: Prefetch("novels", Novel.objects), "give a query set, such as objects"),
    (lambda: Prefetch("novels", Novel.objects.all()[:3]), "a slice, limit"),
    (lambda: Prefetch("novels", Novel.objects.after(("a",))), r"after\(\) would apply to all owners"),
    (lambda: Prefetch("novels", Novel.objects.values()), r"values\(\) returns none"),
    (lambda: Prefetch("novels", Novel.every.union(Novel.every.all())), "a union cannot read"),
    (lambda: Prefetch("novels", to_attr="_few"), "to_attr='_few': give the name"),
    (lambda: Prefetch("novels", to_attr="a__b"), "without __"),
    (lambda: Writer.objects.prefetch_related(Prefetch("novels", Writer.objects.all())), "leads to Novel, and the query set is of Writer"),
    (lambda: Writer.objects.prefetch_related(Prefetch("novels", to_attr="name")), "Writer has an attribute of that name"),
    (lambda: Writer.objects.prefetch_related(Prefetch("novels", to_attr="publisher")), "Writer has an attribute of that name"),
    (lambda: Writer.objects.prefetch_related(Prefetch("novels", to_attr="save")), "Writer has an attribute of that name"),
    (lambda: Writer.objects.prefetch_related(Prefetch("novels", to_attr="pk")), "Writer has an attribute of that name"),
    (lambda: Writer.objects.prefetch_related(Prefetch("novels__writer", to_attr="title")), "Novel has an attribute of that name"),
    (lambda: Writer.objects.prefetch_related(Prefetch("publisher", Publisher.objects.order_by("id"))), "read by its key: drop order_by"),
    (lambda: Writer.objects.prefetch_related(Prefetch("subjects", Subject.objects.scan())), "read by its key: drop"),
    (lambda: Writer.objects.prefetch_related(Prefetch("age")), "Writer.age leads to no other item"),
    (lambda: Volume.objects.prefetch_related(Prefetch("editors", Writer.objects.all())), "a field that holds references"),
    (lambda: Writer.objects.prefetch_related("novels", Prefetch("novels", Novel.every.all())), "occurs twice, with different items"),
    (lambda: Writer.objects.prefetch_related(3), r"it takes names of relations.*Prefetch\(...\)"),
    (lambda: Writer.objects.prefetch_related(None, "novels"), "it takes names of relations"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "text"), WRONG, ids=range(len(WRONG)))
def test_what_cannot_be_read_along_is_refused_before_anything_is_sent(make, text):
    with pytest.raises(QueryError, match=text):
        make()


def test_it_is_of_the_package():
    assert repr(Prefetch("novels")) == "<Prefetch 'novels'>"
    assert isinstance(Novel.every.all(), QuerySet)
