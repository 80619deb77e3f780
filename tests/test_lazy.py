"""Verbs whose rooms are loaded at their first use: what users see of them, before and after."""

from __future__ import annotations

import inspect
import json
import pickle
import threading
from typing import Any
from unittest.mock import patch

import pytest

import dynamodb_py
from dynamodb_py import CharField, Manager, Model, QuerySet
from dynamodb_py.flows import Flow, awaiting, blocking, flow_of, name_verbs
from dynamodb_py.lazy.loading import LazyFunction, LazyRoom, export_lazily, load

from .test_architecture import python

DEFINE = """
import inspect, json, pickle, pydoc, sys
import dynamodb_py
from dynamodb_py import CharField, Manager, Model, QuerySet
class Score(Model):
    player = CharField(hash_key=True)
"""


def unloaded(checks: str) -> str:
    """Return what *checks* print in a process that has not called any verb yet."""
    return python(DEFINE + checks)


def describe_verbs() -> dict[str, list[str]]:
    """Return what inspect shows of the public functions of models, query sets and managers."""
    found = {}
    for kind in (Model, QuerySet, Manager):
        for name in dir(kind):
            verb: Any = getattr(kind, name, None)
            if name[0] != "_" and inspect.isfunction(verb):
                names = [verb.__module__, verb.__qualname__, verb.__name__]
                shown = [str(inspect.signature(verb)), str(verb.__doc__)]
                found[f"{kind.__name__}.{name}"] = [*names, *shown]
    return found


def test_a_verb_shows_at_its_first_use_what_it_shows_afterwards():
    script = """
from tests.test_lazy import describe_verbs
print(json.dumps(describe_verbs()))
"""
    first = json.loads(unloaded(script))
    assert len(first) > 120
    assert first == describe_verbs() == describe_verbs()


CHECKS = [
    "inspect.signature(Score.save).parameters['force_insert'].kind.name == 'KEYWORD_ONLY'",
    "inspect.iscoroutinefunction(Score.asave) and not inspect.iscoroutinefunction(Score.save)",
    "inspect.iscoroutinefunction(Score.objects.aget)",
    "inspect.isfunction(Model.save) and inspect.ismethod(Score.objects.get)",
    "inspect.getdoc(Model.save) == inspect.getdoc(Model.asave) != None",
    "Score.save.__qualname__ == 'Model.save' and Score.save.__module__.endswith('models.model')",
    "Score(player='a').save.__func__ is Model.save is vars(Model)['save']",
    "pickle.loads(pickle.dumps(Model.save)) is Model.save",
    "' save(self' in pydoc.plain(pydoc.render_doc(Score))",
    "not any('LazyFunction' in pydoc.render_doc(each) for each in (Score, QuerySet, Manager))",
    "{'save', 'asave', 'delete'} <= {*dir(Score)}",
    "{*dynamodb_py.__all__, '__version__'} <= {*dir(dynamodb_py)}",
    "all(getattr(dynamodb_py, each) is not None for each in dynamodb_py.__all__)",
    "exec('from dynamodb_py import *') or {*dynamodb_py.__all__} <= {*globals()}",
    "not hasattr(dynamodb_py, 'Transaction')",
]


def test_a_process_that_called_nothing_yet_sees_what_was_there_before():
    script = f"""
import os
for check in {CHECKS!r}:
    child = os.fork()  # so that no check loads anything for the next one
    if not child:
        os._exit(not eval(check))
    if os.waitpid(child, 0)[1]:
        print(check)
"""
    assert not unloaded(script)


def test_subclasses_override_and_extend_verbs_whose_room_is_not_loaded():
    assert (
        unloaded("""
class Loud(Score):
    def save(self, **options):
        print("saving", "dynamodb_py.models.persistence.save" in sys.modules)
        return super().save(**options)
try:
    Loud(player="").save()
except dynamodb_py.ValidationError:
    print("refused")
""")
        == "saving False\nrefused"
    )


@pytest.mark.parametrize("verb", ["save", "delete", "refresh_from_db"])
def test_a_mistaken_argument_names_the_verb_at_the_first_call(verb):
    script = f"""
try:
    Score(player="a").{verb}(nonsense=1)
except TypeError as error:
    print(error)
"""
    assert unloaded(script) == f"Model.{verb}() got an unexpected keyword argument 'nonsense'"


