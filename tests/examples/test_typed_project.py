"""The typed project runs; ``tests/test_typing.py`` checks it under both checkers with the rest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PLACE = Path(__file__).parents[2] / "examples" / "typed_project"


def test_the_typed_project_tells_its_season():
    done = subprocess.run(
        [sys.executable, str(PLACE / "main.py")], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "results: [('bob', 1), ('bob', 2)]",
        "won: 1",
        "rating: 1225",
        "version 2, from Bath, 2 games",
        "Player() needs a value of home: give it, or declare the field with default=",
    ]
    assert not done.stderr
