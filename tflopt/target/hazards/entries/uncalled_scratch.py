"""Scratch in a subgraph that nothing calls has no place in the arena."""

from __future__ import annotations

from tflopt.facts.tflm import KERNELS
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site


def _meets(site: Site) -> Detail:
    if site.is_called or not site.use.scratch_bytes:
        return None
    return f"asks for {site.use.scratch_total_bytes:,} bytes of scratch, and nothing calls it"


HAZARD = Hazard(
    name="uncalled-scratch",
    operators=frozenset(KERNELS),
    part="TFLM",
    where="CommitPlan (micro_allocator.cc:140) writes the address of every scratch request, and "
    "only those of subgraphs that are called have a place to be written to",
    affected="models with a subgraph that nothing calls, such as a second signature",
    symptom="AllocateTensors writes to address 0",
    evidence=Evidence.EXECUTED,
    needs="a core whose address 0 can't be written",
    rule=None,
    advice="convert with one signature only",
    meets=_meets,
    of_subgraph=True,
)
