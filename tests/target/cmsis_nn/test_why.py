"""Why no faster function runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.kit import Kit
from tflopt.ir import DType
from tflopt.target import Isa, Target
from tflopt.target.cmsis_nn.layers import ConvLayer, DepthwiseLayer, Num
from tflopt.target.cmsis_nn.of_operator import layer_of
from tflopt.target.cmsis_nn.why import faster
from tflopt.target.device import Device
from tflopt.target.kernels import kernel_use
from tflopt.target.library import Faster

pytestmark = pytest.mark.unit
CONV = ConvLayer(1, 8, 8, 16, 8, 8, 16, 1, 1, 16)
WIDE = ConvLayer(1, 1, 16, 4, 1, 16, 8, 1, 3, 4, pad_w=1)
DEPTHWISE = DepthwiseLayer(1, 8, 8, 16, 8, 8, 16, 3, 3, pad_h=1, pad_w=1)
FAST, STRIDED, ROW = "arm_convolve_1x1_s8_fast", "arm_convolve_1x1_s8", "arm_convolve_1_x_n_s8"
THREE, OPT = "arm_depthwise_conv_3x3_s8", "arm_depthwise_conv_s8_opt"


@pytest.mark.parametrize(
    ("changes", "function", "reason"),
    [
        ({"stride_w": 2}, FAST, "it takes stride 1, not 1x2"),
        ({"filter_c": 4}, FAST, "it takes one group, not 4"),
        ({"pad_h": 1}, FAST, "it takes no padding"),
        ({"kernel_h": 3, "kernel_w": 3, "pad_h": 1, "pad_w": 1}, FAST, "a 1x1 kernel, not 3x3"),
    ],
)
def test_convolutions(changes: dict[str, int], function: str, reason: str) -> None:
    found = faster(replace(CONV, **changes), Isa.DSP)  # type: ignore[arg-type]
    assert found is not None
    assert found.function == function
    assert found.reason.endswith(reason)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"input_h": 2, "output_h": 2}, "it takes an input of height 1, not 2"),
        ({"dilation_w": 2, "pad_w": 2}, "it takes no dilation, not 2"),
        ({"input_c": 3, "filter_c": 3}, "stride x channels must be a multiple of 4, not 3"),
        ({"filter_c": 2}, "it takes one group, not 2"),
        (
            {"output_w": 1, "input_w": 1},
            "the row is too narrow to be split into padded and unpadded columns",
        ),
    ],
)
def test_rows_on_mve(changes: dict[str, int], reason: str) -> None:
    layer = replace(WIDE, **changes)  # type: ignore[arg-type]
    assert faster(layer, Isa.MVE) == Faster(ROW, reason)


def test_the_best_function_has_no_reason() -> None:
    assert faster(CONV, Isa.DSP) is None
    assert faster(WIDE, Isa.MVE) is None
    for isa in (Isa.DSP, Isa.MVE):
        assert faster(DEPTHWISE, isa) is None
    assert faster(replace(DEPTHWISE, input_c=1, depth_multiplier=16), Isa.MVE) is None


@pytest.mark.parametrize(
    ("changes", "isa", "function", "reason"),
    [
        ({"kernel_h": 5}, Isa.DSP, THREE, "it takes a 3x3 kernel, not 5x3"),
        ({"pad_w": 2}, Isa.DSP, THREE, "it takes padding of at most 1, not 2"),
        ({"depth_multiplier": 2}, Isa.DSP, THREE, "it takes depth multiplier 1, not 2"),
        ({"depth_multiplier": 2}, Isa.MVE, OPT, "it takes depth multiplier 1, not 2"),
        ({"batches": 2}, Isa.MVE, OPT, "it takes one batch, not 2"),
        ({"dilation_h": 2}, Isa.DSP, THREE, "it takes no dilation, not 2x1"),
        ({"kernel_h": 5, "dilation_h": 2}, Isa.DSP, OPT, "it takes no dilation, not 2x1"),
    ],
)
def test_depthwise(changes: dict[str, int], isa: Isa, function: str, reason: str) -> None:
    layer = replace(DEPTHWISE, **changes)  # type: ignore[arg-type]
    assert faster(layer, isa) == Faster(function, reason)


def test_other_types_have_one_function() -> None:
    assert faster(replace(CONV, activations=Num.INT16, stride_w=2), Isa.DSP) is None
    assert faster(replace(DEPTHWISE, activations=Num.FLOAT32), Isa.DSP) is None


@pytest.mark.parametrize("name", ["cortex-m3", "cortex-m4", "cortex-m55"])
def test_the_function_that_is_missed_is_never_the_one_that_runs(name: str) -> None:
    """Over random layers: the dispatch and the reasons agree."""
    target = Target.parse(name)
    for seed in range(200):
        n = Kit(seed)
        rng = n.rng()
        height, width, channels = (int(v) for v in rng.integers(1, 9, 3))
        kernel = (int(rng.integers(1, height + 1)), int(rng.integers(1, width + 1)))
        stride = (1, 1) if rng.random() < 0.5 else (int(rng.integers(1, 3)), 2)
        x = n.input((1, height, width, channels), DType.INT8)
        if rng.random() < 0.5:
            y = n.conv2d(x, 4, kernel, stride=stride)
        else:
            y = n.depthwise(x, kernel, stride=stride, multiplier=int(rng.integers(1, 3)))
        assert y.producer is not None
        layer = layer_of(y.producer)
        assert layer is not None
        found = faster(layer, target.isa)
        use = kernel_use(y.producer, Device.of(target))
        assert found is None or found.function != use.function
        best = {FAST, ROW, THREE, "arm_depthwise_conv_to_conv_s8"} | (
            {OPT} if target.isa is Isa.MVE else set()
        )
        assert (found is None) == (use.function in best), (use.function, found)
