"""Sphinx: how the pages are built."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
sys.path.insert(0, str(Path(__file__).parent.parent))  # the pages are of this checkout

import dynamodb_py

project = "dynamodb_py"
author = "The dynamodb_py contributors"
copyright = "2026, The dynamodb_py contributors"
version = release = dynamodb_py.__version__

extensions = ["commands", "reference", "pictures", "sphinx.ext.autodoc", "sphinx_copybutton"]
exclude_patterns = ["_ext"]
default_role = "any"
add_module_names = False
python_maximum_signature_line_length = (
    68  # a parameter on each line, where a phone has no room for all
)
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"dynamodb_py {release}"
html_static_path = ["_static"]
html_css_files = ["wrap.css"]
html_search_scorer = str(Path(__file__).parent / "_ext" / "scorer.js")
copybutton_exclude = ".linenos, .gp, .go"
