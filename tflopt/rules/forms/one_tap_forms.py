"""Arithmetic with a constant for each channel as a depthwise convolution of one tap."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from tflopt.arith.fixed_point import Ints
from tflopt.facts.biases import bias_quantization
from tflopt.facts.one_tap import Frame, Tap, as_product, one_tap, taps_of_one_scale
from tflopt.ir import DType, Op, OpCode, Padding, Quantization
from tflopt.ir.options import DepthwiseConv2DOptions
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.constants.remove_identity import Pair, pair_of
from tflopt.search.worth import MOST_ELEMENTS

SIGNS = {(OpCode.SUB, 0): -1}
"""By operator and place of the constant: by what a sum multiplies the other operand."""


def as_depthwise(op: Op) -> Sketch | None:
    """The 1x1 DEPTHWISE_CONV_2D that gives the same for all 256 inputs, None without one.

    One scale for all channels is searched first, then weight, scale and bias of each on its own;
    the weights of MUL are the constant itself, where it fits.
    """
    pair = pair_of(op)
    if pair is None or pair.data.shape != op.output.shape or not op.output.shape:
        return None
    if op.output.shape[-1] > MOST_ELEMENTS:
        return None
    numbers = channels_of(pair)
    taps = None if numbers is None else _taps(pair, numbers)
    return None if taps is None else _drawn(pair, taps)


def channels_of(pair: Pair) -> Ints | None:
    """The constant's number for each index of the last axis; None where it has more than one."""
    shape = pair.op.output.shape
    data = pair.other.array().astype(np.int64)
    rows = data.reshape(-1, data.shape[-1] if data.ndim else 1)
    alike = rows.size and bool((rows == rows[0]).all())
    return np.broadcast_to(rows[0], shape[-1:]) if alike and all(shape) else None


def _taps(pair: Pair, numbers: Ints) -> list[Tap] | None:
    """One for each channel; None where a channel has none."""
    source, other, target = pair.parts
    frame = Frame(
        float(source.scale),
        int(source.zero_point),
        float(target.scale),
        int(target.zero_point),
        pair.fused,
    )
    tables = pair.outputs()
    if not bool((tables == tables[0]).all()):
        return None
    constants, maps = [int(number) for number in pair.constants[0]], list(tables[0].T)
    factors = [number - int(other.zero_point) for number in constants]
    taps = _of_one_scale(pair, factors, maps, frame)
    if taps is None:
        taps = [
            _tap(pair, factor, targets, frame)
            for factor, targets in zip(factors, maps, strict=True)
        ]
    tap_of = dict(zip(constants, taps, strict=True))
    chosen = [tap_of[int(number)] for number in numbers]
    known = [tap for tap in chosen if tap is not None]
    return known if len(known) == len(chosen) else None


def _of_one_scale(
    pair: Pair, numbers: list[int], maps: list[Ints], frame: Frame
) -> Sequence[Tap | None] | None:
    if pair.op.code is OpCode.MUL:
        return taps_of_one_scale(numbers, float(pair.parts[1].scale), maps, frame)
    sign = SIGNS.get((pair.op.code, pair.position), 1)
    return taps_of_one_scale([sign] * len(maps), 1.0, maps, frame)


def _tap(pair: Pair, number: int, targets: Ints, frame: Frame) -> Tap | None:
    scale = float(pair.parts[1].scale)
    if pair.op.code is not OpCode.MUL:
        return one_tap(SIGNS.get((pair.op.code, pair.position), 1), targets, frame)
    direct = as_product(number, scale, targets, frame)
    return one_tap(number * scale, targets, frame) if direct is None else direct


def _drawn(pair: Pair, taps: list[Tap]) -> Sketch:
    sketch, output, channels = Sketch(), pair.op.output, len(taps)
    is_image = len(output.shape) == 4 and output.shape[0] == 1
    shape = output.shape if is_image else (1, 1, prod(output.shape[:-1]), channels)
    weights = np.array([tap.weight for tap in taps]).reshape(1, 1, 1, channels)
    quant = Quantization.per_channel([tap.scale for tap in taps], 3)
    data = sketch.view(sketch.read(pair.data), shape)
    kernel = sketch.constant(weights, DType.INT8, quant)
    scales = bias_quantization(data, kernel)
    bias = sketch.constant([tap.bias for tap in taps], DType.INT32, scales)
    conv = sketch.depthwise(
        [data, kernel, bias],
        shape,
        DepthwiseConv2DOptions(Padding.VALID, 1, 1, 1, pair.fused),
        output.quant,
    )
    sketch.results[output] = sketch.view(conv, output.shape)
    return sketch
