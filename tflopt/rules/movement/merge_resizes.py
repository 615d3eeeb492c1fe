"""Do in one RESIZE_NEAREST_NEIGHBOR what two do with views between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tflopt.facts.operators import VIEWS
from tflopt.facts.repeats import resize_pattern
from tflopt.ir import Op, OpCode, Value, same_quantization
from tflopt.ir.node import Array
from tflopt.ir.options import ResizeNearestNeighborOptions
from tflopt.rewrite import (
    BY_ENUMERATION,
    Exactness,
    Rewriter,
    Rule,
    Why,
    require,
    require_no_variable,
)

MOST_ELEMENTS = 1 << 22
"""Of a result whose elements are followed; more than that is no microcontroller's tensor."""


@dataclass(frozen=True)
class _Chain:
    """From ``source`` over two resizes to ``result``; ``ops`` all that then isn't needed."""

    source: Value
    result: Value
    ops: tuple[Op, ...]


class MergeResizes(Rule):
    """Merge two RESIZE_NEAREST_NEIGHBOR and the RESHAPEs between them into one.

    UpSampling2D becomes one TILE for each axis, and these two RESIZE between RESHAPEs.

    Exact: by whole factors the kernel copies each element to its place, for which its float32
    arithmetic is run on every coordinate; the place of each element is then compared.
    """

    name: ClassVar[str] = "merge-resizes"
    number: ClassVar[int] = 27
    rank: ClassVar[int] = 265
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.RESIZE_NEAREST_NEIGHBOR})
    exactness: ClassVar[Exactness] = BY_ENUMERATION

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Resize what the first one reads to what the second one gives."""
        chain = _chain_of(op)
        if chain is None or resize_pattern(chain.source.shape, chain.result.shape) is None:
            return
        elements = chain.result.elements
        require(elements <= MOST_ELEMENTS, Why.OTHER("it is too large to follow"), at=op)
        if not np.array_equal(_places(chain), _direct(chain)):
            return
        require_no_variable(chain.source, at=op)
        size = rw.constant(np.asarray(chain.result.shape[1:3], dtype=np.int32), op.output)
        large = rw.value(chain.result, same_elements=True)
        options = ResizeNearestNeighborOptions(half_pixel_centers=True)
        inputs = [chain.source, size]
        rw.insert(op, op.code, inputs, [large], options, op.opcode.version)
        rw.replace_uses(chain.result, large)
        for gone in chain.ops:
            rw.remove(gone)


def _chain_of(op: Op) -> _Chain | None:
    """The chain that ends with ``op``, and the view behind it; inner tensors have one reader."""
    last = _only_reader(op.output)
    ops = [last, op] if last is not None and last.code in VIEWS else [op]
    before = _maker(op.input(0), VIEWS)
    middle = op.input(0) if before is None else before.input(0)
    first = _maker(middle, frozenset({OpCode.RESIZE_NEAREST_NEIGHBOR}))
    if first is None or not (_copies(op) and _copies(first)):
        return None
    ops += [earlier for earlier in (before, first) if earlier is not None]
    source = first.input(0)
    start = _maker(source, VIEWS)
    if start is not None and resize_pattern(_shape(source), ops[0].output.shape) is None:
        source = start.input(0)
        ops.append(start)
    if source is None or not same_quantization(source.quant, ops[0].output.quant):
        return None
    return _Chain(source, ops[0].output, tuple(ops))


def _shape(value: Value | None) -> tuple[int, ...]:
    return () if value is None else value.shape


def _only_reader(value: Value) -> Op | None:
    return value.users[0] if len(value.uses) == 1 and value.users else None


def _maker(value: Value | None, codes: frozenset[OpCode]) -> Op | None:
    """What makes a tensor that nobody else reads, if it is one of ``codes``."""
    if value is None or value.producer is None or value.producer.code not in codes:
        return None
    return value.producer if _only_reader(value) is not None else None


def _copies(op: Op) -> bool:
    """Whether a resize repeats elements by whole factors."""
    options = op.options
    corners = isinstance(options, ResizeNearestNeighborOptions) and options.align_corners
    return not corners and resize_pattern(_shape(op.input(0)), op.output.shape) is not None


def _places(chain: _Chain) -> Array:
    """Which element of the source lies where in the result, by the chain."""
    numbers: Array = np.arange(chain.source.elements)
    for op in reversed(chain.ops):
        if op.code is OpCode.RESIZE_NEAREST_NEIGHBOR:
            numbers = _resized(numbers.reshape(_shape(op.input(0))), op.output.shape)
    return numbers.reshape(-1)


def _direct(chain: _Chain) -> Array:
    numbers = np.arange(chain.source.elements).reshape(chain.source.shape)
    return _resized(numbers, chain.result.shape).reshape(-1)


def _resized(numbers: Array, shape: tuple[int, ...]) -> Array:
    high, wide = shape[1] // numbers.shape[1], shape[2] // numbers.shape[2]
    return numbers.repeat(high, axis=1).repeat(wide, axis=2)
