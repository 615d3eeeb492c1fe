"""Known sizes by hand, and what must hold for every layer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflopt.target.cmsis_nn import NEWEST, VERSIONS, Version
from tflopt.target.cmsis_nn import sizes_convolve as conv
from tflopt.target.cmsis_nn import sizes_depthwise as dw
from tflopt.target.cmsis_nn import sizes_transpose_conv as tconv
from tflopt.target.cmsis_nn.structs import ConvParams, Dims, DwConvParams, c_remainder, round_up
from tflopt.target.cortex_m import Isa

pytestmark = pytest.mark.unit

SMALL = st.integers(1, 40)
DIMS = st.builds(Dims, st.integers(1, 3), SMALL, SMALL, SMALL)
PARAMS = st.builds(
    DwConvParams,
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 4),
    st.integers(0, 4),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 4),
)


@pytest.mark.parametrize(
    ("isa", "size"), [(Isa.SCALAR, 4 * 28), (Isa.DSP, 4 * 28), (Isa.MVE, 4 * 32)]
)
def test_general_convolution_rounds_its_columns(isa: Isa, size: int) -> None:
    assert conv.convolve_s8_get_buffer_size(Dims(1, 8, 8, 3), Dims(1, 3, 3, 3), isa) == size


@pytest.mark.parametrize("isa", Isa)
def test_a_1x1_convolution_needs_nothing(isa: Isa) -> None:
    args = (ConvParams(), Dims(1, 8, 8, 32), Dims(1, 1, 1, 32), Dims(1, 8, 8, 16))
    assert conv.convolve_wrapper_s8_get_buffer_size(*args, isa) == 0


@pytest.mark.parametrize(
    ("version", "size"), [(v, 4 * 32 if v.sizes_check_channels else 0) for v in VERSIONS]
)
def test_a_grouped_1x1_convolution_depends_on_the_version(version: Version, size: int) -> None:
    args = (ConvParams(), Dims(1, 8, 8, 32), Dims(1, 1, 1, 16), Dims(1, 8, 8, 16))
    assert conv.convolve_wrapper_s8_get_buffer_size(*args, Isa.DSP, version) == size


def test_a_row_on_mve_keeps_its_padded_columns_only() -> None:
    # Five taps of four channels over 20 elements, SAME, stride 1: two padded columns each side.
    args = (ConvParams(1, 1, 0, 2), Dims(1, 1, 20, 4), Dims(1, 1, 5, 4), Dims(1, 1, 20, 6))
    assert conv.convolve_wrapper_s8_get_buffer_size(*args, Isa.MVE) == 5 * 4 + 2 * 4
    assert conv.convolve_wrapper_s8_get_buffer_size(*args, Isa.DSP) == 4 * 20


@pytest.mark.parametrize("channels", [1, 8, 124, 125, 500])
def test_depthwise_scratch_on_mve_ignores_the_channels(channels: int) -> None:
    dims = Dims(1, 10, 10, channels)
    args = (DwConvParams(pad_h=1, pad_w=1), dims, Dims(1, 3, 3, channels), dims)
    assert dw.depthwise_conv_wrapper_s8_get_buffer_size(*args, Isa.MVE) == 4 * 124 * 9
    assert dw.depthwise_conv_wrapper_s8_get_buffer_size(*args, Isa.DSP) == 0


def test_depthwise_with_one_input_channel_becomes_a_convolution_on_mve() -> None:
    # micro_speech's layer: 10x8 taps, eight outputs of one input channel.
    args = (DwConvParams(2, 2, 4, 3, ch_mult=8), Dims(1, 49, 40, 1), Dims(1, 10, 8, 8))
    size = dw.depthwise_conv_wrapper_s8_get_buffer_size(*args, Dims(1, 25, 20, 8), Isa.MVE)
    assert size == 4 * 80 + 80 * 8


@pytest.mark.parametrize(("channels", "reverse"), [(16, 0), (17, 17 * 9 * 5)])
def test_transpose_convolution_reverses_above_16_channels(channels: int, reverse: int) -> None:
    args = (ConvParams(2, 2), Dims(1, 4, 4, channels), Dims(5, 3, 3, channels))
    assert tconv.transpose_conv_s8_get_reverse_conv_buffer_size(*args) == reverse


@given(DIMS, DIMS, DIMS, PARAMS, st.sampled_from(VERSIONS))
def test_no_size_is_negative(
    input_: Dims, filter_: Dims, output: Dims, params: DwConvParams, version: Version
) -> None:
    for isa in Isa:
        args = (params, input_, filter_, output, isa)
        assert conv.convolve_wrapper_s8_get_buffer_size(*args, version) >= 0
        assert conv.convolve_wrapper_s4_get_buffer_size(*args, version) >= 0
        assert dw.depthwise_conv_wrapper_s8_get_buffer_size(*args, version) >= 0
        assert tconv.transpose_conv_s8_get_buffer_size(*args) >= 0


@given(DIMS, DIMS, DIMS, PARAMS, st.sampled_from(Isa))
def test_the_s8_buffer_serves_int4_weights(
    input_: Dims, filter_: Dims, output: Dims, params: DwConvParams, isa: Isa
) -> None:
    """TFLM asks the s8 function for int4 weights too: its answer must never be too small."""
    args = (params, input_, filter_, output, isa, NEWEST)
    s8 = conv.convolve_wrapper_s8_get_buffer_size(*args)
    assert s8 >= conv.convolve_wrapper_s4_get_buffer_size(*args)


@given(st.integers(-100, 100), st.integers(1, 9))
def test_c_remainder_truncates(dividend: int, divisor: int) -> None:
    remainder = c_remainder(dividend, divisor)
    assert remainder == dividend - int(dividend / divisor) * divisor


@given(st.integers(0, 10**6), st.integers(1, 64))
def test_round_up_is_the_next_multiple(value: int, multiple: int) -> None:
    rounded = round_up(value, multiple)
    assert rounded % multiple == 0
    assert value <= rounded < value + multiple
