"""``widen-transpose-conv``."""

from __future__ import annotations

import pytest

from tests.rules.test_crop_transpose_conv import upsampling
from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.hazards import M4, hazard_model
from tflopt.ir import OpCode
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


def test_leaves_enough_scratch_alone() -> None:
    check_leaves_alone(upsampling(3, 6, 2, 2), WidenTransposeConv(M4))
