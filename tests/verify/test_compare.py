"""Verification: what differs is found, what can't be run is never called identical."""

from __future__ import annotations

import dataclasses
import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from tests.support.cli import Cli
from tests.support.graphs import QUANT, Net
from tests.support.paths import TESTDATA, needs_litert, needs_tflm, present
from tflopt.errors import RunnerError, UnsupportedError
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import DType, Model, Op, OpCode, OperatorCode
from tflopt.ir.options import SoftmaxOptions, TileOptions
from tflopt.rewrite import Rewriter, Rule
from tflopt.rules import course, registry
from tflopt.run import runner as runner_module
from tflopt.run import samples as samples_module
from tflopt.run.runner import Job, Work
from tflopt.run.samples import SampleOptions, make_samples
from tflopt.verify import compare as compare_module
from tflopt.verify.compare import Candidate, Verification, compare

pytestmark = pytest.mark.runtime
FEW = SampleOptions(6)
RUNNERS = [
    pytest.param("tflm", marks=needs_tflm),
    pytest.param("litert", marks=needs_litert),
]


def candidate(model: Model) -> Candidate:
    return Candidate(model, write_bytes(model))


def against(one: Model, two: Model, runner: str, options: SampleOptions = FEW) -> Verification:
    return compare(candidate(one), candidate(two), runner=runner, options=options)


def two_outputs(step: int = 0) -> Model:
    """The second output comes from a layer with one weight that is off by ``step``."""
    n = Net()
    x = n.relu(n.feed(1, 4))
    n.output(n.relu(x), n.dense(x, 3))
    weights = n.graph.ops[-1].inputs[1]
    assert weights is not None
    assert weights.buffer is not None
    data = np.full(12, 3, np.int8)
    data[5] += step
    weights.buffer.data = data.view(np.uint8)
    return n.model


@pytest.mark.parametrize("runner", RUNNERS)
def test_equal_models_are_identical(runner: str) -> None:
    verdict = against(two_outputs(), two_outputs(), runner)
    assert verdict.status == "identical"
    assert (verdict.runner, verdict.samples, verdict.outputs) == (runner, 6, 2)
    assert verdict.mismatch is None


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_flipped_weight_is_found_and_named(runner: str) -> None:
    one, two = two_outputs(), two_outputs(step=40)
    two.main.outputs[1].name = "scores"
    verdict = against(one, two, runner)
    assert verdict.status == "different"
    found = verdict.mismatch
    assert found is not None
    assert found.output == "output 1 (scores)"
    assert found.first_index == (0, 1)
    assert found.count == 1
    assert found.max_diff > 0
    assert found.runner == runner
    assert "[0, 1]" in str(found)


@needs_tflm
def test_an_inner_difference_that_saturation_hides_is_found() -> None:
    """The output is clamped to one value; only the inner tensor tells."""

    def build(step: int) -> bytes:
        n = Net()
        y = n.dense(n.relu(n.feed(1, 4)), 2)
        flat = n.op(OpCode.QUANTIZE, [y], (1, 2), quant=(1e6, 0), version=2)
        n.output(flat)
        weights = n.graph.ops[1].inputs[1]
        assert weights is not None
        assert weights.buffer is not None
        weights.buffer.data = np.full(8, 20 + step, np.int8).view(np.uint8)
        return write_bytes(n.model)

    # Read from a file, so that values know where they came from.
    one, two = (read_bytes(build(step)) for step in (0, 9))
    derived = dataclasses.replace(candidate(two), derived=True)
    assert against(one, two, "tflm").status == "identical"
    verdict = compare(candidate(one), derived, runner="tflm", options=FEW)
    assert verdict.status == "different"
    assert verdict.mismatch is not None
    assert verdict.mismatch.output.startswith("inner tensor")


def test_different_interfaces_are_a_mismatch() -> None:
    n = Net()
    n.output(n.relu(n.feed(1, 4)))
    verdict = against(two_outputs(), n.model, "auto")
    assert verdict.status == "different"
    assert "different outputs" in str(verdict.mismatch)


# --- What can't be run.


@needs_tflm
def test_a_runtime_that_aborts_verifies_nothing() -> None:
    n = Net()
    x = n.relu(n.feed(1, 1800))
    quant = (1 / 256, -128)
    n.output(
        n.op(OpCode.SOFTMAX, [x], x.shape, options=SoftmaxOptions(1.0), quant=quant, version=2)
    )
    verdict = against(n.model, n.model, "tflm")
    assert verdict.status == "not verified"
    assert "ended by signal" in verdict.note
    assert verdict.mismatch is None


