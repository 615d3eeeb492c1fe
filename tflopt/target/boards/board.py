"""A board or chip: what of it decides whether a model fits, and how fast it runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from tflopt.errors import UsageError
from tflopt.io.toml import read_toml
from tflopt.target.cortex_m import Target
from tflopt.target.quantities import parse_clock, parse_size
from tflopt.texts import near_match

SUFFIX = ".toml"
KEYS = {"name", "chip", "core", "clock", "flash", "source", "date", "ram"}
OPTIONAL = {"note"}


@dataclass(frozen=True)
class Region:
    """RAM in one piece: banks that follow each other are one region."""

    name: str
    size_bytes: int


@dataclass(frozen=True)
class Board:
    """One file of the catalogue.

    Attributes:
        key: the file's name, which ``--board`` takes.
        name: as the vendor writes it.
        chip: the microcontroller on it.
        clock_hz: the fastest that the core may run.
        flash_bytes: what code and constants can be read from in place.
        ram: the regions, the largest first.
        source: where the facts were read.
        read_on: when.
        note: what the numbers leave out.
    """

    key: str
    name: str
    chip: str
    target: Target
    clock_hz: int
    flash_bytes: int
    ram: tuple[Region, ...]
    source: str
    read_on: date
    note: str = ""

    @property
    def largest(self) -> Region:
        """The region that the largest arena goes into."""
        return self.ram[0]


@cache
def all_boards() -> tuple[Board, ...]:
    """Every board of the catalogue, by its key."""
    folder = files(__package__) / "catalogue"
    texts = {file.name: file.read_text("utf-8") for file in folder.iterdir()}
    keys = sorted(name for name in texts if name.endswith(SUFFIX))
    return tuple(parse_board(name.removesuffix(SUFFIX), texts[name]) for name in keys)


def find_board(name: str) -> Board:
    """The board that ``--board`` names, upper or lower case, ``_`` for ``-``.

    Raises:
        UsageError: there is none, with a near match.
    """
    key = name.strip().lower().replace("_", "-")
    boards = {board.key: board for board in all_boards()}
    if key in boards:
        return boards[key]
    hint = near_match(key, boards) or f"known: {', '.join(boards)}"
    raise UsageError(f"unknown board {name!r}; {hint}")


def parse_board(key: str, text: str) -> Board:
    """A board from its file.

    Raises:
        UsageError: a key is missing, unknown or has no sensible value.
    """
    table = read_toml(text, f"board {key}")
    wrong = KEYS - table.keys() or table.keys() - KEYS - OPTIONAL
    if wrong:
        kind = "missing" if KEYS - table.keys() else "unknown"
        raise UsageError(f"board {key}: {kind}: {', '.join(sorted(wrong))}")
    ram, read_on = table["ram"], table["date"]
    if not (isinstance(ram, dict) and ram and isinstance(read_on, date)):
        raise UsageError(f"board {key}: [ram] lists its regions, and date is a date of TOML")
    regions = [Region(name, parse_size(str(size))) for name, size in ram.items()]
    return Board(
        key,
        name=str(table["name"]),
        chip=str(table["chip"]),
        target=Target.parse(str(table["core"])),
        clock_hz=parse_clock(str(table["clock"])),
        flash_bytes=parse_size(str(table["flash"])),
        ram=tuple(sorted(regions, key=lambda region: -region.size_bytes)),
        source=str(table["source"]),
        read_on=read_on,
        note=str(table.get("note", "")),
    )
