"""The private names that the package needs are refused; every other one belongs to the user."""

from __future__ import annotations

from typing import Any

import pytest

from dynamodb_py import (
    CharField,
    Document,
    EmbeddedField,
    IntegerField,
    ListField,
    Manager,
    Model,
    ModelDefinitionError,
    QuerySet,
)
from dynamodb_py.models import reserved_names

from ..scripted import Script

FORMER = [
    "_alias",
    "_all_rows",
    "_also",
    "_another",
    "_around",
    "_asked_of_one",
    "_asking",
    "_at_home",
    "_bare_rows",
    "_base",
    "_batch_get",
    "_batch_write",
    "_besides",
    "_bulk_create",
    "_bulk_delete",
    "_bulk_update",
    "_but",
    "_by_itself",
    "_by_key",
    "_carried_out",
    "_changed",
    "_check_alike",
    "_check_no_clash",
    "_check_only_fields",
    "_check_paged",
    "_check_single",
    "_chunk",
    "_comparing",
    "_complete",
    "_count",
    "_course",
    "_create",
    "_cursors",
    "_delete",
    "_delete_for_good",
    "_delete_job",
    "_done",
    "_estimate",
    "_everything",
    "_execute",
    "_exists",
    "_fetch",
    "_fetching",
    "_fields_named",
    "_first",
    "_first_rows",
    "_get",
    "_get_or_create",
    "_get_or_none",
    "_going",
    "_gone_too",
    "_having",
    "_here",
    "_hides",
    "_how",
    "_in_bulk",
    "_in_chunks",
    "_inserted",
    "_instance",
    "_is_whole_key",
    "_joined",
    "_kept",
    "_key",
    "_key_job",
    "_keyed",
    "_known_by",
    "_last",
    "_link",
    "_load",
    "_loader",
    "_loader_of_items",
    "_manager",
    "_meta",
    "_missing",
    "_modify",
    "_name",
    "_named",
    "_new",
    "_no_clash",
    "_no_offset",
    "_no_relations",
    "_of",
    "_of_keys",
    "_one_by_one",
    "_ordered",
    "_pace",
    "_page",
    "_plan",
    "_position",
    "_put_job",
    "_queryset",
    "_question",
    "_reader",
    "_rows",
    "_said",
    "_said_key",
    "_set_when_made",
    "_setters",
    "_shaped",
    "_shown",
    "_side_by_side",
    "_sketch",
    "_sketched",
    "_sliced",
    "_straight",
    "_table",
    "_to_make",
    "_two_shapes",
    "_unchecked_setters",
    "_united",
    "_update",
    "_update_one",
    "_update_or_create",
    "_updated",
    "_updated_all",
    "_upserted",
    "_upserted_all",
    "_upserted_guarded",
    "_wires",
    "_with",
    "_worked",
    "_write_all",
    "_written",
]
FORMER_OF_MODELS = [
    "_adapting",
    "_apart",
    "_as_field",
    "_as_put",
    "_as_spelled",
    "_aside",
    "_become",
    "_careful_wire",
    "_carry",
    "_changed",
    "_changes",
    "_check_collectable",
    "_check_key",
    "_clean_changed",
    "_cleaned_wires",
    "_cleaning",
    "_complete",
    "_decode",
    "_decoded",
    "_decr",
    "_delete",
    "_delete_alone",
    "_delete_for_good",
    "_detach",
    "_differing",
    "_differs",
    "_fetch",
    "_fields",
    "_fill",
    "_fill_references",
    "_forget",
    "_gone",
    "_has_clean",
    "_has_other_value",
    "_heard",
    "_holding",
    "_incr",
    "_inserts",
    "_is_collected",
    "_is_guarded",
    "_is_kind",
    "_is_untouched",
    "_item",
    "_key",
    "_key_in",
    "_key_values",
    "_known_as",
    "_known_fields",
    "_knows",
    "_largest",
    "_left_alone",
    "_link",
    "_load",
    "_load_key",
    "_load_partial",
    "_lock",
    "_managers",
    "_met",
    "_meta",
    "_missing",
    "_names_that_matter",
    "_no_text",
    "_only",
    "_options",
    "_partial",
    "_partially",
    "_prepare",
    "_put",
    "_put_guarded",
    "_references",
    "_referrers",
    "_refresh_from_db",
    "_refused",
    "_remove",
    "_remove_guarded",
    "_save",
    "_send",
    "_send_flat",
    "_settle",
    "_settle_changes",
    "_settle_references",
    "_sized",
    "_stamp",
    "_stamp_changes",
    "_store",
    "_stored",
    "_stored_key",
    "_stored_wires",
    "_synchronize",
    "_table",
    "_take",
    "_take_version",
    "_told",
    "_told_of_changes",
    "_told_of_delete",
    "_told_of_lock",
    "_undeclared",
    "_unknown",
    "_unread",
    "_unsaved",
    "_update",
    "_update_guarded",
    "_update_told",
    "_using",
    "_whole",
    "_wires",
    "_with_key",
    "_write_changes",
    "_write_guarded",
]
FORMER_OF_DOCUMENTS = [
    "_apart",
    "_as_field",
    "_aside",
    "_attribute_of",
    "_careful_wire",
    "_changed",
    "_clean_changed",
    "_cleaned_wires",
    "_cleaning",
    "_coder_at",
    "_declared",
    "_decode",
    "_decoded",
    "_fields",
    "_fill",
    "_fill_references",
    "_has_clean",
    "_holding",
    "_is_untouched",
    "_kind",
    "_kinds",
    "_known_fields",
    "_largest",
    "_left_alone",
    "_load",
    "_load_key",
    "_load_kind",
    "_load_partial",
    "_loader",
    "_missing",
    "_others_before",
    "_partial",
    "_partially",
    "_place",
    "_references",
    "_say_kind",
    "_settle_references",
    "_spell",
    "_spell_field",
    "_spell_stamped",
    "_stamp",
    "_stored",
    "_undeclared",
    "_unread",
    "_untouched",
    "_wires",
]
NAMES = sorted({*FORMER, *reserved_names.QUERYSET, *reserved_names.MANAGER})
ITEM = {"player": {"S": "a"}, "game": {"N": "1"}}
PAGE = {"Items": [ITEM], "Count": 1, "ScannedCount": 1}


