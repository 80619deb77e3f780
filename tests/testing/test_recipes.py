"""The recipes of the documentation, each as its users run it: warnings are errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "examples" / "testing"


def run(*arguments: str, cwd: Path = RECIPES) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def run_pytest(*arguments: str) -> str:
    # Where the package is installed, its entry point names the plugin.
    options = ["-p", "pytest_dynamodb_py", "-p", "no:cacheprovider"]
    return run("-m", "pytest", *options, *arguments)


def test_factory_boy_flask_fastapi_and_a_suite_that_was_moved_from_moto():
    # FastAPI's test client needs it.
    has_fastapi = sys.version_info >= (3, 11)
    output = run_pytest(*([] if has_fastapi else ["--ignore=test_fastapi.py"]))
    assert f"{17 if has_fastapi else 15} passed" in output
    for name in ("test_orders.py", "test_unittest.py", "test_factories.py", "test_flask.py"):
        assert f"{name} ." in output


def test_the_moved_suite_passes_on_moto_as_it_stands():
    output = run_pytest("--noconftest", "-p", "conftest_before", "moto_suite")
    assert "3 passed" in output


@pytest.mark.parametrize("options", [[], ["--parallel", "2"]], ids=["alone", "parallel"])
def test_the_test_runner_of_django(options):
    output = run("-W", "error", "manage.py", "test", *options, cwd=RECIPES / "django_shop")
    assert "Ran 6 tests" in output
    assert output.count("\nOK\n") == 1
