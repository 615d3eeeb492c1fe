"""The operators of TFLite, one row each: what an operator is, whatever computes it.

What TFLM's kernels need and what they may do is in :mod:`tflopt.facts.tflm`, by operator too. What
a kernel computes is in :mod:`tflopt.facts.tables` and :mod:`tflopt.facts.evaluate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, Flag, auto

from tflopt.ir import Op, OpCode, Value


class Kind(Enum):
    """What an operator does, as far as its shapes go: operators of one kind are read alike."""

    UNARY = "each element of one tensor on its own"
    BINARY = "the elements of two tensors, broadcast"
    COMPARISON = "which of two elements is larger, broadcast"
    CHOICE = "elements of one of two tensors, as a third says"
    VIEW = "the same elements in the same order under another shape"
    TRANSPOSE = "axes in another order"
    SLICE = "a block of a tensor"
    STRIDED_SLICE = "a block of a tensor, in steps"
    GATHER = "elements by their index along an axis"
    GATHER_ND = "elements by their index"
    TILE = "a tensor again and again"
    BROADCAST = "a tensor in a larger shape"
    PAD = "elements around a tensor"
    MIRROR_PAD = "a tensor's own elements around it"
    JOIN = "tensors along an axis"
    STACK = "tensors along a new axis"
    SPLIT = "parts along an axis"
    UNSTACK = "parts without the axis"
    BLOCK = "elements between space and batch"
    DEPTH = "elements between space and channels"
    REVERSE = "elements in reverse"
    RESIZE = "an image in another size"
    CONVOLUTION = "a window over all channels, or a group of them"
    DEPTHWISE = "a window over one channel"
    TRANSPOSE_CONV = "a window that is written"
    POOL = "a window without weights"
    L2_POOL = "a window without weights, of squares"
    DENSE = "a matrix of weights"
    MATMUL = "matrices by matrices"
    REDUCTION = "elements along axes as one"
    SEARCH = "the place of an extreme"
    SOFTMAX = "shares of a row"
    NORMALIZATION = "a row over its length"
    SCAN = "sums so far"
    SUM_OF_MANY = "the sum of any number of tensors"
    RECURRENT = "a step in time with a state"
    VARIABLE = "a resource that lasts"
    CALL = "another subgraph"
    FILL = "elements out of nothing"
    ZEROS = "zeros in a tensor's shape"
    SHAPE = "the shape of a tensor"
    OTHER = "nothing that tflopt reads"


class Trait(Flag):
    """Yes or no of an operator.

    ``KEEPS_TYPE``: it writes elements of the type that it reads, whatever the output says it is.
    ``RESCALES``: it divides by the scale of an operand; QuantizeMultiplier aborts on infinity.
    ``NORMALIZES``: it aborts on a multiplier of zero (QuantizeMultiplierSmallerThanOneExp).
    ``MAPS_ZERO``: it gives the output's zero point for the input's.
    ``MOVES``: it computes nothing, each copies its output's bytes.
    ``REARRANGES``: one input's elements in other places: what is done to each commutes with it.
    ``EFFECT``: it may do more than produce its outputs, or draws on hidden state.
    ``VARIADIC``: it reads all inputs that it is given.
    ``NO_OUTPUT``: it may have none.
    ``PICKS``: each output is one of its inputs, chosen by size.
    ``SATURATES``: far from zero it gives one value, which kernels find faster.
    ``ACCUMULATES``: it adds up elements, so that the order matters to floats.
    ``CLAMPS``: between equal parameters it gives what it reads, as far as that is within limits.
    ``FRAGILE``: its kernel fails on some numbers, or gives what lay in memory.
    """

    PLAIN = 0
    KEEPS_TYPE = auto()
    RESCALES = auto()
    NORMALIZES = auto()
    MAPS_ZERO = auto()
    MOVES = auto()
    REARRANGES = auto()
    EFFECT = auto()
    VARIADIC = auto()
    NO_OUTPUT = auto()
    ACCUMULATES = auto()
    PICKS = auto()
    SATURATES = auto()
    CLAMPS = auto()
    FRAGILE = auto()


@dataclass(frozen=True)
class Operator:
    """The facts of one operator.

    Attributes:
        needs: inputs that TFLM's kernels dereference without a look.
        data: the input that holds the activations.
        controls: inputs that steer it (shape, axes, amounts), by their numbers alone; the last one
            of an operator that splits names the axis.
        weights: the input that holds them.
        bias: the input that holds it.
        channel_axis: the axis of the weights that holds the output channels.
        indices: the input that holds indices, which may be int32 as well as int64.
    """

    kind: Kind = Kind.OTHER
    needs: tuple[int, ...] = ()
    traits: Trait = Trait.PLAIN
    data: int = 0
    controls: tuple[int, ...] = ()
    weights: int | None = None
    bias: int | None = None
    channel_axis: int | None = None
    indices: int | None = None


PLAIN = Trait.PLAIN
KEEPS_TYPE, RESCALES, NORMALIZES = Trait.KEEPS_TYPE, Trait.RESCALES, Trait.NORMALIZES
ZERO, MOVES, REARRANGES = Trait.MAPS_ZERO, Trait.MOVES, Trait.REARRANGES
EFFECT, VARIADIC, NO_OUTPUT = Trait.EFFECT, Trait.VARIADIC, Trait.NO_OUTPUT
PICKS, SATURATES = Trait.PICKS, Trait.SATURATES
ACCUMULATES, CLAMPS, FRAGILE = Trait.ACCUMULATES, Trait.CLAMPS, Trait.FRAGILE

OPERATORS: Mapping[OpCode, Operator] = {
    OpCode.ABS: Operator(Kind.UNARY, (0,), KEEPS_TYPE | RESCALES),
    OpCode.CAST: Operator(Kind.UNARY, (0,), FRAGILE),
    OpCode.CEIL: Operator(Kind.UNARY, (0,), KEEPS_TYPE),
    OpCode.COS: Operator(Kind.UNARY, (0,), KEEPS_TYPE),
    OpCode.DEQUANTIZE: Operator(Kind.UNARY, (0,), RESCALES),
    OpCode.ELU: Operator(Kind.UNARY, (0,), KEEPS_TYPE | RESCALES),
    OpCode.EXP: Operator(Kind.UNARY, (0,), KEEPS_TYPE),
    OpCode.FLOOR: Operator(Kind.UNARY, (0,), KEEPS_TYPE),
    OpCode.GELU: Operator(Kind.UNARY, (0,), PLAIN),
    OpCode.HARD_SWISH: Operator(Kind.UNARY, (0,), KEEPS_TYPE | RESCALES | ZERO),
    OpCode.LEAKY_RELU: Operator(Kind.UNARY, (0,), KEEPS_TYPE | RESCALES | ZERO),
    OpCode.LOG: Operator(Kind.UNARY, (0,), KEEPS_TYPE | FRAGILE),
    OpCode.LOGICAL_NOT: Operator(Kind.UNARY, (0,), PLAIN),
    OpCode.LOGISTIC: Operator(Kind.UNARY, (0,), KEEPS_TYPE | RESCALES | SATURATES),
    OpCode.NEG: Operator(Kind.UNARY, (0,), KEEPS_TYPE),
    OpCode.QUANTIZE: Operator(Kind.UNARY, (0,), RESCALES | ZERO),
    OpCode.RELU: Operator(Kind.UNARY, (0,), KEEPS_TYPE | RESCALES | ZERO | CLAMPS),
    OpCode.RELU6: Operator(Kind.UNARY, (0,), KEEPS_TYPE | RESCALES | ZERO | CLAMPS),
    OpCode.RELU_0_TO_1: Operator(Kind.UNARY, (0,), KEEPS_TYPE | CLAMPS),
    OpCode.RELU_N1_TO_1: Operator(Kind.UNARY, (0,), KEEPS_TYPE | CLAMPS),
    OpCode.ROUND: Operator(Kind.UNARY, (0,), KEEPS_TYPE),
    OpCode.RSQRT: Operator(Kind.UNARY, (0,), KEEPS_TYPE | RESCALES | FRAGILE),
    OpCode.SIGN: Operator(Kind.UNARY, (0,), PLAIN),
    OpCode.SIN: Operator(Kind.UNARY, (0,), KEEPS_TYPE),
    OpCode.SQRT: Operator(Kind.UNARY, (0,), KEEPS_TYPE | FRAGILE),
    OpCode.SQUARE: Operator(Kind.UNARY, (0,), KEEPS_TYPE),
    OpCode.TANH: Operator(Kind.UNARY, (0,), KEEPS_TYPE | RESCALES | ZERO | SATURATES),
    OpCode.ADD: Operator(Kind.BINARY, (0, 1), KEEPS_TYPE | RESCALES | NORMALIZES),
    OpCode.DIV: Operator(Kind.BINARY, (0, 1), KEEPS_TYPE | RESCALES | FRAGILE),
    OpCode.FLOOR_DIV: Operator(Kind.BINARY, (0, 1), FRAGILE),
    OpCode.FLOOR_MOD: Operator(Kind.BINARY, (0, 1), FRAGILE),
    OpCode.LOGICAL_AND: Operator(Kind.BINARY, (0, 1), PLAIN),
    OpCode.LOGICAL_OR: Operator(Kind.BINARY, (0, 1), PLAIN),
    OpCode.MAXIMUM: Operator(Kind.BINARY, (0, 1), KEEPS_TYPE | PICKS | CLAMPS),
    OpCode.MINIMUM: Operator(Kind.BINARY, (0, 1), KEEPS_TYPE | PICKS | CLAMPS),
    OpCode.MUL: Operator(Kind.BINARY, (0, 1), KEEPS_TYPE | RESCALES),
    OpCode.PRELU: Operator(Kind.BINARY, (0, 1), KEEPS_TYPE | RESCALES),
    OpCode.SQUARED_DIFFERENCE: Operator(Kind.BINARY, (0, 1), KEEPS_TYPE | RESCALES | NORMALIZES),
    OpCode.SUB: Operator(Kind.BINARY, (0, 1), KEEPS_TYPE | RESCALES | NORMALIZES),
    OpCode.EQUAL: Operator(Kind.COMPARISON, (0, 1), NORMALIZES),
    OpCode.GREATER: Operator(Kind.COMPARISON, (0, 1), NORMALIZES),
    OpCode.GREATER_EQUAL: Operator(Kind.COMPARISON, (0, 1), NORMALIZES),
    OpCode.LESS: Operator(Kind.COMPARISON, (0, 1), NORMALIZES),
    OpCode.LESS_EQUAL: Operator(Kind.COMPARISON, (0, 1), NORMALIZES),
    OpCode.NOT_EQUAL: Operator(Kind.COMPARISON, (0, 1), NORMALIZES),
    OpCode.SELECT: Operator(Kind.CHOICE, (0, 1, 2), PLAIN),
    OpCode.SELECT_V2: Operator(Kind.CHOICE, (0, 1, 2), PLAIN),
    OpCode.EXPAND_DIMS: Operator(Kind.VIEW, (0, 1), KEEPS_TYPE | MOVES | REARRANGES, controls=(1,)),
    OpCode.RESHAPE: Operator(Kind.VIEW, (0,), KEEPS_TYPE | MOVES | REARRANGES, controls=(1,)),
    OpCode.SQUEEZE: Operator(Kind.VIEW, (0,), KEEPS_TYPE | MOVES | REARRANGES),
    OpCode.TRANSPOSE: Operator(
        Kind.TRANSPOSE, (0, 1), KEEPS_TYPE | MOVES | REARRANGES, controls=(1,)
    ),
    OpCode.SLICE: Operator(Kind.SLICE, (0, 1, 2), KEEPS_TYPE | MOVES | REARRANGES, controls=(1, 2)),
    OpCode.STRIDED_SLICE: Operator(
        Kind.STRIDED_SLICE, (0, 1, 2, 3), KEEPS_TYPE | MOVES | REARRANGES, controls=(1, 2, 3)
    ),
    OpCode.GATHER: Operator(Kind.GATHER, (0, 1), KEEPS_TYPE | MOVES | REARRANGES, indices=1),
    OpCode.GATHER_ND: Operator(Kind.GATHER_ND, (0, 1), KEEPS_TYPE | FRAGILE, indices=1),
    OpCode.TILE: Operator(Kind.TILE, (0, 1), MOVES | REARRANGES, controls=(1,)),
    OpCode.BROADCAST_TO: Operator(Kind.BROADCAST, (0, 1), MOVES | REARRANGES, controls=(1,)),
    OpCode.MIRROR_PAD: Operator(Kind.MIRROR_PAD, (0, 1), KEEPS_TYPE | MOVES, controls=(1,)),
    OpCode.PAD: Operator(Kind.PAD, (0, 1), KEEPS_TYPE | MOVES, controls=(1,)),
    OpCode.PADV2: Operator(Kind.PAD, (0, 1, 2), KEEPS_TYPE | MOVES, controls=(1,)),
    OpCode.CONCATENATION: Operator(Kind.JOIN, (0,), KEEPS_TYPE | MOVES | VARIADIC),
    OpCode.PACK: Operator(Kind.STACK, (0,), KEEPS_TYPE | MOVES | VARIADIC),
    OpCode.SPLIT: Operator(Kind.SPLIT, (0, 1), KEEPS_TYPE | MOVES, data=1, controls=(0,)),
    OpCode.SPLIT_V: Operator(Kind.SPLIT, (0, 1, 2), KEEPS_TYPE | MOVES, controls=(1, 2)),
    OpCode.UNPACK: Operator(Kind.UNSTACK, (0,), KEEPS_TYPE | MOVES),
    OpCode.BATCH_TO_SPACE_ND: Operator(Kind.BLOCK, (0, 1, 2), KEEPS_TYPE | MOVES, controls=(1, 2)),
    OpCode.SPACE_TO_BATCH_ND: Operator(
        Kind.BLOCK, (0, 1, 2), KEEPS_TYPE | MOVES | FRAGILE, controls=(1, 2)
    ),
    OpCode.DEPTH_TO_SPACE: Operator(Kind.DEPTH, (0,), KEEPS_TYPE | MOVES | REARRANGES),
    OpCode.SPACE_TO_DEPTH: Operator(Kind.DEPTH, (0,), KEEPS_TYPE | MOVES | REARRANGES),
    OpCode.REVERSE_V2: Operator(Kind.REVERSE, (0, 1), KEEPS_TYPE | MOVES | REARRANGES),
    OpCode.RESIZE_BILINEAR: Operator(Kind.RESIZE, (0, 1), KEEPS_TYPE, controls=(1,)),
    OpCode.RESIZE_NEAREST_NEIGHBOR: Operator(
        Kind.RESIZE, (0, 1), KEEPS_TYPE | REARRANGES, controls=(1,)
    ),
    OpCode.CONV_2D: Operator(Kind.CONVOLUTION, (0, 1), RESCALES, weights=1, bias=2, channel_axis=0),
    OpCode.DEPTHWISE_CONV_2D: Operator(
        Kind.DEPTHWISE, (0, 1), RESCALES, weights=1, bias=2, channel_axis=3
    ),
    OpCode.TRANSPOSE_CONV: Operator(
        Kind.TRANSPOSE_CONV,
        (0, 1, 2),
        RESCALES,
        weights=1,
        bias=3,
        channel_axis=0,
        data=2,
        controls=(0,),
    ),
    OpCode.AVERAGE_POOL_2D: Operator(Kind.POOL, (0,), KEEPS_TYPE),
    OpCode.MAX_POOL_2D: Operator(Kind.POOL, (0,), KEEPS_TYPE | PICKS),
    OpCode.L2_POOL_2D: Operator(Kind.L2_POOL, (0,), KEEPS_TYPE),
    OpCode.FULLY_CONNECTED: Operator(
        Kind.DENSE, (0, 1), RESCALES, weights=1, bias=2, channel_axis=0
    ),
    OpCode.BATCH_MATMUL: Operator(Kind.MATMUL, (0, 1), RESCALES, weights=1),
    OpCode.MEAN: Operator(
        Kind.REDUCTION, (0, 1), KEEPS_TYPE | RESCALES | ACCUMULATES, controls=(1,)
    ),
    OpCode.REDUCE_ALL: Operator(Kind.REDUCTION, (0, 1), PLAIN),
    OpCode.REDUCE_ANY: Operator(Kind.REDUCTION, (0, 1), PLAIN),
    OpCode.REDUCE_MAX: Operator(Kind.REDUCTION, (0, 1), PICKS, controls=(1,)),
    OpCode.REDUCE_MIN: Operator(Kind.REDUCTION, (0, 1), PICKS, controls=(1,)),
    OpCode.REDUCE_PROD: Operator(Kind.REDUCTION, (0, 1), PLAIN),
    OpCode.SUM: Operator(
        Kind.REDUCTION, (0, 1), KEEPS_TYPE | RESCALES | ACCUMULATES, controls=(1,)
    ),
    OpCode.ARG_MAX: Operator(Kind.SEARCH, (0, 1), PLAIN, controls=(1,)),
    OpCode.ARG_MIN: Operator(Kind.SEARCH, (0, 1), PLAIN, controls=(1,)),
    OpCode.L2_NORMALIZATION: Operator(Kind.NORMALIZATION, (0,), KEEPS_TYPE | FRAGILE),
    OpCode.LOG_SOFTMAX: Operator(Kind.SOFTMAX, (0,), PLAIN),
    OpCode.SOFTMAX: Operator(Kind.SOFTMAX, (0,), KEEPS_TYPE | RESCALES | SATURATES),
    OpCode.CUMSUM: Operator(Kind.SCAN, (0, 1), KEEPS_TYPE),
    OpCode.ADD_N: Operator(Kind.SUM_OF_MANY, (), NORMALIZES),
    OpCode.BIDIRECTIONAL_SEQUENCE_LSTM: Operator(Kind.RECURRENT, (), PLAIN),
    OpCode.BIDIRECTIONAL_SEQUENCE_RNN: Operator(Kind.RECURRENT, (), PLAIN),
    OpCode.LSTM: Operator(Kind.RECURRENT, (), PLAIN),
    OpCode.RNN: Operator(Kind.RECURRENT, (), PLAIN),
    OpCode.SVDF: Operator(Kind.RECURRENT, (0, 1, 2, 3, 4), RESCALES),
    OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM: Operator(
        Kind.RECURRENT, (0, *range(1, 9), *range(12, 16), 18, 19), PLAIN
    ),
    OpCode.UNIDIRECTIONAL_SEQUENCE_RNN: Operator(Kind.RECURRENT, (), PLAIN),
    OpCode.ASSIGN_VARIABLE: Operator(Kind.VARIABLE, (0, 1), EFFECT | NO_OUTPUT),
    OpCode.READ_VARIABLE: Operator(Kind.VARIABLE, (0,), PLAIN),
    OpCode.VAR_HANDLE: Operator(Kind.VARIABLE, (), PLAIN),
    OpCode.CALL: Operator(Kind.CALL, (), EFFECT),
    OpCode.CALL_ONCE: Operator(Kind.CALL, (), EFFECT | NO_OUTPUT),
    OpCode.IF: Operator(Kind.CALL, (0,), EFFECT | VARIADIC | NO_OUTPUT),
    OpCode.WHILE: Operator(Kind.CALL, (), EFFECT | VARIADIC | NO_OUTPUT),
    OpCode.FILL: Operator(Kind.FILL, (0, 1), PLAIN),
    OpCode.RANGE: Operator(Kind.FILL, (), PLAIN),
    OpCode.ZEROS_LIKE: Operator(Kind.ZEROS, (0,), KEEPS_TYPE),
    OpCode.RANK: Operator(Kind.SHAPE, (0,), PLAIN),
    OpCode.SHAPE: Operator(Kind.SHAPE, (0,), PLAIN),
    OpCode.ATAN2: Operator(Kind.OTHER, (0, 1), PLAIN),
    OpCode.BITCAST: Operator(Kind.OTHER, (0,), PLAIN),
    OpCode.BITWISE_XOR: Operator(Kind.OTHER, (0, 1), PLAIN),
    OpCode.BROADCAST_ARGS: Operator(Kind.OTHER, (0, 1), PLAIN),
    OpCode.CUSTOM: Operator(Kind.OTHER, (), EFFECT),
    OpCode.DELEGATE: Operator(Kind.OTHER, (), EFFECT),
    OpCode.DYNAMIC_UPDATE_SLICE: Operator(Kind.OTHER, (0, 1, 2), PLAIN),
    OpCode.EMBEDDING_LOOKUP: Operator(Kind.OTHER, (0, 1), PLAIN),
    OpCode.FAKE_QUANT: Operator(Kind.OTHER, (0,), PLAIN),
    OpCode.HASHTABLE_IMPORT: Operator(Kind.OTHER, (), EFFECT),
    OpCode.MULTINOMIAL: Operator(Kind.OTHER, (), EFFECT),
    OpCode.POW: Operator(Kind.OTHER, (0, 1), PLAIN),
    OpCode.RANDOM_STANDARD_NORMAL: Operator(Kind.OTHER, (), EFFECT),
    OpCode.RANDOM_UNIFORM: Operator(Kind.OTHER, (), EFFECT),
    OpCode.RIGHT_SHIFT: Operator(Kind.OTHER, (0, 1), PLAIN),
    OpCode.STABLEHLO_CASE: Operator(Kind.OTHER, (), EFFECT),
    OpCode.STABLEHLO_COMPOSITE: Operator(Kind.OTHER, (), EFFECT),
    OpCode.STABLEHLO_CUSTOM_CALL: Operator(Kind.OTHER, (), EFFECT),
    OpCode.STABLEHLO_RNG_BIT_GENERATOR: Operator(Kind.OTHER, (), EFFECT),
    OpCode.STABLEHLO_WHILE: Operator(Kind.OTHER, (), EFFECT),
    OpCode.TOPK_V2: Operator(Kind.OTHER, (0, 1), PLAIN),
    OpCode.UNKNOWN: Operator(Kind.OTHER, (), EFFECT),
}
UNLISTED = Operator()


def kind_of(op: Op) -> Kind:
    """The kind of an operator."""
    return facts_of(op).kind


def facts_of(op: Op) -> Operator:
    """The facts of an operator; of one without a row, that nothing is known."""
    return OPERATORS.get(op.code, UNLISTED)


def data_of(op: Op) -> Value | None:
    """The input that holds the activations; None where it is left out."""
    return op.input(facts_of(op).data)


def bias_of(op: Op) -> Value | None:
    """The bias, None without one."""
    index = facts_of(op).bias
    return None if index is None else op.input(index)


def channel_axis_of(op: Op) -> int:
    """The axis of a layer's weights that holds the output channels."""
    return facts_of(op).channel_axis or 0


