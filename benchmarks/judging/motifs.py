"""Layers as Keras, litert-torch and onnx2tf write them. Nothing of tflopt's rules is used here."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tflopt.ir import Activation, DType, OpCode, Options, Padding, Quantization, Value
from tflopt.ir.builder import Builder
from tflopt.ir.node import Array
from tflopt.ir.options import (
    AddOptions,
    BatchMatMulOptions,
    ConcatenationOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    FullyConnectedOptions,
    GatherOptions,
    LeakyReluOptions,
    MulOptions,
    PackOptions,
    Pool2DOptions,
    ReducerOptions,
    ReshapeOptions,
    SoftmaxOptions,
    SplitOptions,
    StridedSliceOptions,
    TransposeConvOptions,
    UnpackOptions,
)

FUSED = (Activation.NONE, Activation.NONE, Activation.RELU, Activation.RELU6)
MOST = 4096
"""Elements of a tensor."""


@dataclass
class Net:
    """A graph that grows; every motif takes a value and gives another."""

    rng: np.random.Generator
    b: Builder = field(default_factory=Builder)
    spelled: bool = False
    """What TFLM lacks is written by operators that it has, which give the same by definition."""
    kind: DType = DType.INT8
    """Of activations."""
    ends: list[Value] = field(default_factory=list)
    """Outputs that nothing can go on from."""

    def pick(self, *choices: int) -> int:
        """One of some numbers."""
        return int(self.rng.choice(choices))

    def quant(self) -> tuple[float, int]:
        """Scales of activations, zero points at the ends too; of int16 always 0."""
        scale, zero = float(self.rng.uniform(0.01, 0.2)), self.pick(-128, -7, 0, 3, 127)
        return (scale / 256, 0) if self.kind is DType.INT16 else (scale, zero)

    def unit(self, *, signed: bool = False) -> tuple[float, int]:
        """What LOGISTIC and SOFTMAX give; ``signed``: TANH."""
        if self.kind is DType.INT16:
            return 2**-15, 0
        return (1 / 128, 0) if signed else (1 / 256, -128)

    def level(self, number: int | Array, quant: tuple[float, int] | Quantization | None) -> Value:
        """A constant of the type of the activations; numbers are given as int8."""
        wide = np.asarray(number) * (256 if self.kind is DType.INT16 else 1)
        return self.b.constant(wide, self.kind, quant)

    def weights(self, *shape: int, axis: int = 0) -> Value:
        """int8, symmetric, per channel or per tensor."""
        data = self.rng.integers(-127, 128, shape)
        size = float(self.rng.uniform(0.2, 2.0)) / math.sqrt(max(1, data.size // shape[axis])) / 60
        if self.rng.random() < 0.5:
            return self.b.constant(data, DType.INT8, (size, 0))
        scales = size * self.rng.uniform(0.5, 1.5, shape[axis])
        return self.b.constant(data, DType.INT8, Quantization.per_channel(scales.tolist(), axis))

    def bias(self, count: int) -> Value | None:
        """int32, or int64 for int16; sometimes none."""
        if self.rng.random() < 0.2:
            return None
        kind = DType.INT64 if self.kind is DType.INT16 else DType.INT32
        return self.b.constant(self.rng.integers(-3000, 3000, count), kind, (0.0005, 0))

    def op(
        self,
        code: OpCode,
        inputs: list[Value | None],
        shape: tuple[int, ...],
        options: Options | None = None,
        quant: tuple[float, int] | Quantization | None = None,
        version: int = 2,
    ) -> Value:
        """One operator with one output; operators that need it keep the input's quantization."""
        kind = self.kind
        return self.b.op(
            code, inputs, shape, options=options, quant=quant, dtype=kind, version=version
        )

    def ints(self, *numbers: int) -> Value:
        """A constant of int32."""
        return self.b.constant(list(numbers))


Motif = Callable[[Net, Value], "Value | None"]
"""None where the value's shape doesn't suit."""


