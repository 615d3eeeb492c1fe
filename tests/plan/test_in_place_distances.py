"""Operators that may write over what they read, run by TFLM: right at the distance, not below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from tests.support.kit import Kit
from tests.support.paths import needs_tflm
from tests.support.runtime import Outputs, runtime
from tflopt.facts.offline_plan import ONLINE
from tflopt.io import write_bytes
from tflopt.ir import DType, Model, OpCode, Value
from tflopt.ir.clone import clone
from tflopt.ir.options import (
    CastOptions,
    ConcatenationOptions,
    PackOptions,
    ResizeNearestNeighborOptions,
    SliceOptions,
    SplitOptions,
    SplitVOptions,
    StridedSliceOptions,
    TransposeOptions,
    UnpackOptions,
)
from tflopt.plan.describe import write_plan_bytes
from tflopt.plan.in_place import ValueAlias, aliases_at

pytestmark = [pytest.mark.runtime, needs_tflm]
SAMPLES = 12
Made = Sequence[Value]
QUANT = (0.05, 3)


@dataclass(frozen=True)
class Layer:
    """One operator on inputs of these shapes.

    ``slack``: how many bytes less still work, where copies keep apart from their own source.
    """

    shapes: tuple[tuple[int, ...], ...]
    build: Callable[[Kit, Made], Made]
    slack: int = 0
    dtype: DType = DType.INT8


def concat(axis: int) -> Callable[[Kit, Made], Made]:
    def build(n: Kit, x: Made) -> Made:
        shape = list(x[0].shape)
        shape[axis] = sum(part.shape[axis] for part in x)
        return [
            n.op(OpCode.CONCATENATION, x, shape, options=ConcatenationOptions(axis), quant=QUANT)
        ]

    return build


def stack(axis: int) -> Callable[[Kit, Made], Made]:
    def build(n: Kit, x: Made) -> Made:
        shape = (*x[0].shape[:axis], len(x), *x[0].shape[axis:])
        return [n.op(OpCode.PACK, x, shape, options=PackOptions(len(x), axis), quant=QUANT)]

    return build


def split(sizes: Sequence[int], axis: int) -> Callable[[Kit, Made], Made]:
    def build(n: Kit, x: Made) -> Made:
        shapes = [(*x[0].shape[:axis], size, *x[0].shape[axis + 1 :]) for size in sizes]
        if len(set(sizes)) == 1:
            options, inputs = SplitOptions(len(sizes)), [n.constant(axis), x[0]]
            return n.ops(OpCode.SPLIT, inputs, shapes, options, QUANT, x[0].dtype)
        inputs = [x[0], n.constant(sizes), n.constant(axis)]
        return n.ops(OpCode.SPLIT_V, inputs, shapes, SplitVOptions(len(sizes)), quant=QUANT)

    return build


def unstack(axis: int) -> Callable[[Kit, Made], Made]:
    def build(n: Kit, x: Made) -> Made:
        count, shape = x[0].shape[axis], (*x[0].shape[:axis], *x[0].shape[axis + 1 :])
        return n.ops(
            OpCode.UNPACK, [x[0]], [shape] * count, UnpackOptions(count, axis), quant=QUANT
        )

    return build


def pad(amounts: Sequence[Sequence[int]]) -> Callable[[Kit, Made], Made]:
    def build(n: Kit, x: Made) -> Made:
        shape = [a + size + b for size, (a, b) in zip(x[0].shape, amounts, strict=True)]
        return [n.op(OpCode.PAD, [x[0], n.constant(amounts)], shape, quant=QUANT)]

    return build


def block(begin: Sequence[int], size: Sequence[int]) -> Callable[[Kit, Made], Made]:
    def build(n: Kit, x: Made) -> Made:
        inputs = [x[0], n.constant(begin), n.constant(size)]
        return [n.op(OpCode.SLICE, inputs, size, options=SliceOptions(), quant=QUANT)]

    return build


def strided(*rows: tuple[int, int, int], shrink: int = 0) -> Callable[[Kit, Made], Made]:
    def build(n: Kit, x: Made) -> Made:
        shape = [len(range(*row)) for row in rows]
        shape = [size for axis, size in enumerate(shape) if not shrink >> axis & 1]
        inputs = [x[0], *(n.constant(list(column)) for column in zip(*rows, strict=True))]
        options = StridedSliceOptions(shrink_axis_mask=shrink)
        return [n.op(OpCode.STRIDED_SLICE, inputs, shape, options=options, quant=QUANT)]

    return build


def nearest(height: int, width: int, *, centers: bool = False) -> Callable[[Kit, Made], Made]:
    def build(n: Kit, x: Made) -> Made:
        inputs = [x[0], n.constant([height, width])]
        options = ResizeNearestNeighborOptions(half_pixel_centers=centers)
        shape = (1, height, width, x[0].shape[3])
        code = OpCode.RESIZE_NEAREST_NEIGHBOR
        return [n.op(code, inputs, shape, options=options, quant=QUANT, version=2)]

    return build


def transpose(order: Sequence[int]) -> Callable[[Kit, Made], Made]:
    def build(n: Kit, x: Made) -> Made:
        shape, inputs = [x[0].shape[axis] for axis in order], [x[0], n.constant(order)]
        return [n.op(OpCode.TRANSPOSE, inputs, shape, options=TransposeOptions(), quant=QUANT)]

    return build


def cast(n: Kit, x: Made) -> Made:
    options = CastOptions(DType.INT32, DType.INT8)
    return [n.op(OpCode.CAST, x, x[0].shape, options=options, dtype=DType.INT8)]


def squares(n: Kit, x: Made) -> Made:
    return [n.op(OpCode.SQUARED_DIFFERENCE, x, x[0].shape, quant=QUANT)]


def compare(n: Kit, x: Made) -> Made:
    return [n.op(OpCode.LESS, x, x[0].shape, dtype=DType.BOOL)]


IMAGE = ((1, 5, 4, 6),)
PAIR = ((1, 5, 4, 6), (1, 5, 4, 6))
LAYERS = {
    "add": Layer(PAIR, lambda n, x: [n.binary(OpCode.ADD, *x)]),
    "mul": Layer(PAIR, lambda n, x: [n.binary(OpCode.MUL, *x)]),
    "sub-broadcast": Layer(((1, 5, 4, 6), (1, 1, 1, 6)), lambda n, x: [n.binary(OpCode.SUB, *x)]),
    "maximum": Layer(PAIR, lambda n, x: [n.binary(OpCode.MAXIMUM, *x)]),
    "squared-difference": Layer(PAIR, squares),
    "less": Layer(PAIR, compare),
    "logistic": Layer(
        IMAGE, lambda n, x: [n.op(OpCode.LOGISTIC, x, x[0].shape, quant=(1 / 256, -128))]
    ),
    "softmax": Layer(((3, 40),), lambda n, x: [n.softmax(x[0])]),
    "requantize": Layer(IMAGE, lambda n, x: [n.quantize(x[0], (0.11, -5))]),
    "quantize-wider": Layer(IMAGE, lambda n, x: [n.quantize(x[0], (0.001, 0), DType.INT16)]),
    "dequantize": Layer(IMAGE, lambda n, x: [n.dequantize(x[0])]),
    "cast-narrower": Layer(((1, 60),), cast, dtype=DType.INT32),
    "concat-channels": Layer(((1, 5, 4, 6), (1, 5, 4, 3)), concat(3), slack=6),
    "concat-rows": Layer(((1, 3, 4, 3), (1, 2, 4, 3)), concat(1), slack=36),
    "pack-first": Layer(((5, 7), (5, 7), (5, 7)), stack(0)),
    "pack-middle": Layer(((5, 7), (5, 7), (5, 7)), stack(1)),
    "split-channels": Layer(IMAGE, split((3, 3), 3)),
    "split-rows": Layer(((1, 6, 5, 3),), split((1, 3, 2), 1)),
    "unpack-first": Layer(((3, 5, 7),), unstack(0)),
    "unpack-middle": Layer(((5, 3, 7),), unstack(1)),
    "pad": Layer(IMAGE, pad(((0, 0), (1, 1), (2, 1), (0, 0)))),
    "pad-before": Layer(IMAGE, pad(((0, 0), (2, 0), (1, 0), (0, 0)))),
    "pad-channels": Layer(IMAGE, pad(((0, 0), (0, 0), (0, 0), (1, 4)))),
    "pad-batch": Layer(((2, 3, 4, 2),), pad(((1, 1), (1, 0), (0, 1), (0, 0)))),
    "slice-rows": Layer(IMAGE, block((0, 1, 0, 0), (1, 3, 4, 6))),
    "slice-channels": Layer(IMAGE, block((0, 0, 0, 2), (1, 5, 4, 3))),
    "strided-steps": Layer(IMAGE, strided((0, 1, 1), (1, 5, 2), (0, 4, 3), (1, 6, 2)), slack=3),
    "strided-backwards": Layer(
        IMAGE, strided((0, 1, 1), (4, 0, -1), (0, 4, 1), (0, 6, 1)), slack=6
    ),
    "strided-shrinks": Layer(
        ((4, 5, 6),), strided((0, 4, 1), (3, 4, 1), (0, 6, 1), shrink=2), slack=30
    ),
    "nearest": Layer(((1, 4, 3, 8),), nearest(8, 6)),
    "nearest-odd": Layer(((1, 4, 3, 5),), nearest(7, 5, centers=True), slack=5),
    "nearest-smaller": Layer(((1, 8, 6, 4),), nearest(4, 3)),
    "bilinear": Layer(((1, 4, 3, 5),), lambda n, x: [n.resize_bilinear(x[0], 8, 6)]),
    "bilinear-one-channel": Layer(
        ((1, 4, 3, 1),), lambda n, x: [n.resize_bilinear(x[0], 7, 6, half_pixel_centers=True)]
    ),
    "transpose-ones": Layer(((1, 5, 1, 6),), transpose((0, 2, 1, 3))),
}
WITHOUT_TRAP = frozenset({"transpose-ones", "nearest-odd"})
"""A view has one distance; an image in float steps is bounded for two versions of TFLM at once."""


def one_layer(name: str) -> Model:
    layer = LAYERS[name]
    n = Kit(1)
    inputs = [n.input(shape, layer.dtype, quant=QUANT) for shape in layer.shapes]
    n.output(*layer.build(n, inputs))
    return n.model


def at_distance(model: Model, alias: ValueAlias, distance: int) -> Model:
    """A copy in which the first of the two lies so far above the second."""
    values = list(model.main.values)
    copy, base = clone(model), max(0, -distance)
    offsets = [ONLINE] * len(values)
    offsets[values.index(alias.first)] = base + distance
    offsets[values.index(alias.second)] = base
    write_plan_bytes(copy, np.array([1, 1, len(values), *offsets], "<i4").tobytes())
    return copy


def samples_of(model: Model) -> Outputs:
    rng = np.random.default_rng(3)
    return [
        [rng.integers(-128, 128, x.shape).astype(x.dtype.numpy) for x in model.main.inputs]
        for _ in range(SAMPLES)
    ]


def same(model: Model, alias: ValueAlias, distance: int) -> bool:
    samples = samples_of(model)
    pair = (write_bytes(model), write_bytes(at_distance(model, alias, distance)))
    expected, found = (runtime().run("tflm", data, samples) for data in pair)
    return all(
        np.array_equal(a, b)
        for one, two in zip(expected, found, strict=True)
        for a, b in zip(one, two, strict=True)
    )


@pytest.mark.parametrize("name", LAYERS)
def test_one_byte_less_corrupts(name: str) -> None:
    model = one_layer(name)
    (op,) = model.main.ops
    aliases = [alias for alias in aliases_at(op) if alias.low is not None]
    assert aliases
    for alias in aliases:
        assert alias.low is not None
        for more in (0, 1, 7, 16) if alias.high is None else (0,):
            assert same(model, alias, alias.low + more), (alias.reason, more)
        if alias.high is None and name not in WITHOUT_TRAP:
            wrong = alias.low - LAYERS[name].slack - 1
            assert not same(model, alias, wrong), alias.reason


def test_a_transpose_that_moves_nothing_is_left_to_its_kernel() -> None:
    n = Kit(1)
    n.output(*transpose((0, 1, 2, 3))(n, [n.input((1, 5, 2, 6), quant=QUANT)]))
    assert list(aliases_at(n.model.main.ops[0])) == []
