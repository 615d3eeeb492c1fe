"""Cutting two models at tensors that correspond into regions that can run by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tflopt.facts.operators import Kind, Trait, having, kind_of
from tflopt.ir import DType, Op, Origin, Value
from tflopt.ir.node import Array

MOST_OPS = 24
"""Of a region on either side: of longer ones, inputs say little about the operators far inside."""
ROUNDS = 16
"""How often a region grows before it is given up."""
INJECTED = frozenset({DType.INT8, DType.UINT8, DType.INT16, DType.BOOL})
"""Types whose tensors take any number: others may be indices, or floats that came of integers."""
LASTING = (Kind.CALL, Kind.VARIABLE, Kind.RECURRENT, Kind.OTHER, Kind.FILL)
FRAGILE = having(Trait.FRAGILE)


@dataclass(frozen=True, eq=False)
class Cut:
    """Tensors of the two main graphs with the same elements, in the order that ``origin`` says."""

    original: Value
    optimized: Value
    origin: Origin | None = None

    def moved(self, elements: Array) -> Array:
        """The original's elements as the optimized model has them."""
        flat = elements.reshape(-1) if self.origin is None else self.origin.reorder(elements)
        return flat.reshape(self.optimized.shape)


@dataclass(frozen=True, eq=False)
class Region:
    """What computes ``result`` from some tensors, in both models.

    Attributes:
        result: what is compared.
        leaves: the tensors of the original that it is computed from.
        cuts: the same tensors as the optimized model reads them, perhaps in several forms.
        ops: the operators of the original, then those of the optimized model, in order.
    """

    result: Cut
    leaves: tuple[Value, ...]
    cuts: tuple[Cut, ...]
    ops: tuple[tuple[Op, ...], tuple[Op, ...]]


def regions_of(cuts: Sequence[Cut], results: Sequence[Cut]) -> list[Region]:
    """The regions that aren't the same in both models; what they don't cover can't be cut.

    Args:
        cuts: tensors that correspond, inputs of the models among them.
        results: what is compared: each is the output of a region.
    """
    usable = [cut for cut in cuts if _takes_any_number(cut)]
    places = {op: n for cut in cuts[:1] for n, op in enumerate(cut.original.graph.ops)}
    cutter = _Cutter({c.optimized: c for c in usable}, {c.original for c in usable}, places)
    regions: dict[tuple[Value, Value], Region] = {}
    for result in results:
        key = result.original, result.optimized
        region = None if key in regions else cutter.region(result)
        if region is not None and not is_same(region):
            regions[key] = region
    return list(regions.values())


def onward(region: Region, cuts: Sequence[Cut], results: Sequence[Cut]) -> list[Region]:
    """From what a region reads on to each result that depends on it, with nothing paired between.

    Args:
        cuts: tensors that correspond, as for :func:`regions_of`.
        results: where the difference may show.
    """
    behind = [
        reached({cut.original for cut in region.cuts}),
        reached({cut.optimized for cut in region.cuts}),
    ]
    usable = [cut for cut in cuts if _takes_any_number(cut) and cut.original not in behind[0]]
    usable = [cut for cut in usable if cut.optimized not in behind[1]] + list(region.cuts)
    places = {op: n for cut in results[:1] for n, op in enumerate(cut.original.graph.ops)}
    pairs, olds = {c.optimized: c for c in usable}, {c.original for c in usable}
    cutter = _Cutter(pairs, olds, places, most=len(places))
    regions = [cutter.region(cut) for cut in results if cut.optimized in behind[1]]
    return [next_region for next_region in regions if next_region is not None]


def reached(values: Iterable[Value]) -> set[Value]:
    """What is computed from these tensors, without themselves."""
    derived: set[Value] = set()
    stack = list(values)
    while stack:
        for op in stack.pop().users:
            stack += (fresh := [value for value in op.outputs if value not in derived])
            derived.update(fresh)
    return derived


def _takes_any_number(cut: Cut) -> bool:
    ports = cut.original.is_graph_input and cut.optimized.is_graph_input
    return ports or (cut.original.dtype in INJECTED and cut.original.dtype is cut.optimized.dtype)


