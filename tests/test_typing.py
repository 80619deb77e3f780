"""The package is clean under two strict type checkers, and its users' code is typed as promised.

The cases are in ``tests/typing``: what must be accepted is asserted with ``assert_type``, what must
be refused carries a ``type: ignore`` with its code, and a ``pyright: ignore``, which the checkers refuse
when not needed.
"""

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=300
    )


def needs(tool: str) -> None:
    if importlib.util.find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed; the extra dev has it")


def test_mypy_strict():
    needs("mypy")
    done = run("mypy")
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_strict():
    needs("pyright")
    if (started := run("pyright", "--version")).returncode:
        said = (started.stderr or started.stdout).strip().splitlines()
        pytest.skip(f"pyright cannot fetch what it runs on: {said[-1] if said else 'no word'}")
    done = run("pyright", "--pythonpath", sys.executable)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "least", "marks"),
    [("right", 50, set()), ("wrong", 50, {"type", "pyright"}), ("Wrong", 5, {"type", "pyright"})],
)
def test_both_checkers_refuse_each_wrong_line_about_typed_models_and_no_right_one(
    name, least, marks
):
    text = (ROOT / "tests" / "typing" / "typed_models.py").read_text(encoding="utf-8")
    (part,) = [each for each in ast.parse(text).body if getattr(each, "name", "") == name]
    ends = [text.splitlines()[each.end_lineno - 1] for each in part.body]
    assert len(ends) >= least
    assert [end for end in ends if set(re.findall(r"# (\w+): ignore\b", end)) != marks] == []


@pytest.mark.parametrize(
    "command",
    [("mypy", "--config-file", "pyproject.toml"), ("pyright", "--pythonpath", sys.executable)],
    ids=["mypy", "pyright"],
)
def test_a_wrong_type_would_be_found(command, tmp_path):
    needs(command[0])
    if run(command[0], "--version").returncode:
        pytest.skip(f"{command[0]} does not run here")
    wrong = tmp_path / "wrong.py"
    wrong.write_text("number: int = 'text'\n")
    done = run(*command, str(wrong))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "wrong.py" in done.stdout
