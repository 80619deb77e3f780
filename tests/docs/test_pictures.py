"""The pictures are well-formed, and nothing leaves their frames."""

import sys
import xml.etree.ElementTree as ET

import pytest

from .pages import PAGES, ROOT

pytest.importorskip("docutils", reason="the extra docs is not installed")
sys.path.append(str(ROOT / "docs" / "_ext"))

import pictures

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_nothing_leaves_the_frame(name):
    picture = ET.fromstring(pictures.PICTURES[name]().svg(name))
    _, _, width, height = map(float, picture.attrib["viewBox"].split())
    for box in picture.iter(f"{SVG}rect"):
        x, y, wide, high = (float(box.attrib[each]) for each in ("x", "y", "width", "height"))
        assert 0 <= x <= x + wide <= width, box.attrib
        assert 0 <= y <= y + high <= height, box.attrib
    for text in picture.iter(f"{SVG}text"):
        # a letter of a fixed font is 0.6 of its size wide; of others, half of it, on average
        monospace = "monospace" in text.attrib["font-family"]
        length = (
            len(text.text or "") * float(text.attrib["font-size"]) * (0.6 if monospace else 0.5)
        )
        left = float(text.attrib["x"]) - (
            length / 2 if text.attrib["text-anchor"] == "middle" else 0
        )
        assert 0 <= left <= left + length <= width, text.text


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_each_picture_is_on_a_page(name):
    assert [path for path in PAGES if f".. picture:: {name}\n" in path.read_text("utf-8")]


def test_text_is_escaped():
    drawing = pictures.Drawing()
    drawing.text(0, 0, "a < b & c")
    assert "a &lt; b &amp; c" in drawing.svg("<x>")
