"""What pages show beside the report's own data: shares, groups and limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from tflopt.product.memory import COMPARED
from tflopt.report.flash import KINDS
from tflopt.report.near_misses import Group, grouped
from tflopt.report.plain import Plain, counts, number, optional, rows, table, text
from tflopt.rewrite import NearMiss, Place, Reason
from tflopt.rewrite.reason import why_of
from tflopt.run.registry import title_of

MOST_OPERATORS = 300
MOST_PLACES = 40
UNKNOWN = "unknown"
GOOD, OPEN, BAD = "good", "open", "bad"
ORDER = {name: index for index, name in enumerate(COMPARED)}
MOST_TIMES, SMALL_PERCENT = 10, 0.1


@dataclass(frozen=True)
class Measure:
    """A number before and after; None where it is not known."""

    name: str
    before: int | None
    after: int | None
    path: str = ""
    """Where the numbers stand below ``input`` and ``output`` in the JSON report."""
    scale: int = 0
    """What a full bar stands for; 0: the larger of the two."""

    @property
    def widths(self) -> tuple[float, float]:
        """Both in percent of the scale."""
        most = self.scale or max(self.before or 0, self.after or 0, 1)
        return 100 * (self.before or 0) / most, 100 * (self.after or 0) / most

    @property
    def change(self) -> str:
        """In percent, with its sign; words where there is none."""
        if self.before is None or self.after is None:
            return UNKNOWN
        if self.before == self.after:
            return "unchanged"
        if not self.before or self.after > MOST_TIMES * self.before:
            return f"+{self.after - self.before:,}"
        percent = 100 * (self.after - self.before) / self.before
        digits = 1 if abs(percent) >= SMALL_PERCENT else 3
        return f"{percent:+.{digits}f} %".replace("-", "\N{MINUS SIGN}")

    @property
    def trend(self) -> str:
        """``better``, ``worse`` or ``same``; less is better."""
        if self.before is None or self.after is None or self.before == self.after:
            return "same"
        return "better" if self.after < self.before else "worse"


@dataclass(frozen=True)
class Cost:
    """An operator of the optimized model with its share of the work."""

    kernel: Plain
    share: float
    scratch: int | None


def headline(report: Plain) -> list[Measure]:
    """What a reader wants to know first."""
    return [
        _measure(report, "Flash, bytes", "file_bytes"),
        _measure(report, "Arena, bytes", "arena/minimum_bytes"),
        _measure(report, "Instructions, predicted", "instructions/total"),
        _measure(report, "Operators", "operators"),
    ]


def totals(report: Plain) -> list[Measure]:
    """The other totals."""
    return [
        _measure(report, "Arena: activations and scratch", "arena/head_bytes"),
        _measure(report, "Arena: what stays allocated", "arena/tail_bytes"),
        _measure(report, "Largest scratch of one operator", "scratch_bytes"),
        _measure(report, "Tensors", "tensors"),
        _measure(report, "Multiply-accumulates", "macs"),
        _measure(report, "Bytes moved", "moved_bytes"),
        _measure(report, "Constants, bytes", "constant_bytes"),
    ]


def _measure(report: Plain, title: str, path: str) -> Measure:
    *steps, last = path.split("/")
    values = []
    for key in ("input", "output"):
        side = table(report, key)
        for step in steps:
            side = table(side, step)
        values.append(optional(side, last))
    return Measure(title, values[0], values[1], path)


def by_target(report: Plain, path: str) -> list[Measure]:
    """One row for each core; empty where nothing is known."""
    *steps, last = path.split("/")
    side = table(report, "input")
    for step in steps:
        side = table(side, step)
    names = sorted(counts(side, last), key=lambda name: ORDER.get(name, len(ORDER)))
    return on_one_scale(_measure(report, name, f"{path}/{name}") for name in names)


def flash_kinds(report: Plain) -> list[Measure]:
    """Bytes by kind, in the order of the terminal's table."""
    sides = [counts(table(table(report, key), "flash"), "by_kind") for key in ("input", "output")]
    names = [*KINDS, *sorted({name for side in sides for name in side} - set(KINDS))]
    kinds = [
        Measure(name, sides[0].get(name, 0), sides[1].get(name, 0), f"flash/by_kind/{name}")
        for name in names
    ]
    return on_one_scale(kind for kind in kinds if kind.before or kind.after)


def on_one_scale(measures: Iterable[Measure]) -> list[Measure]:
    """The same with bars that compare with each other."""
    shown = list(measures)
    most = max((max(measure.before or 0, measure.after or 0) for measure in shown), default=0)
    return [replace(measure, scale=most) for measure in shown]


