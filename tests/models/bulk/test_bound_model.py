"""Instances that managers make: as the constructor of their class makes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import CharField, DictField, ForeignKey, IntegerField, ListField, Model, signals
from dynamodb_py.models.bulk.bound_model import make_instance


class Team(Model):
    name = CharField(hash_key=True)


class Player(Model):
    name = CharField(hash_key=True)
    points = IntegerField(default=3)
    places = ListField(default=list)
    more = DictField()
    team = ForeignKey(Team)


class Loud(Player):
    def __init__(self, **values):
        super().__init__(**{**values, "name": values["name"].upper()})


class Counted(Player):
    made = 0

    def __new__(cls, *key, **values):
        cls.made += len(values)
        return super().__new__(cls, *key, **values)


class Checked(type):
    def __call__(cls, *key, **values):
        made = super().__call__(*key, **values)
        made.points = 99
        return made


class Metaclassed(Player, metaclass=Checked):
    pass


VALUES = st.fixed_dictionaries(
    {"name": st.text(max_size=3)},
    optional={
        "points": st.none() | st.integers(),
        "places": st.lists(st.integers(), max_size=2),
        "more": st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
        "team": st.builds(Team, name=st.text(min_size=1, max_size=3)),
    },
)


@given(VALUES)
def test_an_instance_is_made_as_its_constructor_makes_it(values):
    made, constructed = make_instance(Player.objects, dict(values)), Player(**values)
    assert type(made) is Player
    assert vars(made) == vars(constructed)
    assert made.to_dict() == constructed.to_dict()
    assert (made._stored, made._decoded, made._state) == (None, True, constructed._state)


def test_a_constructor_of_users_is_called():
    assert make_instance(Loud.objects, {"name": "ada"}).name == "ADA"
    assert make_instance(Metaclassed.objects, {"name": "ada"}).points == 99
    make_instance(Counted.objects, {"name": "ada", "points": 1})
    assert Counted.made == 2


def test_a_constructor_that_is_replaced_for_a_while_is_called(monkeypatch):
    monkeypatch.setattr(Player, "__init__", lambda self, **values: vars(self).update(points=7))
    assert make_instance(Player.objects, {"name": "ada"}).points == 7


def test_receivers_hear_of_an_instance_that_is_made():
    got = []

    def note(sender, **event):
        got.append((sender, event.get("kwargs", event.get("instance"))))

    signals.pre_init.connect(note, sender=Player)
    signals.post_init.connect(note, sender=Player)
    try:
        made = make_instance(Player.objects, {"name": "ada"})
    finally:
        signals.pre_init.disconnect(note, sender=Player)
        signals.post_init.disconnect(note, sender=Player)
    assert got == [(Player, {"name": "ada"}), (Player, made)]


def test_a_name_that_no_field_has_is_refused_as_by_the_constructor():
    with pytest.raises(TypeError) as refused:
        Player(name="ada", colour="red")
    with pytest.raises(TypeError, match="colour") as error:
        make_instance(Player.objects, {"name": "ada", "colour": "red"})
    assert str(error.value) == str(refused.value)
