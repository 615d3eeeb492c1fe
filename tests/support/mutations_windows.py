"""Mutations of convolutions: padding, dilation and cutting written out as operators."""

from __future__ import annotations

from dataclasses import replace

from tests.support.mutation import Mutation, Pair, Site
from tflopt.ir import Op, OpCode, Padding, Value
from tflopt.ir.options import (
    BatchToSpaceNDOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    SliceOptions,
    SpaceToBatchNDOptions,
)

WINDOWS = (OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D)
WindowOptions = Conv2DOptions | DepthwiseConv2DOptions


def explicit_pad(site: Site) -> bool:
    """SAME padding as a PAD in front of a VALID convolution."""
    op = site.op(*WINDOWS)
    if op is None or not isinstance(op.options, WindowOptions):
        return False
    x, amounts = op.inputs[0], same_padding(op, op.options)
    if x is None or op.options.padding is not Padding.SAME or not any(map(any, amounts)):
        return False
    op.set_input(0, site.pad(x, [(0, 0), *amounts, (0, 0)], op))
    op.options = replace(op.options, padding=Padding.VALID)
    return True


def cut_tail(site: Site) -> bool:
    """PAD on both sides, a VALID convolution, and a SLICE that drops what is too much."""
    op = site.op(*WINDOWS)
    if op is None or not isinstance(op.options, WindowOptions):
        return False
    options, x = op.options, op.inputs[0]
    if options.padding is not Padding.VALID or x is None:
        return False
    axis = 2 if op.output.shape[2] > 1 else 1
    stride = options.stride_w if axis == 2 else options.stride_h
    more = site.rng.randint(1, 3)
    amounts = [(0, more * stride if a == axis else 0) for a in range(4)]
    op.set_input(0, site.pad(x, amounts, op))
    old = op.output
    shape = [n + more if a == axis else n for a, n in enumerate(old.shape)]
    whole = site.value(old, shape)
    op.set_outputs([whole])
    inputs = [whole, site.constant([0] * 4), site.constant(list(old.shape))]
    site.insert(site.after(op), OpCode.SLICE, inputs, [old], SliceOptions())
    return True


def batches_for_dilation(site: Site) -> bool:
    """A dilated convolution between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND.

    TFLM leaves the value that SPACE_TO_BATCH_ND pads with unset: so a PAD makes the border, and
    what fills up the blocks reaches only what the crops drop.
    """
    op = site.op(*WINDOWS)
    if op is None or not isinstance(op.options, WindowOptions):
        return False
    options, x = op.options, op.inputs[0]
    block = (options.dilation_h_factor, options.dilation_w_factor)
    if x is None or block == (1, 1) or (options.stride_h, options.stride_w) != (1, 1):
        return False
    valid = options.padding is Padding.VALID
    pads = [(0, 0), (0, 0)] if valid else same_padding(op, options)
    extents = [n + sum(pad) for n, pad in zip(x.shape[1:3], pads, strict=True)]
    fill = [-n % b for n, b in zip(extents, block, strict=True)]
    if any(map(any, pads)):
        x = site.pad(x, [(0, 0), *pads, (0, 0)], op)
    pads = [(0, more) for more in fill]
    op.options = replace(options, padding=Padding.VALID, dilation_h_factor=1, dilation_w_factor=1)
    _space_to_batch(site, op, x, block, pads)
    _batch_to_space(site, op, block, fill)
    return True


def _space_to_batch(site: Site, op: Op, x: Value, block: Pair, pads: list[Pair]) -> None:
    height, width = ((n + sum(p)) // b for n, p, b in zip(x.shape[1:3], pads, block, strict=True))
    out = site.value(x, (x.shape[0] * block[0] * block[1], height, width, x.shape[3]))
    inputs = [x, site.constant(block), site.constant(pads)]
    site.insert(op, OpCode.SPACE_TO_BATCH_ND, inputs, [out], SpaceToBatchNDOptions())
    op.set_input(0, out)


def _batch_to_space(site: Site, op: Op, block: Pair, fill: list[int]) -> None:
    old = op.output
    batch = old.shape[0] * block[0] * block[1]
    height, width = (
        (n + more) // b for n, more, b in zip(old.shape[1:3], fill, block, strict=True)
    )
    inner = site.value(old, (batch, height, width, old.shape[3]))
    op.set_outputs([inner])
    crops = [(0, more) for more in fill]
    inputs = [inner, site.constant(block), site.constant(crops)]
    options = BatchToSpaceNDOptions()
    site.insert(site.after(op), OpCode.BATCH_TO_SPACE_ND, inputs, [old], options)


def same_padding(op: Op, options: WindowOptions) -> list[Pair]:
    """What SAME adds before and behind, for height and width."""
    x, weights = op.inputs[0], op.inputs[1]
    assert x is not None
    assert weights is not None
    strides = (options.stride_h, options.stride_w)
    dilations = (options.dilation_h_factor, options.dilation_w_factor)
    amounts = []
    for axis in (0, 1):
        reach = (weights.shape[axis + 1] - 1) * dilations[axis] + 1
        needed = (op.output.shape[axis + 1] - 1) * strides[axis] + reach
        total = max(0, needed - x.shape[axis + 1])
        amounts.append((total // 2, total - total // 2))
    return amounts


MUTATIONS: dict[str, Mutation] = {
    mutation.__name__.replace("_", "-"): mutation
    for mutation in (explicit_pad, cut_tail, batches_for_dilation)
}
