"""Fold PAD into the padding of what reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from tflopt.config import Config
from tflopt.facts.operators import CONVOLUTIONS, PADS, POOLS
from tflopt.facts.pads import Amounts, amounts_of, pad_value, zero_of
from tflopt.facts.windows import SPATIAL, Window, is_open, padding_for, window_of
from tflopt.ir import Op, OpCode, Padding, same_quantization
from tflopt.ir.options import Conv2DOptions, DepthwiseConv2DOptions, Pool2DOptions
from tflopt.rewrite import Reason, Rewriter, Rule, Why, require, require_no_variable, required
from tflopt.target.one_row import WRONG_ON_MVE, wrong_on_mve


@dataclass(frozen=True)
class FoldPad(Rule):
    """Fold PAD into SAME, or into nothing, where the convolution then reads the same elements.

    Exact: kernels pad in front by the amount that TFLM computes, and behind by what the windows
    reach beyond the input, always with the input's zero point (``cmsis_nn/conv.cc``). So a layer
    is the same where that amount and the number of outputs are. Max pooling leaves padding out,
    which is the same as padding with the lowest value. Average pooling leaves it out of the count
    too, so only padding that no window reads goes.

    Args:
        mve: decline where CMSIS-NN has an error on cores with MVE.
    """

    name: ClassVar[str] = "fold-pad"
    number: ClassVar[int] = 17
    rank: ClassVar[int] = 170
    anchors: ClassVar[frozenset[OpCode]] = PADS
    mve: bool = True

    @classmethod
    def from_config(cls, config: Config) -> FoldPad:
        """The rule with what it needs of the options."""
        return cls(config.mve)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Let every reader read the unpadded tensor, or none."""
        source, padded = op.input(0), op.output
        if source is None or not padded.uses:
            return
        amounts = amounts_of(op)
        amounts = required(amounts, Why.COMPUTED("the amounts are computed at run time"), at=op)
        readers = padded.users
        known = all(r.code in CONVOLUTIONS | POOLS and r.input(0) is padded for r in readers)
        alone = known and not padded.is_graph_output
        require(alone, "what reads it is not only convolutions and pooling", at=op)
        self._check_values(op, amounts)
        paddings = [self._folded(reader, amounts, op) for reader in readers]
        for reader, padding in zip(readers, paddings, strict=True):
            rw.set_input(reader, 0, source)
            set_padding(reader, padding, rw)
        rw.remove(op)

    @staticmethod
    def _check_values(op: Op, amounts: Amounts) -> None:
        source, padded = op.operand(0), op.output
        spatial = len(amounts) == 4 and not any(amounts[0] + amounts[3])
        require(spatial, "it pads batches or channels", at=op)
        same = same_quantization(source.quant, padded.quant) and source.dtype == padded.dtype
        require(same, Why.QUANTIZATION("it changes the quantization of what it hands on"), at=op)
        require_no_variable(source, at=op)
        require(
            pad_value(op) is not None,
            Why.NOT_QUANTIZED("the padding is not an int8 or int16 constant"),
            at=op,
        )
        require(not is_open(source), Why.OPEN_SHAPE("the height or the width is open (-1)"), at=op)

    def _folded(self, reader: Op, amounts: Amounts, pad: Op) -> Padding:
        window = window_of(reader)
        window = required(window, "the shapes of what reads it don't fit each other", at=pad)
        folded = unpadded(window, amounts)
        padding = padding_for(folded)
        if reader.code is OpCode.MAX_POOL_2D:
            lowest = pad_value(pad) == np.iinfo(np.dtype(f"i{_width(reader)}")).min
            free = padding is Padding.VALID
            require(lowest or free, "max pooling would leave out a value that can win", at=pad)
        elif reader.code is OpCode.AVERAGE_POOL_2D:
            free = padding is Padding.VALID
            require(free, "average pooling would leave the padding out of its count", at=pad)
        else:
            zero = pad_value(pad) == zero_of(pad.output) or padding is Padding.VALID
            require(zero, "it pads with another value than the zero point", at=pad)
        padding = required(padding, _unlike_same(folded, amounts), at=pad)
        require(
            not (self.mve and wrong_on_mve(reader, folded)),
            Why.WRONG_KERNEL(WRONG_ON_MVE),
            at=reader,
        )
        return padding


def unpadded(window: Window, amounts: Amounts) -> Window:
    """The window on the input of a PAD that gives what ``window`` gives on its output."""
    height, width = (
        replace(axis, size=axis.size - sum(amounts[i]), before=axis.before + amounts[i][0])
        for i, axis in zip(SPATIAL, window, strict=True)
    )
    return height, width


def set_padding(op: Op, padding: Padding, rw: Rewriter) -> None:
    """Change the padding of a convolution or a pooling."""
    options = op.options
    assert isinstance(options, Conv2DOptions | DepthwiseConv2DOptions | Pool2DOptions)
    if options.padding is not padding:
        rw.set_options(op, replace(options, padding=padding))


def _width(op: Op) -> int:
    return (op.output.dtype.bits or 8) // 8


def _unlike_same(folded: Window, amounts: Amounts) -> Reason:
    """In words: what SAME would add where the PAD adds something else."""
    for name, axis, given in zip(("height", "width"), folded, amounts[1:3], strict=True):
        same = axis.as_same
        if same != axis:
            text = (
                f"SAME adds {{front}}+{{behind}} to the {name} where it adds {{own}}+{{own_behind}}"
            )
            return Why.UNEVEN(
                text,
                front=same.before,
                behind=same.behind,
                own=given[0],
                own_behind=given[1],
            )
    return Why.OTHER("no padding adds the same")
