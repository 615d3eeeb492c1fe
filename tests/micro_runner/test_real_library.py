"""The firmware with a real TFLM library, where there is one; libraries.py says how to name it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.micro_runner.firmware import BOARDS, Board, Boot, boot, build_firmware, request_text
from tests.micro_runner.libraries import library_of, variable_of
from tests.rules.test_longer_states import WIDE
from tests.rules.test_write_states_in_place import HEAD, LEAK, TAIL
from tests.support.check_rule import apply
from tests.support.kit import Kit
from tests.support.paths import SHARED, TESTDATA, needs_tflm
from tests.support.runtime import runtime
from tests.support.waiting import cpu_s
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import OpCode
from tflopt.ir.parse import parse
from tflopt.rules.memory.plan_memory import PlanMemory
from tflopt.rules.memory.write_states_in_place import WriteStatesInPlace
from tflopt.run.samples import SampleOptions, make_samples
from tflopt.target.annotation import METADATA_NAME
from tflopt.target.device import Device as CostedDevice
from tflopt.target.memory import memory_of

pytestmark = [pytest.mark.device, pytest.mark.runtime]
KWS = SHARED / "kws_ref_model.tflite"
ARENAS = {"cortex-m55": 27348, "cortex-m4": 22820}
"""Bytes of arena that kws_ref_model uses with TFLM 90b983c and CMSIS-NN 4ab83cc."""
STEMS = ("ds_cnn", "two_inputs_three_outputs", "while_loop", "streaming_variables", "svdf")
"""Of these CMSIS-NN computes the same as the reference kernels; of `lstm`, for one, it doesn't."""
CPU_LIMIT_S = 3.0
NAMED = [board for board in BOARDS if library_of(board.core) is not None]


@dataclass(frozen=True)
class Device:
    """An image on its board."""

    board: Board
    image: Path
    folder: Path

    def run(self, model: bytes, inputs: bytes = b"", **keys: object) -> Boot:
        """Boot with a model; without inputs they are zeros."""
        for path in self.folder.iterdir():
            path.unlink()
        if inputs:
            keys["inputs"] = "inputs"
        files = {"model": model, "inputs": inputs}
        return boot(self.image, self.board.name, self.folder, request_text(**keys), files)


@pytest.fixture(scope="module", params=NAMED or BOARDS[-1:], ids=lambda board: board.core)
def device(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Device]:
    board: Board = request.param
    folder = library_of(board.core)
    if folder is None:
        pytest.skip(f"no TFLM library for {board.core}: {variable_of(board.core)} isn't set")
    build = tmp_path_factory.mktemp(f"tflm-{board.core}")
    image = build_firmware(build, f"-DTFLM_DIR={folder}", board=board.name)
    yield Device(board, image, tmp_path_factory.mktemp(f"boot-{board.core}"))


def test_every_core_has_a_library() -> None:
    missing = [variable_of(board.core) for board in BOARDS if board not in NAMED]
    if missing:
        pytest.skip(f"{', '.join(missing)} isn't set: these cores were not tested with TFLM")


@needs_tflm
@pytest.mark.parametrize("stem", STEMS)
def test_outputs_are_those_of_tflm_on_the_host(device: Device, stem: str) -> None:
    data = (TESTDATA / f"{stem}.tflite").read_bytes()
    samples = make_samples(read_bytes(data), SampleOptions(6))
    inputs = b"".join(array.tobytes() for sample in samples for array in sample)
    done = device.run(data, inputs, samples=6, outputs="outputs")
    assert (done.code, done.report.status) == (0, "ok")
    expected = runtime().run("tflm", data, samples)
    assert done.files["outputs"] == b"".join(a.tobytes() for row in expected for a in row)


@needs_tflm
@pytest.mark.parametrize("text", [TAIL, HEAD, LEAK, WIDE])
def test_states_that_operators_write(device: Device, text: str) -> None:
    """The outputs of the variables that they stand for, on the host, in an arena as predicted."""
    model = parse(text)
    samples = make_samples(model, SampleOptions(6))
    expected = runtime().run("tflm", write_bytes(model), samples)
    core = CostedDevice.of(device.board.core)
    apply(model, WriteStatesInPlace(plan=PlanMemory(core)))
    inputs = b"".join(array.tobytes() for sample in samples for array in sample)
    done = device.run(write_bytes(model), inputs, samples=6, outputs="outputs")
    assert done.files["outputs"] == b"".join(a.tobytes() for row in expected for a in row)
    assert done.report.arena_used_bytes == memory_of(model, core).arena.used_bytes


