"""Makes a layer that differs as simple as it can be and still differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from benchmarks.device_layers.families import FAMILIES, Spec
from benchmarks.device_layers.packs import Difference

ROUNDS = 12


def candidates(spec: Spec) -> Iterator[Spec]:
    """Valid layers with one number made simpler: the simplest value, half way, or one less."""
    family = FAMILIES[spec.family]
    for name, values in family.ranges.items():
        now = spec.values[name]
        simpler = {values[0], (now + values[0]) // 2, now - 1 if now > values[0] else now + 1}
        for value in sorted(simpler - {now}, key=lambda value: abs(value - values[0])):
            numbers = {**spec.values, name: value}
            if value in values and _is_simpler(value, now, values) and family.is_valid(numbers):
                yield spec.with_numbers(numbers)


def _is_simpler(value: int, now: int, values: Sequence[int]) -> bool:
    return abs(value - values[0]) < abs(now - values[0])


def shrink(difference: Difference, run: Callable[[Sequence[Spec]], list[Difference]]) -> Difference:
    """The simplest difference that a greedy walk finds; all simpler layers run side by side."""
    for _ in range(ROUNDS):
        simpler = list(candidates(difference.spec))
        found = {each.spec: each for each in run(simpler)}
        better = [found[spec] for spec in simpler if spec in found]
        if not better:
            break
        difference = better[0]
    return difference
