"""The sets of kernels that a plan with overlaps may be run by, and how close each lets it be.

One file has one plan, and it isn't known which library a firmware links. So the usual plan keeps
the distances that every set bears, TFLM's reference kernels among them, which run on the host too;
a closer one has to say whom it trusts.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from enum import Enum
from functools import lru_cache, partial

from tflopt.facts.operators import Kind, kind_of
from tflopt.ir import DType, Op
from tflopt.plan.find_aliases import op_window
from tflopt.plan.overlap import (
    OWN_CHANNEL,
    REFERENCE,
    WHOLE_WINDOW,
    Kernel,
    least_gap,
    portable_gap,
)
from tflopt.target.by_layer import ByLayer
from tflopt.target.cortex_m import Isa, Target
from tflopt.target.device import Device
from tflopt.target.kernels import kernel_use
from tflopt.target.use import Path

APART = ""
EVERY = "every"
PORTABLE = "all"
THIS_ISA = "target"
ISA_ALONE = "isa"
"""How far a plan lets tensors overlap: not at all; as every set of kernels bears it; as CMSIS-NN
does on every ISA; as CMSIS-NN does on the target's and TFLM's own kernels do on the host, so that
what is verified is what ships; as CMSIS-NN does on the target's alone."""


class KernelSet(Enum):
    """Kernels that are built together."""

    REFERENCE = "TFLM's reference kernels"
    SCALAR = "CMSIS-NN without DSP"
    DSP = "CMSIS-NN with DSP"
    MVE = "CMSIS-NN with MVE"

    def __str__(self) -> str:
        return self.value

    @property
    def isa(self) -> Isa | None:
        """Of CMSIS-NN; None for TFLM's own, which are the same on all."""
        return None if self is KernelSet.REFERENCE else Isa[self.name]


ONE_OF_EACH = {Isa.SCALAR: "cortex-m0", Isa.DSP: "cortex-m4", Isa.MVE: "cortex-m55"}
CMSIS_NN_SETS = (KernelSet.SCALAR, KernelSet.DSP, KernelSet.MVE)


def trusted_sets(overlap: str, target: Target) -> tuple[KernelSet, ...]:
    """The kernels that a plan of this kind is right on; all of them where nothing overlaps."""
    own = KernelSet[target.isa.name]
    if overlap in (THIS_ISA, ISA_ALONE):
        return (own,) if overlap == ISA_ALONE else (KernelSet.REFERENCE, own)
    return CMSIS_NN_SETS if overlap == PORTABLE else tuple(KernelSet)


@lru_cache(maxsize=64)
def on(device: Device, kernels: KernelSet) -> Device:
    """A device with a core that runs these kernels, the same in all else."""
    return replace(device, target=Target.parse(ONE_OF_EACH[kernels.isa or Isa.SCALAR]))


def gap_on(op: Op, kernels: Collection[KernelSet], device: Device) -> int | None:
    """The least distance in bytes between input and output that all of ``kernels`` bear.

    ``device`` tells which library, in which version and build.
    """
    known = device.gaps.setdefault(tuple(kernels), ByLayer())
    return known.of(op, partial(_all_bear, kernels, device))


def _all_bear(kernels: Collection[KernelSet], device: Device, op: Op) -> int | None:
    ordered = sorted(kernels, key=lambda kernel_set: kernel_set.isa is None)  # theirs take longest
    return portable_gap(_gap(op, kernel_set, device) for kernel_set in ordered)


def _gap(op: Op, kernels: KernelSet, device: Device) -> int | None:
    window, isa = op_window(op), kernels.isa
    if window is None:
        return None
    if isa is None:
        reads = _READS.get(kind_of(op)) if op.output.dtype is DType.INT8 else None
        return None if reads is None else least_gap(Kernel(reads, REFERENCE), window)
    use = kernel_use(op, on(device, kernels))
    if use.path not in (Path.OPTIMIZED, Path.PLAIN):
        return None
    return least_gap(Kernel(use.function, isa.value, _groups(op)), window)


def _groups(op: Op) -> int:
    weights, data = op.input(1), op.input(0)
    if weights is None or data is None or len(weights.shape) != 4:
        return 1
    return max(1, data.shape[-1] // max(1, weights.shape[-1]))


_READS = {
    Kind.CONVOLUTION: WHOLE_WINDOW,
    Kind.DENSE: WHOLE_WINDOW,
    Kind.DEPTHWISE: OWN_CHANNEL,
    Kind.POOL: OWN_CHANNEL,
}
