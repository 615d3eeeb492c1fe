"""Why CMSIS-NN runs the function it runs: the first condition that a faster one does not meet.

Sources: arm_convolve_wrapper_s8.c, arm_depthwise_conv_wrapper_s8.c.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tflopt.target.cmsis_nn import sizes_convolve as conv_sizes
from tflopt.target.cmsis_nn.layers import ConvLayer, DepthwiseLayer, Layer, Num
from tflopt.target.cortex_m import Isa
from tflopt.target.library import Faster

Test = tuple[bool, str]


def faster(layer: Layer, isa: Isa) -> Faster | None:
    """The faster function that a convolution comes closest to; None where it has the best.

    For int8 convolutions; other layers have one function for each type.
    """
    if isinstance(layer, ConvLayer) and _is_int8(layer):
        return _first(_conv_candidates(layer, isa))
    if isinstance(layer, DepthwiseLayer) and _is_int8(layer):
        return _first(_depthwise_candidates(layer, isa))
    return None


def _is_int8(layer: ConvLayer | DepthwiseLayer) -> bool:
    return layer.activations is Num.INT8 and layer.weights is Num.INT8


def _first(candidates: Iterator[tuple[str, Sequence[Test]]]) -> Faster | None:
    """Of the candidates before the one that takes the layer, that with the fewest failures."""
    missed: list[tuple[int, Faster]] = []
    for function, tests in candidates:
        failed = [reason for passed, reason in tests if not passed]
        if not failed:
            break
        missed.append((len(failed), Faster(function, failed[0])))
    return min(missed, key=lambda pair: pair[0])[1] if missed else None


def _conv_candidates(layer: ConvLayer, isa: Isa) -> Iterator[tuple[str, Sequence[Test]]]:
    """From the fastest on, with those that a layer of this shape could take."""
    groups = layer.input_c // max(layer.filter_c, 1)
    one_group = (groups == 1, f"it takes one group, not {groups}")
    tap = (layer.kernel_h, layer.kernel_w) == (1, 1)
    unpadded = (layer.pad_h, layer.pad_w) == (0, 0)
    undilated = (layer.dilation_h, layer.dilation_w) == (1, 1)
    stride = f"{layer.stride_h}x{layer.stride_w}"
    kernel = f"{layer.kernel_h}x{layer.kernel_w}"
    plain = (
        (tap, f"it takes a 1x1 kernel, not {kernel}"),
        (unpadded, "it takes no padding"),
        (undilated, "it takes no dilation"),
        one_group,
    )
    if isa is Isa.MVE and layer.kernel_h == 1 and not tap:
        yield "arm_convolve_1_x_n_s8", (*_row_tests(layer), one_group, _columns_test(layer))
    stride_one = (stride == "1x1", f"it takes stride 1, not {stride}")
    yield "arm_convolve_1x1_s8_fast", (*plain, stride_one)
    if tap:
        yield "arm_convolve_1x1_s8", plain


def _row_tests(layer: ConvLayer) -> tuple[Test, ...]:
    step = layer.stride_w * layer.input_c
    return (
        (layer.input_h == 1, f"it takes an input of height 1, not {layer.input_h}"),
        (layer.dilation_w == 1, f"it takes no dilation, not {layer.dilation_w}"),
        (step % 4 == 0, f"stride x channels must be a multiple of 4, not {step}"),
    )


def _columns_test(layer: ConvLayer) -> Test:
    falls_back = conv_sizes.convolve_1_x_n_falls_back(
        layer.params, layer.input, layer.filter, layer.output
    )
    return not falls_back, "the row is too narrow to be split into padded and unpadded columns"


def _depthwise_candidates(layer: DepthwiseLayer, isa: Isa) -> Iterator[tuple[str, Sequence[Test]]]:
    multiplier = layer.depth_multiplier
    dilation = f"{layer.dilation_h}x{layer.dilation_w}"
    common = (
        (multiplier == 1, f"it takes depth multiplier 1, not {multiplier}"),
        (layer.batches == 1, f"it takes one batch, not {layer.batches}"),
        (dilation == "1x1", f"it takes no dilation, not {dilation}"),
    )
    if isa is Isa.MVE:
        if layer.input_c > 1 or layer.output_c == 1:
            yield "arm_depthwise_conv_s8_opt", common
        return
    kernel, padding = f"{layer.kernel_h}x{layer.kernel_w}", max(layer.pad_h, layer.pad_w)
    yield (
        "arm_depthwise_conv_3x3_s8",
        (
            *common,
            (kernel == "3x3", f"it takes a 3x3 kernel, not {kernel}"),
            (padding <= 1, f"it takes padding of at most 1, not {padding}"),
        ),
    )
    if isa is Isa.DSP:
        yield "arm_depthwise_conv_s8_opt", common
