"""The arena and the scratch table on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from tflopt.ir import Model
from tflopt.plan.lifetimes import PlannedBuffer, ScratchRef
from tflopt.plan.lint import Finding, Severity
from tflopt.plan.offline import OfflinePlan
from tflopt.product.hazard_notes import caveat
from tflopt.product.labels import Labels
from tflopt.product.memory import timeline
from tflopt.report.console_kernels import built_with
from tflopt.report.style import SMALL, size, table
from tflopt.target.hazards import HazardFinding
from tflopt.target.memory import Memory

NAME_WIDTH = 32


def print_scratch(console: Console, memory: Memory, hazards: Sequence[HazardFinding] = ()) -> None:
    """The scratch table: which function runs, what it asks for, why not a faster one."""
    device = memory.device
    caveats = {finding.op: caveat(finding) for finding in hazards}
    console.print(
        Text.assemble(
            (f"{device.target}", "bold"),
            f"{built_with(device)}, {device.kernels} ({device.kernels.note})",
        )
    )
    grid = table("#", "operator", "function", "scratch", "persistent", "", right=(0, 3, 4))
    for row in memory.table:
        use = row.use
        number = str(row.index) if row.subgraph == 0 else f"{row.subgraph}.{row.index}"
        scratch = "?" if use.scratch_bytes is None else " + ".join(map(size, use.scratch_bytes))
        persistent = size(use.persistent_total_bytes) if use.persistent_total_bytes else ""
        remarks = "; ".join(text for text in (use.why_not_faster, caveats.get(row.op)) if text)
        code = row.op.opcode.label
        grid.add_row(number, code, use.function, scratch, persistent, Text(remarks, style=SMALL))
    console.print(grid)
    total = sum(row.use.scratch_total_bytes for row in memory.table)
    console.print(
        f"largest scratch of one operator {size(memory.scratch_bytes)}, of all together "
        f"{size(total)}, persistent {size(memory.persistent_bytes)} bytes"
    )
    _print_unknown(console, memory)


def _print_unknown(console: Console, memory: Memory) -> None:
    if memory.unknown:
        names = ", ".join(memory.unknown)
        console.print(
            Text(f"the memory of {names} is not known: the sizes are too small", style="yellow")
        )


def print_memory(
    console: Console, model: Model, memory: Memory, plan: OfflinePlan, findings: Sequence[Finding]
) -> None:
    """The timeline of the arena, the peak, the bound, and what is wrong in an existing plan."""
    used = memory.arena
    console.print(
        Text.assemble(
            (f"{memory.device.target}", "bold"),
            ": the least arena is " + ("unknown, at least " if memory.unknown else ""),
            (size(used.minimum_bytes), "bold"),
            " bytes",
        )
    )
    console.print(
        f"head {size(used.head_bytes)} + tail {size(used.tail_bytes)} = "
        f"{size(used.used_bytes)} in use; the least arena is due to {used.peak}"
    )
    planned = "an offline plan" if memory.has_plan else "no offline plan"
    console.print(
        f"{planned}; lower bound of the head {size(plan.lower_bound)}, the best plan found "
        f"{size(plan.head_bytes)}" + (f" ({plan.declined})" if plan.declined else "")
    )
    console.print()
    grid = table("#", "operator", "live", "unused", "buffers at their offsets", right=(0, 2, 3))
    for step in timeline(model, memory):
        items = sorted(zip(step.offsets, step.buffers, strict=True))
        text = ", ".join(f"{short(name)} @{at:,}" for at, name in items)
        style = "bold" if step.is_peak else ""
        unused = size(max(0, used.head_bytes - step.live_bytes))
        operator = step.origin or step.operator
        grid.add_row(str(step.index), operator, size(step.live_bytes), unused, text, style=style)
    console.print(grid)
    _print_bands(console, Labels(model), memory.head.buffers)
    for finding in findings:
        console.print(Text(str(finding), style="red" if finding.severity is Severity.ERROR else ""))
    _print_unknown(console, memory)


def _print_bands(console: Console, labels: Labels, buffers: Sequence[PlannedBuffer]) -> None:
    """Of which layer the tensors of a model in bands hold rows."""
    grid = table("tensor", "bytes", "holds", right=(1,))
    for buffer in buffers:
        origin = None if isinstance(buffer.ref, ScratchRef) else labels.origin(buffer)
        if origin is not None:
            grid.add_row(short(labels.name(buffer)), size(buffer.size_bytes), origin)
    if grid.row_count:
        console.print(
            "\nlayers in bands, each called by the first operator that computes some of it"
        )
        console.print(grid)


def short(name: str) -> str:
    """The end of a long tensor name, which tells it from others."""
    return name if len(name) <= NAME_WIDTH else "..." + name[3 - NAME_WIDTH :]
