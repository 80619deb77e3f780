"""The small programs of ``examples/``, each for one job, do what their users would want of them."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from types import SimpleNamespace

import pytest

from dynamodb_py import AlreadyExists, Table, ValidationError, get_connection
from dynamodb_py.testing import EmbeddedEngine

from ..eventually import eventually
from .loading import EXAMPLES, load_example


def run(path: str) -> str:
    """Run an example as a program, and return what it prints."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / path)],
        cwd=EXAMPLES.parent,
        env={"PYTHONPATH": str(EXAMPLES.parent), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- a function of AWS Lambda ------------------------------------------------------------------

visits = load_example("lambda_function.py")


def invoke(method: str, path: str = "/a", milliseconds: int = 60_000):
    event = {"rawPath": path, "requestContext": {"http": {"method": method}}}
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: milliseconds)
    return visits.handler(event, context)


def test_a_function_counts_and_answers(engine):
    Table(visits.Page).create()
    assert invoke("GET")["statusCode"] == 404
    assert [invoke("POST")["statusCode"] for _ in range(2)] == [204, 204]
    answer = invoke("GET")
    assert answer["statusCode"] == 200
    assert visits.Page.from_json(answer["body"]).visits == 2


def test_a_function_that_is_throttled_says_when_to_try_again():
    with EmbeddedEngine() as engine:
        engine.create_tables(visits.Page)
        with engine.faults.throttle("GetItem"):
            assert invoke("GET", milliseconds=600) == {
                "statusCode": 503,
                "headers": {"Retry-After": "1"},
            }


# -- a table that PynamoDB uses too ------------------------------------------------------------


def test_a_table_is_shared_with_pynamodb():
    assert run("shared_with_pynamodb.py").splitlines() == [
        "here: {'pinned': True} 1",
        "there: 1 view, version 2",
        "here: {'pinned': False} 3",
    ]


# -- a single table ----------------------------------------------------------------------------

projects = load_example("single_table.py")


def test_a_project_is_read_with_all_that_is_in_it(engine):
    Table(projects.Workspace).create()
    made = projects.open_project("web", "The site", "ann")
    projects.open_project("app", "The app", "ann")
    projects.Member.create(project="web", user="bob")
    for text in ("draw", "write"):
        projects.add_task(made, text)
    assert projects.show_board("web") == "The site: ann (owner), bob (reader)\n1. draw\n2. write"
    found = eventually(lambda: projects.list_projects("ann"), lambda found: len(found) == 2)
    assert found == ["app", "web"]


def test_a_project_has_an_owner_or_is_not_there(engine):
    Table(projects.Workspace).create()
    with pytest.raises(ValidationError):
        projects.open_project("web", "The site", "")
    assert projects.Project.objects.get_or_none(project="web") is None


# -- a nightly job -----------------------------------------------------------------------------

nightly = load_example("nightly_job.py")
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.timezone.utc)


@pytest.fixture
def accounts(engine):
    """Forty accounts, of which every fourth was used this year."""
    Table(nightly.Account).create()
    Table(nightly.Job).create()
    nightly.Account.batch_write(
        [
            {"name": f"{n:02}", "used": NOW - dt.timedelta(days=1 if n % 4 == 0 else 500)}
            for n in range(40)
        ]
    )


def list_open():
    return sorted(each.name for each in nightly.Account.objects.all() if not each.closed)


def test_a_nightly_job_closes_what_is_unused(accounts):
    assert nightly.close_unused(NOW, rate=10_000) == 40
    assert list_open() == [f"{n:02}" for n in range(0, 40, 4)]
    assert nightly.Job.get("close unused") is None


def test_a_nightly_job_continues_where_it_was_interrupted(accounts, monkeypatch):
    closed: list[str] = []
    close = nightly.close

    def fail_once(account, limit):
        if len(closed) == 12:
            closed.append("nothing")
            raise ConnectionError
        close(account, limit)
        closed.append(account.name)

    monkeypatch.setattr(nightly, "close", fail_once)
    with pytest.raises(ConnectionError):
        nightly.close_unused(NOW, every=5, rate=10_000)
    seen = nightly.Job.get("close unused").seen
    assert 10 <= seen <= 20  # 12 are closed, of at most 22 that were looked at
    assert nightly.close_unused(NOW, every=5, rate=10_000) == 40
    assert list_open() == [f"{n:02}" for n in range(0, 40, 4)]
    assert len(closed) == len(set(closed)), "what was noted is not looked at again"


