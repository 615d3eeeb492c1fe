"""``crop-transpose-conv``."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.hazards import M4, M55, hazard_model
from tflopt.ir import DType, Model, OpCode, Padding, Quantization
from tflopt.ir.builder import Builder
from tflopt.ir.options import TransposeConvOptions
from tflopt.rules.defects.crop_transpose_conv import CropTransposeConv
from tflopt.target.cmsis_nn.versions import V4AB83CC, V99F736A, Version
from tflopt.target.device import Device
from tflopt.target.hazards import find_hazards

pytestmark = pytest.mark.unit


def upsampling(
    rows: int, out: int, kernel: int, stride: int, padding: Padding = Padding.SAME
) -> Model:
    b = Builder()
    x = b.input((1, rows, rows, 3), quant=(0.05, 3))
    rng = np.random.default_rng(kernel)
    quant = Quantization.per_channel([0.005, 0.004], 0)
    weights = b.constant(rng.integers(-127, 128, (2, kernel, kernel, 3)), DType.INT8, quant)
    bias = b.constant([700, -900], quant=Quantization.per_channel([0.00025, 0.0002], 0))
    shape = (1, out, out, 2)
    options = TransposeConvOptions(padding=padding, stride_h=stride, stride_w=stride)
    inputs = [b.constant(shape), weights, x, bias]
    code = OpCode.TRANSPOSE_CONV
    b.output(b.op(code, inputs, shape, options=options, quant=(0.05, 0), dtype=x.dtype, version=3))
    return b.model


def test_cuts_the_rows_and_columns_that_padding_drops() -> None:
    after = check_rule(hazard_model("transpose-conv-rows"), CropTransposeConv(M55), hits=1)
    wide, cut = after.ops()
    assert wide.output.shape == (1, 10, 10, 4)
    assert cut.input(0) is wide.output
    begin, size = (cut.input(index) for index in (1, 2))
    assert begin is not None
    assert size is not None
    assert (begin.ints(), size.ints()) == ((0, 1, 1, 0), (1, 8, 8, 4))


@pytest.mark.parametrize("version", [V4AB83CC, V99F736A], ids=str)
def test_routes_around_every_affected_size(version: Version) -> None:
    device = Device.of(M4.target, version)
    affected = 0
    for rows, kernel, stride in product((1, 2, 3), (2, 3, 4, 5, 7), (1, 2, 3)):
        if kernel < stride:
            continue
        model = upsampling(rows, rows * stride, kernel, stride)
        if find_hazards(model, device):
            affected += 1
            after = check_rule(model, CropTransposeConv(device), hits=1, runners=["tflm"])
            assert not find_hazards(after, device)
    assert affected >= (10 if version is V4AB83CC else 3)


def test_declines_where_the_output_is_larger_than_the_input_reaches() -> None:
    reason = "its output is larger than what the input reaches"
    check_declines(upsampling(3, 9, 2, 2), CropTransposeConv(M4), reason)


def test_leaves_right_layers_alone() -> None:
    check_leaves_alone(upsampling(3, 6, 2, 2), CropTransposeConv(M4))
    newest = Device.of(M4.target, V99F736A)
    check_leaves_alone(upsampling(4, 8, 4, 2), CropTransposeConv(newest))
