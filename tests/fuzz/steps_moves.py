"""Steps that move, cut, join and relabel data."""

from __future__ import annotations

from tests.fuzz.grower import MAX_ELEMENTS, Grower, named
from tflopt.ir import DType, OpCode, Value
from tflopt.ir.options import (
    BroadcastToOptions,
    DepthToSpaceOptions,
    GatherOptions,
    MirrorPadOptions,
    Options,
    PackOptions,
    PadV2Options,
    ResizeBilinearOptions,
    ResizeNearestNeighborOptions,
    SpaceToDepthOptions,
    SplitVOptions,
    StridedSliceOptions,
    UnpackOptions,
)


def relabel(g: Grower) -> bool:
    """RESHAPE to any shape of rank 1 to 6."""
    x = g.pick()
    if x is None:
        return False
    g.keep(g.reshape(x, *g.factor(x)))
    return True


def expand_or_squeeze(g: Grower) -> bool:
    """EXPAND_DIMS, or SQUEEZE where an axis of size 1 is there."""
    x = g.pick(where=lambda v: len(v.shape) < 6)
    if x is None:
        return False
    ones = [axis for axis, extent in enumerate(x.shape) if extent == 1]
    if ones and len(x.shape) > 1 and g.chance(0.6):
        g.keep(g.squeeze(x, g.random.choice(ones)))
    else:
        g.keep(g.expand(x, g.random.randint(0, len(x.shape))))
    return True


def permute(g: Grower) -> bool:
    """TRANSPOSE of up to 5 axes."""
    x = g.pick(where=lambda v: 2 <= len(v.shape) <= 5)
    if x is None:
        return False
    g.keep(g.transpose(x, *g.perm(len(x.shape))))
    return True


def add_border(g: Grower) -> bool:
    """PAD, PADV2 or MIRROR_PAD."""
    x = g.pick(where=lambda v: 1 <= len(v.shape) <= 4)
    if x is None:
        return False
    amounts = [(g.random.choice((0, 0, 1, 2)), g.random.choice((0, 0, 1, 3))) for _ in x.shape]
    kind = g.random.random()
    if kind < 0.7:
        g.keep(g.pad(x, *amounts))
        return True
    shape = [n + a + b for n, (a, b) in zip(x.shape, amounts, strict=True)]
    if kind < 0.9:
        value = g.constant(g.random.randint(-128, 127), DType.INT8, quant=x.quant)
        inputs = [x, g.constant(amounts), value]
        g.keep(g.op(OpCode.PADV2, inputs, shape, options=PadV2Options(), version=2))
        return True
    amounts = [(min(a, n - 1), min(b, n - 1)) for (a, b), n in zip(amounts, x.shape, strict=True)]
    shape = [n + a + b for n, (a, b) in zip(x.shape, amounts, strict=True)]
    inputs = [x, g.constant(amounts)]
    options = MirrorPadOptions(g.random.randint(0, 1))
    g.keep(g.op(OpCode.MIRROR_PAD, inputs, shape, options=options, version=2))
    return True


def cut(g: Grower) -> bool:
    """SLICE."""
    x = g.pick(where=lambda v: 1 <= len(v.shape) <= 5)
    if x is None:
        return False
    begin = [g.random.randint(0, n - 1) if g.chance(0.4) else 0 for n in x.shape]
    size = [
        g.random.randint(1, n - b) if g.chance(0.4) else -1
        for n, b in zip(x.shape, begin, strict=True)
    ]
    g.keep(g.slice(x, begin, size))
    return True


