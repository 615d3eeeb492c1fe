"""Pad less where windows don't read all of it, or SAME can add a part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from tflopt.config import Config
from tflopt.facts.operators import CONVOLUTIONS, PADS, POOLS
from tflopt.facts.pads import Amounts, pad_of, pads_zero
from tflopt.facts.windows import SPATIAL, Axis, Window, extents, is_open, window_of
from tflopt.ir import Op, OpCode, Padding
from tflopt.rewrite import Rewriter, Rule, require_no_variable
from tflopt.rules.movement.fold_pad import set_padding, unpadded
from tflopt.rules.movement.write import pad_options
from tflopt.target.one_row import wrong_on_mve

Sides = tuple[int, int]
MOST_TRIED = 64
"""Elements on a side that SAME is tried with: kernels and strides are smaller."""


@dataclass(frozen=True)
class NarrowPad(Rule):
    """Let PAD add only what a window reads, and SAME what it can add.

    PyTorch's PAD(1, 1) before a 3x3 kernel with a stride of 2 adds a row and a column that no
    window reads if height and width are even. Exact: the windows read the same elements, and SAME
    adds the zero point as well.

    Args:
        mve: decline where CMSIS-NN has an error on cores with MVE.
    """

    name: ClassVar[str] = "narrow-pad"
    number: ClassVar[int] = 97
    rank: ClassVar[int] = 175
    anchors: ClassVar[frozenset[OpCode]] = PADS
    mve: bool = True

    @classmethod
    def from_config(cls, config: Config) -> NarrowPad:
        """The rule with what it needs of the options."""
        return cls(config.mve)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Pad less, with the padding of all readers that goes with it."""
        pad, readers = pad_of(op), op.output.users
        if pad is None or not readers or op.output.is_graph_output or len(pad.amounts) != 4:
            return
        known = all(r.code in CONVOLUTIONS | POOLS and r.input(0) is op.output for r in readers)
        spatial = not any(pad.amounts[0] + pad.amounts[3])
        if not known or not spatial or is_open(pad.source) or is_open(op.output):
            return
        own_windows = [_unpadded_window(reader, pad.amounts) for reader in readers]
        windows = [window for window in own_windows if window is not None]
        if len(windows) != len(readers):
            return
        best = min(self._ways(op, pad.amounts, windows), key=lambda way: way[0], default=None)
        if best is None or best[0] >= prod(op.output.shape[1:3]) or not any(map(any, best[2])):
            return
        require_no_variable(pad.source, at=op)
        _, padding, (height, width) = best
        amounts = ((0, 0), height, width, (0, 0))
        shape = [n + sum(pair) for n, pair in zip(pad.source.shape, amounts, strict=True)]
        narrow = rw.value(op.output, shape=shape)
        control = rw.constant(np.asarray(amounts, dtype=np.int32), op.output)
        inputs, options = [pad.source, control, *op.inputs[2:]], pad_options(op.code)
        rw.insert(op, op.code, inputs, [narrow], options, op.opcode.version)
        for reader in readers:
            rw.set_input(reader, 0, narrow)
            set_padding(reader, padding, rw)
        rw.remove(op)

    def _ways(
        self, op: Op, amounts: Amounts, windows: Sequence[Window]
    ) -> Iterator[tuple[int, Padding, tuple[Sides, Sides]]]:
        """Elements of a plane that is padded less, the padding of its readers, and the amounts."""
        adds = pads_zero(op) and all(reader.code in CONVOLUTIONS for reader in op.output.users)
        for padding in (Padding.VALID, Padding.SAME) if adds else (Padding.VALID,):
            axes = [[window[number] for window in windows] for number in range(2)]
            pairs = zip(axes, amounts[1:3], strict=True)
            sides = [_narrowest(axis, given, padding) for axis, given in pairs]
            if sides[0] is None or sides[1] is None:
                continue
            narrowed = (sides[0], sides[1])
            narrow = [_within(window, narrowed) for window in windows]
            rows = zip(op.output.users, narrow, strict=True)
            if self.mve and any(wrong_on_mve(reader, window) for reader, window in rows):
                continue
            extent = [op.operand(0).shape[axis] for axis in SPATIAL]
            yield (
                prod(n + sum(pair) for n, pair in zip(extent, narrowed, strict=True)),
                padding,
                narrowed,
            )


def _unpadded_window(reader: Op, amounts: Amounts) -> Window | None:
    window = window_of(reader)
    return None if window is None else unpadded(window, amounts)


def _within(window: Window, sides: tuple[Sides, Sides]) -> Window:
    """The window on the tensor that is padded by ``sides``."""
    return unpadded(window, ((0, 0), *((-a, -b) for a, b in sides), (0, 0)))


def _narrowest(axes: Sequence[Axis], given: Sides, padding: Padding) -> Sides | None:
    """The least amounts, none above the given ones, with which all read what they should."""
    fronts = range(min(given[0], MOST_TRIED) + 1) if padding is Padding.SAME else [given[0]]
    pairs = [(front, behind) for front in fronts for behind in _behind(axes, front, padding)]
    fitting = [
        (front, behind)
        for front, behind in pairs
        if 0 <= behind <= given[1] and all(_fits(axis, (front, behind), padding) for axis in axes)
    ]
    return min(fitting, key=sum, default=None)


def _behind(axes: Sequence[Axis], front: int, padding: Padding) -> set[int]:
    """Amounts behind among which the least lies: those with which an axis has its outputs, one for
    each element of a stride under SAME.
    """
    if padding is Padding.VALID:
        return {max(axis.behind for axis in axes)}
    ends = ((axis.out - 1) * axis.stride + 1 - axis.size - front for axis in axes)
    tried = (min(axis.stride, MOST_TRIED) for axis in axes)
    return {
        max(0, end + more) for end, most in zip(ends, tried, strict=True) for more in range(most)
    }


def _fits(axis: Axis, sides: Sides, padding: Padding) -> bool:
    size = axis.size + sum(sides)
    return extents(padding, size, axis.span, axis.stride) == (axis.before - sides[0], axis.out)