def with_tile() -> Model:
    n = Net()
    x = n.relu(n.feed(1, 4))
    y = n.op(OpCode.TILE, [x, n.constant([1, 2])], (1, 8), options=TileOptions(), version=2)
    n.output(y)
    return n.model


@needs_tflm
def test_a_missing_operator_is_named() -> None:
    verdict = against(with_tile(), with_tile(), "tflm")
    assert verdict.status == "not verified"
    assert "TILE" in verdict.note


@needs_tflm
@needs_litert
def test_auto_falls_back_to_litert_and_says_why() -> None:
    verdict = against(with_tile(), with_tile(), "auto")
    assert (verdict.status, verdict.runner) == ("identical", "litert")
    assert "tflm has no operator TILE" in verdict.note


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_custom_operator_is_named(runner: str) -> None:
    n = Net()
    x = n.relu(n.feed(1, 4))
    n.output(*n.custom(OperatorCode(32, "MyOperator"), [x], [(1, 4)]))
    verdict = against(n.model, n.model, runner)
    assert verdict.status == "not verified"
    assert "MyOperator" in verdict.note


@needs_tflm
def test_an_optimized_model_that_does_not_run_is_a_mismatch() -> None:
    """The original runs: it must be the rewriting."""
    n = Net()
    x = n.relu(n.feed(1, 4))
    n.output(*n.custom(OperatorCode(32, "MyOperator"), [x], [(1, 4)]))
    m = Net()
    m.output(m.relu(m.relu(m.feed(1, 4))))
    verdict = against(m.model, n.model, "tflm")
    assert verdict.status == "different"
    assert "MyOperator" in str(verdict.mismatch)


def test_no_runner_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_module, "available", lambda name: False)
    for runner in ("auto", "tflm", "litert"):
        with pytest.raises(RunnerError, match=r"pip install 'tflopt\[verify\]'") as caught:
            against(two_outputs(), two_outputs(), runner)
        assert caught.value.exit_code == 4


@needs_litert
def test_without_tflm_litert_is_used_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_module, "available", lambda name: name == "litert")
    verdict = against(two_outputs(), two_outputs(), "auto")
    assert (verdict.status, verdict.runner) == ("identical", "litert")


@pytest.mark.usefixtures("alone")
def test_a_runner_that_takes_too_long_is_killed() -> None:
    model = two_outputs()
    samples = make_samples(model, FEW)
    with Job("tflm", Work(model, write_bytes(model), samples)) as job:
        folder = job.path
        with pytest.raises(RunnerError, match="no result within"):
            job.outcome(time_limit_s=0.001)
        assert job.process.returncode == -signal.SIGKILL
    assert not folder.exists()


@pytest.mark.usefixtures("alone")
def test_an_abandoned_job_is_ended() -> None:
    model = two_outputs()
    with Job("tflm", Work(model, write_bytes(model), make_samples(model, FEW))) as job:
        process = job.process
    assert process.poll() is not None


def test_available_knows_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(runner_module.PACKAGES, "tflm", "no_such_package")
    assert not runner_module.available("tflm")
    assert runner_module.available("litert") == present("ai_edge_litert")


# --- State.


@needs_tflm
def test_state_is_compared_over_invocations_in_a_row() -> None:
    """Another start value of the state shows only through what is carried over."""
    path = TESTDATA / "streaming_variables.tflite"
    data = path.read_bytes()
    model = read_bytes(data)
    same = compare(Candidate(model, data), candidate(model), runner="tflm", options=FEW)
    assert same.status == "identical"
    reads = [op for graph in model.graphs for op in graph.ops if op.code is OpCode.ASSIGN_VARIABLE]
    broken = read_bytes(data)
    op = next(op for op in broken.main.ops if op.code is OpCode.ASSIGN_VARIABLE)
    assert reads
    broken.main.remove(op)
    one = compare(
        Candidate(model, data), candidate(broken), runner="tflm", options=SampleOptions(1)
    )
    many = compare(Candidate(model, data), candidate(broken), runner="tflm", options=FEW)
    assert one.status == "identical"
    assert many.status == "different"
    assert many.mismatch is not None
    assert many.mismatch.sample >= 1


# --- Samples.


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [(DType.INT8, -128, 127), (DType.UINT8, 0, 255), (DType.INT16, -32768, 32767)],
)
def test_samples_have_the_extremes_and_the_zero_point(dtype: DType, low: int, high: int) -> None:
    n = Net()
    n.input((2, 3), dtype, (0.1, 7))
    samples = [sample[0] for sample in make_samples(n.model, SampleOptions(12))]
    assert [set(array.ravel().tolist()) for array in samples[:3]] == [{low}, {high}, {7}]
    assert set(samples[3].ravel().tolist()) <= {low, high, 7}
    assert len({array.tobytes() for array in samples}) == 12
    assert all(array.dtype == dtype.numpy and array.shape == (2, 3) for array in samples)