def of_kind(*kinds: Kind) -> frozenset[OpCode]:
    """All operators of some kinds."""
    return frozenset(code for code, row in OPERATORS.items() if row.kind in kinds)


def having(trait: Trait) -> frozenset[OpCode]:
    """All operators with a trait."""
    return frozenset(code for code, row in OPERATORS.items() if trait in row.traits)


UNARY = of_kind(Kind.UNARY)
BINARY = of_kind(Kind.BINARY, Kind.COMPARISON)
ELEMENTWISE = UNARY | BINARY
VIEWS, SPLITS, PADS = of_kind(Kind.VIEW), of_kind(Kind.SPLIT), of_kind(Kind.PAD)
SLICES = of_kind(Kind.SLICE, Kind.STRIDED_SLICE)
JOINS, TRANSPOSES, DENSE = of_kind(Kind.JOIN), of_kind(Kind.TRANSPOSE), of_kind(Kind.DENSE)
CONVOLUTIONS = of_kind(Kind.CONVOLUTION, Kind.DEPTHWISE)
WEIGHTED = CONVOLUTIONS | DENSE | of_kind(Kind.TRANSPOSE_CONV)
POOLS, RESIZES = of_kind(Kind.POOL), of_kind(Kind.RESIZE)
REDUCTIONS = of_kind(Kind.REDUCTION)
RECURRENT, VARIABLES, CALLS = of_kind(Kind.RECURRENT), of_kind(Kind.VARIABLE), of_kind(Kind.CALL)
MOVEMENTS = having(Trait.REARRANGES)
EFFECTS = having(Trait.EFFECT)
"""Never removed or merged."""


def has_effect(op: Op) -> bool:
    """Whether removing ``op`` could be seen although nobody reads its outputs."""
    if op.code in EFFECTS or not op.outputs:
        return True
    states = (value for value in op.inputs if value is not None and value.is_variable)
    return any(use.op is not op for state in states for use in state.uses)