class Broken:
    """What nobody of the package should touch."""

    def __get__(self, instance: object, owner: type) -> Any:
        raise AssertionError("this is the user's")


def use(script: Script, objects: Any) -> None:
    """Go through the verbs."""
    script.answers = [{}]
    assert objects.create(player="a", game=1).game == 1
    script.answers = [{"Item": ITEM}]
    assert objects.get("a", 1).game == 1
    script.answers = [PAGE, {"Count": 1, "ScannedCount": 1}, *[PAGE] * 6]
    rows = objects.filter(player="a", game__gt=0)
    assert rows.first().game == 1
    assert rows.count() == 1
    assert [each.game for each in rows.order_by("-game")[:3]] == [1]
    assert [each.game for each in rows.iterator()] == [1]
    assert [len(each) for each in rows.pages()] == [1]
    assert len(rows.page(5)) == 1
    assert rows.values_list("game", flat=True)[0] == 1
    assert rows.exclude(game=7).exists()
    assert not script.answers
    script.answers = [PAGE, {}, PAGE, {}]
    assert rows.update(wins=1).changed == 1
    assert rows.delete().changed == 1
    script.answers = [{"Responses": {"scores": [ITEM]}}, {}, {}]
    assert [each.game for each in objects.batch_get(("a", 1))] == [1]
    assert len(objects.bulk_create([{"player": "a", "game": 2}])) == 1
    assert len(objects.bulk_delete([("a", 2)])) == 1


def model_with(objects: Any) -> type[Model]:
    class Score(Model):
        class Meta:
            table_name = "scores"

        player = CharField(hash_key=True)
        game = IntegerField(range_key=True)
        wins = IntegerField(default=0)

    Score.objects = objects
    objects.__set_name__(Score, "objects")
    return Score


@pytest.mark.parametrize("name", NAMES)
def test_a_query_set_of_users_has_a_name_or_is_refused(script, name):
    def define() -> type[QuerySet[Any]]:
        return type("Scores", (QuerySet,), {name: Broken()})

    if name in reserved_names.QUERYSET:
        with pytest.raises(ModelDefinitionError, match=f"Scores.{name}"):
            define()
    else:
        use(script, model_with(define().as_manager()).objects)


