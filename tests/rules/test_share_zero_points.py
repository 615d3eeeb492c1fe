"""``share-zero-points``: a form that TFLM reads and LiteRT refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.check_rule import apply, check_leaves_alone, check_rule
from tests.support.flash import Layers, refusal
from tests.support.paths import needs_litert, needs_tflm
from tflopt.config import Config, Runtime
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import DType, OpCode, Quantization, Value
from tflopt.ir.options import BatchMatMulOptions
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.rules.flash.share_zero_points import ShareZeroPoints
from tflopt.rules.pipeline import Selection, run_pipeline

pytestmark = pytest.mark.runtime
RULE = ShareZeroPoints()


def net(points: list[int] | None = None) -> Layers:
    n = Layers()
    x = n.depthwise(n.feed(1, 4, 4, 3), n.bias(3), [0.01, 0.02, 0.03])
    y = n.depthwise(n.pad(x, (0, 0), (0, 0), (0, 0), (0, 1)), n.bias(4), [0.01, 0.02, 0.03, 0.04])
    n.output(n.transpose_conv(y, n.bias(2), [0.01, 0.02]))
    if points is not None:
        set_points(weights(n)[1], points)
    return n


def weights(n: Layers) -> list[Value]:
    inputs = [op.inputs[1] for op in n.graph.ops if len(op.inputs) > 2]
    return [value for value in inputs if value is not None]


def set_points(value: Value, points: list[int]) -> None:
    assert value.quant is not None
    value.quant = replace(value.quant, zero_point=np.array(points, np.int64))


def points(n: Layers) -> list[int]:
    quants = [value.quant for value in weights(n) if value.quant is not None]
    return [quant.zero_point.size for quant in quants if quant.zero_point is not None]


def test_one_zero_point_is_left_and_tflm_computes_the_same() -> None:
    n = net()
    copy = check_rule(n.model, RULE, hits=1, runners=["tflm"], tflm_alone=True)
    quants = [v.quant for v in copy.main.values if v.quant is not None and v.quant.is_per_channel]
    assert len(quants) == 6
    for quant in quants:
        assert quant.zero_point is not None
        assert quant.zero_point.tolist() == [0]


def test_litert_refuses_the_file() -> None:
    n = net()
    apply(n.model, RULE)
    assert "Must have same number" in refusal(n.model, "litert")


def test_the_pipeline_uses_it_for_tflm_alone() -> None:
    """The fourth channel comes from a PAD, which remove-channels takes away where it may."""
    keep = Selection(disable={"remove-channels"})
    for selection, channels in ((keep, [3, 4, 2]), (Selection(), [3, 3, 2])):
        for runtime, expected in ((Runtime.BOTH, channels), (Runtime.TFLM, [1, 1, 1])):
            n = net()
            run_pipeline(n.model, selection, Config(runtime=runtime, plan=None))
            assert points(n) == expected, runtime


def test_equal_points_that_are_not_0() -> None:
    n = net([7, 7, 7, 7])
    apply(n.model, RULE)
    quant = weights(n)[1].quant
    assert quant is not None
    assert quant.zero_point is not None
    assert quant.zero_point.tolist() == [7]


@pytest.mark.parametrize("different", [[0, 0, 0, 1], [1, 0, 0, 0], [0, -1, 0, 0]])
def test_different_points_stay(different: list[int]) -> None:
    n = net(different)
    apply(n.model, RULE)
    quant = weights(n)[1].quant
    assert quant is not None
    assert quant.zero_point is not None
    assert quant.zero_point.tolist() == different


@pytest.mark.parametrize(
    "quant",
    [
        Quantization.per_tensor(0.1, 3),
        Quantization(np.array([0.1, 0.2], np.float32), None),
        Quantization(np.array([0.1, 0.2], np.float32), np.array([0], np.int64)),
        Quantization(np.array([0.1, 0.2], np.float32), np.array([], np.int64)),
        Quantization(np.array([0.1], np.float32), np.array([0, 0], np.int64)),
    ],
)
def test_leaves_alone_what_has_none_to_share(quant: Quantization) -> None:
    n = Layers()
    x = n.feed(2, 3)
    x.quant = quant
    n.output(n.relu(x))
    check_leaves_alone(n.model, RULE)


@needs_tflm
@needs_litert
def test_what_tflm_does_not_run_is_not_held_against_it_on_litert() -> None:
    """TFLM has no product of int16 and int8, so LiteRT stands in, which refuses the form."""
    n = net()
    sides = [n.input((1, 2, 4), DType.INT16, (0.001, 0)), n.input((1, 4, 3), quant=(0.05, 0))]
    options = BatchMatMulOptions()
    n.output(
        n.op(
            OpCode.BATCH_MATMUL,
            sides,
            (1, 2, 3),
            dtype=DType.INT16,
            options=options,
            quant=(0.01, 0),
        )
    )
    data, alone = write_bytes(n.model), Config(runtime=Runtime.TFLM)
    verdict = optimize_file_bytes(read_bytes(data), data, Settings(config=alone)).verification
    assert verdict is not None
    assert verdict.status == "not verified"
    assert "LiteRT isn't for what share-zero-points writes" in verdict.note
    assert "without it is identical on litert" in verdict.note
