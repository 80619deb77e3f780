"""What the repository says about itself is true."""

import ast
import configparser
import importlib.resources
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import dynamodb_py
import dynamodb_py.cli

from .test_architecture import without_type_checking

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def setup() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.read_string(read("setup.cfg"))
    return parser


@pytest.fixture(scope="module")
def pyproject() -> dict:
    return tomllib.loads(read("pyproject.toml"))


def readme_commands() -> list[str]:
    """Return the commands that the README offers: the lines that make a virtual environment."""
    return re.findall(r"^ +(python3 -m venv .*)$", read("README.rst"), re.MULTILINE)


def requirements(setup: configparser.RawConfigParser) -> dict[str, list[str]]:
    """Return what each extra requires, and the package itself under no name."""
    lists = {"": setup["options"]["install_requires"], **setup["options.extras_require"]}
    return {extra: text.split("\n")[1:] for extra, text in lists.items()}


def project(requirement: str) -> str:
    return re.split(r"[\s\[<>=;]", requirement)[0]


def test_the_changelog_begins_with_this_version():
    first = re.search(r"^(\d+\.\d+\.\d+)\b.*\n-+$", read("CHANGELOG.rst"), re.MULTILINE)
    assert first
    assert first[1] == dynamodb_py.__version__


def test_the_version_stands_in_one_place(setup):
    assert setup["metadata"]["version"] == "attr: dynamodb_py.__version__"
    others = [
        name
        for name in ("setup.cfg", "setup.py", "pyproject.toml", "docs/conf.py", "README.rst")
        if dynamodb_py.__version__ in read(name)
    ]
    assert others == []


def test_every_tool_has_the_same_oldest_python(setup, pyproject):
    oldest = re.fullmatch(r">=3\.(\d+)", setup["options"]["python_requires"])
    assert oldest
    minor = oldest[1]
    classified = re.findall(r"Python :: 3\.(\d+)", setup["metadata"]["classifiers"])
    tools = pyproject["tool"]
    assert min(classified, key=int) == minor
    assert tools["ruff"]["target-version"] == f"py3{minor}"
    assert tools["mypy"]["python_version"] == f"3.{minor}"
    assert tools["pyright"]["pythonVersion"] == f"3.{minor}"


def test_the_figures_of_the_readme_say_when_and_at_which_commit_they_were_measured():
    tables = [
        read(name).partition(".. benchmark table begin")[2].partition(".. benchmark table end")[0]
        for name in ("README.rst", "docs/performance.rst")
    ]
    assert tables[0] == tables[1]
    assert re.search(
        r"^Measured on \d+ [A-Z][a-z]+ \d{4} at commit [0-9a-f]{9},", tables[0], re.MULTILINE
    )


def test_the_ratios_of_the_front_page_and_of_the_comparison_are_those_of_the_table():
    libraries = ["dynamodb_py", "boto3", "types", "PynamoDB", "pydynox", "aiodynamo"]
    measured = {
        cells[0]: dict(zip(libraries, [float(c.replace(",", "")) for c in cells[2:8]], strict=True))
        for line in read("docs/performance.rst").splitlines()
        if len(cells := re.split(r" {2,}", line)) > 8 and cells[0].startswith(("get, e", "q", "ba"))
        if "-" not in "".join(cells[2:8])
    }
    sections = re.split(r"^(\w+)\n-+$", read("docs/comparison.rst"), flags=re.MULTILINE)
    compared = dict(zip(sections[1::2], sections[2::2], strict=True))
    for row, name in (
        ("get, every attribute read", "CPU of a get"),
        ("query of 100, every attribute read", "CPU of a query of 100, read"),
        ("batch_write of 100", "CPU of a batch write of 100"),
    ):
        cells = re.findall(r"     - (\S.*)", read("docs/index.rst").partition(f"* - {name}\n")[2])
        shown = dict(
            zip(["", "boto3", "PynamoDB", "pydynox", "", "aiodynamo"], cells, strict=False)
        )
        for library in ("boto3", "PynamoDB", "pydynox", "aiodynamo"):
            ratio = measured[row][library] / measured[row]["dynamodb_py"]
            assert float(shown[library].removesuffix(" times")) == float(f"{ratio:.2g}"), library
            if row.startswith("get"):
                assert shown[library] in " ".join(compared[library].split())


def test_the_readme_has_two_commands():
    quickstart, tests = readme_commands()
    assert "examples/quickstart.py" in quickstart
    assert tests.endswith(".venv/bin/pytest")


@pytest.mark.parametrize("command", readme_commands())
def test_what_a_command_names_exists(command, setup):
    extras = re.findall(r"'\.\[(\w+)\]'", command)
    assert set(extras) <= set(setup["options.extras_require"])
    assert [p for p in re.findall(r"\b[\w/]+\.py\b", command) if not (ROOT / p).is_file()] == []


