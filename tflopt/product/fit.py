"""On which boards a model fits: flash, one arena or two, and how fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tflopt.ir import Model
from tflopt.plan.tflm import TwoArenas
from tflopt.target.boards import Board, Region
from tflopt.target.cost import ModelPrediction, predict_model
from tflopt.target.cycles import Clocking, TimeRange, time_of
from tflopt.target.device import Device
from tflopt.target.memory import Memory, memory_of, two_arenas_of


@dataclass(frozen=True)
class Placed:
    """An arena in a region, and what the region has left."""

    arena: str
    region: Region
    size_bytes: int

    @property
    def left_bytes(self) -> int:
        """For the stack and everything else of the firmware."""
        return self.region.size_bytes - self.size_bytes


ONE, PERSISTENT, NON_PERSISTENT = "arena", "persistent", "non-persistent"


@dataclass(frozen=True)
class Fit:
    """A model on a board.

    Attributes:
        file_bytes: what the model takes of the flash.
        arena_bytes: of one arena.
        arenas: where they go; one, two, or none where they don't fit.
        why: why it doesn't fit, empty where it does.
        time: None where no cost of the core's kernels is known.
        unknown: operators whose kernel's memory isn't known: the arena is larger than said.
    """

    board: Board
    file_bytes: int
    arena_bytes: int
    arenas: tuple[Placed, ...]
    time: TimeRange | None
    why: str
    unknown: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether flash and RAM are enough for the model alone."""
        return not self.why

    @property
    def flash_left_bytes(self) -> int:
        """For TFLM, the kernels and everything else; negative where it is too little."""
        return self.board.flash_bytes - self.file_bytes


def fit_boards(
    model: Model, file_bytes: int, boards: Sequence[Board], device: Device
) -> tuple[Fit, ...]:
    """A model on each of ``boards``; ``device`` names TFLM, kernels and build, not the core.

    Raises:
        UnsupportedError: no arena can be computed.
    """
    targets = dict.fromkeys(board.target for board in boards)
    known = {target: _predict(model, device.on(target)) for target in targets}
    fits = []
    for board in boards:
        memory, two, cost = known[board.target]
        need = memory.arena.minimum_bytes
        arenas = place(need, two, board.ram)
        clocking = Clocking(board.clock_hz)
        time = None if cost is None else time_of(cost, board.target, clocking)
        why = _why(board, file_bytes, need, arenas)
        fits.append(Fit(board, file_bytes, need, arenas, time, why, memory.unknown))
    return tuple(fits)


def _predict(model: Model, device: Device) -> tuple[Memory, TwoArenas, ModelPrediction | None]:
    cost = predict_model(model, device) if device.is_confirmed else None
    return memory_of(model, device), two_arenas_of(model, device), cost


def place(one_bytes: int, two: TwoArenas, ram: Sequence[Region]) -> tuple[Placed, ...]:
    """One arena in the smallest region that holds it, else two, else none.

    ``ram`` has the largest region first.
    """
    room = [region for region in ram if region.size_bytes >= one_bytes]
    if room:
        return (Placed(ONE, room[-1], one_bytes),)
    for at, first in reversed(list(enumerate(ram))):
        if first.size_bytes < two.non_persistent_bytes:
            continue
        for other, second in reversed(list(enumerate(ram))):
            if other != at and second.size_bytes >= two.persistent_bytes:
                return (
                    Placed(NON_PERSISTENT, first, two.non_persistent_bytes),
                    Placed(PERSISTENT, second, two.persistent_bytes),
                )
    return ()


def _why(board: Board, file_bytes: int, arena_bytes: int, arenas: Sequence[Placed]) -> str:
    if file_bytes > board.flash_bytes:
        return f"the file is {file_bytes - board.flash_bytes:,} bytes larger than the flash"
    if arenas:
        return ""
    largest = board.largest
    over = arena_bytes - largest.size_bytes
    return f"the arena is {over:,} bytes larger than {largest.name}, the largest RAM"
