"""Time of one inference as a range, and how it is said: two digits, never more."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10

from tflopt.errors import UsageError
from tflopt.target.cortex_m import Target
from tflopt.target.cost.predict import ModelPrediction
from tflopt.target.cycles.published import factor_of

DIGITS = 2
INSTRUCTION_BYTES = 4
"""The longest: so few of them are in a line of flash at least."""
MOST_WAITS, LEAST_LINE, MOST_LINE = 64, 4, 256


@dataclass(frozen=True)
class MemorySpeed:
    """Flash that no cache hides: waits for each line that is read.

    Args:
        flash_waits: wait states of one read, as the chip is configured with.
        flash_line_bytes: what one read fetches.
    """

    flash_waits: int = 0
    flash_line_bytes: int = 16

    @property
    def most_per_instruction(self) -> float:
        """Cycles that each instruction waits where no line is ever reused."""
        return self.flash_waits * INSTRUCTION_BYTES / self.flash_line_bytes


@dataclass(frozen=True)
class Clocking:
    """How fast a core runs, and from what memory."""

    clock_hz: int
    memory: MemorySpeed = MemorySpeed()


@dataclass(frozen=True)
class TimeRange:
    """Cycles of one inference, and the time they take.

    Attributes:
        least: cycles, as computed; what is shown has two digits.
        most: the same.
        ground: as of :class:`tflopt.target.cycles.published.Factor`.
        why: where the range comes from.
    """

    least: float
    most: float
    clock_hz: int
    ground: str
    why: str

    @property
    def least_cycles(self) -> int:
        """Two digits, rounded down."""
        return int(rounded(self.least, up=False))

    @property
    def most_cycles(self) -> int:
        """Two digits, rounded up."""
        return int(rounded(self.most, up=True))

    @property
    def least_ms(self) -> float:
        """Milliseconds at least, two digits, rounded down."""
        return rounded(1000 * self.least / self.clock_hz, up=False)

    @property
    def most_ms(self) -> float:
        """Milliseconds at most, two digits, rounded up."""
        return rounded(1000 * self.most / self.clock_hz, up=True)

    @property
    def text(self) -> str:
        """``92 to 120 ms``, for people."""
        return f"{_plain(self.least_ms)} to {_plain(self.most_ms)} ms"

    def as_json(self) -> dict[str, object]:
        """For reports."""
        return {
            "clock_hz": self.clock_hz,
            "least_ms": self.least_ms,
            "most_ms": self.most_ms,
            "least_cycles": self.least_cycles,
            "most_cycles": self.most_cycles,
            "ground": self.ground,
            "why": self.why,
        }


def time_of(prediction: ModelPrediction, target: Target, clocking: Clocking) -> TimeRange:
    """The range for a model: the range of its instructions times that of cycles for each."""
    most = prediction.most_instructions or prediction.instructions
    return time_of_count(prediction.least_instructions, most, target, clocking)


def time_of_count(least: int, most: int, target: Target, clocking: Clocking) -> TimeRange:
    """The same for counted instructions."""
    factor = factor_of(target)
    slowest = factor.most + clocking.memory.most_per_instruction
    ends = (rounded(factor.least, up=False), rounded(slowest, up=True))
    waits = " and the waits of flash" if clocking.memory.flash_waits else ""
    why = f"{ends[0]:g} to {ends[1]:g} cycles for an instruction, from {factor.why}{waits}"
    return TimeRange(
        least * factor.least,
        most * slowest,
        clocking.clock_hz,
        factor.ground,
        why,
    )


def rounded(value: float, *, up: bool) -> float:
    """``value`` with two digits, towards the end of its range."""
    if value <= 0:
        return 0.0
    step = 10.0 ** (floor(log10(value)) - DIGITS + 1)
    exact = value / step
    nearest = round(exact)
    if abs(exact - nearest) < 1e-9 * exact:
        return round(nearest * step, 12)
    return round((ceil(exact) if up else floor(exact)) * step, 12)


def parse_memory(text: str) -> MemorySpeed:
    """``flash-ws=4`` or ``flash-ws=4,flash-line=32``: flash without a cache.

    Raises:
        UsageError: another key, or a value that no flash has.
    """
    names = {"flash-ws": (0, MOST_WAITS), "flash-line": (LEAST_LINE, MOST_LINE)}
    values = {"flash-ws": 0, "flash-line": 16}
    for part in text.split(","):
        key, _, value = part.strip().partition("=")
        least, most = names.get(key, (0, -1))
        if not (value.isdecimal() and len(value) < 6 and least <= int(value) <= most):
            raise UsageError(
                f"{part.strip()!r} says nothing of memory; write flash-ws=4, the wait states of "
                "flash that no cache hides, and perhaps flash-line=16, the bytes of one read"
            )
        values[key] = int(value)
    return MemorySpeed(values["flash-ws"], values["flash-line"])


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"
