"""Let ARG_MAX and ARG_MIN give int32, as TFLM's kernels do, where int64 was asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tflopt.config import Config
from tflopt.facts.operators import facts_of
from tflopt.ir import DType, Op, OpCode, Record
from tflopt.ir.options import CastOptions
from tflopt.rewrite import Rewriter, Rule, Why, require

OPTIONS = {OpCode.ARG_MAX: "ArgMaxOptions", OpCode.ARG_MIN: "ArgMinOptions"}


@dataclass(frozen=True)
class NarrowArgMax(Rule):
    """Let ARG_MAX and ARG_MIN, which TFLM has for int32 alone, give int32 instead of int64.

    Exact: an index is below 2^31, and CAST and GATHER, which read it, take either. The type of an
    output of the model changes only where that is asked for, with ``--narrow-outputs``.
    """

    name: ClassVar[str] = "narrow-arg-max"
    number: ClassVar[int] = 82
    rank: ClassVar[int] = 325
    anchors: ClassVar[frozenset[OpCode]] = frozenset(OPTIONS)
    outputs: bool = False

    @classmethod
    def from_config(cls, config: Config) -> NarrowArgMax:
        """Whether outputs of the model may become int32."""
        return cls(config.narrow_outputs)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Change the output's type, here and for its readers."""
        index = op.output
        if index.dtype is not DType.INT64:
            return
        bound = Why.INTERFACE("its int64 is an output of the model; --narrow-outputs changes it")
        require(self.outputs or not index.is_graph_output, bound, at=op)
        others = [
            use.op
            for use in index.uses
            if use.op is not None and not _takes_int32(use.op, use.position)
        ]
        require(not others, "another operator needs its int64", at=op)
        for user in index.users:
            if user.code is OpCode.CAST and isinstance(user.options, CastOptions):
                rw.set_options(user, replace(user.options, in_data_type=DType.INT32.value))
        rw.update(op, options=Record(OPTIONS[op.code], {"output_type": DType.INT32.value}))
        rw.update(index, dtype=DType.INT32)
        rw.note(f"{op.opcode.label} gives int32")


def _takes_int32(op: Op, index: int) -> bool:
    """Whether an input may be int32 as well as int64, with the same result."""
    return facts_of(op).indices == index or (op.code is OpCode.CAST and index == 0)
