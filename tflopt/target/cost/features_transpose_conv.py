"""Features of TRANSPOSE_CONV in its two forms.

Sources: CMSIS-NN arm_transpose_conv_s8.c, arm_nn_transpose_conv_row_s8_s32.c,
arm_transpose_conv_wrapper_s8.c.
"""

from __future__ import annotations

from itertools import chain

from tflopt.target.cmsis_nn.layers import ConvLayer, TransposeConvLayer
from tflopt.target.cortex_m import Isa
from tflopt.target.cost.copies import Features
from tflopt.target.cost.features_convolve import convolve, copied_product


def direct(layer: TransposeConvLayer, isa: Isa) -> Features:
    """``arm_transpose_conv_s8``: each input row is spread over a ring of accumulator rows."""
    rows = layer.batches * layer.input_h
    ring = max(layer.kernel_h, layer.stride_h)
    width = (layer.input_w - 1) * layer.stride_w + max(layer.kernel_w, layer.stride_w)
    resets = width * (layer.batches * ring + rows * layer.stride_h)
    outputs = layer.batches * layer.output_h * layer.output_w
    vectors = -(-layer.output_c // 4) if isa is Isa.MVE else layer.output_c
    words = -(-layer.output_c // 4) if isa is Isa.MVE else layer.output_c
    fours, singles = divmod(layer.input_w, 4)
    return {
        "input rows": rows,
        **_pixels("four pixels", rows * fours, layer, isa),
        **_pixels("single pixels", rows * singles, layer, isa),
        "output pixels": outputs,
        "output vectors": outputs * vectors,
        "reset pixels": resets,
        "reset words": resets * words,
    }


def _pixels(name: str, count: int, layer: TransposeConvLayer, isa: Isa) -> Features:
    """Output channels, kernel rows, taps and steps of depth for so many (groups of) pixels."""
    width = {Isa.MVE: 16, Isa.DSP: 4, Isa.SCALAR: 2}[isa]
    steps, rest = divmod(layer.input_c, width)
    if isa is Isa.MVE:
        steps, rest = -(-layer.input_c // width), 0
    channels = count * layer.output_c
    rows = channels * layer.kernel_h * _kept(layer)
    taps = rows * layer.kernel_w
    return {
        name: count,
        f"{name} channels": channels,
        f"{name} kernel rows": rows,
        f"{name} taps": taps,
        f"{name} steps": taps * steps,
        f"{name} ones": taps * rest,
    }


def _kept(layer: TransposeConvLayer) -> float:
    """The share of kernel rows that is not skipped at the top and bottom.

    Rows between are kept whole and not looked at: a file may declare any number of them.
    """
    behind, stride = layer.pad_h + layer.output_h + 1, layer.stride_h
    first = min(-(-layer.pad_h // stride), layer.input_h)
    last = max(first, (behind - layer.kernel_h) // stride + 1)
    kept = max(0, min(last, layer.input_h) - first) * layer.kernel_h
    for row in chain(range(first), range(last, min(layer.input_h, -(-behind // stride)))):
        top = max(0, layer.pad_h - row * stride)
        bottom = max(0, row * stride + layer.kernel_h - behind)
        kept += max(0, layer.kernel_h - top - bottom)
    return kept / max(1, layer.input_h * layer.kernel_h)


def reversed_form(layer: TransposeConvLayer, pad_w: int, isa: Isa) -> tuple[str, Features]:
    """``arm_convolve_s8`` over the input with its gaps, with the filter turned first."""
    inner = ConvLayer(
        *(layer.batches, layer.input_h * layer.stride_h, layer.input_w * layer.stride_w),
        layer.input_c,
        *(layer.output_h, layer.output_w, layer.output_c),
        *(layer.kernel_h, layer.kernel_w, layer.input_c),
        pad_h=layer.kernel_h - 1 - layer.pad_h,
        pad_w=layer.kernel_w - 1 - pad_w,
    )
    weights = layer.output_c * layer.kernel_h * layer.kernel_w
    turned: Features = {"turned taps": weights, "turned bytes": weights * layer.input_c}
    if (layer.stride_h, layer.stride_w) == (1, 1):
        return "reversed", convolve(inner, isa) | turned
    return "upscaled", _upscaled(inner, layer, isa) | turned


def _upscaled(inner: ConvLayer, layer: TransposeConvLayer, isa: Isa) -> Features:
    """Each window is filled with the zero point, then the taps that meet the input are copied."""
    pixels = inner.batches * inner.output_h * inner.output_w
    rows = _met(inner.output_h, inner.kernel_h, inner.input_h, inner.pad_h, layer.stride_h)
    columns = _met(inner.output_w, inner.kernel_w, inner.input_w, inner.pad_w, layer.stride_w)
    window = inner.kernel_h * inner.kernel_w * inner.input_c
    copies = inner.batches * rows * columns
    product = copied_product(inner, copies, inner.batches, isa)
    return product | {
        "pixels": pixels,
        "filled": pixels * -(-window // 16),
        "kernel rows": pixels * inner.kernel_h,
        "met rows": inner.batches * rows * inner.output_w,
        "visited taps": inner.batches * rows * inner.output_w * inner.kernel_w,
        "copies": copies,
    }


def _met(output: int, kernel: int, size: int, pad: int, step: int) -> int:
    """Taps over all positions of one axis that fall on an element and not into a gap."""
    count = 0
    for position in range(output):
        for tap in range(kernel):
            place = position - pad + tap
            count += 0 <= place < size and place % step == 0
    return count
