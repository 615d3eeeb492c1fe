"""From instructions to time: how many cycles a core takes for an instruction, as a range.

The ends of a range are the extremes of published measurements, and no digit goes beyond them.
"""

from tflopt.target.cycles.published import Factor, Published, factor_of, published
from tflopt.target.cycles.time import (
    Clocking,
    MemorySpeed,
    TimeRange,
    parse_memory,
    time_of,
    time_of_count,
)

__all__ = [
    "Clocking",
    "Factor",
    "MemorySpeed",
    "Published",
    "TimeRange",
    "factor_of",
    "parse_memory",
    "published",
    "time_of",
    "time_of_count",
]
