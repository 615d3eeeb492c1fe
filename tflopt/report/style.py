"""Columns, colours and numbers of what people read on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from rich.console import Console
from rich.table import Table

SMALL = "dim"
PIPE_WIDTH = 140


def size(count: int) -> str:
    """``53,936``: exact and readable."""
    return f"{count:,}"


def change(before: int, after: int) -> str:
    """``-35.6 %``, empty where nothing changed."""
    if before == after:
        return ""
    return f"{100 * (after - before) / before:+.1f} %" if before else f"+{size(after)}"


def make_console() -> Console:
    """Standard output: as wide as the terminal, wide enough for tables in a pipe."""
    console = Console(highlight=False, soft_wrap=True)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH)


def table(*columns: str, right: Iterable[int] = ()) -> Table:
    """A table in the house style; only its last column is broken over lines."""
    numeric = set(right)
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        last = index == len(columns) - 1
        justify: Literal["left", "right"] = "right" if index in numeric else "left"
        grid.add_column(column, justify=justify, overflow="fold", no_wrap=not last)
    return grid
