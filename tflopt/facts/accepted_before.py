"""What an older TFLM lacks of what the newest takes: data alone.

Found by comparing registrations and kernels of both sources; ``benchmarks/runs.py --tflm`` holds
the verdict against a build of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tflopt.facts.accepted_types import SHORT
from tflopt.ir import DType, OpCode

Types = tuple[DType, ...]


@dataclass(frozen=True)
class Lacks:
    """The differences to the newest TFLM.

    Attributes:
        operators: ``micro_mutable_op_resolver.h`` has no method for them.
        types: of the tensors that count for an operator, which its kernel refuses.
        reduced_axes: as many axes MEAN and SUM take; more run over the end of an array on the
            stack (``reduce_common.cc``). None: any number.
        reduced_rank: as many dimensions their input may have, for the same reason.
        broadcast_ranks: operators whose loop over broadcast inputs aborts beyond so many
            dimensions (``RuntimeShape::ExtendedShape``); tensors of equal shapes may have more.
        free_integers: of these, operators whose int8 and int16 loops don't have that limit.
        silent: operators whose ``Invoke`` returns ok on what the kernel lacks: CAST writes nothing
            then (``cast.cc``), MEAN and SUM write past that array.
    """

    operators: frozenset[OpCode] = frozenset()
    types: frozenset[tuple[OpCode, Types]] = frozenset()
    reduced_axes: int | None = None
    reduced_rank: int | None = None
    broadcast_ranks: tuple[tuple[OpCode, int], ...] = ()
    free_integers: frozenset[OpCode] = frozenset()
    silent: frozenset[OpCode] = frozenset()


NOTHING = Lacks()
BEFORE_90B983C = Lacks(
    operators=frozenset({OpCode.DYNAMIC_UPDATE_SLICE, OpCode.REDUCE_ALL}),
    types=frozenset({(OpCode.PRELU, (SHORT["i16"], SHORT["i8"], SHORT["i16"]))}),
    reduced_axes=2,
    reduced_rank=5,
    broadcast_ranks=(
        *((code, 5) for code in (OpCode.MAXIMUM, OpCode.MINIMUM)),
        *((code, 4) for code in (OpCode.EQUAL, OpCode.NOT_EQUAL, OpCode.GREATER)),
        *((code, 4) for code in (OpCode.GREATER_EQUAL, OpCode.LESS, OpCode.LESS_EQUAL)),
        *((code, 4) for code in (OpCode.FLOOR_DIV, OpCode.FLOOR_MOD, OpCode.PRELU)),
        (OpCode.SQUARED_DIFFERENCE, 4),
    ),
    free_integers=frozenset({OpCode.SQUARED_DIFFERENCE}),
    silent=frozenset({OpCode.CAST, OpCode.MEAN, OpCode.SUM}),
)