@dataclass(frozen=True, eq=False)
class _Cutter:
    by_optimized: Mapping[Value, Cut]
    originals: set[Value]
    places: Mapping[Op, int]
    most: int = MOST_OPS

    def region(self, result: Cut) -> Region | None:
        """The smallest region whose two sides read the same tensors; None where there is none.

        Where one side reads what the other doesn't, a rule may have looked through it: the last of
        such tensors is no cut for this region, which grows.
        """
        whole: set[Value] = set()
        for _ in range(ROUNDS):
            new = self._optimized_side(result, whole)
            old = None if new is None else self._original_side(result, new, whole)
            if new is None or old is None:
                return None
            leaves = {self.by_optimized[value].original for value in new.leaves}
            apart = leaves ^ set(old.leaves)
            if not apart:
                cuts = tuple(self.by_optimized[value] for value in new.leaves)
                return Region(result, old.leaves, cuts, (old.ops, new.ops))
            last = max(apart, key=self._place)
            if last in whole or last.producer is None:
                return None
            whole.add(last)
        return None

    def _place(self, value: Value) -> int:
        return -1 if value.producer is None else self.places[value.producer]

    def _optimized_side(self, result: Cut, whole: set[Value]) -> _Slice | None:
        cut = self.by_optimized

        def is_leaf(value: Value) -> bool:
            return value in cut and cut[value].original not in whole

        return slice_of(result.optimized, is_leaf, self.most, takes_any=True)

    def _original_side(self, result: Cut, new: _Slice, whole: set[Value]) -> _Slice | None:
        same = [self.by_optimized[value].original is result.original for value in new.leaves]
        if same and all(same):  # the optimized model only moves what it had before
            return _Slice((), (result.original,))
        own = self.originals - whole
        return slice_of(result.original, own.__contains__, self.most)


@dataclass(frozen=True, eq=False)
class _Slice:
    ops: tuple[Op, ...]
    leaves: tuple[Value, ...]


def slice_of(
    result: Value,
    is_leaf: Callable[[Value], bool],
    most: int = MOST_OPS,
    *,
    takes_any: bool = False,
) -> _Slice | None:
    """The operators that compute a tensor from leaves, in an order that follows their inputs.

    None where one of them lasts beyond an invocation, calls another graph or is unknown, or where
    something is read that isn't a leaf and that no operator computes. Also where one fails on some
    numbers, unless ``takes_any``: what stands for operators that take any number must take it, too,
    whatever it is made of (CAST and GATHER for a table).
    """
    if result.producer is None:
        return None
    ops: dict[Op, None] = {}
    leaves: dict[Value, None] = {}
    stack: list[tuple[Op, int]] = [(result.producer, 0)]
    open_ops = {result.producer}
    while stack:
        op, index = stack.pop()
        usual = _is_plain(op) and (takes_any or op.code not in FRAGILE)
        if index == 0 and (not usual or len(open_ops) > most):
            return None
        if index == len(op.inputs):
            ops[op] = None
            continue
        stack.append((op, index + 1))
        value = op.inputs[index]
        if value is None or value.is_constant:
            continue
        if is_leaf(value):
            leaves[value] = None
        elif value.producer is None:
            return None
        elif value.producer not in open_ops:
            open_ops.add(value.producer)
            stack.append((value.producer, 0))
    return _Slice(tuple(ops), tuple(leaves))


def _is_plain(op: Op) -> bool:
    if kind_of(op) in LASTING or op.opcode.custom_code is not None:
        return False
    values = [value for value in (*op.inputs, *op.outputs) if value is not None]
    return not any(value.is_variable or min(value.shape, default=1) <= 0 for value in values)


def is_same(region: Region) -> bool:
    """Whether both sides have the same operators, options, constants and quantization."""
    old, new = region.ops
    numbers: tuple[dict[Value, int], dict[Value, int]] = ({}, {})
    for cut in region.cuts:
        if cut.origin is not None:
            return False
        numbers[0][cut.original] = numbers[1][cut.optimized] = len(numbers[0])
    if len(numbers[0]) != len(region.cuts) or len(old) != len(new):
        return False
    if not all(_alike(cut.original, cut.optimized) for cut in (*region.cuts, region.result)):
        return False
    if region.result.origin is not None:
        return False
    for one, two in zip(old, new, strict=True):
        if not _same_op(one, two, numbers):
            return False
        for side, op in enumerate((one, two)):
            for value in op.outputs:
                numbers[side][value] = len(numbers[side])
    return True


def _same_op(one: Op, two: Op, numbers: tuple[dict[Value, int], dict[Value, int]]) -> bool:
    if one.opcode.builtin != two.opcode.builtin or one.options != two.options:
        return False
    if len(one.inputs) != len(two.inputs) or len(one.outputs) != len(two.outputs):
        return False
    for a, b in zip(one.inputs, two.inputs, strict=True):
        if a is None or b is None:
            if a is not b:
                return False
        elif a.is_constant or b.is_constant:
            if not _same_constant(a, b):
                return False
        elif numbers[0].get(a) != numbers[1].get(b):
            return False
    return all(_alike(a, b) for a, b in zip(one.outputs, two.outputs, strict=True))


def _alike(one: Value, two: Value) -> bool:
    return (one.dtype, one.shape, one.quant) == (two.dtype, two.shape, two.quant)


def _same_constant(one: Value, two: Value) -> bool:
    if not (one.is_constant and two.is_constant and _alike(one, two)):
        return False
    ours, theirs = (None if v.buffer is None else v.buffer.data for v in (one, two))
    if ours is None or theirs is None:
        return ours is theirs
    return ours is theirs or (ours.size == theirs.size and bool((ours == theirs).all()))
