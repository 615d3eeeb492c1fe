"""``--allow-lsb``: what is verified, and what is measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.plan.tflm_host import record
from tests.support.cli import Cli
from tests.support.paths import TESTDATA, needs_tflm
from tflopt.config import Config
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import DType, Model, Op, OpCode
from tflopt.ir.options import DequantizeOptions
from tflopt.product.optimize import Settings, check_verdict, optimize_file_bytes
from tflopt.rules.pipeline import Selection
from tflopt.run.samples import SampleOptions
from tflopt.target import Target
from tflopt.target.cost import predict_model
from tflopt.target.device import Device

pytestmark = [pytest.mark.runtime, needs_tflm]
TCN = TESTDATA / "torch_tcn.tflite"
needs_tcn = pytest.mark.skipif(not TCN.exists(), reason="the model is missing")
SETTINGS = Settings(samples=SampleOptions(6))
HEAD_LIMIT = 0.35


@needs_tcn
def test_the_exact_part_is_verified_and_the_rest_is_measured() -> None:
    data = TCN.read_bytes()
    settings = replace(SETTINGS, config=Config(allow_lsb=1))
    result = optimize_file_bytes(read_bytes(data), data, settings)
    verdict = result.verification
    assert verdict is not None
    assert verdict.status == "rounded"
    assert "elements are off, by up to" in verdict.note
    check_verdict(result, replace(settings, require_verified=True))
    floats = [op for op in result.model.main.ops if op.output.dtype is DType.FLOAT32]
    assert floats == []
    assert result.trace.counts["round-islands"] == 3


@needs_tcn
def test_the_arena_of_a_rounded_tcn() -> None:
    data = TCN.read_bytes()
    settings = Settings(config=Config(allow_lsb=1), samples=None)
    result = optimize_file_bytes(read_bytes(data), data, settings)
    assert result.memory_before is not None
    assert result.memory_after is not None
    before, after = result.memory_before.arena, result.memory_after.arena
    assert after.head_bytes <= HEAD_LIMIT * before.head_bytes
    on_x86 = [recorded.head for recorded in record([data, result.data]) if recorded is not None]
    assert len(on_x86) == 2
    assert on_x86[1] <= HEAD_LIMIT * on_x86[0]


@needs_tcn
@pytest.mark.parametrize(("steps", "limit"), [(0, 0.72), (1, 0.50)])
def test_the_instructions_of_a_tcn(steps: int, limit: float) -> None:
    data = TCN.read_bytes()
    device = Device(Target.parse("cortex-m55"))
    settings = Settings(config=Config(device=device, allow_lsb=steps), samples=None)
    result = optimize_file_bytes(read_bytes(data), data, settings)
    models = read_bytes(data), result.model
    before, after = (predict_model(model, device).instructions for model in models)
    assert after <= limit * before


@needs_tcn
def test_exact_rules_alone_keep_the_residual_in_float() -> None:
    data = TCN.read_bytes()
    result = optimize_file_bytes(read_bytes(data), data, SETTINGS)
    verdict = result.verification
    assert verdict is not None
    assert verdict.status == "identical"
    codes = [op.code for op in result.model.main.ops if op.output.dtype is DType.FLOAT32]
    assert codes.count(OpCode.ADD) == 3
    assert OpCode.RELU not in codes
    reasons = [m.reason for m in result.trace.near_misses if m.rule == "integerize-islands"]
    assert len(reasons) == 3


@needs_tcn
def test_a_model_without_islands_is_identical_with_the_option() -> None:
    data = (TESTDATA / "ds_cnn.tflite").read_bytes()
    settings = replace(SETTINGS, config=Config(allow_lsb=1))
    result = optimize_file_bytes(read_bytes(data), data, settings)
    assert result.verification is not None
    assert result.verification.status == "identical"


@needs_tcn
def test_a_fault_in_the_exact_part_is_not_excused(monkeypatch: pytest.MonkeyPatch) -> None:
    from tflopt.errors import MismatchError
    from tflopt.verify import compare

    def fail(*_: object) -> MismatchError:
        return MismatchError("output 0", (0,), 1, 1.0, "tflm")

    monkeypatch.setattr(compare, "_first_mismatch", fail)
    data = TCN.read_bytes()
    settings = replace(SETTINGS, config=Config(allow_lsb=1))
    result = optimize_file_bytes(read_bytes(data), data, settings)
    with pytest.raises(MismatchError):
        check_verdict(result, settings)


@needs_tcn
def test_the_command_line(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "small.tflite"
    done = cli("optimize", TCN, "-o", path, "--allow-lsb", 1, "--samples", 4)
    assert done.code == 0
    assert "rounded (--allow-lsb), else identical on tflm" in done.out
    assert path.exists()


def int8_input(model: Model) -> None:
    """Let the caller feed int8: QUANTIZE at the input becomes DEQUANTIZE for the residual."""
    graph = model.main
    real = graph.inputs[0]
    quantize = next(op for op in real.users if op.code is OpCode.QUANTIZE)
    fed = quantize.output
    quantize.set_outputs([])
    graph.remove(quantize)
    graph.inputs[0] = fed
    op = Op(graph, model.opcode(OpCode.DEQUANTIZE, 2), DequantizeOptions())
    op.set_inputs([fed])
    op.set_outputs([real])
    graph.insert(op, graph.ops[0])
    model.signatures = None


@needs_tcn
@pytest.mark.parametrize("steps", [0, 1])
def test_a_tcn_with_int8_input_has_one_exact_residual_sum(steps: int) -> None:
    """The later sums depend on the float sums before them, which stay."""
    model = read_bytes(TCN.read_bytes())
    int8_input(model)
    data = write_bytes(model)
    settings = replace(SETTINGS, config=Config(allow_lsb=steps))
    result = optimize_file_bytes(read_bytes(data), data, settings)
    assert result.verification is not None
    assert result.verification.status == ("rounded" if steps else "identical")
    hits = [hit for hit in result.trace.hits if hit.rule == "integerize-islands"]
    shown = [int(hit.shown_by.split()[2].replace(",", "")) for hit in hits]
    assert shown == [256 * 116]  # the convolution's fused RELU leaves 116 of 256 values
    if not steps:
        reasons = {m.reason for m in result.trace.near_misses if m.rule == "integerize-islands"}
        assert reasons == {
            f"it depends on {count} int8 tensors through sums that stay float" for count in (3, 4)
        }


def test_round_islands_is_not_exact_and_off_by_default() -> None:
    from tflopt.rules.pipeline import find_rule

    rule = find_rule("round-islands")
    assert not rule.exactness.bit_exact
    assert getattr(rule, "max_steps", None) == 0
    assert rule in Selection()
