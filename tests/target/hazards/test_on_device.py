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
from tflopt.target.cmsis_nn.versions import V4AB83CC, find_version
from tflopt.target.device import Device
from tflopt.target.hazards import Evidence, Hazard, find_hazards, hazards
from tflopt.target.probe import read_versions

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


@pytest.fixture(scope="module")
def device(core: str) -> Device:
    """As the library says it is: a defect that its version has mended isn't looked for."""
    library = library_of(core)
    named = {} if library is None else read_versions(library)
    return Device.of(core, find_version(named.get("cmsis_nn", V4AB83CC.name)))


@pytest.mark.parametrize("hazard", hazards(), ids=lambda hazard: hazard.name)
def test_is_wrong_before_and_right_after(
    core: str, runner: DeviceRunner, device: Device, hazard: Hazard
) -> None:
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
    runner: DeviceRunner, device: Device
) -> None:
    assert check_grid(runner, device)
