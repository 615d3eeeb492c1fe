"""CMSIS-NN as a kernel library of TFLM: the implementation of the seam."""

from __future__ import annotations

from dataclasses import dataclass

from tflopt.ir import Op
from tflopt.target.cmsis_nn.dispatch import dispatch
from tflopt.target.cmsis_nn.of_operator import layer_of, maker, plain
from tflopt.target.cmsis_nn.versions import NEWEST, Version
from tflopt.target.cmsis_nn.why import faster
from tflopt.target.cortex_m import Isa
from tflopt.target.library import Faster
from tflopt.target.reference_kernels import reference_kernel
from tflopt.target.setup import Setup
from tflopt.target.use import KernelUse


@dataclass(frozen=True)
class CmsisNn:
    """TFLM's kernels in ``kernels/cmsis_nn``, and its own where CMSIS-NN has none.

    Args:
        facts: those that differ between the versions.
    """

    facts: Version = NEWEST
    name: str = "CMSIS-NN"

    @property
    def version(self) -> str:
        """The name of the version, as ``--cmsis-nn`` takes it."""
        return self.facts.name

    @property
    def note(self) -> str:
        """What that version is, in words."""
        return self.facts.note

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def use(self, op: Op, setup: Setup) -> KernelUse:
        """See :meth:`tflopt.target.library.KernelLibrary.use`."""
        make = maker(op)
        if make is not None:
            return dispatch(make(op), setup, self.facts)
        return plain(op, setup.isa) or reference_kernel(op)

    def missed(self, op: Op, isa: Isa) -> Faster | None:
        """See :meth:`tflopt.target.library.KernelLibrary.missed`."""
        layer = layer_of(op)
        return None if layer is None else faster(layer, isa)
