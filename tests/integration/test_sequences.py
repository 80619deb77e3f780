"""Random writes through several copies of one item: what was saved is what is read back.

Each copy is an instance as some process would have it. What the item must be is followed in plain
Python, and each write must succeed or fail as that says.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dynamodb_py import (
    AlreadyExists,
    CharField,
    ConditionFailed,
    DictField,
    DoesNotExist,
    IntegerField,
    Model,
    SetField,
    StaleItem,
    VersionField,
)
from dynamodb_py.models.persistence.stored import stored_wires

# The quickest; what the engines differ in is tested case by case.
pytestmark = pytest.mark.engines("dynoxide")


class Versioned(Model):
    class Meta:
        table_name = "versioned"

    name = CharField(hash_key=True)
    text = CharField()
    count = IntegerField(default=0)
    tags = SetField()
    doc = DictField(default=dict)
    version = VersionField(name="v")


class Unversioned(Model):
    class Meta:
        table_name = "unversioned"

    name = CharField(hash_key=True)
    text = CharField()
    count = IntegerField(default=0)
    tags = SetField()
    doc = DictField(default=dict)


TABLES = [Versioned, Unversioned]
COPIES = 3

values = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.sampled_from(["", "x", 1.5, True, b"\x00"]),
    st.dictionaries(st.sampled_from("ab"), st.integers(0, 2), max_size=2),
)
changes = st.one_of(
    st.tuples(st.just("text"), st.sampled_from([None, "", "a", "b"])),
    st.tuples(st.just("count"), st.integers(-2, 2)),
    st.tuples(st.just("tags"), st.sets(st.sampled_from("xyz"))),
    st.tuples(st.sampled_from(["doc.a", "doc.b", "doc.c"]), values),
)
verbs = st.sampled_from(
    ["save", "save", "save", "update", "incr", "refresh", "delete", "create", "overwrite"]
)
steps = st.lists(
    st.tuples(st.integers(0, COPIES - 1), verbs, st.lists(changes, max_size=3)),
    min_size=1,
    max_size=14,
)
deadline = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def edit(copy, edits):
    """Change an instance in place, as a program would."""
    for where, value in edits:
        field, _, inside = where.partition(".")
        if inside:
            getattr(copy, field)[inside] = value
        else:
            setattr(copy, field, value)


class World:
    """An item, the copies of it that there are, and what is known of both."""

    def __init__(self, model, do):
        self.model, self.do = model, do
        self.key = uuid.uuid4().hex
        self.life = 0
        """How often the item was made anew: a copy from before is of another item."""
        self.writes = 0
        first = do(model.objects.create, name=self.key)
        self.copies = [first, *(self.read() for _ in range(COPIES - 1))]
        self.seen = [(self.life, self.writes)] * COPIES
        """Of each copy: what the item was when it was last loaded or written."""
        self.versions = [1]

    def read(self):
        return self.do(self.model.objects.get_or_none, self.key, consistent=True)

    def is_stale(self, at):
        return self.seen[at] != (self.life, self.writes)

    @contextmanager
    def unchanged(self, *errors):
        """A write that must raise one of *errors*, and leave the item as it is."""
        before = self.read()
        with pytest.raises(errors):
            yield
        now = self.read()
        assert (now is None) is (before is None)
        assert now is None or stored_wires(now) == stored_wires(before)

    def took(self, at):
        """Check a copy that was written, and that the version has grown."""
        self.writes += 1
        self.seen[at] = (self.life, self.writes)
        self.check(at)

    def check(self, at):
        copy, now = self.copies[at], self.read()
        assert copy.persisted
        assert not copy.is_changed
        assert copy.to_dict() == now.to_dict()
        if self.model is Versioned:
            assert now.version == copy.version == self.versions[-1] + 1
            self.versions.append(now.version)

    # -- the verbs -----------------------------------------------------------------------------

    def step(self, at, verb, edits):
        copy = self.copies[at]
        there = self.read() is not None
        if verb == "refresh":
            self.refresh(at, there=there)
        elif verb == "create":
            self.create(at, edits, there=there)
        elif verb == "delete":
            self.delete(at, there=there)
        elif not copy.persisted:
            return
        elif verb == "overwrite":
            edit(copy, edits)
            if there:  # else it makes another item, of a version that there was already
                self.write(at, lambda: self.do(copy.save, overwrite=True), there=there)
        elif verb == "incr":
            self.write(at, lambda: self.do(copy.incr, count=2), there=there)
        elif verb == "update":
            plain = {where: value for where, value in edits if "." not in where}
            if plain:
                self.write(at, lambda: self.do(copy.update, **plain), there=there)
        else:
            edit(copy, edits)
            if copy.is_changed:
                self.write(at, lambda: self.do(copy.save), there=there)

    def write(self, at, call, *, there):
        if not there:
            with self.unchanged(DoesNotExist):
                call()
            self.renew(at)
        elif self.is_stale(at):
            with self.unchanged(StaleItem):
                call()
        else:
            call()
            self.took(at)

    def renew(self, at):
        """Give up a copy whose item is gone, as a program would."""
        self.copies[at] = self.model(self.key)

    def refresh(self, at, *, there):
        copy = self.copies[at]
        if there:
            self.do(copy.refresh_from_db, consistent=True)
            self.seen[at] = (self.life, self.writes)
        else:
            with pytest.raises(DoesNotExist):
                self.do(copy.refresh_from_db, consistent=True)
            self.renew(at)

    def create(self, at, edits, *, there):
        new = self.model(self.key)
        edit(new, edits)
        if there:
            with self.unchanged(AlreadyExists):
                self.do(new.save)
            return
        self.life += 1
        self.copies[at] = new
        new.version = self.versions[-1]  # what the one that was deleted had
        self.do(new.save)
        self.took(at)

    def delete(self, at, *, there):
        copy = self.copies[at]
        if not copy.persisted:
            return
        if not there or self.is_stale(at):
            with self.unchanged(StaleItem):
                self.do(copy.delete)
            return
        self.do(copy.delete)
        assert self.read() is None
        assert not copy.persisted
        self.renew(at)


@given(steps=steps)
@deadline
def test_a_stale_copy_of_a_versioned_item_never_writes(engine, do, steps):
    world = World(Versioned, do)
    for step in steps:
        world.step(*step)
    assert world.versions == sorted(set(world.versions))


@given(steps=steps)
@deadline
def test_what_was_saved_is_what_is_read_back(engine, do, steps):
    """Without versions: others' attributes stay, so that a copy is compared after a refresh."""
    key = uuid.uuid4().hex
    do(Unversioned.objects.create, name=key)

    def read():
        return do(Unversioned.objects.get_or_none, key, consistent=True)

    copies = [read() for _ in range(COPIES)]
    seen = [stored_wires(copy) for copy in copies]
    for at, verb, edits in steps:
        copy, before = copies[at], read()
        if not copy.persisted:
            copies[at] = copy = Unversioned(key)
        written = set()
        if verb == "refresh" or (before is None and copy.persisted):
            if before is None:
                with pytest.raises(DoesNotExist):
                    do(copy.refresh_from_db, consistent=True)
                copies[at] = Unversioned(key)
                continue
            do(copy.refresh_from_db, consistent=True)
        elif verb == "delete":
            do(copy.delete)
            assert read() is None
            assert not copy.persisted
            continue
        elif verb == "incr":
            do(copy.incr, count=2)
            was = 0 if before is None else before.count or 0
            assert (read().count, copy.count) == (was + 2, was + 2)
            continue
        elif verb == "update":
            plain = {where: value for where, value in edits if "." not in where}
            if not plain:
                continue
            do(copy.update, **plain)
            written = set(plain)
        else:
            whole = verb == "overwrite" or not copy.persisted
            edit(copy, edits)
            written = {path.partition(".")[0] for path in copy.changes()}
            try:
                do(copy.save, overwrite=verb == "overwrite")
            except ConditionFailed:  # both began something at one place of a map, or set a set
                assert written & {"doc", "tags"}
                assert seen[at] != stored_wires(before)
                assert stored_wires(read()) == stored_wires(before)
                copies[at] = before
                continue
            assert not copy.is_changed
            if whole:
                written = {"text", "count", "tags", "doc"}
        now = read()
        for name in written - {"doc"}:
            assert getattr(copy, name) == getattr(now, name)
        for name in {"text", "count", "tags"} - written:
            assert before is None or getattr(now, name) == getattr(before, name)
        mine = {path: value for path, value in edits if path.startswith("doc.")}
        for path, value in mine.items() if "doc" in written else ():
            assert now.doc[path[4:]] == value
        do(copy.refresh_from_db, consistent=True)
        seen[at] = stored_wires(copy)
        assert copy.to_dict() == now.to_dict()
        assert not copy.is_changed


def test_the_deleted_are_not_the_new_ones(engine, do):
    """A version counts within the life of an item: another that is made begins at 1 again."""
    key = uuid.uuid4().hex
    old = do(Versioned.objects.create, name=key)
    do(Versioned.objects.delete, key)
    new = do(Versioned.objects.create, name=key, text="new")
    assert (old.version, new.version) == (1, 1)
    old.text = "old"
    with pytest.raises(StaleItem, match="changed text"):
        do(old.save, atomic=True)  # sees more than the version
