"""Let QUANTIZE come before operators that pick among floats, which then work on bytes."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.arith import floating
from tflopt.arith.affine import affine_of
from tflopt.arith.fixed_point import Ints, ints
from tflopt.facts.clamps import is_private
from tflopt.facts.tables import EVERY_INT8, unary_table
from tflopt.ir import DType, Op, OpCode, Options, Value
from tflopt.rewrite import Reason, Rewriter, Rule, Why, require
from tflopt.rewrite.makers import insert_quantize
from tflopt.rules.islands.island_forms import reference_of
from tflopt.rules.islands.island_rewrite import float_input, look_for_form, unknown
from tflopt.rules.islands.islands import find_island, is_known_by_ends
from tflopt.rules.islands.rounding import remove_unread
from tflopt.rules.islands.selections import PARTS, SORTING, picked
from tflopt.rules.islands.weighed_forms import weigh

CLAMPS: dict[OpCode, float | None] = {OpCode.RELU: None, OpCode.RELU6: 6.0}
VERSION = 2
"""Of each of these operators on int8."""


class HoistQuantize(Rule):
    """Exchange QUANTIZE and a float CONCATENATION, PACK, MAXIMUM, PADV2: they then work on int8.

    Done where an input then has an equal int8 form. Exact: the output consists of elements of the
    inputs, each of which is quantized to the same integer before as behind, and QUANTIZE keeps
    their order. A RELU between the two is the clamp of the integers.
    """

    name: ClassVar[str] = "hoist-quantize"
    number: ClassVar[int] = 13
    rank: ClassVar[int] = 130
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.QUANTIZE})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Pick among integers, and quantize what they are picked from."""
        real = float_input(op)
        pick = None if real is None else real.producer
        places = None if pick is None else _places(pick)
        if real is None or pick is None or places is None:
            return
        sources = [pick.inputs[place] for place in places]
        leaves = dict.fromkeys(leaf for source in sources for leaf in _leaves(source))
        computed = [leaf for leaf in leaves if not leaf.is_constant]
        floats = [leaf for leaf in computed if find_island(leaf).blocked]
        if len(floats) == len(computed):
            return
        require(is_private(real), Why.SHARED("others read the float result as well"), at=op)
        equal = pick.code not in CLAMPS or _is_clamp(pick.code, op.output)
        require(equal, "its limit lies between two quantized values", at=op)
        sorts = _sorts(pick)
        require(not floats or not sorts, "it compares with what stays a float", at=op)
        small = not sorts or all(_stays_small(leaf, op.output) for leaf in computed)
        require(small, "what it compares may leave 32 bits when it is quantized", at=op)
        fits = all(leaf in computed or _quantized(leaf, op.output) is not None for leaf in leaves)
        require(fits, "a constant leaves 32 bits when it is quantized", at=op)
        reasons = [_obstacle(leaf, op.output) for leaf in computed]
        require(None in reasons, str(reasons[0]), at=op)
        _exchange(op, pick, places, rw)
        remove_unread(real, rw)


def _places(op: Op) -> tuple[int, ...] | None:
    """The places of the inputs among which ``op`` picks, or which it clamps after such a pick."""
    if len(op.outputs) != 1 or not isinstance(op.options, Options | None):
        return None
    if any(value is None or value.is_variable for value in op.inputs):
        return None
    if op.code is OpCode.PADV2:
        return 0, 2
    if op.code in CLAMPS:
        above = op.inputs[0].producer if op.inputs[0] is not None else None
        return (0,) if above is not None and above.code not in CLAMPS and _places(above) else None
    return None if op.code in PARTS else picked(op)


def _leaves(value: Value | None) -> list[Value]:
    """What the picks above a value pick from; the value itself where others read it."""
    op = None if value is None else value.producer
    places = None if op is None or value is None or not is_private(value) else _places(op)
    if value is None or op is None or places is None or op.code in CLAMPS:
        return [] if value is None else [value]
    return [leaf for place in places for leaf in _leaves(op.inputs[place])]


def _sorts(op: Op) -> bool:
    """Whether it, or a pick above it, compares floats; beyond 32 bits QUANTIZE keeps no order."""
    if op.code in SORTING or op.code in CLAMPS:
        return True
    above = [None if value is None else value.producer for value in op.inputs]
    return any(
        source is not None and _places(source) is not None and _sorts(source) for source in above
    )


def _obstacle(value: Value, out: Value) -> Reason | None:
    """Why the value has no int8 form that is equal to its QUANTIZE, in words; None if it has."""
    island = find_island(value)
    reason = unknown(island)
    if reason is not None:
        return reason
    leaves = island.tensors
    outcome = look_for_form(island, leaves, out)
    if isinstance(outcome, Reason):
        return outcome
    if outcome[1].largest == 0 or (len(leaves) == 1 and weigh(island, leaves[0], out)[0]):
        return None
    text = "no int8 form of {name} is equal: {distance}"
    return Why.NEAREST(text, name=value.name or "an input", distance=str(outcome[1]))


def _stays_small(value: Value, out: Value) -> bool:
    """Whether QUANTIZE keeps the order of all that the value can be."""
    island, target = find_island(value), affine_of(out)
    if target is None or unknown(island) is not None or not is_known_by_ends(island):
        return False
    return reference_of(island, island.tensors, target) is not None


def _quantized(constant: Value, out: Value) -> Ints | None:
    """A float constant as QUANTIZE gives it."""
    target = affine_of(out)
    plain = constant.has_data and constant.extra.sparsity is None
    if target is None or constant.dtype is not DType.FLOAT32 or not plain:
        return None
    floats = np.asarray(constant.array(), dtype=np.float32)
    return floating.quantize(floats, target) if floating.is_quantizable(floats, target) else None


def _is_clamp(code: OpCode, out: Value) -> bool:
    """Whether the int8 operator clamps as the floats' does before they are quantized."""
    target, top = affine_of(out), CLAMPS[code]
    results = None if target is None else unary_table(code, None, target, target)
    if target is None or results is None:
        return False
    limits = np.asarray([0.0, np.inf if top is None else top], dtype=np.float32)
    if not floating.is_quantizable(limits[:1] if top is None else limits, target):
        return False
    low = floating.quantize(limits[:1], target)
    high = ints([127]) if top is None else floating.quantize(limits[1:], target)
    return bool(np.all(results == np.clip(EVERY_INT8, low, high)))


def _exchange(op: Op, pick: Op, places: tuple[int, ...], rw: Rewriter) -> None:
    """Turn the QUANTIZE into the pick, with a QUANTIZE in front of each of its inputs."""
    made: dict[Value, Value] = {}
    inputs = list(pick.inputs)
    for place in places:
        source = inputs[place]
        assert source is not None
        if source not in made:
            made[source] = _quantize(source, op, rw)
        inputs[place] = made[source]
    options = pick.options
    assert isinstance(options, Options | None)
    rw.set_inputs(op, inputs)
    rw.set_code(op, pick.code, options, VERSION)


def _quantize(source: Value, op: Op, rw: Rewriter) -> Value:
    if source.is_constant:
        numbers = _quantized(source, op.output)
        assert numbers is not None
        return rw.constant(numbers.astype(np.int8), op.output, quant=op.output.quant)
    small = rw.value(op.output, shape=source.shape)
    insert_quantize(rw, op, source, small)
    return small
