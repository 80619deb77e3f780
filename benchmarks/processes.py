"""The processes that are measured: a worker for each contender, and fresh interpreters."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import contenders

HERE = Path(__file__).resolve().parent
PATIENCE = 120.0  # seconds for one answer of a worker


class WorkerError(Exception):
    """A worker could not do what it was asked for."""


class Worker:
    """The process of one contender: of the module *name*, in the environment *env*."""

    def __init__(self, name: str, endpoint: str, env: dict[str, str]) -> None:
        command = [sys.executable, str(HERE / "worker.py"), name, endpoint]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        )
        try:
            self._answer()
        except WorkerError:
            self.close()
            raise

    def ask(self, do: str, **arguments: Any) -> Any:
        """Have *do* done and return what came of it; WorkerError where that failed."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        # One answer follows one question, so nothing can wait in the file's own buffer.
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            self.process.kill()
            raise WorkerError(f"no answer within {PATIENCE:.0f} seconds")
        line = self.process.stdout.readline()
        if not line:
            raise WorkerError(f"the process ended with status {self.process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer.get("value")

    def close(self) -> None:
        """End the process."""
        try:
            self.process.communicate(timeout=10)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self.process.kill()
            self.process.communicate()


def inherited() -> dict[str, str]:
    """Return this process's environment without what would change a child: AWS's, and most of Python's."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PYTHON")) or name in ("PYTHONPATH", "PYTHONHOME")
    }


def environment(endpoint: str, home: str, checkout: Path, seed: int) -> dict[str, str]:
    """Return the environment of a child: credentials in it, and nothing of this machine's AWS.

    Nor of its PYTHONDONTWRITEBYTECODE and the like: whoever is not installed by pip would be
    compiled anew by each process. Bytecode goes into *home*. dynamodb_py is that of *checkout*.
    Contenders that are compared have the same *seed* of hashes, which moves their speed by per cents.
    """
    kept = inherited()
    path = os.pathsep.join([str(checkout), *filter(None, [kept.get("PYTHONPATH")])])
    return {
        **kept,
        "HOME": home,
        "PYTHONPATH": path,
        "PYTHONHASHSEED": str(seed),
        "PYTHONPYCACHEPREFIX": os.path.join(home, "bytecode"),
        "AWS_ACCESS_KEY_ID": contenders.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": contenders.SECRET_KEY,
        "AWS_DEFAULT_REGION": contenders.REGION,
        "AWS_REGION": contenders.REGION,
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def cpu_of(program: str, env: dict[str, str], python: str = sys.executable) -> float:
    """Run *program* in a fresh interpreter; return its CPU seconds, user and system."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen([python, "-c", program], env=env, stderr=errors, cwd=env["HOME"])
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            last = errors.read().strip().splitlines()[-1:] or ["no message"]
            raise WorkerError(last[0])
    return usage.ru_utime + usage.ru_stime
