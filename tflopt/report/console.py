"""What people read on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tflopt.errors import printable
from tflopt.ir import Model
from tflopt.ir.text import kind
from tflopt.product.facts import ModelFacts, OpFacts
from tflopt.product.growth import size_notes
from tflopt.product.optimize import Result, Settings
from tflopt.report.console_hazards import print_hazards
from tflopt.report.flash import KINDS, Flash
from tflopt.report.near_misses import grouped
from tflopt.report.notes import bias_notes, notes
from tflopt.report.style import SMALL, change, paragraph, size, table
from tflopt.rewrite import Stage
from tflopt.rules.pipeline import RULES
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.verify.compare import Verification, where_to
from tflopt.verify.interface import port_changes, type_changes

MOST_RULES = 8
TIDY = {Stage.CLEAN, Stage.STRIP}


def print_summary(
    console: Console, result: Result, settings: Settings, source: str, output: str
) -> None:
    """Before and after, what the rules did, and the verdict."""
    console.print(Text.assemble((printable(source), "bold"), f"  for {settings.device.target}"))
    console.print()
    console.print(_totals(result, settings.device))
    console.print()
    _print_rules(console, result)
    _print_misses(console, result)
    console.print()
    changes = [*map(str, port_changes(result.original, result.model))]
    for changed in [*changes, *type_changes(result.original, result.model)]:
        paragraph(console, Text(printable(f"the firmware must follow: {changed}"), style="yellow"))
    print_verification(console, result.verification)
    print_hazards(console, result.hazards, result.hazards_left)
    print_notes(console, result_notes(result, settings))
    written = f", {size(len(result.data))} bytes"
    if result.annotates:
        written += f", {size(len(result.annotation))} of them tflopt's annotation"
    console.print(Text.assemble("wrote ", (printable(output), "bold"), written))


def result_notes(result: Result, settings: Settings) -> list[str]:
    """What a user should know of the result; what was measured stands for what is known."""
    verdict, sizes = result.verification, size_notes(result, settings)
    if verdict is None or not verdict.default_path:
        return [*sizes, *notes(result.model, settings.device)]
    said = bias_notes(result.model)
    others = [text for text in notes(result.model, settings.device) if text not in said]
    return [verdict.default_path, *sizes, *others]


def _print_rules(console: Console, result: Result) -> None:
    """What the rules did: a line for each, and the names of those that only tidy up."""
    counts = result.trace.counts
    did = [rule for rule in RULES if counts[rule.name]]
    tidy = [rule for rule in did if TIDY & set(rule.stages)]
    main = sorted((rule for rule in did if rule not in tidy), key=lambda r: -counts[r.name])
    shown = [rule for rule in did if rule in main[:MOST_RULES]]
    width = max((len(rule.name) for rule in shown), default=0)
    for rule in shown:
        line = Text(f"  {counts[rule.name]:4} x {rule.name:<{width}}  ")
        line.append(rule.summary, style=SMALL)
        line.truncate(console.width, overflow="ellipsis")
        console.print(line)
    rest = [f"{counts[rule.name]} x {rule.name}" for rule in main[MOST_RULES:]]
    rest += [rule.name for rule in tidy]
    if rest:
        lead = "    also " if shown else "         "
        paragraph(console, Text(", ".join(rest), style=SMALL), lead=lead, hang=0)
    if not did:
        console.print("  no rule applies")


def _print_misses(console: Console, result: Result) -> None:
    """How many patterns were left alone, and of how many a user can change that."""
    groups = grouped(result.trace.near_misses)
    count = sum(len(group.places) for group in groups)
    open_ones = sum(len(group.places) for group in groups if group.can_act)
    if count:
        text = f"  {count} near miss" + ("es" if count > 1 else "")
        hint = f" ({open_ones} that you can change)" if open_ones else ""
        console.print(f"{text}{hint}; --explain shows why", style=SMALL)


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
    if verdict.status == "identical" and verdict.around and not verdict.samples:
        told = f" {where_to(verdict)}: there is nothing else, and both have the same"
        paragraph(console, Text.assemble(("identical", "bold green"), told))
    elif verdict.status == "identical":
        inner = f" and {verdict.tensors} inner tensors" if verdict.tensors else ""
        outputs = "1 output" if verdict.outputs == 1 else f"{verdict.outputs} outputs"
        times = "1 input" if verdict.samples == 1 else f"{verdict.samples} inputs in a row"
        what = f"{outputs}{inner}, {times}, seed {verdict.seed}"
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
