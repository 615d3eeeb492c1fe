"""Writes the parts of ``docs/`` that come from the code: ``python -m tests.docs.write``."""

from __future__ import annotations

from tests.docs.pages import DOCS, PARTS

if __name__ == "__main__":
    for part in PARTS:
        (DOCS / part.page).write_text(part.renewed(), encoding="utf-8")
