"""A class costs the same however many there are before it, and is checked as against each of them."""

from __future__ import annotations

import gc
import itertools
import sys
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    Document,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    Model,
    ModelDefinitionError,
    SharedTable,
    TimestampField,
)
from dynamodb_py.models import registry
from dynamodb_py.models.fields.times.dates import DateField
from dynamodb_py.models.inheritance.declaring import merge_schemas
from dynamodb_py.models.inheritance.discriminator import require_kinds
from dynamodb_py.models.registry import DeferredOptions
from dynamodb_py.models.shared_tables.collisions import check_apart, check_kinds
from dynamodb_py.models.shared_tables.layout import SharedTableLayout

_NUMBERS = itertools.count()


def count_calls(make):
    """Return how many functions in Python *make* calls, and what it returns."""
    calls = 0

    def note(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    gc.collect()
    gc.disable()  # the end of other tests' classes calls functions too
    sys.setprofile(note)
    try:
        made = make()
    finally:
        sys.setprofile(None)
        gc.enable()
    return calls, made


def make_scope():
    return {"__module__": f"{__name__}{next(_NUMBERS)}"}


def make_meta(**options):
    return type("Meta", (), options)


def make_shared(discriminator="_kind"):
    keys = {"pk": CharField(hash_key=True), "sk": CharField(range_key=True)}
    meta = make_meta(table_name="app", discriminator=discriminator)
    return type("App", (SharedTable,), {**make_scope(), "Meta": meta, **keys})


def make_members(discriminator):
    app, scope = make_shared(discriminator), make_scope()

    def make(at):
        keys = {"pk": "USER#{user}", "sk": f"K{at:04d}#{{number:08d}}"}
        fields = {"user": IntegerField(), "number": IntegerField()}
        meta = make_meta(table=app, keys=keys)
        return type(f"Member{at:04d}", (Model,), {**scope, "Meta": meta, **fields})

    return make


def make_kinds():
    scope = make_scope()
    fields = {"id": CharField(hash_key=True), "number": IntegerField()}
    root = type("Root", (Model,), {**scope, "Meta": make_meta(discriminator="kind"), **fields})
    return lambda at: type(f"Kind{at:04d}", (root,), {**scope, "more": IntegerField()})


def make_waiting(base):
    """Return what makes classes, while as many wait for others."""
    scope, kept = make_scope(), []
    key = {"id": CharField(hash_key=True)}

    def make(at):
        own = key if base is Model else {}
        other = {"other": ForeignKey(f"Never{at:04d}")}
        kept.append(type(f"Waiting{at:04d}", (base,), {**scope, **own, **other}))
        return partial(type, f"Made{at:04d}", (Model,), {**scope, **key})

    return lambda at: make(at)()


def make_awaited():
    """Return what makes classes for each of which one waits, as others do for others."""
    scope, kept = make_scope(), []
    key = {"id": CharField(hash_key=True)}
    for at in range(60):
        other = {"other": ForeignKey(f"Made{at:04d}")}
        kept.append(type(f"Waiting{at:04d}", (Model,), {**scope, **key, **other}))

    def make(at):
        made = type(f"Made{at:04d}", (Model,), {**scope, **key})
        assert kept[at].other.target is made
        return made

    return make


MAKERS = {
    "in a shared table": lambda: make_members("_kind"),
    "in a shared table without a discriminator": lambda: make_members(None),
    "kinds of one root": make_kinds,
    "beside models that wait": lambda: make_waiting(Model),
    "beside documents that wait": lambda: make_waiting(Document),
    "that others wait for": make_awaited,
}


@pytest.mark.parametrize("name", MAKERS)
def test_the_sixtieth_class_takes_as_many_calls_as_the_tenth(name):
    make, kept, counts = MAKERS[name](), [], []
    for at in range(60):
        calls, made = count_calls(partial(make, at))
        counts.append(calls)
        kept.append(made)
    assert len(set(counts[9:])) == 1, counts


# -- each class is refused as if it was compared with each other one -------------------------------

TEXTS = ["A#", "A", "AB#", "B#", "", "A#B#"]
PARTS = ["{number:02d}", "{number:03d}", "{name}", "", "{day:%Y}x"]
templates = st.builds(str.__add__, st.sampled_from(TEXTS), st.sampled_from(PARTS)).filter(bool)
members = st.tuples(templates, templates, st.sampled_from(["", "", "same"]), st.integers(0, 5))


def check_pairwise(layout, meta):
    """Compare a model with each other one, as the reference for what finds the few that count."""
    others = [other for other in layout.members if other.name != meta.name]
    for other in others:
        if not layout.is_related(meta, other):
            check_apart(layout.name, meta, other)
            check_kinds(layout.name, layout.discriminator, meta, other)
    for other in (layout.meta, *others):
        layout._check_ttl(meta, other)


def find_error(check, *arguments):
    try:
        check(*arguments)
    except ModelDefinitionError as error:
        return str(error)
    return None


@given(
    several=st.lists(members, min_size=2, max_size=8),
    discriminator=st.sampled_from(["_kind", None]),
    below=st.booleans(),
)
def test_a_model_of_a_shared_table_is_compared_with_all_that_could_collide(
    several, discriminator, below
):
    app, scope = make_shared(discriminator), make_scope()
    outcomes = []

    def check(layout, meta, check=SharedTableLayout.check):
        expected = find_error(check_pairwise, layout, meta)
        assert find_error(check, layout, meta) == expected
        outcomes.append(expected)
        check(layout, meta)

    made = Model
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SharedTableLayout, "check", check)
        for hash_key, range_key, kind, name in several:
            keys = {"pk": hash_key, "sk": range_key}
            options = {"kind": kind} if kind and discriminator is not None else {}
            meta = make_meta(table=app, keys=keys, **options)
            fields = {"number": IntegerField(), "name": CharField(), "day": DateField()}
            fields["gone"] = TimestampField(ttl=name % 3 == 0, name=f"gone{name % 2}")
            base = made if below and name == 5 else Model
            try:
                made = type(f"Model{name}", (base,), {**scope, "Meta": meta, **fields})
            except ModelDefinitionError:
                continue
    assert outcomes


