"""What is better: a goal, what may be spent for it, and limits that must hold.

::

    hard limits (--max-arena, --max-flash, --max-instructions)   what lowers an excess comes first
    ceilings (the original's size, balanced only)                nothing may rise above them ...
    exchange (balanced only)                                     ... unless a large gain pays for it
    the goal's own order                                         decides between what is left
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tflopt.config import Goal, Limits
from tflopt.search.cost import Cost

WEIGHTS = (1.0, 0.1, 0.1)
"""Of instructions, flash and arena: within the original's size, speed counts most."""
MARGIN = 0.03
"""By how much a form has to be faster: predictions err by some percent (docs/cost-model.md)."""
GROWTH_SHARE = 0.05
GROWTH_BYTES = 4096
"""A balanced result may exceed the original's arena or file by this share or these bytes, whichever
is more: the scratch of a fast kernel is a few KiB whatever the size of the layer."""
SMALL_FLASH_BYTES = 1 << 14
"""What a smaller file grows by is priced as in one of this size: an operator's tables and constants
are a third of a file of one layer, and little beside the kernels that are linked with it."""
EXCHANGE_RATE = 4.0
"""Percent of all instructions that have to be saved for each percent of growth."""


@dataclass(frozen=True)
class Budget:
    """What a choice may spend, in the terms in which :class:`~tflopt.search.worth.Worth` estimates.

    Args:
        original: of the whole model before any rule ran.
        flash_bytes: the ceiling of the file.
        arena_bytes: the ceiling of the arena.
        limits: those that the user set.
    """

    original: Cost
    flash_bytes: int
    arena_bytes: int
    limits: Limits = field(default_factory=Limits)

    def gain(self, before: Cost, after: Cost) -> float:
        """What is gained in each resource, as parts of the original model's, by weight."""
        pairs = zip(before.numbers, after.numbers, self.original.numbers, WEIGHTS, strict=True)
        return sum(weight * (old - new) / max(whole, 1) for old, new, whole, weight in pairs)

    def above(self, before: Cost, after: Cost) -> str | None:
        """The resource of which a change takes more than the ceiling, None where there is none."""
        if after.flash_bytes > max(before.flash_bytes, self.flash_bytes):
            return "flash"
        return "arena" if after.arena_bytes > max(before.arena_bytes, self.arena_bytes) else None

    def is_within(self, other: Budget) -> bool:
        """Whether another one's ceilings are as high or higher."""
        return self.flash_bytes <= other.flash_bytes and self.arena_bytes <= other.arena_bytes


def excess(limits: Limits, cost: Cost) -> float:
    """How far a whole model is above the user's limits, as the sum of parts of each limit."""
    pairs = (
        (cost.instructions or 0, limits.instructions),
        (cost.flash_bytes, limits.flash_bytes),
        (cost.arena_bytes, limits.arena_bytes),
    )
    return sum(max(0, need - limit) / max(limit, 1) for need, limit in pairs if limit is not None)


def worth_it(goal: Goal, before: Cost, after: Cost, budget: Budget | None = None) -> bool:
    """Whether ``after`` is strictly better; never both ways round, so no two rules undo each other.

    Balanced, with a budget: it is faster by more than a prediction errs, and the gain in all
    resources together is positive. Balanced without one:
    none of the three is worse, and one is better. Else the goal's resource decides, and where it
    is equal the other two in the order instructions, arena, flash.
    """
    if before.instructions is None or after.instructions is None:
        return False
    if goal is not Goal.BALANCED:
        return ranked(goal, after) < ranked(goal, before)
    if budget is not None:
        faster = after.instructions <= before.instructions * (1 - MARGIN)
        return faster and budget.gain(before, after) > 0
    pairs = list(zip(before.numbers, after.numbers, strict=True))
    return all(new <= old for old, new in pairs) and any(new < old for old, new in pairs)


def ranked(goal: Goal, cost: Cost) -> tuple[int, ...]:
    """A key for sorting: the goal's resource first."""
    work, flash, arena = cost.numbers
    if goal is Goal.MEMORY:
        return arena, work, flash
    if goal is Goal.FLASH:
        return flash, work, arena
    return work, arena, flash


@dataclass(frozen=True)
class Growth:
    """A resource of which a result takes more, with what that buys.

    Args:
        resource: "arena" or "flash".
        original_bytes: what the original takes of it.
        grown_bytes: how much more the result takes.
        saved_share: of the instructions that there were before it grew.
    """

    resource: str
    original_bytes: int
    grown_bytes: int
    saved_share: float

    @property
    def share(self) -> float:
        """Of the original's bytes."""
        return self.grown_bytes / max(self.original_bytes, 1)

    @property
    def is_paid(self) -> bool:
        """Whether the exchange allows it."""
        small = self.grown_bytes <= most_growth(self.original_bytes)
        share = (
            flash_share(self.grown_bytes, self.original_bytes)
            if self.resource == "flash"
            else self.share
        )
        return small and self.saved_share >= EXCHANGE_RATE * share


def flash_share(grown_bytes: int, original_bytes: int) -> float:
    """What the file grows by as a part of the original's, or of what a small one counts as."""
    return grown_bytes / max(original_bytes, SMALL_FLASH_BYTES)


def most_growth(original_bytes: int) -> int:
    """The most by which a balanced result may exceed the original's arena or file."""
    return max(int(GROWTH_SHARE * original_bytes), GROWTH_BYTES)


def growths(original: Cost, start: Cost, result: Cost) -> list[Growth]:
    """What a result takes more than the original, as far as it didn't at the start.

    Args:
        start: what the model took before what is to be judged; instructions are saved from here,
            and count as a part of these: what is gone already pays for nothing.
    """
    saved = (start.instructions or 0) - (result.instructions or 0)
    share = saved / max(start.instructions or 0, 1)
    triples = (
        ("arena", original.arena_bytes, start.arena_bytes, result.arena_bytes),
        ("flash", original.flash_bytes, start.flash_bytes, result.flash_bytes),
    )
    return [
        Growth(what, first, last - max(first, old), share)
        for what, first, old, last in triples
        if last > max(first, old)
    ]
