"""Random networks of operators whose axes may be arranged in many ways."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.support.graphs import QUANT, Net
from tflopt.ir import DType, Model, OpCode, Padding, Quantization, Value
from tflopt.ir.options import (
    AddOptions,
    ConcatenationOptions,
    DepthwiseConv2DOptions,
    GatherOptions,
    MirrorPadOptions,
    MulOptions,
    PackOptions,
    Pool2DOptions,
    ReducerOptions,
    ResizeBilinearOptions,
    ResizeNearestNeighborOptions,
    SoftmaxOptions,
    SplitOptions,
    StridedSliceOptions,
    SubOptions,
    TransposeConvOptions,
    UnpackOptions,
)

SHAPES = (
    (1, 4, 6, 8),
    (1, 1, 12, 4),
    (1, 12, 1, 4),
    (1, 10, 8),
    (1, 4, 5, 3),
    (2, 3, 4, 5),
    (1, 8, 6),
    (1, 3, 8, 8),
)
MOST_ELEMENTS = 3000


class RandomRegion(Net):
    """A network drawn from a seed; every step reads what was made before."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.rng = np.random.default_rng(seed)
        self.pool: list[Value] = []

    def draw(self, steps: int) -> Model:
        """A model with that many steps and one to three outputs."""
        for _ in range(int(self.rng.integers(1, 3))):
            self.pool.append(self.feed(*SHAPES[self.rng.integers(len(SHAPES))]))
        kinds: list[Callable[[Value], Value | None]] = [
            self.any_transpose,
            self.any_transpose,
            self.any_view,
            self.any_view,
            self.any_merge,
            self.relu,
            self.any_sum,
            self.any_sum,
            self.any_broadcast,
            self.any_pad,
            self.any_slice,
            self.any_strided_slice,
            self.any_concatenation,
            self.any_split,
            self.any_mean,
            self.any_softmax,
            self.any_convolution,
            self.any_convolution,
            self.any_depthwise,
            self.any_pooling,
            self.any_transpose_conv,
            self.any_resize,
            self.any_dense,
            self.any_rows,
            self.any_pick,
            self.any_stack,
            self.any_unstack,
            self.any_gather,
            self.any_mirror,
            self.any_slope,
        ]
        while len(self.graph.ops) < steps:
            value = self.pick()
            made = kinds[self.rng.integers(len(kinds))](value)
            if made is not None and made.elements <= MOST_ELEMENTS:
                self.pool.append(made)
        unread = [value for value in self.graph.values if value.producer and not value.uses]
        others = [value for value in self.pool if value.producer and value.uses]
        self.rng.shuffle(others)
        self.output(*unread, *others[: int(self.rng.integers(0, 2))])
        return self.model

    def pick(self) -> Value:
        """A value, rather a late one."""
        index = max(self.rng.integers(len(self.pool)), self.rng.integers(len(self.pool)))
        return self.pool[index]

    def below(self, limit: int) -> int:
        """A number below ``limit``."""
        return int(self.rng.integers(limit))

    def any_transpose(self, x: Value) -> Value | None:
        """Rank 2 is left out: CMSIS-NN computes it wrongly."""
        if len(x.shape) < 3 or len(x.shape) > 4:
            return None
        return self.transpose(x, *(int(axis) for axis in self.rng.permutation(len(x.shape))))

    def any_view(self, x: Value) -> Value | None:
        """Another number of 1s."""
        ones = [axis for axis, size in enumerate(x.shape) if size == 1]
        if ones and self.below(2) and len(x.shape) > 1:
            return self.squeeze(x, ones[self.below(len(ones))])
        if len(x.shape) >= 4:
            return None
        axis = self.below(len(x.shape) + 1)
        shape = (*x.shape[:axis], 1, *x.shape[axis:])
        return self.expand(x, axis) if self.below(2) else self.reshape(x, *shape)

    def any_merge(self, x: Value) -> Value | None:
        """Two axes become one."""
        if len(x.shape) < 2 or self.below(3):
            return None
        axis = self.below(len(x.shape) - 1)
        merged = x.shape[axis] * x.shape[axis + 1]
        return self.reshape(x, *x.shape[:axis], merged, *x.shape[axis + 2 :])

    def any_sum(self, x: Value) -> Value | None:
        """With a value of the same shape, or with itself."""
        twins = [value for value in self.pool if value.shape == x.shape]
        other = twins[self.below(len(twins))]
        if self.below(2):
            return self.add(x, other)
        inputs = [x, other]
        return self.op(OpCode.SUB, inputs, x.shape, options=SubOptions(), quant=(0.1, -5))

    def any_broadcast(self, x: Value) -> Value | None:
        """With a constant of 1s in some axes, perhaps of lower rank; or with a value."""
        if len(x.shape) > 4:
            return None
        shape = [size if self.below(2) else 1 for size in x.shape]
        start = self.below(len(shape) + 1)
        constant = self.constant(
            self.rng.integers(-100, 100, shape[start:]), DType.INT8, quant=(0.03, 2)
        )
        if self.below(2):
            return self.op(OpCode.ADD, [x, constant], x.shape, options=AddOptions())
        return self.op(OpCode.MUL, [constant, x], x.shape, options=MulOptions(), quant=(0.06, 1))

    def any_pad(self, x: Value) -> Value | None:
        """Any axis."""
        if len(x.shape) > 4:
            return None
        amounts = [(self.below(3), self.below(2)) if self.below(2) else (0, 0) for _ in x.shape]
        return self.pad(x, *amounts)

    def any_slice(self, x: Value) -> Value | None:
        """A part of each axis."""
        begin = [self.below(size) if self.below(2) else 0 for size in x.shape]
        sizes = [1 + self.below(n - b) for n, b in zip(x.shape, begin, strict=True)]
        return self.slice(x, begin, sizes) if len(x.shape) <= 4 else None

    def any_strided_slice(self, x: Value) -> Value | None:
        """Steps and masks."""
        if len(x.shape) > 4:
            return None
        begin = [self.below(size) for size in x.shape]
        end = [b + 1 + self.below(n - b) for n, b in zip(x.shape, begin, strict=True)]
        steps = [1 + self.below(2) for _ in x.shape]
        masks = self.below(1 << len(x.shape)), self.below(1 << len(x.shape))
        starts = [0 if masks[0] >> i & 1 else b for i, b in enumerate(begin)]
        ends = [
            n if masks[1] >> i & 1 else e for i, (n, e) in enumerate(zip(x.shape, end, strict=True))
        ]
        shape = [-(-(e - b) // s) for b, e, s in zip(starts, ends, steps, strict=True)]
        inputs = [x, self.constant(begin), self.constant(end), self.constant(steps)]
        options = StridedSliceOptions(begin_mask=masks[0], end_mask=masks[1])
        return self.op(OpCode.STRIDED_SLICE, inputs, shape, options=options)

    def any_concatenation(self, x: Value) -> Value | None:
        """With values of the same shape, or with a constant."""
        if len(x.shape) > 4:
            return None
        axis = self.below(len(x.shape))
        twins = [value for value in self.pool if value.shape == x.shape and value.quant == x.quant]
        parts = [x, twins[self.below(len(twins))]]
        if not self.below(3):
            data = self.rng.integers(-128, 128, x.shape)
            parts.append(self.constant(data, DType.INT8, quant=x.quant))
        shape = list(x.shape)
        shape[axis] *= len(parts)
        where = axis - len(shape) if self.below(2) else axis
        return self.op(OpCode.CONCATENATION, parts, shape, options=ConcatenationOptions(where))

    def any_split(self, x: Value) -> Value | None:
        """Into two or three; all parts are in the pool."""
        axes = [axis for axis, size in enumerate(x.shape) if size % 2 == 0 or size % 3 == 0]
        if not axes or len(x.shape) > 4:
            return None
        axis = axes[self.below(len(axes))]
        count = 2 if x.shape[axis] % 2 == 0 else 3
        shape = list(x.shape)
        shape[axis] //= count
        inputs = [self.constant(axis - len(shape) if self.below(2) else axis), x]
        options = SplitOptions(count)
        parts = self.ops(OpCode.SPLIT, inputs, [shape] * count, options, x.quant, x.dtype)
        self.pool += parts
        return None

    def any_mean(self, x: Value) -> Value | None:
        """Over some axes; SUM has the same arithmetic."""
        if not 2 <= len(x.shape) <= 4:
            return None
        axes = [axis for axis in range(len(x.shape)) if self.below(2)] or [1]
        if len(axes) == len(x.shape):
            axes = axes[:-1]
        keep = bool(self.below(2))
        shape = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
        if not keep:
            shape = [size for axis, size in enumerate(x.shape) if axis not in axes]
        code = OpCode.MEAN if self.below(3) else OpCode.REDUCE_MAX
        quant = x.quant if code is OpCode.REDUCE_MAX else Quantization.per_tensor(0.03, 1)
        inputs = [x, self.constant([a - len(x.shape) if self.below(2) else a for a in axes])]
        return self.op(code, inputs, shape, options=ReducerOptions(keep), quant=quant)

    def any_softmax(self, x: Value) -> Value | None:
        """On the last axis."""
        if not 2 <= len(x.shape) <= 4:
            return None
        options = SoftmaxOptions(1.0)
        return self.op(OpCode.SOFTMAX, [x], x.shape, options=options, quant=(1 / 256, -128))

    def any_convolution(self, x: Value) -> Value | None:
        """One- and two-dimensional ones."""
        if len(x.shape) != 4:
            return None
        kernel = (1 + self.below(3), 1 + self.below(3))
        return self.conv(x, 1 + self.below(6), kernel)

    def any_depthwise(self, x: Value) -> Value | None:
        """With strides."""
        if len(x.shape) != 4:
            return None
        n, h, w, c = x.shape
        kernel, stride = (
            (1 + self.below(3), 1 + self.below(3)),
            (1 + self.below(2), 1 + self.below(2)),
        )
        weights = self.constant(
            self.rng.integers(-127, 128, (1, *kernel, c)),
            DType.INT8,
            quant=Quantization.per_channel([0.01] * c, 3),
        )
        options = DepthwiseConv2DOptions(Padding.SAME, stride[1], stride[0], 1)
        shape = (n, -(-h // stride[0]), -(-w // stride[1]), c)
        inputs = [x, weights, self.constant(np.zeros(c))]
        return self.op(OpCode.DEPTHWISE_CONV_2D, inputs, shape, options=options, quant=QUANT)

    def any_pooling(self, x: Value) -> Value | None:
        """Average and maximum."""
        if len(x.shape) != 4:
            return None
        n, h, w, c = x.shape
        size = (1 + self.below(2), 1 + self.below(2))
        if size[0] > h or size[1] > w:
            return None
        code = OpCode.MAX_POOL_2D if self.below(2) else OpCode.AVERAGE_POOL_2D
        options = Pool2DOptions(Padding.VALID, size[1], size[0], size[1], size[0])
        return self.op(code, [x], (n, h // size[0], w // size[1], c), options=options)

    def any_transpose_conv(self, x: Value) -> Value | None:
        """Twice the height or width."""
        if len(x.shape) != 4 or x.shape[0] != 1:
            return None
        n, h, w, c = x.shape
        stride = (1 + self.below(2), 1 + self.below(2))
        shape = (n, h * stride[0], w * stride[1], 3)
        weights = self.constant(
            self.rng.integers(-127, 128, (3, *stride, c)),
            DType.INT8,
            quant=Quantization.per_channel([0.01] * 3, 0),
        )
        options = TransposeConvOptions(Padding.SAME, stride[1], stride[0])
        inputs = [self.constant(shape), weights, x]
        return self.op(
            OpCode.TRANSPOSE_CONV, inputs, shape, options=options, quant=QUANT, dtype=x.dtype
        )

    def any_resize(self, x: Value) -> Value | None:
        """Nearest neighbour and bilinear."""
        if len(x.shape) != 4:
            return None
        n, h, w, c = x.shape
        size = (h * (1 + self.below(2)), w * (1 + self.below(2)))
        inputs = [x, self.constant(size)]
        if self.below(2):
            blend = ResizeBilinearOptions(half_pixel_centers=bool(self.below(2)))
            return self.op(OpCode.RESIZE_BILINEAR, inputs, (n, *size, c), options=blend)
        options = ResizeNearestNeighborOptions(half_pixel_centers=bool(self.below(2)))
        return self.op(OpCode.RESIZE_NEAREST_NEIGHBOR, inputs, (n, *size, c), options=options)

    def any_dense(self, x: Value) -> Value | None:
        """Of everything at once."""
        return None if self.below(3) else self.dense(x, 4)

    def any_rows(self, x: Value) -> Value | None:
        """The last axis times a matrix."""
        if not 2 <= len(x.shape) <= 4 or x.shape[-1] == 1:
            return None
        rows = x.elements // x.shape[-1]
        if len(x.shape) == 2:
            return self.dense(x, 3, rows)
        return self.dense(x, 3, rows, keep_num_dims=True)

    def any_pick(self, x: Value) -> Value | None:
        """One index of an axis, the others whole."""
        if not 2 <= len(x.shape) <= 4:
            return None
        rank = len(x.shape)
        axes = [axis for axis in range(rank) if not self.below(2)][:-1] or [self.below(rank)]
        begin = [0] * rank
        for axis in axes:
            begin[axis] = self.below(x.shape[axis]) - (x.shape[axis] if self.below(2) else 0)
        end = [
            b + 1 if axis in axes else n
            for axis, (b, n) in enumerate(zip(begin, x.shape, strict=True))
        ]
        shape = [size for axis, size in enumerate(x.shape) if axis not in axes]
        inputs = [x, self.constant(begin), self.constant(end), self.constant([1] * rank)]
        options = StridedSliceOptions(shrink_axis_mask=sum(1 << axis for axis in axes))
        return self.op(OpCode.STRIDED_SLICE, inputs, shape, options=options)

    def any_stack(self, x: Value) -> Value | None:
        """PACK along any axis."""
        if len(x.shape) > 3:
            return None
        axis = self.below(len(x.shape) + 1)
        shape = (*x.shape[:axis], 2, *x.shape[axis:])
        return self.op(OpCode.PACK, [x, x], shape, options=PackOptions(2, axis))

    def any_unstack(self, x: Value) -> Value | None:
        """UNPACK along any axis; all parts are in the pool."""
        axis = self.below(len(x.shape))
        if not 2 <= len(x.shape) <= 4 or x.shape[axis] > 4:
            return None
        count = x.shape[axis]
        shape = (*x.shape[:axis], *x.shape[axis + 1 :])
        self.pool += self.ops(OpCode.UNPACK, [x], [shape] * count, UnpackOptions(count, axis))
        return None

    def any_gather(self, x: Value) -> Value | None:
        """Some indices of an axis."""
        if len(x.shape) > 4:
            return None
        axis = self.below(len(x.shape))
        indices = self.rng.integers(0, x.shape[axis], 1 + self.below(3))
        shape = [len(indices) if i == axis else size for i, size in enumerate(x.shape)]
        inputs = [x, self.constant(indices)]
        return self.op(OpCode.GATHER, inputs, shape, options=GatherOptions(axis))

    def any_mirror(self, x: Value) -> Value | None:
        """MIRROR_PAD, symmetric."""
        if len(x.shape) > 4:
            return None
        amounts = [(self.below(2), self.below(2)) for _ in x.shape]
        shape = [n + a + b for n, (a, b) in zip(x.shape, amounts, strict=True)]
        inputs = [x, self.constant(amounts)]
        return self.op(OpCode.MIRROR_PAD, inputs, shape, options=MirrorPadOptions(1))

    def any_slope(self, x: Value) -> Value | None:
        """PRELU with a slope for each channel."""
        if not 2 <= len(x.shape) <= 4:
            return None
        shape = (1,) * (len(x.shape) - 2) + x.shape[-1:]
        alpha = self.constant(self.rng.integers(0, 100, shape), DType.INT8, quant=(0.01, 0))
        return self.op(OpCode.PRELU, [x, alpha], x.shape)
