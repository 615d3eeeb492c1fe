"""New numbers for old ones in what a page shows of a command's output.

``pytest tests/docs/test_blocks.py --renew-docs`` writes them; words stay, and fail if they differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

NUMBER = re.compile(r"(?<![\w.-])[-+]?\d[\d,]*(?:\.\d+)?")
ANY_NUMBER = NUMBER.pattern


def renewed(shown: list[str], printed: str) -> list[str]:
    """The lines as they are printed now, with the spaces and the ``...`` of the page."""
    lines = iter([" ".join(line.split()) for line in printed.splitlines()])
    return [line if line.strip() in ("...", "") else _renewed(line, lines) for line in shown]


def renew(page: Path, shown: list[str], fresh: list[str]) -> None:
    """Write the page with the new lines."""
    text = page.read_text(encoding="utf-8")
    old, new = ("".join(f"{line}\n" for line in lines) for lines in (shown, fresh))
    if text.count(old) == 1:
        page.write_text(text.replace(old, new), encoding="utf-8")


def _renewed(line: str, lines: Iterator[str]) -> str:
    pattern = _pattern(line)
    for candidate in lines:
        found = pattern.fullmatch(candidate)
        if found:
            return _filled(line, iter(found.groups()))
    return line


def _pattern(line: str) -> re.Pattern[str]:
    parts = []
    for text in re.split(r"(\.\.\.)", " ".join(line.split())):
        if text == "...":
            parts.append(".*")
            continue
        pieces = NUMBER.split(text)
        parts.append(f"({ANY_NUMBER})".join(re.escape(piece) for piece in pieces))
    return re.compile("".join(parts))


def _filled(line: str, numbers: Iterator[str]) -> str:
    def put(found: re.Match[str]) -> str:
        text = next(numbers)
        return text.rjust(len(found[0])) if line[found.start() - 1 : found.start()] == " " else text

    return NUMBER.sub(put, line)
