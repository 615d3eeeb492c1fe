"""What a device did, on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from tflopt.errors import printable
from tflopt.product.bench import Bench
from tflopt.report.device import DeviceFacts, OperatorRow
from tflopt.report.style import SMALL, change, size, table
from tflopt.verify.compare import Verification


def print_layer(console: Console, verdict: Verification) -> None:
    """The first inner tensor that differs, and how tensors were matched."""
    if verdict.layer is not None:
        text = printable(str(verdict.layer))
        console.print(Text(f"first difference inside: {text}", style="bold red"))
    if verdict.layer_note:
        console.print(Text(f"  ({printable(verdict.layer_note)})", style=SMALL))


def print_devices(console: Console, names: Sequence[str], facts: Sequence[DeviceFacts]) -> None:
    """Predicted and used memory and the cost of each model, and every difference."""
    report = facts[0].report
    where = f"{report.core} on {report.board}, {report.kernels}, {report.compiler}"
    console.print(Text(printable(where), style=SMALL))
    console.print()
    columns = [text for name in names for text in (printable(name), "predicted")]
    grid = table("", *columns, "", right=range(1, len(columns) + 1))
    for row in zip(*(figures.memory for figures in facts), strict=True):
        cells: list[str | Text] = []
        for fact in row:
            style = "bold red" if fact.differs else ""
            cells += [Text(_number(fact.used), style=style), _number(fact.predicted)]
        grid.add_row(f"{row[0].name}, bytes", *cells, _change([fact.used for fact in row]))
    totals = [figures.report.total for figures in facts]
    if any(total is not None for total in totals):
        cells = [cell for total in totals for cell in (_number(total), "")]
        grid.add_row(report.unit, *cells, _change(totals))
    stacks = [figures.report.stack_high_water_bytes for figures in facts]
    if any(stack is not None for stack in stacks):
        cells = [cell for stack in stacks for cell in (_number(stack), "")]
        grid.add_row("stack, bytes", *cells, _change(stacks))
    console.print(grid)
    for name, figures in zip(names, facts, strict=True):
        for text in figures.differences:
            console.print(Text(f"{printable(name)}: {printable(text)}", style="bold red"))
        if figures.unpredicted:
            console.print(
                Text(f"{printable(name)}: {printable(figures.unpredicted)}", style="yellow")
            )


def _number(value: int | None) -> str:
    return "" if value is None else size(value)


def _change(values: Sequence[int | None]) -> str:
    known = [value for value in values if value is not None]
    return change(known[0], known[1]) if len(values) == len(known) == 2 else ""


def print_bench(
    console: Console,
    names: Sequence[str],
    results: Sequence[Bench],
    operators: Sequence[Sequence[OperatorRow]],
) -> None:
    """The operators of each model and what they cost; two models stand side by side in order."""
    for name, result, rows in zip(names, results, operators, strict=True):
        console.print(Text(printable(name), style="bold"))
        grid = table("#", "operator", result.unit, "share", "kernel", right=(0, 2, 3))
        for row in rows:
            share = f"{100 * row.share:.1f} %"
            grid.add_row(str(row.index), printable(row.name), size(row.count), share, row.kernel)
        grid.add_row("", "total", size(result.total), "", "", style="bold")
        console.print(grid)
        if result.time is not None:
            clock = f"{result.time.clock_hz / 1e6:,g} MHz"
            console.print(Text(f"time at {clock}: {result.time.text}"))
        console.print()
    if len(results) > 1:
        _print_by_operator(console, names, results)


def _print_by_operator(console: Console, names: Sequence[str], results: Sequence[Bench]) -> None:
    """Both models side by side, their operators summed by kind."""
    sums = [operator_sums(result) for result in results]
    unit = results[0].unit
    columns = (text for name in names for text in ("operators", f"{unit}, {printable(name)}"))
    grid = table("operator", *columns, "", right=range(1, 6))
    for kind in dict.fromkeys([*sums[0], *sums[1]]):
        (old_count, old), (new_count, new) = (model_sums.get(kind, (0, 0)) for model_sums in sums)
        cells = (str(old_count), size(old), str(new_count), size(new), change(old, new))
        grid.add_row(printable(kind), *cells)
    old, new = results[0].total, results[1].total
    counts = [str(len(result.operators)) for result in results]
    grid.add_row(
        "total", counts[0], size(old), counts[1], size(new), change(old, new), style="bold"
    )
    console.print(grid)


def operator_sums(result: Bench) -> dict[str, tuple[int, int]]:
    """For each kind of operator how many there are and what they cost, the dearest first."""
    sums: dict[str, tuple[int, int]] = {}
    for operator in result.operators:
        count, cost = sums.get(operator.name, (0, 0))
        sums[operator.name] = (count + 1, cost + operator.count)
    return dict(sorted(sums.items(), key=lambda item: -item[1][1]))
