"""Waiting for other processes, and costs, in ways that a busy machine doesn't change."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

HANG_S = 900
"""When something never ends. Far beyond what the busiest machine needs; no test measures it."""
PAUSE_S = 0.02


def until(holds: Callable[[], object], what: str) -> None:
    """Return once ``holds()``.

    Raises:
        AssertionError: ``what`` never comes.
    """
    limit = time.monotonic() + HANG_S
    while not holds():
        assert time.monotonic() < limit, f"{what} does not come"
        time.sleep(PAUSE_S)


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has collected yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it ended just now
        return False
    return state.rsplit(")", 1)[1].split()[0] != "Z"


def cpu_s() -> float:
    """Seconds of CPU of this process and of the children that it has waited for.

    Unlike the time on the wall, what others run at the same time does not count.
    """
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
