"""On which boards a model fits: as a table, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from tflopt.errors import printable
from tflopt.product.fit import ONE, Fit, Placed
from tflopt.report.json_report import heading
from tflopt.target.device import Device

ROUGH = "~"


def fit_json(path: str, fits: Sequence[Fit], device: Device) -> dict[str, object]:
    """Plain data, with the sources of the boards' facts."""
    return {
        **heading(),
        "path": path,
        "tflm": device.runtime.name,
        "cmsis_nn": device.kernels.version,
        "build": str(device.build),
        "boards": [_row(fit) for fit in fits],
    }


def _row(fit: Fit) -> dict[str, object]:
    board = fit.board
    return {
        "board": board.key,
        "name": board.name,
        "chip": board.chip,
        "target": str(board.target),
        "source": board.source,
        "read_on": board.read_on.isoformat(),
        "note": board.note,
        "fits": fit.fits,
        "why": fit.why,
        "flash_bytes": board.flash_bytes,
        "file_bytes": fit.file_bytes,
        "flash_left_bytes": fit.flash_left_bytes,
        "arena_bytes": fit.arena_bytes,
        "arenas": [
            {
                "arena": arena.arena,
                "region": arena.region.name,
                "region_bytes": arena.region.size_bytes,
                "bytes": arena.size_bytes,
                "left_bytes": arena.left_bytes,
            }
            for arena in fit.arenas
        ],
        "unknown_operators": list(fit.unknown),
        "time": None if fit.time is None else fit.time.as_json(),
    }


def print_fits(path: str, fits: Sequence[Fit]) -> None:
    """A line for each board, those on which it fits first."""
    from rich.text import Text

    from tflopt.report.style import SMALL, make_console, paragraph, table

    console = make_console()
    console.print(Text(printable(path), style="bold"))
    columns = ("board", "core", "MHz", "flash left", "time", "arena, what its memory has left")
    grid = table(*columns, right=(2, 3, 4))
    for fit in sorted(fits, key=lambda candidate: not candidate.fits):
        cells = (
            fit.board.key,
            str(fit.board.target),
            f"{fit.board.clock_hz / 1e6:,.0f}",
            f"{fit.flash_left_bytes:,}",
            _time(fit),
        )
        style = "" if fit.fits else SMALL
        where = arenas_text(fit.arenas) if fit.fits else f"no: {fit.why}"
        grid.add_row(*cells, Text(where), style=style)
    console.print(grid)
    for text in _notes(fits):
        paragraph(console, Text(text, style=SMALL))


def _time(fit: Fit) -> str:
    if fit.time is None:
        return "?"
    return (ROUGH if fit.time.ground == "stand-in" else "") + fit.time.text


def arenas_text(arenas: Sequence[Placed]) -> str:
    """``17,056 in sram, 638,304 left``; two arenas are named."""
    return "; ".join(
        f"{'' if arena.arena == ONE else arena.arena + ' '}{arena.size_bytes:,} in "
        f"{arena.region.name}, {arena.left_bytes:,} left"
        for arena in arenas
    )


def _notes(fits: Sequence[Fit]) -> list[str]:
    notes = ["what is left is for TFLM, the rest of the firmware and its stack"]
    if any(fit.time is not None and fit.time.ground == "stand-in" for fit in fits):
        notes.append(
            f"{ROUGH} nothing is published of that core: a range of the nearest one "
            "('tflopt help boards')"
        )
    if any(fit.time is None for fit in fits):
        notes.append(
            "? of ESP-NN no cost is known; the arena is from its sources: no device ran it"
        )
    unknown = dict.fromkeys(name for fit in fits for name in fit.unknown)
    if unknown:
        notes.append(
            f"the arena is larger: nothing is known of {', '.join(map(printable, unknown))}"
        )
    if any(fit.fits and len(fit.arenas) > 1 for fit in fits):
        notes.append("two arenas: MicroAllocator::Create takes a persistent and another one")
    if any(not fit.arenas for fit in fits):
        notes.append("next: tflopt optimize MODEL --board NAME, which looks for what fits there")
    return notes
