"""Data movement of the grid."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from benchmarks.calibration.sample import Group, Sampler
from tflopt.ir import DType, OpCode, Value
from tflopt.ir.options import (
    BatchToSpaceNDOptions,
    ConcatenationOptions,
    DepthToSpaceOptions,
    ExpandDimsOptions,
    GatherOptions,
    MirrorPadOptions,
    PackOptions,
    PadOptions,
    ReshapeOptions,
    ResizeBilinearOptions,
    ResizeNearestNeighborOptions,
    SliceOptions,
    SpaceToBatchNDOptions,
    SpaceToDepthOptions,
    SplitOptions,
    SplitVOptions,
    SqueezeOptions,
    StridedSliceOptions,
    TransposeOptions,
    UnpackOptions,
)


def transpose(s: Sampler, dtype: DType = DType.INT8) -> Value:
    """Any permutation of ranks 2 to 4."""
    rank = s.dice.choice([2, 3, 4, 4, 4])
    shape = s.shape(rank, elements=4_000)
    perm = list(range(rank))
    while perm == list(range(rank)):
        s.dice.shuffle(perm)
    if rank == 4 and s.dice.random() < 0.3:
        perm = [0, 1, 3, 2]
    inputs = [s.feed(shape, dtype), s.builder.constant(perm)]
    out = [shape[axis] for axis in perm]
    return s.builder.op(OpCode.TRANSPOSE, inputs, out, options=TransposeOptions(), version=2)


def pad(s: Sampler, dtype: DType = DType.INT8) -> Value:
    """Spatial padding, sometimes of the channels too."""
    shape = s.shape(4, largest=64, elements=8_000)
    deep = s.dice.random() < 0.3
    amounts = [(0, 0)] + [(s.dice.randint(0, 3), s.dice.randint(0, 3)) for _ in range(2)]
    amounts.append((s.dice.randint(0, 3), s.dice.randint(1, 3)) if deep else (0, 0))
    out = [n + a + b for n, (a, b) in zip(shape, amounts, strict=True)]
    inputs = [s.feed(shape, dtype), s.builder.constant(amounts)]
    return s.builder.op(OpCode.PAD, inputs, out, options=PadOptions(), version=2)


def mirror_pad(s: Sampler) -> Value:
    """MIRROR_PAD of the spatial axes."""
    shape = (1, s.size(3, 12), s.size(3, 12), s.size(1, 8))
    amounts = [(0, 0), (1, 1), (s.dice.randint(0, 2), 1), (0, 0)]
    out = [n + a + b for n, (a, b) in zip(shape, amounts, strict=True)]
    inputs = [s.feed(shape), s.builder.constant(amounts)]
    options = MirrorPadOptions(s.dice.choice([0, 1]))
    return s.builder.op(OpCode.MIRROR_PAD, inputs, out, options=options, version=2)


def concatenation(s: Sampler) -> Value:
    """Two to four parts along any axis."""
    shape = s.shape(4, largest=64, elements=4_000)
    axis, parts = s.dice.choice([1, 2, 3, 3]), s.dice.randint(2, 4)
    out = list(shape)
    out[axis] *= parts
    inputs = [s.feed(shape) for _ in range(parts)]
    options = ConcatenationOptions(axis)
    return s.builder.op(OpCode.CONCATENATION, inputs, out, options=options, version=2)


def split(s: Sampler) -> Sequence[Value]:
    """Two to four parts along any axis."""
    shape = s.shape(4, elements=2_000)
    axis, parts = s.dice.choice([1, 2, 3, 3]), s.dice.randint(2, 4)
    whole = tuple(n * parts if i == axis else n for i, n in enumerate(shape))
    x = s.feed(whole)
    inputs = [s.builder.constant(axis), x]
    options = SplitOptions(parts)
    return s.builder.ops(OpCode.SPLIT, inputs, [shape] * parts, options, x.quant, x.dtype, 2)


def split_v(s: Sampler) -> Sequence[Value]:
    """Two to five parts of sizes of their own along any axis of ranks 2 to 4."""
    rank = s.dice.choice([2, 3, 4, 4])
    shape, axis = list(s.shape(rank, elements=2_000)), s.dice.randrange(1, rank)
    sizes = [s.size(1, 24) for _ in range(s.dice.randint(2, 5))]
    shape[axis] = sum(sizes)
    x = s.feed(shape)
    shapes = [[size if i == axis else n for i, n in enumerate(shape)] for size in sizes]
    inputs = [x, s.builder.constant(sizes), s.builder.constant(axis)]
    options = SplitVOptions(len(sizes))
    return s.builder.ops(OpCode.SPLIT_V, inputs, shapes, options, x.quant, x.dtype, 2)


def pack(s: Sampler) -> Value:
    """Two to four parts along a further axis."""
    shape, parts = s.shape(3, elements=1_500), s.dice.randint(2, 4)
    axis = s.dice.randint(0, 3)
    out = (*shape[:axis], parts, *shape[axis:])
    inputs = [s.feed(shape) for _ in range(parts)]
    options = PackOptions(parts, axis)
    return s.builder.op(OpCode.PACK, inputs, out, options=options, version=2)


def unpack(s: Sampler) -> Sequence[Value]:
    """Along any axis."""
    shape, parts = s.shape(3, elements=1_500), s.dice.randint(2, 4)
    axis = s.dice.randint(0, 3)
    x = s.feed((*shape[:axis], parts, *shape[axis:]))
    options = UnpackOptions(parts, axis)
    return s.builder.ops(OpCode.UNPACK, [x], [shape] * parts, options, x.quant, x.dtype, 2)


def slice_(s: Sampler) -> Value:
    """SLICE."""
    shape = s.shape(s.dice.randint(2, 4), largest=s.dice.choice([64, 2_000]), elements=8_000)
    begin = [s.dice.randint(0, n - 1) for n in shape]
    size = [s.dice.randint(1, n - b) for n, b in zip(shape, begin, strict=True)]
    inputs = [s.feed(shape), s.builder.constant(begin), s.builder.constant(size)]
    return s.builder.op(OpCode.SLICE, inputs, size, options=SliceOptions(), version=2)


def strided_slice(s: Sampler, dtype: DType = DType.INT8) -> Value:
    """STRIDED_SLICE, with a step in the innermost axis or without."""
    shape = s.shape(4, largest=64, elements=8_000)
    begin = [s.dice.randint(0, n - 1) for n in shape]
    steps = [1, s.dice.choice([1, 2]), s.dice.choice([1, 2]), s.dice.choice([1, 1, 2])]
    out = [-(-(n - b) // step) for n, b, step in zip(shape, begin, steps, strict=True)]
    inputs = [s.feed(shape, dtype), *(s.builder.constant(v) for v in (begin, shape, steps))]
    options = StridedSliceOptions()
    return s.builder.op(OpCode.STRIDED_SLICE, inputs, out, options=options, version=2)


def reshape(s: Sampler) -> Value:
    """RESHAPE to a vector."""
    shape = s.shape(4)
    x = s.feed(shape)
    out = (1, x.elements)
    inputs = [x, s.builder.constant(out)]
    return s.builder.op(OpCode.RESHAPE, inputs, out, options=ReshapeOptions(out))


def squeeze(s: Sampler) -> Value:
    """SQUEEZE of the first axis."""
    shape = s.shape(4)
    options = SqueezeOptions((0,))
    return s.builder.op(OpCode.SQUEEZE, [s.feed(shape)], shape[1:], options=options)


def expand_dims(s: Sampler) -> Value:
    """EXPAND_DIMS in front."""
    shape = s.shape(3)
    inputs = [s.feed(shape), s.builder.constant(0)]
    return s.builder.op(OpCode.EXPAND_DIMS, inputs, (1, *shape), options=ExpandDimsOptions())


def gather(s: Sampler) -> Value:
    """GATHER along the second axis."""
    shape = (1, s.size(2, 20), s.size(1, 20), s.size(1, 20))
    picks = [s.dice.randrange(shape[1]) for _ in range(s.size(1, 12))]
    inputs = [s.feed(shape), s.builder.constant(picks)]
    out = (1, len(picks), *shape[2:])
    return s.builder.op(OpCode.GATHER, inputs, out, options=GatherOptions(axis=1), version=2)


def resize(s: Sampler, code: OpCode) -> Value:
    """To twice the size."""
    shape = (1, s.size(1, 10), s.size(1, 10), s.size(1, 16))
    size = (shape[1] * 2, shape[2] * 2)
    bilinear = code is OpCode.RESIZE_BILINEAR
    options = ResizeBilinearOptions() if bilinear else ResizeNearestNeighborOptions()
    inputs = [s.feed(shape), s.builder.constant(size)]
    out = (1, *size, shape[3])
    return s.builder.op(code, inputs, out, options=options, version=2)


def space_to_batch(s: Sampler) -> Value:
    """SPACE_TO_BATCH_ND with blocks of two."""
    shape = (1, 2 * s.size(1, 10), 2 * s.size(1, 10), s.size(1, 20))
    block, none = s.builder.constant([2, 2]), s.builder.constant([[0, 0], [0, 0]])
    out = (4, shape[1] // 2, shape[2] // 2, shape[3])
    inputs = [s.feed(shape), block, none]
    options = SpaceToBatchNDOptions()
    return s.builder.op(OpCode.SPACE_TO_BATCH_ND, inputs, out, options=options, version=2)


def batch_to_space(s: Sampler) -> Value:
    """BATCH_TO_SPACE_ND with blocks of two."""
    shape = (4, s.size(1, 10), s.size(1, 10), s.size(1, 20))
    block, none = s.builder.constant([2, 2]), s.builder.constant([[0, 0], [0, 0]])
    out = (1, shape[1] * 2, shape[2] * 2, shape[3])
    inputs = [s.feed(shape), block, none]
    options = BatchToSpaceNDOptions()
    return s.builder.op(OpCode.BATCH_TO_SPACE_ND, inputs, out, options=options, version=2)


def space_to_depth(s: Sampler) -> Value:
    """SPACE_TO_DEPTH with blocks of two."""
    h, w, c = s.size(1, 10), s.size(1, 10), s.size(1, 20)
    options = SpaceToDepthOptions(block_size=2)
    x = s.feed((1, 2 * h, 2 * w, c))
    return s.builder.op(OpCode.SPACE_TO_DEPTH, [x], (1, h, w, 4 * c), options=options, version=2)


def depth_to_space(s: Sampler) -> Value:
    """DEPTH_TO_SPACE with blocks of two."""
    h, w, c = s.size(1, 10), s.size(1, 10), s.size(1, 20)
    options = DepthToSpaceOptions(block_size=2)
    x = s.feed((1, h, w, 4 * c))
    return s.builder.op(
        OpCode.DEPTH_TO_SPACE, [x], (1, 2 * h, 2 * w, c), options=options, version=2
    )


GROUPS = (
    Group("TRANSPOSE", 120, transpose),
    Group("TRANSPOSE f32", 50, partial(transpose, dtype=DType.FLOAT32)),
    Group("PAD", 120, pad),
    Group("PAD i16", 30, partial(pad, dtype=DType.INT16)),
    Group("STRIDED_SLICE i16", 30, partial(strided_slice, dtype=DType.INT16)),
    Group("MIRROR_PAD", 30, mirror_pad),
    Group("CONCATENATION", 90, concatenation),
    Group("SPLIT", 50, split),
    Group("SPLIT_V", 100, split_v),
    Group("PACK", 40, pack),
    Group("UNPACK", 40, unpack),
    Group("SLICE", 80, slice_),
    Group("STRIDED_SLICE", 90, strided_slice),
    Group("RESHAPE", 40, reshape),
    Group("SQUEEZE", 40, squeeze),
    Group("EXPAND_DIMS", 24, expand_dims),
    Group("GATHER", 60, gather),
    Group("RESIZE_BILINEAR", 50, partial(resize, code=OpCode.RESIZE_BILINEAR)),
    Group("RESIZE_NEAREST_NEIGHBOR", 50, partial(resize, code=OpCode.RESIZE_NEAREST_NEIGHBOR)),
    Group("SPACE_TO_BATCH_ND", 60, space_to_batch),
    Group("BATCH_TO_SPACE_ND", 60, batch_to_space),
    Group("SPACE_TO_DEPTH", 30, space_to_depth),
    Group("DEPTH_TO_SPACE", 30, depth_to_space),
)
