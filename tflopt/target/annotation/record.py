"""The annotation as Python sees it."""

from __future__ import annotations

from dataclasses import dataclass

from tflopt.target.cortex_m import Isa

METADATA_NAME = "TFLOPT"
FORMAT = 1


@dataclass(frozen=True)
class OperatorMemory:
    """What one operator needs: ``scratch_bytes`` is the sum of its requests, None if unknown."""

    subgraph: int
    index: int
    kernel: str
    scratch_bytes: int | None
    persistent_bytes: int


@dataclass(frozen=True)
class Annotation:
    """What tflopt knows of a model's memory on one target.

    Attributes:
        tool: the version of tflopt.
        source_sha256: 32 bytes, of the model that was optimized.
        target: a GCC ``-mcpu`` spelling.
        cmsis_nn: a CMSIS-NN version's name.
        arena_head_bytes: with the tail, what ``MicroInterpreter::arena_used_bytes()`` returns.
        arena_total_bytes: the smallest arena in which ``AllocateTensors`` succeeds.
        rules: names of the rules that were applied.
        isa_specific_overlap: the plan's overlaps are proven for ``isa`` alone.
    """

    tool: str
    source_sha256: bytes
    target: str
    isa: Isa
    cmsis_nn: str
    arena_head_bytes: int
    arena_tail_bytes: int
    arena_total_bytes: int
    operators: tuple[OperatorMemory, ...] = ()
    rules: tuple[str, ...] = ()
    isa_specific_overlap: bool = False
