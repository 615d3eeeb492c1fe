"""What tflopt makes of a hostile file: done, or a reason; everything else is a failure."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from zlib import crc32

from tflopt.config import Config
from tflopt.errors import EXIT_INVALID, ModelError, UnsupportedError
from tflopt.io import read_bytes
from tflopt.ir import Model
from tflopt.product.facts import all_op_facts, model_facts
from tflopt.product.hazard_notes import hazard_rows
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.report.flash import flash_of
from tflopt.report.kernels import kernel_rows
from tflopt.report.notes import notes
from tflopt.target.device import Device
from tflopt.target.hazards import find_hazards
from tflopt.target.memory import PlanRequest, memory_of, why_no_memory
from tflopt.target.plan_check import plan_findings

NAME = "model.tflite"
TIME_LIMIT_S = 60.0
LONGEST_MESSAGE = 500
WHOLE_EVERY = 8
SETTINGS = Settings(config=Config(plan=PlanRequest()), samples=None)


class TooLongError(BaseException):
    """The time is over; nothing that catches exceptions catches this one."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End what runs inside after some time of the CPU (in the main thread, on POSIX)."""

    def alarm(_number: int, _frame: FrameType | None) -> None:
        raise TooLongError(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGPROF, alarm)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def examine(data: bytes) -> str:
    """Read, inspect, optimize, write and read again; why that was refused, else an empty string.

    Raises:
        Exception: whatever escapes; each is a defect of tflopt.
    """
    with time_limit(TIME_LIMIT_S):
        try:
            model = read_bytes(data, NAME)
            inspect(model, data)
            result = optimize_file_bytes(model, data, SETTINGS)
        except (ModelError, UnsupportedError) as error:
            message = str(error)
            assert error.exit_code == EXIT_INVALID
            assert message.startswith(NAME), message
            assert len(message) < LONGEST_MESSAGE, message
            return message
        read_bytes(result.data, "what was written")
        return ""


def inspect(model: Model, data: bytes) -> None:
    """What ``tflopt inspect`` shows; now and then with all its options."""
    device = Device()
    model_facts(model, len(data))
    all_op_facts(model)
    notes(model, device)
    if not why_no_memory(model):
        memory_of(model, device)
        plan_findings(model, device)
    if crc32(data) % WHOLE_EVERY == 0:
        flash_of(model, data)
        hazard_rows(find_hazards(model, device))
        kernel_rows(model, device)
