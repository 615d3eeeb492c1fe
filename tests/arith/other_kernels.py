"""Operators of two inputs, reductions, pooling and accumulators, as kernels under test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from tests.arith.draws import affine, draw_inputs, draw_product, draw_sum, int8s, ratios, scales
from tests.arith.slots import Array, Drawn, Kernel, Slot
from tests.arith.softmax_kernel import SOFTMAX
from tflopt.arith import accumulator, binary, floating, reduction, unary
from tflopt.arith.affine import Affine, Precision
from tflopt.arith.fixed_point import Ints
from tflopt.ir import Activation, DType, OpCode, Padding, Quantization, Value
from tflopt.ir.options import (
    AddOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    DequantizeOptions,
    FullyConnectedOptions,
    MaximumMinimumOptions,
    MulOptions,
    Options,
    Pool2DOptions,
    ReducerOptions,
    SubOptions,
)

Rng = np.random.Generator
FUSED = (Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1)
ELEMENTS = 256
CHANNELS = 4


def _two(rng: Rng) -> list[Array]:
    return [int8s(rng, ELEMENTS), int8s(rng, ELEMENTS)]


def _slots_fused(slot: Slot) -> Activation:
    return FUSED[slot.index % len(FUSED)]


def _by_fused(
    model: Callable[[Drawn, Activation, list[Array]], Array],
) -> Callable[[Drawn, list[Array]], Array]:
    """The model's result where slots take the activations in turn."""

    def expect(drawn: Drawn, feeds: list[Array]) -> Array:
        turns = [slice(turn, None, len(FUSED)) for turn in range(len(FUSED))]
        parts = [
            model(drawn.part(rows), fused, feeds) for rows, fused in zip(turns, FUSED, strict=True)
        ]
        result = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), parts[0].dtype)
        for rows, part in zip(turns, parts, strict=True):
            result[rows] = part
        return result

    return expect


def _build_two(code: OpCode, options: Callable[..., Options]) -> Callable[[Slot], Value]:
    def build(slot: Slot) -> Value:
        inputs = [slot.relabel(0, "one"), slot.relabel(1, "two")]
        fused = options(fused_activation_function=_slots_fused(slot))
        return slot.net.op(code, inputs, (ELEMENTS,), options=fused, quant=slot.quant("out"))

    return build


def _model_two(function: Callable[..., Array]) -> Callable[[Drawn, list[Array]], Array]:
    def model(drawn: Drawn, fused: Activation, feeds: list[Array]) -> Array:
        a, b = (feed.astype(np.int64)[None] for feed in feeds)
        params = (drawn.affine["one"], drawn.affine["two"], drawn.affine["out"])
        return function(a, b, *params, fused)

    return _by_fused(model)


def _build_float_two(code: OpCode, options: Callable[..., Options]) -> Callable[[Slot], Value]:
    def build(slot: Slot) -> Value:
        real = [
            slot.net.op(
                OpCode.DEQUANTIZE,
                [slot.relabel(number, role)],
                (ELEMENTS,),
                options=DequantizeOptions(),
                dtype=DType.FLOAT32,
            )
            for number, role in enumerate(("one", "two"))
        ]
        fused = options(fused_activation_function=_slots_fused(slot))
        return slot.net.op(code, real, (ELEMENTS,), options=fused)

    return build


def _model_float_two(function: Callable[..., Array]) -> Callable[[Drawn, list[Array]], Array]:
    def model(drawn: Drawn, fused: Activation, feeds: list[Array]) -> Array:
        real = [
            floating.dequantize(feed.astype(np.int64)[None], drawn.affine[role])
            for feed, role in zip(feeds, ("one", "two"), strict=True)
        ]
        return function(*real, fused)

    return _by_fused(model)


def _build_extreme(code: OpCode) -> Callable[[Slot], Value]:
    def build(slot: Slot) -> Value:
        one, two = slot.relabel(0, "out"), slot.relabel(1, "out")
        options, quant = MaximumMinimumOptions(), slot.quant("out")
        return slot.net.op(code, [one, two], (ELEMENTS,), options=options, quant=quant)

    return build


def _model_extreme(function: Callable[[Ints, Ints], Ints]) -> Callable[[Drawn, list[Array]], Array]:
    def expect(drawn: Drawn, feeds: list[Array]) -> Array:
        count = len(drawn.affine["out"].scale)
        row = function(feeds[0].astype(np.int64), feeds[1].astype(np.int64))
        return np.broadcast_to(row, (count, ELEMENTS))

    return expect