@pytest.mark.parametrize("name", NAMES)
def test_a_manager_of_users_has_a_name_or_is_refused(script, name):
    def define() -> Any:
        return type("Scores", (Manager,), {name: Broken()})()

    if name in reserved_names.MANAGER:
        with pytest.raises(ModelDefinitionError, match=f"Scores.{name}"):
            define()
    else:
        objects = model_with(define()).objects
        use(script, objects)
        script.answers = [{}]
        objects.delete("a", 1)


@pytest.mark.parametrize(
    ("cls", "reserved"),
    [
        (Model, reserved_names.MODEL),
        (Document, reserved_names.DOCUMENT),
        (QuerySet, reserved_names.QUERYSET),
        (Manager, reserved_names.MANAGER),
    ],
)
def test_the_private_names_are_those_that_are_reserved(cls, reserved):
    private = {name for name in dir(cls) if name[0] == "_" and name[:2] != "__"}
    assert private - {"_is_protocol"} <= reserved
    assert len(reserved) <= 15


# -- models and documents --------------------------------------------------------------------------


def go_through(script: Script, model: Any) -> None:
    """Create, get, change, save, update, refresh, query and delete an item of *model*."""
    script.answers = [{}]
    made = model.create(player="a", game=1, home=model.home.document(city="Lyon"), tags=["x"])
    stored = {**ITEM, "wins": {"N": "2"}, "home": {"M": {"city": {"S": "Lyon"}}}, "odd": {"S": "y"}}
    script.answers = [{"Item": stored}]
    found = model.get("a", 1)
    assert (found.wins, found.home.city, found.extra, found == made) == (
        2,
        "Lyon",
        {"odd": "y"},
        True,
    )
    assert not found.is_changed
    found.wins, found.home.city = 3, "Nice"
    assert set(found.changes()) == {"wins", "home.city"}
    script.answers = [{}]
    found.save()
    script.answers = [{"Attributes": {"wins": {"N": "4"}}}]
    assert found.update(model.wins.add(1)).wins == 4
    found.wins = 9
    found.revert()
    found.full_clean()
    assert (found.wins, repr(found)[:6], hash(found) == hash(made)) == (4, "Score(", True)
    script.answers = [{"Item": stored}]
    found.refresh_from_db()
    assert model.from_dict(found.to_dict()).to_dict() == found.to_dict()
    script.answers = [{"Items": [stored], "Count": 1, "ScannedCount": 1}]
    [row] = model.objects.filter(player="a").only("wins")
    assert row.wins == 2
    script.answers = [{}, {}]
    made.save(overwrite=True)
    made.delete()
    assert not script.answers
    assert not made.persisted


def fields_of(home: type[Document]) -> dict[str, Any]:
    return {
        "__module__": __name__,
        "Meta": type("Meta", (), {"table_name": "scores"}),
        "player": CharField(hash_key=True),
        "game": IntegerField(range_key=True),
        "wins": IntegerField(default=0),
        "tags": ListField(str),
        "home": EmbeddedField(home),
    }


class Home(Document):
    city = CharField()


@pytest.mark.parametrize("name", sorted({*FORMER_OF_MODELS, *reserved_names.MODEL}))
@pytest.mark.parametrize("where", ["the class", "a mixin"])
def test_a_model_of_users_has_a_name_or_is_refused(script, name, where):
    def define() -> Any:
        if where == "the class":
            return type("Score", (Model,), {**fields_of(Home), name: Broken()})
        return type("Score", (type("Mixin", (), {name: Broken()}), Model), fields_of(Home))

    if name in reserved_names.MODEL:
        with pytest.raises(ModelDefinitionError, match=rf"(Score|Mixin)\.{name}: .*: rename yours"):
            define()
    else:
        go_through(script, define())


@pytest.mark.parametrize("name", sorted({*FORMER_OF_DOCUMENTS, *reserved_names.DOCUMENT}))
def test_a_document_of_users_has_a_name_or_is_refused(script, name):
    def define() -> Any:
        return type("Home", (Document,), {"city": CharField(), name: Broken()})

    if name in reserved_names.DOCUMENT:
        with pytest.raises(ModelDefinitionError, match=rf"Home\.{name}: .*: rename yours"):
            define()
    else:
        go_through(script, type("Score", (Model,), fields_of(define())))


def test_a_class_that_exists_already_is_not_looked_at_again():
    class Base(Model):
        name = CharField(hash_key=True)

    assert {"_meta", "_fieldset"} <= vars(Base).keys()
    assert type("Narrower", (Base,), {})._meta.model.__name__ == "Narrower"
