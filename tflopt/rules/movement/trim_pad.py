"""Pad less where a SLICE drops what PAD added."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.operators import SLICES
from tflopt.facts.pads import pad_above
from tflopt.facts.slices import Region, region_of
from tflopt.ir import Op, OpCode, same_quantization
from tflopt.rewrite import BETWEEN_PORTS, Rewriter, Rule, Why, require
from tflopt.rules.movement.write import check_movable, insert_pad, insert_slice


class TrimPad(Rule):
    """Let PAD add only what the SLICE behind it keeps, and cut the rest in front of it.

    Exact: the same elements and the same padding are left. It never moves more bytes.
    """

    name: ClassVar[str] = "trim-pad"
    number: ClassVar[int] = 20
    rank: ClassVar[int] = 200
    anchors: ClassVar[frozenset[OpCode]] = SLICES

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Take the block out of the PAD's input and pad that."""
        above, region = pad_above(op), region_of(op)
        if above is None or region is None:
            return
        pad, source, amounts = above.op, above.source, above.amounts
        check_movable(op, source)
        same = same_quantization(source.quant, op.output.quant)
        require(same, Why.QUANTIZATION("it changes the quantization of what it hands on"), at=pad)
        kept, left = _split(region, source.shape, amounts)
        require(min(kept.size) > 0, "it takes nothing but padding", at=op)
        moves = any(kept.cuts(source.shape)) or any(map(any, left))
        require(moves or rw.can_replace(op.output, source), BETWEEN_PORTS, at=op)
        small = insert_slice(rw, pad, source, kept, op)
        whole = small if not any(map(any, left)) else insert_pad(rw, pad, small, left, pad)
        if whole is not source:
            rw.update(whole, origin=op.output.origin)
        rw.bypass(op, whole)
        rw.remove(pad)


def _split(
    region: Region, shape: tuple[int, ...], amounts: tuple[tuple[int, int], ...]
) -> tuple[Region, list[tuple[int, int]]]:
    """The block of the unpadded tensor, and the padding around it."""
    begins, sizes, left = [], [], []
    rows = zip(region.begin, region.size, shape, amounts, strict=True)
    for begin, size, extent, (before, _) in rows:
        first, last = begin - before, begin - before + size
        start, stop = min(max(first, 0), extent), min(max(last, 0), extent)
        begins.append(start)
        sizes.append(stop - start)
        left.append((start - first, last - stop))
    return Region(tuple(begins), tuple(sizes)), left