def greet(self: Any, name: str = "you") -> Flow[str]:
    """Greet *name*."""
    return f"hello {name}"
    yield


class Room:
    """Counts how often it is loaded."""

    def __init__(self) -> None:
        self.loaded = 0

    def make(self) -> LazyFunction:
        def load() -> Any:
            self.loaded += 1
            return greet

        return LazyFunction(load)


def make_class(room: Room) -> Any:
    flow: Any = room.make()

    @name_verbs
    class Greeter:
        _link = None
        greet = blocking(flow)
        agreet = awaiting(flow)

    return Greeter


def test_a_class_is_made_without_loading_and_a_verb_takes_its_place_once():
    room = Room()
    kind = make_class(room)
    assert room.loaded == 0
    assert isinstance(vars(kind)["greet"], LazyFunction)
    assert kind().greet("Ann") == "hello Ann"
    assert inspect.isfunction(vars(kind)["greet"])
    assert room.loaded == 1
    kind().greet()
    assert room.loaded == 1
    assert isinstance(vars(kind)["agreet"], LazyFunction)


def test_what_replaced_a_verb_stays():
    kind = make_class(Room())
    placeholder = vars(kind)["greet"]
    kind.greet = lambda self: "mine"
    assert placeholder(kind(), "Ann") == "hello Ann"
    assert kind().greet() == "mine"


def test_a_patch_is_undone():
    kind = make_class(Room())
    with patch.object(kind, "greet", return_value="patched"):
        assert kind().greet() == "patched"
    assert kind().greet() == "hello you"


def test_the_flow_of_a_verb_is_found_though_nothing_loaded_it():
    kind = make_class(Room())
    assert flow_of(kind, "greet") is greet
    assert flow_of(type("Own", (make_class(Room()),), {"greet": len}), "greet") is greet


def test_a_manager_forwards_verbs_of_query_sets_without_loading_them():
    script = """
print(type(vars(type(Score.objects).__mro__[1])["count"]).__name__)
print(Score.objects.count.__wrapped__.__qualname__)
"""
    assert unloaded(script).splitlines() == ["LazyFunction", "QuerySet.count"]


def test_threads_that_come_first_at_the_same_time_get_one_verb():
    kind = make_class(Room())
    placeholder, threads = vars(kind)["greet"], 16
    gate, seen = threading.Barrier(threads), []

    def read() -> None:
        gate.wait()
        seen.append((placeholder.load(), kind.greet))

    started = [threading.Thread(target=read) for _ in range(threads)]
    for each in started:
        each.start()
    for each in started:
        each.join()
    assert len(seen) == threads
    assert {each for pair in seen for each in pair} == {kind.greet}


@pytest.mark.parametrize(
    ("room", "name", "text"),
    [
        ("models.nowhere", "greet", "No module named 'dynamodb_py.models.nowhere'"),
        ("models.model", "greet", "dynamodb_py.models.model has no greet"),
    ],
)
def test_a_room_or_a_verb_that_is_missing_is_an_import_error(room, name, text):
    class Broken:
        greet = LazyRoom(room, "greet").greet

    for read in (
        lambda: load(room, name),
        lambda: getattr(LazyRoom(room), name),
        lambda: hasattr(Broken, name),
        lambda: Broken().greet,
    ):
        with pytest.raises(ImportError, match=text):
            read()


def test_a_package_gives_what_it_exports_late_and_refuses_all_else():
    names: dict[str, Any] = {"__name__": "here", "own": 1}
    find, list_names = export_lazily({"models.model": "Model"}, names)
    assert list_names() == ["Model", "__name__", "own"]
    assert find("Model") is names["Model"] is Model
    with pytest.raises(AttributeError, match="module 'here' has no attribute 'model'"):
        find("model")


def test_public_names_are_there_by_every_spelling():
    for name in dynamodb_py.__all__:
        assert getattr(dynamodb_py, name) is vars(dynamodb_py)[name]
    assert pickle.loads(pickle.dumps(dynamodb_py.BulkResult)) is dynamodb_py.BulkResult


class Named(Model):
    name = CharField(hash_key=True)
    touch = CharField()


def test_a_field_takes_the_place_of_a_verb_that_yields():
    assert Named(name="a", touch="b").touch == "b"
