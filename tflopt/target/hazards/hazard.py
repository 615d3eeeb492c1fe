"""What a known defect of the kernels is: one entry of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from tflopt.ir import Op, OpCode
from tflopt.target.cmsis_nn.layers import Layer
from tflopt.target.device import Device
from tflopt.target.use import KernelUse

Detail = str | None
"""Why a layer is affected, with its numbers; None where it is not."""


class Evidence(Enum):
    """How a defect is known."""

    EXECUTED = "executed"
    """Run on an emulated core, and compared with TFLM's reference kernels."""
    HOST = "host"
    """TFLM's own portable kernels differ from LiteRT's, on the host as on the device."""
    SOURCE = "source"
    """Read in the source; what it does on a device was not observed."""


@dataclass(frozen=True)
class Site:
    """One operator on a device, as a predicate sees it.

    Attributes:
        layer: its numbers for CMSIS-NN, None where no kernel of CMSIS-NN takes them.
        use: the function that runs, and its memory.
        earlier_requests: counts the scratch requests of all operators before it, in TFLM's order;
            called by the predicates that need it.
        is_called: whether its subgraph is the first one, or an operator of one that runs calls it.
    """

    op: Op
    layer: Layer | None
    use: KernelUse
    earlier_requests: Callable[[], int]
    device: Device
    is_called: bool = True


@dataclass(frozen=True)
class Hazard:
    """A layer that TFLM or CMSIS-NN computes wrongly, or that stops the firmware.

    Attributes:
        name: what the reports call it; ``testdata/hazards`` has a model of that name that meets it.
        operators: those that can meet it.
        part: whose defect it is: ``CMSIS-NN`` or ``TFLM``.
        where: the source file and what it does wrong, in the versions that have it.
        affected: the ISAs and versions, in words; ``meets`` decides.
        symptom: what the firmware does, in one sentence.
        evidence: how it is known.
        needs: what the library was built with, where the ordinary build does not show it.
        rule: the rewrite that avoids it exactly, None where there is none.
        advice: what a user can do where no rule helps.
        meets: the exact predicate on a layer.
        of_subgraph: it is about where an operator stands, and asked of whole models alone.
    """

    name: str
    operators: frozenset[OpCode]
    part: str
    where: str
    affected: str
    symptom: str
    evidence: Evidence
    rule: str | None
    advice: str
    meets: Callable[[Site], Detail]
    needs: str = ""
    of_subgraph: bool = False


@dataclass(frozen=True)
class HazardFinding:
    """One affected operator: ``detail`` has its numbers."""

    hazard: Hazard
    subgraph: int
    index: int
    op: Op
    detail: str

    @property
    def where(self) -> str:
        """The operator in words, as the reports name it."""
        place = f"operator {self.index}"
        if self.subgraph:
            place = f"subgraph {self.subgraph}, {place}"
        return f"{place} ({self.op.opcode.label})"