def _draw_out(rng: Rng, count: int) -> Drawn:
    return Drawn({"out": affine(rng, scales(rng, count))}, {})


def _build_prelu(slot: Slot) -> Value:
    inputs = [slot.relabel(0, "one"), slot.relabel(1, "two")]
    return slot.net.op(OpCode.PRELU, inputs, (ELEMENTS,), quant=slot.quant("out"))


def _model_prelu(drawn: Drawn, feeds: list[Array]) -> Array:
    a, b = (feed.astype(np.int64)[None] for feed in feeds)
    params = drawn.affine
    return unary.prelu(a, b, params["one"], params["two"], params["out"])


# Reductions: the window of a slot depends on its index, so that many counts are covered.

ROWS, COLUMNS = 9, 11
PICTURE = (1, ROWS, COLUMNS, 8)
WINDOWS = [(1, 1), (1, 2), (3, 1), (2, 2), (1, 5), (2, 3), (7, 1), (5, 5), (7, 7), (6, 6), (9, 11)]


def _picture(rng: Rng) -> list[Array]:
    """Channels of wide, narrow, lowest, highest and skewed values: many different sums."""
    wide = int8s(rng, *PICTURE)
    center = rng.integers(-128, 128, PICTURE[3])
    narrow = np.clip(center + rng.integers(-3, 4, PICTURE), -128, 127)
    data = np.where(np.arange(PICTURE[3]) < 3, wide, narrow)
    data[..., 3], data[..., 4] = -128, 127
    return [data.astype(np.int8)]


def _window(index: int) -> tuple[int, int]:
    return WINDOWS[index % len(WINDOWS)]


def _draw_mean(rng: Rng, count: int) -> Drawn:
    """A sum of 99 elements has 15 bits; its shift stays below 2^16."""
    out = scales(rng, count)
    one = out * ratios(rng, count, (-29.0, 14.9))
    return Drawn({"one": affine(rng, one), "out": affine(rng, out)}, {})


def _build_reduce(code: OpCode) -> Callable[[Slot], Value]:
    """The operator over the corner of the picture that the slot's window covers."""

    def build(slot: Slot) -> Value:
        rows, columns = _window(slot.index)
        begin = slot.net.constant([0, 0, 0, 0])
        size = slot.net.constant([1, rows, columns, PICTURE[3]])
        shape = (1, rows, columns, PICTURE[3])
        part = slot.net.op(OpCode.SLICE, [slot.relabel(0, "one"), begin, size], shape, version=2)
        axes = slot.net.constant([1, 2])
        options, quant = ReducerOptions(keep_dims=True), slot.quant("out")
        out = (1, 1, 1, PICTURE[3])
        return slot.net.op(code, [part, axes], out, options=options, quant=quant, version=2)

    return build


def _model_reduce(function: Callable[..., Array]) -> Callable[[Drawn, list[Array]], Array]:
    def expect(drawn: Drawn, feeds: list[Array]) -> Array:
        sets = len(drawn.affine["out"].scale)
        corners = [_window(index) for index in range(sets)]
        totals = np.stack([feeds[0][0, :r, :c].astype(np.int64).sum((0, 1)) for r, c in corners])
        counts = np.array([[r * c] for r, c in corners])
        return function(totals, counts, drawn.affine["one"], drawn.affine["out"])

    return expect


