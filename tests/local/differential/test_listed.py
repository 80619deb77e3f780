"""The list of differences: each names the page that settles it."""

from __future__ import annotations

import pytest

from .differences import ALTERNATOR, API, DIFFERENCES, DYNALITE, EXTENDDB, GUIDE, SUITE

AMAZONS = (f"{GUIDE}/", f"{API}/API_")
QUOTED = (f"{ALTERNATOR}/test_", f"{DYNALITE}/", f"{EXTENDDB}/pull/", f"{SUITE}/tier")
"""Pages with answers of the service."""


@pytest.mark.parametrize("each", DIFFERENCES, ids=lambda each: f"{each.engine}: {each.reason}")
def test_a_difference_names_the_page_that_settles_it(each):
    assert each.page.startswith((*AMAZONS, *QUOTED))
    assert each.page.endswith((".html", ".py", ".js", ".ts")) or each.page[-1].isdecimal()
    assert "http" not in each.reason
