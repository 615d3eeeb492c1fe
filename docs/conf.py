"""How the site is built: ``nox -s docs``. Pages are Markdown that reads well without it, too."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.docs.site import connect as setup  # noqa: E402
from tflopt.version import __version__  # noqa: E402

project = "tflopt"
author = "the authors of tflopt"
project_copyright = "the authors of tflopt, Apache-2.0"
release = version = __version__
extensions = ["myst_parser", "sphinx_copybutton"]
exclude_patterns = ["requirements.txt", "upstream"]
nitpicky = True
smartquotes = False  # they would make a dash of --option

myst_heading_anchors = 3
# benchmarks.md is written by a program that numbers its headings by depth of nesting.
suppress_warnings = ["myst.header"]
myst_enable_extensions = ["colon_fence"]

html_theme = "furo"
html_title = "tflopt"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["../tflopt/report/report.schema.json"]
html_copy_source = False
html_show_sphinx = False
# A summary would be fetched, which pages in a folder may not do.
html_show_search_summary = False
html_theme_options = {"top_of_page_buttons": []}
pygments_style = "friendly"
pygments_dark_style = "native"

copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True

__all__ = ["setup"]
