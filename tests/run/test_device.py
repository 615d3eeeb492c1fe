"""Runs on a device, with a stand-in for the emulator: every way they can end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.run.conftest import MakeRunner
from tests.support.graphs import Net
from tests.support.paths import ROOT
from tests.support.waiting import HANG_S, alive, until
from tflopt.errors import RunnerError
from tflopt.io import write_bytes
from tflopt.ir import DType, Model
from tflopt.run.device import DeviceRunner, split
from tflopt.run.runner import MissingOpError, Outcome, Work
from tflopt.run.samples import SampleOptions, make_samples
from tflopt.verify.compare import Candidate, compare

pytestmark = pytest.mark.unit


def model() -> Model:
    """Four bytes in, four and three out."""
    n = Net()
    x = n.relu(n.feed(1, 4))
    n.output(n.relu(x), n.dense(x, 3))
    return n.model


def work(count: int = 3) -> Work:
    net = model()
    return Work(net, write_bytes(net), make_samples(net, SampleOptions(count)))


def run(runner: DeviceRunner, what: Work | None = None) -> Outcome:
    with runner.start(what or work()) as job:
        return job.outcome()


def failure(runner: DeviceRunner) -> RunnerError:
    with pytest.raises(RunnerError) as caught:
        run(runner)
    assert caught.value.exit_code == 4
    return caught.value


def started(runner: DeviceRunner) -> tuple[int, Path]:
    """The stand-in's process and folder, once it runs."""
    path = runner.image.with_suffix(".pid")
    until(lambda: path.exists() and " " in path.read_text(), "the stand-in")
    pid, folder = path.read_text().split(" ", 1)
    return int(pid), Path(folder)


@pytest.mark.parametrize("name", ["qemu", "fvp"])
def test_a_good_run(fake: MakeRunner, name: str) -> None:
    what = work(5)
    facts = [("arena_used", 1200), ("head", 200), ("tail", 1000), ("total", 55)]
    outcome = run(fake("good", name=name, facts=facts), what)
    assert len(outcome.outputs) == 5
    for sample, (first, second) in zip(what.samples, outcome.outputs, strict=True):
        assert (first.shape, second.shape) == ((1, 4), (1, 3))
        assert np.array_equal(first.reshape(-1), sample[0].reshape(-1))
        assert np.array_equal(second.reshape(-1), sample[0].reshape(-1)[:3])
    assert outcome.device is not None
    assert (outcome.device.arena_used_bytes, outcome.device.total) == (1200, 55)


def test_nothing_is_left_behind(fake: MakeRunner) -> None:
    runner = fake("good")
    run(runner)
    pid, folder = started(runner)
    assert not alive(pid)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("wrong crc", "the report is broken: its CRC is"),
        ("truncated", "the report is broken: it is cut off"),
        ("other version", "it has version 2, this tflopt reads version 1"),
        ("no report", "no report: its process exited with 3 (last output: first line | last line"),
        ("crash", "ended by signal 11"),
        ("giant output", "ended by signal 25 (it wrote too large a file)"),
        ("short", "outputs.bin has 20 bytes instead of 21"),
        ("wrong outputs", "outputs.bin has CRC"),
        ("wrong exit", "its report says ok, but its process exited with 5"),
        ("status fault", "fault (last output: the runtime said)"),
        ("status watchdog", "watchdog"),
        ("status stack_overflow", "stack overflow"),
        ("status allocation_failed", "allocation failed"),
        ("status request_invalid", "request invalid"),
    ],
)
def test_what_goes_wrong_is_said(fake: MakeRunner, mode: str, reason: str) -> None:
    runner = fake(mode)
    assert reason in str(failure(runner))
    pid, folder = started(runner)
    assert not alive(pid)
    assert not folder.exists()


def test_a_failure_carries_the_message(fake: MakeRunner) -> None:
    runner = fake("status allocation_failed", message=["message=the arena is too small"])
    assert "allocation failed: the arena is too small" in str(failure(runner))


