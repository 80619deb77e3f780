"""The page about security: each verb sends what its row says, and policies have the same actions."""

import re

import pytest

from dynamodb_py import (
    CharField,
    Model,
    Table,
    Tables,
    check_unique,
    connect,
    load,
    transaction,
)
from dynamodb_py.export import ACCESSES, make_policy

from ..export.models import ALL
from ..export.test_policies import Account, Plain, Recorder, Visit, allows
from .pages import ROOT

TEXT = (ROOT / "docs" / "security.rst").read_text("utf-8")
ROWS = [
    [" ".join(cell.split()) for cell in row.split("\n     - ")]
    for row in re.findall(r"^   \* - (.+?)(?=^   \* - |^\S|\Z)", TEXT, re.DOTALL | re.MULTILINE)
]
VERBS = {row[0]: row[1:] for row in ROWS if row[-1] in ACCESSES}
"""The first table: the actions of each verb on tables, indexes and sentinels, and the access that it needs."""


class Absent(Model):
    """A model whose table is not there."""

    class Meta:
        table_name = "absent"
        using = "policies"

    id = CharField(hash_key=True)


def change(account, **values):
    for name, value in values.items():
        setattr(account, name, value)
    account.save()


def check(account):
    with transaction.atomic():
        transaction.check(account, Account.n == 1)


CALLS = {
    "``get()``, ``refresh_from_db()``": lambda ann: Plain.get("one").refresh_from_db(),
    "``get()`` by a unique value": lambda ann: Account.objects.get(email="a@x"),
    "``filter()``: loops, ``count()``, ``page()``": lambda ann: (
        list(Visit.objects.filter(id="ann")),
        Visit.objects.filter(id="ann").count(),
        Account.by_n.filter(n=1).page(),
    ),
    "``scan()``": lambda ann: (list(Plain.objects.scan()), list(Account.by_n.all().scan())),
    "``batch_get()``, ``in_bulk()``, ``load()``": lambda ann: (
        Plain.batch_get("one", "two"),
        Plain.objects.in_bulk(["one", "two"]),
        load([Plain(id="one"), ann]),
    ),
    "``transaction.get()``": lambda ann: transaction.get([ann]),
    "``estimate()``, ``Table.exists()``, ``info()``, ``wait()``": lambda ann: (
        Plain.objects.scan().estimate(),
        Table(Plain).exists(),
        Table(Plain).info(),
        Table(Plain).wait(),
    ),
    "``create()``, ``save()`` of a new instance": lambda ann: (
        Plain.create(id="new"),
        Plain(id="newer").save(),
    ),
    "``save()`` of a loaded instance, ``update()``, ``incr()``": lambda ann: (
        change(ann, n=2),
        ann.update(n=3),
        ann.incr(n=1),
    ),
    "``delete()``": lambda ann: Plain(id="one").delete(),
    "``create()`` with a unique value": lambda ann: Account.create(id="bob", email="b@x"),
    "``save()`` of another unique value": lambda ann: change(ann, email="c@x"),
    "``delete()`` with a unique value": lambda ann: ann.delete(),
    "``get_or_create()``": lambda ann: Plain.objects.get_or_create(id="got"),
    "``batch_write(overwrite=True)``": lambda ann: Plain.batch_write([{"id": "a"}], overwrite=True),
    "``transaction.check()``": check,
    "``filter(...).update()`` of the items of a query": lambda ann: Account.objects.filter(
        n=1
    ).update(n=5),
    "``filter(...).delete()`` of the items of a query": lambda ann: Visit.objects.filter(
        id="ann"
    ).delete(),
    "``Table.create()``": lambda ann: Table(Absent).create(),
    "``Table.delete()``": lambda ann: Table(Plain).delete(),
    "``check_unique()``": lambda ann: check_unique(Account),
}
"""A call, with an account that is stored, for each verb of the page."""


@pytest.fixture
def recorder():
    connection = connect("memory://", alias="policies")
    yield Recorder(connection)
    connection.close()


def place_of(path):
    if "/index/" in path:
        return "index"
    return "sentinels" if path.endswith("-unique") else "table"


def read_actions(cell):
    """Return the pairs of an action and a place that a cell has."""
    parts = [part.split(":") for part in cell.split(";")]
    return {
        (action, place)
        for places, actions in parts
        for place in places.strip().split(" or ")
        for action in re.findall(r"\w+", actions)
    }


def test_each_row_has_a_call():
    assert list(VERBS) == list(CALLS)


@pytest.mark.parametrize("verb", CALLS)
def test_a_verb_needs_the_actions_and_the_access_of_its_row(verb, recorder):
    Tables([Account, Plain, Visit]).create()
    Plain.create(id="one")
    Visit.create(id="ann", at=1)
    ann = Account.create(id="ann", email="a@x", n=1)
    recorder.needs = set()
    CALLS[verb](ann)
    actions, access = VERBS[verb]
    sent = {(action, place_of(path)) for action, path in recorder.needs}
    assert {action for action, _ in sent} == {action for action, _ in read_actions(actions)}
    assert sent <= read_actions(actions)
    models = [Account, Plain, Visit, Absent]
    assert access == next(
        each
        for each in ACCESSES
        if all(allows(make_policy(models, each), *need) for need in recorder.needs)
    )


def test_the_page_has_the_actions_of_all_policies_and_no_other():
    policy = make_policy(ALL, "admin", partiql=True, streams=True)
    actions = {action for statement in policy["Statement"] for action in statement["Action"]}
    tables = TEXT[TEXT.index(".. list-table::") : TEXT.index("A test runs each verb")]
    named = re.findall(r"``([A-Z]\w+)``", tables)
    assert {f"dynamodb:{name}" for name in named} - {
        "dynamodb:Meta",
        "dynamodb:StreamRunner",
    } == actions
