"""How far a balanced result may grow: the point up to which every byte is paid for.

::

    saved |            .-------   the forms that were refused for their growth, all that fit
          |        .--'           into a level together: heads are shared, tails and
          |   .---'               constants add up
          |  /
          +------------------- level of growth

The level is taken at which the savings exceed their price at the exchange rate by most, and only
within the most that may be grown. Several layers may share one level: each alone may not pay for
it. Whether the result is worth it is measured afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

from tflopt.ir import Op
from tflopt.search.cost import Cost
from tflopt.search.objective import EXCHANGE_RATE, Budget, flash_share, most_growth

MOST_RAISES = 3
"""A form often leaves less behind than it seemed to: then there is room for another one."""


@dataclass(frozen=True)
class Refusal:
    """A form that was refused for its growth: what it saves, and by how much each part grows.

    Args:
        totals: what the whole model takes without it and with it, None where that is unknown.
    """

    saved: int
    head_bytes: int
    tail_bytes: int
    flash_bytes: int
    totals: tuple[Cost, Cost] | None = None

    def exceeds(self, budget: Budget) -> bool:
        """Whether other ceilings refuse it, too."""
        return self.totals is not None and budget.above(*self.totals) is not None


@dataclass(frozen=True)
class Level:
    """A ceiling above the original's, with what the refused forms would save below it.

    Args:
        seen_bytes: what arena and flash would have taken when the forms were refused.
    """

    arena_bytes: int
    flash_bytes: int
    saved: int
    seen_bytes: tuple[int, int] = (0, 0)

    def surplus(self, original: Cost) -> float:
        """What is saved beyond the price, as a part of all instructions."""
        arena = self.arena_bytes / max(original.arena_bytes, 1)
        flash = flash_share(self.flash_bytes, original.flash_bytes)
        price = EXCHANGE_RATE * max(arena, flash)
        return self.saved / max(original.instructions or 0, 1) - price

    def fits(self, original: Cost, grown: tuple[int, int]) -> bool:
        """Whether arena and flash that have ``grown`` already stay within the most."""
        arena = self.arena_bytes + grown[0] <= most_growth(original.arena_bytes)
        return arena and self.flash_bytes + grown[1] <= most_growth(original.flash_bytes)


def raised(
    budget: Budget,
    now: Cost,
    refused: Mapping[Op, Sequence[Refusal]],
    first: Budget,
    *,
    anew: bool = False,
) -> Budget | None:
    """The budget with the ceilings at which most is gained, None where no growth is paid for.

    Args:
        now: what the model costs as it is.
        refused: by operator, the forms that exceed the budget's ceilings.
        first: the budget before any was raised.
        anew: the search begins again, with all that made the model smaller still to come: the
            ceilings are those below which the forms would have been taken.
    """
    original = _as_it_is(budget.original, now)
    grown = budget.arena_bytes - first.arena_bytes, budget.flash_bytes - first.flash_bytes
    levels = (_level(budget, original, now, refused, head) for head in _heads(refused))
    paid = [level for level in levels if level.fits(original, grown)]
    best = max(paid, key=lambda level: level.surplus(original), default=None)
    if best is None or best.surplus(original) <= 0:
        return None
    arena, flash = budget.arena_bytes + best.arena_bytes, budget.flash_bytes + best.flash_bytes
    if anew:
        arena, flash = max(arena, best.seen_bytes[0]), max(flash, best.seen_bytes[1])
    return replace(budget, arena_bytes=arena, flash_bytes=flash)


def _as_it_is(original: Cost, now: Cost) -> Cost:
    """What a form saves counts as a part of the instructions that are left, as it would where the
    result is optimized again."""
    if original.instructions is None or now.instructions is None:
        return original
    return replace(original, instructions=min(original.instructions, now.instructions))


def _heads(refused: Mapping[Op, Sequence[Refusal]]) -> list[int]:
    return sorted({form.head_bytes for forms in refused.values() for form in forms})


def _level(
    budget: Budget,
    original: Cost,
    now: Cost,
    refused: Mapping[Op, Sequence[Refusal]],
    head: int,
) -> Level:
    """All forms together that raise the head by ``head`` at most, the best of each operator.

    Each pays for its own constants and tail, as far as there is no room for them.
    """
    fitting = [[r for r in forms if r.head_bytes <= head] for forms in refused.values()]
    fitting.sort(key=lambda forms: -max((r.saved for r in forms), default=0))
    taken = list[Refusal]()
    arena_room = max(0, budget.arena_bytes - now.arena_bytes - head)
    flash_room = max(0, budget.flash_bytes - now.flash_bytes)
    for forms in fitting:
        priced = [(_net(r, arena_room, flash_room, original), r) for r in forms]
        net, best = max(priced, key=itemgetter(0), default=(0.0, None))
        if best is not None and net > 0:
            taken.append(best)
            arena_room = max(0, arena_room - best.tail_bytes)
            flash_room = max(0, flash_room - best.flash_bytes)
    arena = head + sum(refusal.tail_bytes for refusal in taken)
    flash = sum(refusal.flash_bytes for refusal in taken)
    return Level(
        max(0, now.arena_bytes + arena - budget.arena_bytes),
        max(0, now.flash_bytes + flash - budget.flash_bytes),
        sum(refusal.saved for refusal in taken),
        (
            max((r.totals[1].arena_bytes for r in taken if r.totals), default=0),
            max((r.totals[1].flash_bytes for r in taken if r.totals), default=0),
        ),
    )


def _net(refusal: Refusal, arena_room: int, flash_room: int, original: Cost) -> float:
    """What a form saves beyond the price of what it doesn't share with others."""
    flash = flash_share(max(0, refusal.flash_bytes - flash_room), original.flash_bytes)
    tail = max(0, refusal.tail_bytes - arena_room) / max(original.arena_bytes, 1)
    return refusal.saved / max(original.instructions or 0, 1) - EXCHANGE_RATE * max(flash, tail)
