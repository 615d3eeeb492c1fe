"""What an optimization changed, in words of this model: operators, bytes of the file, memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tflopt.facts.work import moved_bytes
from tflopt.ir import Model
from tflopt.product.optimize import Result
from tflopt.report.flash import bytes_by_kind
from tflopt.target.cost import predict_model
from tflopt.target.device import Device

PARTS = {
    "weights and biases": ("weights", "biases"),
    "scales and zero points": ("scales", "zero points", "minimum and maximum"),
    "names and texts": ("tensor names", "other texts"),
    "metadata": ("metadata",),
}
"""Kinds of bytes that stand together; what is in none is structure."""
STRUCTURE = "tables, shapes, padding"
LEAST_SHARE = 0.001
"""Of all instructions; a smaller change of an operator's isn't told."""


@dataclass(frozen=True)
class Change:
    """One thing that changed: ``what`` in a few words, its effects in numbers.

    ``size`` ranks it.
    """

    what: str
    effects: tuple[str, ...]
    size: float = 0.0

    def within(self, columns: int) -> str:
        """The effects in a line; the last alone where all are too long."""
        text = ", ".join(self.effects)
        return text if len(text) <= columns or not self.effects else self.effects[-1]


@dataclass(frozen=True)
class _Work:
    """An operator's share of a model: how often it is there, bytes moved, instructions."""

    count: int = 0
    moved: int = 0
    instructions: int = 0


def operator_changes(original: Model, optimized: Model, device: Device) -> list[Change]:
    """Operators of which there are more or fewer, or which cost otherwise; the largest first."""
    before, after = _by_code(original, device), _by_code(optimized, device)
    total = sum(work.instructions for work in before.values()) or 1
    changes = []
    for code in dict.fromkeys([*before, *after]):
        old, new = before.get(code, _Work()), after.get(code, _Work())
        moved, work = new.moved - old.moved, new.instructions - old.instructions
        share = abs(work) / total
        if old.count == new.count and not moved and share < LEAST_SHARE:
            continue
        what = (
            f"{code} {old.count}"
            if old.count == new.count
            else f"{code} {old.count} -> {new.count}"
        )
        effects = [_signed(moved, "byte", "moved"), _signed(work, "instruction", "")]
        told = tuple(filter(None, effects))
        changes.append(Change(what, told, share + (old.count != new.count)))
    return sorted(changes, key=lambda change: -change.size)


def file_changes(result: Result) -> list[Change]:
    """Bytes of the file by what they are, the largest difference first."""
    before = bytes_by_kind(result.original, result.source)
    after = bytes_by_kind(result.model, result.data)
    part_of = {kind: part for part, kinds in PARTS.items() for kind in kinds}
    sums: Counter[str] = Counter()
    for sign, kinds in ((-1, before), (1, after)):
        for kind, size in kinds.items():
            sums[part_of.get(kind, STRUCTURE)] += sign * size
    return [
        Change(part, (_signed(size, "byte", "in the file"),), abs(size))
        for part, size in sorted(sums.items(), key=lambda item: -abs(item[1]))
        if size
    ]


def _signed(number: int, unit: str, where: str) -> str:
    """``1,234 bytes less moved``, empty for 0."""
    if not number:
        return ""
    plural = "" if abs(number) == 1 else "s"
    words = [f"{abs(number):,} {unit}{plural}", "less" if number < 0 else "more", where]
    return " ".join(filter(None, words))


def _by_code(model: Model, device: Device) -> dict[str, _Work]:
    by_code: dict[str, _Work] = {}
    for row in predict_model(model, device).rows:
        code, work = row.op.opcode.label, by_code.get(row.op.opcode.label, _Work())
        by_code[code] = _Work(
            work.count + 1, work.moved + moved_bytes(row.op), work.instructions + row.instructions
        )
    return by_code