def _build_pool(code: OpCode) -> Callable[[Slot], Value]:
    def build(slot: Slot) -> Value:
        rows, columns = _window(slot.index // len(FUSED))
        options = Pool2DOptions(
            padding=Padding.SAME,
            stride_w=1,
            stride_h=1,
            filter_width=columns,
            filter_height=rows,
            fused_activation_function=_slots_fused(slot),
        )
        source = slot.relabel(0, "out")
        return slot.net.op(code, [source], PICTURE, options=options, quant=slot.quant("out"))

    return build


def _windows(picture: Array, rows: int, columns: int) -> tuple[Ints, Ints, Ints]:
    """Sum, count and maximum of each SAME window of the picture, flattened."""
    top, left = (rows - 1) // 2, (columns - 1) // 2
    amounts = ((top, rows - 1 - top), (left, columns - 1 - left), (0, 0))
    data = picture[0].astype(np.int64)
    inside = np.pad(np.ones_like(data), amounts)
    view = np.lib.stride_tricks.sliding_window_view
    totals = view(np.pad(data, amounts), (rows, columns), (0, 1)).sum((-2, -1))
    counts = view(inside, (rows, columns), (0, 1)).sum((-2, -1))
    largest = view(np.pad(data, amounts, constant_values=-999), (rows, columns), (0, 1))
    return totals.reshape(-1), counts.reshape(-1), largest.max((-2, -1)).reshape(-1)


def _model_pool(average: bool) -> Callable[[Drawn, list[Array]], Array]:
    def expect(drawn: Drawn, feeds: list[Array]) -> Array:
        out, rows = drawn.affine["out"], []
        sets = len(out.scale)
        parts = [_windows(feeds[0], *window) for window in WINDOWS]
        for index in range(sets):
            total, count, largest = parts[(index // len(FUSED)) % len(WINDOWS)]
            fused = FUSED[index % len(FUSED)]
            one = Affine(out.scale[index], out.zero_point[index])
            pooled = reduction.average_pool(total, count, one, fused)
            rows.append(pooled if average else reduction.max_pool(largest, one, fused))
        return np.stack(rows)

    return expect


# Accumulators: every channel is a parameter set of its own.

STEPS, DEPTH = 6, 5


def _dense_feeds(rng: Rng) -> list[Array]:
    return [int8s(rng, STEPS, DEPTH)]


def _row_feeds(rng: Rng) -> list[Array]:
    return [int8s(rng, 1, 3, STEPS, DEPTH)]


def _weights(shape: Sequence[int]) -> Array:
    return int8s(np.random.default_rng(7), *shape)


def _bias(channels: int) -> Ints:
    return np.random.default_rng(8).integers(-9000, 9000, channels)


def _draw_dense(rng: Rng, count: int) -> Drawn:
    """Accumulators have at most 20 bits, so that shifts up to 11 keep to 32 bits."""
    out, one = scales(rng, count), scales(rng, count)
    weight = out * ratios(rng, count, (-33.0, 10.0)) / one
    params = {"one": affine(rng, one), "out": affine(rng, out)}
    return Drawn({**params, "weight": Affine.make(weight, np.zeros((count, 1)))}, {})


def _weight_quant(slot: Slot, channels: int, axis: int) -> Quantization:
    """One marked scale, or the same for each channel."""
    mark = slot.quant("weight")
    if channels == 1:
        return mark
    assert mark.scale is not None
    return Quantization.per_channel(np.repeat(mark.scale, channels), axis)


CONV_SHAPE = (CHANNELS, 2, 3, DEPTH)
DEPTHWISE_SHAPE = (1, 2, 3, 2 * DEPTH)


def _build_conv(slot: Slot) -> Value:
    data = slot.net.constant(_weights(CONV_SHAPE), DType.INT8, _weight_quant(slot, CHANNELS, 0))
    bias = slot.net.constant(_bias(CHANNELS))
    options = Conv2DOptions(
        padding=Padding.VALID,
        stride_w=1,
        stride_h=1,
        fused_activation_function=_slots_fused(slot),
    )
    out = (1, 2, STEPS - 2, CHANNELS)
    inputs = [slot.relabel(0, "one"), data, bias]
    return slot.net.op(OpCode.CONV_2D, inputs, out, options=options, quant=slot.quant("out"))


def _build_depthwise(slot: Slot) -> Value:
    data = slot.net.constant(_weights(DEPTHWISE_SHAPE), DType.INT8, _weight_quant(slot, 1, 3))
    bias = slot.net.constant(_bias(2 * DEPTH))
    options = DepthwiseConv2DOptions(
        padding=Padding.VALID,
        stride_w=1,
        stride_h=1,
        depth_multiplier=2,
        fused_activation_function=_slots_fused(slot),
    )
    out = (1, 2, STEPS - 2, 2 * DEPTH)
    inputs = [slot.relabel(0, "one"), data, bias]
    quant = slot.quant("out")
    return slot.net.op(OpCode.DEPTHWISE_CONV_2D, inputs, out, options=options, quant=quant)


def _build_dense(slot: Slot) -> Value:
    data = slot.net.constant(_weights((CHANNELS, DEPTH)), DType.INT8, _weight_quant(slot, 1, 0))
    options = FullyConnectedOptions(fused_activation_function=_slots_fused(slot))
    inputs = [slot.relabel(0, "one"), data, None]
    out, quant = (STEPS, CHANNELS), slot.quant("out")
    return slot.net.op(OpCode.FULLY_CONNECTED, inputs, out, options=options, quant=quant, version=4)


def _model_accumulator(
    total: Callable[[Ints], Ints], multiplier: Callable[..., tuple[Ints, Ints]]
) -> Callable[[Drawn, list[Array]], Array]:
    def model(drawn: Drawn, fused: Activation, feeds: list[Array]) -> Array:
        one, weight, out = (drawn.affine[role] for role in ("one", "weight", "out"))
        sums = np.stack([total(feeds[0].astype(np.int64) - zero) for zero in one.zero_point])
        factors = multiplier(one, weight.scale, out)
        flat = sums.reshape(len(sums), -1)
        return accumulator.requantize_accumulator(flat, *factors, out, fused)

    return _by_fused(model)


def _conv_total(x: Ints) -> Ints:
    total = accumulator.convolve(x, _weights(CONV_SHAPE).astype(np.int64))
    return np.asarray(total + _bias(CHANNELS))


def _depthwise_total(x: Ints) -> Ints:
    weights = _weights(DEPTHWISE_SHAPE).astype(np.int64)
    return np.asarray(accumulator.depthwise(x, weights) + _bias(2 * DEPTH))


def _dense_total(x: Ints) -> Ints:
    return accumulator.dense(x, _weights((CHANNELS, DEPTH)).astype(np.int64))


CONVOLUTION = accumulator.convolution_multiplier
OTHERS = [
    Kernel("ADD", draw_sum, _two, _build_two(OpCode.ADD, AddOptions), _model_two(binary.add)),
    Kernel("MUL", draw_product, _two, _build_two(OpCode.MUL, MulOptions),
           _model_two(binary.mul)),
    Kernel("MAXIMUM", _draw_out, _two, _build_extreme(OpCode.MAXIMUM),
           _model_extreme(binary.maximum)),
    Kernel("MINIMUM", _draw_out, _two, _build_extreme(OpCode.MINIMUM),
           _model_extreme(binary.minimum)),
    Kernel("PRELU", draw_product, _two, _build_prelu, _model_prelu),
    Kernel("float ADD", draw_inputs, _two, _build_float_two(OpCode.ADD, AddOptions),
           _model_float_two(floating.add)),
    Kernel("float SUB", draw_inputs, _two, _build_float_two(OpCode.SUB, SubOptions),
           _model_float_two(floating.sub)),
    Kernel("float MUL", draw_inputs, _two, _build_float_two(OpCode.MUL, MulOptions),
           _model_float_two(floating.mul)),
    SOFTMAX,
    Kernel("MEAN", _draw_mean, _picture, _build_reduce(OpCode.MEAN),
           _model_reduce(reduction.mean)),
    Kernel("SUM", _draw_mean, _picture, _build_reduce(OpCode.SUM),
           _model_reduce(reduction.sum_of)),
    Kernel("AVERAGE_POOL_2D", _draw_out, _picture, _build_pool(OpCode.AVERAGE_POOL_2D),
           _model_pool(True)),
    Kernel("MAX_POOL_2D", _draw_out, _picture, _build_pool(OpCode.MAX_POOL_2D),
           _model_pool(False)),
    Kernel("CONV_2D", _draw_dense, _row_feeds, _build_conv,
           _model_accumulator(_conv_total, CONVOLUTION)),
    Kernel("DEPTHWISE_CONV_2D", _draw_dense, _row_feeds, _build_depthwise,
           _model_accumulator(_depthwise_total, CONVOLUTION)),
]  # fmt: skip


def others_in(precision: Precision) -> list[Kernel]:
    """Operators whose multipliers depend on the precision in which scales are combined."""
    dense = partial(accumulator.dense_multiplier, precision=precision)
    return [
        Kernel(f"SUB ({precision.value})", draw_sum, _two, _build_two(OpCode.SUB, SubOptions),
               _model_two(partial(binary.sub, precision=precision))),
        Kernel(f"FULLY_CONNECTED ({precision.value})", _draw_dense, _dense_feeds, _build_dense,
               _model_accumulator(_dense_total, dense)),
    ]  # fmt: skip
