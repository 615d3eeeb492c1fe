"""Comparison on emulated cores with a real TFLM library, where there is one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests.micro_runner.libraries import library_of, variable_of
from tests.support.paths import SHARED, TESTDATA, needs_tflm
from tests.support.waiting import cpu_s
from tests.verify.test_layers import break_layer
from tflopt.config import Config
from tflopt.io import read_bytes
from tflopt.product.bench import measure
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.product.validation import OVERLAP_NOTE, validate_files
from tflopt.report.device import device_facts
from tflopt.run.choose import DeviceOptions, device_runner
from tflopt.run.device import DeviceRunner
from tflopt.run.emulators import QEMU
from tflopt.run.samples import SampleOptions
from tflopt.target.cortex_m import Target
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest
from tflopt.verify.compare import Candidate, Verification

pytestmark = [pytest.mark.device, pytest.mark.runtime]
FEW = SampleOptions(4)
CORES = ("cortex-m4", "cortex-m55")
STEMS = (
    *("conv1d_pairs", "ds_cnn", "if_branches", "lstm", "mobilenet_v2", "streaming_variables"),
    *("svdf", "torch_cnn", "two_inputs_three_outputs", "unet", "while_loop"),
)
CPU_LIMIT_S = 3.0


@cache
def runner_for(core: str, cache_folder: Path) -> DeviceRunner:
    library = library_of(core)
    assert library is not None
    options = DeviceOptions(Target.parse(core), library, least_arena=True, cache=cache_folder)
    return device_runner("qemu", options)


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where images are built, once for the session."""
    yield tmp_path_factory.mktemp("images")


def device_of(core: str, images: Path) -> DeviceRunner:
    """QEMU with the core's library, or a skip that names what is missing."""
    if library_of(core) is None:
        pytest.skip(f"no TFLM library for {core}: {variable_of(core)} isn't set")
    if shutil.which(QEMU) is None:
        pytest.skip(f"{QEMU} is not installed")
    return runner_for(core, images)


@pytest.fixture(params=CORES)
def runner(request: pytest.FixtureRequest, images: Path) -> DeviceRunner:
    core: str = request.param
    return device_of(core, images)


@pytest.fixture
def m55(images: Path) -> DeviceRunner:
    return device_of("cortex-m55", images)


def optimized(data: bytes, device: Device, overlap: str = "") -> Candidate:
    config = Config(device=device, plan=PlanRequest(overlap=overlap))
    result = optimize_file_bytes(read_bytes(data), data, Settings(config=config, samples=None))
    return Candidate(read_bytes(result.data), result.data)


def original(data: bytes) -> Candidate:
    return Candidate(read_bytes(data), data)


def differences(verdict: Verification, pair: list[Candidate], device: Device) -> list[str]:
    found: list[str] = []
    for candidate, report in zip(pair, verdict.devices, strict=True):
        assert report is not None
        assert report.arena_used_bytes
        found += device_facts(candidate.model, report, device).differences
    return found


@pytest.mark.parametrize("stem", STEMS)
def test_outputs_are_identical_and_memory_is_as_predicted(runner: DeviceRunner, stem: str) -> None:
    data = (TESTDATA / f"{stem}.tflite").read_bytes()
    device = Device(runner.target)
    pair = [original(data), optimized(data, device)]
    verdict = validate_files(*pair, runner=runner, samples=FEW, layers=True)
    assert verdict.status == "identical", verdict
    assert differences(verdict, pair, device) == []


@needs_tflm
@pytest.mark.parametrize("stem", [stem for stem in STEMS if stem != "lstm"])
def test_a_device_computes_what_the_host_does(runner: DeviceRunner, stem: str) -> None:
    data = (TESTDATA / f"{stem}.tflite").read_bytes()
    pair = [original(data), optimized(data, Device(runner.target))]
    held = validate_files(*pair, runner=runner, samples=FEW, reference="tflm")
    assert held.status == "identical", held


