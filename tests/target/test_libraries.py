"""Builds that differ from the usual one: other kernels, other versions, other flags."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.kit import Kit
from tflopt.errors import UsageError
from tflopt.ir import DType, Op, OpCode, Value
from tflopt.target.cmsis_nn.dispatch import dispatch
from tflopt.target.cmsis_nn.layers import (
    ConvLayer,
    DepthwiseLayer,
    FullyConnectedLayer,
    ReduceLayer,
    SvdfLayer,
)
from tflopt.target.cortex_m import Isa
from tflopt.target.device import Device
from tflopt.target.kernels import kernel_use
from tflopt.target.setup import RUNTIMES, TFLM_3B20912, Build, Setup
from tflopt.target.use import Path

pytestmark = pytest.mark.unit
POINTWISE = ConvLayer(1, 8, 8, 16, 8, 8, 8, 1, 1, 16)
DENSE = FullyConnectedLayer(1, 16, 10, 2)
SVDF = SvdfLayer(1, 8, 4)
MEAN = ReduceLayer(output_elements=16, input_rank=4, axes=2, accumulates=True)


def one_channel(channels: int) -> DepthwiseLayer:
    return DepthwiseLayer(1, 8, 8, 1, 8, 8, channels, 3, 3, channels, pad_h=1, pad_w=1)


def test_a_library_for_size_computes_kernel_sums_in_scratch() -> None:
    speed, size = (Setup(Isa.MVE, Build(for_size=flag)) for flag in (False, True))
    assert (dispatch(DENSE, speed).scratch_bytes, dispatch(DENSE, size).scratch_bytes) == (
        (),
        (40,),
    )
    assert dispatch(DENSE, size).persistent == ()
    assert dispatch(SVDF, size).scratch_bytes == (*(dispatch(SVDF, speed).scratch_bytes or ()), 32)
    assert dispatch(SVDF, size).op_data_bytes == 44
    assert dispatch(DENSE, Setup(Isa.DSP, Build(for_size=True))) == dispatch(DENSE, Setup(Isa.DSP))


def test_armclang_has_a_buffer_for_1x1_on_dsp_alone() -> None:
    build = Build(armclang=True)
    assert dispatch(POINTWISE, Setup(Isa.DSP, build)).scratch_bytes == (2 * 16 * 2,)
    for setup in (Setup(Isa.DSP), Setup(Isa.MVE, build), Setup(Isa.SCALAR, build)):
        assert dispatch(POINTWISE, setup).scratch_bytes == ()


@pytest.mark.parametrize(("channels", "gcc", "armclang"), [(1, 0, 0), (8, 1, 0), (9, 1, 1)])
def test_armclang_makes_fewer_depthwise_layers_convolutions(
    channels: int, gcc: int, armclang: int
) -> None:
    builds = (Build(), Build(armclang=True))
    names = [dispatch(one_channel(channels), Setup(Isa.MVE, build)).function for build in builds]
    assert [name == "arm_depthwise_conv_to_conv_s8" for name in names] == [gcc == 1, armclang == 1]


def test_a_mean_of_last_year_asks_for_its_accumulators_alone() -> None:
    old, new = Setup(Isa.DSP, runtime=TFLM_3B20912), Setup(Isa.DSP)
    assert dispatch(MEAN, new).scratch_bytes == (64, 16, 8)
    assert dispatch(MEAN, old).scratch_bytes == (64,)
    assert dispatch(MEAN, old).op_data_bytes == 40


def layers(n: Kit) -> list[Value]:
    x = n.input((1, 8, 8, 4), DType.INT8)
    return [n.conv2d(x, 6), n.depthwise(x), n.pool(OpCode.MAX_POOL_2D, x, (2, 2))]


def test_without_cmsis_nn_every_operator_runs_in_tflms_own_kernel() -> None:
    n, device = Kit(1), Device.of("cortex-m4", "none")
    uses = [kernel_use(op_of(value), device) for value in layers(n)]
    assert {use.path for use in uses} == {Path.REFERENCE}
    assert [use.function for use in uses] == [
        "TFLM CONV_2D",
        "TFLM DEPTHWISE_CONV_2D",
        "TFLM MAX_POOL_2D",
    ]
    assert [use.scratch_bytes for use in uses] == [(), (), ()]
    assert str(device.kernels) == "TFLM's own kernels"


def op_of(value: Value) -> Op:
    assert value.producer is not None
    return value.producer


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Device.of("cortex-m4", tflm="1234567"), "unknown TFLM version '1234567'"),
        (lambda: Device.of("cortex-m4", build="fast"), "unknown build 'fast'"),
        (lambda: Device.of("cortex-m4", build="speed,size"), "unknown build"),
    ],
)
def test_what_is_unknown_is_said(make: Callable[[], Device], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make()


def test_each_runtime_has_its_cmsis_nn() -> None:
    versions = [Device.of("cortex-m4", tflm=runtime.name).kernels.version for runtime in RUNTIMES]
    assert versions == [runtime.cmsis_nn for runtime in RUNTIMES]
    assert str(Build.parse("size, ArmClang")) == "size,armclang"
