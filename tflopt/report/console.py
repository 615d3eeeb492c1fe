"""What people read on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tflopt.api import Result, Settings
from tflopt.check.compare import Verification
from tflopt.check.interface import port_changes
from tflopt.errors import printable
from tflopt.ir import Model
from tflopt.ir.text import kind
from tflopt.passes.pipeline import RULES, STRIPS
from tflopt.report.console_hazards import print_hazards
from tflopt.report.facts import ModelFacts, OpFacts
from tflopt.report.flash import KINDS, Flash
from tflopt.report.near_misses import grouped
from tflopt.report.notes import notes
from tflopt.report.style import SMALL, change, size, table
from tflopt.target.cost import predict_model
from tflopt.target.memory import Device


def print_summary(
    console: Console, result: Result, settings: Settings, source: str, output: str
) -> None:
    """Before and after, what the rules did, and the verdict."""
    console.print(Text.assemble((printable(source), "bold"), f"  for {settings.device.target}"))
    console.print()
    console.print(_totals(result, settings.device))
    console.print()
    _print_rules(console, result)
    misses = len(result.trace.near_misses)
    if misses:
        console.print(f"  {misses} near misses; --explain shows why", style=SMALL)
    console.print()
    for changed in port_changes(result.original, result.model):
        console.print(Text(printable(f"the firmware must follow: {changed}"), style="yellow"))
    print_verification(console, result.verification)
    print_hazards(console, result.hazards, result.hazards_left)
    print_notes(console, notes(result.model))
    console.print(
        Text.assemble("wrote ", (printable(output), "bold"), f", {size(len(result.data))} bytes")
    )


def _print_rules(console: Console, result: Result) -> None:
    """What the rules did: a line for each, and one for all that only strip the file."""
    counts = result.trace.counts
    strips = [rule.name for rule in RULES if isinstance(rule, STRIPS) and counts[rule.name]]
    for rule in RULES:
        if counts[rule.name] and rule.name not in strips:
            line = Text(f"  {counts[rule.name]:4} x {rule.name:<30} ")
            line.append(rule.summary, style=SMALL)
            line.truncate(console.width, overflow="ellipsis")
            console.print(line)
    if strips:
        line = Text(f"       {', '.join(strips)}", style=SMALL)
        console.print(line)
    if not counts:
        console.print("  no rule applies")


def _totals(result: Result, device: Device) -> Table:
    before, after = result.before, result.after
    grid = table("", "before", "after", "", right=(1, 2, 3))
    rows = (
        ("file, bytes", before.file_bytes, after.file_bytes),
        *_arena_rows(result),
        (
            "instructions, predicted",
            predict_model(result.original, device).instructions,
            predict_model(result.model, device).instructions,
        ),
        ("operators", before.operators, after.operators),
        ("tensors", before.tensors, after.tensors),
        ("multiply-accumulates", before.macs, after.macs),
        ("bytes moved", before.moved_bytes, after.moved_bytes),
    )
    for name, old, new in rows:
        better = "green" if new < old else "yellow" if new > old else ""
        grid.add_row(name, size(old), size(new), Text(change(old, new), style=better))
    return grid


def _arena_rows(result: Result) -> list[tuple[str, int, int]]:
    if result.memory_before is None or result.memory_after is None:
        return []
    old, new = result.memory_before.arena, result.memory_after.arena
    return [
        ("arena, bytes", old.minimum_bytes, new.minimum_bytes),
        ("  of it activations and scratch", old.head_bytes, new.head_bytes),
    ]


def print_verification(console: Console, verdict: Verification | None) -> None:
    """One line: verified on what, or why not."""
    if verdict is None:
        console.print(Text("not verified: --no-verify", style="yellow"))
        return
    if verdict.status == "identical":
        inner = f" and {verdict.tensors} inner tensors" if verdict.tensors else ""
        outputs = "1 output" if verdict.outputs == 1 else f"{verdict.outputs} outputs"
        console.print(
            Text.assemble(
                ("identical", "bold green"),
                f" on {verdict.runner}: {outputs}{inner}, {verdict.samples} inputs in a row, "
                f"seed {verdict.seed}",
            )
        )
    elif verdict.status == "rounded":
        console.print(
            Text.assemble(
                ("rounded", "bold yellow"), f" (--allow-lsb), else identical on {verdict.runner}"
            )
        )
    elif verdict.mismatch is not None:
        console.print(Text(f"different: {printable(str(verdict.mismatch))}", style="bold red"))
    else:
        console.print(Text(f"not verified: {verdict.note}", style="yellow"))
    if verdict.note and verdict.status in ("identical", "rounded"):
        console.print(Text(f"  ({verdict.note})", style=SMALL))


def print_notes(console: Console, texts: Sequence[str]) -> None:
    """Notes, each on a line of its own."""
    for text in texts:
        console.print(Text(f"note: {text}", style="yellow"))


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
        console.print(Text.assemble((group.rule, "bold"), f": {printable(group.reason)}"))
        console.print(Text(f"  -> {group.advice}", style="cyan"))
        for where, reason in group.places:
            console.print(Text(f"    {where}" + (f": {reason}" if reason else ""), style=SMALL))


def print_model(console: Console, model: Model, facts: ModelFacts, ops: list[OpFacts]) -> None:
    """Everything that ``inspect`` shows."""
    console.print(
        Text.assemble((printable(model.path), "bold"), f"  {size(facts.file_bytes)} bytes")
    )
    console.print(
        f"{facts.operators} operators, {facts.tensors} tensors, {facts.subgraphs} subgraph(s), "
        f"{size(facts.macs)} multiply-accumulates, {size(facts.constant_bytes)} constant bytes, "
        f"{size(facts.moved_bytes)} bytes moved"
    )
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