@needs_tflm
def test_an_lstm_of_cmsis_nn_forgets_its_cell_state(runner: DeviceRunner) -> None:
    """It clears the cell state before each invocation, the reference kernel carries it on."""
    one = original((TESTDATA / "lstm.tflite").read_bytes())
    first = SampleOptions(1)
    held = validate_files(one, one, runner=runner, samples=first, reference="tflm")
    assert held.status == "identical"
    held = validate_files(one, one, runner=runner, samples=FEW, reference="tflm")
    assert held.mismatch is not None
    assert held.mismatch.sample == 1
    assert held.layer is not None
    assert held.layer.operator == "UNIDIRECTIONAL_SEQUENCE_LSTM"


@needs_tflm
def test_a_strided_conv1d_is_wrong_on_m55_until_it_is_optimized(m55: DeviceRunner) -> None:
    data = (TESTDATA / "conv1d_stride2.tflite").read_bytes()
    pair = [original(data), optimized(data, Device(m55.target))]
    verdict = validate_files(pair[0], pair[0], runner=m55, reference="tflm", samples=FEW)
    assert verdict.status == "different"
    assert verdict.layer is not None
    assert (verdict.layer.operator, verdict.layer.operator_index) == ("CONV_2D", 1)
    assert validate_files(*pair, runner=m55, reference="tflm", samples=FEW).status == "identical"


@needs_tflm
def test_it_is_right_on_m4(images: Path) -> None:
    one = original((TESTDATA / "conv1d_stride2.tflite").read_bytes())
    runner = device_of("cortex-m4", images)
    assert validate_files(one, one, runner=runner, reference="tflm").status == "identical"


@pytest.mark.parametrize("number", [1, 5])
def test_wrong_weights_are_found_at_their_layer(runner: DeviceRunner, number: int) -> None:
    data = (TESTDATA / "ds_cnn.tflite").read_bytes()
    good = optimized(data, Device(runner.target))
    broken, label, index = break_layer(good.data, number)
    verdict = validate_files(original(data), original(broken), runner=runner, samples=FEW)
    assert verdict.status == "different"
    assert verdict.layer is not None, verdict.layer_note
    assert (verdict.layer.operator, verdict.layer.operator_index) == (label, index)


def test_a_plan_that_only_the_device_can_run_is_run_there(m55: DeviceRunner) -> None:
    data = (TESTDATA / "mobilenet_v2.tflite").read_bytes()
    device = Device(m55.target)
    plain, overlapping = optimized(data, device), optimized(data, device, "target")
    verdict = validate_files(original(data), overlapping, runner=m55, samples=FEW)
    assert verdict.status == "identical"
    assert OVERLAP_NOTE not in verdict.note
    planned = verdict.devices[1]
    assert planned is not None
    without = validate_files(original(data), plain, runner=m55, samples=FEW).devices[1]
    assert without is not None
    assert (planned.head_bytes or 0) < (without.head_bytes or 0)
    assert differences(verdict, [original(data), overlapping], device) == []


def test_an_operator_that_the_library_lacks_is_named(runner: DeviceRunner) -> None:
    one = original((TESTDATA / "upsampling1d.tflite").read_bytes())
    verdict = validate_files(one, one, runner=runner, samples=FEW)
    assert verdict.status == "not verified"
    assert verdict.note == "qemu has no operator TILE"


def test_a_boot_and_an_inference_take_under_3_seconds(m55: DeviceRunner) -> None:
    path = SHARED / "kws_ref_model.tflite"
    if not path.exists():
        pytest.skip("no shared models")
    data = path.read_bytes()
    quick = replace(m55, least_arena=False)
    start = cpu_s()
    (result,) = measure([(read_bytes(data), data)], quick)
    assert cpu_s() - start < CPU_LIMIT_S
    assert result.unit == "instructions"
    assert sum(op.count for op in result.operators) <= result.total
    assert [op.index for op in result.operators] == list(range(len(result.operators)))
