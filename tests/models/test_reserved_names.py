"""What the private names of query sets and managers leave to classes of users."""

from __future__ import annotations

from typing import Any

import pytest

from dynamodb_py import CharField, IntegerField, Manager, Model, ModelDefinitionError, QuerySet
from dynamodb_py.models.managers import manager
from dynamodb_py.models.queryset import base

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
NAMES = sorted({*FORMER, *base.RESERVED, *manager.RESERVED})
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

    if name in base.RESERVED:
        with pytest.raises(ModelDefinitionError, match=f"Scores.{name}"):
            define()
    else:
        use(script, model_with(define().as_manager()).objects)


@pytest.mark.parametrize("name", NAMES)
def test_a_manager_of_users_has_a_name_or_is_refused(script, name):
    def define() -> Any:
        return type("Scores", (Manager,), {name: Broken()})()

    if name in manager.RESERVED:
        with pytest.raises(ModelDefinitionError, match=f"Scores.{name}"):
            define()
    else:
        objects = model_with(define()).objects
        use(script, objects)
        script.answers = [{}]
        objects.delete("a", 1)


@pytest.mark.parametrize(
    ("cls", "reserved"), [(QuerySet, base.RESERVED), (Manager, manager.RESERVED)]
)
def test_the_private_names_are_those_that_are_reserved(cls, reserved):
    private = {name for name in dir(cls) if name[0] == "_" and name[:2] != "__"}
    assert private - {"_is_protocol"} <= reserved
