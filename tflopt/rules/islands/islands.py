"""Float operators between DEQUANTIZE and QUANTIZE, as functions of the int8 tensors below them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tflopt.arith import c_library, floating
from tflopt.arith.affine import Affine, affine_of
from tflopt.arith.fixed_point import Singles
from tflopt.facts.floats import BINARY, BOUNDED, EXTREMES, MONOTONE, UNARY
from tflopt.ir import Activation, DType, Op, OpCode, Value
from tflopt.ir.options import AddOptions, LeakyReluOptions, MulOptions, SubOptions

LARGEST = 32
"""Operators of an island; beyond that, what lies below is left unknown."""
MOST_BOUNDED = 3


@dataclass(frozen=True)
class Leaf:
    """An int8 tensor under an island.

    ``rounded``: the island really reads ``real``, whose QUANTIZE made the tensor, so that an
    int8 value stands for a range of floats.
    """

    value: Value
    params: Affine
    real: Value
    rounded: bool = False


@dataclass
class Island:
    """The float operators above a value, down to DEQUANTIZE and constants.

    ``leaves`` by the float value at which the island starts; ``blocked`` holds float values of
    which nothing is known; ``ops`` the operators in between.
    """

    root: Value
    leaves: dict[Value, Leaf] = field(default_factory=dict)
    constants: dict[Value, Singles] = field(default_factory=dict)
    blocked: list[Value] = field(default_factory=list)
    ops: dict[Op, None] = field(default_factory=dict)

    @property
    def tensors(self) -> list[Leaf]:
        """One leaf for each int8 tensor."""
        return list({leaf.value: leaf for leaf in self.leaves.values()}.values())

    @property
    def bounded(self) -> list[Op]:
        """Operators that the C library computes."""
        return [op for op in self.ops if op.code in BOUNDED]

    def evaluate(
        self, floats: Mapping[Value, Singles], ends: Mapping[Op, c_library.End] | None = None
    ) -> Singles:
        """The root for the floats of the values at which the island starts.

        Args:
            ends: of the range of each operator in ``bounded``.
        """
        known: dict[Value, Singles] = {**self.constants, **floats}
        return _evaluate(self.root, known, ends or {})


def is_known_by_ends(island: Island) -> bool:
    """Whether the root is extreme where each result of the C library is.

    Each reaches the root on one way, along which every operator rises or falls with it.
    """
    steady = MONOTONE | {OpCode.MUL, OpCode.NEG}
    for op in island.bounded:
        value = op.output
        while value is not island.root:
            users = [use.op for use in value.uses if use.op is not None and use.op in island.ops]
            if len(users) != 1 or users[0].code not in steady:
                return False
            value = users[0].output
    return len(island.bounded) <= MOST_BOUNDED


def find_island(root: Value, *, rounding: bool = False) -> Island:
    """The island above a float value.

    Args:
        rounding: start at floats that are quantized for other readers as well, where nothing
            better is known of them.
    """
    island = Island(root)
    _collect(root, island, rounding)
    return island


def _collect(value: Value, island: Island, rounding: bool) -> None:
    if value in island.leaves or value in island.constants or value in island.blocked:
        return
    if value.is_constant:
        _enter_constant(value, island)
        return
    leaf = _leaf(value)
    if leaf is None and rounding and value is not island.root:
        leaf = _rounded_leaf(value)
    if leaf is not None:
        island.leaves[value] = leaf
        return
    op = value.producer
    if op is None or not _is_covered(op) or len(island.ops) >= LARGEST:
        island.blocked.append(value)
        return
    island.ops[op] = None
    for source in op.inputs:
        if source is not None:
            _collect(source, island, rounding)


def _enter_constant(value: Value, island: Island) -> None:
    plain = value.dtype is DType.FLOAT32 and value.has_data and value.extra.sparsity is None
    flat = value.array().reshape(-1) if plain else np.zeros(0)
    if not flat.size or not np.all(flat == flat[0]):
        island.blocked.append(value)
        return
    island.constants[value] = np.asarray(flat[0], dtype=np.float32)


def _leaf(value: Value) -> Leaf | None:
    """Where the value is a dequantized int8 tensor."""
    source = dequantized(value)
    params = affine_of(source)
    return None if source is None or params is None else Leaf(source, params, value)


def dequantized(value: Value | None) -> Value | None:
    """The int8 tensor under a DEQUANTIZE; None where it may change in between."""
    op = None if value is None else value.producer
    source = None if op is None or op.code is not OpCode.DEQUANTIZE else op.input(0)
    if source is None or source.dtype is not DType.INT8 or affine_of(source) is None:
        return None
    return None if source.is_variable or (source.is_constant and not source.has_array) else source


def _rounded_leaf(value: Value) -> Leaf | None:
    """Where the value is quantized to int8 for another reader."""
    for op in value.users:
        params = affine_of(op.output) if op.code is OpCode.QUANTIZE else None
        if params is not None and op.output.dtype is DType.INT8:
            return Leaf(op.output, params, value, rounded=True)
    return None


def _is_covered(op: Op) -> bool:
    if len(op.outputs) != 1 or op.output.dtype is not DType.FLOAT32:
        return False
    if op.code in BINARY:
        return _fused(op) in floating.FLOAT_LIMITS
    return op.code in {*UNARY, *EXTREMES, *BOUNDED, OpCode.LEAKY_RELU}


def _fused(op: Op) -> Activation | None:
    if isinstance(op.options, AddOptions | SubOptions | MulOptions):
        return op.options.fused_activation_function
    return None


def _evaluate(
    value: Value, known: dict[Value, Singles], ends: Mapping[Op, c_library.End]
) -> Singles:
    if value in known:
        return known[value]
    op = value.producer
    assert op is not None
    inputs = [_evaluate(source, known, ends) for source in op.inputs if source is not None]
    bounded = BOUNDED.get(op.code)
    known[value] = _apply(op, inputs) if bounded is None else bounded(inputs[0], ends[op])
    return known[value]


def _apply(op: Op, inputs: list[Singles]) -> Singles:
    if op.code in BINARY:
        fused = _fused(op)
        assert fused is not None
        return BINARY[op.code](inputs[0], inputs[1], fused)
    if op.code in EXTREMES:
        return EXTREMES[op.code](inputs[0], inputs[1])
    if op.code is OpCode.LEAKY_RELU:
        assert isinstance(op.options, LeakyReluOptions)
        return floating.leaky_relu(inputs[0], op.options.alpha)
    return UNARY[op.code](inputs[0])
