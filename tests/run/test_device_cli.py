"""``validate``, ``bench``, ``optimize`` and ``check`` on a device that a stand-in plays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.run.conftest import write_image
from tests.support.cli import Cli
from tests.support.graphs import Net
from tflopt.io import write_bytes
from tflopt.run.environment import library_variable
from tflopt.target.cortex_m import Target
from tflopt.target.cost.predict import INVOKE_OVERHEAD, OPERATOR_OVERHEAD

pytestmark = pytest.mark.unit
OPERATORS = [("total", 1000), ("op", "0,RELU,100"), ("op", "1,FULLY_CONNECTED,850")]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Four bytes in, three out: RELU and FULLY_CONNECTED."""
    n = Net()
    n.output(n.dense(n.relu(n.feed(1, 4)), 3))
    path = tmp_path / "model.tflite"
    path.write_bytes(write_bytes(n.model))
    return path


@pytest.fixture
def image(tmp_path: Path, emulators: Path) -> Path:
    """A firmware that works."""
    return write_image(tmp_path, "good", 3, facts=OPERATORS)


def test_validate_on_qemu(cli: Cli, model: Path, image: Path, tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    ran = cli(
        *("validate", model, model, "--runner", "qemu", "--firmware", image),
        *("--samples", 5, "--report", report),
    )
    assert (ran.code, ran.err) == (0, "")
    assert "identical on qemu: 1 output, 5 inputs in a row" in ran.out
    assert "cortex-m55 on mps3-an547, cmsis_nn, 12.2" in ran.out
    data = json.loads(report.read_text())
    assert data["verification"]["runner"] == "qemu"
    assert [each["total"] for each in data["devices"]] == [1000, 1000]
    assert data["devices"][0]["unit"] == "instructions"
    assert data["target"] == "cortex-m55"


def test_a_wrong_prediction_is_shown(cli: Cli, model: Path, tmp_path: Path, image: Path) -> None:
    ran = cli("bench", model, "--json", "--firmware", image)
    first = json.loads(ran.out)["models"][0]["device"]
    predicted = {fact["name"]: fact["predicted"] for fact in first["memory"]}
    assert first["differences"] == []
    facts = [("arena_used", predicted["arena used"]), ("head", predicted["head"])]
    facts += [("tail", predicted["tail"] + 16), ("least_arena", predicted["arena used"] - 16)]
    other = write_image(tmp_path, "good ", 3, facts=[*OPERATORS, *facts])
    ran = cli("bench", model, "--firmware", other)
    assert f"tail: predicted {predicted['tail']:,}, used {predicted['tail'] + 16:,}" in ran.out
    assert "head: predicted" not in ran.out
    assert "least arena: predicted" not in ran.out  # a bound
    ran = cli("bench", model, "--firmware", other, "--json")
    assert len(json.loads(ran.out)["models"][0]["device"]["differences"]) == 1


def test_bench(cli: Cli, model: Path, image: Path) -> None:
    ran = cli("bench", model, "--firmware", image)
    assert (ran.code, ran.err) == (0, "")
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["1", "FULLY_CONNECTED", "850", "89.5", "%", "arm_fully_connected_s8"] in lines
    assert ["total", "1,000"] in lines
    data = json.loads(cli("bench", model, "--firmware", image, "--json").out)
    assert (data["target"], data["models"][0]["total"]) == ("cortex-m55", 1000)
    assert [op["operator"] for op in data["models"][0]["operators"]] == ["RELU", "FULLY_CONNECTED"]
    assert data["models"][0]["operators"][1]["share"] == pytest.approx(850 / 950)


def test_bench_of_two_has_both_columns(cli: Cli, model: Path, image: Path) -> None:
    ran = cli("bench", model, model, "--firmware", image)
    assert ran.code == 0
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["FULLY_CONNECTED", "1", "850", "1", "850"] in lines
    assert ["total", "2", "1,000", "2", "1,000"] in lines
    assert len(json.loads(cli("bench", model, model, "--firmware", image, "--json").out)["models"])


def test_bench_needs_no_device_to_predict(cli: Cli, model: Path) -> None:
    ran = cli("bench", model, "--runner", "predicted", "--target", "cortex-m0", "--json")
    assert ran.code == 0
    data = json.loads(ran.out)["models"][0]
    assert data["unit"] == "instructions"
    operators = data["operators"]
    overhead = INVOKE_OVERHEAD + OPERATOR_OVERHEAD * len(operators)
    assert data["total"] == sum(op["count"] for op in operators) + overhead > overhead
    assert "measured kernels" in data["note"]
    assert cli("bench", model, "--runner", "predicted").code == 0


def test_another_core_that_stands_in_is_named(cli: Cli, model: Path, image: Path) -> None:
    ran = cli("validate", model, model, "--runner", "qemu", "--firmware", image, "-t", "cortex-m85")
    assert ran.code == 0
    assert "there is no emulated cortex-m85: its firmware ran on a cortex-m55" in ran.out


def test_optimize_verifies_on_qemu(cli: Cli, model: Path, image: Path) -> None:
    ran = cli("optimize", model, "--runner", "qemu", "--firmware", image, "--report", "-")
    assert ran.code == 0
    assert json.loads(ran.out)["verification"]["runner"] == "qemu"


def test_a_device_that_fails_is_exit_code_4(
    cli: Cli, model: Path, tmp_path: Path, emulators: Path
) -> None:
    bad = write_image(tmp_path, "status fault", 3, message=["message=at address 0"])
    ran = cli("validate", model, model, "--runner", "qemu", "--firmware", bad)
    assert ran.code == 4
    assert "not verified: qemu: fault: at address 0" in ran.out
    ran = cli("bench", model, "--firmware", bad)
    assert ran.code == 4
    assert "runner qemu: fault: at address 0" in ran.only_error
    lacks = write_image(tmp_path, "status unknown_op", 3, message=["message=TILE"])
    assert "its library has no operator TILE" in cli("bench", model, "--firmware", lacks).only_error


def test_what_is_missing_is_said(cli: Cli, model: Path, emulators: Path, tmp_path: Path) -> None:
    ran = cli("validate", model, model, "--runner", "qemu", "--target", "cortex-m33+nodsp")
    assert ran.code == 2
    assert "--tflm-lib DIR, or TFLOPT_TFLM_LIB_CORTEX_M33_NODSP" in ran.only_error
    ran = cli("bench", model, "--firmware", tmp_path / "none.elf")
    assert (ran.code, "no such file" in ran.only_error) == (2, True)
    ran = cli("bench", model, "--runner", "tflm")
    assert (ran.code, "known: auto, qemu, fvp, predicted" in ran.only_error) == (2, True)
    ran = cli("validate", model, model, "--runner", "tflm", "--firmware", model)
    assert (ran.code, "--firmware needs --runner qemu or fvp" in ran.only_error) == (2, True)


def test_a_missing_emulator_is_exit_code_4(
    cli: Cli, model: Path, image: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, what in (("qemu", "install QEMU"), ("fvp", "install Arm's Corstone-300 FVP")):
        ran = cli("validate", model, model, "--runner", name, "--firmware", image)
        assert ran.code == 4
        assert what in ran.only_error


def test_the_environment_names_the_library(
    cli: Cli, model: Path, emulators: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFLOPT_TFLM_LIB_CORTEX_M55", str(tmp_path / "nowhere"))
    ran = cli("bench", model)
    assert ran.code == 2
    assert f"{tmp_path / 'nowhere'}: no such folder" in ran.only_error
    assert library_variable(Target.parse("cortex-m55+nomve")) == "TFLOPT_TFLM_LIB_CORTEX_M55_NOMVE"


def test_check_on_a_device(cli: Cli, model: Path, image: Path, tmp_path: Path) -> None:
    config = tmp_path / "tflopt.toml"
    config.write_text(
        f'runner = "qemu"\nfirmware = "{image.name}"\n[[model]]\npath = "{model.name}"\n'
    )
    ran = cli("check", config, "--json")
    assert ran.code == 0, ran.err
    config.write_text(f'firmware = "{image.name}"\n[[model]]\npath = "{model.name}"\n')
    assert "firmware needs runner = 'qemu' or 'fvp'" in cli("check", config).only_error
