"""What one operator costs on the device: the function that runs and the memory it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

PERSISTENT_ALIGNMENT = 16


class Path(Enum):
    """How good the code is that runs.

    OPTIMIZED is CMSIS-NN with the core's vector instructions (or nothing but memory moves), PLAIN
    a CMSIS-NN function that is plain C on this core, REFERENCE TFLM's own kernel.
    """

    OPTIMIZED = "optimized"
    PLAIN = "plain"
    REFERENCE = "reference"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Persistent:
    """A buffer in the arena's tail, besides OpData, that the kernel's Prepare allocates."""

    name: str
    size_bytes: int
    alignment: int = PERSISTENT_ALIGNMENT


@dataclass(frozen=True, slots=True)
class KernelUse:
    """The function, and every request for memory in the order in which TFLM's kernel makes it.

    Attributes:
        scratch_bytes: one size per request, before the planner rounds it up to 16; a zero-byte
            request that TFLM makes is listed, as it costs a handle. None: not known.
        op_data_bytes: the kernel's OpData on 32-bit Arm, 0 without one. None: not known.
        persistent: further buffers in the tail.
        why_not_faster: why ``path`` is not OPTIMIZED, or which faster function was missed.
    """

    function: str
    path: Path
    scratch_bytes: tuple[int, ...] | None = ()
    op_data_bytes: int | None = 0
    persistent: tuple[Persistent, ...] = ()
    why_not_faster: str | None = None

    @property
    def scratch_total_bytes(self) -> int:
        """The sum of the requests, 0 where they are not known."""
        return sum(self.scratch_bytes or ())

    @property
    def persistent_total_bytes(self) -> int:
        """OpData and the further buffers, without the alignment between them."""
        return (self.op_data_bytes or 0) + sum(request.size_bytes for request in self.persistent)


class MalformedError(Exception):
    """The operator lacks an input, an output, options or dimensions that its kernel needs."""


UNKNOWN = KernelUse(
    "unknown",
    Path.UNKNOWN,
    scratch_bytes=None,
    op_data_bytes=None,
    why_not_faster="not an operator of TFLM that tflopt knows",
)