def cut_with_steps(g: Grower) -> bool:
    """STRIDED_SLICE with masks, steps and axes that it drops."""
    x = g.pick(where=lambda v: 1 <= len(v.shape) <= 4)
    if x is None:
        return False
    rank = len(x.shape)
    begin = [g.random.randint(0, n - 1) if g.chance(0.4) else 0 for n in x.shape]
    end = [g.random.randint(b + 1, n) for n, b in zip(x.shape, begin, strict=True)]
    step = [g.random.choice((1, 1, 1, 2, 3)) for _ in x.shape]
    begin_mask = g.random.getrandbits(rank) if g.chance(0.3) else 0
    end_mask = g.random.getrandbits(rank) if g.chance(0.5) else 0
    shrink = 1 << g.random.randrange(rank) if rank > 1 and g.chance(0.2) else 0
    shape = []
    for axis, extent in enumerate(x.shape):
        first = 0 if begin_mask >> axis & 1 else begin[axis]
        last = extent if end_mask >> axis & 1 else end[axis]
        if shrink >> axis & 1:
            step[axis] = 1
            continue
        shape.append(-(-(last - first) // step[axis]))
    options = StridedSliceOptions(begin_mask, end_mask, shrink_axis_mask=shrink)
    inputs = [x, g.constant(begin), g.constant(end), g.constant(step)]
    g.keep(g.op(OpCode.STRIDED_SLICE, inputs, shape, options=options, version=2))
    return True


def join(g: Grower) -> bool:
    """CONCATENATION, or PACK."""
    x = g.pick(where=lambda v: 1 <= len(v.shape) <= 4)
    if x is None:
        return False
    if g.chance(0.2):
        values = g.random.choices(g.alike(x), k=g.random.randint(1, 3))
        axis = g.random.randint(0, len(x.shape))
        shape = [*x.shape[:axis], len(values), *x.shape[axis:]]
        options: Options = PackOptions(len(values), axis)
        g.keep(g.op(OpCode.PACK, values, shape, options=options, version=2))
        return True
    axis = g.random.randrange(len(x.shape))
    rest = g.values(
        len(x.shape),
        where=lambda v: _without(v, axis) == _without(x, axis) and v.quant == x.quant,
    )
    values = [x, *g.random.choices(rest, k=g.random.randint(1, 3))]
    if sum(v.elements for v in values) > MAX_ELEMENTS:
        return False
    g.keep(g.concat(*values, axis=axis))
    return True


def part(g: Grower) -> bool:
    """SPLIT, SPLIT_V or UNPACK."""
    x = g.pick(where=lambda v: 1 <= len(v.shape) <= 4)
    if x is None:
        return False
    axis = g.random.randrange(len(x.shape))
    extent = x.shape[axis]
    kind = g.random.random()
    if kind < 0.5:
        parts = [n for n in range(1, 5) if extent % n == 0]
        g.keep(*g.split(x, g.random.choice(parts), axis))
        return True
    if kind < 0.8 and extent > 1:
        first = g.random.randint(1, extent - 1)
        sizes = [first, extent - first]
        shapes = [[s if a == axis else n for a, n in enumerate(x.shape)] for s in sizes]
        inputs = [x, g.constant(sizes), g.constant(axis)]
        g.keep(*g.ops(OpCode.SPLIT_V, inputs, shapes, SplitVOptions(2), x.quant, x.dtype, 2))
        return True
    if len(x.shape) < 2 or extent > 5:
        return False
    shape = [*x.shape[:axis], *x.shape[axis + 1 :]]
    options = UnpackOptions(extent, axis)
    g.keep(*g.ops(OpCode.UNPACK, [x], [shape] * extent, options, x.quant, x.dtype, 2))
    return True


def pick_rows(g: Grower) -> bool:
    """GATHER with constant indices, or REVERSE_V2."""
    x = g.pick(where=lambda v: 1 <= len(v.shape) <= 4)
    if x is None:
        return False
    axis = g.random.randrange(len(x.shape))
    if g.chance(0.3):
        g.keep(g.op(OpCode.REVERSE_V2, [x, g.constant([axis])], x.shape, version=2))
        return True
    rows = [g.random.randrange(x.shape[axis]) for _ in range(g.random.randint(1, 4))]
    shape = [len(rows) if a == axis else n for a, n in enumerate(x.shape)]
    options = GatherOptions(axis)
    g.keep(g.op(OpCode.GATHER, [x, g.constant(rows)], shape, options=options, version=2))
    return True


def enlarge(g: Grower) -> bool:
    """RESIZE of both kinds, DEPTH_TO_SPACE, SPACE_TO_DEPTH, BROADCAST_TO."""
    x = g.image()
    kind = g.random.randrange(5)
    batch, height, width, channels = x.shape
    if kind == 0:
        _resize(g, x)
    elif kind == 1:
        return _bilinear(g, x)
    elif kind == 2 and channels % 4 == 0:
        shape = (batch, height * 2, width * 2, channels // 4)
        g.keep(g.op(OpCode.DEPTH_TO_SPACE, [x], shape, options=DepthToSpaceOptions(2), version=2))
    elif kind == 3 and height % 2 == 0 and width % 2 == 0:
        shape = (batch, height // 2, width // 2, channels * 4)
        g.keep(g.op(OpCode.SPACE_TO_DEPTH, [x], shape, options=SpaceToDepthOptions(2), version=2))
    else:
        return _broadcast(g, x)
    return True


def _resize(g: Grower, x: Value) -> None:
    height, width = (n * g.random.choice((1, 2, 3)) for n in x.shape[1:3])
    corners = g.chance(0.2)
    options = ResizeNearestNeighborOptions(corners, not corners and g.chance(0.3))
    shape = (x.shape[0], height, width, x.shape[3])
    inputs = [x, g.constant([height, width])]
    g.keep(g.op(OpCode.RESIZE_NEAREST_NEIGHBOR, inputs, shape, options=options, version=2))


def _bilinear(g: Grower, x: Value) -> bool:
    height, width = (max(1, n * g.random.choice((1, 2)) - g.random.choice((0, 1))) for n in (3, 4))
    options = ResizeBilinearOptions(half_pixel_centers=g.chance(0.5))
    shape = (x.shape[0], height, width, x.shape[3])
    inputs = [x, g.constant([height, width])]
    g.keep(g.op(OpCode.RESIZE_BILINEAR, inputs, shape, options=options, version=2))
    return True


def _broadcast(g: Grower, x: Value) -> bool:
    shape = [n if n > 1 else g.random.choice((1, 2, 3)) for n in x.shape]
    inputs = [x, g.constant(shape)]
    g.keep(g.op(OpCode.BROADCAST_TO, inputs, shape, options=BroadcastToOptions(), version=2))
    return True


def _without(value: Value, axis: int) -> tuple[int, ...]:
    return value.shape[:axis] + value.shape[axis + 1 :]


STEPS = named(
    [
        relabel,
        expand_or_squeeze,
        permute,
        add_border,
        cut,
        cut_with_steps,
        join,
        part,
        pick_rows,
        enlarge,
    ]
)