@pytest.mark.parametrize("stem", STEMS)
def test_plan_and_costs_hold_together(device: Device, stem: str) -> None:
    data = (TESTDATA / f"{stem}.tflite").read_bytes()
    model = read_bytes(data)
    report = device.run(data, plan=1, profile=1, least_arena=1).report
    assert report.arena_used_bytes is not None
    assert report.arena_used_bytes == (report.head_bytes or 0) + (report.tail_bytes or 0)
    assert report.head_bytes == max(b.offset_bytes + b.size_bytes for b in report.buffers)
    planned = [buffer for buffer in report.buffers if buffer.is_scratch]
    assert [-(-each.size_bytes // 16) * 16 for each in report.scratch] == [
        buffer.size_bytes for buffer in planned
    ]
    assert all(buffer.number >= 0 for buffer in report.buffers)
    assert [op.name for op in report.operators] == [op.code.name for op in model.main.ops]
    costs = sum(op.count for op in report.operators)
    assert report.total is not None
    assert costs <= report.total < costs + 500 * len(report.operators)
    assert report.least_arena_bytes is not None
    assert report.least_arena_bytes >= report.arena_used_bytes
    assert report.annotation == "absent"
    assert METADATA_NAME.encode() not in data


def test_least_arena_is_the_least(device: Device) -> None:
    data = (TESTDATA / "ds_cnn.tflite").read_bytes()
    report = device.run(data, least_arena=1).report
    least = report.least_arena_bytes or 0
    done = device.run(data, arena_bytes=least)
    assert done.report.outputs_crc32 == report.outputs_crc32
    done = device.run(data, arena_bytes=least - 16)
    assert done.report.status == "allocation_failed"
    assert done.report.log


def test_preserved_tensors(device: Device) -> None:
    data = (TESTDATA / "ds_cnn.tflite").read_bytes()
    model = read_bytes(data)
    values = list(model.main.values)
    output = values.index(model.main.outputs[0])
    names = {"tensors_out": "tensors", "outputs": "outputs"}
    done = device.run(data, b"", preserve=1, tensors=output, **names)
    assert done.files["tensors"] == done.files["outputs"]
    plain = device.run(data, outputs="outputs")
    assert plain.files["outputs"] == done.files["outputs"]


def test_unknown_operator(device: Device) -> None:
    done = device.run((TESTDATA / "upsampling1d.tflite").read_bytes())
    assert (done.code, done.report.message) == (13, "the library lacks TILE")


@pytest.mark.parametrize("cut", [0, 4, 8, 1000])
def test_cut_models(device: Device, cut: int) -> None:
    done = device.run((TESTDATA / "ds_cnn.tflite").read_bytes()[:cut])
    assert (done.code, done.report.status) == (12, "model_invalid")


def test_broken_models(device: Device) -> None:
    """Whatever is in the file: a whole report, and an exit code that says the same."""
    good = (TESTDATA / "har_cnn.tflite").read_bytes()
    rng = random.Random(11)
    codes = set()
    for attempt in range(40):
        data = bytearray(good)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        verify = attempt % 2
        done = device.run(bytes(data), verify=verify, time_limit_ms=500)
        assert done.report.status, done.console
        assert (done.code == 0) == (done.report.status == "ok")
        codes.add(done.code)
    assert codes > {0}


def test_baseline(device: Device) -> None:
    if not KWS.exists() or device.board.core not in ARENAS:
        pytest.skip("no baseline for this core, or no ../shared/models")
    start = cpu_s()
    report = device.run(KWS.read_bytes()).report
    assert cpu_s() - start < CPU_LIMIT_S
    assert report.arena_used_bytes == ARENAS[device.board.core]


def test_a_failed_check_of_tflm_ends_the_run(device: Device) -> None:
    """TFLM says HALTED and loops for ever; its MAXIMUM checks that no rank is above 4."""
    net = Kit()
    x = net.dequantize(net.feed(1, 1, 2, 3, 4))
    net.output(net.binary(OpCode.MAXIMUM, x, x))
    start = cpu_s()
    done = device.run(write_bytes(net.model))
    assert (done.code, done.report.status) == (19, "aborted")
    assert "a failed check of TFLM" in done.report.message
    assert cpu_s() - start < CPU_LIMIT_S
