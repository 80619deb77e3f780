"""``Model.add_index``: an index of a class that is complete already."""

from __future__ import annotations

from typing import Any

import pytest

from dynamodb_py import (
    CharField,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    LocalIndex,
    Model,
    ModelDefinitionError,
    ScanRequired,
    SharedTable,
    Table,
)

from ..eventually import eventually


def declare(base: type[Any] = Model, **meta: Any) -> type[Any]:
    class Player(base):
        Meta = type("Meta", (), {"table_name": "players", **meta})

        name = CharField(hash_key=True)
        number = IntegerField(range_key=True)
        team = CharField()
        points = IntegerField(default=0)

    return Player


def by_team(**options: Any) -> Any:
    return GlobalIndex("by_team", hash_key="team", range_key="points", **options)


def index_of(queryset: Any) -> str | None:
    return queryset.operation().index


@pytest.mark.engines("dynoxide", "extenddb")
def test_a_late_index_is_in_the_table_and_in_queries(engine, do):
    player = declare()
    do(Table(player).create)
    do(player.objects.create, name="ann", number=1, team="red", points=5)
    with pytest.raises(ScanRequired):
        do(player.objects.filter(team="red").first)
    player.add_index(by_team())
    do(Table(player).update)
    rows = player.objects.filter(team="red", points__gt=1)
    assert index_of(rows) == "by_team"
    assert eventually(lambda: do(rows.count), bool) == 1
    assert not do(Table(player).plan)


def test_a_question_that_was_refused_before_is_answered_from_the_index():
    player = declare()
    with pytest.raises(ScanRequired):
        index_of(player.objects.filter(team="red"))
    player.add_index(by_team(complete=True))
    assert index_of(player.objects.filter(team="red")) == "by_team"
    player.add_field("city", CharField())
    assert index_of(player.objects.filter(team="red", city="Bonn")) == "by_team"


def test_plans_that_were_cached_before_do_not_count_any_more():
    player = declare(indexes=[GlobalIndex("by_points", hash_key="points")])
    for _ in range(4):
        assert index_of(player.objects.filter(points=1, team="red")) == "by_points"
        with pytest.raises(ScanRequired):
            player.objects.filter(team="red").operation()
    player.add_index(by_team(complete=True))
    for _ in range(4):
        assert index_of(player.objects.filter(points=1, team="red")) == "by_team"
        assert index_of(player.objects.filter(team="red")) == "by_team"
        assert index_of(player.objects.filter(points=1)) == "by_points"


def test_a_local_index_may_come_late_too():
    player = declare()
    player.add_index(LocalIndex("by_points", range_key="points"))
    assert index_of(player.objects.filter(name="ann", points__gt=1)) == "by_points"


def test_related_sets_take_a_late_index():
    class Team(Model):
        name = CharField(hash_key=True)

    class Member(Model):
        name = CharField(hash_key=True)
        team = ForeignKey(Team, required=True)

    Member.add_index(GlobalIndex("by_team", hash_key="team"))
    assert index_of(Member.objects.filter(team="red")) == "by_team"


def test_kinds_of_one_table_share_a_late_index():
    class Pet(Model):
        class Meta:
            discriminator = "kind"

        name = CharField(hash_key=True)
        race = CharField()

    class Dog(Pet):
        pass

    Pet.add_index(GlobalIndex("by_race", hash_key="race"))
    assert [index.name for index in Table(Dog).schema.indexes] == ["by_race"]
    assert index_of(Pet.objects.filter(race="mixed")) == "by_race"
    assert Pet._meta.kind.hierarchy.root is Pet


def test_only_the_class_itself_gets_it():
    class Base(Model):
        name = CharField(hash_key=True)
        team = CharField()

    class Derived(Base):
        pass

    Derived.add_index(GlobalIndex("by_team", hash_key="team"))
    assert Base._meta.schema.indexes == ()
    assert Base._meta.indexes == []
    Base.add_index(GlobalIndex("by_name", hash_key="name", range_key="team"))
    assert [index.name for index in Derived._meta.schema.indexes] == ["by_team"]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (GlobalIndex("by_team", hash_key="club"), "there is no field 'club'"),
        (GlobalIndex(hash_key="team"), "an index has no name"),
        (GlobalIndex("by_name", hash_key="team"), "index 'by_name': 2 indexes have this name"),
        ("by_team", "Meta.indexes holds 'by_team'"),
    ],
)
def test_what_the_class_statement_would_refuse_changes_nothing(index, message):
    player = declare(indexes=[GlobalIndex("by_name", hash_key="name", range_key="points")])
    before = player._meta, player.Meta
    with pytest.raises(ModelDefinitionError, match=message):
        player.add_index(index)
    assert (player._meta, player.Meta) == before
    player.add_index(by_team())
    assert [each.name for each in player._meta.indexes] == ["by_name", "by_team"]


def test_a_class_without_meta_is_left_without_after_an_error():
    class Plain(Model):
        name = CharField(hash_key=True)

    with pytest.raises(ModelDefinitionError):
        Plain.add_index(GlobalIndex("by_team", hash_key="team"))
    assert "Meta" not in vars(Plain)


def test_a_shared_table_takes_indexes_and_fields_until_it_has_models():
    class App(SharedTable):
        pk = CharField(hash_key=True)
        gsi = CharField()

    App.add_index(GlobalIndex("by_gsi", hash_key="gsi"))
    App.add_field("note", CharField())

    class User(Model):
        class Meta:
            table = App
            keys = {"pk": "USER#{name}", "gsi": "TEAM#{team}"}

        name = CharField()
        team = CharField()

    assert index_of(User.objects.filter(team="red")) == "by_gsi"
    with pytest.raises(ModelDefinitionError, match="App has models already, such as User"):
        App.add_index(GlobalIndex("other", hash_key="gsi"))
    with pytest.raises(ModelDefinitionError, match="App has models already, such as User"):
        App.add_field("other", CharField())
    with pytest.raises(ModelDefinitionError, match="declare it in App"):
        User.add_index(GlobalIndex("other", hash_key="team"))
    assert App.models() == [User]
    assert [field.name for field in App._meta.fields] == ["pk", "gsi", "note"]