def test_a_giant_log_ends(fake: MakeRunner) -> None:
    error = failure(fake("giant log"))
    assert len(str(error)) < 1000


def test_an_operator_that_the_library_lacks(fake: MakeRunner) -> None:
    runner = fake("status unknown_op", message=["message=TILE"])
    with pytest.raises(MissingOpError, match="TILE"):
        run(runner)


def test_a_firmware_with_other_kernels(fake: MakeRunner) -> None:
    assert "built for dsp kernels, cortex-m55 has mve" in str(failure(fake("good", isa="dsp")))


def test_a_hang_ends_with_the_time_limit(fake: MakeRunner) -> None:
    runner = fake("hang")
    with runner.start(work()) as job:
        pid, folder = started(runner)
        with pytest.raises(RunnerError, match=r"no result within 0\.01 s"):
            job.outcome(time_limit_s=0.01)
        assert not alive(pid)
    assert not folder.exists()


def test_an_abandoned_run_ends(fake: MakeRunner) -> None:
    runner = fake("hang")
    with runner.start(work()):
        pid, folder = started(runner)
        assert alive(pid)
    assert not alive(pid)
    assert not folder.exists()


CALLER = """
import signal
import sys
from pathlib import Path
from tests.run.test_device import work
from tflopt.run.device import DeviceRunner
from tflopt.target.cortex_m import Target

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
executable, image = map(Path, sys.argv[1:])
with DeviceRunner("qemu", executable, image, Target.parse("cortex-m55")).start(work()) as job:
    job.outcome()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_a_caller_that_is_killed(fake: MakeRunner, number: int) -> None:
    runner = fake("hang")
    command = [sys.executable, "-c", CALLER, str(runner.executable), str(runner.image)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as caller:
        try:
            pid, folder = started(runner)
            assert alive(pid)
            caller.send_signal(number)
            caller.wait(HANG_S)
        finally:
            caller.kill()
    until(lambda: not alive(pid), "the end of the stand-in")
    until(lambda: not folder.exists(), "the end of its folder")


def test_a_missing_executable(fake: MakeRunner, tmp_path: Path) -> None:
    good = fake("good")
    runner = DeviceRunner("qemu", tmp_path / "none", good.image, good.target)
    assert "no report" in str(failure(runner))


def test_comparison_on_a_device(fake: MakeRunner) -> None:
    one = Candidate(model(), write_bytes(model()))
    verdict = compare(one, one, runner=fake("good"), options=SampleOptions(4))
    assert (verdict.status, verdict.runner, verdict.samples) == ("identical", "qemu", 4)
    assert all(report is not None and report.status == "ok" for report in verdict.devices)


def test_a_reference_on_another_device(fake: MakeRunner) -> None:
    one = Candidate(model(), write_bytes(model()))
    good, off = fake("good", name="fvp"), fake("good ", step=1)
    verdict = compare(one, one, runner=off, reference=good, options=SampleOptions(4))
    assert verdict.status == "different"
    assert verdict.runner == "qemu (the original on fvp)"
    assert verdict.mismatch is not None
    assert (verdict.mismatch.first_index, verdict.mismatch.sample) == ((0, 0), 0)


def test_a_device_that_fails_verifies_nothing(fake: MakeRunner) -> None:
    one = Candidate(model(), write_bytes(model()))
    verdict = compare(one, one, runner=fake("status fault"), options=SampleOptions(2))
    assert verdict.status == "not verified"
    assert "qemu: fault" in verdict.note


def test_split_reads_little_endian() -> None:
    n = Net()
    values = [n.input((2,), DType.INT16), n.input((1, 1), DType.INT8)]
    data = bytes([1, 0, 0, 128, 255, 2, 0, 0, 64, 5])
    found = split(data, values)
    assert [[array.tolist() for array in sample] for sample in found] == [
        [[1, -32768], [[-1]]],
        [[2, 16384], [[5]]],
    ]
