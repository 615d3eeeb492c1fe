"""Turn convolutions between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND into dilated ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tflopt.facts.operators import CONVOLUTIONS, UNARY, VIEWS
from tflopt.facts.slices import Region
from tflopt.facts.windows import HEIGHT, SPATIAL, WIDTH, window_of
from tflopt.ir import Op, OpCode, Options, Padding, Value, same_quantization
from tflopt.ir.options import Conv2DOptions, DepthwiseConv2DOptions
from tflopt.rewrite import Rewriter, Rule, Why, require, require_no_variable, required
from tflopt.rewrite.makers import insert_again
from tflopt.rules.movement.write import insert_pad, insert_slice

Blocks = tuple[tuple[int, int], ...]
"""(axis, block) for each spatial axis of a tensor."""
Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Step:
    """One operator in between, its blocks behind it, and the shape that its output gets."""

    op: Op
    blocks: Blocks
    shape: tuple[int, ...]


@dataclass(frozen=True)
class FoldSpaceToBatch(Rule):
    """Turn convolutions between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND into dilated ones.

    Between the two every b-th element lies beside the next, so a kernel there reads what one
    dilated by b reads in the image; elementwise operators don't care. The amounts that the first
    adds become a PAD, those that the last takes off a SLICE; both are then folded where they can
    be. Exact where nothing is padded, or the SLICE takes off all outputs that read the padding:
    TFLM's SPACE_TO_BATCH_ND pads with a value that it never sets (``space_to_batch_nd.cc``), so
    there is nothing to be equal to. LiteRT pads with the zero point, and so does the PAD.

    Args:
        padded: also where outputs depend on the padding; equal to LiteRT then.
    """

    name: ClassVar[str] = "fold-space-to-batch"
    number: ClassVar[int] = 28
    rank: ClassVar[int] = 270
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.BATCH_TO_SPACE_ND})
    padded: bool = False

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Rebuild everything in between on the image."""
        chain = _chain(op)
        crops = _pairs(op)
        if chain is None or crops is None:
            return
        first, between = chain[0], chain[1:]
        source, amounts, blocks = first.input(0), _pairs(first), _blocks(first)
        if source is None or amounts is None or blocks is None:
            return
        steps = _steps(source, between, blocks)
        if not steps:
            return
        same = _blocks(op) == steps[-1].blocks and len(op.output.shape) == len(steps[-1].shape)
        require(same, "the two take different blocks", at=op)
        self._check(op, first, steps, crops)
        _rebuild(op, first, steps, crops, rw)

    def _check(self, op: Op, first: Op, steps: list[_Step], crops: Pairs) -> None:
        source, amounts = first.operand(0), _pairs(first)
        assert amounts is not None
        signature = source.extra.shape_signature or ()
        require(-1 not in signature, Why.OPEN_SHAPE("a dimension is open (-1)"), at=first)
        require_no_variable(source, at=first)
        same = same_quantization(source.quant, first.output.quant)
        data = op.operand(0)
        same = same and same_quantization(data.quant, op.output.quant)
        require(same, Why.QUANTIZATION("it changes the quantization of what it hands on"), at=first)
        clean = self.padded or not _reads_padding(source, steps, amounts, crops)
        reason = "TFLM pads SPACE_TO_BATCH_ND with a value that it never sets, and outputs read it"
        require(clean, reason, at=first)


def _chain(op: Op) -> list[Op] | None:
    """SPACE_TO_BATCH_ND and what follows it up to ``op``; None where that is another pattern."""
    chain: list[Op] = []
    value = op.input(0)
    while value is not None and value.producer is not None:
        above = value.producer
        known = isinstance(above.options, Options | None)
        if not known or above.code not in CONVOLUTIONS | UNARY | VIEWS | {OpCode.SPACE_TO_BATCH_ND}:
            return None
        require(
            len(value.uses) == 1, Why.SHARED("another operator reads a tensor in between"), at=op
        )
        chain = [above, *chain]
        if above.code is OpCode.SPACE_TO_BATCH_ND:
            return chain
        value = above.input(0)
    return None


def _blocks(op: Op) -> Blocks | None:
    numbers = op.ints(1)
    if numbers is None or len(numbers) != len(op.output.shape) - 2 or min(numbers) < 1:
        return None
    return tuple((axis + 1, block) for axis, block in enumerate(numbers))


