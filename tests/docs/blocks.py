"""The code blocks of a Markdown page, and the marks that say what becomes of each.

A mark is an HTML comment right before the block, which neither GitHub nor the site shows:

``<!-- models: NAME.tflite = STEM, ... -->``  copy these models of ``testdata`` first
``<!-- file: NAME -->``                       the block is written to this file
``<!-- needs: PROGRAM -->``                  the block runs where the program is installed
``<!-- output -->``                           the block is what the last Python block prints
``<!-- not run: REASON -->``                  the block stays as it is

``console`` and ``python`` blocks run. ``text`` and ``diff`` are pictures and results and need no
mark; every other block does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

RUNS = ("console", "python")
SHOWN = ("text", "diff")
COMMENT = re.compile(r"<!--\s*(.*?)\s*-->", re.DOTALL)
MARK = re.compile(r"(models|file|needs|output|not run)(?::\s*(.*))?", re.DOTALL)
COMMAND = re.compile(r"^\s*(\$ |(tflopt|python|nox|pip|cmake) (?!.*\[OPTIONS\]))", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block, with the marks before it."""

    page: Path
    line: int
    language: str
    text: str
    marks: dict[str, str]

    @property
    def place(self) -> str:
        """The file and the line of the fence."""
        return f"{self.page.name}:{self.line}"

    @property
    def runs(self) -> bool:
        """Whether it is executed."""
        return self.language in RUNS and "not run" not in self.marks

    @property
    def fault(self) -> str:
        """Why nothing would show whether this block is right; empty where something does."""
        if self.language.startswith("{"):
            return ""
        if not self.language:
            return "it has no language"
        if "not run" in self.marks:
            return "" if self.marks["not run"] else "no reason says why it isn't run"
        if self.language in RUNS or {"file", "output"} & self.marks.keys():
            return ""
        if self.language not in SHOWN:
            return f"a block of {self.language} needs a mark"
        return "it looks like a command: use console" if COMMAND.search(self.text) else ""


@cache
def blocks(page: Path) -> list[Block]:
    """The page's blocks in their order, as it was at first; indented ones have no language."""
    return list(_blocks(page, MarkdownIt().parse(page.read_text(encoding="utf-8"))))


def _blocks(page: Path, tokens: list[Token]) -> Iterator[Block]:
    marks: dict[str, str] = {}
    for token in tokens:
        if token.type == "html_block":
            marks |= _marks(token.content)
        elif token.type in ("fence", "code_block"):
            line = token.map[0] + 1 if token.map else 0
            yield Block(page, line, token.info.strip(), token.content, marks)
            marks = {}
        elif token.type == "inline":
            marks = {key: text for key, text in marks.items() if key == "models"}


def _marks(content: str) -> dict[str, str]:
    found = (MARK.fullmatch(text) for text in COMMENT.findall(content))
    return {match[1]: match[2] or "" for match in found if match}
