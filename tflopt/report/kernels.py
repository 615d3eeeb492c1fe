"""The kernel of each operator, why not a faster one, and what it is predicted to cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from tflopt.facts.work import macs
from tflopt.ir import Model
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.target.kernels import kernel_use


@dataclass(frozen=True)
class KernelCost:
    """One operator.

    Attributes:
        path: ``optimized``, ``plain``, ``reference`` or ``unknown``.
        faster: the faster function that it misses, None where it has the best for its kind.
        why: the first condition of that function that fails, or why the path is slow.
        runs: how often one inference runs it, 0 for what only the first one runs.
        instructions: in one inference.
        basis: ``measured``, ``estimated`` or ``unknown``: how far to trust the prediction.
    """

    subgraph: int
    index: int
    operator: str
    kernel: str
    path: str
    faster: str | None
    why: str | None
    macs: int
    runs: int
    instructions: int
    basis: str


def kernel_costs(model: Model, device: Device) -> list[KernelCost]:
    """Every operator of every subgraph, in execution order."""
    rows = []
    for row in predict_model(model, device).rows:
        use = kernel_use(row.op, device)
        missed = device.kernels.missed(row.op, device.target.isa)
        rows.append(
            KernelCost(
                subgraph=row.subgraph,
                index=row.index,
                operator=row.op.opcode.label,
                kernel=use.function,
                path=use.path.value,
                faster=None if missed is None else missed.function,
                why=use.why_not_faster if missed is None else missed.reason,
                macs=macs(row.op),
                runs=row.runs.usual,
                instructions=row.instructions,
                basis=row.prediction.basis.value,
            )
        )
    return rows


def kernel_rows(model: Model, device: Device) -> list[dict[str, object]]:
    """The same as plain data."""
    return [asdict(row) for row in kernel_costs(model, device)]
