"""Which models and connections a command line names."""

from __future__ import annotations

import sys

import pytest

from dynamodb_py.cli.access import Access, connected, gather
from dynamodb_py.cli.naming import find_model, list_models
from dynamodb_py.cli.statuses import UsageError
from dynamodb_py.connections import get_connection
from dynamodb_py.exceptions import ConfigurationError


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["{shop}:User"], ["User"]),
        (["{shop}"], ["User", "Plain", "Book"]),
        (["{shop}:Plain", "{shop}"], ["Plain", "User", "Book"]),
        (["{shop}:Namespace.Indexed", "{shop}:Plain"], ["Indexed", "Plain"]),
    ],
)
def test_models_are_named_one_by_one_or_by_their_module(shop, names, found):
    models = list_models([name.format(shop=shop) for name in names])
    assert [model.__name__ for model in models] == found


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("os", "os defines no model with a table"),
        ("no_such_module", "there is no module no_such_module, in "),
        ("os.no_such_module", "there is no module os.no_such_module, in "),
        ("shop.py:User", "there is no module "),
        (".shop", "'.shop' names no module: write it as in an import, shop.models"),
        ("", "'' names no module"),
        ("{shop}:Nobody", "has no Nobody"),
        ("{shop}:", "names no model: write module:Model"),
    ],
)
def test_what_is_no_model_is_refused(shop, name, message):
    with pytest.raises(UsageError, match=message.replace(".", r"\.")):
        list_models([name.format(shop=shop)])


def test_an_error_in_the_users_module_is_shown_where_it_is(shop, run):
    done = run("tables plan {shop}_broken")
    assert (done.status, done.out) == (2, "")
    first, place, code, *_, error, last = done.err.splitlines()
    assert first == "Traceback (most recent call last):"
    assert place.endswith(f'{shop}_broken.py", line 1, in <module>')
    assert code.strip() == "import nothing_of_this_name"
    assert error == "ModuleNotFoundError: No module named 'nothing_of_this_name'"
    assert last == (
        f"error: {shop}_broken cannot be imported: ModuleNotFoundError: No module named "
        "'nothing_of_this_name'"
    )


def test_a_module_with_an_error_of_syntax_is_refused(run, tmp_path):
    (tmp_path / "wrong_syntax.py").write_text("class :")
    done = run("tables plan wrong_syntax")
    assert done.status == 2
    assert "wrong_syntax.py" in done.err
    assert done.err.splitlines()[-1].startswith(
        "error: wrong_syntax cannot be imported: SyntaxError"
    )


GIVEN = dict.fromkeys(
    ("region_name", "endpoint_url", "profile_name", "address", "table_prefix", "using")
)


def test_options_of_the_connection_are_gathered():
    values = {**GIVEN, "modules": (), "region_name": "eu-west-1", "workers": 3}
    assert gather(values) == {
        "workers": 3,
        "access": Access(None, (), {"region_name": "eu-west-1"}),
    }
    assert gather({"port": 1}) == {"port": 1}


def test_a_connection_of_ones_own_takes_no_options():
    values = {**GIVEN, "modules": None, "using": "mine", "endpoint_url": "http://x"}
    with pytest.raises(
        UsageError, match="--using mine is a connection of your own, and --endpoint-url"
    ):
        gather(values)


SETTINGS = """
from dynamodb_py import connect

connect(region_name="eu-west-1")
connect("mine", region_name="eu-west-2")
"""


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A module that defines connections; what it defines is gone afterwards."""
    (tmp_path / "some_settings.py").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr("dynamodb_py.connections._connections", {})
    yield "some_settings"
    sys.modules.pop("some_settings", None)


@pytest.mark.parametrize(
    ("access", "region"),
    [
        ({}, "eu-west-1"),
        ({"using": "mine"}, "eu-west-2"),
        ({"options": {"region_name": "us-east-1"}}, "us-east-1"),
    ],
)
def test_the_connection_is_that_of_a_module_or_of_the_options(settings, access, region):
    with connected(Access(modules=(settings,), **access)):
        assert get_connection().settings.region_name == region
    assert get_connection().settings.region_name == "eu-west-1"


def test_options_count_for_every_connection_in_place_of_its_own(settings, tmp_path):
    model = "\nfrom dynamodb_py import Model\nclass A(Model):\n  class Meta:\n    using = 'later'\n"
    (tmp_path / "some_settings.py").write_text(SETTINGS + model)
    found = find_model(f"{settings}:A")
    with connected(Access(options={"region_name": "us-east-1"}), [found]):
        for alias in (None, "mine", "later"):
            assert get_connection(alias).settings.region_name == "us-east-1"
    assert get_connection("mine").settings.region_name == "eu-west-2"
    with pytest.raises(ConfigurationError, match="no connection is called 'later'"):
        get_connection("later")


def test_an_embedded_database_is_named_by_its_address(run, tmp_path):
    assert run("tables create {shop}:Plain --address sqlite:///x.db").status == 0
    assert (tmp_path / "x.db").exists()
    assert run("tables ping {shop}:Plain --address sqlite:///x.db").status == 0
    refused = run("tables ping --address sqlite:///x.db --region eu-west-1")
    assert refused.status == 2
    assert refused.err == (
        "error: region_name: an embedded database, 'sqlite:///x.db', does not use it: leave it out\n"
    )
