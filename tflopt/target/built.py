"""The target that Arm objects were built for, of their build attributes."""

from __future__ import annotations

from collections.abc import Iterable

from tflopt.io.build_attributes import BuildAttributes
from tflopt.target.cortex_m import Isa, Target

ARCHITECTURES = {"6s-m": "cortex-m0", "7-m": "cortex-m3", "7e-m": "cortex-m4"}
"""What GCC writes for a core of an architecture; by them kernels are chosen alike."""


def target_built_for(cpu: str, attributes: Iterable[BuildAttributes]) -> Target:
    """A core by its name in attributes, with the best instructions that any of them has.

    Raises:
        UsageError: no such core is known.
    """
    name, isa = cpu.lower(), isa_of(attributes)
    target = Target.parse(ARCHITECTURES.get(name, name))
    return Target(target.cpu, isa) if isa in target.cpu.legal_isas else target


def isa_of(attributes: Iterable[BuildAttributes]) -> Isa:
    """The best instructions that any of some objects was built with."""
    objects = tuple(attributes)
    if any(build.mve for build in objects):
        return Isa.MVE
    return Isa.DSP if any(build.dsp for build in objects) else Isa.SCALAR
