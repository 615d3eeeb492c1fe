"""What people read on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tflopt.errors import printable
from tflopt.ir import Model
from tflopt.ir.text import kind
from tflopt.product.facts import ModelFacts, OpFacts
from tflopt.product.optimize import Result
from tflopt.report.flash import KINDS, Flash
from tflopt.report.near_misses import grouped
from tflopt.report.style import SMALL, change, paragraph, size, table
from tflopt.texts import counted

if TYPE_CHECKING:
    from tflopt.verify.compare import Verification


def print_verification(console: Console, verdict: Verification | None) -> None:
    """One line: verified on what, or why not."""
    if verdict is None:
        console.print(Text("not verified: --no-verify", style="yellow"))
        return
    from tflopt.verify.compare import where_to

    if verdict.status == "identical" and verdict.around and not verdict.samples:
        told = f" {where_to(verdict)}: there is nothing else, and both have the same"
        paragraph(console, Text.assemble(("identical", "bold green"), told))
    elif verdict.status == "identical":
        inner = f" and {counted(verdict.tensors, 'inner tensor')}" if verdict.tensors else ""
        times = "1 input" if verdict.samples == 1 else f"{verdict.samples:,} inputs in a row"
        what = f"{counted(verdict.outputs, 'output')}{inner}, {times}, seed {verdict.seed}"
        if verdict.regions:
            what += f"; {counted(verdict.regions, 'changed region')} on directed inputs"
        if verdict.signatures:
            what += f"; signatures {', '.join(map(printable, verdict.signatures))} as well"
        around = where_to(verdict)
        around = around and f" {around}, and behind it from substituted inputs,"
        where = f"{around} on {verdict.runner}: {what}"
        paragraph(console, Text.assemble(("identical", "bold green"), where))
    elif verdict.status == "rounded":
        console.print(
            Text.assemble(
                ("rounded", "bold yellow"), f" (--allow-lsb), else identical on {verdict.runner}"
            )
        )
    elif verdict.mismatch is not None:
        told = f"different: {printable(str(verdict.mismatch))}"
        paragraph(console, Text(told, style="bold red"))
    else:
        paragraph(console, Text(f"not verified: {verdict.note}", style="yellow"))
    if verdict.note and verdict.status in ("identical", "rounded"):
        paragraph(console, Text(f"({verdict.note})", style=SMALL), lead="  ", hang=0)


def print_notes(console: Console, texts: Sequence[str]) -> None:
    """Notes, each on a line of its own."""
    for text in texts:
        paragraph(console, Text(f"note: {text}", style="yellow"))


def print_flash(console: Console, paths: Sequence[str], accounts: Sequence[Flash]) -> None:
    """Bytes by kind, a column for each file; the last rows are lower bounds."""
    names = [printable(path.rsplit("/", 1)[-1]) for path in paths]
    grid = table("bytes", *names, right=range(1, len(names) + 1))
    for name in KINDS:
        counts = [account.by_kind.get(name, 0) for account in accounts]
        if any(counts):
            grid.add_row(name, *(size(count) for count in counts))
    grid.add_row("file", *(size(account.file_bytes) for account in accounts), style="bold")
    bounds = (
        ("least for what the runtimes read", [account.least_bytes for account in accounts]),
        ("least with the names that stay", [account.least_kept_bytes for account in accounts]),
    )
    for title, least in bounds:
        grid.add_row(title, *(size(count) for count in least), style=SMALL)
    console.print(grid)
    for name, account in zip(names, accounts, strict=True):
        over = change(account.least_kept_bytes, account.file_bytes)
        where = f"{over} over" if over else "exactly at"
        text = f"{name}: {where} the lower bound with the names that stay"
        console.print(Text(text, style=SMALL))


def print_near_misses(console: Console, result: Result) -> None:
    """Near misses grouped by rule and reason, with what the user can do about each."""
    groups = grouped(result.trace.near_misses)
    if not groups:
        console.print("no near misses: every pattern that was found was rewritten")
    for group in groups:
        title = Text.assemble((group.rule, "bold"), f": {printable(group.reason)}")
        paragraph(console, title, lead=f"{len(group.places):4} x ", hang=0)
        paragraph(console, Text(group.advice, style="cyan"), lead=" " * 7 + "-> ", hang=0)
        for line in group.lines():
            paragraph(console, Text(printable(line), style=SMALL), lead=" " * 7)


def print_model(console: Console, model: Model, facts: ModelFacts, ops: list[OpFacts]) -> None:
    """Everything that ``inspect`` shows."""
    console.print(
        Text.assemble((printable(model.path), "bold"), f"  {size(facts.file_bytes)} bytes")
    )
    counts = (
        f"{counted(facts.operators, 'operator')}, {counted(facts.tensors, 'tensor')}, "
        f"{counted(facts.subgraphs, 'subgraph')}, "
        f"{size(facts.macs)} multiply-accumulates, {size(facts.constant_bytes)} constant bytes, "
        f"{size(facts.moved_bytes)} bytes moved"
    )
    paragraph(console, counts)
    if model.description:
        console.print(Text(f"description: {printable(model.description)}", style=SMALL))
    for number, graph in enumerate(model.graphs):
        console.print()
        for title, ports in (("input", graph.inputs), ("output", graph.outputs)):
            for index, value in enumerate(ports):
                name = printable(value.name or "")
                console.print(Text(f"subgraph {number} {title} {index}: {kind(value)}  {name}"))
        console.print()
        console.print(_ops_table(op for op in ops if op.subgraph == number))


def _ops_table(ops: Iterable[OpFacts]) -> Table:
    grid = table("#", "operator", "output", "MACs", "weights", "moved", right=(0, 3, 4, 5))
    for op in ops:
        numbers = (op.macs, op.weight_bytes, op.moved_bytes)
        grid.add_row(
            str(op.index),
            op.code,
            Text(" ".join(op.outputs)),
            *(size(n) if n else "" for n in numbers),
        )
    return grid
