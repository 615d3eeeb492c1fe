"""The seam to the kernels that a firmware links into TFLM: what tflopt asks of such a library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tflopt.ir import Op
from tflopt.target.cortex_m import Isa
from tflopt.target.setup import Setup
from tflopt.target.use import KernelUse


@dataclass(frozen=True)
class Faster:
    """The faster function that was passed over, and the first of its conditions that fails."""

    function: str
    reason: str


class KernelLibrary(Protocol):
    """Which function runs an operator, and what it keeps in the arena.

    Implementations are frozen and compare by value: predictions are remembered by them. The rest
    of what tflopt knows of a library is found by what it answers here: costs and overlaps by the
    function's name, defects by the library's.
    """

    @property
    def name(self) -> str:
        """As people know it; a hazard's ``part`` says whose defect it is by this name."""

    @property
    def version(self) -> str:
        """What ``--cmsis-nn`` takes, and what reports and the annotation name."""

    @property
    def note(self) -> str:
        """What that version is, in words."""

    def use(self, op: Op, setup: Setup) -> KernelUse:
        """The function that runs ``op``, its scratch and its persistent memory.

        Custom operators and operators that TFLM has no kernel for come back as unknown, with the
        reason.

        Raises:
            MalformedError: the operator lacks what its kernel needs; nothing else is raised for a
                model that could be read.
        """

    def missed(self, op: Op, isa: Isa) -> Faster | None:
        """The faster function that ``op`` comes closest to; None where it has the best."""
