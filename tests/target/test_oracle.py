"""tflopt's buffer sizes against CMSIS-NN's own; the large run is benchmarks/scratch_oracle.py."""

from __future__ import annotations

import ctypes
import dataclasses
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import typer
from typer.testing import CliRunner

from tflopt.target.cmsis_nn.versions import VERSIONS, Version
from tflopt.target.cortex_m import Isa

pytestmark = pytest.mark.unit
LAYERS = 20_000


def _load_benchmark() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "scratch_oracle.py"
    spec = importlib.util.spec_from_file_location("scratch_oracle", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scratch_oracle"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


oracle = _load_benchmark()
app = typer.Typer()
app.command()(oracle.main)


@pytest.fixture(scope="module")
def library() -> tuple[ctypes.CDLL, list[str]]:
    path = oracle.find_library()
    if path is None:
        pytest.skip("executorch is not installed: pip install --no-deps executorch==1.5.1")
    loaded = ctypes.CDLL(str(path))
    return loaded, oracle.exported(path, loaded)


Library = tuple[ctypes.CDLL, list[str]]


def test_no_difference_and_no_function_left_out(library: Library) -> None:
    rows = list(oracle.compare(*library, LAYERS, 2))
    assert {row.symbol for row in rows} == set(library[1])
    assert {row.symbol: row.example for row in rows if row.differences} == {}
    assert len(rows) >= 49
    assert all(row.layers >= LAYERS // 50 for row in rows)


def test_the_oracle_is_newer_than_7_0_0(library: Library) -> None:
    """It compares channels in its size functions, as versions before commit c01c0a14 don't."""
    differences = oracle.agreeing_versions(*library, 3)
    equal = {version.name: version.sizes_check_channels for version in VERSIONS}
    assert {name: not count for name, count in differences.items()} == equal


def _broken(change: Callable[[int], int]) -> Callable[..., tuple[oracle.Kind, ...]]:  # type: ignore[name-defined]
    def build(name: str) -> tuple[oracle.Kind, ...]:  # type: ignore[name-defined]
        return tuple(
            dataclasses.replace(
                kind,
                sizes={
                    key: (lambda c, i, v, size=size: change(size(c, i, v))) if key == name else size
                    for key, size in kind.sizes.items()
                },
            )
            for kind in oracle.KINDS
        )

    return build


@pytest.mark.parametrize("kind", oracle.KINDS, ids=lambda kind: next(iter(kind.sizes)))
def test_catches_a_size_that_is_wrong_by_one(library: Library, kind: oracle.Kind) -> None:  # type: ignore[name-defined]
    for name in kind.sizes:
        kinds = _broken(lambda size: size + 1)(name)
        wrong = {r.symbol for r in oracle.compare(*library, 500, 1, kinds) if r.differences}
        assert wrong == {s for s in library[1] if oracle.split(s)[0] == name}


def test_catches_python_remainders(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """C's ``%`` keeps the dividend's sign; VALID rows with stride 2 have a total of -1."""
    module = oracle.conv
    monkeypatch.setattr(module, "c_remainder", lambda a, b: a % b)
    wrong = [r for r in oracle.compare(*library, LAYERS, 1) if r.differences]
    assert "arm_convolve_wrapper_s8_get_buffer_size_mve" in {r.symbol for r in wrong}


def test_catches_an_off_by_one_threshold(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle.tconv, "REVERSE_CHANNEL_THRESHOLD", 17)
    assert any(row.differences for row in oracle.compare(*library, LAYERS, 1))


def test_the_command_exits_with_0(library: Library) -> None:
    del library
    result = CliRunner().invoke(app, ["--layers", "1000", "--seed", "5"])
    assert result.exit_code == 0, result.output
    assert "seed 5: 1000 layers, 49 functions" in result.output
    assert "unlike 7.0.0" in result.output


def test_the_command_exits_with_1_on_a_difference(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    del library
    monkeypatch.setattr(oracle.dw, "CH_IN_BLOCK_MVE", 128)
    result = CliRunner().invoke(app, ["--layers", "1000"])
    assert result.exit_code == 1
    assert "first: Case(" in result.output


def test_the_command_exits_with_1_on_a_function_nobody_compares(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    del library
    monkeypatch.setattr(oracle, "KINDS", oracle.KINDS[1:])
    monkeypatch.setattr(oracle.compare, "__defaults__", (oracle.KINDS, oracle.NEWEST))
    result = CliRunner().invoke(app, ["--layers", "1000"])
    assert result.exit_code == 1
    assert "not compared: arm_convolve_wrapper_s8_get_buffer_size" in result.output


class FakeLibrary:
    """Answers like tflopt itself, but for one symbol: the comparison works without the wheel."""

    def __init__(self, version: Version, wrong_by: int) -> None:
        self.version, self.wrong_by = version, wrong_by

    def arm_avgpool_s8_get_buffer_size_dsp(self, output_w: int, channels: int) -> int:
        del output_w
        return 4 * channels + self.wrong_by


@pytest.mark.parametrize("wrong_by", [0, 4])
def test_counts_differences_without_the_wheel(wrong_by: int) -> None:
    library = FakeLibrary(VERSIONS[-1], wrong_by)
    (row,) = oracle.compare(library, ["arm_avgpool_s8_get_buffer_size_dsp"], 1000, 1)
    assert row.isa is Isa.DSP
    assert row.layers == 30
    assert row.differences == (30 if wrong_by else 0)


def test_the_names_of_exported_functions_are_split() -> None:
    assert oracle.split("arm_convolve_wrapper_s8_get_buffer_size_mve") == (
        "convolve_wrapper_s8_get",
        Isa.MVE,
    )
    assert oracle.split("arm_transpose_conv_s8_get_reverse_conv_buffer_size") == (
        "transpose_conv_s8_get_reverse_conv",
        Isa.SCALAR,
    )
