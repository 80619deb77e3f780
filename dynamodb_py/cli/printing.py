"""Lines on standard output."""

from __future__ import annotations

import sys


def print_line(line: str) -> None:
    """Write a line to standard output, at once and whole."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
