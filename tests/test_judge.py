"""``benchmarks/judge.py``: independent, and able to find a fault."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks import judge as judging
from benchmarks.judge import OPTIONS, Finding, Judge, Verdict, compose, interface, labels
from tests.rules.test_drop_initialization import Stream
from tests.support.paths import ROOT, needs_tflm
from tests.support.runtime import Outputs
from tflopt.config import Config
from tflopt.config import Runtime as Loader
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import DType, Model
from tflopt.ir.clone import clone
from tflopt.ir.verify import flaws
from tflopt.rules.pipeline import run_pipeline

pytestmark = pytest.mark.runtime
FORBIDDEN = ("tflopt.rules", "tflopt.plan", "tflopt.layout", "tflopt.verify", "tflopt.facts")


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    made = Judge()
    yield made
    made.stop()


def test_it_shares_nothing_with_what_it_judges() -> None:
    files = [ROOT / "benchmarks" / "judge.py", *(ROOT / "benchmarks" / "judging").glob("*.py")]
    assert len(files) == 8
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.startswith(FORBIDDEN)], path


def test_models_are_sound_differ_and_repeat() -> None:
    data = [write_bytes(compose(seed)) for seed in range(60)]
    assert len(set(data)) == 60
    assert write_bytes(compose(7)) == data[7]
    models = [read_bytes(each) for each in data]
    assert not [flaw for model in models for flaw in flaws(model)]
    codes = {op.opcode.label for model in models for op in model.ops()}
    assert len(codes) >= 50
    assert {len(value.shape) for model in models for value in model.main.inputs} >= {2, 3, 4, 5}
    assert any(len(model.graphs) > 1 for model in models)


def test_lookups_and_int16_come_up_and_what_tflm_lacks_is_spelled_out() -> None:
    """TILE and SELECT, which TFLM lacks, have a twin that it runs: with the same ports."""
    codes, kinds, twins = set[str](), set[DType](), 0
    for seed in range(150):
        model, spelled = compose(seed), compose(seed, spelled=True)
        lacking = labels(model) & {"TILE", "SELECT"}
        assert not labels(spelled) & {"TILE", "SELECT"}
        assert interface(model) == interface(spelled)
        assert lacking or write_bytes(model) == write_bytes(spelled)
        twins += bool(lacking)
        codes |= labels(model)
        kinds |= {value.dtype for value in model.main.inputs}
    assert {"TILE", "SELECT", "ARG_MAX", "GATHER_ND", "ADD_N"} <= codes
    assert {DType.INT8, DType.INT16} <= kinds
    assert twins >= 10


def test_progress_is_told_and_a_finding_is_kept(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def examine(seed: int) -> Finding:
        return Finding(seed, Verdict("different" if seed == 2 else "same"), Config())

    monkeypatch.setattr(judging, "examine", examine)
    monkeypatch.setattr(judging, "TOLD_EVERY", 2)
    assert judging.main(["--count", "4", "--keep", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert said.err.splitlines() == ["2 of 4", "4 of 4"]
    assert "seed 2: different" in said.out
    assert said.out.endswith("4 models from seed 0: same 3, different 1\n")
    assert [path.name for path in tmp_path.iterdir()] == ["2.tflite"]
    assert judging.main(["--count", "2", "--keep", str(tmp_path)]) == 0


def test_every_combination_comes_up() -> None:
    assert len({seed * 7919 % len(OPTIONS) for seed in range(len(OPTIONS))}) == len(OPTIONS)


@pytest.mark.long
@needs_tflm
@pytest.mark.parametrize("seed", range(12))
def test_results_are_the_same(judge: Judge, seed: int) -> None:
    verdict = judge.judge(compose(seed), OPTIONS[seed * 7919 % len(OPTIONS)], seed)
    assert verdict.kind in ("same", "declined", "refused", "undefined"), verdict


@needs_tflm
def test_variables_run_without_a_subgraph_that_starts_them(judge: Judge) -> None:
    """``drop-initialization`` leaves such results; the runtime must make the variables."""
    model, _ = Stream().build()
    model.main.outputs.append(model.main.ops[2].output)  # what is read must be seen as it was
    config = Config(runtime=Loader.TFLM)
    copy = clone(model)
    run_pipeline(copy, config=config)
    assert len(copy.graphs) == 1
    assert "VAR_HANDLE" in labels(copy)
    assert judge.judge(model, config, 0).kind == "same"


@needs_tflm
def test_a_fault_is_found(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """One weight of the first layer with weights is off by a few steps."""

    def damaged(model: Model, *, config: Config) -> Model:
        copy = clone(model)
        for op in copy.main.ops:
            value = op.input(1)
            if value is not None and value.has_data and value.dtype is DType.INT8:
                assert value.buffer is not None
                value.buffer.data = np.bitwise_xor(value.array().view(np.uint8).reshape(-1), 0x70)
                break
        return copy

    monkeypatch.setattr(judging, "optimize", damaged)
    kinds = [judge.judge(compose(seed), Config(), seed).kind for seed in range(12)]
    assert kinds.count("different") >= 4


@needs_tflm
def test_an_original_that_differs_from_itself_is_set_aside(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(self: Judge, model: Model, data: bytes, feed: Outputs) -> Iterator[Outputs]:
        for number in (0, 1):
            yield [[np.full(1, number, np.int8)]]

    monkeypatch.setattr(Judge, "run", run)
    assert judge.judge(compose(0), Config(), 0).kind == "undefined"
