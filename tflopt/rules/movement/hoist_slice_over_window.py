"""Move SLICE up through convolutions and pooling."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tflopt.config import Config
from tflopt.facts.operators import CONVOLUTIONS, PADS, POOLS, SLICES
from tflopt.facts.pads import Amounts, amounts_of, pads_zero
from tflopt.facts.slices import Region, region_of, whole
from tflopt.facts.windows import SPATIAL, Axis, Window, padding_for, window_of
from tflopt.ir import Op, OpCode, Padding, Value
from tflopt.ir.options import Conv2DOptions, DepthwiseConv2DOptions, Pool2DOptions
from tflopt.rewrite import Rewriter, Rule, Why, require
from tflopt.rules.movement.fold_pad import unpadded
from tflopt.rules.movement.write import check_movable, insert_pad, insert_slice
from tflopt.target.one_row import WRONG_ON_MVE, wrong_on_mve


@dataclass(frozen=True)
class _Plan:
    """What takes the place of PAD, window operator and SLICE."""

    source: Value
    kept: Region
    amounts: Amounts
    padding: Padding
    window: Window
    pad: Op | None

    @property
    def pads(self) -> bool:
        """Whether a PAD is needed."""
        return any(map(any, self.amounts))

    @property
    def moved_bytes(self) -> int:
        """What the new SLICE and PAD copy."""
        size = 0
        if self.kept != whole(self.source.shape):
            size += self.source.dtype.size_bytes(_elements(self.kept.size)) or 0
        if self.pads:
            rows = zip(self.kept.size, self.amounts, strict=True)
            shape = tuple(n + a + b for n, (a, b) in rows)
            size += self.source.dtype.size_bytes(_elements(shape)) or 0
        return size


@dataclass(frozen=True)
class HoistSliceOverWindow(Rule):
    """Compute only those outputs of a convolution or pooling that the SLICE behind it keeps.

    A causal convolution written as PAD on both sides, CONV_2D, SLICE becomes a PAD in front and
    the CONV_2D. Exact: each output that is left reads the same elements and the same padding; a
    PAD in front that adds zero points is part of the window. Only where the PAD and the SLICE
    that are needed then copy no more bytes than those that go.

    Args:
        mve: decline where CMSIS-NN has an error on cores with MVE.
    """

    name: ClassVar[str] = "hoist-slice-over-window"
    number: ClassVar[int] = 23
    rank: ClassVar[int] = 230
    anchors: ClassVar[frozenset[OpCode]] = SLICES
    mve: bool = True

    @classmethod
    def from_config(cls, config: Config) -> HoistSliceOverWindow:
        """The rule with what it needs of the options."""
        return cls(config.mve)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Exchange the SLICE and the window operator."""
        cut, region = op.input(0), region_of(op)
        above = None if cut is None else cut.producer
        if cut is None or above is None or region is None:
            return
        window = window_of(above)
        if above.code not in CONVOLUTIONS | POOLS or window is None:
            return
        spatial = region.cuts(cut.shape) <= set(SPATIAL)
        require(spatial, "it takes a part of the batches or channels", at=op)
        plan = _plan(above, window, region, op)
        saved = sum(o.output.size_bytes or 0 for o in (op, plan.pad) if o is not None)
        require(
            plan.moved_bytes <= saved,
            Why.CHEAPER_ORDER("more bytes would be copied in front"),
            at=op,
        )
        require(
            not (self.mve and wrong_on_mve(above, plan.window)),
            Why.WRONG_KERNEL(WRONG_ON_MVE),
            at=above,
        )
        self._edit(op, above, plan, rw)

    @staticmethod
    def _edit(op: Op, above: Op, plan: _Plan, rw: Rewriter) -> None:
        data = insert_slice(rw, above, plan.source, plan.kept, op)
        if plan.pads:
            data = insert_pad(rw, above, data, plan.amounts, plan.pad)
        output = rw.value(op.output, same_elements=True)
        options = above.options
        assert isinstance(options, Conv2DOptions | DepthwiseConv2DOptions | Pool2DOptions)
        options = replace(options, padding=plan.padding)
        inputs = [data, *above.inputs[1:]]
        rw.insert(above, above.code, inputs, [output], options, above.opcode.version)
        rw.bypass(op, output)
        rw.remove(above)
        if plan.pad is not None:
            rw.remove(plan.pad)


def _plan(above: Op, window: Window, region: Region, op: Op) -> _Plan:
    source = above.operand(0)
    pad = _own_pad(above)
    if pad is not None:
        amounts, source = amounts_of(pad), pad.operand(0)
        assert amounts is not None
        window = unpadded(window, amounts)
    check_movable(op, source)
    kept, sides, axes = whole(source.shape), [(0, 0)] * 4, []
    for place, axis in zip(SPATIAL, window, strict=True):
        first, last, side = _need(axis, region.begin[place], region.size[place])
        require(first < last, "it takes nothing but padding", at=op)
        kept = kept.with_axis(place, first, last - first)
        sides[place] = side
        axes.append(replace(axis, size=last - first, before=side[0], out=region.size[place]))
    needed = (axes[0], axes[1])
    padding = padding_for(needed)
    if padding is not None:
        return _Plan(source, kept, ((0, 0),) * 4, padding, needed, pad)
    require(above.code in CONVOLUTIONS, "the pooling would need uneven padding", at=op)
    padded = tuple(
        replace(axis, size=axis.size + sum(sides[place]), before=0)
        for place, axis in zip(SPATIAL, needed, strict=True)
    )
    return _Plan(source, kept, tuple(sides), Padding.VALID, (padded[0], padded[1]), pad)


def _own_pad(above: Op) -> Op | None:
    """The PAD in front that only this convolution reads and that adds zero points to the image."""
    padded = above.input(0)
    pad = None if padded is None else padded.producer
    if above.code not in CONVOLUTIONS or pad is None or pad.code not in PADS:
        return None
    amounts = amounts_of(pad)
    if padded is None or amounts is None or len(padded.uses) != 1 or not pads_zero(pad):
        return None
    return None if any(amounts[0] + amounts[3]) else pad


def _need(axis: Axis, begin: int, count: int) -> tuple[int, int, tuple[int, int]]:
    """The elements that ``count`` outputs from ``begin`` on read, and the padding around them.

    What a stride leaves over at the end needs no cut.
    """
    start, stop = axis.reads(begin, begin + count)
    first, last = max(0, start), min(axis.size, stop)
    if (begin, count) == (0, axis.out) or axis.size - stop < axis.stride:
        last = axis.size
    return first, last, (max(0, -start), max(0, stop - axis.size))


def _elements(shape: tuple[int, ...]) -> int:
    product = 1
    for extent in shape:
        product *= extent
    return product
