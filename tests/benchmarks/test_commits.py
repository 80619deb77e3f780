"""Two commits beside each other in one run of the benchmarks: what they are called, and what is printed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
sys.path.append(str(BENCHMARKS))  # a directory of scripts, not a package

import checkouts  # noqa: E402
import contenders  # noqa: E402
import null_server  # noqa: E402
import regimes  # noqa: E402
import report  # noqa: E402
import run  # noqa: E402


def test_every_contender_runs_where_none_is_named():
    assert checkouts.chosen(None) == list(contenders.NAMES)


def test_contenders_keep_their_order_and_come_once():
    text = "dynamodb_py@938fb98, boto3,dynamodb_py,boto3,dynamodb_py@/a/b"
    assert checkouts.chosen(text) == [
        "dynamodb_py@938fb98",
        "boto3",
        "dynamodb_py",
        "dynamodb_py@/a/b",
    ]


@pytest.mark.parametrize("text", ["", ",", "boto", "boto3@1.0", "dynamodb_py@", "@HEAD", "all"])
def test_a_contender_that_does_not_exist_is_refused(text):
    with pytest.raises(SystemExit):
        checkouts.chosen(text)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with two commits of a package; its folder stands for this checkout."""
    root = tmp_path / "repository"
    package = root / "dynamodb_py"
    package.mkdir(parents=True)
    settings = ("user.name=x", "user.email=x@example.org", "commit.gpgsign=false")
    git = ["git", "-C", str(root), *(part for each in settings for part in ("-c", each))]
    subprocess.run([*git, "init", "--quiet"], check=True)
    for text in ("old", "new"):
        (package / "__init__.py").write_text(text)
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "--quiet", "--message", text], check=True)
    monkeypatch.setattr(checkouts, "ROOT", root)
    return root


def test_a_commit_is_unpacked_for_the_time_of_the_block(repository):
    names = ["boto3", "dynamodb_py", "dynamodb_py@HEAD~1", f"dynamodb_py@{repository}"]
    with checkouts.unpacked(names) as folders:
        texts = [(folders[name] / "dynamodb_py" / "__init__.py").read_text() for name in names]
        unpacked = folders[names[2]]
        assert repository / "build" in unpacked.parents
    assert texts == ["new", "new", "old", "new"]
    assert not unpacked.exists()


def test_what_is_no_commit_is_refused(repository):
    with (
        pytest.raises(SystemExit, match="neither a commit"),
        checkouts.unpacked(["dynamodb_py@no-such-branch"]),
    ):
        pass


def test_the_report_names_the_commit(repository):
    heads = [checkouts.describe(name) for name in ("dynamodb_py", "dynamodb_py@HEAD")]
    assert heads[0] == heads[1] != checkouts.describe("dynamodb_py@HEAD~1")
    (repository / "dynamodb_py" / "__init__.py").write_text("newer")
    assert checkouts.describe("dynamodb_py") == f"{heads[0]}-dirty"
    assert checkouts.describe("dynamodb_py@HEAD") == heads[0]


def test_the_package_is_imported_from_the_checkout(tmp_path):
    with null_server.recording() as (url, _):
        env = run.environment(url, str(tmp_path), ROOT, seed=0)
        worker = run.Worker("dynamodb_py", url, env)
        try:
            assert worker.ask("folder") == str(ROOT)
            assert set(contenders.OPTIONAL) < set(worker.ask("steps"))
            for step in ("get", *contenders.OPTIONAL, "batch_get_1"):
                worker.ask("check", step=step)
        finally:
            worker.close()


def test_ratios_are_those_within_the_rounds():
    results = report.Results(["dynamodb_py", "dynamodb_py@old"])
    for old in (1.0, 2.0, 4.0, 8.0, 16.0):
        results.add("get", "dynamodb_py@old", old / 1e6)
        results.add("get", "dynamodb_py", old * 1.5 / 1e6)
    header, row = report.beside(results, "dynamodb_py", "dynamodb_py@old")
    assert dict(zip(header, row, strict=True)) == {
        "new beside old": "get, every attribute read",
        "unit": "us",
        "dynamodb_py": "6.00",
        "dynamodb_py@old": "4.00",
        "new/old": "1.500",
        "25 %": "1.500",
        "75 %": "1.500",
        "+-": "0.000",
    }


@pytest.mark.parametrize("regime", regimes.NAMES)
def test_the_server_answers_in_each_regime(regime):
    program = (
        "import socket, regimes\n"  # a process of its own, because it is pinned
        f"with regimes.running({regime!r}) as (server, done):\n"
        "    host, _, port = server.url.removeprefix('http://').partition(':')\n"
        "    with socket.create_connection((host, int(port)), timeout=10) as opened:\n"
        "        opened.sendall(b'POST / HTTP/1.1\\r\\nContent-Length: 0\\r\\n\\r\\n')\n"
        "        print(opened.recv(12).decode(), done)\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=BENCHMARKS, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.startswith(f"HTTP/1.1 400 {regime}")
