"""A frontier as a picture in the terminal: arena to the right, instructions upwards."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase

from tflopt.product.explore import Point

WIDTH, HEIGHT = 60, 12
ORIGINAL = "*"


def chart(points: Sequence[Point], original: Point) -> list[str]:
    """Lines of text; points have letters in their order, the original a star.

    Where two fall on one place, the first is shown.
    """
    everything = [*zip(names(len(points)), points, strict=True), (ORIGINAL, original)]
    across = _scale([point.cost.arena_bytes for _, point in everything], WIDTH)
    upwards = _scale([point.cost.instructions or 0 for _, point in everything], HEIGHT)
    rows = [[" "] * WIDTH for _ in range(HEIGHT)]
    for (name, _), x, y in reversed(list(zip(everything, across, upwards, strict=True))):
        rows[HEIGHT - 1 - y][x] = name
    most = max(point.cost.arena_bytes for _, point in everything)
    least = min(point.cost.arena_bytes for _, point in everything)
    left, right = f"{least:,}", f"{most:,} bytes of arena"
    return [
        "instructions",
        *("  |" + "".join(row).rstrip() for row in rows),
        "  +" + "-" * WIDTH,
        "   " + left + right.rjust(WIDTH - len(left)),
    ]


def names(count: int) -> list[str]:
    """a, b, c ..., then a again: more points than letters are told apart by the table."""
    return [ascii_lowercase[index % len(ascii_lowercase)] for index in range(count)]


def _scale(numbers: Sequence[int], cells: int) -> list[int]:
    least, most = min(numbers), max(numbers)
    spread = max(1, most - least)
    return [(number - least) * (cells - 1) // spread for number in numbers]
