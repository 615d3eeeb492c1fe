"""The runner on a device: boots a firmware image once for each model, with files as its link."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tflopt.errors import RunnerError
from tflopt.ir import Value
from tflopt.run.device_report import (
    MAX_BYTES,
    OK,
    DeviceReport,
    ReportError,
    parse_report,
)
from tflopt.run.emulators import fvp_command, machine_of, qemu_command
from tflopt.run.process import Child, log_tail
from tflopt.run.runner import TIME_LIMIT_S, MissingOpError, Outcome, Work
from tflopt.run.samples import Array
from tflopt.run.worker import digest
from tflopt.target.cortex_m import Target

REQUEST, REPORT = "request.txt", "report.txt"
SPARE_FILE_BYTES = 1 << 20
NO_NETWORK = "has no peer"
"""QEMU's warning for a board's network chip that is connected to nothing."""


@dataclass(frozen=True)
class DeviceRunner:
    """An emulator with the firmware image it boots.

    Args:
        name: ``qemu`` or ``fvp``.
        target: what the image was built for; a firmware with other kernels is an error.
        arena_bytes: the arena that models get, 0 for all that the board has.
        least_arena: whether the firmware also looks for the least arena that works.
        time_limit_s: how long one boot may take.
    """

    name: str
    executable: Path
    image: Path
    target: Target
    arena_bytes: int = 0
    least_arena: bool = False
    time_limit_s: float = TIME_LIMIT_S
    is_device: bool = True

    def start(self, work: Work) -> DeviceJob:
        """As the protocol of runners says."""
        return DeviceJob(self, work)

    def command(self, folder: Path) -> list[str]:
        """What is executed in ``folder``."""
        if self.name == "fvp":
            return fvp_command(self.executable, self.image, folder, self.time_limit_s)
        return qemu_command(self.executable, machine_of(self.target), self.image)


class DeviceJob:
    """A booted emulator; :meth:`outcome` waits for it."""

    def __init__(self, runner: DeviceRunner, work: Work) -> None:
        self.runner = runner
        self.work = work
        main = work.model.main
        values = list(main.values)
        self.outputs = list(main.outputs)
        self.tensors = [values[index] for index in work.tensors]
        self.child = Child(runner.name)
        largest = len(work.samples) * max(_size(self.outputs), _size(self.tensors))
        limit = max(largest, MAX_BYTES) + SPARE_FILE_BYTES
        with self.child.preparing():
            self._write()
            self.child.start(runner.command(self.child.path), file_bytes=limit)

    def _write(self) -> None:
        work, folder = self.work, self.child.path
        (folder / "model.tflite").write_bytes(work.data)
        with (folder / "inputs.bin").open("wb") as file:
            for sample in work.samples:
                for array in sample:
                    file.write(_little_endian(array).tobytes())
        (folder / REQUEST).write_text(request(self.runner, work))

    def outcome(self, time_limit_s: float | None = None) -> Outcome:
        """As the protocol of runners says.

        Raises:
            MissingOpError: the firmware has no kernel for an operator.
            RunnerError: the emulator or the firmware failed, or took too long.
        """
        code = self.child.wait(time_limit_s or self.runner.time_limit_s)
        report = self._report(code)
        self._check_target(report)
        if report.status != OK:
            raise self._failure(report)
        if code:
            raise self._error(f"its report says ok, but {self.child.how_it_ended(code)}")
        outputs = self._arrays("outputs.bin", self.outputs, report.outputs_crc32)
        tensors = self._arrays("tensors.bin", self.tensors) if self.tensors else []
        return Outcome(
            outputs,
            [[digest(array) for array in sample] for sample in tensors],
            tensors if self.work.keeps else [],
            report,
        )

    def _report(self, code: int) -> DeviceReport:
        path = self.child.path / REPORT
        if not path.exists():
            raise self._error(f"no report: {self.child.how_it_ended(code)}")
        try:
            return parse_report(path.read_bytes())
        except ReportError as error:
            raise self._error(f"the report is broken: {error}") from None

    def _check_target(self, report: DeviceReport) -> None:
        target = self.runner.target
        if report.isa not in ("", target.isa.value):
            raise self._error(
                f"the firmware was built for {report.isa} kernels, {target} has {target.isa}: "
                "name the target that the library was built for"
            )

    def _failure(self, report: DeviceReport) -> Exception:
        if report.status == "unknown_op" and report.message:
            return MissingOpError(report.message.removeprefix("the library lacks "))
        what = report.status.replace("_", " ")
        reason = f"{what}: {report.message}" if report.message else what
        return RunnerError(self.runner.name, reason, " | ".join(report.log[-2:]))

    def _arrays(
        self, name: str, values: Sequence[Value], crc32: int | None = None
    ) -> list[list[Array]]:
        path = self.child.path / name
        data = path.read_bytes() if path.exists() else b""
        expected = len(self.work.samples) * _size(values)
        if len(data) != expected:
            raise self._error(f"{name} has {len(data):,} bytes instead of {expected:,}")
        if crc32 is not None and zlib.crc32(data) != crc32:
            raise self._error(f"{name} has CRC {zlib.crc32(data):08x}, the report says {crc32:08x}")
        return split(data, values)

    def _error(self, reason: str) -> RunnerError:
        lines = [line for line in self.child.log().splitlines() if NO_NETWORK not in line]
        return RunnerError(self.runner.name, reason, log_tail("\n".join(lines)))

    def close(self) -> None:
        """End the emulator and drop its files."""
        self.child.close()

    def __enter__(self) -> DeviceJob:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def request(runner: DeviceRunner, work: Work) -> str:
    """What the firmware is asked to do."""
    dumps = bool(work.tensors)
    lines = [
        "tflopt_request=1",
        "model=model.tflite",
        "inputs=inputs.bin",
        "outputs=outputs.bin",
        f"samples={len(work.samples)}",
        f"arena_bytes={runner.arena_bytes}",
        f"preserve={int(dumps)}",
        f"profile={int(not dumps)}",
        f"plan={int(not dumps)}",
        f"least_arena={int(runner.least_arena and not dumps)}",
    ]
    if dumps:
        lines += [f"tensors={','.join(map(str, work.tensors))}", "tensors_out=tensors.bin"]
    return "\n".join(lines) + "\n"


def split(data: bytes, values: Sequence[Value]) -> list[list[Array]]:
    """Samples back to back, in each of them ``values`` one after the other."""
    samples, position = [], 0
    while values and position < len(data):
        sample = []
        for value in values:
            dtype = value.dtype.numpy
            size = value.size_bytes
            assert dtype is not None
            assert size is not None
            little = dtype.newbyteorder("<")
            array = np.frombuffer(data, little, value.elements, position)
            sample.append(array.astype(dtype).reshape(value.shape))
            position += size
        samples.append(sample)
    return samples


def _size(values: Sequence[Value]) -> int:
    return sum(value.size_bytes or 0 for value in values)


def _little_endian(array: Array) -> Array:
    return np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