def test_ci_runs_the_commands_of_the_readme():
    listed = subprocess.run(
        ["bash", str(ROOT / ".ci" / "run"), "--list"], capture_output=True, text=True, check=True
    )
    assert listed.stdout.splitlines() == readme_commands()


@pytest.mark.parametrize("name", ["run", "release"])
def test_ci_can_be_run_and_is_well_formed(name):
    script = ROOT / ".ci" / name
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert "set -euo pipefail" in script.read_text()


def test_the_documentation_says_why_each_dependency_is_there(setup):
    text = read("docs/dependencies.rst").lower()
    named = {project(line) for lines in requirements(setup).values() for line in lines}
    missing = [name for name in sorted(named - {"dynamodb-py"}) if f"``{name}``" not in text]
    assert missing == []


def test_the_documentation_names_every_extra(setup):
    text = read("docs/installation.rst") + read("docs/dependencies.rst")
    missing = [extra for extra in setup["options.extras_require"] if f"``{extra}``" not in text]
    assert missing == []


def test_dependencies_are_bounded_below(setup):
    unbounded = [line for line in requirements(setup)[""] if ">=" not in line]
    assert unbounded == []


def test_every_import_of_the_package_is_a_dependency(setup):
    imported = set()
    for path in (ROOT / "dynamodb_py").rglob("*.py"):
        for node in ast.walk(without_type_checking(ast.parse(path.read_text("utf-8")))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                imported.add(node.module.split(".")[0])
    third_party = imported - set(sys.stdlib_module_names) - {"dynamodb_py"}
    by_module = {
        "dateutil": "python-dateutil",
        "botocore": "boto3",
        "opentelemetry": "opentelemetry-api",
        "pydantic_core": "pydantic",
    }
    extras = ("", "cli", "fastapi", "flask", "otel", "progress", "pydantic")
    named = {project(line) for extra in extras for line in requirements(setup)[extra]}
    assert {by_module.get(name, name) for name in third_party} <= named


def test_the_package_tells_type_checkers_that_it_is_typed():
    assert importlib.resources.files("dynamodb_py").joinpath("py.typed").is_file()


def test_what_is_built_is_the_package_and_nothing_else(tmp_path):
    pytest.importorskip("setuptools", minversion="77", reason="building needs setuptools 77")
    source = tmp_path / "source"
    source.mkdir()
    for name in (
        "setup.cfg",
        "setup.py",
        "pyproject.toml",
        "README.rst",
        "CHANGELOG.rst",
        "LICENSE",
        "pytest_dynamodb_py.py",
    ):
        shutil.copy(ROOT / name, source)
    for name in ("dynamodb_py", "tests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*pip, "--wheel-dir", str(tmp_path), str(source)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == f"dynamodb_py-{dynamodb_py.__version__}-py3-none-any.whl"
    files = zipfile.ZipFile(wheel).namelist()
    (entry_points,) = [name for name in files if name.endswith(".dist-info/entry_points.txt")]
    assert zipfile.ZipFile(wheel).read(entry_points).decode().split() == [
        "[console_scripts]",
        *["dynamodb-py", "=", "dynamodb_py.cli:main"],
        "[opentelemetry_instrumentor]",
        *["dynamodb_py", "=", "dynamodb_py.contrib.opentelemetry:DynamoDBInstrumentor"],
        "[pytest11]",
        *["pytest_dynamodb_py", "=", "pytest_dynamodb_py"],
    ]
    built = {name for name in files if ".dist-info/" not in name}
    expected = {
        str(path.relative_to(source))
        for path in (source / "dynamodb_py").rglob("*")
        if path.suffix == ".py" or path.name == "py.typed"
    }
    assert built == expected | {"pytest_dynamodb_py.py"}


def promises() -> dict[str, list[str]]:
    """Return the promises of the page, by their first words, with the tests that hold them."""
    found: dict[str, list[str]] = {}
    for text in re.split(r"^\*\*", read("docs/guarantees.rst"), flags=re.MULTILINE)[1:]:
        found[text.partition("**")[0]] = re.findall(r"^\* ``(tests/\S+)``$", text, re.MULTILINE)
    return found


def test_each_promise_of_the_package_has_tests_that_exist():
    known = promises()
    assert len(known) >= 16
    lacking = [promise for promise, tests in known.items() if not tests]
    assert not lacking, f"these promises have no test: {lacking}"
    for tests in known.values():
        for test in tests:
            path, _, name = test.partition("::")
            assert re.search(rf"^ *(async )?def {name}\(", read(path), re.MULTILINE), test
