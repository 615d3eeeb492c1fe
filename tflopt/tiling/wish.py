"""What a search for bands looks for."""

from __future__ import annotations

from dataclasses import dataclass

from tflopt.tiling.measure import Measure

PRICE = 0.03
"""Of twice the instructions, as a part of the arena, where the least arena is looked for."""


@dataclass(frozen=True)
class Wish:
    """What is looked for: the least arena, or the fewest instructions in a given one.

    Args:
        most_instructions: of one inference; a model with more is never taken.
        arena_bytes: what is enough, None for the least.
        most_operators: of the model, None for no limit; each takes its bytes of the file.
    """

    most_instructions: int
    arena_bytes: int | None = None
    most_operators: int | None = None

    def permits(self, work: int, operators: int) -> bool:
        """Whether a model with so many instructions and operators may be taken."""
        fits = self.most_operators is None or operators <= self.most_operators
        return fits and work <= self.most_instructions

    def is_met(self, measure: Measure) -> bool:
        """Whether nothing has to be looked for."""
        return self.arena_bytes is not None and measure.arena_bytes <= self.arena_bytes

    def energy(self, measure: Measure, before: Measure) -> float:
        """How far it is from the wish, smoothly, in bytes."""
        slower = measure.instructions / before.instructions - 1
        if self.arena_bytes is None:
            return measure.arena_bytes + PRICE * before.arena_bytes * slower
        if self.is_met(measure):
            return before.arena_bytes * min(slower, 1.0)
        return before.arena_bytes + measure.arena_bytes - self.arena_bytes

    def rank(self, measure: Measure) -> tuple[int, ...]:
        """Lower is better."""
        arena, work = measure.arena_bytes, measure.instructions
        if self.is_met(measure):
            return (0, work, arena)
        return (1, arena, work)
