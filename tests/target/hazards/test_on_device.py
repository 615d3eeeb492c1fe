"""Known defects on emulated cores, where a TFLM library is at hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.hazards import check_grid, outputs, reference, verdict
from tests.micro_runner.libraries import library_of, variable_of
from tests.support.hazards import hazard_model
from tflopt.config import Config
from tflopt.rules.pipeline import run_pipeline
from tflopt.run.choose import DeviceOptions, device_runner
from tflopt.run.device import DeviceRunner
from tflopt.run.emulators import QEMU
from tflopt.target import Target
from tflopt.target.cmsis_nn.versions import V4AB83CC
from tflopt.target.device import Device
from tflopt.target.hazards import Evidence, Hazard, find_hazards, hazards

pytestmark = [pytest.mark.device, pytest.mark.runtime]
CORES = ("cortex-m4", "cortex-m55")


@pytest.fixture(scope="module", params=CORES)
def core(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if library_of(name) is None:
        pytest.skip(f"no TFLM library for {name}: {variable_of(name)} isn't set")
    if shutil.which(QEMU) is None:
        pytest.skip(f"{QEMU} is not installed")
    return name


@pytest.fixture(scope="module")
def runner(core: str, tmp_path_factory: pytest.TempPathFactory) -> DeviceRunner:
    cache: Path = tmp_path_factory.mktemp("images")
    options = DeviceOptions(Target.parse(core), library_of(core), cache=cache)
    return device_runner("qemu", options)


@pytest.mark.parametrize("hazard", hazards(), ids=lambda hazard: hazard.name)
def test_is_wrong_before_and_right_after(core: str, runner: DeviceRunner, hazard: Hazard) -> None:
    device = Device.of(core, V4AB83CC)
    model, optimized = hazard_model(hazard.name), hazard_model(hazard.name)
    if not find_hazards(model, device):
        pytest.skip(f"{core} doesn't meet it")
    expected = reference(model, hazard)
    if hazard.evidence is not Evidence.SOURCE and not hazard.needs:
        assert verdict(outputs(runner, model, model), expected) != "right"
    if hazard.rule is None:
        return
    run_pipeline(optimized, config=Config(device=device))
    assert verdict(outputs(runner, optimized, model), expected) in ("right", "runs")


def test_the_predicate_for_rows_has_no_false_alarm_and_no_miss(
    core: str, runner: DeviceRunner
) -> None:
    assert check_grid(runner, Device.of(core, V4AB83CC))
