"""The annotation as Python sees it."""

from __future__ import annotations

from dataclasses import dataclass

from tflopt.target.cortex_m import Isa
from tflopt.target.kernel_sets import KernelSet

METADATA_NAME = "TFLOPT"
FORMAT = 2
LIBRARY_FORMAT = 3
"""With the TFLM library that it is for; without one that is the usual build of tflopt's newest."""
DIGEST_BYTES = 6
"""Of the source's SHA-256, as many as are stored; format 1 has all 32."""


@dataclass(frozen=True)
class OperatorMemory:
    """What one operator needs: ``scratch_bytes`` is the sum of its requests, None if unknown.

    ``kernel`` and ``persistent_bytes`` are known in format 1 only: both follow from the model and
    the version of CMSIS-NN.
    """

    subgraph: int
    index: int
    scratch_bytes: int | None
    kernel: str = ""
    persistent_bytes: int | None = None


@dataclass(frozen=True)
class Annotation:
    """What tflopt knows of a model's memory on one target.

    Attributes:
        tool: the version of tflopt: three numbers.
        source_sha256: of the model that was optimized, `DIGEST_BYTES` of it or all 32.
        target: a GCC ``-mcpu`` spelling.
        cmsis_nn: a CMSIS-NN version's name.
        arena_head_bytes: with the tail, what ``MicroInterpreter::arena_used_bytes()`` returns.
        arena_total_bytes: the smallest arena in which ``AllocateTensors`` succeeds.
        operators: those that have scratch, or whose scratch is unknown, in the model's order.
        rules: numbers of the rules that were applied, ascending.
        rule_names: their names, in format 1 only.
        isa_specific_overlap: the plan's overlaps are proven for ``isa`` alone.
        trusted: the kernels that the plan is right on; None where the annotation doesn't say it.
        library: TFLM's commit and how it was built, ``3b20912,size``; empty for the usual one.
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
    rules: tuple[int, ...] = ()
    rule_names: tuple[str, ...] = ()
    isa_specific_overlap: bool = False
    trusted: frozenset[KernelSet] | None = None
    library: str = ""
