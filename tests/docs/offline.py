"""Whether a built site fetches anything: ``python -m tests.docs.offline FOLDER``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

FETCHED = {"src", "srcset", "data", "poster", "action"}
ELSEWHERE = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
IN_STYLE = re.compile(r"@import\s+[\"']?(?:https?:)?//|url\(\s*[\"']?(?:https?:)?//", re.IGNORECASE)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            fetched = name in FETCHED or (tag == "link" and name == "href")
            if value and fetched and ELSEWHERE.match(value):
                self.found.append(f"<{tag} {name}={value}>")
            if value and name == "style" and IN_STYLE.search(value):
                self.found.append(f"<{tag} style={value}>")


def fetches(name: str, text: str) -> list[str]:
    """What a page or a style sheet loads from elsewhere; links that one may click don't count."""
    if name.endswith(".css"):
        return IN_STYLE.findall(text)
    page = _Page()
    page.feed(text)
    return page.found + IN_STYLE.findall(text)


def check(folder: Path) -> Iterator[str]:
    """A line for everything that some file of the site fetches."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".html", ".css"):
            for found in fetches(path.name, path.read_text(encoding="utf-8")):
                yield f"{path.relative_to(folder)}: {found}"


if __name__ == "__main__":
    faults = list(check(Path(sys.argv[1])))
    sys.exit("\n".join(faults) or 0)