def _pairs(op: Op) -> Pairs | None:
    """(before, after) of each spatial axis."""
    numbers = op.ints(2)
    if numbers is None or len(numbers) != 2 * (len(op.output.shape) - 2) or min(numbers) < 0:
        return None
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _steps(source: Value, between: list[Op], blocks: Blocks) -> list[_Step]:
    steps = []
    for op in between:
        if op.code in VIEWS:
            blocks = _through_view(op, blocks)
        elif op.code in CONVOLUTIONS:
            _check_convolution(op)
        shape = list(op.output.shape)
        shape[0] = source.shape[0]
        for axis, block in blocks:
            shape[axis] *= block
        steps.append(_Step(op, blocks, tuple(shape)))
    return steps


def _check_convolution(op: Op) -> None:
    window, options = window_of(op), op.options
    window = required(window, "the shapes of the convolution don't fit each other", at=op)
    assert isinstance(options, Conv2DOptions | DepthwiseConv2DOptions)
    for axis in window:
        require(axis.stride == 1, "the convolution in between has a stride", at=op)
        even = options.padding is Padding.VALID or axis.span % 2 == 1
        require(even, "the convolution in between pads more behind than in front", at=op)


def _through_view(op: Op, blocks: Blocks) -> Blocks:
    """Where the spatial axes lie behind a view that only adds or drops axes of 1."""
    source, target = op.operand(0), op.output.shape
    places = [axis for axis, extent in enumerate(source.shape) if extent != 1]
    large = [axis for axis, extent in enumerate(target) if extent != 1]
    same = [source.shape[axis] for axis in places] == [target[axis] for axis in large]
    known = same and {0, *(axis for axis, _ in blocks)} <= set(places) and 0 in large
    require(known, Why.AXES("a view in between splits or joins axes"), at=op)
    moved = dict(zip(places, large, strict=True))
    return tuple((moved[axis], block) for axis, block in blocks)


def _reads_padding(source: Value, steps: list[_Step], amounts: Pairs, crops: Pairs) -> bool:
    """Whether an output that is left reads what SPACE_TO_BATCH_ND added.

    On the padded image, output ``i`` of the whole chain reads from ``i - front`` to ``i + back``.
    """
    for place, ((before, after), (head, tail)) in enumerate(zip(amounts, crops, strict=True)):
        front, back = _reach(steps, place)
        extent = steps[-1].shape[steps[-1].blocks[place][0]]
        inner = before + source.shape[place + 1]
        if (before and head - front < before) or (after and extent - tail + back > inner):
            return True
    return False


def _reach(steps: list[_Step], place: int) -> tuple[int, int]:
    front = back = 0
    for step in steps:
        axis, block = step.blocks[place]
        window = window_of(step.op) if step.op.code in CONVOLUTIONS else None
        if window is None or axis not in SPATIAL:
            continue
        part = window[axis - 1]
        front += block * part.before
        back += block * (part.span - 1 - part.before)
    return front, back


def _rebuild(op: Op, first: Op, steps: list[_Step], crops: Pairs, rw: Rewriter) -> None:
    source, amounts = first.operand(0), _pairs(first)
    assert amounts is not None
    value = source
    if any(map(any, amounts)):
        value = insert_pad(rw, first, source, [(0, 0), *amounts, (0, 0)], None)
    for step in steps:
        ends = step is steps[-1] and not any(map(any, crops))
        output = rw.value(op.output, same_elements=True)
        if not ends:
            output = rw.value(step.op.output, shape=step.shape)
        _insert(step, value, output, rw)
        value = output
    if any(map(any, crops)):
        shape = op.output.shape
        region = Region((0, *(head for head, _ in crops), 0), shape)
        value = insert_slice(rw, op, value, region, None)
        rw.update(value, origin=op.output.origin)
    rw.bypass(op, value)
    for gone in (*(step.op for step in reversed(steps)), first):
        rw.remove(gone)


def _insert(step: _Step, value: Value, output: Value, rw: Rewriter) -> None:
    """The same operator on the image."""
    op, options, blocks = step.op, step.op.options, dict(step.blocks)
    if isinstance(options, Conv2DOptions | DepthwiseConv2DOptions):
        height, width = blocks.get(HEIGHT, 1), blocks.get(WIDTH, 1)
        options = replace(
            options,
            dilation_h_factor=options.dilation_h_factor * height,
            dilation_w_factor=options.dilation_w_factor * width,
        )
    assert isinstance(options, Options | None)
    insert_again(rw, op, [value, *op.inputs[1:]], output, options)