# -- sign-up -----------------------------------------------------------------------------------

users = load_example("sign_up.py")


@pytest.fixture
def ann(engine):
    Table(users.User).create()
    return users.sign_up("ann", " Ann@Example.org ")


@pytest.mark.parametrize(
    ("login", "email", "taken"),
    [
        ("ann", "other@example.org", ("login",)),
        ("ann2", "ann@example.ORG", ("email",)),
    ],
)
def test_nobody_signs_up_as_somebody_else(ann, login, email, taken):
    with pytest.raises(users.Taken) as caught:
        users.sign_up(login, email)
    assert caught.value.args == taken
    assert users.User.objects.count() == 1


@pytest.mark.parametrize(
    ("login", "email", "wrong"),
    [
        ("a b", "a@example.org", {"login"}),
        ("bob", "nobody", {"email"}),
        ("x", "y", {"login", "email"}),
    ],
)
def test_what_is_no_login_or_address_is_refused(ann, login, email, wrong):
    with pytest.raises(ValidationError) as caught:
        users.sign_up(login, email)
    assert caught.value.errors.keys() == wrong


def test_one_signs_in_by_login_or_address(ann):
    assert [users.sign_in(name) for name in ("ann", "ann@example.org", "bob")] == [ann, ann, None]


def test_an_address_that_was_given_up_is_free(ann):
    bob = users.sign_up("bob", "bob@example.org")
    with pytest.raises(users.Taken):
        users.change_email(bob, "ann@example.org")
    assert bob.email == "bob@example.org"
    users.change_email(ann, "ann@example.net")
    assert users.change_email(bob, "ann@example.org").email == "ann@example.org"


# -- tenants -----------------------------------------------------------------------------------

tenants = load_example("tenants.py")


@pytest.fixture
def north_and_south(engine):
    for name in ("north", "south"):
        tenants.add_tenant(
            name, address=engine.address, **engine.access, table_prefix=f"{engine.prefix}{name}-"
        )
    yield
    for name in ("north", "south"):
        get_connection(name).close()


def test_tenants_do_not_see_each_other(north_and_south):
    tenants.bill("north", 1, "ann", 500)
    tenants.bill("south", 1, "bob", 700)
    tenants.bill("south", 2, "bob", 800)
    assert (tenants.total("north"), tenants.total("south")) == (500, 1500)
    with pytest.raises(AlreadyExists):
        tenants.bill("south", 2, "eve", 1)


def test_an_invoice_moves_to_another_tenant(north_and_south):
    tenants.bill("north", 1, "ann", 500)
    tenants.move(1, "north", "south")
    assert (tenants.total("north"), tenants.total("south")) == (0, 500)


# -- a schema change ---------------------------------------------------------------------------


def test_a_schema_is_changed_once():
    *plan, first, second, item = run("schema_change/migrate.py").splitlines()
    assert [line.partition(":")[0] for line in plan] == ["0001_split_names"] * 3
    assert first == "first deployment: ['0001_split_names']"
    assert second == "second: []"
    assert item == "Miller, Ann"


def test_a_schema_is_changed_on_every_engine(engine, monkeypatch):
    customers = load_example("schema_change/customers.py", "customers")
    migrate = load_example("schema_change/migrate.py")
    try:
        Table(migrate.OldCustomer).create()
        migrate.OldCustomer.batch_write(
            [{"id": str(n), "name": f"Ann {n}", "city": "Bath"} for n in range(30)]
        )
        assert migrate.deploy() == ["0001_split_names"]
        by_city = customers.Customer.by_city.filter(city="Bath")
        found = eventually(lambda: list(by_city), lambda found: len(found) == 30)
        assert {(each.first, each.last) for each in found} == {("Ann", str(n)) for n in range(30)}
        assert migrate.deploy() == []
    finally:
        del sys.modules["customers"]


# -- debugging ---------------------------------------------------------------------------------


def test_debugging_shows_the_plan_the_costs_the_requests_and_the_loop():
    output = run("debugging.py")
    for line in (
        "Query on scores, index by_game, by points, descending",
        "refused: Score: only reading the whole table could answer this",
        "4 capacity units (1 read, 3 write) in 3 requests",
        "Query scores: status 200",
        "N+1: 3 times GetItem scores, each time with another key",
        "4 scores in one request",
    ):
        assert line in output
