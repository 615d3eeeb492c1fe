"""All known defects, and where a model meets them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial

from tflopt.ir import Model, Op, OpCode
from tflopt.ir.calls import called_graphs
from tflopt.target.cmsis_nn.of_operator import layer_of
from tflopt.target.device import Device
from tflopt.target.hazards import entries
from tflopt.target.hazards.hazard import Hazard, HazardFinding, Site
from tflopt.target.kernels import KernelRow, kernel_use, scratch_table


@cache
def hazards() -> tuple[Hazard, ...]:
    """Every entry, by name: one module of ``entries`` each."""
    all_entries = []
    for module in pkgutil.iter_modules(entries.__path__):
        entry = importlib.import_module(f"{entries.__name__}.{module.name}").HAZARD
        if not isinstance(entry, Hazard):
            raise TypeError(f"{module.name}.HAZARD is no Hazard")
        all_entries.append(entry)
    return tuple(sorted(all_entries, key=lambda hazard: hazard.name))


@cache
def hazards_by_code(library: str) -> Mapping[OpCode, Sequence[Hazard]]:
    """The defects of TFLM and of the kernel library of that name, by the operators they concern.

    Without those that ask where an operator stands: `find_hazards` asks these.
    """
    by_code: dict[OpCode, list[Hazard]] = {}
    for hazard in (entry for entry in hazards() if not entry.of_subgraph):
        for code in hazard.operators if hazard.part in ("TFLM", library) else ():
            by_code.setdefault(code, []).append(hazard)
    return by_code


def hazards_at(op: Op, device: Device) -> list[Hazard]:
    """The defects that ``op`` meets where it stands, subgraph by subgraph."""
    known = hazards_by_code(device.kernels.name).get(op.code)
    if not known:
        return []

    def earlier_requests() -> int:
        before = op.graph.ops[: op.graph.ops.index(op)]
        uses = (kernel_use(earlier, device) for earlier in before)
        return sum(len(use.scratch_bytes or ()) for use in uses)

    use = kernel_use(op, device)
    site = Site(op, layer_of(op), use, earlier_requests, device)
    return [hazard for hazard in known if hazard.meets(site) is not None]


def is_routed_by(rule: str, op: Op, device: Device) -> bool:
    """Whether ``op`` meets a defect that the rule of that name avoids."""
    return any(hazard.rule == rule for hazard in hazards_at(op, device))


def find_hazards(model: Model, device: Device) -> list[HazardFinding]:
    """Every operator of ``model`` that is computed wrongly on ``device``, in execution order.

    Needs no runner: the predicates look at shapes, options and types only.
    """
    findings: list[HazardFinding] = []
    requests = 0
    known, running = hazards_by_code(device.kernels.name), called_graphs(model)
    for row in scratch_table(model, device):
        if row.subgraph not in running:
            findings += _uncalled(row, device)
        met = known.get(row.op.code)
        if met is not None:
            site = Site(row.op, layer_of(row.op), row.use, partial(int, requests), device)
            details = ((hazard, hazard.meets(site)) for hazard in met)
            findings += [
                HazardFinding(hazard, row.subgraph, row.index, row.op, detail)
                for hazard, detail in details
                if detail is not None
            ]
        requests += len(row.use.scratch_bytes or ())
    return findings


def _uncalled(row: KernelRow, device: Device) -> Iterator[HazardFinding]:
    """What an operator meets because its subgraph never runs."""
    site = Site(row.op, None, row.use, partial(int, 0), device, is_called=False)
    for hazard in (entry for entry in hazards() if entry.of_subgraph):
        detail = hazard.meets(site) if row.op.code in hazard.operators else None
        if detail is not None:
            yield HazardFinding(hazard, row.subgraph, row.index, row.op, detail)
