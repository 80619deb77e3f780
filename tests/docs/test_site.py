"""The built site: no warning, no dead link, and a search that answers the questions of new users.

The site is in ``build/docs``, where ``.ci/run`` builds it too: only pages that changed since are read again. All
are written, as the search index of Sphinx lacks index entries of pages that are not.
"""

import html
import json
import re
import shutil
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest

from .pages import ROOT

pytest.importorskip("sphinx", reason="the extra docs is not installed")


@pytest.fixture(scope="module")
def site() -> Path:
    target = ROOT / "build" / "docs"
    for path in target.glob("[!.]*"):  # pages of before, of classes that are no more
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    options = ["--quiet", "--write-all", "--fail-on-warning", "--keep-going"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(ROOT / "docs"), str(target)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.fixture(scope="module")
def texts(site) -> dict[str, str]:
    """The pages by their paths in the site, without what is in front and behind of their own text."""
    return {
        str(path.relative_to(site)): path.read_text("utf-8")
        for path in site.rglob("*.html")
        if "_static" not in path.parts
    }


def test_every_link_and_anchor_leads_somewhere(texts):
    anchors = {page: set(re.findall(r'\bid="([^"]+)"', text)) for page, text in texts.items()}
    dead = set()
    for page, text in texts.items():
        for link in set(re.findall(r'<a\b[^>]*\bhref="([^"]+)"', text)):
            address = urllib.parse.urlsplit(html.unescape(link))
            if address.scheme or address.netloc or "_sources/" in address.path:
                continue
            target = urllib.parse.unquote(urllib.parse.urljoin(page, address.path) or page)
            found = anchors.get(target)
            if found is None or (address.fragment and address.fragment not in found):
                dead.add(f"{page}: {link}")
    assert dead == set()


def test_pictures_are_part_of_their_pages(texts):
    pictures = [page for page, text in texts.items() if '<svg class="picture"' in text]
    assert len(pictures) == 7
    for page in pictures:
        picture = re.search(r'<svg class="picture".*?</svg>', texts[page], re.DOTALL)[0]
        assert "currentColor" in picture  # of the theme, dark or light
        assert re.search(r'role="img".*<title>[A-Z].+\.</title>', picture, re.DOTALL)


def test_code_has_a_button_that_copies_it_without_prompts(site):
    assert "copybutton.js" in (site / "saving.html").read_text("utf-8")
    assert "'.linenos, .gp, .go'" in (site / "_static" / "copybutton.js").read_text("utf-8")


# -- the search --------------------------------------------------------------------------------

QUESTIONS = {
    # how to page
    "pagination": "pages",
    "next page": "pages",
    # test without AWS
    "testing": "testing",
    "test without aws": "testing",
    # add an index to a live table
    "add index": "tables",
    # know what something costs
    "cost": "capacity",
    "what does it cost": "capacity",
    # make e-mail unique
    "unique e-mail": "uniqueness",
    "unique email": "uniqueness",
    # share a table with PynamoDB
    "share a table with pynamodb": "other_mappers",
    # use it in FastAPI
    "fastapi": "fastapi",
    # retry a conflict
    "retry conflict": "transactions",
    # keep all in one table
    "single table": "single_table",
    "single-table design": "single_table",
    # see the request
    "see the request": "explaining",
    # the words of DynamoDB
    "partition key": "models",
    "sort key": "models",
    "global secondary index": "indexes",
    "gsi": "indexes",
}
"""What users type, and the page that must come first."""


@pytest.fixture(scope="module")
def found(site) -> dict[str, list[str]]:
    if (node := shutil.which("node")) is None:
        pytest.skip("the site's search runs in node, which is not installed")
    script = str(Path(__file__).parent / "search.js")
    done = subprocess.run(
        [node, script, str(site), *QUESTIONS, "Cursors"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(zip([*QUESTIONS, "Cursors"], json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("query", QUESTIONS)
def test_the_search_finds_the_page_that_answers_first(query, found):
    assert found[query][:1] == [QUESTIONS[query]], found[query][:5]


def test_decisions_are_not_in_the_search(found):
    assert (ROOT / "docs/decisions/0018-cursors.rst").exists()
    assert [page for page in found["Cursors"] if page.startswith("decisions/")] == []
