"""The least head of a run of steps between tensors that live across it, on plain numbers.

It is what `tflopt.plan.offline.head_lower_bound` says of the run as a model of its own, without
making one: what lives before the run is an input, what lives after it an output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tflopt.plan.lifetimes import ARENA_ALIGNMENT, TensorAlias
from tflopt.plan.lower_bound import group_bound, union_of
from tflopt.plan.problem import Alias, Buffer, Lifetime, Problem, align_up

Pair = frozenset[int]


@dataclass
class Lives:
    """Tensors by number: their rounded sizes, the steps from which and to which they live."""

    sizes: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    scratch: list[int] = field(default_factory=list)
    """Rounded bytes of each step."""
    pairs: dict[Pair, int] = field(default_factory=dict)
    """Tensors that may share, with the fewest bytes that the two cover."""
    aliases: list[tuple[int, int, TensorAlias]] = field(default_factory=list)
    """Those that hold, with the numbers of their tensors."""

    def add(self, size_bytes: int, first: int) -> int:
        """One more tensor, whose last step isn't known yet; its number."""
        self.sizes.append(align_up(size_bytes, ARENA_ALIGNMENT))
        self.first.append(first)
        self.last.append(first)
        return len(self.sizes) - 1

    def share(self, first: int, second: int, alias: TensorAlias) -> None:
        """Two tensors may share bytes; asked when all lives are known."""
        if not alias.shares_content and not self._hands_over(first, second):
            return
        one, two = self.sizes[first], self.sizes[second]
        self.aliases.append((first, second, alias))
        union = union_of(alias.low, alias.high, one, two)
        pair = frozenset((first, second))
        if union < self.pairs.get(pair, one + two):
            self.pairs[pair] = union

    def _hands_over(self, one: int, two: int) -> bool:
        start = max(self.first[one], self.first[two])
        end = min(self.last[one], self.last[two])
        meets = self.last[one] == self.first[two] or self.last[two] == self.first[one]
        return start > end or (start == end and meets)

    def totals(self) -> list[int]:
        """What lives in each step, without sharing."""
        change = [0] * (len(self.scratch) + 1)
        for size, first, last in zip(self.sizes, self.first, self.last, strict=True):
            change[first if first > 0 else 0] += size
            if last + 1 < len(change):
                change[last + 1 if last >= 0 else 0] -= size
        total, totals = 0, []
        for step, scratch in enumerate(self.scratch):
            total += change[step]
            totals.append(total + scratch)
        return totals

    def peak(self, start: int = 0, end: int | None = None) -> int:
        """The bound over all steps, or over some."""
        totals, best = self.totals(), 0
        steps = range(len(totals))[start:end]
        living = self._living(steps)
        for step in sorted(steps, key=lambda step: -totals[step]):
            if totals[step] <= best:
                break
            best = max(best, self._bound(living.get(step, {}), totals[step]))
        return best

    def _living(self, steps: range) -> dict[int, dict[Pair, int]]:
        """The pairs of which both live in a step."""
        living: dict[int, dict[Pair, int]] = {}
        first, last = self.first, self.last
        for pair, union in self.pairs.items():
            one, two = pair
            start = max(first[one], first[two], steps.start)
            end = min(last[one], last[two], steps.stop - 1)
            for step in range(start, end + 1):
                living.setdefault(step, {})[pair] = union
        return living

    def problem(self, scratch_bytes: Sequence[Sequence[int]]) -> Problem:
        """What a planner has to solve; scratch by step, each for itself."""
        held = [number for number, size in enumerate(self.sizes) if size]
        place = {number: index for index, number in enumerate(held)}
        buffers = [
            Buffer(
                str(number),
                Lifetime(self.first[number], self.last[number] + 1),
                self.sizes[number],
                ARENA_ALIGNMENT,
            )
            for number in held
        ]
        for step, sizes in enumerate(scratch_bytes):
            life = Lifetime(step, step + 1)
            rounded = [align_up(size, ARENA_ALIGNMENT) for size in sizes if size]
            buffers += [Buffer("scratch", life, size, ARENA_ALIGNMENT) for size in rounded]
        relations = [
            Alias(place[one], place[two], alias.low, alias.high, alias.shares_content)
            for one, two, alias in self.aliases
            if one in place and two in place
        ]
        return Problem(buffers, relations)

    def _bound(self, pairs: Mapping[Pair, int], total: int) -> int:
        """The bound of one step, of which ``total`` is what lives in it."""
        for group in _groups(pairs):
            total += group_bound(self.sizes, group, pairs) - sum(
                self.sizes[member] for member in group
            )
        return total


def _groups(pairs: Mapping[Pair, int]) -> list[list[int]]:
    """Tensors that are connected by pairs."""
    groups: list[set[int]] = []
    for pair in pairs:
        apart = [group for group in groups if not group & pair]
        groups = [*apart, set(pair).union(*(group for group in groups if group & pair))]
    return [sorted(group) for group in groups]
