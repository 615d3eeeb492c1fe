"""Values that are blocks of others: what SLICE, STRIDED_SLICE, SPLIT, SPLIT_V, GATHER take out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tflopt.facts.joins import split_of
from tflopt.facts.operators import SLICES, Kind, kind_of
from tflopt.facts.slices import Region, region_of, whole
from tflopt.ir import Op, Value, same_quantization
from tflopt.ir.options import GatherOptions


@dataclass(frozen=True)
class Block:
    """A value is ``region`` of ``source``."""

    source: Value
    region: Region


def blocks_of(value: Value) -> Iterator[Block]:
    """What a value is a block of: itself first, then what lies further and further in front.

    It ends where another operator computes elements, where the quantization changes, and where
    the content may have changed since it was copied.
    """
    block = Block(value, whole(value.shape))
    yield block
    while True:
        producer = block.source.producer
        origin = None if producer is None else taken(producer, block.source)
        if origin is None or not same_quantization(origin.source.quant, value.quant):
            return
        if origin.source.is_variable or origin.source.is_constant:
            return
        begins = zip(origin.region.begin, block.region.begin, strict=True)
        begin = tuple(outer + inner for outer, inner in begins)
        block = Block(origin.source, Region(begin, block.region.size))
        yield block


def taken(op: Op, output: Value) -> Block | None:
    """The block that one output of such an operator is; None of another, or of no block."""
    if op.code in SLICES:
        source, region = op.input(0), region_of(op)
        return None if source is None or region is None else Block(source, region)
    if kind_of(op) is Kind.GATHER:
        return _gathered(op)
    split = split_of(op)
    if split is None:
        return None
    source, axis = split.data, split.axis
    if sum(part.shape[axis] for part in op.outputs) != source.shape[axis]:
        return None
    begin = sum(part.shape[axis] for part in op.outputs[: op.outputs.index(output)])
    return Block(source, whole(source.shape).with_axis(axis, begin, output.shape[axis]))


def _gathered(op: Op) -> Block | None:
    """GATHER of one index after the other."""
    source, picks, options = op.input(0), op.input(1), op.options
    if source is None or picks is None or not isinstance(options, GatherOptions):
        return None
    numbers = picks.ints()
    if options.batch_dims or len(picks.shape) != 1 or not numbers or not source.shape:
        return None
    first, last, axis = numbers[0], numbers[-1], options.axis % len(source.shape)
    inside = first >= 0 and last < source.shape[axis] and last - first + 1 == len(numbers)
    if not inside or numbers != tuple(range(first, last + 1)):
        return None
    return Block(source, whole(source.shape).with_axis(axis, first, len(numbers)))
