"""Proposes when an operator goes wrong: a conjunction of conditions on a layer's numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.device_layers.families import Spec

TERMS = 5
"""More conditions than this explain nothing."""


@dataclass(frozen=True)
class Condition:
    """``name`` compared with ``value``."""

    name: str
    relation: str
    value: int

    def holds(self, spec: Spec) -> bool:
        """Whether a layer meets it."""
        number = spec.values[self.name]
        if self.relation == "==":
            return number == self.value
        return number >= self.value if self.relation == ">=" else number <= self.value

    def __str__(self) -> str:
        return f"{self.name} {self.relation} {self.value}"


@dataclass(frozen=True)
class Proposal:
    """Conditions that all differing layers meet, and how many agreeing ones meet them, too."""

    conditions: tuple[Condition, ...]
    explains: int
    false_alarms: int

    def __str__(self) -> str:
        text = " and ".join(map(str, self.conditions)) or "always"
        return f"{text} ({self.explains} differ, {self.false_alarms} meet it and agree)"


def propose(wrong: Sequence[Spec], right: Sequence[Spec]) -> Proposal:
    """Greedily the condition that spares most agreeing layers and loses no differing one."""
    chosen: list[Condition] = []
    while len(chosen) < TERMS and right:
        options = [c for c in _conditions(wrong) if all(c.holds(spec) for spec in wrong)]
        best = min(options, key=lambda c: sum(map(c.holds, right)), default=None)
        left = right if best is None else [spec for spec in right if best.holds(spec)]
        if best is None or len(left) == len(right):
            break
        chosen.append(best)
        right = left
    return Proposal(tuple(chosen), len(wrong), len(right))


def _conditions(specs: Sequence[Spec]) -> Iterator[Condition]:
    for name in specs[0].values:
        if name == "seed":
            continue
        numbers = [spec.values[name] for spec in specs]
        if len(set(numbers)) == 1:
            yield Condition(name, "==", numbers[0])
        yield Condition(name, ">=", min(numbers))
        yield Condition(name, "<=", max(numbers))