def test_samples_depend_on_the_seed_alone() -> None:
    model = two_outputs()

    def make(seed: int) -> list[bytes]:
        samples = make_samples(model, SampleOptions(8, seed))
        return [array.tobytes() for sample in samples for array in sample]

    assert make(3) == make(3)
    assert make(3) != make(4)
    assert make(3)[:3] == make(4)[:3]  # the extremes


@pytest.mark.parametrize("dtype", [DType.FLOAT32, DType.BOOL, DType.INT32, DType.INT64])
def test_samples_of_other_types(dtype: DType) -> None:
    n = Net()
    n.input((4,), dtype)
    for (array,) in make_samples(n.model, SampleOptions(8)):
        assert array.dtype == dtype.numpy
        assert np.isfinite(array.astype(np.float64)).all()


def test_samples_that_cannot_be_made() -> None:
    n = Net()
    n.input((4,), DType.STRING)
    with pytest.raises(UnsupportedError, match="STRING"):
        make_samples(n.model, FEW)
    n = Net()
    n.input((1 << 20, 1 << 20))
    with pytest.raises(UnsupportedError, match="too large"):
        make_samples(n.model, FEW)
    n.output(n.graph.inputs[0])
    assert compare(Candidate(n.model, b""), Candidate(n.model, b"")).status == "not verified"


def test_large_inputs_get_fewer_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples_module, "MAX_SAMPLE_BYTES", 1 << 12)
    n = Net()
    n.input((1 << 10,))
    assert len(make_samples(n.model, SampleOptions(1000))) == 4
    assert len(make_samples(n.model, SampleOptions(3))) == 3


# --- Through the command line.


@dataclass(frozen=True)
class BreakWeights(Rule):
    """A rule that lies about its exactness."""

    name: ClassVar[str] = "break-weights"
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.FULLY_CONNECTED})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        weights = op.inputs[1]
        assert weights is not None
        if weights.name != "broken":
            data = weights.array().copy()
            data.reshape(-1)[5] += 40
            broken = rw.constant(data, weights, quant=weights.quant, name="broken")
            rw.set_input(op, 1, broken)


@pytest.fixture
def broken_rule(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    make = registry.make_rules
    monkeypatch.setattr(course, "make_rules", lambda config: (*make(config), BreakWeights()))
    yield


@needs_tflm
@pytest.mark.usefixtures("broken_rule")
def test_a_wrong_rule_is_exit_code_1_and_no_file(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "in.tflite"
    path.write_bytes(write_bytes(two_outputs()))
    ran = cli("optimize", path, "--samples", "6", "--report", "r.json")
    assert ran.code == 1
    assert "output 1" in ran.only_error
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.tflite"]
    assert cli("optimize", path, "--no-verify", "-q").code == 0


@needs_tflm
def test_validate(cli: Cli, tmp_path: Path) -> None:
    good, same, bad = (tmp_path / f"{name}.tflite" for name in ("good", "same", "bad"))
    good.write_bytes(write_bytes(two_outputs()))
    same.write_bytes(write_bytes(two_outputs()))
    bad.write_bytes(write_bytes(two_outputs(step=40)))
    ran = cli("validate", good, same, "--samples", "6", "--runner", "tflm")
    assert ran.code == 0
    assert "identical" in ran.out
    ran = cli("validate", good, bad, "--samples", "6", "--runner", "tflm")
    assert ran.code == 1
    assert "output 1" in ran.out
    assert "[0, 1]" in ran.out
    ran = cli("validate", good, bad, "--samples", "6", "--runner", "tflm", "--json")
    data = json.loads(ran.out)["verification"]
    assert data["status"] == "different"
    assert data["mismatches"][0]["first_index"] == [0, 1]


@needs_tflm
def test_what_no_runner_has_is_named_and_counts_as_unverified(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "tile.tflite"
    path.write_bytes(write_bytes(with_tile()))
    ran = cli("validate", path, path, "--runner", "tflm")
    assert ran.code == 0
    assert "identical up to operator 1 (TILE), which no runner has" in ran.out
    ran = cli("optimize", path, "--runner", "tflm", "--require-verified")
    assert ran.code == 1
    assert "TILE" in ran.err


def test_no_runner_through_the_command_line(
    cli: Cli, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_module, "available", lambda name: False)
    ran = cli("optimize", small)
    assert ran.code == 4
    assert "--no-verify" in ran.only_error
    assert len(list(small.parent.iterdir())) == 1


def test_the_verdict_is_plain_data() -> None:
    assert dataclasses.asdict(Verification("not verified"))["samples"] == 0
    assert QUANT
