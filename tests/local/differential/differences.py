"""Where an engine answers otherwise than ours, and what settles it."""

from __future__ import annotations

from typing import Any

from .peers import Difference, Outcome

DIFFERENCES: list[Difference] = []