def _windows(net: Net, x: Value, out: int | None) -> Value | None:
    if len(x.shape) != 4:
        return None
    _, h, w, c = x.shape
    kh, kw, s = net.pick(1, 2, 3), net.pick(1, 3, 4), net.pick(1, 1, 2)
    padding = Padding.SAME if net.rng.random() < 0.6 or kh > h or kw > w else Padding.VALID
    sizes = [
        -(-n // s) if padding is Padding.SAME else (n - k) // s + 1 for n, k in ((h, kh), (w, kw))
    ]
    fused = FUSED[net.pick(0, 1, 2, 3)]
    if out is None:
        deep = DepthwiseConv2DOptions(padding, s, s, 1, fused)
        inputs = [x, net.weights(1, kh, kw, c, axis=3), net.bias(c)]
        shape = (x.shape[0], *sizes, c)
        return net.op(OpCode.DEPTHWISE_CONV_2D, inputs, shape, deep, net.quant(), 3)
    conv = Conv2DOptions(padding, s, s, fused)
    inputs = [x, net.weights(out, kh, kw, c), net.bias(out)]
    return net.op(OpCode.CONV_2D, inputs, (x.shape[0], *sizes, out), conv, net.quant(), 3)


def conv(net: Net, x: Value) -> Value | None:
    """``Conv2D``."""
    return _windows(net, x, net.pick(1, 2, 3, 4, 8))


def depthwise(net: Net, x: Value) -> Value | None:
    """``DepthwiseConv2D``."""
    return _windows(net, x, None)


def conv1d(net: Net, x: Value) -> Value | None:
    """``Conv1D`` as Keras writes it: EXPAND_DIMS or RESHAPE around a convolution of one row."""
    if len(x.shape) != 3:
        return None
    wide = reshaped(net, x, (x.shape[0], 1, *x.shape[1:]))
    out = _windows(net, wide, net.pick(2, 4))
    assert out is not None
    return out if out.shape[1] != 1 else reshaped(net, out, (out.shape[0], *out.shape[2:]))


def transposed_conv(net: Net, x: Value) -> Value | None:
    """``Conv2DTranspose`` with SAME or VALID."""
    if len(x.shape) != 4 or math.prod(x.shape) > 600:
        return None
    n, h, w, c = x.shape
    s, k, out = net.pick(1, 2, 3), net.pick(1, 2, 3), net.pick(2, 3)
    same = net.rng.random() < 0.5
    sizes = [m * s if same else (m - 1) * s + k for m in (h, w)]
    if same and k < s:
        return None
    options = TransposeConvOptions(Padding.SAME if same else Padding.VALID, s, s)
    shape = (n, *sizes, out)
    inputs = [net.ints(*shape), net.weights(out, k, k, c), x, net.bias(out)]
    while inputs[-1] is None:
        inputs.pop()
    return net.op(OpCode.TRANSPOSE_CONV, inputs, shape, options, net.quant(), 3)


def dense(net: Net, x: Value) -> Value | None:
    """``Dense`` over the last axis, or over all of them."""
    if not x.shape or x.shape[-1] > 512:
        return None
    out = net.pick(1, 2, 4, 5)
    options = FullyConnectedOptions(FUSED[net.pick(0, 1, 2, 3)], keep_num_dims=len(x.shape) > 2)
    inputs = [x, net.weights(out, x.shape[-1]), net.bias(out)]
    return net.op(OpCode.FULLY_CONNECTED, inputs, (*x.shape[:-1], out), options, net.quant(), 4)


def pooled(net: Net, x: Value) -> Value | None:
    """Average and maximum pooling."""
    if len(x.shape) != 4 or min(x.shape[1:3]) < 2:
        return None
    code = OpCode.AVERAGE_POOL_2D if net.rng.random() < 0.5 else OpCode.MAX_POOL_2D
    shape = (x.shape[0], x.shape[1] // 2, x.shape[2] // 2, x.shape[3])
    return net.op(code, [x], shape, Pool2DOptions(Padding.VALID, 2, 2, 2, 2))


def unary(net: Net, x: Value) -> Value:
    """An activation or a table."""
    known = (OpCode.RELU, OpCode.RELU6, OpCode.LOGISTIC, OpCode.TANH, OpCode.HARD_SWISH)
    code = known[net.pick(0, 1, 2, 3) if net.kind is DType.INT16 else net.pick(0, 1, 2, 3, 4)]
    fixed = {OpCode.LOGISTIC: net.unit(), OpCode.TANH: net.unit(signed=True)}
    return net.op(code, [x], x.shape, None, fixed.get(code) or net.quant(), 1)


def leaky(net: Net, x: Value) -> Value:
    """``LeakyReLU``."""
    return net.op(OpCode.LEAKY_RELU, [x], x.shape, LeakyReluOptions(0.1), net.quant())


def residual(net: Net, x: Value) -> Value:
    """``x + f(x)`` or ``x * f(x)``, or with a constant of one channel's width."""
    code, options = [(OpCode.ADD, AddOptions()), (OpCode.MUL, MulOptions())][net.pick(0, 1)]
    other = unary(net, x)
    if net.rng.random() < 0.4 and x.shape:
        other = net.level(net.rng.integers(-127, 128, x.shape[-1:]), net.quant())
    return net.op(code, [x, other], x.shape, options, net.quant())


def reshaped(net: Net, x: Value, shape: tuple[int, ...]) -> Value:
    """RESHAPE with a constant shape."""
    options = ReshapeOptions(shape)
    return net.op(OpCode.RESHAPE, [x, net.ints(*shape)], shape, options, x.quant, 1)


def view(net: Net, x: Value) -> Value:
    """Flatten, split the last axis, or add one: ranks of 1 to 5."""
    size = math.prod(x.shape)
    shapes = [(1, size), (size,), (1, *x.shape)[-5:]]
    shapes += [(*x.shape[:-1], x.shape[-1] // 2, 2)] if x.shape and x.shape[-1] % 2 == 0 else []
    shapes = [s for s in shapes if len(s) <= 5 and math.prod(s) == size]
    return reshaped(net, x, shapes[int(net.rng.integers(len(shapes)))])


def four(net: Net, x: Value) -> Value | None:
    """To four axes, as before a convolution."""
    size = math.prod(x.shape)
    side = next((n for n in (6, 5, 4, 3, 2) if size % (n * n) == 0), 1)
    return None if len(x.shape) == 4 else reshaped(net, x, (1, side, side, size // side // side))


def transposed(net: Net, x: Value) -> Value | None:
    """Channels first to last or back, or any other order."""
    if not 2 <= len(x.shape) <= 4:
        return None
    perm = tuple(int(axis) for axis in net.rng.permutation(len(x.shape)))
    shape = tuple(x.shape[axis] for axis in perm)
    return net.op(OpCode.TRANSPOSE, [x, net.ints(*perm)], shape, None, x.quant)


def padded(net: Net, x: Value) -> Value | None:
    """``ZeroPadding2D`` and what litert-torch puts before a convolution."""
    if not 2 <= len(x.shape) <= 4:
        return None
    pads = [
        (0, 0) if axis == 0 else (net.pick(0, 1), net.pick(0, 1, 2)) for axis in range(len(x.shape))
    ]
    shape = tuple(n + a + b for n, (a, b) in zip(x.shape, pads, strict=True))
    return net.op(OpCode.PAD, [x, net.b.constant(pads)], shape, None, x.quant)


def cut(net: Net, x: Value) -> Value | None:
    """STRIDED_SLICE: a step, a part, or a removed axis."""
    if not 2 <= len(x.shape) <= 4:
        return None
    axis = int(net.rng.integers(1, len(x.shape)))
    step = net.pick(1, 2)
    begin = net.pick(0, 1) if x.shape[axis] > 1 else 0
    begins, ends, steps = [0] * len(x.shape), list(x.shape), [1] * len(x.shape)
    begins[axis], steps[axis] = begin, step
    shape = list(x.shape)
    shape[axis] = -(-(x.shape[axis] - begin) // step)
    controls = [net.ints(*numbers) for numbers in (begins, ends, steps)]
    return net.op(
        OpCode.STRIDED_SLICE, [x, *controls], tuple(shape), StridedSliceOptions(), x.quant
    )


def joined(net: Net, x: Value) -> Value | None:
    """Parts of a SPLIT, one changed or exchanged, and joined again."""
    if not x.shape or len(x.shape) > 4 or x.shape[-1] % 2 or not x.shape[-1]:
        return None
    axis = len(x.shape) - 1
    half = (*x.shape[:-1], x.shape[-1] // 2)
    options = SplitOptions(2)
    parts = net.b.ops(
        OpCode.SPLIT, [net.b.constant(axis), x], [half, half], options, x.quant, x.dtype
    )
    if net.rng.random() < 0.5:
        parts.reverse()
    return net.op(OpCode.CONCATENATION, list(parts), x.shape, ConcatenationOptions(axis), x.quant)


def stacked(net: Net, x: Value) -> Value | None:
    """UNPACK and PACK along the first large axis, in another order."""
    if len(x.shape) < 2 or len(x.shape) > 4 or not 1 < x.shape[1] <= 4:
        return None
    shape = (x.shape[0], *x.shape[2:])
    options = UnpackOptions(x.shape[1], 1)
    parts = net.b.ops(OpCode.UNPACK, [x], [shape] * x.shape[1], options)
    if net.rng.random() < 0.5:
        parts.reverse()
    return net.op(OpCode.PACK, list(parts), x.shape, PackOptions(len(parts), 1), x.quant, 1)


def gathered(net: Net, x: Value) -> Value | None:
    """GATHER along the last axis: a channel shuffle, or a selection."""
    if not x.shape or len(x.shape) > 4:
        return None
    places = net.rng.integers(0, x.shape[-1], net.pick(1, 2, x.shape[-1]))
    shape = (*x.shape[:-1], len(places))
    inputs: list[Value | None] = [x, net.b.constant(places)]
    return net.op(OpCode.GATHER, inputs, shape, GatherOptions(len(x.shape) - 1), x.quant)


def meaned(net: Net, x: Value) -> Value | None:
    """``GlobalAveragePooling2D``, with and without the axes kept; SUM too."""
    if len(x.shape) != 4:
        return None
    keep = net.rng.random() < 0.5
    shape = (x.shape[0], 1, 1, x.shape[3]) if keep else (x.shape[0], x.shape[3])
    return net.op(OpCode.MEAN, [x, net.ints(1, 2)], shape, ReducerOptions(keep), net.quant())


def softmaxed(net: Net, x: Value) -> Value | None:
    """``Softmax`` over the last axis."""
    if not x.shape or not 1 <= len(x.shape) <= 4 or x.shape[-1] > 100:
        return None
    return net.op(OpCode.SOFTMAX, [x], x.shape, SoftmaxOptions(1.0), net.unit(), 2)


def requantized(net: Net, x: Value) -> Value:
    """QUANTIZE from int8 to int8."""
    return net.op(OpCode.QUANTIZE, [x], x.shape, None, net.quant())


def attended(net: Net, x: Value) -> Value | None:
    """``x @ x^T``: two readers, and a BATCH_MATMUL of two activations."""
    if len(x.shape) != 3 or x.shape[1] > 12 or x.shape[2] > 64:
        return None
    shape = (x.shape[0], x.shape[1], x.shape[1])
    options = BatchMatMulOptions(False, True)
    return net.op(OpCode.BATCH_MATMUL, [x, x], shape, options, net.quant(), 2)


MOTIFS: tuple[Motif, ...] = (
    *(conv, depthwise, conv1d, transposed_conv, dense, pooled, unary, leaky, residual),
    *(view, four, transposed, padded, cut, joined, stacked, gathered, meaned, softmaxed),
    *(requantized, attended),
)
