"""The table of channels on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from tflopt.report.channels import LayerChannels, summary
from tflopt.report.style import SMALL, size, table


def print_channels(console: Console, rows: Sequence[LayerChannels]) -> None:
    """How many channels of each layer carry nothing; layers where all do are in it too."""
    measured = any(row.unchanging is not None for row in rows)
    columns = ["#", "operator", "channels", "constant", "saturated", "unread", "removable"]
    columns += ["unchanging"] if measured else []
    columns += ["flash", "RAM", "instructions"]
    grid = table(*columns, right=(0, *range(2, len(columns))))
    for row in rows:
        number = str(row.index) if row.subgraph == 0 else f"{row.subgraph}.{row.index}"
        counts = [row.channels, row.constant, row.saturated, row.unread, row.removable]
        cells = [str(count) if count else "" for count in counts]
        if measured:
            cells.append("" if row.unchanging is None else str(row.unchanging))
        cells += [size(n) if n else "" for n in (row.flash_bytes, row.ram_bytes, row.instructions)]
        grid.add_row(number, row.operator, *cells)
    console.print(grid)
    console.print(summary(rows))
    if measured:
        text = "unchanging: never changed on the inputs given, which proves nothing of others"
        console.print(Text(text, style=SMALL))
