"""The planner's plain data: buffers with lifetimes and sizes in, one offset per buffer out.

::

    offset
      ^   +---------+
      |   |    b    |     A buffer is a rectangle: as wide as its lifetime, as high as its size.
      |   +----+----+--+  Planning slides the rectangles up and down until none overlap and the
      |   |  a |    c  |  highest edge, the height, is as low as possible.
      +---+----+-------+--> time

Nothing here knows of TensorFlow Lite; `tflopt.plan.lifetimes` makes such problems from graphs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The steps ``start <= step < end`` (half-open) during which a buffer holds a value."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"empty lifetime [{self.start}, {self.end})")

    def overlaps(self, other: Lifetime) -> bool:
        """Whether some step belongs to both."""
        return self.start < other.end and other.start < self.end

    def common_steps(self, other: Lifetime) -> int:
        """How many steps belong to both."""
        return max(0, min(self.end, other.end) - max(self.start, other.start))

    def hands_over(self, other: Lifetime) -> bool:
        """Whether the step that ends one of them begins the other, or they never meet."""
        meets = self.end - 1 == other.start or other.end - 1 == self.start
        return not self.overlaps(other) or (self.common_steps(other) == 1 and meets)


@dataclass(frozen=True, slots=True)
class Buffer:
    """One buffer to place; ``fixed_offset`` pins it, ``alignment`` divides any other offset."""

    name: str
    lifetime: Lifetime
    size_bytes: int
    alignment: int = 1
    fixed_offset: int | None = None

    def __post_init__(self) -> None:
        if self.size_bytes < 0 or self.alignment < 1:
            raise ValueError(f"{self.name}: size {self.size_bytes}, alignment {self.alignment}")


@dataclass(frozen=True, slots=True)
class Alias:
    """Permission for two buffers to share bytes although both are live at some step.

    It holds iff ``low <= offset(first) - offset(second) <= high``; ``None`` is no limit. Disjoint
    addresses are always allowed as well. Unless ``shares_content`` says that both hold the same
    values wherever they overlap (a RESHAPE, a slice of a CONCATENATION), the lifetimes may meet
    in a single step only: that of the operator that reads the one for the last time and writes
    the other. Two buffers of which neither has an alias with the other never share a byte, so
    chains need no extra rule.
    """

    first: int
    second: int
    low: int | None
    high: int | None
    shares_content: bool = False

    @staticmethod
    def equal(first: int, second: int, *, shares_content: bool = False) -> Alias:
        """Both start at the same address: an operator that works in place."""
        return Alias(first, second, 0, 0, shares_content)

    @staticmethod
    def at_least(first: int, second: int, gap_bytes: int) -> Alias:
        """``first`` starts ``gap_bytes`` or more above ``second``: diagonal overlap."""
        return Alias(first, second, gap_bytes, None)

    @staticmethod
    def exactly(
        first: int, second: int, displacement_bytes: int, *, shares_content: bool = True
    ) -> Alias:
        """``first`` starts ``displacement_bytes`` above ``second``: a slice of the other."""
        return Alias(first, second, displacement_bytes, displacement_bytes, shares_content)

    def permits(self, offset_first: int, offset_second: int) -> bool:
        """Whether the pair may stay at these offsets even if the bytes overlap."""
        distance = offset_first - offset_second
        above = self.low is None or distance >= self.low
        return above and (self.high is None or distance <= self.high)


@dataclass(frozen=True)
class Problem:
    """Buffers, the aliases allowed among them (by index), and the bytes that may be used."""

    buffers: Sequence[Buffer]
    aliases: Sequence[Alias] = ()
    capacity: int | None = None

    def __post_init__(self) -> None:
        count = len(self.buffers)
        for alias in self.aliases:
            if alias.first == alias.second or not (
                0 <= alias.first < count and 0 <= alias.second < count
            ):
                raise ValueError(f"alias between buffers {alias.first} and {alias.second}")


@dataclass(frozen=True)
class Solution:
    """One offset per buffer, in the problem's order, and the highest end of any buffer.

    ``lower_bound`` is a height that no solution can be below; ``proven`` says that no lower
    height exists, either because the bound is met or because a search was exhausted.
    """

    offsets: tuple[int, ...]
    height: int
    lower_bound: int = 0
    proven: bool = False
    method: str = field(default="", compare=False)


def align_up(value: int, alignment: int) -> int:
    """The least multiple of ``alignment`` that is not below ``value``."""
    return -(-value // alignment) * alignment


def height_of(problem: Problem, offsets: Sequence[int]) -> int:
    """The highest end of any buffer; 0 for no buffers."""
    ends = (o + b.size_bytes for o, b in zip(offsets, problem.buffers, strict=True))
    return max(ends, default=0)


def restricted(problem: Problem, kept: Sequence[int]) -> Problem:
    """The problem of some of the buffers, with the aliases among them and no capacity."""
    position = {index: i for i, index in enumerate(kept)}
    aliases = [
        replace(alias, first=position[alias.first], second=position[alias.second])
        for alias in problem.aliases
        if alias.first in position and alias.second in position
    ]
    return Problem([problem.buffers[i] for i in kept], aliases)
