"""``softmax-to-maximum``."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.hazards import M4, hazard_model
from tflopt.ir import DType, OpCode
from tflopt.ir.builder import Builder
from tflopt.ir.options import SoftmaxOptions
from tflopt.rules.defects.softmax_to_maximum import SoftmaxToMaximum

pytestmark = pytest.mark.unit


def test_rewrites() -> None:
    check_rule(
        hazard_model("softmax-s16-single"),
        SoftmaxToMaximum(M4),
        """
        graph(%0: i16[3,1]{0.000195313,0}) -> %1
          %1: i16[3,1]{3.05176e-05,0} = MAXIMUM(%0, const i16[1]{3.05176e-05,0})
        """,
        hits=1,
    )


@pytest.mark.parametrize(("dtype", "classes"), [(DType.INT8, 1), (DType.INT16, 2)])
def test_leaves_alone_what_the_device_computes_right(dtype: DType, classes: int) -> None:
    b = Builder()
    quant = (1 / 256, -128) if dtype is DType.INT8 else (1 / 32768, 0)
    x = b.input((3, classes), dtype, quant=(0.05, 0))
    options = SoftmaxOptions(1.0)
    b.output(b.op(OpCode.SOFTMAX, [x], (3, classes), options=options, quant=quant, dtype=dtype))
    check_leaves_alone(b.model, SoftmaxToMaximum(M4))
