"""The tables of boards and of cycles in ``docs/boards.md``, from the catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from tflopt.target import all_targets
from tflopt.target.boards import all_boards
from tflopt.target.cycles import factor_of
from tflopt.target.cycles.time import rounded

KIB = 1024


def boards() -> Iterator[str]:
    """The tables' lines."""
    yield "| `--board` | | core | MHz | flash, KiB | RAM, KiB | facts |"
    yield "|---|---|---|--:|--:|---|---|"
    for board in all_boards():
        ram = ", ".join(f"{region.name} {region.size_bytes // KIB:,}" for region in board.ram)
        note = f"; {board.note}" if board.note else ""
        cells = (
            f"`{board.key}`",
            f"{board.name}, {board.chip}{note}",
            str(board.target),
            f"{board.clock_hz / 1e6:,.0f}",
            f"{board.flash_bytes // KIB:,}",
            ram,
            f"[{board.read_on}]({board.source})",
        )
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield "Cycles for each predicted instruction:"
    yield ""
    yield "| `--target` | from | to | ground | |"
    yield "|---|--:|--:|---|---|"
    for target in all_targets():
        factor = factor_of(target)
        ends = f"{rounded(factor.least, up=False):g} | {rounded(factor.most, up=True):g}"
        yield f"| `{target}` | {ends} | {factor.ground} | {factor.why} |"
    yield ""
