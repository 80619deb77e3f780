"""The first command of the README: its story is told to the end, by the package alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
OTHERS = """
import runpy, sys
runpy.run_path("examples/quickstart.py", run_name="__main__")
print({"boto3", "botocore", "moto"} & sys.modules.keys())
"""


def test_the_quickstart_needs_no_server_no_mock_and_no_boto3():
    done = subprocess.run(
        [sys.executable, "-c", OTHERS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    told = done.stdout.splitlines()
    assert told[0] == "created the table test: ACTIVE"
    assert "best first: [300, 200, 100]" in told[4]
    assert told[-2:] == ["deleted the table", "set()"]
    assert not done.stderr
