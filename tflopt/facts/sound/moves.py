"""Operators that move elements: axes, blocks and places that must lie inside of their tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from tflopt.facts.operators import Kind
from tflopt.facts.sound.shapes import axis_flaw
from tflopt.ir.node import Op, Value
from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import (
    ConcatenationOptions,
    DepthToSpaceOptions,
    GatherOptions,
    MirrorPadOptions,
    PackOptions,
    SpaceToDepthOptions,
    UnpackOptions,
)
from tflopt.ir.types import DType
from tflopt.texts import counted

Shape = tuple[int, ...]
SLICE_RANK = 5
REFLECT = 0
"""``MirrorPadMode`` that doesn't repeat the edge."""


def _source(op: Op, index: int = 0) -> Value:
    return op.operand(index)


def _gives(op: Op, expected: Sequence[int]) -> str:
    shape = op.output.shape
    if shape == tuple(expected):
        return ""
    return f"its output has the shape {list(shape)}, its inputs give {list(expected)}"


def _along(shapes: Sequence[Shape], whole: Shape, axis: int) -> str:
    """Parts that must make up the whole along one axis."""
    flaw = axis_flaw(axis, len(whole))
    if flaw:
        return flaw
    at = axis % len(whole)
    for shape in shapes:
        if len(shape) != len(whole) or any(
            a != b for i, (a, b) in enumerate(zip(shape, whole, strict=True)) if i != at
        ):
            return f"{list(shape)} is not a part of {list(whole)} along axis {at}"
    total = sum(shape[at] for shape in shapes)
    return "" if total == whole[at] else f"the parts have {total} along axis {at} of {list(whole)}"


def _concatenation(op: Op) -> str:
    shapes = [value.shape for value in op.inputs if value is not None]
    axis = op.options.axis if isinstance(op.options, ConcatenationOptions) else 0
    return _along(shapes, op.output.shape, axis)


def _split(op: Op) -> str:
    first = op.code is OpCode.SPLIT
    axis = op.ints(0 if first else 2)
    if axis is None or len(axis) != 1:
        return "" if axis is None else f"{counted(len(axis), 'axis', 'axes')}, it takes one"
    shapes = [value.shape for value in op.outputs]
    return _along(shapes, _source(op, 1 if first else 0).shape, axis[0])


def _stack(parts: Sequence[Value], whole: Value, axis: int, count: int) -> str:
    if count != len(parts):
        return f"options for {counted(count, 'tensor')}, it has {len(parts):,}"
    flaw = axis_flaw(axis, len(whole.shape))
    if flaw:
        return flaw
    at = axis % len(whole.shape)
    part = whole.shape[:at] + whole.shape[at + 1 :]
    for value in parts:
        if value.shape != part:
            return f"{list(value.shape)} is not a part of {list(whole.shape)} along axis {at}"
    return "" if whole.shape[at] == count else f"{counted(count, 'part')} of {list(whole.shape)}"


def _pack(op: Op) -> str:
    options = op.options if isinstance(op.options, PackOptions) else PackOptions()
    parts = [value for value in op.inputs if value is not None]
    return _stack(parts, op.output, options.axis, options.values_count)


def _unpack(op: Op) -> str:
    options = op.options if isinstance(op.options, UnpackOptions) else UnpackOptions()
    return _stack(op.outputs, _source(op), options.axis, options.num)


def _transpose(op: Op) -> str:
    perm, source = op.ints(1), _source(op)
    if perm is None:
        return ""
    if sorted(perm) != list(range(len(source.shape))):
        return f"{list(perm)} is not an order of {_axes(source)}"
    return _gives(op, [source.shape[axis] for axis in perm])


def _pad(op: Op) -> str:
    pads, source, count = op.ints(1), _source(op), op.operand(1).elements
    if count != 2 * len(source.shape):
        return f"{counted(count, 'padding')} for {_axes(source)}"
    if pads is None:
        return ""
    if min(pads, default=0) < 0:
        return f"a padding of {min(pads)}"
    rows = list(zip(source.shape, pads[::2], pads[1::2], strict=True))
    if op.code is OpCode.MIRROR_PAD:
        reflects = not isinstance(op.options, MirrorPadOptions) or op.options.mode == REFLECT
        for extent, before, after in rows:
            if max(before, after) > extent - reflects:
                return f"a padding of {max(before, after)} mirrors an axis of {extent}"
    return _gives(op, [sum(three) for three in rows])


def _slice(op: Op) -> str:
    begin, size, source = op.ints(1), op.ints(2), _source(op)
    if len(source.shape) > SLICE_RANK:
        return f"{_axes(source)}; the kernel aborts above {SLICE_RANK}"
    if begin is None or size is None:
        return ""
    if not len(begin) == len(size) == len(source.shape):
        return (
            f"{counted(len(begin), 'begin')} and {counted(len(size), 'size')} for {_axes(source)}"
        )
    taken = [
        extent - at if count == -1 else count
        for at, count, extent in zip(begin, size, source.shape, strict=True)
    ]
    rows = zip(begin, taken, source.shape, strict=True)
    if any(at < 0 or count < 0 or at + count > extent for at, count, extent in rows):
        return f"{list(size)} from {list(begin)} on reaches outside of {list(source.shape)}"
    return _gives(op, taken)


