"""What ``--clock``, ``--memory`` and ``--board`` say together."""

from __future__ import annotations

from tflopt.errors import UsageError
from tflopt.product.settings import target_on
from tflopt.target.boards import find_board
from tflopt.target.cycles import Clocking, MemorySpeed, parse_memory
from tflopt.target.quantities import parse_clock


def read_clocking(
    target: str, clock: str | None, memory: str | None, board: str
) -> tuple[str, Clocking | None]:
    """The target and its speed, None where neither a clock nor a board is named.

    Raises:
        UsageError: a value makes no sense, or the board has another core.
    """
    clock_hz = None if clock is None else parse_clock(clock)
    if board:
        known_board = find_board(board)
        target, clock_hz = target_on(known_board, target), clock_hz or known_board.clock_hz
    speed = MemorySpeed() if memory is None else parse_memory(memory)
    if clock_hz is None:
        if memory is not None:
            raise UsageError("--memory goes with --clock or --board")
        return target, None
    return target, Clocking(clock_hz, speed)
