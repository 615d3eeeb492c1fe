"""What the dispatch functions share."""

from __future__ import annotations

from tflopt.target.cortex_m import Isa
from tflopt.target.use import KernelUse, Path, Persistent

FLOAT_REASON = "only int8 and int16 activations have a CMSIS-NN function here"
SCALAR_REASON = "plain C: this build has neither DSP nor MVE"
NO_DSP_REASON = "plain C: the function has vector code for MVE only"


def requests(size: int) -> tuple[int, ...]:
    """The requests of the kernels that make one only when it is not empty."""
    return (size,) if size > 0 else ()


def per_channel_arrays(channels: int) -> tuple[Persistent, ...]:
    """The int32 multiplier and shift of each output channel."""
    return (
        Persistent("output multipliers", 4 * channels),
        Persistent("output shifts", 4 * channels),
    )


def simd_path(isa: Isa) -> Path:
    """The path of a function with both DSP and MVE code."""
    return Path.PLAIN if isa is Isa.SCALAR else Path.OPTIMIZED


def simd_use(
    function: str,
    isa: Isa,
    *,
    op_data_bytes: int,
    scratch_bytes: tuple[int, ...] = (),
    persistent: tuple[Persistent, ...] = (),
    mve_only: bool = False,
) -> KernelUse:
    """The use of a function that has DSP and MVE code, or MVE code only."""
    plain = isa is Isa.SCALAR or (mve_only and isa is not Isa.MVE)
    reason = NO_DSP_REASON if isa is Isa.DSP else SCALAR_REASON
    return KernelUse(
        function,
        Path.PLAIN if plain else Path.OPTIMIZED,
        scratch_bytes=scratch_bytes,
        op_data_bytes=op_data_bytes,
        persistent=persistent,
        why_not_faster=reason if plain else None,
    )


def plain_use(
    function: str,
    why: str,
    *,
    op_data_bytes: int,
    scratch_bytes: tuple[int, ...] = (),
    persistent: tuple[Persistent, ...] = (),
) -> KernelUse:
    """The use of a CMSIS-NN function that is plain C everywhere."""
    return KernelUse(function, Path.PLAIN, scratch_bytes, op_data_bytes, persistent, why)


def reference_use(
    function: str,
    why: str,
    *,
    op_data_bytes: int | None,
    scratch_bytes: tuple[int, ...] = (),
    persistent: tuple[Persistent, ...] = (),
) -> KernelUse:
    """The use of one of TFLM's own kernels."""
    return KernelUse(function, Path.REFERENCE, scratch_bytes, op_data_bytes, persistent, why)