def _gather(op: Op) -> str:
    source, indices, options = _source(op), _source(op, 1), op.options
    axis, batches = 0, 0
    if isinstance(options, GatherOptions):
        axis, batches = options.axis, options.batch_dims
    flaw = axis_flaw(axis, len(source.shape))
    if flaw or batches:
        return flaw
    at, chosen = axis % len(source.shape), indices.ints()
    if chosen and not 0 <= min(chosen) <= max(chosen) < source.shape[at]:
        return f"an index of {max(chosen)} or {min(chosen)} among {source.shape[at]}"
    rest = prod(source.shape[:at] + source.shape[at + 1 :])
    count = rest * indices.elements
    return (
        ""
        if count == op.output.elements
        else f"{counted(count, 'element')}, {op.output.elements:,} out"
    )


def _gather_nd(op: Op) -> str:
    source, indices = _source(op).shape, _source(op, 1)
    chosen = indices.ints()
    if not indices.shape or indices.shape[-1] > len(source):
        return f"indices of the shape {list(indices.shape)} into {list(source)}"
    depth = indices.shape[-1]
    for at, place in enumerate(chosen or ()):
        extent = source[at % depth]
        if not 0 <= place < extent:
            return f"an index of {place} among {extent}"
    return ""


def _depth(op: Op) -> str:
    source, options = _source(op), op.options
    block = 0
    if isinstance(options, SpaceToDepthOptions | DepthToSpaceOptions):
        block = options.block_size
    if block < 1:
        return f"a block of {block}"
    if source.elements != op.output.elements:
        return f"{source.elements} elements in, {op.output.elements} out"
    return ""


def _blocks(op: Op) -> str:
    """SPACE_TO_BATCH_ND and, the other way round, BATCH_TO_SPACE_ND."""
    blocks, edges = op.ints(1), op.ints(2)
    if blocks is None or edges is None:
        return ""
    to_batch = op.code is OpCode.SPACE_TO_BATCH_ND
    space, batch = _source(op).shape, op.output.shape
    if not to_batch:
        space, batch = batch, space
    count = len(blocks)
    if not len(space) == len(batch) > count or len(edges) != 2 * count:
        given = f"{counted(count, 'block')} and {counted(len(edges), 'edge')}"
        return f"{given} for {counted(len(space), 'axis', 'axes')}"
    if min(blocks, default=1) < 1 or min(edges, default=0) < 0:
        return f"blocks of {list(blocks)}, edges of {list(edges)}"
    wide = [space[1 + i] + edges[2 * i] + edges[2 * i + 1] for i in range(count)]
    folded = [extent // block for extent, block in zip(wide, blocks, strict=True)]
    expected = (space[0] * prod(blocks), *folded, *space[1 + count :])
    if any(extent % block for extent, block in zip(wide, blocks, strict=True)):
        return f"{wide} can't be cut into blocks of {list(blocks)}"
    return "" if batch == expected else f"{list(space)} and {list(batch)} don't go together"


def _resize(op: Op) -> str:
    source, sizes, output = _source(op).shape, _source(op, 1), op.output.shape
    if sizes.dtype is not DType.INT32 or sizes.elements != 2:
        return f"its sizes are {sizes.dtype.name}{list(sizes.shape)}, not two of INT32"
    if len(source) != 4 or len(output) != 4 or 0 in source:
        return f"the shapes {list(source)} and {list(output)}, not four sizes each"
    if (source[0], source[3]) != (output[0], output[3]):
        return f"{list(source)} can't be resized to {list(output)}"
    return ""


def _tile(op: Op) -> str:
    source, times = _source(op), op.ints(1)
    if times is None:
        return ""
    if len(times) != len(source.shape):
        return f"{counted(len(times), 'repeat')} for {_axes(source)}"
    return _gives(op, [a * b for a, b in zip(source.shape, times, strict=True)])


MOVES: dict[Kind, Callable[[Op], str]] = {
    Kind.JOIN: _concatenation,
    Kind.SPLIT: _split,
    Kind.STACK: _pack,
    Kind.UNSTACK: _unpack,
    Kind.TRANSPOSE: _transpose,
    Kind.PAD: _pad,
    Kind.MIRROR_PAD: _pad,
    Kind.SLICE: _slice,
    Kind.GATHER: _gather,
    Kind.GATHER_ND: _gather_nd,
    Kind.DEPTH: _depth,
    Kind.BLOCK: _blocks,
    Kind.RESIZE: _resize,
    Kind.TILE: _tile,
}


def _axes(value: Value) -> str:
    return counted(len(value.shape), "axis", "axes")
