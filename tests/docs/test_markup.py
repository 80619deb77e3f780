"""The markup of the pages: nothing is torn, and a phone can show it."""

import re

import pytest

from .pages import PAGES, code_lines, name_of

pytest.importorskip("docutils", reason="the extra docs is not installed")

from docutils import nodes
from docutils.core import publish_doctree
from docutils.parsers.rst import Directive, directives, roles

WIDTH = 88
UNBREAKABLE = re.compile(r"python3 -m venv |https?://\S+$")
"""Lines that work only in one piece: the commands that .ci/run takes from the README, and addresses."""


class Ignored(Directive):
    """A directive of Sphinx, which has no part in tables."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec = None

    def run(self) -> list[nodes.Node]:
        return []


def rows(text: str) -> list[list[str]]:
    """Return the rows of all tables of a page, each as the text of its cells."""
    for name in set(re.findall(r"\.\. ([\w:-]+)::", text)) - {"list-table", "include", "note"}:
        directives.register_directive(name, Ignored)
    for name in set(re.findall(r":([\w:]+):`", text)):
        roles.register_generic_role(name, nodes.literal)
    settings = {"report_level": 5, "file_insertion_enabled": False}
    doctree = publish_doctree(text, settings_overrides=settings)
    return [[cell.astext().strip() for cell in row.children] for row in doctree.findall(nodes.row)]


def is_torn(row: list[str]) -> bool:
    """Tell whether a row is a part of one: its first cell is unfinished, or another one is empty."""
    unfinished = re.search(r"(,|;|\(|\b(and|or|of|the|not in))$", row[0])
    return bool(unfinished or "" in row[1:])


def test_a_row_is_torn_where_a_simple_table_wraps_its_first_column():
    table = """\
====  ====
call  what
====  ====
one,  both
two
``x``  it
      too
====  ====
""".replace("``x``  it", "x     it")
    assert [is_torn(row) for row in rows(table)] == [False, True, True, False]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_no_row_of_a_table_is_torn(path):
    torn = [row for row in rows(path.read_text("utf-8")) if is_torn(row)]
    assert torn == [], "the first column of a simple table must not wrap: make it a list-table"


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_code_fits_a_narrow_window(path):
    wide = {
        number: line
        for number, line in code_lines(path.read_text("utf-8"))
        if len(line) > WIDTH and not UNBREAKABLE.search(line)
    }
    assert not wide, f"these lines have over {WIDTH} characters"


def test_code_blocks_are_found_however_they_begin():
    text = "Text::\n\n    one\n\nText\n\n.. code-block:: pycon\n   :caption: x\n\n   >>> two\n     three\n\nno\n"
    assert code_lines(text) == [(3, "one"), (10, ">>> two"), (11, "  three")]


COMMENT = re.compile(r"^( *)\.\.\n((?:(?:\1 +.*)?\n)+)", re.MULTILINE)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_reader_sees_what_the_examples_need(path):
    text = path.read_text("utf-8")
    hidden = [body.strip("\n") for _, body in COMMENT.findall(text)]
    seen = COMMENT.sub("", text)
    assert not [body for body in hidden if ">>> from dynamodb_py import" in body], "show the import"
    assert not [body for body in hidden if "\n\n" in body], (
        "a comment hides what follows an empty line"
    )
    if re.search(r">>> .*\bTables?\(.*\.create\(", seen):
        assert "connect(" in seen, "the reader has no connection: show connect('memory://')"