INDEXES = {
    "none": {},
    "one": {"by_a": GlobalIndex(hash_key="a")},
    "the same otherwise": {"by_a": GlobalIndex(hash_key="a", projection="keys")},
    "another": {"by_b": GlobalIndex(hash_key="b", range_key="a")},
}
FIELDS = {"text": CharField, "number": IntegerField}
kinds = st.tuples(
    st.sampled_from(list(INDEXES)),
    st.sampled_from(list(FIELDS)),
    st.sampled_from(["gone", "away", None]),
    st.integers(0, 3),
    st.sampled_from(["same", None, None]),
)


@given(several=st.lists(kinds, min_size=1, max_size=6))
def test_a_kind_is_merged_as_if_all_were_merged_anew(several):
    def make_all(*, anew):
        scope = make_scope()
        fields = {"id": CharField(hash_key=True), "a": CharField()}
        meta = make_meta(discriminator="kind", table_name="kinds")
        root = base = type("Root", (Model,), {**scope, "Meta": meta, **fields})
        hierarchy = root._meta.kind.hierarchy
        for index, field, ttl, name, kind in several:
            if anew:
                hierarchy.table = None  # as for the first class
            fields = {"b": FIELDS[field](), **INDEXES[index]}
            if ttl is not None:
                fields["moment"] = TimestampField(ttl=True, name=ttl)
            if kind is not None:
                fields["Meta"] = make_meta(kind=kind)
            try:
                made = type(f"Kind{name}", (root if name else base,), {**scope, **fields})
            except ModelDefinitionError as error:
                yield str(error)
                continue
            base = made
            metas = list(hierarchy.metas.values())
            assert hierarchy.table.schema == merge_schemas(metas).schema == made._meta.table_schema
            yield hierarchy.table.schema, list(hierarchy.classes)
            yield [[(f.name, f.key_limit) for f in each.fields] for each in metas]
            for each in metas[1:]:  # its condition is kept until there are classes below it
                condition = require_kinds(each.kind.path, each.kind.values)
                assert each.kind.condition() == each.present == condition

    assert list(map(str, make_all(anew=False))) == list(map(str, make_all(anew=True)))


NAMES = ["A", "B", "C", "D"]
references = st.lists(
    st.tuples(st.sampled_from([*NAMES, "E"]), st.booleans()), min_size=0, max_size=2
).filter(lambda found: sum(is_key for _, is_key in found) < 2)


def find_all_deferred():
    """Yield all classes that wait until that settles nothing, as the reference for what finds some."""
    settles = True
    while settles:
        settles = False
        for name, weak in list(registry._WAITING.items()):
            model = weak()
            if model is not None and registry._WAITING.pop(name, None) is not None:
                before = len(registry._find_unsettled(model))
                yield model
                left = len(registry._find_unsettled(model))
                settles = settles or left < before
                if left:
                    registry._WAITING.setdefault(name, weak)


@example([("A", [("B", True), ("C", False)]), ("D", [("A", False)]), ("B", [])])
@example([("D", [("A", False)]), ("A", [("B", True), ("C", False)]), ("B", [])])
@given(
    several=st.lists(
        st.tuples(st.sampled_from(NAMES), references), min_size=2, unique_by=lambda each: each[0]
    ),
)
def test_a_class_that_waits_is_prepared_as_soon_as_if_it_was_tried_each_time(several):
    def make_all():
        scope, kept = make_scope(), {}
        for name, others in several:
            fields = {
                f"r{at}": ForeignKey(other, hash_key=is_key)
                for at, (other, is_key) in enumerate(others)
            }
            own = {} if any(is_key for _, is_key in others) else {"id": CharField(hash_key=True)}
            try:
                kept[name] = type(name, (Model,), {**scope, **own, **fields})
            except ModelDefinitionError as error:
                yield str(error)
                return  # which others were tried before the one that is refused is left open
            yield [(n, isinstance(vars(k)["_meta"], DeferredOptions)) for n, k in kept.items()]
            yield [(n, list(k._fieldset.by_name)) for n, k in kept.items()]

    found = []
    for find in (registry.find_deferred, find_all_deferred):
        with pytest.MonkeyPatch.context() as patch:
            for name in ("_WAITING", "_WAITING_FOR", "_DEFINED"):  # nothing of other examples
                patch.setattr(registry, name, {})
            patch.setattr(registry, "find_deferred", find)
            found.append(list(make_all()))
    assert found[0] == found[1]


def test_a_reference_waits_for_a_class_that_is_defined_again():
    class Topic(Model):
        parent = ForeignKey("Subject")

    class Post(Model):
        author = ForeignKey("Author")
        topic = ForeignKey("Topic")

    class Topic(Model):  # noqa: F811 - as in a notebook
        author = ForeignKey("Author", hash_key=True)

    class Author(Model):
        id = CharField(hash_key=True)

    assert set(Post._fieldset.by_name) == {"id", "author_id", "topic_id"}
