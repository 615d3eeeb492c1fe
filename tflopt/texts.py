"""Where every text of a model passes on its way to a reader: names, descriptions, reasons, paths.

A model's author chooses names; whoever reads them may be a terminal, which obeys ESC and U+009B,
shows U+202E backwards and stops at NUL; a compiler; a page; or GitHub. What may not reach them raw
is written as an escape (``\\x1b``), so that nothing is hidden. :func:`printable` is the ground that
all others stand on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_NAME = 32
MACHINE_MADE = re.compile(
    r"(arith\.constant|cst|pseudo_qconst|StatefulPartitionedCall|PartitionedCall|tfl?|t|_?)\d*"
)
"""Names that exporters count."""
COPY = re.compile(r":\d+$")
MARKDOWN = re.compile(r"([\\`*_\[\]<>|&~#])")


def printable(text: str) -> str:
    """``text`` for a terminal: control characters and broken UTF-8 as escapes, one line."""
    if text.isprintable():
        return text
    clean = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else _escape(c) for c in clean)


def near_match(text: str, known: Iterable[str]) -> str:
    """``did you mean X?`` for what comes close to a text, empty where nothing does."""
    close = get_close_matches(text, list(known))
    begin = [candidate for candidate in close if candidate.startswith(text)]
    return f"did you mean {(begin or close)[0]}?" if close else ""


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 layer``, ``1,234 layers``."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def short_name(name: str) -> str:
    """A tensor's name as a person may read it: the last part of a path, without what it was fused
    of; empty where a machine made it up.
    """
    parts = [part for part in COPY.sub("", name.split(";")[0]).split("/") if part]
    if not parts or MACHINE_MADE.fullmatch(parts[-1]):
        return ""
    short = "/".join(part.rpartition(".")[2] for part in parts[-2:])
    return short if len(short) <= LONGEST_NAME else f"...{short[-LONGEST_NAME + 3 :]}"


def lines(text: str) -> str:
    """:func:`printable` for text of several lines."""
    return "\n".join(map(printable, text.split("\n")))


def ascii_text(text: str) -> str:
    """Sources and build files: ASCII, several lines; all else as escapes that no string has."""
    return "".join(c if c == "\n" or " " <= c <= "~" else _escape(c) for c in text)


def c_comment(text: str) -> str:
    """``text`` as it may stand in a comment of C or CMake: a line of ASCII that doesn't end it."""
    one = ascii_text(printable(" ".join(text.split())))
    return one.replace("*/", "* /").replace("/*", "/ *").replace("\\\n", "\n").rstrip("\\")


def markup(text: str) -> str:
    """``text`` in HTML, SVG or XML, between tags or in a quoted attribute."""
    from html import escape

    return escape(printable(text))


def markdown(text: str) -> str:
    """A text in which Markdown and HTML see no markup, nor GitHub a person or an issue."""
    return MARKDOWN.sub(r"\\\1", printable(text)).replace("@", "@\N{ZERO WIDTH SPACE}")


def cell(text: str) -> str:
    """``text`` in a cell of a Markdown table: nothing in it is Markdown or HTML."""
    clean = printable(text)
    for character in "\\`*[]<>|":
        clean = clean.replace(character, f"&#{ord(character)};")
    return clean


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
