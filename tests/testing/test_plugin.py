"""The fixtures of pytest, in runs of pytest of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]

MODELS = """
import pytest
from dynamodb_py import CharField, Model, TableNotFound, connect, connections
from dynamodb_py.testing import EmbeddedEngine

connect(region_name="eu-west-1", table_prefix="live-")

class Order(Model):
    id = CharField(hash_key=True)

class Customer(Model):
    id = CharField(hash_key=True)

def ids(model=Order):
    return sorted(each.id for each in model.objects.all())
"""


@pytest.fixture
def run(tmp_path):
    """Run these tests in a process of their own; return its output."""

    def run(
        tests: str,
        *arguments: str,
        models: str = MODELS,
        plugin: tuple[str, ...] = ("-p", "pytest_dynamodb_py"),
    ) -> str:
        tmp_path.joinpath("test_it.py").write_text(models + dedent(tests))
        tmp_path.joinpath("pytest.ini").write_text(
            "[pytest]\nfilterwarnings = error\n"
            "addopts = -p no:cacheprovider -p no:faker -p no:anyio --strict-markers\n"
        )
        done = subprocess.run(
            # Where the package is installed, its entry point names the plugin.
            [sys.executable, "-m", "pytest", *plugin, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.stdout + done.stderr

    return run


def outcome(output: str) -> str:
    return output.rstrip().splitlines()[-1].strip("= ").partition(" in ")[0]


def test_a_run_that_uses_no_fixture_imports_nothing_of_the_package(run):
    output = run(
        """
        import sys

        def test_nothing():
            names = [each for each in sys.modules if each.partition(".")[0] == "dynamodb_py"]
            assert names == []
            assert "pytest_dynamodb_py" in sys.modules
        """,
        models="",
    )
    assert outcome(output) == "1 passed", output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [([], "1 passed"), (["-p", "no:dynamodb_py"], "fixture 'dynamodb_engine' not found")],
)
def test_an_installed_plugin_is_found_and_can_be_left_out(run, tmp_path, arguments, expected):
    metadata = tmp_path / "dynamodb_py-0.dist-info"
    metadata.mkdir()
    metadata.joinpath("METADATA").write_text("Name: dynamodb-py\nVersion: 0\n")
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    entry_points = f"[pytest11]{setup['options.entry_points']['pytest11']}\n"
    metadata.joinpath("entry_points.txt").write_text(entry_points)
    output = run("def test_it(dynamodb_engine): ...", *arguments, models="", plugin=())
    assert expected in output, output


def test_each_test_has_an_empty_engine(run):
    output = run("""
        @pytest.mark.parametrize("given", ["a", "b"])
        def test_empty(dynamodb_engine, given):
            dynamodb_engine.create_tables(Order)
            Order.create(id=given)
            assert ids() == [given]
            assert connections.get_connection().table_name("x") == "live-x"

        def test_after_it():
            assert repr(connections.get_connection()) == "<Connection 'default' to eu-west-1>"
        """)
    assert outcome(output) == "3 passed", output


def test_tables_are_made_by_a_fixture_and_by_a_marker(run, tmp_path):
    line = '{"model": "test_it.Customer", "fields": {"id": "c"}}'
    tmp_path.joinpath("customers.jsonl").write_text(line)
    output = run("""
        def test_fixture(dynamodb_tables):
            dynamodb_tables(Order, Customer)
            Order.create(id="a")
            assert (ids(), ids(Customer)) == (["a"], [])

        @pytest.mark.dynamodb_engine(tables=[Order, Customer])
        def test_marker():
            assert ids() + ids(Customer) == []

        @pytest.mark.dynamodb_engine(tables=[Customer])
        class TestClass:
            @pytest.fixture
            def order(self):
                return Order.create(id="a")

            @pytest.mark.dynamodb_engine(tables=[Order])
            def test_marker_of_class_and_function_before_other_fixtures(self, order):
                assert ids() == [order.id]
                assert ids(Customer) == []

            @pytest.mark.dynamodb_engine(fixtures=["customers.jsonl"])
            def test_marker_with_the_items_of_a_file(self):
                assert ids(Customer) == ["c"]

            def test_marker_of_class_alone(self):
                assert ids(Customer) == []
                with pytest.raises(TableNotFound):
                    ids()
        """)
    assert outcome(output) == "5 passed", output


def test_wider_engines_keep_what_is_written_and_narrower_ones_hide_it(run):
    output = run("""
        @pytest.fixture(scope="module", autouse=True)
        def filled(dynamodb_session_engine):
            dynamodb_session_engine.create_tables(Order)
            Order.create(id="session")

        def test_first():
            Order.create(id="first")

        def test_second(dynamodb_engine):
            dynamodb_engine.create_tables(Order)
            assert ids() == []

        def test_third():
            assert ids() == ["first", "session"]

        def test_module(dynamodb_module_engine):
            dynamodb_module_engine.create_tables(Order)
            Order.create(id="module")

        def test_still_module():
            assert ids() == ["module"]
        """)
    assert outcome(output) == "5 passed", output


@pytest.mark.parametrize("scope", ["module", "session"])
def test_what_a_test_does_to_a_wider_engine_is_undone(run, scope):
    output = run(f"""
        import time

        rules = []

        @pytest.fixture(scope="module")
        def filled(dynamodb_{scope}_engine):
            dynamodb_{scope}_engine.create_tables(Order)
            Order.create(id="a")

        @pytest.mark.parametrize("given", "xyz")
        def test_it(filled, dynamodb_rollback, given):
            Order.create(id=given)
            assert ids() == ["a", given]
            assert abs(dynamodb_rollback.clock() - time.time()) < 60
            dynamodb_rollback.clock.tick(3600)
            rules.append(dynamodb_rollback.faults.throttle())
            rules[-1].__enter__()
        """)
    assert outcome(output) == "3 passed", output


def test_the_engine_of_a_file_is_shared_with_other_processes(run):
    output = run("""
        import subprocess, sys

        def test_file(dynamodb_file_engine, tmp_path):
            dynamodb_file_engine.create_tables(Order)
            Order.create(id="a")
            script = (
                "import sys; from dynamodb_py.testing import EmbeddedEngine\\n"
                "from dynamodb_py import CharField, Model, connect\\n"
                "connect('sqlite:///' + sys.argv[1], table_prefix='live-')\\n"
                "class Order(Model):\\n    id = CharField(hash_key=True)\\n"
                "Order.create(id='b')"
            )
            subprocess.run([sys.executable, "-c", script, dynamodb_file_engine.path], check=True)
            assert ids() == ["a", "b"]
        """)
    assert outcome(output) == "1 passed", output


def test_faults_are_a_fixture(run):
    output = run("""
        from dynamodb_py import Throttled

        @pytest.mark.dynamodb_engine(tables=[Order])
        def test_faults(dynamodb_faults):
            with dynamodb_faults.throttle("PutItem", nth=1) as rule:
                Order.create(id="a")
            assert rule.applied == 1
        """)
    assert outcome(output) == "1 passed", output


def test_workers_of_xdist_have_engines_of_their_own(run):
    pytest.importorskip("xdist")
    output = run(
        """
        @pytest.fixture(scope="session")
        def orders(dynamodb_session_engine):
            dynamodb_session_engine.create_tables(Order)

        @pytest.mark.parametrize("number", range(12))
        def test_it(orders, dynamodb_rollback, number):
            Order.create(id=str(number))
            assert ids() == [str(number)]
        """,
        "-n2",
    )
    assert outcome(output) == "12 passed", output


def test_a_fixture_around_all_tests_forbids_loops_of_reads_in_each(run):
    output = run("""
        from dynamodb_py.testing import forbid_n_plus_one

        @pytest.fixture(autouse=True)
        def no_loops_of_reads():
            with forbid_n_plus_one():
                yield

        @pytest.mark.dynamodb_engine(tables=[Order])
        @pytest.mark.parametrize("given", "abcdef")
        def test_one_read_each(given):
            Order.get(id=given)

        @pytest.mark.dynamodb_engine(tables=[Order])
        def test_loop():
            for given in "abcdef":
                Order.get(id=given)
        """)
    assert outcome(output) == "7 passed, 1 error", output
    assert "N+1: 6 times GetItem live-Order" in output


def test_fixtures_and_the_marker_are_listed(run):
    output = run("", "--fixtures", "--markers")
    assert "@pytest.mark.dynamodb_engine(tables=[], fixtures=[], using=None)" in output
    output = run("", "--fixtures")
    names = "engine file_engine module_engine session_engine rollback tables faults server"
    for name in names.split():
        assert f"\ndynamodb_{name} " in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('tables=["Order"]', "TypeError: str has no table"),
        ("[Order]", "the marker dynamodb_engine takes tables=[...], fixtures=[...] and using=..."),
        ("table=[Order]", "the marker dynamodb_engine takes tables=[...], fixtures=[...] and"),
        ('tables=[Order], fixtures=["no.jsonl"]', "No such file or directory: 'no.jsonl'"),
    ],
)
def test_a_mistaken_marker_fails_the_test_and_says_why(run, arguments, message):
    output = run(f"""
        @pytest.mark.dynamodb_engine({arguments})
        def test_it(): ...
        """)
    assert outcome(output) == "1 error", output
    assert message in output
