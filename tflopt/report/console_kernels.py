"""The table of kernels on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from tflopt.report.kernels import KernelCost
from tflopt.report.style import SMALL, size, table
from tflopt.target.device import Device


def built_with(device: Device) -> str:
    """`` (mve)``: what CMSIS-NN is built with; nothing on cores that it isn't for."""
    return f" ({device.target.isa})" if device.is_confirmed else ""


def print_kernels(console: Console, rows: Sequence[KernelCost], device: Device) -> None:
    """What runs for each operator, the predicted instructions, and why not a faster function."""
    console.print(
        Text.assemble(
            (f"{device.target}", "bold"),
            f"{built_with(device)}, {device.kernels} ({device.kernels.note})",
        )
    )
    total = sum(row.instructions for row in rows)
    columns = ("#", "operator", "kernel", "instructions", "share", "why not faster")
    grid = table(*columns, right=(0, 3, 4))
    for row in rows:
        number = str(row.index) if row.subgraph == 0 else f"{row.subgraph}.{row.index}"
        share = f"{100 * row.instructions / total:.1f} %" if total else ""
        count = ("" if row.basis == "measured" else "~") + size(row.instructions)
        remark = Text(_remark(row), style=SMALL)
        grid.add_row(number, row.operator, row.kernel, count, share, remark)
    console.print(grid)
    console.print(f"predicted: {size(total)} instructions for one inference")
    if any(row.basis != "measured" for row in rows):
        console.print(Text("~ estimated from the bytes that are read and written", style=SMALL))


def _remark(row: KernelCost) -> str:
    why = row.why or "" if row.faster is None else f"{row.faster}: {row.why}"
    if row.runs == 1:
        return why
    runs = f"runs {row.runs} times" if row.runs else "runs in the first inference only"
    return f"{runs}; {why}" if why else runs
