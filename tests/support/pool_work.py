"""What a pool's processes do in tests, apart from the tests: each process imports this module."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.support.waiting import HANG_S


def work(item: int) -> str:
    """The odd one dies."""
    if item == 13:
        os._exit(9)
    return f"done {item}"


def wait(item: str) -> str:
    """Say that it runs, and go on for long."""
    Path(item).write_text(str(os.getpid()))
    time.sleep(HANG_S)
    return item
