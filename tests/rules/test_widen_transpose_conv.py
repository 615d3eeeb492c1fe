"""``widen-transpose-conv``."""

from __future__ import annotations

import numpy as np
import pytest

from tests.rules.test_crop_transpose_conv import upsampling
from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.hazards import M4, hazard_model
from tests.support.runtime import installed
from tflopt.config import Config, Runtime
from tflopt.io import write_bytes
from tflopt.ir import DType, Model, OpCode, Padding
from tflopt.ir.builder import Builder
from tflopt.ir.options import TransposeConvOptions
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.rules.defects import widen_transpose_conv
from tflopt.rules.defects.widen_transpose_conv import WidenTransposeConv
from tflopt.target.hazards import find_hazards

pytestmark = pytest.mark.unit


def test_adds_columns_of_zeros() -> None:
    after = check_rule(hazard_model("transpose-conv-scratch"), WidenTransposeConv(M4), hits=1)
    (op,) = after.ops()
    weights = op.input(1)
    assert op.code is OpCode.TRANSPOSE_CONV
    assert weights is not None
    assert weights.shape == (4, 1, 3, 8)
    assert not weights.array()[:, :, 2].any()
    assert not find_hazards(after, M4)


def valid(
    kernel: tuple[int, int], stride: tuple[int, int], size: tuple[int, int] = (3, 4)
) -> Model:
    """A layer with VALID, of the least output: what Keras and LiteRT want."""
    b = Builder()
    x = b.input((1, *size, 8), quant=(0.05, 3))
    numbers = np.random.default_rng(3).integers(-127, 128, (4, *kernel, 8))
    weights = b.constant(numbers, DType.INT8, (0.005, 0))
    rows, columns = ((n - 1) * s + k for n, s, k in zip(size, stride, kernel, strict=True))
    shape = (1, rows, columns, 4)
    options = TransposeConvOptions(Padding.VALID, stride_w=stride[1], stride_h=stride[0])
    inputs = [b.constant(shape), weights, x, b.constant([700, -900, 3, 0], quant=(0.00025, 0))]
    code = OpCode.TRANSPOSE_CONV
    b.output(b.op(code, inputs, shape, options=options, quant=(0.05, 0), dtype=x.dtype, version=3))
    return b.model


def test_pads_where_litert_would_refuse_the_filter_without_padding() -> None:
    """Its VALID wants an input of ``(11 + 3 - 3) // 3 == 3`` columns; there are 4."""
    after = check_rule(valid((1, 2), (1, 3)), WidenTransposeConv(M4), hits=1)
    (op,) = after.ops()
    assert isinstance(op.options, TransposeConvOptions)
    assert op.options.padding is Padding.SAME
    assert not find_hazards(after, M4)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_zeros_stand_in_front_where_the_wider_filter_is_padded_by_more(kernel: int) -> None:
    after = check_rule(valid((1, kernel), (1, 5)), WidenTransposeConv(M4), hits=1)
    weights = next(after.ops()).input(1)
    assert weights is not None
    front = (5 - kernel) // 2
    assert weights.shape == (4, 1, 5, 8)
    assert not weights.array()[:, :, :front].any()
    assert not weights.array()[:, :, front + kernel :].any()
    assert not find_hazards(after, M4)


def test_declines_where_litert_refuses_every_form() -> None:
    """Rows with SAME would be 5 for LiteRT, columns with VALID 3."""
    reason = "a wider filter changes the padding, or LiteRT refuses it"
    check_declines(valid((3, 2), (1, 3)), WidenTransposeConv(M4), reason)
    alone = WidenTransposeConv(M4, Runtime.TFLM)
    check_rule(valid((3, 2), (1, 3)), alone, hits=1, runners=["tflm"], tflm_alone=True)


@pytest.mark.skipif("litert" not in installed(), reason="ai-edge-litert is not installed")
def test_a_form_that_litert_refuses_is_not_identical(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the rule was once: TFLM computes it right, and nobody asked LiteRT."""
    monkeypatch.setattr(widen_transpose_conv, "_litert_takes", lambda *_: True)
    model = valid((1, 2), (1, 3))
    for runtime, status in ((Runtime.BOTH, "different"), (Runtime.TFLM, "identical")):
        settings = Settings(config=Config(runtime, device=M4))
        verdict = optimize_file_bytes(model, write_bytes(model), settings).verification
        assert verdict is not None
        assert verdict.status == status
        if runtime is Runtime.BOTH:
            assert "LiteRT loads the original, but not the optimized" in str(verdict.mismatch)


def test_declines_weights_that_are_computed() -> None:
    model = hazard_model("transpose-conv-scratch")
    (op,) = model.ops()
    weights = op.input(1)
    assert weights is not None
    fed = model.main.add_value(type(weights)(model.main, weights.dtype, weights.shape))
    fed.quant, fed.buffer = weights.quant, model.buffers[0]
    model.main.inputs.append(fed)
    op.set_input(1, fed)
    check_declines(model, WidenTransposeConv(M4), "the weights are no int8 constant")


def test_declines_a_bias_that_is_computed() -> None:
    """It was read as an array, and an internal error."""
    model = valid((3, 2), (1, 3))
    op = next(op for op in model.main.ops if op.code is OpCode.TRANSPOSE_CONV)
    bias = op.inputs[3]
    assert bias is not None
    bias.buffer = model.buffers[0]
    model.main.inputs.append(bias)
    check_declines(model, WidenTransposeConv(M4), "the bias is computed")


def test_leaves_enough_scratch_alone() -> None:
    check_leaves_alone(upsampling(3, 6, 2, 2), WidenTransposeConv(M4))
