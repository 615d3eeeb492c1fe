"""Which tensors of two models hold the same elements: by provenance, structure, kind or name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from tflopt.ir import Model, Op, Origin, Value
from tflopt.ir.node import Array
from tflopt.verify.contents import alike

BY_ORIGIN = "the rewriter's record"
BY_STRUCTURE = "equal structure"
BY_CONTENTS = "type, number of elements, scale and place"
BY_NAME = "unique names"


@dataclass(frozen=True)
class Pair:
    """A tensor that an operator produces: its index in both main graphs, and that operator."""

    original: int
    optimized: int
    name: str
    operator: str
    operator_index: int
    origin: Origin | None = None
    """Which of the original's elements the optimized model has, in which order; None: all, in the
    same."""

    def reorder(self, elements: Array) -> Array:
        """The original's elements as they lie in the optimized model, flat."""
        return elements.reshape(-1) if self.origin is None else self.origin.reorder(elements)


@dataclass(frozen=True)
class Matches:
    """Pairs in the order in which the optimized model computes them, and how they were found.

    ``doubtful`` are others, which differ on samples: no pairs, or what a fault left of them.
    """

    pairs: tuple[Pair, ...]
    how: str
    doubtful: tuple[Pair, ...] = ()


def match(original: Model, optimized: Model, *, derived: bool) -> Matches:
    """Pairs of tensors of the main graphs with the same elements, in the same order or a known one.

    ``derived`` says that the optimized model came from the original in this process. A model
    that was read from a file has lost that record: then its structure is compared with the
    original's, and where that is another, what stays of a tensor (:mod:`tflopt.verify.contents`)
    and names that occur once say which correspond.
    """
    if derived:
        return Matches(pairs_by_origin(original, optimized), BY_ORIGIN)
    if _structure(original) == _structure(optimized):
        return Matches(_transfer(original, original, optimized), BY_STRUCTURE)
    named, likely = _by_name(original, optimized), pairs_by_contents(original, optimized)
    if len(named) >= len(likely):
        return Matches(named, BY_NAME)
    return Matches(likely, BY_CONTENTS)


def pairs_by_contents(original: Model, optimized: Model) -> tuple[Pair, ...]:
    """Pairs by what stays of a tensor, in the order in which the optimized model computes them."""
    old, new = (
        {value: index for index, value in enumerate(model.main.values)}
        for model in (original, optimized)
    )
    twins = {two: (one, origin) for one, two, origin in alike(original, optimized)}
    pairs = []
    for index, op in enumerate(optimized.main.ops):
        for value in op.outputs:
            one, origin = twins.get(value, (None, None))
            if one is not None and _same_elements(one, value, origin):
                pair = pair_of(old[one], one, new[value], op, index)
                pairs.append(replace(pair, origin=origin))
    return tuple(pairs)


def pairs_by_origin(original: Model, optimized: Model) -> tuple[Pair, ...]:
    """Pairs by the origins that the rewriter keeps."""
    return _transfer(original, optimized, optimized)


def _transfer(original: Model, known: Model, optimized: Model) -> tuple[Pair, ...]:
    """Pairs of original and optimized, by the origins of a model with the latter's structure."""
    old = list(original.main.values)
    place = {value: index for index, value in enumerate(optimized.main.values)}
    pairs = []
    for index, (op, twin) in enumerate(zip(optimized.main.ops, known.main.ops, strict=True)):
        for value, source in zip(op.outputs, twin.outputs, strict=True):
            first = _origin(source, old)
            if first is not None and _same_elements(old[first], value, source.origin):
                pair = pair_of(first, old[first], place[value], op, index)
                moved = source.origin is not None and (source.origin.perm or source.origin.parts)
                pairs.append(replace(pair, origin=source.origin) if moved else pair)
    return tuple(pairs)


def _origin(value: Value, old: list[Value]) -> int | None:
    """The index of the original tensor, if an operator of the main graph produces it."""
    origin = value.origin
    if origin is None or origin.subgraph != 0 or origin.tensor >= len(old):
        return None
    return None if old[origin.tensor].producer is None else origin.tensor


def _same_elements(one: Value, two: Value, origin: Origin | None = None) -> bool:
    """A resource has no elements that a runner could hand out, a variable other ones in the course
    of an inference."""
    if one.is_variable or two.is_variable:
        return False
    elements = one.elements if origin is None else origin.elements(one.elements)
    same = one.dtype == two.dtype and elements == two.elements
    return same and one.size_bytes is not None


def pair_of(index: int, value: Value, place: int, op: Op, op_index: int) -> Pair:
    """The original's ``value`` with its index, and its twin's index, maker and that one's index."""
    name = value.name or f"tensor {index}"
    return Pair(index, place, name, op.opcode.label, op_index)


def _structure(model: Model) -> list[object]:
    """Operators with their connections and shapes, without constants and names."""
    number: dict[Value, int] = {}
    for value in model.main.inputs:
        number.setdefault(value, len(number))
    structure: list[object] = []
    for op in model.main.ops:
        inputs = [number.get(value, -1) if value is not None else None for value in op.inputs]
        for value in op.outputs:
            number.setdefault(value, len(number))
        outputs = [(number[value], value.dtype, value.shape) for value in op.outputs]
        structure.append((op.opcode.label, inputs, outputs))
    return structure


def _by_name(original: Model, optimized: Model) -> tuple[Pair, ...]:
    old, new = list(original.main.values), list(optimized.main.values)
    place = {value: index for index, value in enumerate(new)}
    once = [
        {name for name, n in Counter(v.name for v in values).items() if n == 1 and name}
        for values in (old, new)
    ]
    known = {v.name: i for i, v in enumerate(old) if v.producer is not None and v.name in once[0]}
    pairs = []
    for index, op in enumerate(optimized.main.ops):
        for value in op.outputs:
            first = known.get(value.name) if value.name in once[1] else None
            if first is not None and _same_elements(old[first], value):
                pairs.append(pair_of(first, old[first], place[value], op, index))
    return tuple(pairs)
