"""Which function runs, what TFLM requests in which order, and what it keeps in the tail."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflopt.target.cmsis_nn import VERSIONS, KernelUse, Path, Version, dispatch
from tflopt.target.cmsis_nn.dispatch_convolve import convolve_1_x_n_is_right
from tflopt.target.cmsis_nn.dispatch_depthwise import size_is_unknown
from tflopt.target.cmsis_nn.layers import (
    AddNLayer,
    BatchMatmulLayer,
    ConvLayer,
    DepthwiseLayer,
    DetectionPostprocessLayer,
    FullyConnectedLayer,
    Layer,
    LstmLayer,
    MirrorPadLayer,
    Num,
    PoolLayer,
    ReduceLayer,
    SoftmaxLayer,
    SvdfLayer,
    TransposeConvLayer,
)
from tflopt.target.cmsis_nn.structs import ConvParams, Dims
from tflopt.target.cmsis_nn.versions import V4AB83CC, V7_0_0
from tflopt.target.cortex_m import Isa
from tflopt.target.setup import Setup

pytestmark = pytest.mark.unit

S, D, M = Isa.SCALAR, Isa.DSP, Isa.MVE
CONV = ConvLayer(1, 8, 8, 16, 8, 8, 32, 3, 3, 16, pad_h=1, pad_w=1)
POINTWISE = ConvLayer(1, 8, 8, 16, 8, 8, 32, 1, 1, 16)
ROW = ConvLayer(1, 1, 20, 4, 1, 20, 6, 1, 5, 4, pad_w=2)
DW = DepthwiseLayer(1, 8, 8, 16, 8, 8, 16, 3, 3, pad_h=1, pad_w=1)
DW5 = replace(DW, kernel_h=5, kernel_w=5, pad_h=2, pad_w=2)
TC = TransposeConvLayer(1, 4, 4, 32, 8, 8, 5, 3, 3, 2, 2)
FC = FullyConnectedLayer(2, 64, 10)


@pytest.mark.parametrize(
    ("layer", "functions", "scratch"),
    [
        (CONV, ["arm_convolve_s8"] * 3, [(576,), (576,), (576,)]),
        (replace(CONV, activations=Num.INT16), ["arm_convolve_s16"] * 3, [(576,), (576,), (1152,)]),
        (POINTWISE, ["arm_convolve_1x1_s8_fast"] * 3, [(), (), ()]),
        (replace(POINTWISE, stride_w=2), ["arm_convolve_1x1_s8"] * 3, [(), (), ()]),
        (replace(POINTWISE, filter_c=8), ["arm_convolve_s8"] * 3, [(64,), (64,), (64,)]),
        (ROW, ["arm_convolve_s8"] * 2 + ["arm_convolve_1_x_n_s8"], [(80,), (80,), (28,)]),
        (
            replace(CONV, weights=Num.INT4),
            ["arm_convolve_s4", "arm_convolve_s4", "arm_convolve_even_s4"],
            [(576,), (576,), (576,)],
        ),
        (
            replace(CONV, weights=Num.INT4, input_c=3, filter_c=3),
            ["arm_convolve_s4"] * 3,
            [(112,), (112,), (128,)],
        ),
        (replace(POINTWISE, weights=Num.INT4), ["arm_convolve_1x1_s4_fast"] * 3, [(), (), ()]),
        (
            DW,
            ["arm_depthwise_conv_3x3_s8"] * 2 + ["arm_depthwise_conv_s8_opt"],
            [(), (), (4464,)],
        ),
        (
            DW5,
            ["arm_depthwise_conv_s8", "arm_depthwise_conv_s8_opt", "arm_depthwise_conv_s8_opt"],
            [(), (800,), (12400,)],
        ),
        (replace(DW5, batches=2), ["arm_depthwise_conv_s8"] * 3, [(), (), ()]),
        (replace(DW5, activations=Num.INT16), ["arm_depthwise_conv_s16"] * 3, [(), (), ()]),
        (
            replace(DW5, weights=Num.INT4),
            ["arm_depthwise_conv_s4_opt"] * 3,
            [(800,), (800,), (12400,)],
        ),
        (
            replace(DW5, weights=Num.INT4, dilation_h=2),
            ["arm_depthwise_conv_s4"] * 3,
            [(), (), ()],
        ),
        (
            replace(DW5, input_c=1, output_c=8, depth_multiplier=8),
            ["arm_depthwise_conv_s8"] * 2 + ["arm_depthwise_conv_to_conv_s8"],
            [(), (), (4 * 32 + 25 * 8,)],
        ),
        (TC, ["arm_convolve_s8"] * 3, [(1152, 1440)] * 3),
        (replace(TC, stride_w=3), ["arm_transpose_conv_s8"] * 3, [(4 * 12 * 5 * 3, 0)] * 3),
        (FC, ["arm_fully_connected_s8"] * 3, [(), (), ()]),
        (replace(FC, constant_weights=False), ["arm_fully_connected_s8"] * 3, [(), (), (40,)]),
        (replace(FC, output_rank=3), ["arm_convolve_1x1_s8_fast"] * 3, [(80,)] * 3),
        (
            replace(FC, output_rank=3, per_channel=True),
            ["arm_convolve_1x1_s8_fast"] * 3,
            [(), (), ()],
        ),
        (replace(FC, weights=Num.INT4), ["arm_fully_connected_s4"] * 3, [(), (), ()]),
        (replace(FC, activations=Num.INT16), ["arm_fully_connected_s16"] * 3, [(), (), ()]),
        (
            BatchMatmulLayer(12, 100, 60, 3, 3, 3),
            ["arm_batch_matmul_s8"] * 3,
            [(), (), (48,)],
        ),
        (PoolLayer(4, 64), ["arm_avgpool_s8"] * 3, [(), (256,), ()]),
        (PoolLayer(4, 64, False), ["arm_max_pool_s8"] * 3, [(), (), ()]),
        (SvdfLayer(1, 64, 32), ["arm_svdf_s8"] * 3, [(256, 128)] * 3),
        (LstmLayer(2, 20), ["arm_lstm_unidirectional_s8"] * 3, [(80, 80, 80)] * 3),
        (SoftmaxLayer(), ["arm_softmax_s8"] * 3, [(), (), ()]),
    ],
)
def test_function_and_scratch(
    layer: Layer, functions: list[str], scratch: list[tuple[int, ...]]
) -> None:
    uses = [dispatch(layer, Setup(isa)) for isa in (S, D, M)]
    assert [use.function for use in uses] == functions
    assert [use.scratch_bytes for use in uses] == scratch


@pytest.mark.parametrize(
    ("layer", "scratch"),
    [
        (ReduceLayer(1280, 4, 2), (5120, 16, 8)),
        (ReduceLayer(1280, 4, 2, activations=Num.FLOAT32), (16, 8)),
        (ReduceLayer(1280, 4, 2, accumulates=False), (16, 8)),
        (MirrorPadLayer(3), (12, 12)),
        (AddNLayer(5), (20,)),
        (replace(CONV, activations=Num.FLOAT32), ()),
        (replace(DW, activations=Num.FLOAT32), ()),
        (replace(FC, activations=Num.FLOAT32), ()),
        (replace(TC, activations=Num.FLOAT32), ()),
        (replace(TC, activations=Num.INT16, bias=Num.INT64), (8 * 8 * 8 * 5,)),
        (replace(TC, activations=Num.INT16, bias=Num.INT16), (8 * 8 * 8 * 5, 40)),
        (SvdfLayer(1, 64, 32, Num.FLOAT32), (256,)),
        (LstmLayer(2, 20, Num.FLOAT32, Num.FLOAT32), (160,) * 4),
        (
            DetectionPostprocessLayer(100, 91, 90, 10),
            (100, 1600, 36400, 400, 400, 4000, 4000, 400, 4000, 36000, 4000),
        ),
    ],
)
def test_reference_kernels_ask_alike_on_every_core(layer: Layer, scratch: tuple[int, ...]) -> None:
    for isa in Isa:
        use = dispatch(layer, Setup(isa))
        assert use.path is Path.REFERENCE
        assert use.scratch_bytes == scratch
        assert use.why_not_faster


def names(use: KernelUse) -> dict[str, int]:
    return {each.name: each.size_bytes for each in use.persistent}


def test_convolutions_keep_a_multiplier_and_a_shift_for_each_channel() -> None:
    for layer in (CONV, TC, DW):
        use = dispatch(layer, Setup(D))
        size = 4 * layer.output_c
        assert names(use) == {"output multipliers": size, "output shifts": size}
        assert all(each.alignment == 16 for each in use.persistent)


def test_dense_layers_keep_kernel_sums_on_mve_alone() -> None:
    assert [names(dispatch(FC, Setup(isa))) for isa in (S, D)] == [{}, {}]
    assert names(dispatch(FC, Setup(M))) == {"kernel sums": 40}
    both = dispatch(replace(FC, per_channel=True), Setup(M))
    assert list(names(both)) == ["output multipliers", "output shifts", "kernel sums"]
    assert names(dispatch(replace(FC, constant_bias=False), Setup(M))) == {}


def test_batch_matmul_keeps_whole_operands() -> None:
    layer = BatchMatmulLayer(12, 100, 60, 3, 4, 4, adj_x=True)
    assert names(dispatch(layer, Setup(D))) == {
        "transposed lhs tensor": 12,
        "transposed lhs shape": 16,
        "transposed lhs": 100,
        "transposed rhs tensor": 12,
        "transposed rhs shape": 20,
        "transposed rhs": 60,
        "output shape": 20,
        "quantization": 28,
    }
    assert list(names(dispatch(replace(layer, adj_x=False, adj_y=True), Setup(D)))) == [
        "output shape",
        "quantization",
    ]


def test_lstm_and_softmax_buffers() -> None:
    assert list(names(dispatch(LstmLayer(1, 20), Setup(S))).values()) == [80] * 8
    assert list(names(dispatch(LstmLayer(1, 20, Num.INT16), Setup(S))).values()) == [160] * 8
    assert (
        list(names(dispatch(SoftmaxLayer(Num.INT16, Num.INT16), Setup(M))).values()) == [1026] * 2
    )


@pytest.mark.parametrize(
    ("layer", "isa", "reason"),
    [
        (CONV, S, "neither DSP nor MVE"),
        (replace(DW5, depth_multiplier=2, output_c=32), D, "depth multiplier 1, not 2"),
        (replace(DW5, batches=3), M, "one batch, not 3"),
        (replace(DW5, dilation_w=2), M, "no dilation, not 1x2"),
        (replace(DW, activations=Num.INT16), M, "never arm_depthwise_conv_fast_s16"),
        (PoolLayer(4, 4, False), D, "MVE only"),
        (SoftmaxLayer(), D, "MVE only"),
    ],
)
def test_says_why_a_layer_is_plain(layer: Layer, isa: Isa, reason: str) -> None:
    use = dispatch(layer, Setup(isa))
    assert use.path is Path.PLAIN
    assert reason in (use.why_not_faster or "")


def test_depthwise_by_four_is_vectorized_on_mve() -> None:
    layer = replace(DW5, depth_multiplier=4, output_c=64)
    assert dispatch(layer, Setup(M)).path is Path.OPTIMIZED
    assert dispatch(layer, Setup(D)).path is Path.PLAIN


@pytest.mark.parametrize(("version", "small"), [(V7_0_0, True), (V4AB83CC, False)])
def test_7_0_0_gives_grouped_convolutions_too_little(version: Version, small: bool) -> None:
    use = dispatch(replace(POINTWISE, filter_c=8), Setup(D), version)
    assert use.function == "arm_convolve_s8"
    assert (use.scratch_bytes == ()) is small


@pytest.mark.parametrize(
    ("width", "kernel", "stride", "out", "pad", "right"),
    [
        (17, 2, 2, 8, 0, False),  # VALID, total padding -1: the last output is wrong
        (20, 5, 2, 10, 1, False),  # Keras Conv1D(6, 5, strides=2, padding="same")
        (20, 4, 2, 10, 1, True),
        (20, 3, 2, 10, 0, True),
        (20, 5, 1, 20, 2, True),
        (16, 2, 2, 8, 0, True),
        (19, 2, 3, 6, 0, False),  # total padding -2: an error that nobody looks at
    ],
)
def test_rows_that_mve_computes_wrongly(
    width: int, kernel: int, stride: int, out: int, pad: int, right: bool
) -> None:
    layer = ConvLayer(1, 1, width, 4, 1, out, 6, 1, kernel, 4, stride_w=stride, pad_w=pad)
    args = (layer.params, layer.input, layer.filter, layer.output)
    assert convolve_1_x_n_is_right(*args) is right


def test_a_depthwise_row_of_one_channel_is_sized_with_garbage() -> None:
    layer = DepthwiseLayer(1, 1, 40, 1, 1, 40, 8, 1, 5, 8, pad_w=2)
    use = dispatch(layer, Setup(M))
    assert use.scratch_bytes == (4 * 16 + 5 * 8,)
    assert size_is_unknown(layer, Setup(M))
    assert not size_is_unknown(layer, Setup(D))


SMALL = st.integers(1, 20)


@given(
    st.builds(
        ConvLayer,
        *[SMALL] * 10,
        *[st.integers(1, 3)] * 4,
        *[st.integers(0, 3)] * 2,
        activations=st.sampled_from(Num),
        weights=st.sampled_from(Num),
    ),
    st.sampled_from(Isa),
    st.sampled_from(VERSIONS),
)
def test_any_convolution_dispatches(layer: ConvLayer, isa: Isa, version: Version) -> None:
    use = dispatch(layer, Setup(isa), version)
    assert use.scratch_bytes is not None
    assert all(size > 0 for size in use.scratch_bytes)
    assert use.scratch_total_bytes == sum(use.scratch_bytes)
    assert (use.path is Path.OPTIMIZED) or use.why_not_faster
    assert use.persistent_total_bytes >= 60


@given(st.integers(1, 60), st.integers(1, 9), st.integers(0, 4))
def test_stride_one_rows_are_right_when_padded_evenly(width: int, kernel: int, pad: int) -> None:
    out = width + 2 * pad - kernel + 1
    if out < 1:
        return
    conv, dims = ConvParams(1, 1, 0, pad), Dims(1, 1, width, 4)
    assert convolve_1_x_n_is_right(conv, dims, Dims(1, 1, kernel, 4), Dims(1, 1, out, 4))
