"""Lines on standard output."""

from __future__ import annotations

import sys


def print_line(line: str) -> None:
    """Write a line to standard output, in one piece and without delay."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
