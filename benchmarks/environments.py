"""Virtual environments for what starts afresh: each library with its own dependencies, and no other's.

What else is installed costs an import: ``typing_extensions`` is taken where it is there, and
``.pth`` files of others run in each interpreter. They are made below ``build/``, once for
each list of requirements and each Python.
"""

from __future__ import annotations

import configparser
import hashlib
import subprocess
import sys
from pathlib import Path

import checkouts
import contenders

PINS = Path(__file__).with_name("requirements.txt")


def requirements(contender: type[contenders.Contender]) -> list[str]:
    """Return what has to be installed for *contender*: of this project, its dependencies alone."""
    if contender.distribution != checkouts.PACKAGE:
        return [contender.distribution, *contender.also]
    setup = configparser.RawConfigParser()
    setup.read(checkouts.ROOT / "setup.cfg")
    return setup["options"]["install_requires"].split("\n")[1:]


def python_for(contender: type[contenders.Contender]) -> str:
    """Return the interpreter of the environment for *contender*; CalledProcessError if pip fails."""
    wanted = requirements(contender)
    marks = "\n".join([*wanted, PINS.read_text(encoding="utf-8"), sys.version])
    digest = hashlib.sha256(marks.encode()).hexdigest()[:10]
    folder = checkouts.ROOT / "build" / "environments" / f"{contender.distribution}-{digest}"
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        _run(str(python), "-m", "pip", "install", "-qq", "-c", str(PINS), *wanted)
        # setuptools puts a .pth file there, which every interpreter would run.
        _run(str(python), "-m", "pip", "uninstall", "-qq", "--yes", "setuptools")
        ready.touch()
    return str(python)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
