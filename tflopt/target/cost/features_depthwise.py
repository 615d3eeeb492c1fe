"""Features of the depthwise convolutions.

Sources: CMSIS-NN arm_depthwise_conv_s8{,_opt}.c, arm_depthwise_conv_3x3_s8.c,
arm_depthwise_conv_wrapper_s8.c, arm_nn_depthwise_conv_nt_t_s8.c.
"""

from __future__ import annotations

from tflopt.target.cmsis_nn.layers import ConvLayer, DepthwiseLayer
from tflopt.target.cmsis_nn.sizes_convolve import convolve_1_x_n_falls_back, is_convolve_1_x_n
from tflopt.target.cmsis_nn.structs import Dims
from tflopt.target.cortex_m import Isa
from tflopt.target.cost.copies import Features
from tflopt.target.cost.features_convolve import convolve, convolve_1_x_n, convolve_1x1
from tflopt.target.cost.windows import window_of

MVE_BLOCK_CHANNELS = 124


def optimized(layer: DepthwiseLayer, isa: Isa) -> Features:
    """``arm_depthwise_conv_s8_opt``: windows are copied, then multiplied."""
    return _opt_mve(layer) if isa is Isa.MVE else _opt_dsp(layer)


def _opt_mve(layer: DepthwiseLayer) -> Features:
    """Blocks of 124 channels outermost; in them four pixels and four channels at once."""
    window = window_of(layer)
    full, rest = divmod(layer.input_c, MVE_BLOCK_CHANNELS)
    sizes = [MVE_BLOCK_CHANNELS] * full + ([rest] if rest else [])
    fours, singles = divmod(window.pixels, 4)
    quads = sum(-(-size // 4) for size in sizes)
    return {
        "blocks": len(sizes),
        "block pixels": len(sizes) * window.pixels,
        "kernel rows": len(sizes) * window.pixels * window.h.kernel,
        "copies": len(sizes) * window.taps,
        "padded copies": len(sizes) * (window.taps - window.valid_taps),
        "copied vectors": window.taps * sum(-(-size // 16) for size in sizes),
        "product calls": len(sizes) * fours,
        "four-pixel quads": fours * quads,
        "four-pixel taps": fours * quads * window.kernel,
        "single quads": singles * quads,
        "single taps": singles * quads * window.kernel,
    }


def _opt_dsp(layer: DepthwiseLayer) -> Features:
    window, channels = window_of(layer), layer.input_c
    quads, rest = divmod(channels, 4)
    row_pixels = window.valid_rows
    padded_rows = window.pixels * window.h.kernel - row_pixels
    row_taps = row_pixels * window.w.kernel
    valid = window.valid_taps
    return {
        "pixels": window.pixels,
        "kernel rows": row_pixels,
        "padded rows": padded_rows,
        "padded row bytes": padded_rows * window.w.kernel * channels,
        "copies": valid,
        "copied fours": valid * quads,
        "copied ones": valid * rest,
        "padded copies": row_taps - valid,
        "padded bytes": (row_taps - valid) * channels,
        "quads": window.pixels * quads,
        "quad tap pairs": window.pixels * quads * (window.kernel // 2),
        "quad odd taps": window.pixels * quads * (window.kernel % 2),
        "pixels with last channels": window.pixels * (rest > 0),
        "last channels": window.pixels * rest,
        "last channel taps": window.pixels * rest * window.kernel,
    }


def three_by_three(layer: DepthwiseLayer, isa: Isa) -> Features:
    """``arm_depthwise_conv_3x3_s8``: four channels at once, nothing is copied."""
    del isa
    window = window_of(layer)
    quads, rest = divmod(layer.input_c, 4)
    features: Features = {
        "rows": layer.output_h,
        "pixels": window.pixels,
        "pixels with last channels": window.pixels * (rest > 0),
    }
    for name, count in (("quads", quads), ("last channels", rest)):
        features[name] = window.pixels * count
        features[f"{name} kernel rows"] = window.valid_rows * count
        features[f"{name} taps"] = window.valid_taps * count
    return features


def generic(layer: DepthwiseLayer, isa: Isa) -> Features:
    """``arm_depthwise_conv_s8`` for any multiplier, batch and dilation: plain loops."""
    del isa
    window = window_of(layer)
    pixels, inputs = layer.batches * window.pixels, layer.input_c
    outputs = pixels * layer.output_c
    dilated = (layer.dilation_h > 1) + (layer.dilation_w > 1)
    return {
        "pixels": pixels,
        "input channels": pixels * inputs,
        "outputs": outputs,
        "dilated outputs": outputs * dilated,
        "kernel rows": layer.batches * window.valid_rows * layer.output_c,
        "taps": layer.batches * window.valid_taps * layer.output_c,
    }


def by_four(layer: DepthwiseLayer, isa: Isa) -> Features:
    """``arm_depthwise_conv_s8`` for a multiplier divisible by four: four outputs at once."""
    del isa
    window = window_of(layer)
    quads = layer.output_c // 4
    return {
        "pixels": window.pixels,
        "input channels": window.pixels * layer.input_c,
        "quads": window.pixels * quads,
        "kernel rows": window.valid_rows * quads,
        "taps": window.valid_taps * quads,
    }


def runs_by_four(layer: DepthwiseLayer) -> bool:
    """Whether ``arm_depthwise_conv_s8`` takes four outputs at once."""
    undilated = (layer.dilation_h, layer.dilation_w) == (1, 1)
    return layer.depth_multiplier % 4 == 0 and layer.batches == 1 and undilated


def as_convolution(layer: DepthwiseLayer) -> ConvLayer:
    """The convolution that a depthwise layer with one input channel is."""
    return ConvLayer(
        *(layer.batches, layer.input_h, layer.input_w, layer.input_c),
        *(layer.output_h, layer.output_w, layer.output_c),
        *(layer.kernel_h, layer.kernel_w, layer.input_c),
        *(layer.stride_h, layer.stride_w, layer.dilation_h, layer.dilation_w),
        *(layer.pad_h, layer.pad_w),
    )


def to_convolution(layer: DepthwiseLayer, isa: Isa) -> tuple[str, Features]:
    """``arm_depthwise_conv_to_conv_s8``: which convolution follows, and its features.

    The weights are transposed on each run.
    """
    conv = as_convolution(layer)
    weights = {"transposed weights": layer.kernel_h * layer.kernel_w * layer.output_c}
    args = (conv.params, conv.input, Dims(1, conv.kernel_h, conv.kernel_w, conv.filter_c))
    if layer.kernel_h * layer.kernel_w == 1 and not layer.pad_h and not layer.pad_w:
        return "1x1", convolve_1x1(conv, isa) | weights
    if is_convolve_1_x_n(*args) and not convolve_1_x_n_falls_back(*args, conv.output):
        return "1xN", convolve_1_x_n(conv, isa) | weights
    return "general", convolve(conv, isa) | weights
