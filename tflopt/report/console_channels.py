"""The table of channels on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from tflopt.report.channels import LayerChannels, summary
from tflopt.report.removed_channels import Gone, RemovedChannels, Why
from tflopt.report.style import SMALL, paragraph, size, table


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
    paragraph(console, summary(rows))
    if measured:
        text = "unchanging: never changed on the inputs given, which proves nothing of others"
        console.print(Text(text, style=SMALL))


def print_removed(console: Console, rows: Sequence[RemovedChannels]) -> None:
    """Which channels went, why, and where their constants are."""
    if not rows:
        return
    console.print("Channels that went, numbered as in the original:")
    for row in rows:
        number = str(row.index) if row.subgraph == 0 else f"{row.subgraph}.{row.index}"
        name = f" -> {row.name}" if row.name else ""
        console.print(Text(f"  {row.operator} {number}{name}: {row.before} -> {row.after}"))
        for group in row.gone:
            console.print(Text(f"    {_runs(group.channels)}: {_reason(group)}", style=SMALL))
        if row.into:
            layers = ", ".join(map(str, row.into))
            text = f"    what constant ones add is in the bias of operator {layers}"
            console.print(Text(text, style=SMALL))
        if row.stored:
            console.print(Text("    the layer went as a whole", style=SMALL))
    console.print()


def _reason(gone: Gone) -> str:
    if gone.why is Why.TWIN:
        return f"equal to {', '.join(map(str, gone.twins))}"
    return str(gone.why.value)


def _runs(numbers: Sequence[int]) -> str:
    """``0-3, 7``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