def work_by_operator(report: Plain) -> list[Measure]:
    """Predicted instructions by the kind of operator, the largest first."""
    sides: list[dict[str, int]] = []
    for key in ("input", "output"):
        sums: dict[str, int] = {}
        for kernel in rows(table(report, key), "kernels"):
            name = text(kernel, "operator")
            sums[name] = sums.get(name, 0) + number(kernel, "instructions")
        sides.append(sums)
    most = {name: max(s.get(name, 0) for s in sides) for name in {*sides[0], *sides[1]}}
    names = sorted(most, key=lambda name: (-most[name], name))
    return on_one_scale(
        Measure(name, sides[0].get(name, 0), sides[1].get(name, 0)) for name in names
    )


def costs(report: Plain) -> tuple[list[Cost], int]:
    """The operators of the optimized model in order, and how many of the cheapest are left out."""
    side = table(report, "output")
    kernels = rows(side, "kernels")
    most = max((number(kernel, "instructions") for kernel in kernels), default=0) or 1
    scratch = {
        (number(row, "subgraph"), number(row, "index")): _sum(row.get("scratch_bytes"))
        for row in rows(side, "scratch")
    }
    dearest = sorted(kernels, key=lambda kernel: -number(kernel, "instructions"))[:MOST_OPERATORS]
    shown = {id(kernel) for kernel in dearest}
    shown_costs = [
        Cost(
            kernel,
            100 * number(kernel, "instructions") / most,
            scratch.get((number(kernel, "subgraph"), number(kernel, "index"))),
        )
        for kernel in kernels
        if id(kernel) in shown
    ]
    return shown_costs, len(kernels) - len(shown_costs)


def _sum(sizes: object) -> int | None:
    return sum(sizes) if isinstance(sizes, list) else None


def near_misses(report: Plain) -> list[Group]:
    """Near misses of all rules, grouped by reason."""
    return grouped(
        _near_miss(text(rule, "name"), miss)
        for rule in rows(report, "passes")
        for miss in rows(rule, "declined")
    )


def _near_miss(rule: str, miss: Plain) -> NearMiss:
    place = Place(
        number(miss, "subgraph"),
        number(miss, "index"),
        text(miss, "operator"),
        text(miss, "output"),
    )
    numbers = table(miss, "numbers")
    shown = [(key, value) for key, value in numbers.items() if isinstance(value, int | float | str)]
    return NearMiss(
        rule, place, Reason(why_of(text(miss, "code")), text(miss, "message"), tuple(shown))
    )


def fired(report: Plain) -> list[Plain]:
    """The rules that did something."""
    return [rule for rule in rows(report, "passes") if rows(rule, "hits")]


def idle(report: Plain) -> tuple[list[Plain], list[Plain]]:
    """The rules that found nothing to do, and those that were left out."""
    still = [rule for rule in rows(report, "passes") if not rows(rule, "hits")]
    return [r for r in still if r.get("enabled")], [r for r in still if not r.get("enabled")]


def first(items: Iterable[object], most: int = MOST_PLACES) -> tuple[Sequence[object], int]:
    """The first few, and how many more there are."""
    every = list(items)
    return every[:most], max(0, len(every) - most)


def verdict(report: Plain) -> dict[str, str]:
    """The verification in one line, with a mark that doesn't rest on colour."""
    verification = table(report, "verification")
    status, runner = text(verification, "status"), text(verification, "runner")
    runner = title_of(runner)
    if status == "identical":
        count = number(verification, "samples")
        times = "one input" if count == 1 else f"{count} inputs in a row"
        told = f"Outputs are bit-identical on {runner}, for {times}"
        places = verification.get("around")
        if isinstance(places, list) and places:
            names = ", ".join(str(place) for place in places)
            told = f"Bit-identical up to and behind operator {names}, which no runner has"
        return {"kind": GOOD, "mark": "✓", "text": told}
    if status == "rounded":
        told = f"Rounded where --allow-lsb permits it, otherwise identical on {runner}"
        return {"kind": OPEN, "mark": "≈", "text": told}
    if status == "different":
        return {"kind": BAD, "mark": "✗", "text": "Outputs differ"}
    reason = text(verification, "note") or "the models were not run"
    return {"kind": OPEN, "mark": "?", "text": f"Not verified: {reason}"}


def warnings(report: Plain) -> list[str]:
    """What is wrong or uncertain in the result."""
    texts = []
    left = len(rows(table(report, "output"), "hazards"))
    if left:
        what = "1 layer is" if left == 1 else f"{left} layers are"
        texts.append(f"{what} computed wrongly by the target's kernels; see Hazards.")
    unknown = table(table(report, "output"), "arena").get("unknown_operators")
    if isinstance(unknown, list) and unknown:
        names = ", ".join(str(name) for name in unknown)
        told = "the arena is unknown, and larger than stated"
        texts.append(f"The memory of {names} is not known: {told}.")
    return texts


def model_name(report: Plain) -> str:
    """The name of the original's file."""
    return PurePath(text(table(report, "input"), "path")).name or "model"
