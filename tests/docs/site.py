"""What the site shows beyond the Markdown pages: the pictures of the rules' examples.

A page has ``<!-- picture: NAME -->``, which GitHub hides.
"""

from __future__ import annotations

import re
from typing import Protocol

from tests.docs.picture import picture

MARK = re.compile(r"<!-- picture: ([a-z0-9-]+) -->")


class Sphinx(Protocol):
    """The part of Sphinx's application that is used here."""

    def connect(self, event: str, callback: object) -> int:
        """Call back on an event."""


def connect(app: Sphinx) -> dict[str, bool]:
    """Sphinx's entry point of an extension."""
    app.connect("source-read", _draw)
    return {"parallel_read_safe": True}


def _draw(app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = MARK.sub(lambda match: picture(match[1]), source[0])
